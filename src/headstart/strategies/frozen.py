"""`frozen`: nothing of the pretrained model moves; a head is learnt on features that are computed once."""

from __future__ import annotations

from headstart.contracts import Backbone, Task
from headstart.heads import form
from headstart.settings import OF_LORA, OF_THE_LOOP, FitSettings, Recipe
from headstart.strategies._plain import adapt, settle

__all__ = ["adapt", "settle"]


def recipe(settings: FitSettings, task: Task) -> Recipe:
    """What to train with where the user leaves it open."""
    if task.per == "place":
        return Recipe(epochs=40, lr=1e-3, patience=8, layer_decay=1.0)
    # what an MLP head on fixed features needs; a linear head has no use for either
    by_token = task.per == "token" and settings.head == "linear"
    return Recipe(
        epochs=30, lr=1e-2 if by_token else 1e-3, patience=30 if task.modality == "audio" else 5, layer_decay=1.0
    )


def needs_validation(settings: FitSettings, task: Task, num_rows: int) -> bool:
    """A linear head chooses by cross-validation within the training rows; others stop early on a validation split."""
    return not _is_solved(settings, task)


def _is_solved(settings: FitSettings, task: Task) -> bool:
    return settings.head == "linear" and not settings.reads_states and task.per == "row"


def unused(settings: FitSettings, task: Task) -> frozenset[str]:
    """A linear head is solved for, without the loop, unless what it reads must be learnt."""
    if task.per == "place":
        return OF_LORA | {"top", "unfreeze", "gradient_checkpointing", "cache", "layer_decay"}
    # features are computed once, of the rows as they are
    unused = (
        OF_LORA
        | {"top", "unfreeze", "augment", "gradient_checkpointing", "shard"}
        | ({"head_width", "head_dropout"} if settings.head == "linear" else set())
    )
    kept = set() if settings.reads_states or task.per != "row" else {"cache"}
    return frozenset(
        unused | kept | (OF_THE_LOOP | {"validation_size"} if _is_solved(settings, task) else {"layer_decay"})
    )


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Above the highest block.

    Raises:
        MismatchError: The backbone does not give what the head reads.
        SettingError: Two of the settings of the head do not go together.
    """
    form.verify(backbone, settings)
    return len(backbone.blocks) + 1


def stages(backbone: Backbone, settings: FitSettings) -> tuple[int, ...]:
    """One."""
    return (apply(backbone, settings),)
