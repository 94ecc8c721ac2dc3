"""The suite has no network: the guard bites here and in every process a test starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import families
import headstart

NOBODY = ("127.0.0.1", 9)
ATTEMPTS: dict[str, Callable[[socket.socket], object]] = {
    "connecting": lambda stream: stream.connect(NOBODY),
    "trying to connect": lambda stream: stream.connect_ex(NOBODY),
    "sending without connecting": lambda stream: stream.sendto(b"", NOBODY),
    "sending parts without connecting": lambda stream: stream.sendmsg([b""], [], 0, NOBODY),
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


def test_nothing_listens_in_on_threads_that_are_traced_as_they_start() -> None:
    """CPython before 3.12 may refuse a thread its tracer while an audit hook in Python runs for another's."""
    code = """
import sys, threading
sys.setswitchinterval(1e-6)
threading.settrace(lambda *_: None)
threading.excepthook = lambda args: print(args.exc_value)
def start():
    for _ in range(300):
        sys.settrace(None)
threads = [threading.Thread(target=start) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_worker_processes_may_still_talk_over_unix_sockets(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


@pytest.mark.parametrize("name", ["HF_HOME", "HEADSTART_CACHE"])
def test_caches_of_tests_are_not_the_users(name: str) -> None:
    assert "headstart-tests-" in os.environ[name]


VERBS = """
import json, sys
from pathlib import Path

TRIED = Path(sys.argv[1])
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostby", "socket.sendto", "socket.sendmsg", "socket.bind")


def tell(event, args):
    if event.startswith(NETWORK):
        with TRIED.open("a") as file:
            file.write(f"{event}\\n")
        raise OSError(f"{event}: no network")


sys.addaudithook(tell)
from headstart.cli import main

for words in map(str.split, sys.argv[2:]):
    print("#", *words, main(words))
"""
MODEL = "--model hf:tests/tiny-bert"
STEPS = (
    "models",
    "doctor",
    f"check {{rows}} {MODEL} {{switch}}",
    "inspect hf:tests/tiny-bert {switch}",
    "encode hf:tests/tiny-bert {rows} --out {run}.npz --precision float32 {switch}",
    f"fit {{rows}} {MODEL} --out {{run}} --precision float32 {{switch}}",
    "predict {run} {rows} --out {run}.jsonl",
    "evaluate {run} {rows}",
    "report {run}",
)


def tried(place: Path, steps: list[str], **variables: str) -> tuple[str, str]:
    """The verbs' exit codes, and which ways to the network were tried; the process has no guard but this one."""
    kept = {name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "PYTHONPATH")}
    kept["PYTHONPATH"] = str(Path(headstart.__file__).parents[1])
    command = [sys.executable, "-c", VERBS, str(place), *steps]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**kept, **variables})
    codes = "".join(line[-1] for line in done.stdout.splitlines() if line.startswith("# "))
    return codes, place.read_text() if place.exists() else ""


@pytest.mark.parametrize(("switch", "variables"), [("--offline", {}), ("", {"HF_HUB_OFFLINE": "1"})], ids=str)
def test_no_verb_opens_a_socket_offline(
    switch: str, variables: dict[str, str], hub_cache: Path, tmp_path: Path
) -> None:
    rows = families.csv_of(tmp_path / "rows.csv", families.reviews(40))
    steps = [step.format(rows=rows, run=tmp_path / "run", switch=switch) for step in STEPS]
    assert tried(tmp_path / "tried", steps, **variables) == ("0" * len(STEPS), "")


def test_without_a_switch_a_model_that_is_not_here_is_asked_for(tmp_path: Path) -> None:
    rows = families.csv_of(tmp_path / "rows.csv", families.reviews(40))
    codes, ways = tried(tmp_path / "tried", [f"fit {rows} --model hf:nobody/nothing --out {tmp_path / 'run'}"])
    assert (codes, "socket.getaddrinfo" in ways) == ("1", True)
