"""How heavily each class weighs in the loss: alike, by rarity, or as the user says."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headstart.errors import SettingError

HEAVIEST = 10.0
"""A class weighs at most so many times the mean; beyond that a handful of rows would decide."""

Floats = npt.NDArray[np.float32]


def weights(asked: str, names: Sequence[str], counts: npt.NDArray[np.int64]) -> Floats | None:
    """The weight of each class, shape (C,); None where all weigh alike.

    Args:
        asked: "none"; "auto" for N / (C · rows of the class), capped; or "NAME=WEIGHT,...", the others weighing 1.
        names: Of the classes.
        counts: Training rows of each.

    Raises:
        SettingError: A class or a weight cannot be read.
    """
    if asked == "none":
        return None
    if asked == "auto":
        even = counts.sum() / (len(counts) * np.maximum(counts, 1))
        return np.array(np.minimum(even, HEAVIEST), dtype=np.float32)
    given = dict(_pair(part, names) for part in asked.split(","))
    return np.array([given.get(name, 1.0) for name in names], dtype=np.float32)


def _pair(part: str, names: Sequence[str]) -> tuple[str, float]:
    """One "NAME=WEIGHT"; a name may have a "=" of its own."""
    name, _, number = part.strip().rpartition("=")
    if name not in names:
        close = difflib.get_close_matches(name or number, names, n=1)
        guess = f' Did you mean "{close[0]}"?' if close else ""
        raise SettingError(f'--class-weights "{part}": give none, auto or NAME=WEIGHT with a class of the data.{guess}')
    try:
        weight = float(number)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise SettingError(f'--class-weights "{part}": "{number}" is not a weight. Give a number, 0 or above.')
    return name, weight
