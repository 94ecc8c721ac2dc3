"""How many rows to learn from at each point of a learning curve, and which: nested, and with every class in them.

Draws rows by number only; where they come from and what is trained on them is the caller's business.
"""

# N rows

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from headstart.errors import DataError, SettingError

Ints = npt.NDArray[np.int64]

FEWEST_SIZES = 5
"""A power law has three unknowns; fewer points than this leave nothing to judge it by."""
FEWEST_ROWS = 20
"""Of the smallest size; below it a curve follows chance more than the rows."""
LARGEST_STEP = 2.5
"""From one size to the next; wider spans than five such steps are seldom one power law."""
SMALLEST_STEP = 1.25
"""Closer sizes differ by less than their noise."""


def sizes(num_rows: int, *, num_classes: int = 1, count: int = FEWEST_SIZES) -> tuple[int, ...]:
    """Rows at each point of the curve, in geometric steps, increasing; the last is all of them.

    Args:
        num_rows: Rows there are to learn from.
        num_classes: Classes among them; the smallest size has room for two rows of each.
        count: How many sizes, 5 or more.

    Raises:
        SettingError: `count` is below 5.
        DataError: There are too few rows for so many sizes.

    Example:
        >>> sizes(3200)
        (82, 205, 512, 1280, 3200)
    """
    if count < FEWEST_SIZES:
        raise SettingError(f"A learning curve of {count} sizes cannot be judged. Ask for {FEWEST_SIZES} or more.")
    fewest = max(FEWEST_ROWS, 2 * num_classes)
    needed = math.ceil(fewest * SMALLEST_STEP ** (count - 1))
    if num_rows < needed:
        raise DataError(
            f"There are {num_rows:,} rows to learn from; a learning curve of {count} sizes, of which the smallest has "
            f"{fewest} rows, needs {needed:,}. Add rows, or leave the curve out."
        )
    smallest = max(fewest, math.ceil(num_rows / LARGEST_STEP ** (count - 1)))
    return tuple(round(smallest * (num_rows / smallest) ** (index / (count - 1))) for index in range(count))


def order(classes_N: Ints, *, seed: int) -> Ints:
    """The rows in an order of which every beginning has the classes in proportion; shape (N,).

    The first `size` of them are the rows to learn from at that size, so a smaller size lies within a larger one. One
    row of each class comes first: a beginning at least as long as there are classes has them all.

    Args:
        classes_N: A code for each row; the same for all where there are no classes.
        seed: Of the draw.
    """
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(classes_N))
    _, of_row, counts = np.unique(classes_N[shuffled], return_inverse=True, return_counts=True)
    # where a row stands among those of its class, in the order of the draw
    by_class = np.argsort(of_row, kind="stable")
    rank = np.empty(len(classes_N), np.int64)
    rank[by_class] = np.arange(len(classes_N)) - np.repeat(np.cumsum(counts) - counts, counts)
    place = np.where(rank == 0, -1.0, (rank + 0.5) / counts[of_row])
    # stable, so that rows of different classes with the same place keep the order of the draw
    return np.asarray(shuffled[np.argsort(place, kind="stable")])
