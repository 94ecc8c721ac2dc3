"""Which ways compete for a model: its names, its changes of the settings, and how far up it pays."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from made_arms import scored

import families
from headstart.advisor import arms, ways
from headstart.settings import FitSettings
from headstart.sources import dir as folders
from headstart.tasks import automatic_speech_recognition as speech

SHAPES: dict[str, tuple[list[float], dict[str, bool], list[tuple[str, int, dict[str, Any]]]]] = {
    "the lowest block is as good": (
        [0.92, 0.91, 0.92],
        {"can_be_shorter": True, "reads_layers": True},
        [
            ("made, frozen", 3, {"strategy": "frozen"}),
            ("made, lowest block, frozen", 1, {"strategy": "frozen", "read": "1", "blocks": 1}),
            ("made, all trained", 3, {"strategy": "full"}),
            ("made, top 2 blocks trained", 3, {"strategy": "top", "top": 2}),
        ],
    ),
    "two of three are as good": (
        [0.50, 0.92, 0.92],
        {"can_be_shorter": True, "reads_layers": False},
        [
            ("made, frozen", 3, {"strategy": "frozen", "read": "3"}),
            ("made, lowest 2 blocks, frozen", 2, {"strategy": "frozen", "read": "2", "blocks": 2}),
            ("made, all trained", 3, {"strategy": "full"}),
            ("made, top 2 blocks trained", 3, {"strategy": "top", "top": 2}),
            ("made, lowest 2 blocks, all trained", 2, {"strategy": "full", "blocks": 2}),
        ],
    ),
    "all are needed": (
        [0.50, 0.92],
        {"can_be_shorter": True, "reads_layers": True},
        [
            ("made, frozen", 2, {"strategy": "frozen"}),
            ("made, all trained", 2, {"strategy": "full"}),
        ],
    ),
    "it cannot be cut": (
        [0.50, 0.92, 0.92],
        {"can_be_shorter": False, "reads_layers": True},
        [
            ("made, frozen", 3, {"strategy": "frozen"}),
            ("made, lowest 2 blocks, frozen", 2, {"strategy": "frozen", "read": "2"}),
            ("made, all trained", 3, {"strategy": "full"}),
            ("made, top 2 blocks trained", 3, {"strategy": "top", "top": 2}),
        ],
    ),
}


@pytest.mark.parametrize(("accuracies", "can", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_the_arms_of_a_model_follow_from_its_depths(
    accuracies: list[float], can: dict[str, bool], expected: list[tuple[str, int, dict[str, Any]]]
) -> None:
    found = arms.of_model(scored(accuracies), **can)

    told = [(arm.name, arm.blocks, {**arm.changes}) for arm in found]
    assert told == [(name, blocks, {"model": "dir:made", **changes}) for name, blocks, changes in expected]
    assert [arm.is_moving for arm in found] == [arm.changes["strategy"] != "frozen" for arm in found]


def test_every_change_is_a_setting() -> None:
    for arm in [*arms.of_model(scored([0.5, 0.9, 0.9]), can_be_shorter=True, reads_layers=False)]:
        FitSettings(**arm.changes)


def test_what_has_no_blocks_is_only_taken_as_it_is() -> None:
    whole = [one for one in scored([0.9]) if object.__setattr__(one, "blocks", 0) is None]

    assert [arm.name for arm in arms.of_model(whole, can_be_shorter=False, reads_layers=True)] == ["made, frozen"]


@pytest.mark.parametrize(
    ("accuracies", "depth"),
    [([0.84, 0.86, 0.92], 3), ([0.84, 0.915, 0.92], 2), ([0.92, 0.84, 0.92], 1), ([0.92], 1)],
)
def test_the_lowest_depth_as_good_as_the_best_but_for_the_tolerance(accuracies: list[float], depth: int) -> None:
    assert arms.lowest_as_good(scored(accuracies, num_rows=1000)).blocks == depth


def test_neighbours_have_a_say_in_how_far_up_it_pays() -> None:
    by_ridge, by_neighbours = scored([0.90, 0.90]), scored([0.60, 0.80])
    both = [
        dataclasses.replace(one, estimates=dataclasses.replace(one.estimates, neighbours=other.estimates.ridge))
        for one, other in zip(by_ridge, by_neighbours, strict=True)
    ]
    assert arms.lowest_as_good(both).blocks == 2


@pytest.mark.parametrize(
    ("chances", "taken"),
    [
        ([0.5, 0.3, 0.2], ["m0", "m1", "m2"]),
        ([0.3, 0.3, 0.2, 0.2], ["m0", "m1", "m2"]),
        ([0.96, 0.04], ["m0"]),
        ([0.04, 0.04], ["m0"]),
        ([], []),
    ],
)
def test_models_that_may_be_the_best_are_trained_and_never_many(chances: list[float], taken: list[str]) -> None:
    ranking = [{"model": f"m{at}", "probability_of_best": chance} for at, chance in enumerate(chances)]

    assert arms.worth_training(ranking) == taken


@pytest.mark.parametrize(("name", "reads"), [("moonshine", [{}]), ("hubert", [{}, {"read": "1", "blocks": 1}])])
def test_a_decoder_is_not_put_on_lower_layers(name: str, reads: list[dict[str, Any]], family: families.Family) -> None:
    backbone = folders.load(str(family(name)), revision=None, offline=True)
    course: Any = SimpleNamespace(task=speech, settings=FitSettings(), backbone=lambda settings: backbone)

    found = [arm.changes for arm in ways.of(course, scored([0.92, 0.92], ref=str(family(name))))]

    usual = {"model": str(family(name)), "strategy": "frozen"}
    assert [settings for settings in found if settings["strategy"] == "frozen"] == [{**usual, **read} for read in reads]
