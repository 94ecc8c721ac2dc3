"""The scores of features for rows with any number of labels: those of each label against its absence, put together."""

# N rows, C labels

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from headstart.estimates import ridge
from headstart.estimates.decomposition import Decomposed
from headstart.estimates.evidence import logme
from headstart.estimates.left_out import LeftOut
from headstart.estimates.neighbours import nearest
from headstart.estimates.separation import hscore

Labels = npt.NDArray[np.int64]


def _varying(labels_NC: Labels) -> list[npt.NDArray[np.int64]]:
    """Labels that some rows have and others have not; of the others nothing can be told."""
    return [column for column in labels_NC.T if 0 < column.sum() < len(column)]


def mean_logme(parts: Decomposed, labels_NC: Labels) -> float:
    """Nats a row by which the features explain a label better than its share does, the mean over labels."""
    return float(np.mean([logme(parts, column) for column in _varying(labels_NC)] or [0.0]))


def mean_hscore(parts: Decomposed, labels_NC: Labels) -> float:
    """The shrunk H-score of having a label, the mean over labels."""
    return float(np.mean([hscore(parts, column) for column in _varying(labels_NC)] or [0.0]))


def loo_ridge(parts: Decomposed, labels_NC: Labels) -> LeftOut:
    """Leave-one-out answers at the penalty with the least squared error over all labels."""
    target_NC = labels_NC.astype(np.float64)
    scores_NC = min(ridge.path(parts, target_NC), key=lambda found_NC: float(((found_NC - target_NC) ** 2).sum()))
    return judged(scores_NC, labels_NC)


def nearest_of(features_ND: npt.NDArray[Any], labels_NC: Labels) -> LeftOut:
    """Leave-one-out votes of the nearest rows for each label."""
    votes = [nearest(features_ND, column).scores_NC for column in labels_NC.T]
    scores_NC = np.stack([each[:, 1] if each.shape[1] > 1 else np.zeros(len(each)) for each in votes], axis=1)
    return judged(scores_NC, labels_NC)


def judged(scores_NC: npt.NDArray[Any], labels_NC: Labels) -> LeftOut:
    """The answers with their hits: of a row with k labels the share of these among its k highest scores.

    Rows without a label are hit where no score is above one half. No threshold has to be chosen for it.
    """
    count_N = labels_NC.sum(axis=1)
    rank_NC = np.argsort(np.argsort(-scores_NC, axis=1, kind="stable"), axis=1, kind="stable")
    found_N = (labels_NC * (rank_NC < count_N[:, None])).sum(axis=1) / np.maximum(count_N, 1)
    silent_N = (scores_NC <= 0.5).all(axis=1)
    return LeftOut(scores_NC, np.where(count_N > 0, found_N, silent_N.astype(np.float64)))
