"""Ridge regression on one-hot classes, each row predicted from all the others, and no row ever refitted."""

# N rows, K directions, C classes, R penalties

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from headstart.estimates.decomposition import Decomposed
from headstart.estimates.left_out import LeftOut, judged

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]

PENALTIES = np.logspace(-6, 0, 15)
"""Tried, relative to the largest squared singular value; growing."""
_COLUMNS_AT_ONCE = 256  # enough that a product with all rows is no longer bound by reading them


def loo_ridge(parts: Decomposed, classes: Ints) -> LeftOut:
    """Leave-one-out answers at the penalty with the least squared error.

    The error chooses and the accuracy is told: the best accuracy of fifteen would flatter itself.

    Args:
        parts: Of centred features.
        classes: Of the N rows, from 0, shape (N,).
    """
    onehot_NC = np.eye(int(classes.max()) + 1)[classes]
    return judged(
        min(path(parts, onehot_NC), key=lambda scores_NC: float(((scores_NC - onehot_NC) ** 2).sum())), classes
    )


def path(parts: Decomposed, onehot_NC: Floats) -> Iterator[Floats]:
    """Leave-one-out predictions of the columns at each penalty, shape (N, C); where a row's add up to 1, theirs do.

    With F = USVᵀ centred, the prediction for a left-out row is y − r/(1 − h), where r is the residual of the fit to all
    rows and h = Σ u²s²/(s² + λ) + 1/N its leverage; the 1/N is the intercept's, which no penalty holds.

    Args:
        parts: Of centred features.
        onehot_NC: 1 where a row is of a class, or has a label, and 0 elsewhere.

    Source: Allen, Technometrics 16 (1974), 125-127 (PRESS).
    """
    left_NK, square_K1 = parts.left, parts.square_K[:, None]
    dtype, (num_rows, num_classes) = left_NK.dtype, onehot_NC.shape
    onehot_NC = onehot_NC.astype(dtype)
    target_NC = onehot_NC - onehot_NC.mean(axis=0)
    shrink_KR = (square_K1 / (square_K1 + parts.largest * PENALTIES)).astype(dtype)
    # a row that stands alone in its direction has leverage 1, and nothing is known of it from the others
    unseen_NR = np.maximum(1 - (left_NK**2) @ shrink_KR - 1 / num_rows, 1e-6)
    spread_KC = left_NK.T @ target_NC
    step = max(1, _COLUMNS_AT_ONCE // num_classes)
    for some in (slice(start, start + step) for start in range(0, len(PENALTIES), step)):
        fitted_NRC = np.tensordot(left_NK, shrink_KR[:, some, None] * spread_KC[:, None], axes=1)
        left_out_NRC = onehot_NC[:, None] - (target_NC[:, None] - fitted_NRC) / unseen_NR[:, some, None]
        yield from left_out_NRC.transpose(1, 0, 2)
