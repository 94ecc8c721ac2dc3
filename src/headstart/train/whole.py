"""Learning the ecosystem's own task model, or a backbone under our head, by the loop, all above the boundary."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from torch import nn

from headstart import batches, stack
from headstart.contracts import Encoded
from headstart.device import device
from headstart.network import Headed, Whole
from headstart.progress import Stage
from headstart.settings import FitSettings
from headstart.train import below, groups, loop, own
from headstart.train.job import Job, Learnt, precision, validation


def learn(job: Job, boundary: int) -> Learnt:
    """The network, trained above the boundary."""
    assert job.validation is not None, "strategies that move blocks ask for a validation split"
    lesson = loop.Lesson(job.encoded(job.train), job.targets, job.task.loss)
    whole = _network(job, boundary, lesson.encoded)
    arithmetic = precision(job, _step_name(job, boundary), _one_step(whole, lesson, job.settings))
    rows = below.keep(job, whole, boundary, arithmetic.dtype)
    lesson = loop.Lesson(rows["train"], job.targets, job.task.loss)
    job.listener(Stage("train", f"{job.settings.strategy}, up to {job.recipe.epochs} epochs"))
    history = loop.train(
        whole,
        lesson,
        groups=_groups(job, whole),
        validate=validation(job, rows["validation"], arithmetic.dtype),
        settings=job.settings,
        recipe=job.recipe,
        dtype=arithmetic.dtype,
        listener=job.listener,
    )
    reading = str(whole.reading) if isinstance(whole, Headed) else "classifier"
    epochs = [asdict(epoch) for epoch in history]
    return Learnt(whole.cpu(), arithmetic, reading, rows["train"].truncated, job.recipe, epochs)


def _network(job: Job, boundary: int, encoded: Encoded) -> Whole | Headed:
    """The ecosystem's task model, or the bare one with our head where that was asked for."""
    if job.settings.brings_head:
        return own.headed(job, boundary, encoded)
    whole = Whole(job.backbone.task_module(job.task.auto_class, job.names), boundary).to(device())
    stack.freeze(whole.module, boundary)
    return whole


def _step_name(job: Job, boundary: int) -> str:
    head = f" under {job.settings.head}, {job.settings.pool}" if job.settings.brings_head else ""
    return f"step above {boundary}{head}"


def _groups(job: Job, whole: Whole | Headed) -> list[dict[str, Any]]:
    """The parameters by depth; a head of ours stands above them all."""
    decay, lr = job.settings.weight_decay, job.recipe.lr
    below_it = groups.layered(whole.module, lr=lr, layer_decay=job.settings.layer_decay, weight_decay=decay)
    on_top = groups.alike(whole.head, lr=lr, weight_decay=decay) if isinstance(whole, Headed) else []
    return below_it + on_top


def _one_step(whole: nn.Module, lesson: loop.Lesson, settings: FitSettings) -> Callable[[str], None]:
    """Forward and backward of one batch of the longest rows, leaving weights and statistics as they are."""
    rows = np.argsort(lesson.encoded.lengths)[-settings.batch_size :]
    inputs, targets = batches.placed(lesson.encoded.take(rows)), lesson.targets(rows).to(device())
    scratch = copy.deepcopy(whole)

    def work(dtype: str) -> None:
        loop.gradient(scratch, inputs, targets, lesson.loss, dtype=dtype)
        scratch.zero_grad()

    return work
