"""`top`: the last blocks and the head move; what the blocks below give is computed once and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.contracts import Backbone
from headstart.settings import OF_LORA, FitSettings, Recipe
from headstart.strategies import _blocks

if TYPE_CHECKING:
    from torch import nn

TOP = 2
"""Blocks that are trained where nobody says how many."""

# as for `full`: the same blocks learn, fewer of them
recipe = Recipe(epochs=4, lr=2e-4, patience=2)


def needs_validation(settings: FitSettings) -> bool:
    """The best epoch is chosen on a validation split."""
    return True


def unused(settings: FitSettings) -> frozenset[str]:
    """The ecosystem's task model brings its own head and reads what that reads."""
    return OF_LORA | {"head", "read"}


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Below the last `settings.top` blocks, or all where there are fewer than are taken by default.

    Raises:
        MismatchError: The backbone has no blocks, so it cannot be trained.
        SettingError: It has fewer blocks than that.
    """
    return _blocks.below_the_last(settings.top, backbone, default=TOP)


def adapt(module: nn.Module, boundary: int, settings: FitSettings) -> nn.Module:
    """The task model itself."""
    return module


def settle(module: nn.Module) -> nn.Module:
    """The module as it is."""
    return module
