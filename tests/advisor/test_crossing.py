"""Where curves cross: each kind read off copies made by hand, and the effective-data multiplier."""

from __future__ import annotations

import numpy as np
import pytest
from made_curves import by_hand

from headstart.advisor.crossing import crossing, multiplier

STEP = 2 ** (1 / 20)
"""Between the places that are looked at."""


def level(error: float, num_copies: int) -> list[tuple[float, float, float]]:
    return [(error, 0.0, -1.0)] * num_copies


def through(*places: float) -> list[tuple[float, float, float]]:
    """Copies of a curve that comes down to 0.2 at the given numbers of rows, falling in proportion to them."""
    return [(0.0, 0.2 * rows / 1600, -1.0) for rows in places]


def test_the_interval_is_where_the_copies_do_not_agree() -> None:
    places = np.geomspace(400, 800, 100)

    found = crossing(by_hand(*level(0.2, 100)), by_hand(*through(*places)))

    # 95 of 100 copies cross after the fifth, and before the 95th
    assert (found.kind, found.leader, found.now, found.since) == ("crosses", "ours", "theirs", 100)
    assert places[5] / STEP <= found.low <= places[5]
    assert places[94] <= found.high <= places[94] * STEP
    assert found.rows == pytest.approx(566, rel=0.04)


@pytest.mark.parametrize(
    ("theirs", "kind", "leader", "now"),
    [
        (level(0.3, 100), "ahead", "ours", "ours"),
        (level(0.1, 100), "past", "theirs", "theirs"),
        (through(*[50] * 100), "past", "theirs", "theirs"),
        (through(*[800] * 100), "crosses", "ours", "theirs"),
        (through(*[10**6] * 100), "ahead", "ours", "ours"),
        (through(*[5000] * 50 + [10**6] * 50), "open", "ours", "ours"),
        (level(0.1, 50) + level(0.3, 50), "level", None, None),
        (level(0.2, 100), "level", None, None),
    ],
    ids=[
        "ahead everywhere",
        "behind everywhere",
        "a crossing before the first size",
        "a sure crossing",
        "a crossing far beyond",
        "a crossing that may be within reach",
        "no order",
        "equal curves",
    ],
)
def test_the_kind_is_what_the_copies_agree_on(
    theirs: list[tuple[float, float, float]], kind: str, leader: str | None, now: str | None
) -> None:
    found = crossing(by_hand(*level(0.2, 100)), by_hand(*theirs))

    assert (found.kind, found.leader, found.now) == (kind, leader, now)


def test_a_lead_that_ends_beyond_what_was_measured_is_known_up_to_where_it_may_end() -> None:
    found = crossing(by_hand(*level(0.2, 100)), by_hand(*through(*[5000] * 50, *[10**6] * 50)))

    assert (found.reach, found.high, found.rows) == (6400, None, None)
    assert 5000 / STEP <= found.low <= 5000


def test_curves_exchanged_give_the_crossing_mirrored() -> None:
    ours, theirs = by_hand(*level(0.2, 100)), by_hand(*through(*np.geomspace(400, 800, 100)))

    there, back = crossing(ours, theirs), crossing(theirs, ours)

    assert (there.low, there.rows, there.high) == (back.low, back.rows, back.high)
    assert (there.leader, back.leader, back.now) == ("ours", "theirs", "ours")


def test_the_gap_is_what_ours_scores_more() -> None:
    assert crossing(by_hand(*level(0.2, 100)), by_hand(*level(0.3, 100))).gap.value == pytest.approx(0.1)


def test_a_gap_no_larger_than_its_noise_is_not_clear_anywhere() -> None:
    # 96 of 100 copies agree on the order at every size, which one look at one size would call clear
    errors = 0.2 + np.linspace(-0.002, 0.048, 100)

    found = crossing(by_hand(*level(0.2, 100)), by_hand(*[(error, 0.0, -1.0) for error in errors]))

    assert (found.kind, found.chance > 0.05) == ("level", True)


def test_the_multiplier_is_the_ratio_of_the_rows_for_one_error() -> None:
    found = multiplier(by_hand(*level(0.2, 20)), by_hand(*through(*[3200] * 20)))

    assert (found.rows, found.times.value, found.most) == pytest.approx((1600, 2, 4))
    assert multiplier(by_hand(*level(0.2, 20)), by_hand(*through(*[3200] * 20)), 400).times.low == pytest.approx(8)


@pytest.mark.parametrize(("error", "end"), [(0.4, 4.0), (0.0, 1 / 16)], ids=["never reached", "had from the start"])
def test_a_multiplier_ends_where_nothing_was_measured(error: float, end: float) -> None:
    found = multiplier(by_hand(*level(0.2, 20)), by_hand(*level(error, 20)))

    assert (found.times.low, found.times.value, found.times.high) == (end, end, end)
