"""A run's events as lines of text."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from headstart.progress import Advance, Event, Foreseen, Measured, Note, Stage, Warned
from headstart.report import words

SECONDS_BETWEEN_LINES = 5.0


def told(event: Stage | Measured | Note | Warned | Foreseen) -> str:
    """The event as a line of text."""
    match event:
        case Stage(name, detail):
            return f"{name}: {detail}" if detail else name
        case Measured(name, value, detail):
            return f"{name} {value:.4f}" + (f" ({detail})" if detail else "")
        case Note(text):
            return f"note: {text}"
        case Warned(text):
            return f"warning: {text}"
        case Foreseen(cost):
            return f"foreseen: {words.cost(dataclasses.asdict(cost))}"


class Lines:
    """Writes each event as a line; of a stage that advances, its end and one line every few seconds.

    Args:
        write: Takes a line without its end.
        clock: Seconds from any origin.
        every: The least seconds between two lines of one stage.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        every: float = SECONDS_BETWEEN_LINES,
    ) -> None:
        self._write, self._clock, self._every = write, clock, every
        self._stage, self._began, self._said = "", 0.0, 0.0

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Advance):
            self._write(told(event))
            if isinstance(event, Stage):
                self._begin(event.name)
        elif self._is_due(event):
            self._said = self._clock()
            self._write(_advanced(event, self._said - self._began))

    def _begin(self, stage: str) -> None:
        self._stage = stage
        self._began = self._said = self._clock()

    def _is_due(self, event: Advance) -> bool:
        if event.stage != self._stage:
            self._begin(event.stage)
        return event.done == event.total or self._clock() - self._said >= self._every


def rate(per_second: float, unit: str) -> str:
    """For example "7.25 rows/s"; digits that mean nothing are left out."""
    return f"{per_second:.3g} {unit}/s" if per_second < 100 else f"{per_second:,.0f} {unit}/s"


def _advanced(event: Advance, seconds: float) -> str:
    """For example "features 320/1000 rows, 80 rows/s, 8 s left, loss 0.312"."""
    whole = "" if event.total is None else f"/{event.total}"
    parts = [f"{event.stage} {event.done}{whole} {event.unit}"]
    if seconds > 0 and event.done:
        per_second = event.done / seconds
        parts.append(rate(per_second, event.unit))
        if event.total is not None and event.done < event.total:
            parts.append(f"{(event.total - event.done) / per_second:.0f} s left")
    if event.loss is not None:
        parts.append(f"loss {event.loss:.3g}")
    return ", ".join(parts)
