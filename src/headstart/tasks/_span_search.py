"""The best spans of tokens by scores for where one starts and where it ends; what they say is another's business."""

# T tokens, L most tokens of a span

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Span:
    """Tokens `first` to `last`, both included, and the sum of the two scores."""

    first: int
    last: int
    score: float


def best(start_T: Floats, end_T: Floats, may_T: Bools, *, most: int, longest: int) -> list[Span]:
    """The spans with the highest scores, highest first; each lies within what may be answered and ends after it starts.

    Args:
        start_T: Score of each token as the first of a span, shape (T,).
        end_T: Score of each as the last.
        may_T: Whether a token may be part of an answer.
        most: How many to give at most.
        longest: L.

    Returns:
        Fewer than `most` where there are no more; of equal scores the one that starts, then ends, first.
    """
    T, L = len(start_T), min(longest, len(start_T))
    if not T or not may_T.any():
        return []
    score_TL = start_T[:, None] + _ahead(end_T, L, -np.inf)
    # a span is broken off at the first token that may not be in it
    allowed_TL = np.logical_and.accumulate(_ahead(may_T, L, False), axis=1)
    flat = np.where(allowed_TL, score_TL, -np.inf).ravel()
    order = _highest(flat, most)
    return [Span(int(at // L), int(at // L + at % L), float(flat[at])) for at in order if np.isfinite(flat[at])]


def _ahead(values_T: npt.NDArray[Any], L: int, beyond: Any) -> npt.NDArray[Any]:
    """For each token the values of it and of the L - 1 that follow, shape (T, L)."""
    padded = np.concatenate([values_T, np.full(L - 1, beyond, dtype=values_T.dtype)])
    return np.lib.stride_tricks.sliding_window_view(padded, L)


def _highest(values: Floats, most: int) -> npt.NDArray[np.int64]:
    """The places of the highest values, highest first and of equals the first; all are sorted only where few are."""
    if most < len(values):
        least = np.partition(values, len(values) - most)[len(values) - most]
        places = np.flatnonzero(values >= least)
    else:
        places = np.arange(len(values))
    return places[np.argsort(-values[places], kind="stable")][:most]
