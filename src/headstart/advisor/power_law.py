"""The power law of a learning curve, error = floor + drop · (rows / unit)^exponent, fitted to many copies at once.

Plain least squares and what follows from a law; where the copies come from and what they mean is in `curves`.
"""

# R copies, S sizes, G exponents tried, N places

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STEEPEST, FLATTEST, NUM_EXPONENTS = -1.2, -0.1, 45
"""The grid of exponents."""
EXPECTED, SPREAD = -0.5, 0.25
"""Mean and standard deviation of the exponent before anything is measured."""


@dataclass(frozen=True)
class Laws:
    """R power laws; arrays of shape (R,).

    Args:
        floor_R: Error that no number of rows removes.
        drop_R: Error above the floor at `unit` rows.
        exponent_R: How fast the drop shrinks, below 0.
        misfit_R: Weighted squared distance to the points that were fitted.
        unit: Rows.
    """

    floor_R: Floats
    drop_R: Floats
    exponent_R: Floats
    misfit_R: Floats
    unit: float


def fit(rows_S: Floats, errors_RS: Floats, precision_SS: Floats, expected_R: Floats) -> Laws:
    """The best law for each copy of the points: generalised least squares with floor and drop at least 0.

    Args:
        rows_S: Sizes, increasing.
        errors_RS: The errors at each size, a copy a row.
        precision_SS: The inverse covariance of the errors of a copy.
        expected_R: Around which exponent the Gaussian prior of each copy lies.

    Source: the extended power law of Hoiem et al., ICML 2021 (arXiv 2010.11029), its exponent bounded and drawn
    towards -0.5.
    """
    exponents_G = np.linspace(STEEPEST, FLATTEST, NUM_EXPONENTS)
    shape_GS = (rows_S / rows_S[-1]) ** exponents_G[:, None]
    # the normal equations of the columns 1 and shape: f is the floor's, d the drop's, y the errors'
    level_S, weighted_GS = precision_SS.sum(axis=0), shape_GS @ precision_SS
    ff, fd_G, dd_G = float(level_S.sum()), shape_GS @ level_S, (weighted_GS * shape_GS).sum(axis=1)
    fy_R1, dy_RG = errors_RS @ level_S[:, None], errors_RS @ weighted_GS.T
    floor_RG, drop_RG = _non_negative(ff, fd_G, dd_G, fy_R1, dy_RG)
    explained_RG = (
        2 * (floor_RG * fy_R1 + drop_RG * dy_RG)
        - (ff * floor_RG**2 + 2 * fd_G * floor_RG * drop_RG + dd_G * drop_RG**2)
    )  # fmt: skip
    misfit_RG = ((errors_RS @ precision_SS) * errors_RS).sum(axis=1)[:, None] - explained_RG
    best_R = (misfit_RG + ((exponents_G - expected_R[:, None]) / SPREAD) ** 2).argmin(axis=1)
    at = np.arange(len(errors_RS)), best_R
    return Laws(floor_RG[at], drop_RG[at], exponents_G[best_R], misfit_RG[at], float(rows_S[-1]))


def _non_negative(ff: float, fd_G: Floats, dd_G: Floats, fy_R1: Floats, dy_RG: Floats) -> tuple[Floats, Floats]:
    """Floor and drop of least squares, neither below 0; shape (R, G) each."""
    determinant_G = ff * dd_G - fd_G**2
    floor = (dd_G * fy_R1 - fd_G * dy_RG) / determinant_G
    drop = (ff * dy_RG - fd_G * fy_R1) / determinant_G
    # where the free solution is forbidden the best lies on an edge: the one that explains more
    only_floor, only_drop = np.maximum(fy_R1, 0) / ff, np.maximum(dy_RG, 0) / dd_G
    is_flat = ff * only_floor**2 >= dd_G * only_drop**2
    is_free = (floor >= 0) & (drop >= 0)
    floor = np.where(is_free, floor, np.where(is_flat, only_floor, 0.0))
    return floor, np.where(is_free, drop, np.where(is_flat, 0.0, only_drop))


def error(laws: Laws, rows_N: Floats) -> Floats:
    """The error of each law at each number of rows, shape (R, N)."""
    return np.asarray(laws.floor_R[:, None] + _shrunk(laws, rows_N))


def slope(laws: Laws, rows_N: Floats) -> Floats:
    """How the error changes with each doubling, by the tangent at each number of rows; shape (R, N), at most 0."""
    return np.asarray(np.log(2) * laws.exponent_R[:, None] * _shrunk(laws, rows_N))


def _shrunk(laws: Laws, rows_N: Floats) -> Floats:
    return np.asarray(laws.drop_R[:, None] * (rows_N / laws.unit) ** laws.exponent_R[:, None])


def rows_for(laws: Laws, error_R: Floats) -> Floats:
    """The rows at which each law has come down to its own error, shape (R,); infinite where it never does.

    A law without a drop is at its floor with any number of rows, so it needs none to be at or below an error above it.
    """
    above_R = error_R - laws.floor_R
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        rows_R = laws.unit * (above_R / laws.drop_R) ** (1 / laws.exponent_R)
    return np.where(above_R <= 0, np.inf, np.where(laws.drop_R > 0, rows_R, 0.0))
