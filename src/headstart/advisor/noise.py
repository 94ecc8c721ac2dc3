"""How far the errors of a learning curve may be off by chance: in the test rows, and in subsets and fresh weights.

Covariances from measurements; what they do to a fit is in `curves`.
"""

# M curves, S sizes, K seeds, N test rows

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.advisor.measured import Floats, Measured

SHARED = 0.5
"""Of the noise of the test rows, the part that moves a whole curve up or down, where single answers are not known."""
KEPT = 0.5
"""Correlation of a seed's luck at one size and the next: a larger subset holds the smaller one."""
STEADY = 6.0
"""How many degrees of freedom the trend of the seeds' variance counts for, against K - 1 of each size by itself."""
TREND_SPREAD = 0.7
"""Standard deviation of the power of the rows that the seeds' variance is expected to follow, around 0."""


def of_test_rows(curves: Sequence[Measured]) -> Floats:
    """Covariance of the mean errors that comes from the choice of the test rows; the sizes of each curve in turn.

    Where every answer is known it is estimated from them, and a row that is hard for all methods cancels in their
    difference. Otherwise nothing is assumed to cancel: all seeds of a curve have the same luck, and no two curves share
    it.

    Returns:
        Shape (M·S, M·S) where the curves have as many sizes each.
    """
    known = [curve.wrong_SN for curve in curves if curve.wrong_SN is not None]
    variances = np.concatenate([_binomial(curve) for curve in curves])
    if len(known) == len(curves):
        # a size at which no row was wrong is not certain: the last term keeps its variance above 0
        return np.asarray(np.cov(np.concatenate(known)) / curves[0].num_test + np.diag(0.05 * variances))
    owner = np.repeat(np.arange(len(curves)), [len(curve.rows_S) for curve in curves])
    shared = np.where(owner[:, None] == owner, SHARED, 0.0) + (1 - SHARED) * np.eye(len(owner))
    return np.asarray(np.sqrt(np.outer(variances, variances)) * shared)


def of_seeds(curve: Measured) -> Floats:
    """Covariance of the mean errors over the sizes that comes from subsets and fresh weights, shape (S, S).

    Three seeds tell little of a variance, so each size is drawn towards a trend that all of them share: e·(1 - e) times
    a power of the rows.

    Source: the shrinkage is that of Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004), article
    3, with the weight of the trend fixed.
    """
    num_sizes, num_seeds = curve.errors_SK.shape
    found_S = curve.errors_SK.var(axis=1, ddof=1)
    shape_S = _binomial(curve) * curve.num_test
    trend_S = shape_S * np.exp(_trend(found_S / shape_S, curve.rows_S, num_seeds))
    if curve.wrong_SN is not None:
        # chance in single answers is also among what the seeds differ by; it is counted with the test rows
        luck_S = (curve.wrong_SN * (1 - curve.wrong_SN)).mean(axis=1) * num_seeds / (num_seeds - 1) / curve.num_test
        found_S = found_S - luck_S
    pooled_S = max(float((found_S / trend_S).mean()), 0.0) * trend_S
    variance_S = (STEADY * pooled_S + (num_seeds - 1) * found_S) / (STEADY + num_seeds - 1)
    deviation_S = np.sqrt(np.maximum(variance_S, 0.02 * _binomial(curve)) / num_seeds)
    apart_SS = np.abs(np.subtract.outer(np.arange(num_sizes), np.arange(num_sizes)))
    return np.asarray(np.outer(deviation_S, deviation_S) * KEPT**apart_SS)


def _binomial(curve: Measured) -> Floats:
    """Variance of a share of the test rows at each size; by the rule of succession it is not 0 where none was wrong."""
    share_S = (curve.errors_SK.mean(axis=1) * curve.num_test + 1) / (curve.num_test + 2)
    return np.asarray(share_S * (1 - share_S) / curve.num_test)


def _trend(variance_S: Floats, rows_S: Floats, num_seeds: int) -> Floats:
    """The logarithm of a power of the rows that variances follow, up to a factor; its exponent is drawn towards 0."""
    log_rows, log_variance = np.log(rows_S), np.log(np.maximum(variance_S, 1e-9))
    away_S, noise = log_rows - log_rows.mean(), 4.9 / (num_seeds - 1)  # variance of a log chi square, nearly
    power = (away_S @ log_variance) / noise / ((away_S @ away_S) / noise + TREND_SPREAD**-2)
    return np.asarray(power * away_S)
