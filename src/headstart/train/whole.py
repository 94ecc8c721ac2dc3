"""Learning the ecosystem's own task model by the loop, everything above the boundary at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
from torch import nn

from headstart import batches, stack
from headstart.contracts import Strategy
from headstart.device import device
from headstart.network import Whole
from headstart.progress import Stage
from headstart.settings import FitSettings
from headstart.train import below, groups, loop
from headstart.train.job import Job, Learnt, precision, validation


def learn(job: Job, boundary: int, strategy: Strategy) -> Learnt:
    """The ecosystem's task model, trained above the boundary."""
    assert job.validation is not None, "strategies that move blocks ask for a validation split"
    module = job.backbone.task_module(job.task.auto_class, job.names)
    stack.freeze(module, boundary)
    whole = Whole(strategy.adapt(module, boundary, job.settings), boundary).to(device())
    lesson = loop.Lesson(job.encoded(job.train), job.targets, job.task.loss)
    arithmetic = precision(
        job, f"{job.settings.strategy} step above {boundary}", _one_step(whole, lesson, job.settings)
    )
    rows = below.keep(job, whole, boundary, arithmetic.dtype)
    lesson = loop.Lesson(rows["train"], job.targets, job.task.loss)
    job.listener(Stage("train", f"{job.settings.strategy}, up to {job.recipe.epochs} epochs"))
    history = loop.train(
        whole,
        lesson,
        groups=groups.layered(
            whole.module,
            lr=job.recipe.lr,
            layer_decay=job.recipe.layer_decay,
            weight_decay=job.settings.weight_decay,
        ),
        validate=validation(job, rows["validation"], arithmetic.dtype),
        settings=job.settings,
        recipe=job.recipe,
        dtype=arithmetic.dtype,
        listener=job.listener,
    )
    num_trained = sum(parameter.numel() for parameter in whole.parameters() if parameter.requires_grad)
    whole.module = strategy.settle(whole.cpu().module)
    told, truncated = [asdict(epoch) for epoch in history], rows["train"].truncated
    return Learnt(whole, arithmetic, "classifier", truncated, job.recipe, told, num_trained)


def _one_step(whole: nn.Module, lesson: loop.Lesson, settings: FitSettings) -> Callable[[str], None]:
    """Forward and backward of one batch of the longest rows, leaving weights and statistics as they are."""
    rows = np.argsort(lesson.encoded.lengths)[-settings.batch_size :]
    inputs, targets = batches.placed(lesson.encoded.take(rows)), lesson.targets(rows).to(device())
    scratch = copy.deepcopy(whole)

    def work(dtype: str) -> None:
        loop.gradient(scratch, inputs, targets, lesson.loss, dtype=dtype)
        scratch.zero_grad()

    return work
