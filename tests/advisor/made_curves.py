"""Learning curves of known laws: measurements drawn from them as a run would make them, and curves made by hand."""

# S sizes, K seeds, N test rows

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from headstart.advisor import measured
from headstart.advisor.curves import Curve
from headstart.advisor.measured import Floats, Measured
from headstart.advisor.power_law import Laws

SIZES = (200, 400, 800, 1600, 3200)
NUM_SEEDS = 3
NUM_TEST = 2000
OWN_DIFFICULTY, METHOD_DIFFICULTY = 0.5, 0.25
"""Shares of the variance of whether a row is answered rightly: its own, for every method, and its own for one method.

The rest is chance in each single answer. A row is thus hard or easy again and again, as in a fixed test set.
"""


@dataclass(frozen=True)
class Law:
    """error = floor + (first - floor) · (rows / 200)^exponent"""

    floor: float
    first: float
    exponent: float

    def __call__(self, rows: float) -> float:
        return self.floor + (self.first - self.floor) * (rows / SIZES[0]) ** self.exponent


def crossing_of(ours: Law, theirs: Law, low: float = 200, high: float = 1e7) -> float:
    """Where two laws cross, by halving; theirs is above at `low` and below at `high`."""
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if ours(middle) < theirs(middle) else (low, middle)
    return low


def draw(
    laws: dict[str, Law], generator: np.random.Generator, *, relative: float, answers: bool
) -> dict[str, Measured]:
    """Measurements of each law on one fixed set of test rows.

    Args:
        laws: Name -> law.
        generator: Of all luck.
        relative: Standard deviation of what a seed does to the error, relative to it; the next size shares some of it.
        answers: Whether single answers are handed on, or the errors alone.
    """
    row_N = generator.standard_normal(NUM_TEST, dtype=np.float32)
    wrong = {name: _wrong(law, row_N, generator, relative) for name, law in laws.items()}
    if answers:
        return {name: measured.outcomes(SIZES, wrong_SKN) for name, wrong_SKN in wrong.items()}
    return {name: measured.errors(SIZES, one.mean(axis=2), num_test=NUM_TEST) for name, one in wrong.items()}


def _wrong(law: Law, row_N: Floats, generator: np.random.Generator, relative: float) -> Floats:
    """Which answers are wrong, shape (S, K, N): those whose difficulty exceeds what the method can do at that size."""
    luck_SK = generator.standard_normal((len(SIZES), NUM_SEEDS))
    for size in range(1, len(SIZES)):
        luck_SK[size] = 0.6 * luck_SK[size - 1] + 0.8 * luck_SK[size]
    error_SK = np.array([law(size) for size in SIZES])[:, None] * (1 + relative * luck_SK)
    limit_SK = np.array([[NormalDist().inv_cdf(min(max(e, 1e-3), 0.98)) for e in seeds] for seeds in error_SK])
    chance_SKN = generator.standard_normal((len(SIZES), NUM_SEEDS, NUM_TEST), dtype=np.float32)
    shared_N = np.sqrt(OWN_DIFFICULTY) * row_N + np.sqrt(METHOD_DIFFICULTY) * generator.standard_normal(NUM_TEST)
    return shared_N + np.sqrt(1 - OWN_DIFFICULTY - METHOD_DIFFICULTY) * chance_SKN < limit_SK[..., None]


def by_hand(*laws: tuple[float, float, float]) -> Curve:
    """A curve, measured at 100 to 1,600 rows, whose copies are given laws: floor, drop at 1,600 rows, exponent."""
    floor, drop, exponent = np.array(laws, dtype=np.float64).T
    found = measured.errors((100, 200, 400, 800, 1600), np.full((5, 2), 0.5), num_test=1000)
    return Curve(found, Laws(floor, drop, exponent, np.zeros(len(laws)), 1600.0), misfit=1.0)
