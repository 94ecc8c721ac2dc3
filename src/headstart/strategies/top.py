"""`top`: the last blocks and the head move; what the blocks below give is computed once and kept."""

from __future__ import annotations

from headstart.contracts import Backbone, Task
from headstart.heads import form
from headstart.settings import OF_LORA, FitSettings, Recipe
from headstart.strategies import _blocks
from headstart.strategies._plain import adapt, idle_sizes, needs_validation, of_blocks, settle

__all__ = ["adapt", "needs_validation", "settle"]

TOP = 2
"""Blocks that are trained where nobody says how many."""


def recipe(settings: FitSettings, task: Task) -> Recipe:
    """What to train with where the user leaves it open."""
    # as for `full`: the same blocks learn, fewer of them
    return of_blocks(task)


def unused(settings: FitSettings, task: Task) -> frozenset[str]:
    """The sizes of a linear head; without a head of ours the ecosystem's task model brings its own."""
    return OF_LORA | {"unfreeze"} | idle_sizes(settings, task)


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Below the last `settings.top` blocks, or all where there are fewer than are taken by default.

    Raises:
        MismatchError: The backbone has no blocks, so it cannot be trained, or does not give what the head reads.
        SettingError: It has fewer blocks than that, or two of the settings of the head do not go together.
    """
    boundary = _blocks.below_the_last(settings.top, backbone, default=TOP)
    form.verify(backbone, settings)
    return boundary


def stages(backbone: Backbone, settings: FitSettings) -> tuple[int, ...]:
    """One."""
    return (apply(backbone, settings),)
