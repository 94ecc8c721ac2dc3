"""Which rows arms are judged on: every one it learnt nothing from, each once, copies together, never the test rows."""

from __future__ import annotations

import pytest
from made_arms import rows_of

from headstart import plug
from headstart.advisor import rounds
from headstart.contracts import Rows, Splits


def splits(num_train: int, num_validation: int, *, classes: int = 2) -> Splits:
    pairs = [(f"text {n}", f"class {n % classes}") for n in range(num_train + num_validation + 10)]
    parts = pairs[:num_train], pairs[num_train:-10], pairs[-10:]
    return Splits(*map(rows_of, parts))


def texts(rows: Rows) -> list[str]:
    return list(rows.column("text"))


def of(found: Splits, groups: list[str] | None = None) -> list[rounds.Round]:
    task = plug.load("tasks", "text-classification")
    return rounds.of(found, groups or texts(rounds.together(found)), task, seed=0)


def test_many_validation_rows_are_judged_once_as_they_are() -> None:
    found = splits(500, rounds.ENOUGH)

    (only,) = of(found)

    assert (only.train, only.validation) == (found.train, found.validation)


@pytest.mark.parametrize(
    ("num_train", "num_validation", "num_rounds"), [(200, rounds.ENOUGH - 1, 3), (210, 40, 3), (210, 38, 5), (20, 4, 5)]
)
def test_few_validation_rows_are_judged_with_all_others_each_once(
    num_train: int, num_validation: int, num_rounds: int
) -> None:
    found = splits(num_train, num_validation)

    several = of(found)

    assert len(several) == num_rounds
    judged = [text for each in several for text in texts(each.validation)]
    assert sorted(judged) == sorted(texts(rounds.together(found)))
    assert all(not {*texts(each.train)} & {*texts(each.validation)} for each in several)


def test_copies_of_a_row_are_judged_together() -> None:
    found = splits(90, 9)
    groups = [f"copy {n // 3}" for n in range(99)]
    known_as = dict(zip(texts(rounds.together(found)), groups, strict=True))

    for each in of(found, groups):
        assert not {known_as[text] for text in texts(each.train)} & {known_as[text] for text in texts(each.validation)}


def test_a_class_that_was_not_learnt_is_not_judged() -> None:
    pairs = [("alone", "rare"), *((f"text {n}", "ab"[n % 2]) for n in range(59))]
    found = Splits(rows_of(pairs[:50]), rows_of(pairs[50:]), None)

    several = of(found)

    assert sum(len(each.validation) for each in several) == 59
    assert all("rare" not in each.validation.column("label") for each in several)


def test_rows_of_a_class_are_spread_over_the_rounds_few_as_they_are() -> None:
    pairs = [*((f"rare {n}", "rare") for n in range(4)), *((f"text {n}", "ab"[n % 2]) for n in range(46))]
    found = Splits(rows_of(pairs[:40]), rows_of(pairs[40:]), None)

    judged = [list(each.validation.column("label")).count("rare") for each in of(found)]

    assert sorted(judged) == [0, 1, 1, 1, 1]


def test_classes_of_too_few_rows_for_every_round_are_judged_all_the_same() -> None:
    pairs = [(f"text {n}", f"class {n % 20}") for n in range(60)]
    found = Splits(rows_of(pairs[:50]), rows_of(pairs[50:]), None)

    several = of(found)

    assert len(several) == rounds.OF_FEW
    assert sum(len(each.validation) for each in several) >= 55
