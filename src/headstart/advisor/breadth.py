"""By how many rows ways are judged: in all rounds, or in the first alone where there is no time for more."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from headstart.advisor import race
from headstart.advisor.arms import Arm
from headstart.advisor.clock import OutOfTime
from headstart.advisor.race import Course, Standing

ENOUGH = 100
"""Rows of a single round that are enough to judge by where there is no time for more: a way that is some points better
is seen more often than not, and one that is not tried is never taken (decision log)."""
SHARE = 0.5
"""Of the time that is left, how much more rounds may take; the rest is for the curves."""


def in_rounds(course: Course, arms: Sequence[Arm]) -> tuple[Course, list[Standing], dict[str, str]]:
    """The race in all rounds, or in the first alone where that is enough to judge by and there is no time for more.

    Returns:
        The course with the rounds that all were judged in, how every arm stands, and why others could not be tried.
    """
    first = dataclasses.replace(course, rounds=course.rounds[:1])
    if not course.clock.is_limited or len(course.rounds) == 1 or len(first.rounds[0].validation) < ENOUGH:
        return course, *race.run(course, arms)
    standings, why_not = race.run(first, arms)
    needed = sum(one.seconds for one in standings) * (len(course.rounds) - 1)
    if needed <= SHARE * course.clock.left:
        more, why_not_more = race.run(course, arms)
        if {one.arm.name for one in standings} <= {one.arm.name for one in more}:
            return course, more, why_not_more
    return first, standings, why_not


def again(course: Course, one: Standing, *, share: float = 1.0) -> Standing:
    """How an arm stands in all rounds, if it was judged in the first alone and the others fit into a share of the time
    that is left.
    """
    if one.arm.kind == "baseline" or len(one.hits) == sum(len(each.validation) for each in course.rounds):
        return one
    try:
        course.clock.allow(one.seconds * (len(course.rounds) - 1), share=share)
        return race.advanced(course, one.arm, one.epochs)
    except OutOfTime:
        return one
