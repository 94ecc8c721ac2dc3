"""The nearest neighbours of each row among all the others, voting by their distance."""

# N rows, D width, C classes, B rows of a block

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from headstart.estimates.left_out import LeftOut, judged

Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

NEIGHBOURS = 5
SAME = 1e-6
"""Cosine distances below this cannot be told from 0 in float32; the weight of a neighbour is at most its inverse."""
_SIMILARITIES_AT_ONCE = 2**24


def nearest(features_ND: npt.NDArray[np.floating[Any]], classes: Ints) -> LeftOut:
    """Leave-one-out answers of the five nearest rows by cosine, each weighing the inverse of its distance.

    Args:
        features_ND: Centred, shape (N, D).
        classes: Of the N rows, from 0, shape (N,).
    """
    unit_ND = _unit(features_ND)
    rows_at_once = max(1, _SIMILARITIES_AT_ONCE // len(unit_ND))
    starts = range(0, len(unit_ND), rows_at_once)
    votes = [_votes(unit_ND, start, classes, min(rows_at_once, len(unit_ND) - start)) for start in starts]
    return judged(np.concatenate(votes), classes)


def _unit(features_ND: npt.NDArray[np.floating[Any]]) -> Floats32:
    """Rows of length one; a row of zeros stays, and is at distance 1 from all."""
    length_N = np.sqrt(np.einsum("nd,nd->n", features_ND, features_ND))
    return features_ND.astype(np.float32) / np.where(length_N > 0, length_N, 1).astype(np.float32)[:, None]


def _votes(unit_ND: Floats32, start: int, classes: Ints, num_rows: int) -> Floats32:
    """The share of the votes that each class has from the neighbours of a block of rows, shape (B, C)."""
    rows = np.arange(num_rows)
    similarity_BN = unit_ND[start : start + num_rows] @ unit_ND.T
    similarity_BN[rows, start + rows] = -np.inf
    votes_BC = np.zeros((num_rows, int(classes.max()) + 1), np.float32)
    # a few searches for the largest are faster than one partial sort; a row that has no neighbour left to find meets
    # a similarity of −∞ again, which weighs nothing
    for _ in range(NEIGHBOURS):
        found_B = similarity_BN.argmax(axis=1)
        votes_BC[rows, classes[found_B]] += 1 / np.maximum(1 - similarity_BN[rows, found_B], SAME)
        similarity_BN[rows, found_B] = -np.inf
    return np.asarray(votes_BC / votes_BC.sum(axis=1, keepdims=True))
