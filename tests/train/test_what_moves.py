"""Below the boundary nothing moves and above it everything does, for four kinds of families; kept states agree."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import stacks
from headstart import cut, stack
from headstart.contracts import Inputs
from headstart.network import KEPT, Whole
from headstart.progress import silent
from headstart.settings import FitSettings, Recipe
from headstart.train import groups, loop

CLASSES = {
    "bert": "BertForSequenceClassification",
    "vit": "ViTForImageClassification",
    "resnet": "ResNetForImageClassification",
    "wav2vec2": "Wav2Vec2ForSequenceClassification",
}
NUM_BLOCKS = {"bert": 3, "vit": 3, "resnet": 2, "wav2vec2": 3}
ROWS = 8


def task_model(name: str) -> nn.Module:
    import transformers

    torch.manual_seed(0)
    kind, options, _ = stacks.FAMILIES[name]
    config = getattr(transformers, f"{kind}Config")(**options, num_labels=2)
    module: nn.Module = getattr(transformers, CLASSES[name])(config)
    return module


def rows(name: str) -> Inputs:
    """As many rows of random input as there are in a batch, all alike long."""
    first = stacks.batch(name).tensors
    random = torch.Generator().manual_seed(1)

    def more(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.is_floating_point():
            return torch.randn(ROWS, *tensor.shape[1:], generator=random)
        return tensor[:1].expand(ROWS, *tensor.shape[1:]).clone()

    return Inputs({name: more(tensor) for name, tensor in first.items() if name != "attention_mask"})


def trained(name: str, boundary: int, *, kept: bool = False) -> tuple[Whole, dict[str, torch.Tensor]]:
    """The network after some steps above the boundary, and its values before."""
    whole = Whole(task_model(name), boundary)
    stack.freeze(whole.module, boundary)
    before = copy.deepcopy(whole.state_dict())
    inputs = rows(name)
    if kept:
        form = cut.lower(whole.module.eval(), inputs, upto=boundary - 1)
        whole.below = form
        inputs = Inputs({**inputs.tensors, KEPT: form.state.detach()})

    def take(batch: Any, epoch: int) -> tuple[Inputs, torch.Tensor]:
        return Inputs({key: tensor[batch] for key, tensor in inputs.tensors.items()}), torch.as_tensor(batch % 2)

    loss = nn.CrossEntropyLoss(reduction="none")
    lesson = loop.Lesson(np.full(ROWS, 4), take, loss, lambda _: {"accuracy": 0.0})
    plan = loop.Plan(
        lambda network: groups.layered(network.module, lr=1e-2, layer_decay=1.0, weight_decay=0.01),
        FitSettings(batch_size=4, ema=0.0),
        Recipe(epochs=3, lr=1e-2, patience=9),
        "float32",
    )
    loop.train(whole, lesson, plan, silent)
    return whole, before


CUTS = [(name, boundary) for name, num in NUM_BLOCKS.items() for boundary in range(num + 2)]


@pytest.mark.parametrize(("name", "boundary"), CUTS)
def test_nothing_below_moves_and_everything_above_does(name: str, boundary: int) -> None:
    whole, before = trained(name, boundary)
    depth = stack.depths(whole.module)
    after = whole.state_dict()
    moved = {key.removeprefix("module.") for key in before if not torch.equal(before[key], after[key])}
    above = {key for key, height in depth.items() if height >= boundary}
    assert moved & set(depth) == above
    statistics = {key for key in moved if key not in depth}
    assert all(_height(key, depth) >= boundary for key in statistics)


def _height(buffer: str, depth: dict[str, int]) -> int:
    """How high a running statistic stands: as high as the weights beside it."""
    beside = buffer.rpartition(".")[0]
    return next(height for name, height in depth.items() if name.rpartition(".")[0] == beside)


@pytest.mark.parametrize(("name", "boundary"), [cut for cut in CUTS if cut[1] > 1])
def test_training_on_kept_states_gives_the_same_network(name: str, boundary: int) -> None:
    torch.manual_seed(0)
    kept, anew = (trained(name, boundary, kept=kept)[0].eval() for kept in (True, False))
    with torch.no_grad():
        torch.testing.assert_close(kept(rows(name)), anew(rows(name)), atol=2e-3, rtol=1e-2)
