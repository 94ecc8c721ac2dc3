"""Learning the ecosystem's own task model by the loop: everything above a boundary, in one stage or in several."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart import stack, windows
from headstart.device import device
from headstart.network import Whole
from headstart.progress import Foreseen, Note, Stage
from headstart.train import below, gradient, groups, loop, step, trial, views
from headstart.train.job import Job, Learnt, precision, validation
from headstart.train.learner import Epoch


def learn(job: Job, boundaries: Sequence[int]) -> Learnt:
    """The ecosystem's task model, trained above each boundary in turn."""
    assert job.validation is not None, "strategies that move blocks ask for a validation split"
    whole = Whole(job.backbone.task_module(job.task.auto_class, job.names), boundaries[-1]).to(device())
    stack.freeze(whole.module, boundaries[-1])
    saved = job.checkpoints("stage-1")
    arithmetic = precision(job, f"step above {boundaries[-1]}", _one_step(job, whole), saved=saved)
    augment = _tell_of_views(job, boundaries)
    best = _Best(whole)
    for number, boundary in enumerate(boundaries, start=1):
        best.judge(_stage(job, whole, boundary, arithmetic, number=number, of=len(boundaries)))
    if best.is_earlier:
        job.listener(Note("The last stage ended no better on validation: the weights of an earlier one are kept."))
    whole.load_state_dict(best.weights)
    told = best.long, job.recipe, best.history, best.value, augment
    return Learnt(whole.cpu().eval(), arithmetic, "classifier", *told)


@dataclass(frozen=True)
class _Outcome:
    history: list[Epoch]
    boundary: int
    long: Mapping[str, int]


@dataclass
class _Best:
    """The best stage so far by validation, and the history of all."""

    whole: Whole
    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    value: float = -np.inf
    is_earlier: bool = False
    long: Mapping[str, int] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    def judge(self, stage: _Outcome) -> None:
        """Takes in a stage that has just ended; of two alike the later counts."""
        value = max(next(iter(epoch.validation.values())) for epoch in stage.history)
        before = len(self.history)
        self.history += [
            asdict(epoch) | {"epoch": before + epoch.epoch, "boundary": stage.boundary} for epoch in stage.history
        ]
        self.is_earlier, self.long = value < self.value, stage.long
        if not self.is_earlier:
            self.value = value
            self.weights = {name: tensor.clone() for name, tensor in self.whole.state_dict().items()}


def _stage(job: Job, whole: Whole, boundary: int, arithmetic: step.Precision, *, number: int, of: int) -> _Outcome:
    """Trains what is above one boundary; every stage but the last lasts one epoch."""
    whole.boundary, whole.form = boundary, None
    stack.freeze(whole.module, boundary)
    names = _views(job, boundary)
    # what the frozen part gives for a picture that changes changes too, and cannot be kept
    job = dataclasses.replace(job, settings=dataclasses.replace(job.settings, cache=False)) if names else job
    rows = below.keep(job, whole, boundary, arithmetic.dtype)
    recipe = job.recipe if number == of else loop.one_epoch(job.recipe)
    named = f"stage {number} of {of}, above boundary {boundary}, " if of > 1 else ""
    job.listener(Stage("train", f"{job.settings.strategy}, {named}up to {recipe.epochs} epochs"))
    settings = job.settings
    plan = loop.Plan(
        lambda trained: groups.layered(
            trained.module,  # type: ignore[arg-type]
            lr=recipe.lr,
            layer_decay=settings.layer_decay,
            weight_decay=settings.weight_decay,
        ),
        settings,
        recipe,
        arithmetic.dtype,
        checkpoints=job.checkpoints(f"stage-{number}"),
    )
    lesson = job.lesson(rows["train"], validation(job, rows["validation"], arithmetic.dtype), augment=names)
    plan, foreseen = trial.planned(job, whole, lesson, plan, rows["validation"])
    if foreseen is not None and number == of:
        job.listener(Foreseen(foreseen))
    return _Outcome(loop.train(whole, lesson, plan, job.listener), boundary, windows.told(rows["train"]))


def _views(job: Job, boundary: int) -> tuple[str, ...]:
    """How training rows are changed while what is above this boundary is trained."""
    return views.chosen(job.settings, modality=job.backbone.modality, boundary=boundary)


def _tell_of_views(job: Job, boundaries: Sequence[int]) -> tuple[str, ...]:
    """How training rows are changed in the last stage, said."""
    names = _views(job, boundaries[-1])
    if names:
        is_cache_lost = job.settings.cache and any(each > 1 and _views(job, each) for each in boundaries)
        job.listener(Note(views.said(names, is_cache_lost=is_cache_lost)))
    return names


def _one_step(job: Job, whole: nn.Module) -> Callable[[str], None]:
    """Forward and backward of one batch of the longest rows, leaving weights and statistics as they are."""
    lesson = job.lesson(job.encoded(job.train), lambda _: {})
    rows = np.argsort(lesson.lengths)[-job.settings.batch_size :]
    scratch = copy.deepcopy(whole)

    def work(dtype: str) -> None:
        gradient.add(scratch, lesson, rows, 1, dtype=dtype, piece=len(rows))
        scratch.zero_grad()

    return work
