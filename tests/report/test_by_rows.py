"""The drawing of learning curves: points and lines at their places, and the crossing told as it was found."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from sample_curves import CROSSING, LEVEL, OPEN, three

from headstart.report.by_rows import learning_curves

DRAWN = learning_curves(three(), metric="accuracy", crossing=CROSSING)


def places(drawing: str, kind: str) -> list[tuple[float, float]]:
    """Where circles of that kind are."""
    found = re.findall(rf'<circle cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+" class="{kind}"', drawing)
    return [(float(x), float(y)) for x, y in found]


def test_a_mean_lies_between_its_seeds() -> None:
    means, seeds = places(DRAWN, "mark theirs")[1:], places(DRAWN, "mark theirs seed")

    assert len(means) == 5
    for mean, one, two in zip(means, seeds[::2], seeds[1::2], strict=True):
        assert mean == pytest.approx((one[0], (one[1] + two[1]) / 2), abs=0.1)


def test_doublings_are_as_far_apart_as_one_another() -> None:
    across = [x for x, _ in places(DRAWN, "mark ours seed")[::2]]

    steps = [after - before for before, after in pairwise(across)]
    assert steps == pytest.approx([steps[0]] * 4, abs=0.2)


def test_a_curve_is_dashed_where_nothing_was_measured() -> None:
    lines = dict(re.findall(r'<polyline points="([^"]+)" class="curve ours( carried|)"', DRAWN))

    measured, carried = ([point.split(",") for point in points.split()] for points in lines)
    assert (len(measured), len(carried)) == (5, 3)
    assert measured[-1] == carried[0]


def test_every_score_marked_on_the_axis_is_within_the_plot() -> None:
    levels = {float(y) for y in re.findall(r'y1="([\d.]+)" x2="[\d.]+" y2="[\d.]+" class="grid"', DRAWN)}
    bottom, top = re.search(r'y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)" class="far"', DRAWN).groups()

    assert (max(levels), min(levels)) == (float(bottom), float(top))


@pytest.mark.parametrize(
    ("crossing", "said"),
    [
        (CROSSING, ["cross at 310 (210 to 400)"]),
        (OPEN, ["order not clear beyond 2,300"]),
        (LEVEL, []),
        (None, []),
    ],
    ids=["crosses", "open", "level", "not compared"],
)
def test_the_crossing_is_told_as_it_was_found(crossing: dict[str, Any] | None, said: list[str]) -> None:
    drawn = learning_curves(three(), metric="accuracy", crossing=crossing)

    assert re.findall('class="swap"[^>]*>([^<]+)</text>', drawn) == said


def test_a_score_below_zero_is_drawn_at_zero() -> None:
    curves = three()
    curves[2]["fit"][0]["low"] = -0.4

    drawn = learning_curves(curves, metric="accuracy")

    band = re.search('points="([^"]+)" class="band other"', drawn).group(1).split()
    bottom = re.search(r'y1="([\d.]+)" x2="[\d.]+" y2="[\d.]+" class="far"', drawn).group(1)
    assert max(float(point.split(",")[1]) for point in band) == float(bottom)


def test_no_curves_are_no_drawing() -> None:
    assert learning_curves([], metric="accuracy") == ""
