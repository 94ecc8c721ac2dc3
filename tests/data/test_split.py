"""Held-out rows: the right share of each class, whole groups of duplicates, and the same ones each time."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from tasks_like import found_of

from headstart.contracts import Rows, Splits
from headstart.data.check import Accepted, accept, check
from headstart.data.split import held_out, split
from headstart.errors import DataError, SettingError

Pairs = list[tuple[str, str]]


def _accepted(**splits: Pairs) -> Accepted:
    return accept(check(found_of(**splits)), skip_bad_rows=False)


def _random_rows(seed: int) -> Pairs:
    """Between 60 and 400 texts of unequal classes, many of them repeated exactly or with a word added."""
    rng = random.Random(seed)
    words = [f"w{at}" for at in range(200)]
    rows: Pairs = []
    while len(rows) < rng.randint(60, 400):
        text, label = " ".join(rng.choices(words, k=25)), rng.choice("aaabbc")
        rows += [(text, label)] + [(text.upper(), label), (text + " more", label)] * (rng.random() < 0.2)
    return rows


def _parts(splits: Splits) -> list[Rows]:
    return [rows for rows in (splits.train, splits.validation, splits.test) if rows is not None]


@pytest.mark.parametrize("seed", range(12))
def test_no_duplicate_straddles_and_no_row_is_lost(seed: int) -> None:
    rows = _random_rows(seed)

    splits = split(_accepted(train=rows), validation_size=0.15, test_size=0.2, seed=seed)

    stems = [{" ".join(text.lower().split()[:25]) for text in part.column("text")} for part in _parts(splits)]
    assert sum(map(len, stems)) == len(set().union(*stems))
    assert sorted(row for part in _parts(splits) for row in part.column("row")) == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("seed", range(12))
def test_each_class_gives_its_share_within_one_group(seed: int) -> None:
    rows = _random_rows(seed)

    splits = split(_accepted(train=rows), validation_size=None, test_size=0.25, seed=seed)

    assert splits.test is not None
    given, held = Counter(label for _, label in rows), Counter(splits.test.column("label"))
    # a group has three rows at most: half of it may go too far, and rounding adds one
    assert all(abs(held[label] - 0.25 * given[label]) <= 2.5 for label in given)


def test_the_same_seed_gives_the_same_rows_whatever_their_order() -> None:
    rows = _random_rows(3)
    turned = rows[::-1]

    first = split(_accepted(train=rows), validation_size=None, test_size=0.2, seed=7)
    again = split(_accepted(train=turned), validation_size=None, test_size=0.2, seed=7)
    other = split(_accepted(train=rows), validation_size=None, test_size=0.2, seed=8)

    held = [sorted(rows.column("text")) for part in (first, again, other) for rows in _parts(part)[1:]]
    assert held[0] == held[1] != held[2]


def test_given_splits_are_used_as_they_are() -> None:
    accepted = _accepted(train=_random_rows(1), test=[("never seen before", "a"), ("nor this one", "b")])

    splits = split(accepted, validation_size=None, test_size=0.5, seed=0)

    assert splits.test is accepted.splits["test"]
    assert splits.train is accepted.splits["train"]
    assert "test: 2 rows as given" in splits.how


def test_every_class_keeps_a_training_row() -> None:
    rows = [(f"text number{at} here{at}", "a") for at in range(20)] + [("rare one", "b"), ("other thing", "b")]

    splits = split(_accepted(train=rows), validation_size=0.5, test_size=0.9, seed=0)

    assert set(splits.train.column("label")) == {"a", "b"}


@pytest.mark.parametrize("seed", range(5))
def test_a_class_hidden_in_a_group_of_another_keeps_a_training_row(seed: int) -> None:
    classes, groups = np.array([0, 0, 1, 0, 0, 0, 0]), np.array([7, 7, 7, 1, 2, 3, 4], np.uint64)

    is_out = held_out(classes, groups, size=0.6, rng=np.random.default_rng(seed), name="test")

    assert 1 in classes[~is_out]


def test_how_names_share_seed_and_groups() -> None:
    rows = [(f"text number{at} here{at}", "ab"[at % 2]) for at in range(20)]

    how = split(_accepted(train=[*rows, rows[0]]), validation_size=None, test_size=0.2, seed=5).how

    assert how == "test: 4 rows, 20% of train, stratified, seed 5, 1 group of duplicates kept together."


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="too few rows to hold out 20% of 2 for test"):
        split(_accepted(train=[("red apple", "a"), ("blue sky", "b")]), validation_size=None, test_size=0.2, seed=0)


@pytest.mark.parametrize("size", [0.0, 1.0, -0.1, 2.0])
def test_a_size_that_is_no_share_is_refused(size: float) -> None:
    with pytest.raises(SettingError, match="between 0 and 1"):
        split(_accepted(train=_random_rows(1)), validation_size=None, test_size=size, seed=0)
