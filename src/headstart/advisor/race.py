"""The second stage: arms are trained side by side, epoch by epoch, and those that fall behind drop out.

An arm goes on where it paused, and is never begun anew. It is judged row by row, so that two arms are compared on what
is hard for one of them and easy for the other, and not on what is hard for both.
"""

# N rows that are judged

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart import cost, kernels, learning, plug, score
from headstart.advisor import latency
from headstart.advisor.arms import Arm
from headstart.advisor.clock import Clock, OutOfTime, guarded
from headstart.advisor.ledger import Ledger
from headstart.advisor.rounds import Round
from headstart.advisor.standing import Standing as Standing
from headstart.advisor.standing import chance_over as chance_over
from headstart.advisor.standing import interval as interval
from headstart.contracts import Backbone, Rows, Splits, Strategy, Task
from headstart.device import device
from headstart.model import Model
from headstart.progress import Listener, Measured, Note
from headstart.settings import FitSettings, Recipe
from headstart.train import learn as training
from headstart.train.learn import Around

CALLED = 0.05
"""An arm that is better than the leader with less probability than this drops out."""
FIRST = 0.9
"""Share of the time that is left which the first epochs of one arm may take."""
STEPS = 50
"""Of a training, before which what it has learnt says nothing of what it will have learnt in the end, at least."""


@dataclass(frozen=True)
class Course:
    """All that a race needs: the task, the rows of each round, the models, and where time and results go."""

    task_name: str
    rounds: Sequence[Round]
    backbone: Callable[[FitSettings], Backbone]
    settings: FitSettings
    ledger: Ledger
    clock: Clock
    place: Path
    listener: Listener

    @property
    def task(self) -> Task:
        """What is learnt."""
        task: Task = plug.load("tasks", self.task_name)
        return task


def baselines(course: Course) -> list[Standing]:
    """The task's own methods that need no pretrained model, on the same rows."""

    def measure() -> dict[str, Any]:
        hits: dict[str, list[Any]] = {}
        for each in course.rounds:
            learned = course.task.learn(each.train)
            found = course.task.baselines(each.train, each.validation, learned, seed=course.settings.seed)
            for name, answers in found.items():
                hits.setdefault(name, []).extend(course.task.metrics(answers, each.validation, learned)["counts"])
        # a method that some round had too few rows for was not judged on what the others were
        num_rows = sum(len(each.validation) for each in course.rounds)
        return {name: counts for name, counts in hits.items() if len(counts) == num_rows}

    found = course.ledger.once("baselines", measure, seed=course.settings.seed)
    figure = course.task.figure
    return [
        Standing(Arm(name, "baseline"), score.counted(hits), 1, 1, 0.0, figure=figure) for name, hits in found.items()
    ]


def advanced(
    course: Course, arm: Arm, until: int, earlier: Standing | None = None, *, share: float = 1.0, owed: float = 0.0
) -> Standing:
    """The arm trained up to an epoch and judged.

    Args:
        course: Where.
        arm: Which; a model that does not move is finished at once.
        until: Epochs in all.
        earlier: How it stood where it paused.
        share: Of the time that is left, how much this may take.
        owed: Seconds of that time that are for others.

    Raises:
        OutOfTime: It does not fit.
    """
    settings = dataclasses.replace(course.settings, **arm.changes)
    most = epochs_of(course, arm)
    until = min(until, most)
    run = _Run(course, arm, settings, earlier, until, most, share, owed)
    asked = {"changes": dict(arm.changes), "until": until, "seed": settings.seed}
    found: list[dict[str, Any]] = []
    for number in range(len(course.rounds)):
        judge = functools.partial(run.judged, number, sum(one["seconds"] for one in found))
        found.append(course.ledger.once("arm", judge, **asked, round=number))
    seconds = sum(one["seconds"] for one in found) + (0.0 if earlier is None else earlier.seconds)
    hits, figure = score.counted([one for each in found for one in each["hits"]]), course.task.figure
    # more training changes nothing about what an answer costs
    answering = found[0]["answering"] if earlier is None else earlier.answering
    standing = Standing(arm, hits, until, most, seconds, answering, found[0]["mib"], figure)
    course.listener(Measured(course.task.primary, standing.value, f"validation, {arm.name}, epoch {until} of {most}"))
    return standing


def to_the_end(course: Course, arm: Arm) -> Standing:
    """The arm trained to its end and judged; raises `OutOfTime` where it does not fit."""
    course.clock.allow(course.ledger.least("arm") * len(course.rounds))
    return advanced(course, arm, epochs_of(course, arm))


def epochs_of(course: Course, arm: Arm) -> int:
    """Epochs of an arm's whole training, those of the round with most; one where nothing is trained by the loop."""
    if not arm.is_moving:
        return 1
    return _recipe(course, arm).epochs


def first_epochs(course: Course, arm: Arm) -> int:
    """Epochs until as many steps are done as it takes for an arm to be compared."""
    if not arm.is_moving:
        return 1
    steps_an_epoch = -(-len(_fewest(course)) // course.settings.batch_size)
    return -(-max(STEPS, _recipe(course, arm).least_steps) // steps_an_epoch)


def _recipe(course: Course, arm: Arm) -> Recipe:
    settings = dataclasses.replace(course.settings, **arm.changes)
    strategy: Strategy = plug.load("strategies", settings.strategy)
    return training.recipe(course.task, course.backbone(settings), strategy, settings, _fewest(course))


def _fewest(course: Course) -> Rows:
    """The rows to learn from in the round with fewest."""
    return min((each.train for each in course.rounds), key=len)


@dataclass(frozen=True)
class _Run:
    """One arm from an epoch to another."""

    course: Course
    arm: Arm
    settings: FitSettings
    earlier: Standing | None
    until: int
    most: int
    share: float
    owed: float

    @property
    def to_do(self) -> int:
        """Epochs."""
        return self.until - (0 if self.earlier is None else self.earlier.epochs)

    @property
    def at_its_pace(self) -> float:
        """Seconds for them if each takes as long as those before; of what has not begun nothing is known."""
        return 0.0 if self.earlier is None else self.earlier.pace * self.to_do

    def judged(self, number: int, gone: float) -> dict[str, Any]:
        """Hits in a round, seconds, what answering costs as far as it was asked for, and how large the model is.

        Args:
            number: Of the round, from 0.
            gone: Seconds that the rounds before it took.
        """
        course, began = self.course, time.monotonic()
        each, to_come = course.rounds[number], len(course.rounds) - number
        # what was done takes as long again, which tells more than another trial
        course.clock.allow(gone / number * to_come if number else self.at_its_pace)
        strategy: Strategy = plug.load("strategies", self.settings.strategy)
        backbone = course.backbone(self.settings)
        splits = Splits(each.train, each.validation, None)
        ready = learning.Ready(course.task_name, backbone, splits, strategy.stages(backbone, self.settings))
        # the rounds to come are like this one, and of its epochs only some are asked for; of features, each round finds
        # what the ones before it have kept
        times = self.to_do / self.most * to_come if self.arm.is_moving else 1.0
        listener = guarded(course.clock, course.listener, times=times, share=self.share, owed=self.owed)
        around = Around(
            kept=folder_of(course, self.settings) / f"round-{number + 1}",
            # what does not move is trained to its end at once, though a head of it may take epochs
            until=self.until if self.arm.is_moving else None,
            is_foretold=course.clock.is_limited and number == 0,
            # an epoch chosen by the rows that judge it flatters; fresh weights may lose again what they had learnt, and
            # are rather flattered than counted for nothing
            takes_last=self.arm.kind != "scratch",
        )
        model, _ = learning.once(ready, self.settings, listener, around)
        answers = model.predict(course.task.items(each.validation))
        hits = list(course.task.metrics(answers, each.validation, model.learned)["counts"])
        is_asked = number == 0 and self.earlier is None
        answering = dict(latency.measured(_laid_out(model), course.task.items(each.validation))) if is_asked else None
        mib = cost.weights_mib(model.network)
        return {"hits": hits, "seconds": time.monotonic() - began, "answering": answering, "mib": mib}


def _laid_out(model: Model) -> Model:
    """The model with its weights packed beforehand, as whoever answers one item after the other would keep it."""
    return dataclasses.replace(model, network=kernels.tuned(model.network.eval().to(device())))


def folder_of(course: Course, settings: FitSettings) -> Path:
    """Where an arm's trainings pause."""
    asked = json.dumps(dataclasses.asdict(settings), sort_keys=True)
    return course.place / hashlib.sha256(asked.encode()).hexdigest()[:16]


def run(course: Course, arms: Sequence[Arm]) -> tuple[list[Standing], dict[str, str]]:
    """Successive halving: first epochs for every arm, twice as many for the better half of those left, and so on.

    It ends when a paired bootstrap has parted the leader from all others, when all that is left is trained to its end,
    or when time is up.

    Args:
        course: Where.
        arms: In the order in which they are tried.

    Returns:
        How every arm stands, and why those that are not among them could not be tried.

    Source: Jamieson and Talwalkar, AISTATS 2016, with an elimination that needs evidence.
    """
    standings: dict[str, Standing] = {}
    why_not: dict[str, str] = {}
    for arm in arms:
        try:
            # what is trained takes no less than what was not; even foreseeing what it takes has its price
            course.clock.allow(course.ledger.least("arm") * len(course.rounds) if arm.is_moving else 0)
            until, owed = first_epochs(course, arm), _owed(course, standings.values())
            share = FIRST if arm.is_moving else 1.0
            standings[arm.name] = advanced(course, arm, until, share=share, owed=owed)
        except OutOfTime as error:
            why_not[arm.name] = str(error)
    while running := still_running(standings.values(), seed=course.settings.seed):
        for standing in _better_half(running):
            try:
                standings[standing.arm.name] = advanced(course, standing.arm, 2 * standing.epochs, standing)
            except OutOfTime as error:
                course.listener(Note(f"{standing.arm.name} was not trained further: it {error}."))
                return list(standings.values()), why_not
    return list(standings.values()), why_not


def _owed(course: Course, standings: Collection[Standing]) -> float:
    """Seconds to finish what has begun and may still be the best: another is not begun at its cost. None where there is
    no time for that anyway.
    """
    needed = sum(one.to_come for one in still_running(standings, seed=course.settings.seed)) if standings else 0.0
    return needed if needed <= course.clock.left else 0.0


def still_running(standings: Collection[Standing], *, seed: int) -> list[Standing]:
    """The arms that are not trained to their end and may still be the best, best first.

    None where the leader is finished, and beats all of them with near certainty.
    """
    ranked = sorted(standings, key=lambda standing: -standing.value)
    near = [one for one in ranked if chance_over(one.hits, ranked[0].hits, seed=seed, figure=one.figure) >= CALLED]
    return [one for one in near if not one.is_done]


def _better_half(running: Sequence[Standing]) -> Sequence[Standing]:
    return running[: max(1, (len(running) + 1) // 2)]
