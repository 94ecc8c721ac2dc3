"""The third stage: how each way does on few rows, on more and on most, so that one sees where its curve leads.

A model that does not move is measured on vectors that are kept; fresh weights are trained for every point, and are
followed as far up as the time allows. All ways are judged on the same rows, answer by answer.
"""

# N rows to learn from, V rows that are judged, S sizes, K draws

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from headstart import learning, plug
from headstart.advisor import measured
from headstart.advisor.arms import Arm
from headstart.advisor.clock import OutOfTime, guarded
from headstart.advisor.measured import Measured
from headstart.advisor.race import Course
from headstart.advisor.rounds import Round
from headstart.advisor.sizes import order, sizes
from headstart.contracts import Rows, Splits, Strategy
from headstart.progress import Note
from headstart.train import linear
from headstart.train.learn import Around

DRAWS = 3
"""Of the rows, at every size."""
SHARE = 0.5
"""Of the time that is left, how much the trainings from fresh weights may take."""
FEWEST = 50
"""Rows of the largest size of a curve; with fewer there is none."""
HELD = 10
"""One row in so many is held out of a draw to stop a training by."""
BY_HEART = 0.05
"""Mean loss in nats over two epochs after which a training ends: a row is then right with 0.95."""
Ints = npt.NDArray[np.int64]
Hits = Callable[[Ints, int], Sequence[float]]
"""From the rows to learn from and a seed to a score for each row that is judged, 1 where it is right."""


def of_frozen(course: Course, each: Round, name: str, vectors: Callable[[Rows], Any]) -> Measured:
    """A linear head on what a frozen model gives.

    Args:
        course: Where.
        each: Rows to draw from, and rows to be judged on.
        name: What it is called.
        vectors: What the head reads of rows, shape (N, D).

    Raises:
        OutOfTime: There is no time for all of it.
        DataError: There are too few rows for a curve.
    """
    learned = course.task.learn(each.train)
    seen, unseen = vectors(each.train), vectors(each.validation)
    classes, truth = (course.task.collate(rows, learned).numpy() for rows in (each.train, each.validation))

    def hits(rows: Ints, seed: int) -> Sequence[float]:
        head = linear.fit([None], lambda _: seen[rows], classes[rows], seed=seed)
        right: list[float] = ((unseen @ head.weight_CD.T + head.bias_C).argmax(axis=1) == truth).tolist()
        return right

    return _measured(course, each, name, hits, num_rows=len(each.train))


def of_baseline(course: Course, each: Round, name: str) -> Measured:
    """One of the task's own methods that need no model; raises as `of_frozen`."""

    def hits(rows: Ints, seed: int) -> Sequence[float]:
        some = each.train.take(rows)
        learned = course.task.learn(some)
        answers = course.task.baselines(some, each.validation, learned, seed=seed)[name]
        right: list[float] = course.task.metrics(answers, each.validation, learned)["counts"]
        return right

    return _measured(course, each, name, hits, num_rows=len(each.train))


def from_scratch(course: Course, each: Round, arm: Arm) -> Measured:
    """The same architecture from fresh weights, each training to its end, on as many rows as the time allows.

    Raises:
        OutOfTime: There is no time even for a curve of the fewest rows.
        DataError: There are too few rows for a curve.
    """
    num_rows = len(each.train)
    while True:
        try:
            course.clock.allow(course.ledger.least("arm") / len(course.rounds))
            return _measured(course, each, arm.name, _fresh(course, each, arm), num_rows=num_rows)
        except OutOfTime:
            num_rows //= 2
            if num_rows < FEWEST:
                raise
            course.listener(Note(f"{arm.name}: its curve ends at {num_rows:,} rows, for more of it there is no time."))


def _fresh(course: Course, each: Round, arm: Arm) -> Hits:
    took: list[float] = []

    def hits(rows: Ints, seed: int) -> Sequence[float]:
        began = time.monotonic()
        # the largest size comes first, so that none takes longer than the one before it
        course.clock.allow(took[-1] if took else 0)
        settings = dataclasses.replace(course.settings, **arm.changes, seed=seed)
        strategy: Strategy = plug.load("strategies", settings.strategy)
        backbone = course.backbone(settings)
        # what it stops by are rows of its own draw, so that the rows it is judged on stay unseen
        held = len(rows) // HELD
        parts = Splits(each.train.take(rows[: len(rows) - held]), each.train.take(rows[len(rows) - held :]), None)
        ready = learning.Ready(course.task_name, backbone, parts, strategy.stages(backbone, settings))
        # of sizes that grow by an equal factor, all together are less than twice the largest
        listener = guarded(course.clock, course.listener, times=2 * DRAWS, share=SHARE)
        around = Around(is_foretold=course.clock.is_limited and not took, by_heart=BY_HEART)
        model, _ = learning.once(ready, settings, listener, around)
        answers = model.predict(course.task.items(each.validation))
        right: list[float] = course.task.metrics(answers, each.validation, model.learned)["counts"]
        took.append(time.monotonic() - began)
        return right

    return hits


def _measured(course: Course, each: Round, name: str, hits: Hits, *, num_rows: int) -> Measured:
    """Every size and draw; the largest first, so that what does not fit is known before anything is spent."""
    learned = course.task.learn(each.train)
    classes = course.task.collate(each.train, learned).numpy()
    seeds = range(course.settings.seed, course.settings.seed + DRAWS)
    orders = {seed: order(classes, seed=seed) for seed in seeds}
    chosen = sizes(num_rows, num_classes=len(np.unique(classes)))

    def point(size: int, seed: int) -> list[float]:
        course.clock.allow(0)
        found = course.ledger.once(
            "point", lambda: {"hits": list(hits(orders[seed][:size], seed))}, name=name, size=size, seed=seed
        )
        return list(found["hits"])

    wrong = {size: [[hit < 1 for hit in point(size, seed)] for seed in seeds] for size in reversed(chosen)}
    return measured.outcomes(chosen, [wrong[size] for size in chosen])
