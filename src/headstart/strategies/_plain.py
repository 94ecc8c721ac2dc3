"""What a strategy says that trains the task model as it is: plain functions that its file hands on; no plug-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.settings import FitSettings

if TYPE_CHECKING:
    from torch import nn


def adapt(module: nn.Module, boundary: int, settings: FitSettings) -> nn.Module:
    """The task model itself."""
    return module


def settle(module: nn.Module) -> nn.Module:
    """The module as it is."""
    return module
