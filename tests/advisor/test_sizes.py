"""Sizes and the rows of each: geometric, nested, in proportion, and refused where there are too few."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.advisor.sizes import order, sizes
from headstart.errors import DataError, SettingError

CLASSES = np.array([0] * 70 + [1] * 25 + [2] * 5)


@pytest.mark.parametrize(
    ("num_rows", "num_classes", "expected"),
    [
        (1600 * 625 // 16, 1, (1600, 4000, 10000, 25000, 62500)),
        (320, 1, (20, 40, 80, 160, 320)),
        (640, 20, (40, 80, 160, 320, 640)),
    ],
    ids=["no step is larger than 2.5", "the smallest has 20 rows", "or two of each class"],
)
def test_sizes_are_geometric_from_what_can_be_learnt_from(
    num_rows: int, num_classes: int, expected: tuple[int, ...]
) -> None:
    assert sizes(num_rows, num_classes=num_classes) == expected


def test_sizes_that_would_hardly_differ_are_refused() -> None:
    # 20 · 1.25⁴ = 48.8
    assert sizes(49) == (20, 25, 31, 39, 49)
    with pytest.raises(DataError, match=r"There are 48 rows .* 20 rows, needs 49\. Add rows"):
        sizes(48)


def test_fewer_sizes_than_a_curve_can_be_judged_by_are_refused() -> None:
    with pytest.raises(SettingError, match="Ask for 5 or more"):
        sizes(10_000, count=4)


def test_every_row_is_drawn_once() -> None:
    assert sorted(order(CLASSES, seed=0)) == list(range(100))


@pytest.mark.parametrize("size", [3, 20, 33, 60, 100])
def test_every_beginning_has_the_classes_in_proportion(size: int) -> None:
    counts = np.bincount(CLASSES[order(CLASSES, seed=1)[:size]], minlength=3)

    # one row of each is in any case; the rest go by share, a class off by at most one row
    assert counts.min() >= 1
    assert np.abs(counts - np.array([0.70, 0.25, 0.05]) * size).max() <= 2


def test_another_seed_draws_other_rows() -> None:
    first, second = (set(order(CLASSES, seed=seed)[:20]) for seed in (0, 1))

    assert first != second
    assert list(order(CLASSES, seed=0)) == list(order(CLASSES, seed=0))


def test_rows_of_a_class_are_drawn_with_equal_chance() -> None:
    drawn = np.bincount(np.concatenate([order(CLASSES, seed=seed)[:20] for seed in range(2000)]), minlength=100) / 2000

    # 14 of the 70 rows of class 0 in each draw, so one in five; a share of 2,000 draws is within 0.05 of it
    assert np.abs(drawn[:70] - drawn[:70].mean()).max() < 0.05
