"""Ways are judged in as many rounds as there is time for, all of them alike; the one that is taken perhaps in more."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_arms import FROZEN, hits, in_three, moving, stages, standing

from families import Family
from headstart.advisor import breadth, race
from headstart.advisor.clock import Clock
from headstart.advisor.race import Course
from headstart.progress import Event

IN_ROUNDS = {
    "there is no limit": (Clock(), 16, 0.5, 48),
    "there is time": (Clock(10_000), 16, 0.5, 48),
    "there is no time for more": (Clock(10_000), 16, 0.0, 16),
    "one round is too little to judge by": (Clock(10_000), 17, 0.0, 48),
}


@pytest.mark.parametrize(("clock", "enough", "share", "judged"), IN_ROUNDS.values(), ids=IN_ROUNDS.keys())
def test_all_ways_are_judged_in_all_rounds_or_all_in_the_first(
    clock: Clock,
    enough: int,
    share: float,
    judged: int,
    family: Family,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(breadth, "ENOUGH", enough)
    monkeypatch.setattr(breadth, "SHARE", share)

    used, found, _ = breadth.in_rounds(in_three(family, tmp_path, clock=clock), [FROZEN, moving()])

    assert [len(one.hits) for one in found] == [judged, judged]
    assert sum(len(each.validation) for each in used.rounds) == judged


def test_an_arm_that_more_rounds_would_lose_keeps_what_it_has(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breadth, "ENOUGH", 16)
    at = in_three(family, tmp_path, clock=Clock(10_000))
    plain = race.run

    def late(course: Course, arms: Any) -> Any:
        found, why = plain(course, arms)
        return (found, why) if len(course.rounds) == 1 else (found[:1], {"full": "would take more time"})

    monkeypatch.setattr(race, "run", late)
    used, found, why = breadth.in_rounds(at, [FROZEN, moving()])

    assert ([one.arm.name for one in found], len(used.rounds), why) == (["frozen", "full"], 1, {})


def test_the_first_round_is_not_trained_again_with_the_others(family: Family, tmp_path: Path) -> None:
    heard: list[Event] = []
    at = in_three(family, tmp_path, listener=heard.append)
    first = race.advanced(dataclasses.replace(at, rounds=at.rounds[:1]), moving(), 2)
    before = stages(heard, "train")

    whole = race.advanced(at, moving(), 2)

    assert (before, stages(heard, "train")) == (1, 3)
    assert np.array_equal(whole.hits[:16], first.hits)
    assert np.array_equal(whole.on_first(16).hits, first.hits)
    assert whole.answering == first.answering


def test_what_is_taken_is_judged_in_the_other_rounds_too(family: Family, tmp_path: Path) -> None:
    at = in_three(family, tmp_path, clock=Clock(10_000))
    (first,), _ = race.run(dataclasses.replace(at, rounds=at.rounds[:1]), [FROZEN])

    found = breadth.again(at, first)

    assert (len(first.hits), len(found.hits)) == (16, 48)
    assert np.array_equal(found.hits[:16], first.hits)


AS_IT_IS = {
    "no time": (Clock(1.9), standing("frozen", "pretrained", hits(8, 16))),
    "judged in all": (Clock(), standing("frozen", "pretrained", hits(8, 48))),
    "needs no model": (Clock(), standing("words", "baseline", hits(8, 16))),
}


@pytest.mark.parametrize(("clock", "one"), AS_IT_IS.values(), ids=AS_IT_IS.keys())
def test_otherwise_it_stands_as_it_did(clock: Clock, one: Any, family: Family, tmp_path: Path) -> None:
    heard: list[Event] = []

    assert breadth.again(in_three(family, tmp_path, clock=clock, listener=heard.append), one) is one
    assert heard == []
