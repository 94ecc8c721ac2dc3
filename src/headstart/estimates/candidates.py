"""Several candidates side by side: what their scores say together, and how sure it is which of them is best."""

# M candidates, N rows, R resamples, P patterns

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 2000
"""A probability of 5 % comes out to half a percentage point."""


def size_prior(num_parameters: int) -> float:
    """What is expected of a model before any row is seen: the decimal logarithm of its number of parameters."""
    return math.log10(num_parameters)


def ranks(values: Sequence[float]) -> Floats:
    """1 for the highest value, M for the lowest, shape (M,); equal ones share the mean of their places."""
    values_M = np.asarray(values, np.float64)
    above_M = (values_M > values_M[:, None]).sum(axis=1)
    equal_M = (values_M == values_M[:, None]).sum(axis=1)
    return np.asarray(above_M + (equal_M + 1) / 2)


def fused(scores: Mapping[str, Sequence[float]]) -> Floats:
    """The mean of each candidate's ranks by several scores, shape (M,); the lowest is the best.

    Ranks, because the scores are in different units, and one that is far off must not outweigh the others.

    Args:
        scores: By name, one value a candidate and score, higher is better.
    """
    return np.asarray(np.mean([ranks(values) for values in scores.values()], axis=0))


def probability_of_best(hits_MN: npt.NDArray[Any], *, seed: int) -> Floats:
    """How often each candidate has the most hits when the rows are drawn anew, shape (M,); ties are shared.

    Every candidate is judged on the same draw, so what is hard for all of them does not blur the comparison. Rows that
    the same candidates hit are interchangeable: how many of each pattern a draw holds is multinomial.

    Args:
        hits_MN: Which rows each candidate has right, or how much of each, shape (M, N).
        seed: Of the resampling.
    """
    patterns_PM, counts_P = np.unique(hits_MN.T, axis=0, return_counts=True)
    num_rows = hits_MN.shape[1]
    drawn_RP = np.random.default_rng(seed).multinomial(num_rows, counts_P / num_rows, RESAMPLES)
    # in 64ths, so that equal sums of parts are equal
    total_RM = drawn_RP @ np.round(patterns_PM.astype(np.float64) * 64).astype(np.int64)
    is_best_RM = total_RM == total_RM.max(axis=1, keepdims=True)
    return np.asarray((is_best_RM / is_best_RM.sum(axis=1, keepdims=True)).mean(axis=0))
