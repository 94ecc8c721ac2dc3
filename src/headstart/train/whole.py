"""Learning the ecosystem's own task model, or a backbone under our head, by the loop: all above a boundary.

There may be several boundaries, one for each stage of the training.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart import launch, stack, windows
from headstart.contracts import Encoded, Strategy
from headstart.device import device
from headstart.network import Headed, class_of
from headstart.progress import Foreseen, Note, Stage, Warned
from headstart.train import below, gradient, groups, loop, masks, own, placed, shard, step, trial, views, vocabulary
from headstart.train.job import Job, Learnt, precision
from headstart.train.judging import validation
from headstart.train.learner import Epoch
from headstart.writer import Network, whole_of


def learn(job: Job, boundaries: Sequence[int], strategy: Strategy) -> Learnt:
    """The network, trained above each boundary in turn."""
    if job.validation is None:
        job.listener(
            Note("No rows are held out to choose an epoch by: all are learnt from, and the last one is taken.")
        )
    job = own.read_as_made(job, strategy)
    encoded = job.encoded(job.train)
    whole = _network(job, boundaries[-1], strategy, encoded)
    if job.settings.shard and boundaries[-1] <= len(job.backbone.blocks):
        _verify_shared_out(job, whole)
    num_trained = sum(parameter.numel() for parameter in whole.parameters() if parameter.requires_grad)
    if job.settings.gradient_checkpointing:
        _recompute(job, whole.module)
    left_out = {name for name, parameter in whole.named_parameters() if not parameter.requires_grad}
    arithmetic = _arithmetic(job, whole, boundaries[-1])
    augment = _tell_of_views(job, boundaries)
    best = _Best(whole)
    with masks.fast(whole), _lean(job, whole, encoded):
        for number, boundary in enumerate(boundaries, start=1):
            _cut(whole, boundary, left_out)
            best.judge(_stage(job, whole, arithmetic, number=number, of=len(boundaries)))
        whole.load_state_dict(best.weights)
    if best.is_earlier:
        job.listener(Note("The last stage ended no better on validation: the weights of an earlier one are kept."))
    read = "classifier" if job.writing is None else "decoder"
    reading = str(whole.reading) if isinstance(whole, Headed) else read
    if job.settings.gradient_checkpointing:
        _keep_again(whole.module)
    whole.module = strategy.settle(whole.cpu().eval().module)
    how = job.recipe, best.history, best.value, num_trained, augment
    return Learnt(whole, arithmetic, reading, best.long, *how)


def _network(job: Job, boundary: int, strategy: Strategy, encoded: Encoded) -> Network:
    """The ecosystem's task model, or the bare one with our head where that was asked for and the strategy takes it."""
    own_class = class_of(job.task, job.backbone)
    if own_class is None:
        return placed.headed(job, boundary, encoded, strategy)
    if job.settings.brings_head and job.writing is None and "head" not in strategy.unused(job.settings, job.task):
        return own.headed(job, boundary, encoded, strategy)
    module = job.task_module(own_class)
    stack.freeze(module, boundary)
    adapted = strategy.adapt(module, boundary, job.settings)
    return whole_of(job.task, job.learned, adapted, boundary).to(device())


def _lean(job: Job, whole: Network, encoded: Encoded) -> AbstractContextManager[None]:
    """Tokens that no training row holds left out of the learning; not where the network is spread over processes."""
    return nullcontext() if job.settings.shard else vocabulary.lean(whole.module, encoded)


def _recompute(job: Job, module: Any) -> None:
    """Lets the family compute again what lies within its blocks when the gradient needs it, where it offers that."""
    if getattr(module, "supports_gradient_checkpointing", False):
        _switch(module, "enable", {"use_reentrant": False})
    elif hasattr(module, "set_grad_checkpointing"):
        module.set_grad_checkpointing()
    else:
        job.listener(Warned("--gradient-checkpointing plays no part: this family does not offer it."))


def _keep_again(module: Any) -> None:
    """Takes `_recompute` back."""
    if getattr(module, "supports_gradient_checkpointing", False):
        _switch(module, "disable")
    elif hasattr(module, "set_grad_checkpointing"):
        module.set_grad_checkpointing(False)


def _switch(module: Any, way: str, *given: Any) -> None:
    """transformers' own switch, under its name of today or the one it had before."""
    today = f"activation_checkpointing_{way}"
    getattr(module, today if hasattr(module, today) else f"gradient_checkpointing_{way}")(*given)


def _cut(whole: Network, boundary: int, left_out: set[str]) -> None:
    """Lets learn what is above the boundary, without what never does."""
    whole.boundary, whole.below = boundary, None
    stack.freeze(whole.module, boundary)
    for name, parameter in whole.named_parameters():
        if name in left_out:
            parameter.requires_grad_(False)


@dataclass(frozen=True)
class _Outcome:
    history: list[Epoch]
    boundary: int
    long: Mapping[str, int]


@dataclass
class _Best:
    """The best stage so far by validation, and the history of all."""

    whole: nn.Module
    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    value: float = -np.inf
    is_earlier: bool = False
    long: Mapping[str, int] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    def judge(self, stage: _Outcome) -> None:
        """Takes in a stage that has just ended; of two alike the later counts."""
        value = max(next(iter(epoch.validation.values()), 0.0) for epoch in stage.history)
        before = len(self.history)
        self.history += [
            asdict(epoch) | {"epoch": before + epoch.epoch, "boundary": stage.boundary} for epoch in stage.history
        ]
        self.is_earlier, self.long = value < self.value, stage.long
        if not self.is_earlier:
            self.value = value
            self.weights = {name: tensor.clone() for name, tensor in self.whole.state_dict().items()}


def _stage(job: Job, whole: Network, arithmetic: step.Precision, *, number: int, of: int) -> _Outcome:
    """Trains what is above one boundary; every stage but the last lasts one epoch."""
    names = _views(job, whole.boundary)
    # what the frozen part gives for a picture that changes changes too, and cannot be kept; several maps are not kept
    is_fresh = bool(names) or job.is_by_place
    job = dataclasses.replace(job, settings=dataclasses.replace(job.settings, cache=False)) if is_fresh else job
    rows = below.keep(job, whole, whole.boundary, arithmetic.dtype)
    recipe = job.recipe if number == of else loop.one_epoch(job.recipe)
    named = f"stage {number} of {of}, above boundary {whole.boundary}, " if of > 1 else ""
    job.listener(Stage("train", f"{job.settings.strategy}, {named}up to {recipe.epochs} epochs"))
    saved = job.checkpoints(f"stage-{number}")
    plan = loop.Plan(
        *(lambda it: _groups(job, it), job.settings, recipe, arithmetic.dtype),
        piece=placed.piece(job) if job.is_by_place else None,
        checkpoints=saved,
        until=job.around.until,
        shard=_is_shared_out(job, whole.boundary),
        by_heart=job.around.by_heart,
    )
    held_out = rows["validation"] if "validation" in rows else job.encoded(job.train)
    lesson = job.lesson(rows["train"], validation(job, held_out, arithmetic.dtype), augment=names)
    plan, foreseen = trial.planned(job, whole, lesson, plan, held_out)
    if foreseen is not None and number == of:
        job.listener(Foreseen(foreseen))
    return _Outcome(loop.train(whole, lesson, plan, job.listener), whole.boundary, windows.told(rows["train"]))


def _is_shared_out(job: Job, boundary: int) -> bool:
    """Whether the network is spread over the processes; for a head alone that is not worth it."""
    return job.settings.shard and launch.num_processes() > 1 and boundary <= len(job.backbone.blocks)


def _verify_shared_out(job: Job, whole: nn.Module) -> None:
    """Says where there is nobody to share with; raises `MismatchError` for what cannot be shared out."""
    if launch.num_processes() == 1:
        job.listener(Warned("--shard plays no part with one process. Start several: torchrun --nproc-per-node 2."))
        return
    shard.verify(whole)


def _arithmetic(job: Job, whole: nn.Module, boundary: int) -> step.Precision:
    """Measured on a step of the whole network; where that may not fit into one process, on a product alone."""
    saved = job.checkpoints("stage-1")
    if _is_shared_out(job, boundary):
        return precision(job, "product", step.product, saved=saved)
    return precision(job, _step_name(job, boundary), _one_step(job, whole), saved=saved)


def _step_name(job: Job, boundary: int) -> str:
    head = f" under {job.settings.head}, {job.settings.pool}" if job.settings.brings_head else ""
    return f"{job.settings.strategy} step above {boundary}{head}"


def _groups(job: Job, whole: nn.Module) -> list[dict[str, Any]]:
    """The parameters by depth; a head of ours stands above them all."""
    assert isinstance(whole, Network), "what was made above, or a copy of it"
    decay, recipe = job.settings.weight_decay, job.recipe
    rates = {"lr": recipe.lr, "layer_decay": recipe.layer_decay, "classifier_lr": recipe.classifier_lr}
    below_it = groups.layered(whole.module, **rates, weight_decay=decay)
    if not isinstance(whole, Headed):
        return below_it
    names_classes = whole.form.kind == "linear" and not whole.form.reads_states
    lr = max(recipe.lr, recipe.classifier_lr) if names_classes else recipe.lr
    return below_it + groups.alike(whole.head, lr=lr, weight_decay=decay)


def _views(job: Job, boundary: int) -> tuple[str, ...]:
    """How training rows are changed while what is above this boundary is trained."""
    return views.chosen(job.settings, modality=job.backbone.modality, boundary=boundary, per=job.task.per)


def _tell_of_views(job: Job, boundaries: Sequence[int]) -> tuple[str, ...]:
    """How training rows are changed in the last stage, said."""
    names = _views(job, boundaries[-1])
    if names:
        is_cache_lost = (
            job.settings.cache and not job.is_by_place and any(each > 1 and _views(job, each) for each in boundaries)
        )
        job.listener(Note(views.said(names, is_cache_lost=is_cache_lost)))
    return names


def _one_step(job: Job, whole: nn.Module) -> Callable[[str], None]:
    """Forward and backward of one batch of rows of middling length, on a copy that learns, with dice of its own."""
    lesson = job.lesson(job.encoded(job.train), lambda _: {})
    order, size = np.argsort(lesson.lengths), placed.piece(job) if job.is_by_place else job.settings.batch_size
    rows = order[max(0, (len(order) - size) // 2) :][:size]
    scratch = copy.deepcopy(whole).train()

    def work(dtype: str) -> None:
        with masks.fast(scratch), torch.random.fork_rng([]), loop.own_dice():
            gradient.add(scratch, lesson, rows, 1, dtype=dtype, piece=len(rows))
        scratch.zero_grad()

    return work
