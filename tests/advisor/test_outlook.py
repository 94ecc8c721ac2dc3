"""What a fit is expected to reach: with more rows than in the race, on test rows that have luck of their own."""

# N rows that judged in the race, M test rows

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from made_arms import course, hits, moving, standing

from families import Family
from headstart import plug
from headstart.advisor import outlook
from headstart.advisor.arms import Arm
from headstart.advisor.curves import Estimate, usual_gain
from headstart.advisor.outlook import Outlook
from headstart.advisor.race import Standing
from headstart.advisor.rounds import Round
from headstart.contracts import Rows, Splits

N = 300
FROZEN = standing("bert, frozen", "pretrained", hits(220, N))


def test_of_ever_so_many_test_rows_the_interval_is_that_of_the_race() -> None:
    found = outlook.of(FROZEN)

    assert (found.value, found.low, found.high) == pytest.approx((220 / N, *FROZEN.interval))
    assert outlook.of(FROZEN, judged=10**9).low == pytest.approx(found.low)


def test_as_many_test_rows_as_judged_double_the_variance() -> None:
    found = outlook.of(FROZEN, judged=N)

    low, high = FROZEN.interval
    assert (found.value - found.low, found.high - found.value) == pytest.approx(
        (2**0.5 * (220 / N - low), 2**0.5 * (high - 220 / N))
    )


def test_what_more_rows_bring_moves_the_middle_and_widens_both_sides() -> None:
    still, more = outlook.of(FROZEN), Estimate(0.03, 0.01, 0.06)

    found = outlook.of(FROZEN, more)

    assert found.value == pytest.approx(still.value + 0.03)
    # a 90 % interval reaches 1.645 deviations to a side, a 95 % interval 1.960
    below, above = 0.02 * 1.960 / 1.645, 0.03 * 1.960 / 1.645
    assert found.low == pytest.approx(found.value - np.hypot(still.value - still.low, below), abs=1e-4)
    assert found.high == pytest.approx(found.value + np.hypot(still.high - still.value, above), abs=1e-4)


def test_nothing_above_one_is_expected() -> None:
    found = outlook.of(standing("bert, frozen", "pretrained", hits(299, N)), Estimate(0.1, 0.0, 0.2), judged=10)

    assert (found.value, found.high) == (1.0, 1.0)


def test_the_test_score_lies_within_as_often_as_is_said() -> None:
    generator, inside = np.random.default_rng(0), 0
    for _ in range(1000):
        raced, tested = generator.random(N) < 0.75, generator.random(500) < 0.75
        found = outlook.of(standing("bert, frozen", "pretrained", raced), judged=500)
        inside += found.low <= tested.mean() <= found.high

    assert 930 <= inside <= 970


def foreseen(family: Family, folder: Path, one: Standing, *, is_cut_off: bool = True, per_round: int = 48) -> Outlook:
    """Of 64 rows to learn from, 16 for validation and 40 for test, raced with so many rows."""
    at = course(family("bert"), folder, num_train=120, num_judged=16)
    rows = at.rounds[0].train
    at = dataclasses.replace(at, rounds=[Round(rows.take(np.arange(per_round)), at.rounds[0].validation)])
    splits = Splits(rows.take(np.arange(64)), rows.take(np.arange(64, 80)), rows.take(np.arange(80, 120)))
    return outlook.foreseeing(at, splits, is_cut_off=is_cut_off)(one)


WAYS = {
    "frozen": (FROZEN.arm, 80),
    "some blocks move": (moving("top"), 80),
    "rows choose the epoch": (moving("gradual"), 64),
    "fresh weights": (moving("scratch"), 64),
    "a baseline": (Arm("TF-IDF", "baseline"), 80),
}


@pytest.mark.parametrize(("arm", "learns"), WAYS.values(), ids=WAYS.keys())
def test_more_rows_bring_what_is_usual(family: Family, tmp_path: Path, arm: Arm, learns: int) -> None:
    one = Standing(arm, hits(12, 16), 1, 1, 1.0)

    found = foreseen(family, tmp_path, one)

    assert found == dataclasses.replace(
        outlook.of(one, usual_gain(4 / 16, learns / 48), judged=40), learns=learns, learnt=48
    )


def test_validation_rows_that_were_given_are_not_learnt_from(family: Family, tmp_path: Path) -> None:
    one = standing("bert, frozen", "pretrained", hits(12, 16))

    found = foreseen(family, tmp_path, one, is_cut_off=False)

    assert (found.learns, found.value) == (64, 12 / 16 + usual_gain(4 / 16, 64 / 48).value)


def test_epochs_that_there_was_no_time_for_count_as_rows_do(family: Family, tmp_path: Path) -> None:
    begun, done = (Standing(moving("top"), hits(12, 16), epochs, 4, 1.0) for epochs in (1, 4))

    more, less = (foreseen(family, tmp_path / str(one.epochs), one) for one in (begun, done))

    assert more.value == 12 / 16 + usual_gain(4 / 16, 4 * 80 / 48).value
    assert more.value > less.value
    assert more.high - more.low > less.high - less.low


@pytest.mark.parametrize("per_round", [80, 19], ids=["no more rows", "beyond all reach"])
def test_where_nothing_is_known_of_more_rows_what_was_reached_is_expected(
    family: Family, tmp_path: Path, per_round: int
) -> None:
    one = Standing(FROZEN.arm, hits(12, 16), 1, 1, 1.0)

    found = foreseen(family, tmp_path, one, per_round=per_round)

    assert (found.value, found.learns, found.learnt, found.judged) == (12 / 16, None, None, 40)


@pytest.mark.parametrize(
    ("learnt", "judged", "expected"),
    [
        ("aaab", "aaab", 2.0),
        ("aaaaab", "ab", (((6 / 5) ** -0.5 + 2**-0.5) / 2) ** -2),
        ("aaa", "aaabb", 2.0),
    ],
    ids=["in proportion", "a class with few rows", "a class not learnt"],
)
def test_what_counts_are_rows_of_its_own_class(learnt: str, judged: str, expected: float) -> None:
    task = plug.load("tasks", "text-classification")

    found = outlook.of_own_class([Round(labelled(learnt), labelled(judged))], labelled(learnt + judged), task)

    assert found == pytest.approx(expected)


def labelled(labels: str) -> Rows:
    return Rows(pa.table({"text": ["fine"] * len(labels), "label": list(labels)}))


def test_without_classes_all_rows_count() -> None:
    task = plug.load("tasks", "automatic-speech-recognition")
    few, more = (Rows(pa.table({"audio": ["a.wav"] * num, "transcription": ["ab"] * num})) for num in (4, 12))

    assert outlook.of_own_class([Round(few, few)], more, task) == pytest.approx(3)


def test_a_usual_gain_holds_nine_tenths_of_all_laws() -> None:
    generator, inside = np.random.default_rng(1), 0
    for _ in range(1000):
        error, times = generator.uniform(0.01, 0.9), generator.uniform(1.1, 4)
        exponent, floor = min(-0.1, generator.normal(-0.5, 0.25)), error * generator.random()
        gain = (error - floor) * (1 - times**exponent)
        found = usual_gain(error, times)
        inside += found.low <= gain <= found.high

    assert 870 <= inside <= 930
