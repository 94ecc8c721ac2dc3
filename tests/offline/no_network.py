"""Refuses the network to a whole Python process, below all that goes through its sockets. Importing changes nothing.

No audit hook, though one would sit lower still: before 3.12 CPython lets a thread start while another one runs such a
hook only where nothing traces them, and coverage does.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import wraps
from typing import Any

METHODS = ("connect", "connect_ex", "sendto", "sendmsg")
LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")


class NetworkRefusedError(RuntimeError):
    """A test asked for the network. Not an `OSError`, which libraries take for bad luck and pass over in silence."""


def refuse() -> None:
    """Every later attempt to reach a host or look one up raises; files' paths (Unix sockets) stay open to workers."""
    for name in METHODS:
        setattr(socket.socket, name, _local_only(getattr(socket.socket, name)))
    for name in LOOKUPS:
        setattr(socket, name, _refused(name))


def _local_only(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: socket.socket, *args: Any) -> Any:
        if self.family != socket.AF_UNIX:
            raise NetworkRefusedError(f"socket.{method.__name__}{args}: tests run without network")
        return method(self, *args)

    return call


def _refused(name: str) -> Callable[..., Any]:
    def call(*args: Any, **named: Any) -> Any:
        raise NetworkRefusedError(f"socket.{name}{args}: tests run without network")

    return call
