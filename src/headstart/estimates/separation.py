"""The H-score with shrinkage: how far apart the classes' means lie, measured in the spread of the features."""

# N rows, D width, K directions, C classes

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headstart.estimates.decomposition import Decomposed

Ints = npt.NDArray[np.int64]


def hscore(parts: Decomposed, classes: Ints) -> float:
    """The shrunk H-score, from 0 to about the number of classes less one; higher is better, within one task only.

    H = (1 − λ)/(N − 1) · Σ_c n_c m_cᵀ Σ_λ⁻¹ m_c, with m_c the means of the classes and Σ_λ = (1 − λ)Σ + λμI the
    covariance shrunk towards its mean μ. Along the directions of the features Σ_λ is diagonal, and the means have no
    part outside them, so that nothing is inverted.

    Args:
        parts: Of centred features.
        classes: Of the N rows, from 0, shape (N,).

    Source: Ibrahim, Ponomareva, Mazumder, ECML PKDD 2022, "Newer is not always better".
    """
    counts = np.bincount(classes)
    onehot_NC = np.eye(len(counts))[:, counts > 0][classes]
    energy_K = (parts.projected(onehot_NC) ** 2 / counts[counts > 0]).sum(axis=1)
    variance_K, weight = parts.square_K / len(classes), shrinkage(parts)
    shrunk_K = (1 - weight) * variance_K + weight * variance_K.sum() / parts.features_ND.shape[1]
    return float((1 - weight) * len(classes) / (len(classes) - 1) * (energy_K * variance_K / shrunk_K).sum())


def shrinkage(parts: Decomposed) -> float:
    """The share λ, from 0 to 1, that the covariance's mean is best given in place of the covariance itself.

    The fourth moments need only the length of each row: Σᵢⱼ of the products of all pairs of columns, squared, is the
    sum of the rows' squared lengths, squared.

    Source: Ledoit, Wolf, Journal of Multivariate Analysis 88 (2004), 365-411.
    """
    num_rows, width = parts.features_ND.shape
    variance_K = parts.square_K / num_rows
    total, squares = float(variance_K.sum()), float((variance_K**2).sum())
    distance = squares - total**2 / width
    # a covariance that is a multiple of the identity, as of a single column, is its own mean
    if distance <= 1e-12 * squares:
        return 0.0
    lengths_N = np.einsum("nd,nd->n", parts.features_ND, parts.features_ND)
    return float(np.clip((float((lengths_N**2).mean()) - squares) / num_rows / distance, 0, 1))
