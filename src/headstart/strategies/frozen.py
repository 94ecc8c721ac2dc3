"""`frozen`: nothing of the pretrained model moves; a head is learnt on features that are computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.contracts import Backbone
from headstart.settings import OF_LORA, OF_THE_LOOP, FitSettings, Recipe

if TYPE_CHECKING:
    from torch import nn

# what an MLP head on fixed features needs; a linear head has no use for either
recipe = Recipe(epochs=30, lr=1e-3, patience=5, layer_decay=1.0)


def needs_validation(settings: FitSettings) -> bool:
    """A linear head chooses by cross-validation within the training rows; others stop early on a validation split."""
    return settings.head != "linear"


def unused(settings: FitSettings) -> frozenset[str]:
    """A linear head is solved for, without the loop."""
    never = OF_LORA | {"top", "cache"}
    return never | (OF_THE_LOOP | {"validation_size"} if settings.head == "linear" else {"layer_decay"})


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Above the highest block."""
    return len(backbone.blocks) + 1


def adapt(module: nn.Module, boundary: int, settings: FitSettings) -> nn.Module:
    """The task model itself."""
    return module


def settle(module: nn.Module) -> nn.Module:
    """The module as it is."""
    return module
