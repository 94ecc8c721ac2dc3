"""The best spans of tokens by scores for where one starts and where it ends; what they say is another's business."""

# T tokens, L most tokens of a span

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Span:
    """Tokens `first` to `last`, both included, and the sum of the two scores."""

    first: int
    last: int
    score: float


def best(start_T: Floats, end_T: Floats, *, most: int, longest: int) -> list[Span]:
    """The spans with the highest scores, highest first; none ends before it starts.

    Args:
        start_T: Score of each token as the first of a span, shape (T,).
        end_T: Score of each as the last.
        most: How many to give at most.
        longest: L.

    Returns:
        Fewer than `most` where there are no more; of equal scores the one that starts, then ends, first.
    """
    T, L = len(start_T), min(longest, len(start_T))
    if not T:
        return []
    # for each token it and the L - 1 that follow as the last of a span; there is none beyond the end
    ends_TL = np.lib.stride_tricks.sliding_window_view(np.concatenate([end_T, np.full(L - 1, -np.inf)]), L)
    flat = (start_T[:, None] + ends_TL).ravel()
    order = _highest(flat, most)
    return [Span(int(at // L), int(at // L + at % L), float(flat[at])) for at in order if np.isfinite(flat[at])]


def _highest(values: Floats, most: int) -> npt.NDArray[np.int64]:
    """The places of the highest values, highest first and of equals the first; all are sorted only where few are."""
    if most < len(values):
        least = np.partition(values, len(values) - most)[len(values) - most]
        places = np.flatnonzero(values >= least)
    else:
        places = np.arange(len(values))
    return places[np.argsort(-values[places], kind="stable")][:most]
