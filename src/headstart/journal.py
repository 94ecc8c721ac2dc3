"""Listens to a run: writes every event down, and remembers what the report repeats (notes, warnings, seconds)."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from headstart.cost import Cost
from headstart.progress import Event, Foreseen, Listener, Note, Stage, Warned, to_json


@dataclass
class Journal:
    """A listener that writes to a file of JSON lines, hands every event on, and keeps what was said."""

    file: TextIO
    listener: Listener
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    foreseen: Cost | None = None
    _joined: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _stages: list[tuple[str, float]] = field(default_factory=list)
    _start: float = field(default_factory=time.perf_counter)

    def __call__(self, event: Event) -> None:
        """Takes one event."""
        if isinstance(event, Note):
            self.notes.append(event.text)
        elif isinstance(event, Warned):
            self.warnings.append(event.text)
        elif isinstance(event, Foreseen):
            self.foreseen = self.foreseen or event.cost
        elif isinstance(event, Stage):
            self._stages.append((event.name, time.perf_counter()))
        self.file.write(json.dumps({"seconds": self._elapsed(), **to_json(event)}, ensure_ascii=False) + "\n")
        self.file.flush()
        self.listener(event)

    def join(self, other: contextlib.AbstractContextManager[Listener]) -> None:
        """Hands every event from now on to another listener too, which is left when the journal closes."""
        first, second = self.listener, self._joined.enter_context(other)

        def both(event: Event) -> None:
            first(event)
            second(event)

        self.listener = both

    def seconds(self) -> dict[str, float]:
        """How long each stage took so far, and "total"."""
        ends = [start for _, start in self._stages[1:]] + [time.perf_counter()]
        taken: dict[str, float] = {}
        for (name, start), end in zip(self._stages, ends, strict=True):
            taken[name] = round(taken.get(name, 0.0) + end - start, 3)
        return {**taken, "total": self._elapsed()}

    def _elapsed(self) -> float:
        return round(time.perf_counter() - self._start, 3)


@contextlib.contextmanager
def journal(path: Path, listener: Listener) -> Iterator[Journal]:
    """A journal that writes to this file until the block ends, behind what a run that goes on wrote before."""
    with path.open("a", encoding="utf-8") as file, contextlib.ExitStack() as joined:
        yield Journal(file, listener, _joined=joined)
