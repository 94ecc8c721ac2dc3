"""`gradual`: first what stands above the blocks, then more and more of them, at last everything.

Features learnt before are thus not thrown away for the sake of a head that knows nothing yet.
"""

from __future__ import annotations

from headstart.contracts import Backbone, Task
from headstart.errors import SettingError
from headstart.heads import form
from headstart.settings import OF_LORA, FitSettings, Recipe
from headstart.strategies import _blocks
from headstart.strategies._plain import adapt, idle_sizes, of_blocks, settle

__all__ = ["adapt", "settle"]


def recipe(settings: FitSettings, task: Task) -> Recipe:
    """What to train with where the user leaves it open."""
    # of the last stage, which trains as `full` does
    return of_blocks(task)


def needs_validation(settings: FitSettings, task: Task, num_rows: int) -> bool:
    """The best epoch of each stage is chosen on a validation split."""
    return True


def unused(settings: FitSettings, task: Task) -> frozenset[str]:
    """The sizes of a linear head; without a head of ours the ecosystem's task model brings its own."""
    return OF_LORA | {"top"} | idle_sizes(settings, task)


def apply(backbone: Backbone, settings: FitSettings) -> int:
    """Below the stem, in the end."""
    return stages(backbone, settings)[-1]


def stages(backbone: Backbone, settings: FitSettings) -> tuple[int, ...]:
    """Above all blocks, then `settings.unfreeze` blocks further down each time, at last below the stem.

    Raises:
        MismatchError: The backbone has no blocks, so it cannot be trained.
        SettingError: It has fewer blocks than that.

    Source: gradual unfreezing, Howard and Ruder, ACL 2018, section 3.3; with as many blocks as there are it is the
        linear probing then fine-tuning of Kumar et al., ICLR 2022.
    """
    num_blocks = _blocks.count(backbone)
    form.verify(backbone, settings)
    more = (num_blocks + 1) // 2 if settings.unfreeze is None else settings.unfreeze
    if more > num_blocks:
        raise SettingError(f'--unfreeze {more}: "{backbone.ref}" has {num_blocks} blocks. Give 1 to {num_blocks}.')
    return (*range(num_blocks + 1, 1, -more), 0)
