"""What a training will take, foretold from a few real steps on a copy, and how much of it a budget allows."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import nn

from headstart import answering, batches, cost, launch, memory, windows
from headstart.contracts import Encoded
from headstart.device import device
from headstart.errors import SettingError
from headstart.progress import Foreseen, Note
from headstart.train import average, gradient, loop, shard
from headstart.train.gradient import Lesson
from headstart.train.job import Job
from headstart.train.learner import Learner

STEPS = 4
"""Most steps taken, of which the first only warms up."""
FEWEST, SHARE = 2, 8
"""Of a short training no more than one in so many are tried, but two: foretelling must not take as long as doing."""
FORWARD = 1 / 3
"""Share of a step that a pass without learning takes: the backward pass has two products for each of the forward's."""
SCORED_TOKENS = 4096
"""Tokens that scoring is timed on."""
FINISH = 3.0
"""Seconds for baselines, figures, page and saving, on two cores, where a run ends with these."""


@dataclass(frozen=True)
class Trial:
    """What was measured: seconds for each token learnt from, the largest memory, rows that went through at once."""

    seconds_per_token: float
    peak_mib: float | None
    piece: int


def planned(
    job: Job, trained: nn.Module, lesson: Lesson, plan: loop.Plan, held_out: Encoded
) -> tuple[loop.Plan, cost.Cost | None]:
    """The plan, cut to what the budget allows, and what it will cost.

    Args:
        job: Knows the budget and the time already gone.
        trained: The network as it will be trained.
        lesson: What it will learn from.
        plan: Without a budget.
        held_out: The validation rows, in the form in which they are judged; any others that tell what rows take where
            there are none.

    Returns:
        The plan, and the cost foreseen for the whole run; None for a run that goes on with a plan it has, or of which
        nobody asks that.

    Raises:
        SettingError: The budget is too small for a single step.
    """
    facts = None if plan.checkpoints is None else plan.checkpoints.facts()
    if facts is not None:
        return dataclasses.replace(plan, num_steps=facts["num_steps"]), None
    if not job.is_foretold:
        return plan, None
    found = _fitting(job, trained, lesson, plan)
    after = launch.from_first(_seconds_to_score(job, trained, held_out) + _finish(job))
    judging = found.seconds_per_token * FORWARD * float(held_out.lengths.sum()) if job.validation is not None else 0.0
    if job.takes_last:
        # the last epoch alone is judged, by whoever asked for it
        after, judging = after + judging, 0.0
    of_epoch = found.seconds_per_token * float(lesson.lengths.sum()) + judging
    per_epoch = batches.num_shuffled(len(lesson.lengths), batch_size=plan.settings.batch_size)
    left = (
        math.inf if job.budget.seconds is None else (job.budget.seconds - job.around.seconds) * job.around.share - after
    )
    num_steps = math.floor(min(plan.recipe.epochs, left / of_epoch) * per_epoch)
    if num_steps < 1:
        least = job.around.seconds + after + of_epoch / per_epoch
        raise SettingError(f"--budget {job.settings.budget}: a single step needs {least:.0f} s in all. Give more.")
    if num_steps < plan.recipe.epochs * per_epoch:
        said = f"{num_steps:,} steps, {num_steps / per_epoch:.1f} of {plan.recipe.epochs} epochs"
        job.listener(Note(f"The budget allows {said}."))
    # other seeds that are still to come take as long
    seconds = job.around.seconds + (num_steps / per_epoch * of_epoch + after) / job.around.share
    foreseen = cost.foreseen(
        job.around.meter,
        seconds,
        peak_mib=found.peak_mib,
        disk_mib=max(map(cost.weights_mib, (trained, job.backbone.module))),
    )
    # the last validation begins when the time for steps is over
    return dataclasses.replace(plan, piece=found.piece, num_steps=num_steps, seconds=left - judging), foreseen


def foresee_features(job: Job, encoded: Encoded, missing: int, a_token: Callable[[], float]) -> None:
    """Says what a run will cost that computes features once and learns a head on them, where anybody asks.

    Args:
        job: Knows the budget and the time already gone.
        encoded: The training rows.
        missing: Tokens of those whose features were not kept before.
        a_token: Measures the seconds that the features of one token take.

    Raises:
        SettingError: The budget is too small for it.
    """
    if not job.is_foretold:
        return
    an_item = float(encoded.lengths.sum()) / len(np.unique(windows.owners(encoded)))
    tokens = missing + an_item * job.around.num_test
    seconds = job.around.seconds + (tokens * a_token() if tokens else 0.0) + _finish(job)
    limit = job.budget.seconds
    if limit is not None and seconds > limit:
        raise SettingError(
            f"--budget {job.settings.budget}: the features alone need {seconds:.0f} s. Give more, or fewer rows."
        )
    foreseen = cost.foreseen(
        job.around.meter, seconds, peak_mib=cost.peak_mib(), disk_mib=cost.weights_mib(job.backbone.module)
    )
    job.listener(Foreseen(foreseen))


def _fitting(job: Job, trained: nn.Module, lesson: Lesson, plan: loop.Plan) -> Trial:
    """A trial that fits the budget and the machine; rows go through in ever smaller pieces until it does."""
    piece = plan.piece or min(plan.settings.micro_batch or plan.settings.batch_size, plan.settings.batch_size)
    limit = math.inf if job.budget.mib is None else job.budget.mib
    while True:
        # of one row it takes trying, for the machine may yet find room
        most = launch.from_first(min(limit, memory.most_mib()) if piece > 1 and device() == "cpu" else limit)
        found = launch.from_first(_tried(trained, lesson, plan, piece))
        if found is not None and (found.peak_mib is None or found.peak_mib <= most):
            return found
        if piece == 1:
            needed = "more than there is" if found is None or found.peak_mib is None else f"{found.peak_mib:,.0f} MiB"
            raise SettingError(f"One row at a time needs {needed}. Train fewer blocks, or give --budget more memory.")
        piece = (piece + 1) // 2
        rows = "one row" if piece == 1 else f"{piece} rows"
        job.listener(Note(f"Memory allows {rows} at a time; batches of {plan.settings.batch_size} go in pieces."))


def _tried(trained: nn.Module, lesson: Lesson, plan: loop.Plan, piece: int) -> Trial | None:
    """A trial on a copy; None when memory ran out."""
    memory.give_back()
    cost.reset_peak()
    with shard.trying(trained, is_wanted=plan.shard) as (scratch, twin):
        learner = Learner(scratch, plan.groups(scratch), plan.settings, piece=piece, twin=twin)
        return _steps(learner, lesson, plan)


def _steps(learner: Learner, lesson: Lesson, plan: loop.Plan) -> Trial | None:
    """A few steps of the first epoch; None when memory ran out."""
    order = batches.shuffled(
        lesson.lengths, batch_size=plan.settings.batch_size, generator=np.random.default_rng([plan.settings.seed, 1])
    )
    learner.network.train()
    seconds, tokens = 0.0, 0
    whole = plan.recipe.epochs * len(order) if plan.num_steps is None else plan.num_steps
    tried = min(STEPS, max(FEWEST, whole // SHARE))
    for number, batch in enumerate(order[:tried]):
        start = time.perf_counter()
        try:
            loss = gradient.add(learner.network, lesson, batch, 1, dtype=plan.dtype, piece=learner.piece)
        except (RuntimeError, MemoryError) as error:
            # processes that share a network cannot take a step back one by one
            if not gradient.is_out_of_memory(error) or launch.is_spread(learner.network):
                raise
            return None
        learner.move(loss, lesson.num_targets(batch), num_steps=tried)
        if number or len(order) == 1:
            seconds, tokens = seconds + time.perf_counter() - start, tokens + int(lesson.lengths[batch].sum())
    peak = cost.peak_mib()
    return Trial(seconds / tokens, None if peak is None else peak + _saved_mib(learner.network), learner.piece)


def _finish(job: Job) -> float:
    """Seconds from the last answer to the end; a training that scores no test rows belongs to something larger."""
    return FINISH if job.around.num_test else 0.0


def _seconds_to_score(job: Job, trained: nn.Module, held_out: Encoded) -> float:
    """What scoring the test rows will take, from some validation rows, in the exact arithmetic it is done in."""
    if not job.around.num_test:
        return 0.0
    lengths = held_out.lengths
    ends = np.searchsorted(np.cumsum(lengths), (SCORED_TOKENS // 8, SCORED_TOKENS)) + 1
    few, more = (batches.Some(held_out, np.arange(min(end, len(lengths)))) for end in ends.tolist())
    answering.of(trained, few, job.task.per)
    # both prepare the network, which is done once for all rows; the difference is what rows take
    seconds = _timed(job, trained, more) - _timed(job, trained, few)
    a_token = max(0.0, seconds) / max(1, int(more.lengths.sum() - few.lengths.sum()))
    return a_token * float(lengths.sum()) / len(np.unique(windows.owners(held_out))) * job.around.num_test


def _timed(job: Job, trained: nn.Module, rows: Encoded) -> float:
    start = time.perf_counter()
    answering.of(trained, rows, job.task.per)
    return time.perf_counter() - start


def _saved_mib(learning: nn.Module) -> float:
    """What the weights of the best epoch take, and on a processor a checkpoint while it is written."""
    moving = list(average.moving(learning).values())
    own, all_of_it = (
        sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 2**20
        for tensors in (map(shard.own, moving), moving)
    )
    # the network, its average and two moments, which the first process has whole while it writes them
    return own + (4 * all_of_it if device() == "cpu" else 0.0)
