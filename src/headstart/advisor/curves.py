"""Learning curves with their uncertainty: what the error is at any number of rows, and how much more rows would help.

A curve is many power laws, each fitted to the measurements as chance might have given them; `crossing` compares curves.
"""

# R copies, S sizes, N places

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.advisor import noise, power_law
from headstart.advisor.measured import Measured
from headstart.advisor.power_law import Floats, Laws

COPIES = 1000
LEVEL = 0.9
"""Of every interval here."""
REACH = 4.0
"""Beyond this many times the most rows measured a curve follows what was expected of it, not what was measured."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 90 % interval; the value is the middle of the copies."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A learning curve.

    Args:
        measured: What it was fitted to.
        laws: R power laws; those of curves from one call belong together, copy by copy.
        misfit: How far the points lie from the best law, squared and relative to their noise; about 1 where a power law
            is right. What exceeds 1 has widened the intervals.
    """

    measured: Measured
    laws: Laws
    misfit: float

    @property
    def last(self) -> float:
        """The most rows measured."""
        return float(self.measured.rows_S[-1])

    @property
    def reach(self) -> float:
        """Up to how many rows the curve may be trusted."""
        return REACH * self.last


@dataclass(frozen=True)
class Growth:
    """What more labelled rows would bring.

    Args:
        times: How many times the most rows measured.
        rows: That many.
        score: One minus the error there.
        gain: By how much that is above the score at the most rows measured.
    """

    times: float
    rows: int
    score: Estimate
    gain: Estimate


def fit(measured: Mapping[str, Measured], *, seed: int = 0, copies: int = COPIES) -> dict[str, Curve]:
    """A curve for each way to learn; fit those together that will be compared.

    Each copy of the measurements has its own luck with test rows and seeds, more of it where the points lie off any
    power law, and its own expectation of the exponent, so that what the points do not tell stays as wide as it was. The
    seeds' variance is itself known from few seeds: each copy draws its own, which makes a normal deviate one of
    Student's t.

    Args:
        measured: Name -> measurements, all judged on the same test rows.
        seed: Of the copies.
        copies: R.

    Source: the bootstrap of Efron, Annals of Statistics 7 (1979), 1-26, in its smooth form: copies are drawn around the
    means from normal distributions, not from the few seeds. That each has its own expectation is ours.
    """
    generator = np.random.default_rng(seed)
    covariance = noise.of_test_rows(list(measured.values()))
    ends = np.cumsum([len(one.rows_S) for one in measured.values()])
    luck_R = generator.multivariate_normal(np.zeros(ends[-1]), covariance, size=copies, method="eigh")
    blocks = [slice(end - len(one.rows_S), end) for one, end in zip(measured.values(), ends, strict=True)]
    return {
        name: _curve(one, luck_R[:, block], covariance[block, block], generator)
        for (name, one), block in zip(measured.items(), blocks, strict=True)
    }


def _curve(measured: Measured, luck_RS: Floats, luck_SS: Floats, generator: np.random.Generator) -> Curve:
    """One curve from the luck its copies have with the test rows."""
    num_sizes, num_seeds = measured.errors_SK.shape
    copies, seeds_SS = len(luck_RS), noise.of_seeds(measured)
    precision_SS = np.asarray(np.linalg.inv(luck_SS + seeds_SS), dtype=np.float64)
    mean_S: Floats = measured.errors_SK.mean(axis=1)
    best = power_law.fit(measured.rows_S, mean_S[None], precision_SS, np.array([power_law.EXPECTED]))
    misfit = float(best.misfit_R[0]) / (num_sizes - 2)  # the prior stands in for one of the three unknowns
    widened = max(1.0, misfit)
    freedom = num_sizes * (num_seeds - 1)
    student_R1 = np.sqrt(freedom / generator.chisquare(freedom, (copies, 1)))
    seeds_RS = student_R1 * generator.multivariate_normal(np.zeros(num_sizes), seeds_SS, size=copies, method="eigh")
    copies_RS = mean_S + np.sqrt(widened) * (luck_RS + seeds_RS)
    expected_R = generator.normal(power_law.EXPECTED, power_law.SPREAD, copies)
    return Curve(measured, power_law.fit(measured.rows_S, copies_RS, precision_SS / widened, expected_R), misfit)


def estimates(values_RN: Floats) -> list[Estimate]:
    """The middle and the interval of the copies at each of N places; a copy may be infinite."""
    tail = (1 - LEVEL) / 2
    # no value between two copies is made up: halfway to infinity is nowhere
    low_N, value_N, high_N = np.quantile(values_RN, [tail, 0.5, 1 - tail], axis=0, method="inverted_cdf")
    return [Estimate(*map(float, one)) for one in zip(value_N, low_N, high_N, strict=True)]


def errors(curve: Curve, rows: Floats) -> list[Estimate]:
    """The error at each number of rows; beyond `reach` it is mostly what was expected."""
    return estimates(power_law.error(curve.laws, rows))


def slope(curve: Curve, rows: float) -> Estimate:
    """How the error changes with a doubling of so many rows, by the tangent there; 0 or below."""
    return estimates(power_law.slope(curve.laws, np.array([rows])))[0]


def growth(curve: Curve, times: float) -> Growth:
    """What that many times the most rows measured would bring.

    Args:
        curve: Of the way to learn.
        times: From 1 to 4; more cannot be told.
    """
    assert 1 <= times <= REACH, "no further than the curve may be trusted"
    rows = times * curve.last
    error_RN = power_law.error(curve.laws, np.array([curve.last, rows]))
    score, gain = estimates(np.stack([1 - error_RN[:, 1], error_RN[:, 0] - error_RN[:, 1]], axis=1))
    return Growth(times, round(rows), score, gain)


def usual_gain(error: float, times: float) -> Estimate:
    """What more learning brings where no curve was measured: the exponent is as expected, the floor below the error.

    Args:
        error: One minus the score until now.
        times: How many times the rows, or the steps, there will be.

    Source: the expectation of exponents is that of the curves that are measured; of the floor nothing is supposed.
    """
    generator = np.random.default_rng(0)
    exponent_R = generator.normal(power_law.EXPECTED, power_law.SPREAD, COPIES).clip(max=power_law.FLATTEST)
    drop_R = error * generator.random(COPIES)
    return estimates((drop_R * (1 - times**exponent_R))[:, None])[0]


def told(name: str, curve: Curve, *, num_places: int = 49) -> dict[str, Any]:
    """The curve as plain values, for a file and for the drawing of it in a report.

    Returns:
        "name"; "rows" and "scores", those of each size a list over the seeds; "fit", with rows, value, low and high of
        the score from the fewest rows to `reach`.
    """
    places = np.geomspace(curve.measured.rows_S[0], curve.reach, num_places)
    fitted = zip(places, errors(curve, places), strict=True)
    return {
        "name": name,
        "rows": [int(rows) for rows in curve.measured.rows_S],
        "scores": (1 - curve.measured.errors_SK).tolist(),
        "fit": [
            {"rows": float(at), "value": 1 - one.value, "low": 1 - one.high, "high": 1 - one.low} for at, one in fitted
        ],
    }
