"""What a fit will reach on the test rows: what its way reached in the race, and what more rows to learn from bring.

Of the test rows nothing is known but how many there are.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from headstart import plug
from headstart.advisor.curves import LEVEL, REACH, Estimate, usual_gain
from headstart.advisor.race import Course, Standing
from headstart.advisor.worth import Worth
from headstart.contracts import Splits, Strategy

WIDER = NormalDist().inv_cdf(0.975) / NormalDist().inv_cdf((1 + LEVEL) / 2)
"""How much longer the arms of a 95 % interval are than those of a curve's."""
NOTHING = Estimate(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Outlook:
    """The primary metric to expect, with the interval that it lies in with 95 %.

    Args:
        value: In the middle.
        low: From here.
        high: To here.
        reached: What its way reached in the race.
        learns: Rows that the fit will learn from; None where more of them were not accounted for.
        learnt: Rows that its way learnt from in the race.
        judged: Test rows, whose own luck is in the interval; None where it is for ever so many.
    """

    value: float
    low: float
    high: float
    reached: float
    learns: int | None = None
    learnt: int | None = None
    judged: int | None = None


Foresee = Callable[[Standing], Outlook]


def of(one: Standing, gain: Estimate = NOTHING, *, judged: int | None = None) -> Outlook:
    """What to expect of a way: three errors that know nothing of each other add up by their squares, to either side.

    Args:
        one: How it stands; N rows judged it.
        gain: What more rows to learn from bring.
        judged: M, how many test rows will judge it. Their luck is that of the N rows, its variance N / M of theirs.

    Source: Zou and Donner, Statistics in Medicine 27 (2008), 1693-1702, for limits of sums from limits of their parts.
    """
    low, high = one.interval
    with_luck = math.sqrt(1 + (0 if judged is None else len(one.hits) / judged))
    value = one.value + gain.value
    below = math.hypot(with_luck * (one.value - low), WIDER * (gain.value - gain.low))
    above = math.hypot(with_luck * (high - one.value), WIDER * (gain.high - gain.value))
    return Outlook(min(1.0, value), value - below, min(1.0, value + above), one.value, judged=judged)


def foreseeing(course: Course, splits: Splits, worth: Worth, *, is_cut_off: bool) -> Foresee:
    """From how a way stands to what its fit will reach on the test rows.

    Args:
        course: Where it was raced.
        splits: Of the data; the test rows are counted, not read.
        worth: The curves. Of a way without one of its own, such as a model of which some blocks move, more rows are
            expected to bring what is usual, and so are the epochs that it had no time for.
        is_cut_off: Whether the validation rows were held out of those to learn from, to which they go back where a fit
            needs none.
    """
    learnt = min(len(each.train) for each in course.rounds)
    judged = None if splits.test is None else len(splits.test)

    def foresee(one: Standing) -> Outlook:
        learns = len(splits.train)
        if is_cut_off and splits.validation is not None:
            together = learns + len(splits.validation)
            learns = learns if _needs_validation(course, one, together) else together
        gain = worth.gain(one.arm, learnt, learns)
        if gain is None and learns <= REACH * learnt:
            gain = _usual(one, learns / learnt)
        found = of(one, gain or NOTHING, judged=judged)
        return found if gain is None else dataclasses.replace(found, learns=learns, learnt=learnt)

    return foresee


def _usual(one: Standing, times: float) -> Estimate | None:
    """What is usual where there will be so many times the rows, and all epochs; None where there is nothing more."""
    times *= one.most / one.epochs
    return usual_gain(1 - one.value, times) if times > 1 else None


def _needs_validation(course: Course, one: Standing, num_rows: int) -> bool:
    """Whether the fit of a way sets some of these rows apart to stop by; a baseline is fitted beside a frozen model."""
    settings = dataclasses.replace(course.settings, **{"strategy": "frozen", **one.arm.changes})
    strategy: Strategy = plug.load("strategies", settings.strategy)
    return strategy.needs_validation(settings, course.task, num_rows)
