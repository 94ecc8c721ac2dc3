"""How an arm stands, and how two arms compare: row by row, by whatever figure the task makes of rows' counts."""

# N rows that are judged

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from headstart import score
from headstart.advisor.arms import Arm

RESAMPLES = 2000
DRAWN_ROWS = 200
"""Resamples of figures that are no mean: each has to be computed anew, and a mean average precision takes a while."""
Figure = Callable[[Any], float]
"""From the counts of some rows to the primary metric."""


@dataclass(frozen=True)
class Standing:
    """How an arm has done.

    `hits` are the counts of the N rows, of which `figure` makes the primary metric: of most tasks a score a row, whose
    mean that is; `epochs` of `most` are done; `seconds` were spent on it,
    in all rounds; `answering` is from `latency.measured`, `mib` the size of its weights.
    """

    arm: Arm
    hits: npt.NDArray[Any]
    epochs: int
    most: int
    seconds: float
    answering: Mapping[str, float] | None = None
    mib: float | None = None
    figure: Figure = score.mean

    @property
    def value(self) -> float:
        """The primary metric over the rows."""
        return self.figure(self.hits)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the value."""
        return interval(self.hits, self.figure)

    def gain_over(self, other: Standing, *, seed: int) -> dict[str, Any]:
        """By how much it is better, with the 95 % interval, from rows drawn alike for both."""
        resamples = score.RESAMPLES if self.figure is score.mean else DRAWN_ROWS
        return score.gain(self.hits, other.hits, figure=self.figure, seed=seed, resamples=resamples)

    def on_first(self, num_rows: int) -> Standing:
        """How it stands on the first so many rows."""
        return dataclasses.replace(self, hits=self.hits[:num_rows])

    @property
    def is_done(self) -> bool:
        """Whether there is nothing more to train."""
        return self.epochs >= self.most

    @property
    def pace(self) -> float:
        """Seconds an epoch took, with all that went with it."""
        return self.seconds / self.epochs

    @property
    def to_come(self) -> float:
        """Seconds that the rest of its training takes at that pace."""
        return self.pace * (self.most - self.epochs)

    def to_json(self) -> dict[str, Any]:
        """The figures, with the interval of the score."""
        low, high = self.interval
        return {
            "name": self.arm.name,
            "kind": self.arm.kind,
            "settings": dict(self.arm.changes),
            "blocks": self.arm.blocks,
            "score": {"value": self.value, "low": low, "high": high},
            "epochs": self.epochs,
            "of_epochs": self.most,
            "seconds": self.seconds,
            "answering": None if self.answering is None else dict(self.answering),
            "mib": self.mib,
        }


def interval(hits: npt.NDArray[Any], figure: Figure = score.mean) -> tuple[float, float]:
    """The 95 % interval of a figure: Wilson's of a mean of hits that are 0 or 1, a bootstrap otherwise."""
    if are_hits(hits, figure):
        return score.wilson(int(hits.sum()), len(hits))
    if figure is score.mean and hits.dtype != object:
        return score.bootstrap_at_once(lambda rows: hits[rows].mean(axis=-1), len(hits), seed=0)
    return score.bootstrap(lambda rows: figure(hits[rows]), len(hits), seed=0, resamples=DRAWN_ROWS)


def are_hits(counts: npt.NDArray[Any], figure: Figure) -> bool:
    """Whether each row is right or wrong, and the figure the share of those that are right."""
    return figure is score.mean and counts.dtype != object and bool(np.isin(counts, (0.0, 1.0)).all())


def chance_over(ours: npt.NDArray[Any], theirs: npt.NDArray[Any], *, seed: int, figure: Figure = score.mean) -> float:
    """How probably one arm is at least as good as another on rows like these, by a paired bootstrap.

    Args:
        ours: Of each row, shape (N,).
        theirs: Of the same rows.
        seed: Of the resampling.
        figure: From the counts of some rows to a number, higher is better.
    """
    if figure is not score.mean:
        generator = np.random.default_rng(seed)
        draws = (generator.integers(0, len(ours), len(ours)) for _ in range(DRAWN_ROWS))
        return float(np.mean([figure(ours[rows]) >= figure(theirs[rows]) for rows in draws]))
    values, counts = np.unique(ours - theirs, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(ours), counts / len(ours), RESAMPLES)
    return float((drawn @ values >= 0).mean())
