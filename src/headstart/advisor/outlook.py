"""What a fit will reach on the test rows: what its way reached in the race, and what more rows to learn from bring.

Of the test rows nothing is known but how many there are.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pyarrow as pa

from headstart import plug
from headstart.advisor import rounds
from headstart.advisor.curves import LEVEL, REACH, Estimate, usual_gain
from headstart.advisor.power_law import EXPECTED
from headstart.advisor.race import Course, Standing
from headstart.advisor.rounds import Round
from headstart.contracts import Rows, Splits, Strategy, Task
from headstart.data.split import strata

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


def foreseeing(course: Course, splits: Splits, *, is_cut_off: bool) -> Foresee:
    """From how a way stands to what its fit will reach on the test rows.

    More rows are expected to bring what is usual, and so are the epochs that there was no time for. A learning curve
    was measured on the few rows of one round, and would tell so small a step less well (decision log).

    Args:
        course: Where it was raced.
        splits: Of the data; the test rows are counted, not read.
        is_cut_off: Whether the validation rows were held out of those to learn from, to which they go back where a fit
            needs none.
    """
    learnt = min(len(each.train) for each in course.rounds)
    judged = None if splits.test is None else len(splits.test)

    def foresee(one: Standing) -> Outlook:
        rows = splits.train
        if is_cut_off and splits.validation is not None:
            together = rounds.together(splits)
            rows = rows if _needs_validation(course, one, len(together)) else together
        times = of_own_class(course.rounds, rows, course.task)
        gain = _usual(one, times) if times <= REACH else None
        found = of(one, gain or NOTHING, judged=judged)
        return found if gain is None else dataclasses.replace(found, learns=len(rows), learnt=learnt)

    return foresee


def of_own_class(judged_in: Sequence[Round], rows: Rows, task: Task) -> float:
    """How many times as many rows of its own class a row is judged by, after learning from these rows.

    It is more than of all rows where classes have few: of three, the one that is judged leaves two, and a round learns
    from some of those, while a new row finds three.

    Args:
        judged_in: The rounds until now.
        rows: What will be learnt from.
        task: Says what a class is; where there is none, all rows are of one.

    Returns:
        The mean over the judged rows, by what it does to an error that falls as expected.
    """
    times = []
    for each in judged_in:
        parts = [each.train, each.validation, rows]
        together = pa.concat_tables([part.table for part in parts], promote_options="default")
        classes = strata(Rows(together), task.fields)
        seen, judged, more = np.split(classes, np.cumsum([len(part) for part in parts[:2]]))
        before, later = (np.bincount(one, minlength=classes.max() + 1).clip(1) for one in (seen, more))
        times.append(later[judged] / before[judged])
    return float(np.mean(np.concatenate(times) ** EXPECTED) ** (1 / EXPECTED))


def _usual(one: Standing, times: float) -> Estimate | None:
    """What is usual where there will be so many times the rows, and all epochs; None where there is nothing more."""
    times *= one.most / one.epochs
    return usual_gain(1 - one.value, times) if times > 1 else None


def _needs_validation(course: Course, one: Standing, num_rows: int) -> bool:
    """Whether the fit of a way sets some of these rows apart to stop by; a baseline is fitted beside a frozen model."""
    settings = dataclasses.replace(course.settings, **{"strategy": "frozen", **one.arm.changes})
    strategy: Strategy = plug.load("strategies", settings.strategy)
    return strategy.needs_validation(settings, course.task, num_rows)
