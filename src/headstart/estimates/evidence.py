"""LogME, corrected: how likely the classes are under a Bayesian linear model of the features, at its best settings.

The published code counts the D − K directions that the rows do not reach as if they were measured, so that its score
grows with the width; and it neither centres nor keeps its guards relative, so that it changes with offset and scale.
"""

# N rows, K directions, C columns, T ratios tried

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headstart.estimates.decomposition import Decomposed

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_STEP = np.log(10) / 16
RATIOS = np.exp(_STEP * np.arange(-8 * 16, 8 * 16 + 1))
"""Values of α/β tried first, relative to the largest squared singular value."""
FLOOR = 1e-6
"""What is left unexplained of a column is never taken for less than this share of it, or exact classes had no end."""


@dataclass(frozen=True)
class Evidence:
    """The best precisions α of the weights and β of the noise for each column, and the log evidence they give it."""

    alpha_C: Floats
    beta_C: Floats
    log_C: Floats
    """In nats, of all rows together: the log density of N − 1 numbers, since centring leaves one less than rows."""


def logme(parts: Decomposed, classes: Ints) -> float:
    """Nats a row by which the features explain the classes better than the classes' shares do; 0 means not at all.

    Each class against the others is one column; their gains are averaged by how frequent the classes are. Shifting or
    scaling the features changes nothing.

    Args:
        parts: Of centred features.
        classes: Of the N rows, from 0, shape (N,).

    Source: You et al., ICML 2021, "LogME", with three deviations: centred features and columns; all K directions and no
    more; the evidence of the constant model taken off.
    """
    counts = np.bincount(classes)
    # nothing can be told of a class that has no row, or all of them
    (varying,) = np.nonzero((counts > 0) & (counts < len(classes)))
    if len(varying) == 0:
        return 0.0
    target_NC = (classes[:, None] == varying) - counts[varying] / len(classes)
    free = len(classes) - 1
    constant_C = -0.5 * np.log(2 * np.pi * (target_NC**2).sum(axis=0) / free) - 0.5
    gain_C = evidence(parts, target_NC).log_C / free - constant_C
    return float(np.average(gain_C, weights=counts[varying]))


def evidence(parts: Decomposed, target_NC: Floats) -> Evidence:
    """The highest evidence of y = Fw + noise, w ~ N(0, 1/α), noise ~ N(0, 1/β), for each column.

    For a given ratio t = α/β the best β is n/q with n = N − 1 and q = Σ z·t/(t + σ) + r, where σ are the squared
    singular values, z the squared projections of the column on them, and r what lies outside all of them. The log
    evidence is then −½ Σ ln(1 + σ/t) + n/2 ln(β/2π) − βq/2: one number to search over, tried on a grid and then where
    a parabola through the best three has its top. MacKay's fixed point, which the paper iterates, is a zero of this
    function's slope, and not always that of its highest top.

    Args:
        parts: Of centred features.
        target_NC: Centred, no column constant, shape (N, C).
    """
    scale = parts.largest or 1.0
    square_K, size_C = parts.square_K / scale, (target_NC**2).sum(axis=0)
    energy_KC = parts.projected(target_NC) ** 2
    beyond_C = np.maximum(size_C - energy_KC.sum(axis=0), 0)

    def at(ratio_T: Floats) -> tuple[Floats, Floats]:
        unexplained_TC = (1 / (1 + square_K / ratio_T[:, None])) @ energy_KC + beyond_C
        beta_TC = (len(target_NC) - 1) / np.maximum(unexplained_TC, FLOOR * size_C)
        fit_TC = (len(target_NC) - 1) * np.log(beta_TC / (2 * np.pi)) - beta_TC * unexplained_TC
        return (fit_TC - np.log1p(square_K / ratio_T[:, None]).sum(axis=1)[:, None]) / 2, beta_TC

    ratio_C = _top(at(RATIOS)[0])
    # each column at its own ratio is the diagonal of all columns at all of them
    log_C, beta_C = (values.diagonal() for values in at(ratio_C))
    return Evidence(ratio_C * scale * beta_C, beta_C, log_C)


def _top(value_TC: Floats) -> Floats:
    """Where a parabola through the highest of RATIOS and its neighbours has its top, in each column, shape (C,)."""
    best_C, columns = value_TC[1:-1].argmax(axis=0) + 1, np.arange(value_TC.shape[1])
    before_C, middle_C, after_C = (value_TC[best_C + step, columns] for step in (-1, 0, 1))
    bend_C = before_C - 2 * middle_C + after_C
    shift_C = (before_C - after_C) / np.where(bend_C < 0, 2 * bend_C, -np.inf)
    return np.asarray(RATIOS[best_C] * np.exp(_STEP * np.clip(shift_C, -1, 1)))
