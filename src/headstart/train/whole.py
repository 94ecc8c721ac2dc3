"""Learning the ecosystem's own task model by the loop, everything above the boundary at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
from torch import nn

from headstart import stack
from headstart.device import device
from headstart.network import Whole
from headstart.progress import Stage
from headstart.train import below, gradient, groups, loop
from headstart.train.job import Job, Learnt, precision, validation


def learn(job: Job, boundary: int) -> Learnt:
    """The ecosystem's task model, trained above the boundary."""
    assert job.validation is not None, "strategies that move blocks ask for a validation split"
    whole = Whole(job.backbone.task_module(job.task.auto_class, job.names), boundary).to(device())
    stack.freeze(whole.module, boundary)
    saved = job.checkpoints("whole")
    arithmetic = precision(job, f"step above {boundary}", _one_step(job, whole), saved=saved)
    rows = below.keep(job, whole, boundary, arithmetic.dtype)
    job.listener(Stage("train", f"{job.settings.strategy}, up to {job.recipe.epochs} epochs"))
    plan = loop.Plan(
        groups.layered(
            whole.module,
            lr=job.recipe.lr,
            layer_decay=job.settings.layer_decay,
            weight_decay=job.settings.weight_decay,
        ),
        job.settings,
        job.recipe,
        arithmetic.dtype,
        checkpoints=saved,
    )
    lesson = job.lesson(rows["train"], validation(job, rows["validation"], arithmetic.dtype))
    history = loop.train(whole, lesson, plan, job.listener)
    return Learnt(
        whole.cpu(), arithmetic, "classifier", rows["train"].truncated, job.recipe, [asdict(epoch) for epoch in history]
    )


def _one_step(job: Job, whole: nn.Module) -> Callable[[str], None]:
    """Forward and backward of one batch of the longest rows, leaving weights and statistics as they are."""
    lesson = job.lesson(job.encoded(job.train), lambda _: {})
    rows = np.argsort(lesson.lengths)[-job.settings.batch_size :]
    scratch = copy.deepcopy(whole)

    def work(dtype: str) -> None:
        gradient.add(scratch, lesson, rows, 1, dtype=dtype, piece=len(rows))
        scratch.zero_grad()

    return work
