"""What a probe says of each row while that row is left out: the form in which every such probe answers.

The probes themselves are `ridge` and `neighbours`.
"""

# N rows, C classes

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headstart import score

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LeftOut:
    """Answers for rows that the probe had not seen; judged row by row, so that two of them can be paired."""

    scores_NC: Floats
    """How much speaks for each class; a row's add up to 1."""
    hits_N: npt.NDArray[Any]
    """Whether the class with the highest score is the row's own; of several labels the share that is found."""

    @property
    def accuracy(self) -> float:
        """The share of hits."""
        return float(self.hits_N.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The accuracy's 95 % interval, Wilson's; bootstrapped where rows may be partly right."""
        if np.isin(self.hits_N, (0, 1)).all():
            return score.wilson(int(self.hits_N.sum()), len(self.hits_N))
        return score.bootstrap(lambda rows: float(self.hits_N[rows].mean()), len(self.hits_N), seed=0)


def judged(scores_NC: Floats, classes: Ints) -> LeftOut:
    """The answers with their hits; of equal scores the lowest class counts."""
    return LeftOut(scores_NC, scores_NC.argmax(axis=1) == classes)
