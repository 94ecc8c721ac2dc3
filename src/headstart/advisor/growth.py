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
import torch

from headstart import learning, plug, score
from headstart.advisor import measured
from headstart.advisor.arms import Arm
from headstart.advisor.clock import OutOfTime, guarded
from headstart.advisor.measured import Measured
from headstart.advisor.race import Course
from headstart.advisor.rounds import Round
from headstart.advisor.sizes import order, sizes
from headstart.advisor.standing import are_hits
from headstart.contracts import Rows, Splits, Strategy
from headstart.data.split import strata
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
Hits = Callable[[Ints, int], Sequence[Any]]
"""From the rows to learn from and a seed to the counts of each row that is judged, of hits 1 where it is right."""


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
    task, learned = course.task, course.task.learn(each.train)
    seen, unseen = vectors(each.train), vectors(each.validation)
    classes, truth = (task.collate(rows, learned).numpy() for rows in (each.train, each.validation))

    def hits(rows: Ints, seed: int) -> Sequence[Any]:
        head = linear.fit([None], lambda _: seen[rows], classes[rows], seed=seed)
        logits = unseen @ head.weight_CD.T + head.bias_C
        if classes.ndim == 1:
            right: list[float] = (logits.argmax(axis=1) == truth).tolist()
            return right
        left_out, answered = (torch.from_numpy(given) for given in (head.left_out_NC, logits))
        own = task.settled(learned, lambda: task.decode(left_out, learned), each.train.take(rows))
        counts: list[Any] = task.metrics(task.decode(answered, own), each.validation, own)["counts"]
        return counts

    return _measured(course, each, name, hits, num_rows=len(each.train))


def of_arm(course: Course, each: Round, arm: Arm) -> Measured:
    """An arm that is trained for every point; raises as `of_frozen`."""
    course.clock.allow(course.ledger.least("arm"))
    return _measured(course, each, arm.name, _trained(course, each, arm), num_rows=len(each.train))


def of_baseline(course: Course, each: Round, name: str) -> Measured:
    """One of the task's own methods that need no model; raises as `of_frozen`."""

    def hits(rows: Ints, seed: int) -> Sequence[Any]:
        some = each.train.take(rows)
        learned = course.task.learn(some)
        answers = course.task.baselines(some, each.validation, learned, seed=seed)[name]
        counts: list[Any] = course.task.metrics(answers, each.validation, learned)["counts"]
        return counts

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
            course.clock.allow(course.ledger.least("arm"))
            return _measured(course, each, arm.name, _trained(course, each, arm), num_rows=num_rows)
        except OutOfTime:
            num_rows //= 2
            if num_rows < FEWEST:
                raise
            course.listener(Note(f"{arm.name}: its curve ends at {num_rows:,} rows, for more of it there is no time."))


def _trained(course: Course, each: Round, arm: Arm) -> Hits:
    took: list[float] = []

    def hits(rows: Ints, seed: int) -> Sequence[Any]:
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
        counts: list[Any] = course.task.metrics(answers, each.validation, model.learned)["counts"]
        took.append(time.monotonic() - began)
        return counts

    return hits


def _measured(course: Course, each: Round, name: str, hits: Hits, *, num_rows: int) -> Measured:
    """Every size and draw; the largest first, so that what does not fit is known before anything is spent."""
    figure, classes = course.task.figure, strata(each.train, course.task.fields)
    seeds = range(course.settings.seed, course.settings.seed + DRAWS)
    orders = {seed: order(classes, seed=seed) for seed in seeds}
    chosen = sizes(num_rows, num_classes=len(np.unique(classes)))

    def point(size: int, seed: int) -> Any:
        course.clock.allow(0)
        found = course.ledger.once(
            "point", lambda: {"hits": list(hits(orders[seed][:size], seed))}, name=name, size=size, seed=seed
        )
        return score.counted(found["hits"])

    counts = {size: [point(size, seed) for seed in seeds] for size in reversed(chosen)}
    if all(are_hits(one, figure) for several in counts.values() for one in several):
        return measured.outcomes(chosen, [[one < 1 for one in counts[size]] for size in chosen])
    # more words may be wrong than were said
    errors = [[min(1.0, 1 - figure(one)) for one in counts[size]] for size in chosen]
    return measured.errors(chosen, errors, num_test=len(each.validation))
