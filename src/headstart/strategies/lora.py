"""`lora`: small adapters beside the products of the blocks are trained, and added to their weights in the end.

The pretrained weights of the blocks stay as they are meanwhile; what follows the blocks is trained as with `top`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headstart import stack
from headstart.contracts import Backbone, Task
from headstart.errors import MismatchError, need
from headstart.settings import FitSettings, Recipe
from headstart.strategies import _blocks
from headstart.strategies._plain import STEPS, idle_sizes, needs_validation, of_blocks

if TYPE_CHECKING:
    from torch import nn

__all__ = ["needs_validation"]

OURS = "headstart"
"""What the adapters are called inside the layers."""


def recipe(settings: FitSettings, task: Task) -> Recipe:
    """What to train with where the user leaves it open."""
    # ten times the rate of `full`: adapters begin at nothing and have further to go
    above = of_blocks(task)
    return dataclasses.replace(above, epochs=6, lr=2e-3, patience=2, layer_decay=1.0, least_steps=STEPS)


def unused(settings: FitSettings, task: Task) -> frozenset[str]:
    """The sizes of a linear head; without a head of ours the ecosystem's task model brings its own."""
    return frozenset({"unfreeze"} | idle_sizes(settings, task))


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Below the last `settings.top` blocks, or below all of them; the stem is never trained.

    Raises:
        MissingExtra: peft is not installed.
        MismatchError: The backbone has no blocks, or none of those has a layer that takes an adapter.
        SettingError: It has fewer blocks than that.
    """
    boundary = _blocks.below_the_last(settings.top, backbone)
    need("peft", extra="lora")
    if next(_targets(backbone.module, boundary), None) is None:
        raise MismatchError(
            f'The blocks of "{backbone.ref}" have no linear layers and no plain convolutions for adapters to stand '
            f"beside. Use --strategy top or full."
        )
    return boundary


def stages(backbone: Backbone, settings: FitSettings) -> tuple[int, ...]:
    """One."""
    return (apply(backbone, settings),)


def adapt(module: nn.Module, boundary: int, settings: FitSettings) -> nn.Module:
    """The task model, or a bare one under a head of ours, with an adapter of rank r in each linear layer and plain
    convolution above the boundary; in a sequence-to-sequence model also in those of its decoder, of which nothing else
    is trained.

    A layer W of d outputs from k inputs becomes W + (α/r)·B·A, A of shape (r, k) drawn at random, B of shape (d, r)
    zero, so that at first nothing changes. Biases and norms in the blocks stay as they are.

    Source: Hu et al., ICLR 2022, section 4.1, by peft; on all layers, after Dettmers et al., NeurIPS 2023.
    """
    peft = need("peft", extra="lora")
    pretrained = {id(parameter) for parameter in module.parameters()}
    names: dict[bool, list[str]] = {}
    for name, is_transposed in _targets(module, boundary):
        names.setdefault(is_transposed, []).append(name)
    for is_transposed, found in names.items():
        config = peft.LoraConfig(
            r=settings.lora_rank,
            lora_alpha=2 * settings.lora_rank if settings.lora_alpha is None else settings.lora_alpha,
            lora_dropout=settings.lora_dropout,
            target_modules="|".join(map(re.escape, found)),
            fan_in_fan_out=is_transposed,
        )
        # in place, so that the blocks stay where the family has them
        peft.inject_adapter_in_model(config, module, adapter_name=OURS)
        del module.peft_config
    _answer_for_their_layers(module)
    depth, top = stack.depths(module), len(stack.blocks_of(module)) + 1
    fresh = {id(parameter) for part in _own_classifier(module) for parameter in part.parameters()}
    writes = {id(parameter) for part in _writing(module) for parameter in part.parameters()}
    for name, parameter in module.named_parameters():
        is_old = id(parameter) in pretrained - fresh
        parameter.requires_grad_(not is_old or (depth[name] == top and id(parameter) not in writes))
    return module.train(module.training)


def settle(module: nn.Module) -> nn.Module:
    """The task model with what the adapters learnt added to its weights, and no trace of them."""
    for name, layer in _adapted(module):
        layer.merge()
        holder, _, leaf = name.rpartition(".")
        setattr(module.get_submodule(holder), leaf, layer.get_base_layer())
    return module


def _adapted(module: nn.Module) -> list[tuple[str, Any]]:
    """The layers that have an adapter, by name."""
    from peft.tuners.lora import LoraLayer

    return [(name, part) for name, part in module.named_modules() if isinstance(part, LoraLayer)]


def _answer_for_their_layers(module: nn.Module) -> None:
    """Lets adapted layers tell stride, padding and the like, for families that ask their layers, as MobileNet does."""
    for _, layer in _adapted(module):
        below = layer.get_base_layer()
        for name in getattr(below, "__constants__", ()):
            if hasattr(below, name) and not hasattr(layer, name):
                setattr(layer, name, getattr(below, name))


def _targets(module: nn.Module, boundary: int) -> Iterator[tuple[str, bool]]:
    """Names of the layers in the blocks above the boundary that take an adapter, and whether their weight is (k, d).

    Layers of a class derived from these compute something else with their weight, and are left out; so are
    convolutions in groups, of which there is not much to learn, or dilated, which peft does not rebuild.
    """
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    fresh = _own_classifier(module)
    names = {part: name for name, part in module.named_modules() if part not in fresh}
    decoder = stack.decoder_of(module)
    written = [] if decoder is None else stack.blocks_of(decoder)
    for block in [*stack.blocks_of(module)[max(0, boundary - 1) :], *written]:
        for part in block.modules():
            is_plain = type(part) is nn.Linear or (type(part) is nn.Conv2d and _is_plain(part))
            if part in names and (is_plain or type(part) is Conv1D):
                yield names[part], type(part) is Conv1D


def _writing(module: nn.Module) -> list[nn.Module]:
    """The decoder of a sequence-to-sequence model and the layer above it, both of which were trained before."""
    decoder, ask = stack.decoder_of(module), getattr(module, "get_output_embeddings", None)
    above = None if decoder is None or ask is None else ask()
    return [part for part in (decoder, above) if part is not None]


def _is_plain(layer: nn.Conv2d) -> bool:
    """Whether nothing but size, stride and padding by zeros tells what a convolution does."""
    return layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"


def _own_classifier(module: nn.Module) -> set[nn.Module]:
    """The classifier of a model that has it within its base, as timm's do, so that it may lie in the highest block."""
    ask = getattr(stack.base_of(module), "get_classifier", None) or getattr(module, "get_classifier", None)
    found = None if ask is None else ask()
    parts = found if isinstance(found, tuple) else (found,)
    return {inner for part in parts if part is not None for inner in part.modules()}
