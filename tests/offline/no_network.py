"""Refuses the network to a whole Python process, below every library. Importing this changes nothing."""

from __future__ import annotations

import sys

REFUSED = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"}


class NetworkRefusedError(RuntimeError):
    """A test asked for the network. Not an `OSError`, which libraries take for bad luck and pass over in silence."""


def refuse() -> None:
    """Every later attempt to reach a host raises; there is no way back, as audit hooks cannot be removed."""
    sys.addaudithook(_hook)


def _hook(event: str, args: tuple[object, ...]) -> None:
    if event in REFUSED and not _is_local(args):
        raise NetworkRefusedError(
            f"{event}{args[1:] if event.startswith('socket.connect') else args}: tests run without network"
        )


def _is_local(args: tuple[object, ...]) -> bool:
    """Whether the address is a file's path (a Unix socket), which worker processes talk over."""
    return isinstance(args[-1], str | bytes) and getattr(args[0], "family", None) == 1
