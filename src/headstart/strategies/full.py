"""`full`: every parameter moves, the lower ones less."""

from __future__ import annotations

from headstart.contracts import Backbone, Task
from headstart.heads import form
from headstart.settings import OF_LORA, FitSettings, Recipe
from headstart.strategies import _blocks
from headstart.strategies._plain import adapt, idle_sizes, needs_validation, of_blocks, settle

__all__ = ["adapt", "needs_validation", "settle"]


def recipe(settings: FitSettings, task: Task) -> Recipe:
    """What to train with where the user leaves it open."""
    return of_blocks(task)


def unused(settings: FitSettings, task: Task) -> frozenset[str]:
    """The sizes of a linear head; without a head of ours the ecosystem's task model brings its own."""
    return OF_LORA | {"top", "unfreeze", "cache"} | idle_sizes(settings, task)


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Below the stem.

    Raises:
        MismatchError: The backbone has no blocks, so it cannot be trained, or does not give what the head reads.
        SettingError: Two of the settings of the head do not go together.
    """
    _blocks.count(backbone)
    form.verify(backbone, settings)
    return 0


def stages(backbone: Backbone, settings: FitSettings) -> tuple[int, ...]:
    """One."""
    return (apply(backbone, settings),)
