"""The one decomposition of features that all scores share: how far they reach in each direction, and each row's part.

Nothing here knows of classes.
"""

# N rows, D width, K directions, C columns

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Doubles = npt.NDArray[np.float64]

TOLERANCE = 1e-7
"""Directions whose squared extent is less than this share of the largest are taken for rounding."""


@dataclass(frozen=True)
class Decomposed:
    """Features as left · √square · rightᵀ; what costs another product is computed when first asked for."""

    features_ND: Floats
    """Centred."""
    square_K: Doubles
    """Squared singular values, smallest first."""
    vectors: Doubles
    """Right singular vectors, shape (D, K); where there are fewer rows than columns the left ones, shape (N, K)."""

    @property
    def largest(self) -> float:
        """The largest squared singular value; 0 where no column ever changes."""
        return float(self.square_K.max(initial=0.0))

    @cached_property
    def left(self) -> Floats:
        """Left singular vectors in the features' precision, shape (N, K); in float64 orthogonal to 1e-9 or better."""
        if _is_wide(self.features_ND):
            return self.vectors.astype(self.features_ND.dtype)
        return np.asarray(self.features_ND @ (self.vectors / np.sqrt(self.square_K)).astype(self.features_ND.dtype))

    def projected(self, target_NC: Floats) -> Doubles:
        """The columns in terms of the left singular vectors, which are not needed for it, shape (K, C)."""
        if _is_wide(self.features_ND):
            return np.asarray(self.vectors.T @ target_NC)
        return np.asarray(self.vectors.T @ (self.features_ND.T @ target_NC) / np.sqrt(self.square_K)[:, None])


def centred(features_ND: npt.NDArray[Any]) -> Doubles:
    """The features in float64 with mean 0 in every column, shape (N, D)."""
    wide_ND = features_ND.astype(np.float64)
    wide_ND -= wide_ND.mean(axis=0)
    return wide_ND


def decomposed(features_ND: Floats) -> Decomposed:
    """Squared singular values and singular vectors, without directions of no extent.

    The smaller of F·Fᵀ and FᵀF has them all; the products are in the features' own precision, its eigenvalues in
    float64.

    Args:
        features_ND: Centred, shape (N, D), float32 or float64.
    """
    gram = features_ND @ features_ND.T if _is_wide(features_ND) else features_ND.T @ features_ND
    square, vectors = np.linalg.eigh(gram.astype(np.float64, copy=False))
    # eigenvalues come smallest first; a slice copies nothing
    first = int(np.searchsorted(square, square[-1] * TOLERANCE, side="right"))
    return Decomposed(features_ND, square[first:], vectors[:, first:])


def _is_wide(features_ND: Floats) -> bool:
    return bool(features_ND.shape[0] < features_ND.shape[1])
