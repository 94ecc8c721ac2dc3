"""Whether pretraining is worth it: the curves of a pretrained model, fresh weights and a baseline, side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headstart.advisor import curves, growth, statement
from headstart.advisor.arms import Arm
from headstart.advisor.clock import OutOfTime
from headstart.advisor.measured import Measured
from headstart.advisor.race import Course
from headstart.advisor.rounds import Round
from headstart.advisor.statement import Statement
from headstart.errors import DataError
from headstart.progress import Note

MORE = (2.0, 4.0)
"""Times the rows there are, for which the gain of more labels is told."""


@dataclass(frozen=True)
class Worth:
    """The curves as JSON types, "pretrained", "baseline" and "scratch" as far as they were measured; what they say; and
    why one is missing.
    """

    told: Mapping[str, Any] = field(default_factory=dict)
    more: tuple[Mapping[str, Any], ...] = ()
    said: Statement | None = None
    missing: str | None = None

    @property
    def is_scratch_open(self) -> bool:
        """Whether fresh weights may be the best start with all rows."""
        return self.said is not None and self.said.scratch.now != "ours"

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON types."""
        said = None if self.said is None else dataclasses.asdict(self.said)
        sentence = None if self.said is None else statement.sentence(self.said)
        return {"curves": dict(self.told), "more": list(self.more), "statement": said, "sentence": sentence} | {
            "missing": self.missing
        }


def of(course: Course, frozen: str, measure: Callable[[Round], Measured], baseline: str, fresh: Arm | None) -> Worth:
    """The curves of three ways, as far as rows and time allow.

    Args:
        course: Where; its first round says which rows are drawn from and which are judged.
        frozen: What the frozen model is called.
        measure: Its curve, on the rows of a round; raises `OutOfTime` or `DataError` where there can be none.
        baseline: The best of those that need no model.
        fresh: The same architecture from fresh weights; None where it cannot be trained.
    """
    each = course.rounds[0]
    called = {"pretrained": frozen, "baseline": baseline, "scratch": "" if fresh is None else fresh.name}
    found: dict[str, Measured] = {}
    missing: str | None = None if fresh is not None else "a model without blocks cannot be trained from fresh weights"
    try:
        found["pretrained"] = measure(each)
        found["baseline"] = growth.of_baseline(course, each, baseline)
        if fresh is not None:
            found["scratch"] = growth.from_scratch(course, each, fresh)
    except OutOfTime as late:
        missing = f"more of the curves {late}"
    except DataError as few:
        missing = str(few).rstrip(".")
    if missing is not None:
        course.listener(Note(f"Learning curves are not complete: {missing}."))
    return _told(course, found, called, missing)


def _told(course: Course, found: Mapping[str, Measured], called: Mapping[str, str], missing: str | None) -> Worth:
    fitted = curves.fit(found, seed=course.settings.seed) if found else {}
    told = {kind: curves.told(called[kind], curve) for kind, curve in fitted.items()}
    more = [dataclasses.asdict(curves.growth(fitted["pretrained"], times)) for times in MORE if "pretrained" in fitted]
    is_whole = len(fitted) == 3
    said = statement.statement(fitted["pretrained"], fitted["scratch"], fitted["baseline"]) if is_whole else None
    return Worth(told, tuple(more), said, missing)
