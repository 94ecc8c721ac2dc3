"""How each way does with fewer rows: measured on nested draws, by the rows' own answers, as far as time and rows go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_arms import course, moving

from families import Family
from headstart.advisor import growth, worth
from headstart.advisor.clock import Clock
from headstart.advisor.measured import Measured
from headstart.advisor.race import Course
from headstart.advisor.rounds import Round
from headstart.advisor.sizes import order, sizes
from headstart.contracts import Rows
from headstart.errors import DataError
from headstart.progress import Event, Note, Stage

BASELINE = "TF-IDF + logistic regression"


def counts_of_letters(rows: Rows) -> Any:
    """Vectors that a head can learn from: how often each letter occurs in a text, shape (N, 26)."""
    return np.array([[text.count(chr(97 + at)) for at in range(26)] for text in rows.column("text")], np.float32)


def place(family: Family, folder: Path, **given: Any) -> Course:
    return course(family("bert"), folder, **{"num_train": 60, "num_judged": 40, "epochs": 1, **given})


def found(at: Course, fresh: Any = None) -> worth.Worth:
    def measure(each: Round) -> Measured:
        return growth.of_frozen(at, each, "letters, frozen", counts_of_letters)

    return worth.of(at, "letters, frozen", measure, BASELINE, fresh)


def test_every_point_is_a_fit_on_a_beginning_of_its_draw(family: Family, tmp_path: Path) -> None:
    at = place(family, tmp_path)
    each = at.rounds[0]

    curve = growth.of_baseline(at, each, BASELINE)

    chosen = sizes(60, num_classes=2)
    classes = np.array([label == "pos" for label in each.train.column("label")], np.int64)
    truth = each.validation.column("label")
    for row, size in enumerate(chosen):
        for draw in range(growth.DRAWS):
            some = each.train.take(order(classes, seed=draw)[:size])
            answers = at.task.baselines(some, each.validation, at.task.learn(some), seed=draw)[BASELINE]
            wrong = np.mean([answer["label"] != label for answer, label in zip(answers, truth, strict=True)])
            assert curve.errors_SK[row, draw] == pytest.approx(wrong)


@pytest.fixture(scope="module")
def twice(family: Family, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[worth.Worth], list[int]]:
    """Three curves measured, and asked for again; and how many trainings either took."""
    folder, told, trained = tmp_path_factory.mktemp("curves"), [], []
    for _ in range(2):
        heard: list[Event] = []
        told.append(found(place(family, folder, listener=heard.append), moving("scratch")))
        trained.append(sum(isinstance(event, Stage) and event.name == "train" for event in heard))
    return told, trained


def test_three_whole_curves_are_told_with_what_they_say(twice: tuple[list[worth.Worth], list[int]]) -> None:
    told = twice[0][0]

    assert set(told.told) == {"pretrained", "baseline", "scratch"}
    assert told.missing is None
    assert told.said is not None
    assert told.said.rows == 60
    assert [one["rows"] for one in told.more] == [120, 240]


def test_no_point_is_measured_twice(twice: tuple[list[worth.Worth], list[int]]) -> None:
    (first, again), trained = twice

    assert again.to_json() == first.to_json()
    assert trained == [len(sizes(60)) * growth.DRAWS, 0]


def test_too_few_rows_for_a_curve_are_said(family: Family, tmp_path: Path) -> None:
    heard: list[Event] = []
    told = found(place(family, tmp_path, num_train=40, listener=heard.append))

    assert (told.told, told.said, told.more) == ({}, None, ())
    assert told.missing is not None
    assert "There are 40 rows to learn from" in told.missing
    assert [event.text for event in heard if isinstance(event, Note)] == [
        f"Learning curves are not complete: {told.missing}."
    ]


def test_what_there_was_no_time_for_is_missing_and_the_rest_is_told(family: Family, tmp_path: Path) -> None:
    found(place(family, tmp_path))  # the curves without fresh weights are in the ledger
    at = place(family, tmp_path, clock=Clock(10, spent=9.9))

    told = found(at, moving("scratch", epochs=10**6))

    assert "would take" in str(told.missing)
    assert "scratch" not in told.told
    assert told.is_scratch_open is False


def test_a_model_without_blocks_has_no_fresh_weights(family: Family, tmp_path: Path) -> None:
    told = found(place(family, tmp_path))

    assert set(told.told) == {"pretrained", "baseline"}
    assert told.missing == "a model without blocks cannot be trained from fresh weights"


def test_a_curve_that_cannot_be_is_no_curve(family: Family, tmp_path: Path) -> None:
    at = place(family, tmp_path, num_train=growth.FEWEST - 10)

    with pytest.raises(DataError, match="needs 49"):
        growth.from_scratch(at, at.rounds[0], moving("scratch"))
