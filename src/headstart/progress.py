"""What a run says while it works: small frozen values, handed to any callable that wants to listen.

Nothing here prints or writes; the command line and `events.jsonl` are two such listeners.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headstart.cost import Cost


@dataclass(frozen=True)
class Stage:
    """A part of the run begins."""

    name: str
    detail: str = ""


@dataclass(frozen=True)
class Advance:
    """Some of a stage's units are done; `unit` says of what, for example "rows" or "steps"."""

    stage: str
    done: int
    total: int | None
    unit: str = "rows"
    loss: float | None = None


@dataclass(frozen=True)
class Measured:
    """A figure was measured; `detail` begins with the rows it was measured on, as in "validation, epoch 1 of 3"."""

    name: str
    value: float
    detail: str = ""


@dataclass(frozen=True)
class Note:
    """A choice was made or a fall-back taken that the user should know of; repeated in the report."""

    text: str


@dataclass(frozen=True)
class Warned:
    """Something is probably not as the user wants it; repeated in the report."""

    text: str


@dataclass(frozen=True)
class Foreseen:
    """What the run will cost, before most of it is spent."""

    cost: Cost


Event = Stage | Advance | Measured | Note | Warned | Foreseen
Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """Listens and says nothing."""


def to_json(event: Event) -> dict[str, Any]:
    """The event as JSON types, its class name under "event"."""
    return {"event": type(event).__name__.lower(), **dataclasses.asdict(event)}
