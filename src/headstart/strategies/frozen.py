"""`frozen`: nothing of the pretrained model moves; a head is learnt on features that are computed once."""

from __future__ import annotations

from headstart.contracts import Backbone
from headstart.settings import OF_THE_LOOP, FitSettings, Recipe

# what an MLP head on fixed features needs; a linear head has no use for either
recipe = Recipe(epochs=30, lr=1e-3, patience=5)


def needs_validation(settings: FitSettings) -> bool:
    """A linear head chooses by cross-validation within the training rows; others stop early on a validation split."""
    return settings.head != "linear"


def unused(settings: FitSettings) -> frozenset[str]:
    """A linear head is solved for, without the loop."""
    # features are computed once, of the rows as they are
    never = frozenset({"top", "unfreeze", "cache", "augment"})
    return never | (OF_THE_LOOP | {"validation_size"} if settings.head == "linear" else {"layer_decay"})


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Above the highest block."""
    return len(backbone.blocks) + 1


def stages(backbone: Backbone, settings: FitSettings) -> tuple[int, ...]:
    """One."""
    return (apply(backbone, settings),)
