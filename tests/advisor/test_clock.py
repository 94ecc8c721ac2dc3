"""Whoever begins something asks first; what is foreseen to take too long is stopped before it costs anything."""

from __future__ import annotations

import pytest

from headstart.advisor.clock import Clock, OutOfTime, guarded
from headstart.cost import Cost
from headstart.progress import Advance, Event, Foreseen, Note, Stage


def foreseen(seconds: float) -> Foreseen:
    return Foreseen(Cost(seconds, None, None))


@pytest.mark.parametrize(("needed", "share"), [(59, 1.0), (29, 0.5), (0, 1.0)])
def test_what_fits_into_its_share_of_what_is_left_is_allowed(needed: float, share: float) -> None:
    Clock(100, spent=40).allow(needed, share=share)


@pytest.mark.parametrize(("needed", "share", "left"), [(61, 1.0, 60), (31, 0.5, 30)])
def test_what_does_not_fit_is_refused_with_both_figures(needed: float, share: float, left: int) -> None:
    with pytest.raises(OutOfTime, match=f"would take {needed} s, and {left} s are left"):
        Clock(100, spent=40).allow(needed, share=share)


def test_what_is_owed_to_others_is_not_free() -> None:
    Clock(100, spent=40).allow(24, share=0.5, owed=10)
    with pytest.raises(OutOfTime, match="would take 26 s, and 25 s are left"):
        guarded(Clock(100, spent=40), lambda event: None, share=0.5, owed=10)(foreseen(26))


def test_once_time_is_up_nothing_is_begun_and_no_negative_time_is_told() -> None:
    with pytest.raises(OutOfTime, match="would take more time: 0 s are left"):
        Clock(10, spent=11).allow(0)


def test_without_a_budget_anything_fits() -> None:
    Clock(spent=1e9).allow(1e9)


# 100 s are left
@pytest.mark.parametrize(
    ("seconds", "times", "share", "is_refused"),
    [(40, 2, 1.0, False), (60, 2, 1.0, True), (60, 1, 0.5, True), (40, 1, 0.5, False), (1e6, 0, 1.0, False)],
    ids=["twice fits", "twice is too long", "half is too short", "fits into half", "asks nothing"],
)
def test_a_training_is_stopped_by_what_is_foreseen_of_it(
    seconds: float, times: float, share: float, is_refused: bool
) -> None:
    listen = guarded(Clock(100.5), lambda event: None, times=times, share=share)
    if is_refused:
        with pytest.raises(OutOfTime):
            listen(foreseen(seconds))
    else:
        listen(foreseen(seconds))


def test_a_guard_hands_on_what_is_under_way_and_not_what_concerns_one_training() -> None:
    heard: list[Event] = []
    told = [Stage("train"), Note("took the best"), Advance("train", 1, 2), foreseen(1)]
    for event in told:
        guarded(Clock(), heard.append)(event)

    assert heard == [told[0], told[2]]
