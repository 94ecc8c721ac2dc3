"""Arms are trained side by side: one that goes on equals one trained in one go, and whoever falls behind drops out."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_arms import FROZEN, course, hits, in_three, moving, rows_of, stages, standing

from families import Family
from headstart import kernels
from headstart.advisor import race
from headstart.advisor.arms import Arm
from headstart.advisor.clock import Clock, OutOfTime
from headstart.advisor.race import Course, Standing
from headstart.advisor.rounds import Round
from headstart.progress import Advance, Event
from headstart.strategies import _plain
from headstart.train import trial


def test_a_resumed_arm_equals_one_trained_in_one_go(family: Family, tmp_path: Path) -> None:
    paused, straight = (
        course(family("bert"), tmp_path / name, num_train=160, lr=1e-2) for name in ("paused", "straight")
    )

    first = race.advanced(paused, moving(), 1)
    resumed = race.advanced(paused, moving(), 4, race.advanced(paused, moving(), 2, first))
    whole = race.to_the_end(straight, moving())

    assert (first.epochs, resumed.epochs, whole.epochs) == (1, 4, 4)
    assert np.array_equal(resumed.hits, whole.hits)
    assert not np.array_equal(first.hits, whole.hits)  # or the comparison would say nothing


def test_an_arm_that_was_interrupted_goes_on_and_ends_the_same(family: Family, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Advance) and event.stage == "train" and event.done >= 6:
            raise KeyboardInterrupt

    straight = race.advanced(course(family("bert"), tmp_path / "straight"), moving(), 2)
    with pytest.raises(KeyboardInterrupt):
        race.advanced(course(family("bert"), tmp_path / "stopped", listener=stop), moving(), 2)
    heard: list[Event] = []
    again = race.advanced(course(family("bert"), tmp_path / "stopped", listener=heard.append), moving(), 2)

    assert np.array_equal(again.hits, straight.hits)
    # four steps make an epoch: the first of them were saved, and are not taken again
    assert min(event.done for event in heard if isinstance(event, Advance) and event.stage == "train") > 4


def test_what_the_ledger_holds_is_not_trained_again(family: Family, tmp_path: Path) -> None:
    arms, heard = [FROZEN, moving(), moving("top", top=1)], [list[Event](), list[Event]()]
    first, again = (race.run(course(family("bert"), tmp_path, listener=each.append), arms) for each in heard)

    assert [one.to_json() for one in again[0]] == [one.to_json() for one in first[0]]
    assert [stages(each, "train") > 0 for each in heard] == [True, False]


def test_the_rows_that_judge_an_arm_choose_none_of_its_epochs(family: Family, tmp_path: Path) -> None:
    as_labelled, turned = (
        course(family("bert"), tmp_path / name, num_train=160, lr=1e-2) for name in ("as labelled", "turned")
    )
    (each,) = turned.rounds
    others = {"neg": "pos", "pos": "neg"}
    pairs = zip(*(each.validation.table[name].to_pylist() for name in ("text", "label")), strict=True)
    lied_to = Round(each.train, rows_of([(text, others[label]) for text, label in pairs]))
    turned = dataclasses.replace(turned, rounds=[lied_to])

    found, opposite = (race.to_the_end(one, moving()) for one in (as_labelled, turned))

    assert 0 < found.value < 1
    assert (found.hits + opposite.hits == 1).all()


def test_a_model_that_does_not_move_is_finished_at_once(family: Family, tmp_path: Path) -> None:
    found = race.advanced(course(family("bert"), tmp_path), FROZEN, 3)

    assert (found.epochs, found.most, found.is_done) == (1, 1, True)
    assert found.answering is not None
    assert 0 < found.answering["p50_ms"] <= found.answering["p95_ms"]
    assert found.mib is not None
    assert found.mib > 0


def test_an_answer_is_timed_without_laying_the_weights_out_each_time(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed: list[kernels.PackedLinear] = []
    plain = kernels.PackedLinear.__init__

    def counted(self: kernels.PackedLinear, *given: Any) -> None:
        packed.append(self)
        plain(self, *given)

    monkeypatch.setattr(kernels.PackedLinear, "__init__", counted)
    race.advanced(course(family("bert"), tmp_path), FROZEN, 1)

    # the bert has 14 linear layers with its head; they are packed to read features, to judge and to be timed
    assert 0 < len(packed) <= 4 * 14


def test_what_does_not_fit_is_told_and_what_fits_stands(family: Family, tmp_path: Path) -> None:
    # time for a training of a second and not for one of a million epochs
    endless = moving("full", epochs=10**6)
    found, why = race.run(course(family("bert"), tmp_path, clock=Clock(60)), [FROZEN, endless])

    assert [one.arm.name for one in found] == ["frozen", "full"]
    assert found[1].epochs < 100
    assert why == {}


def test_what_a_run_ends_with_counts_for_no_arm_of_a_race(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "FINISH", 1e6)
    found, why = race.run(course(family("bert"), tmp_path, clock=Clock(1000)), [FROZEN, moving()])
    assert ([one.arm.name for one in found], why) == (["frozen", "full"], {})


def test_with_less_time_than_the_cheapest_arm_took_no_training_is_begun(family: Family, tmp_path: Path) -> None:
    before = course(family("bert"), tmp_path)
    took = race.advanced(before, FROZEN, 1).seconds
    heard: list[Event] = []
    short = course(family("bert"), tmp_path, clock=Clock(took / 2), listener=heard.append)

    found, why = race.run(short, [FROZEN, moving()])

    assert [one.arm.name for one in found] == ["frozen"]  # it was in the ledger
    assert list(why) == ["full"]
    assert stages(heard, "train") == 0


def test_what_would_go_on_for_too_long_at_its_pace_is_left_where_it_is(family: Family, tmp_path: Path) -> None:
    heard: list[Event] = []
    at = course(family("bert"), tmp_path, clock=Clock(100), listener=heard.append)
    slow = standing("full", "pretrained", hits(8, 16), epochs=(1, 4), seconds=51.0)

    with pytest.raises(OutOfTime, match="would take 102 s"):
        race.advanced(at, moving(), 3, slow)
    assert stages(heard, "train") == 0


OWED = {"there is time to finish it": (100, 60.0), "there is not": (50, 0.0)}


@pytest.mark.parametrize(("budget", "owed"), OWED.values(), ids=OWED.keys())
def test_no_way_is_begun_at_the_cost_of_finishing_another(
    budget: float, owed: float, family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []

    def advanced(course: Course, arm: Arm, until: int, earlier: Standing | None = None, **how: float) -> Standing:
        told.append(how.get("owed", 0.0))
        return standing(arm.name, "pretrained", hits(8, 16), epochs=(4 if earlier else 1, 4), seconds=20.0)

    monkeypatch.setattr(race, "advanced", advanced)
    race.run(course(family("bert"), tmp_path, clock=Clock(budget)), [moving(), moving("top", top=1)])

    assert told[:2] == [0.0, pytest.approx(owed)]


# 48 rows in batches of 16 are 3 steps, so that 50 of them are in 17 epochs
def test_first_epochs_are_as_many_as_it_takes_to_learn_anything(family: Family, tmp_path: Path) -> None:
    at = in_three(family, tmp_path)

    assert race.first_epochs(at, moving()) == 17
    assert race.first_epochs(at, FROZEN) == 1
    assert race.first_epochs(course(family("bert"), tmp_path, num_train=816, num_judged=4), moving()) == 1


# 60 steps for each of two classes, 3 steps an epoch
def test_many_classes_are_learnt_longer_before_they_are_compared(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_plain, "STEPS_A_CLASS", 60)
    at = in_three(family, tmp_path)
    at = dataclasses.replace(at, settings=dataclasses.replace(at.settings, epochs=None))

    assert race.first_epochs(at, moving()) == race.epochs_of(at, moving()) == 40


def test_without_time_nothing_is_begun(family: Family, tmp_path: Path) -> None:
    heard: list[Event] = []
    place = course(family("bert"), tmp_path, clock=Clock(10, spent=11), listener=heard.append)

    assert race.run(place, [FROZEN, moving()]) == (
        [],
        dict.fromkeys(["frozen", "full"], "would take more time: 0 s are left"),
    )
    assert heard == []
    with pytest.raises(OutOfTime):
        race.to_the_end(place, moving())


def test_the_baselines_are_judged_on_the_same_rows(family: Family, tmp_path: Path) -> None:
    place = course(family("bert"), tmp_path, num_judged=40)

    found = {one.arm.name: one for one in race.baselines(place)}

    assert found["majority class"].value == 0.5  # classes take turns
    assert all((one.arm.kind, len(one.hits), one.is_done) == ("baseline", 40, True) for one in found.values())


def paused(name: str, right: int, epochs: int = 1, *, first: int = 0) -> Standing:
    return standing(name, "pretrained", hits(right, 100, first=first), strategy="full", epochs=(epochs, 4))


# of 100 rows; one that is right on a part of the leader's rows alone is as good in no draw
@pytest.mark.parametrize(
    ("standings", "running"),
    [
        ([paused("a", 90), paused("b", 50)], ["a"]),
        ([paused("a", 90), paused("b", 89, first=5)], ["a", "b"]),
        ([paused("a", 90, 4), paused("b", 89, first=5)], ["b"]),
        ([paused("a", 90, 4), paused("b", 50)], []),
        ([paused("a", 90, 4), paused("b", 90, 4)], []),
    ],
    ids=["one is far behind", "two are close", "the leader is done", "the leader is far ahead", "all are done"],
)
def test_whoever_may_still_be_the_best_goes_on(standings: list[Standing], running: list[str]) -> None:
    assert [one.arm.name for one in race.still_running(standings, seed=0)] == running


# three rows for ours and one for theirs: with equal chances of the sign, P(at least as good) is near 1
@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([1, 1, 0, 0], [1, 1, 0, 0], 1.0),
        ([1, 1, 1, 1], [0, 0, 0, 0], 1.0),
        ([0, 0, 0, 0], [1, 1, 1, 1], 0.0),
        # of two drawn rows, the draw of twice the second (1/4) is the only one in which ours is worse
        ([1, 0], [0, 1], 0.75),
    ],
)
def test_the_chance_to_be_as_good_is_that_of_a_paired_bootstrap(
    ours: list[float], theirs: list[float], expected: float
) -> None:
    # 2,000 draws: three standard errors of a share of 3/4 are 0.03
    assert race.chance_over(np.array(ours), np.array(theirs), seed=0) == pytest.approx(expected, abs=0.03)


def test_an_interval_of_right_and_wrong_is_wilsons() -> None:
    # 8 of 10: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96, by hand
    assert race.interval(np.array([1.0] * 8 + [0.0] * 2)) == pytest.approx((0.490, 0.943), abs=5e-4)


def test_of_no_arms_none_is_still_running() -> None:
    assert race.still_running([], seed=0) == []
