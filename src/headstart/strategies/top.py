"""`top`: the last blocks and the head move; what the blocks below give is computed once and kept."""

from __future__ import annotations

from headstart.contracts import Backbone
from headstart.errors import MismatchError, SettingError
from headstart.heads import form
from headstart.settings import FitSettings, Recipe

# as for `full`: the same blocks learn, fewer of them
recipe = Recipe(epochs=4, lr=2e-4, patience=2)


def needs_validation(settings: FitSettings) -> bool:
    """The best epoch is chosen on a validation split."""
    return True


def unused(settings: FitSettings) -> frozenset[str]:
    """The sizes of a linear head; without a head of ours the ecosystem's task model brings its own."""
    return frozenset({"unfreeze"} | ({"head_width", "head_dropout"} if settings.head == "linear" else set()))


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Below the last `settings.top` blocks.

    Raises:
        MismatchError: The backbone has no blocks, so it cannot be trained, or does not give what the head reads.
        SettingError: It has fewer blocks than that, or two of the settings of the head do not go together.
    """
    num_blocks = len(backbone.blocks)
    if not num_blocks:
        raise MismatchError(f'"{backbone.ref}" has no blocks that can be trained. Use --strategy frozen.')
    if settings.top > num_blocks:
        raise SettingError(f'--top {settings.top}: "{backbone.ref}" has {num_blocks} blocks. Give 1 to {num_blocks}.')
    form.verify(backbone, settings)
    return num_blocks + 1 - settings.top


def stages(backbone: Backbone, settings: FitSettings) -> tuple[int, ...]:
    """One."""
    return (apply(backbone, settings),)
