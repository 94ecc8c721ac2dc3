"""All scores of one candidate from its features, sharing one decomposition."""

# N rows, D width

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headstart.estimates import several
from headstart.estimates.decomposition import centred, decomposed
from headstart.estimates.evidence import logme
from headstart.estimates.left_out import LeftOut
from headstart.estimates.neighbours import nearest
from headstart.estimates.ridge import loo_ridge
from headstart.estimates.separation import hscore


@dataclass(frozen=True)
class Estimates:
    """What a candidate's features foretell; of each, higher is better."""

    logme: float
    """Nats a row over the classes' shares."""
    hscore: float
    """Comparable within one task only."""
    ridge: LeftOut
    neighbours: LeftOut

    @property
    def left_out(self) -> float:
        """The mean of the two accuracies on rows left out: where rows are few, chance decides what one alone says."""
        return (self.ridge.accuracy + self.neighbours.accuracy) / 2

    @property
    def scores(self) -> dict[str, float]:
        """One number of each, by name."""
        return {
            "logme": self.logme,
            "hscore": self.hscore,
            "loo_ridge": self.ridge.accuracy,
            "nearest": self.neighbours.accuracy,
        }


def of(features_ND: npt.NDArray[Any], classes: npt.NDArray[np.int64]) -> Estimates:
    """The scores of features for classes.

    Args:
        features_ND: One vector a row, as the model gives them, shape (N, D), at least two rows.
        classes: Of the N rows, from 0, shape (N,); or 1 where a row has a label, shape (N, C).

    Example:
        >>> import numpy as np
        >>> classes = np.arange(60) % 3
        >>> features = np.eye(3)[classes] + np.random.default_rng(0).normal(0, 0.1, (60, 3))
        >>> of(features, classes).ridge.accuracy
        1.0
    """
    features_ND = centred(features_ND)
    parts = decomposed(features_ND)
    if classes.ndim == 2:
        return Estimates(
            logme=several.mean_logme(parts, classes),
            hscore=several.mean_hscore(parts, classes),
            ridge=several.loo_ridge(parts, classes),
            neighbours=several.nearest_of(features_ND, classes),
        )
    return Estimates(
        logme=logme(parts, classes),
        hscore=hscore(parts, classes),
        ridge=loo_ridge(parts, classes),
        neighbours=nearest(features_ND, classes),
    )
