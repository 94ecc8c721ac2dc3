"""What was measured of one way to learn: its error on the same test rows, at several sizes and with several seeds.

Values and their checks only; what follows from them is in `curves`.
"""

# S sizes, K seeds, N test rows

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from headstart.advisor.sizes import FEWEST_SIZES
from headstart.errors import SettingError

Floats = npt.NDArray[np.float64]
FEWEST_SEEDS = 2
"""One seed cannot tell how much it decides."""


@dataclass(frozen=True)
class Measured:
    """The errors of one way to learn; make it with `errors`, or better with `outcomes`.

    Args:
        rows_S: Rows learnt from, increasing.
        errors_SK: Share of the test rows that were wrong (or one minus any score between 0 and 1).
        num_test: N.
        wrong_SN: Share of the seeds that got each test row wrong; None where it is not known.
    """

    rows_S: Floats
    errors_SK: Floats
    num_test: int
    wrong_SN: Floats | None = None


def errors(rows: Sequence[int], errors_SK: npt.ArrayLike, *, num_test: int) -> Measured:
    """Measurements of which only the scores are known: any difference that the test rows may have made stays possible.

    Args:
        rows: S sizes, increasing, at least 5.
        errors_SK: Between 0 and 1; a seed has its own subset of the rows and its own fresh weights.
        num_test: Rows that were judged, the same for every error.

    Raises:
        SettingError: There are fewer than 5 sizes or 2 seeds.
    """
    found = np.asarray(errors_SK, dtype=np.float64)
    if len(rows) < FEWEST_SIZES or found.shape[1] < FEWEST_SEEDS:
        raise SettingError(
            f"A learning curve of {len(rows)} sizes and {found.shape[1]} seeds cannot be judged. "
            f"Measure at least {FEWEST_SIZES} sizes with {FEWEST_SEEDS} seeds, better 3."
        )
    assert found.shape[0] == len(rows), "an error for each size and seed"
    assert all(a < b for a, b in pairwise(rows)), "sizes increase"
    assert ((found >= 0) & (found <= 1)).all(), "errors are shares"
    return Measured(np.asarray(rows, dtype=np.float64), found, num_test)


def outcomes(rows: Sequence[int], wrong_SKN: npt.ArrayLike) -> Measured:
    """Measurements of which every single answer is known.

    Curves that were judged on the same test rows are then compared row by row, which tells far smaller differences.

    Args:
        rows: S sizes, increasing, at least 5.
        wrong_SKN: True where a test row was answered wrongly; the same N rows in the same order everywhere.

    Raises:
        SettingError: There are fewer than 5 sizes or 2 seeds.
    """
    wrong = np.asarray(wrong_SKN, dtype=bool)
    alone = errors(rows, wrong.mean(axis=2), num_test=wrong.shape[2])
    return Measured(alone.rows_S, alone.errors_SK, alone.num_test, wrong.mean(axis=1))
