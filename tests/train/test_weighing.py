"""Weights of classes: by rarity, or as they are given."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.errors import SettingError
from headstart.train.weighing import weights

NAMES = ("a=b", "neg", "pos")
COUNTS = np.array([10, 30, 60])


def test_none_weighs_nothing() -> None:
    assert weights("none", NAMES, COUNTS) is None


def test_auto_makes_the_rows_of_each_class_weigh_alike_together() -> None:
    found = weights("auto", NAMES, COUNTS)
    np.testing.assert_allclose(found * COUNTS, [100 / 3] * 3, rtol=1e-6)


def test_a_class_of_a_few_rows_does_not_decide_everything() -> None:
    assert weights("auto", ("neg", "pos"), np.array([1, 999]))[0] == 10.0  # type: ignore[index]


def test_what_is_given_counts_and_the_others_weigh_one() -> None:
    np.testing.assert_array_equal(weights("pos=2.5, a=b=0", NAMES, COUNTS), [0.0, 1.0, 2.5])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("pso=2", 'Did you mean "pos"'),
        ("pos", "NAME=WEIGHT"),
        ("pos=much", '"much" is not a weight'),
        ("pos=-1", "0 or above"),
        ("pos=inf", "0 or above"),
    ],
)
def test_what_cannot_be_a_weight_is_refused(asked: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        weights(asked, NAMES, COUNTS)
