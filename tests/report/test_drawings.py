"""The drawings: well-formed, within their frame, and safe against the names they are given."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from run_folders import epochs, linear_learning, scores_json
from sample_curves import CROSSING, OPEN, three

from headstart.report import by_rows, curves, plots
from headstart.report.svg import Scale, fitted, ticks

NAMES = ["<b>", 'a "b" & c', "长长的类名字" * 9, *(f"class {number}" for number in range(74))]
SCORES = scores_json(NAMES)
METHODS = {"this model": SCORES["metrics"]["accuracy"], "<i>": {"value": 0.2, "low": 0.1, "high": 0.3}}
DRAWINGS = {
    "comparison": plots.comparison("accuracy", METHODS),
    "confusion": plots.confusion(**SCORES["confusion"]),
    "small confusion": plots.confusion(**scores_json()["confusion"]),
    "reliability": plots.reliability(SCORES["calibration"]["bins"]),
    "learning": curves.learning(epochs(), "accuracy"),
    "screening": curves.screening(linear_learning(), "5"),
    "learning curves": by_rows.learning_curves(three(NAMES[1]), metric="accuracy", crossing=CROSSING),
    "long names": by_rows.learning_curves(three(NAMES[2]), metric="f1_macro", crossing=OPEN),
    "selection": curves.selection(linear_learning(), "5"),
}
COORDINATES = {"x": 0, "cx": 0, "x1": 0, "x2": 0, "y": 1, "cy": 1, "y1": 1, "y2": 1}


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS.keys())
def test_a_drawing_is_well_formed_and_keeps_within_its_frame(drawing: str) -> None:
    root = ElementTree.fromstring(drawing)
    frame = [float(side) for side in root.attrib["viewBox"].split()[2:]]

    for element in root.iter():
        placed = {name: float(value) for name, value in element.attrib.items() if name in COORDINATES}
        assert element is root or all(0 <= value <= frame[COORDINATES[name]] for name, value in placed.items())


def test_a_heat_map_draws_only_cells_that_hold_rows() -> None:
    kinds = re.findall(r'<rect [^>]*class="(hit|miss)"', DRAWINGS["confusion"])

    assert (kinds.count("hit"), kinds.count("miss")) == (77, 77)


def test_a_small_matrix_shows_its_counts() -> None:
    assert re.findall(r'class="count[^"]*"[^>]*>(\d+)<', DRAWINGS["small confusion"]) == ["9", "1", "1", "9"]


def test_a_matrix_too_large_to_read_is_not_drawn() -> None:
    assert plots.confusion([str(n) for n in range(121)], [[0] * 121] * 121) == ""


@pytest.mark.parametrize("drawn", [curves.learning([], "accuracy"), curves.screening([], ""), curves.selection([], "")])
def test_what_was_not_measured_is_not_drawn(drawn: str) -> None:
    assert drawn == ""


def test_an_epoch_whose_loss_ran_away_does_not_hide_the_others() -> None:
    steps = [*epochs(), {"epoch": 4, "loss": float("nan"), "validation": {"accuracy": 0.5}}]

    assert 'training loss: 0.520 0.310 0.220">' in curves.learning(steps, "accuracy")


def test_the_strength_with_the_lowest_loss_is_ringed() -> None:
    rings = re.findall(r'class="ring ours"><title>([^<]*)', DRAWINGS["selection"])

    assert rings == ["layer 5 0.830", "layer 5 0.350"]


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0.783, 0.859, [0.78, 0.8, 0.82, 0.84, 0.86]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1, 1, [0.8, 1]),
        (0.55, 0.55, [0.4, 0.6]),
        (0, 0, [0, 0.2]),
        (-3, 2, [-3, -2, -1, 0, 1, 2]),
    ],
    ids=["narrow", "unit", "one value", "between marks", "zero", "negative"],
)
def test_ticks_are_round_and_enclose_the_values(low: float, high: float, marks: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(marks)


def test_a_scale_maps_its_ends_onto_its_ends() -> None:
    scale = Scale(2, 4, 100, 0)

    assert (scale(2), scale(3), scale(4)) == (100, 50, 0)


def test_a_text_that_does_not_fit_shows_its_cut() -> None:
    assert fitted("abcdefghij", 10, 36) == "abcde…"
    assert fitted("abc", 10, 36) == "abc"
