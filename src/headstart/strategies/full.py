"""`full`: every parameter moves, the lower ones less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.contracts import Backbone
from headstart.settings import OF_LORA, FitSettings, Recipe
from headstart.strategies import _blocks

if TYPE_CHECKING:
    from torch import nn

# best of 1e-4 to 4e-4 on the validation split of SST-2, see the decision log
recipe = Recipe(epochs=4, lr=2e-4, patience=2)


def needs_validation(settings: FitSettings) -> bool:
    """The best epoch is chosen on a validation split."""
    return True


def unused(settings: FitSettings) -> frozenset[str]:
    """The ecosystem's task model brings its own head and reads what that reads."""
    return OF_LORA | {"head", "read", "top", "cache"}


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Below the stem.

    Raises:
        MismatchError: The backbone has no blocks, so it cannot be trained.
    """
    _blocks.count(backbone)
    return 0


def adapt(module: nn.Module, boundary: int, settings: FitSettings) -> nn.Module:
    """The task model itself."""
    return module


def settle(module: nn.Module) -> nn.Module:
    """The module as it is."""
    return module
