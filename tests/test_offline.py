"""The suite has no network: the guard bites here and in every process a test starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

NOBODY = ("127.0.0.1", 9)
ATTEMPTS: dict[str, Callable[[socket.socket], object]] = {
    "connecting": lambda stream: stream.connect(NOBODY),
    "sending without connecting": lambda stream: stream.sendto(b"", NOBODY),
    "looking up an address": lambda _: socket.getaddrinfo("localhost", 80),
    "looking up a name": lambda _: socket.gethostbyname("localhost"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_a_test_cannot_reach_the_network(attempt: Callable[[socket.socket], object]) -> None:
    with socket.socket() as stream, pytest.raises(RuntimeError, match="without network"):
        attempt(stream)


def test_a_process_started_by_a_test_cannot_either() -> None:
    code = "import socket; socket.create_connection(('127.0.0.1', 9), timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "NetworkRefusedError" in done.stderr


def test_worker_processes_may_still_talk_over_unix_sockets(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


@pytest.mark.parametrize("name", ["HF_HOME", "HEADSTART_CACHE"])
def test_caches_of_tests_are_not_the_users(name: str) -> None:
    assert "headstart-tests-" in os.environ[name]
