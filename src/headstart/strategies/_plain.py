"""What a strategy says that trains the task model as it is: plain functions that its file hands on; no plug-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.contracts import Task
from headstart.settings import FitSettings, Recipe

if TYPE_CHECKING:
    from torch import nn

STEPS, STEPS_A_CLASS = 50, 4
"""Steps, in all and for each class, below which pretrained blocks have not learnt what is on top of them; see the
decision log."""
FEW = 3000
"""Up to so many rows none is held out: the last epoch of all is better then than the best epoch of nine tenths; see the
decision log."""
CLASSIFIER_LR = 2e-2
"""A new layer that names the classes starts from nothing, and blocks have a place to start from; see the decision log.
"""


def of_blocks(task: Task) -> Recipe:
    """What blocks are trained with, all of them or the highest."""
    if task.modality == "audio":
        # nothing but blanks is heard at first, so that word accuracy says little for some epochs
        return Recipe(epochs=20, lr=3e-4, patience=20)
    if task.per == "token":
        # most tokens are of no entity, so that it takes longer until any is found; see the decision log
        return Recipe(epochs=6, lr=3e-4, patience=2, least_steps=STEPS)
    if task.per == "place":
        # new layers with everything to learn, from few pictures with many places
        return Recipe(epochs=40, lr=1e-3, patience=8)
    # best of 1e-4 to 4e-4 on the validation split of SST-2, see the decision log
    return Recipe(
        epochs=4,
        lr=2e-4,
        patience=2,
        classifier_lr=CLASSIFIER_LR,
        least_steps=STEPS,
        steps_a_class=STEPS_A_CLASS,
    )


def needs_validation(settings: FitSettings, task: Task, num_rows: int) -> bool:
    """The best epoch is chosen on a validation split, but of few rows that are learnt to tell one class each the last.

    Whatever else is chosen by such a split needs it always: when to stop, among epochs to average, among seeds.
    """
    is_asked_for = settings.validation_size is not None or settings.patience is not None
    chooses = settings.soup > 1 or settings.seeds > 1
    has_one_class = task.per == "row" and any(field.kind == "label" for field in task.fields)
    return is_asked_for or chooses or not has_one_class or num_rows > FEW


def idle_sizes(settings: FitSettings, task: Task) -> set[str]:
    """Settings of the size of a head that play no part: those of a linear head, where no task brings its own layers."""
    return {"head_width", "head_dropout"} if settings.head == "linear" and task.per != "place" else set()


def adapt(module: nn.Module, boundary: int, settings: FitSettings) -> nn.Module:
    """The task model itself."""
    return module


def settle(module: nn.Module) -> nn.Module:
    """The module as it is."""
    return module
