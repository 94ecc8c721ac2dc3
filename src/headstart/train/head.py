"""Learning a head on frozen features: inside the ecosystem's class where that reads the same, else beside the stack."""

# N items, M rows of them, D width, C classes

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart import network, stack
from headstart.contracts import Encoded, Inputs
from headstart.device import device
from headstart.heads import form, layers
from headstart.network import Headed, Whole
from headstart.progress import Foreseen, Stage
from headstart.readings import Reading, readings
from headstart.train import groups, linear, loop, trial, vectors
from headstart.train.job import Job, Learnt
from headstart.train.judging import validation

Floats = np.ndarray[Any, np.dtype[np.float32]]


def learn(job: Job) -> Learnt:
    """A head on frozen features: inside the ecosystem's class where that reads the same, else beside the backbone."""
    # what cannot be trained has no class of the ecosystem that a head could stand in
    usual = job.task.read_at if job.backbone.blocks else "layers"
    read = usual if job.settings.read == "auto" else job.settings.read
    is_ours = job.settings.head != "linear" or job.settings.pool != "auto"
    return _beside(job) if is_ours or read != "classifier" else _inside(job)


def _inside(job: Job) -> Learnt:
    """The ecosystem's task model with its own last layer solved for, everything before it as it was."""
    module = job.task_module()
    layer = network.classifier_of(module)
    bare = copy.deepcopy(module)
    # without its last layer, a task model's logits are what that layer would have read
    _replace(bare, network.classifier_of(bare), nn.Identity())
    name = f"classifier, {_told_apart(bare)}"
    extracted = vectors.of(job, bare, lambda part, inputs: part(**inputs.tensors).logits, layer.in_features, name)
    found = linear.fit(
        [None], lambda _: extracted.train.means, _truth(job), seed=job.settings.seed, weights_C=job.class_weights
    )
    network.set_linear(layer, found.weight_CD, found.bias_C)
    return Learnt(
        *(Whole(module, output=job.task.output), extracted.precision, "classifier", extracted.train.long),
        history=found.tried,
        validation=-found.log_loss,
        left_out=found.left_out_NC,
    )


def _told_apart(bare: nn.Module) -> str:
    """A hash of the layers above the base: where a family makes some of them anew, they depend on the seed."""
    inside = {id(parameter) for parameter in stack.base_of(bare).parameters()}
    found = hashlib.sha256()
    for parameter in bare.parameters():
        if id(parameter) not in inside:
            found.update(parameter.detach().cpu().float().numpy().tobytes())
    return found.hexdigest()[:16]


def _replace(module: nn.Module, old: nn.Module, new: nn.Module) -> None:
    name = next(name for name, part in module.named_modules() if part is old)
    parent, _, leaf = name.rpartition(".")
    setattr(module.get_submodule(parent), leaf, new)


def _beside(job: Job) -> Learnt:
    """The bare backbone with our head on pooled hidden states."""
    widths = job.backbone.widths
    candidates = readings(job.settings.read, widths)
    extracted = vectors.of_states(job)
    means_ND = extracted.train.means

    def read(reading: Reading | None) -> Floats:
        assert reading is not None, "every candidate here is a reading of layers"
        return np.asarray(reading.of(means_ND, widths))

    job.listener(Stage("head", f"{job.settings.head}, {len(candidates)} readings"))
    found = linear.fit(candidates, read, _truth(job), seed=job.settings.seed, weights_C=job.class_weights)
    assert found.reading is not None, "one of the candidates"
    made = form.asked(job.settings, found.weight_CD.shape[1])
    if job.settings.head == "linear":
        head = layers.build(made, len(job.names))
        network.set_linear(head[0], found.weight_CD, found.bias_C)  # type: ignore[index]
        history: Sequence[Mapping[str, Any]] = found.tried
        value = -found.log_loss
    else:
        assert extracted.validation is not None, "a head that stops early asks for a validation split"
        read_rows = [
            dataclasses.replace(split, features_MD=np.asarray(found.reading.of(split.features_MD, widths)))
            for split in (extracted.train, extracted.validation)
        ]
        head, history = _mlp(job, *read_rows)
        value = best_of(job, history)
    headed = Headed(job.backbone, found.reading, head.eval(), made)
    recipe = None if job.settings.head == "linear" else job.recipe
    how = recipe, history, value
    left_out = found.left_out_NC if job.settings.head == "linear" else None
    return Learnt(headed, extracted.precision, str(found.reading), extracted.train.long, *how, left_out=left_out)


def _truth(job: Job) -> np.ndarray[Any, Any]:
    """Class numbers, shape (N,), or 1 where a row has a label, shape (N, C)."""
    return np.asarray(job.task.collate(job.train, job.learned).numpy())


class _OnFeatures(nn.Module):
    """A head that takes a batch of features as the loop hands it over."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, inputs: Inputs) -> torch.Tensor:
        logits: torch.Tensor = self.head(inputs.tensors["features"])
        return logits


def _mlp(job: Job, train: vectors.Split, held_out: vectors.Split) -> tuple[nn.Module, list[dict[str, Any]]]:
    """An MLP head trained by the loop on standardised features, the standardisation then folded into it."""
    mean_D, scale_D = train.features_MD.mean(axis=0), train.features_MD.std(axis=0) + 1e-6
    head = layers.build(form.asked(job.settings, len(mean_D)), len(job.names)).to(device())
    history = by_loop(job, _OnFeatures(head), train.rows(mean_D, scale_D), held_out.rows(mean_D, scale_D))
    first = head.cpu()[0]  # type: ignore[index]
    assert isinstance(first, nn.Linear), "every head begins with a linear layer"
    weight = first.weight.detach().numpy() / scale_D
    network.set_linear(first, weight, first.bias.detach().numpy() - weight @ mean_D)
    return head, history


def by_loop(job: Job, head: nn.Module, rows: Encoded, held_out: Encoded) -> list[dict[str, Any]]:
    """Trains a head alone, on whatever it reads, and leaves it with the weights of its best epoch; one entry each."""
    plan = loop.Plan(
        lambda trained: groups.alike(trained, lr=job.recipe.lr, weight_decay=job.settings.weight_decay),
        job.settings,
        job.recipe,
        "float32",
        checkpoints=job.checkpoints("head"),
    )
    lesson = job.lesson(rows, validation(job, held_out, "float32"))
    plan, foreseen = trial.planned(job, head, lesson, plan, held_out)
    if foreseen is not None:
        job.listener(Foreseen(foreseen))
    return [asdict(epoch) for epoch in loop.train(head, lesson, plan, job.listener)]


def best_of(job: Job, history: Sequence[Mapping[str, Any]]) -> float:
    """The best of the task's first figure on validation, 0 where the last epoch is taken."""
    return max(float(epoch["validation"].get(job.task.primary, 0.0)) for epoch in history)
