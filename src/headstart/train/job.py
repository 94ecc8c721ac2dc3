"""What learning starts from and what it ends with; shared by learning a head and learning the whole network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from headstart import launch, windows, writer
from headstart.budget import Budget, budget
from headstart.contracts import Backbone, Encoded, Frame, Inputs, Learned, Rows, Task, Where, Writing
from headstart.cost import Meter
from headstart.data.fields import content
from headstart.data.part import CHUNK_ROWS
from headstart.errors import MismatchError
from headstart.progress import Listener
from headstart.settings import PAIRED, PAUSES, WINDOWS, FitSettings, Recipe
from headstart.train import step, views, weighing
from headstart.train.checkpoint import Checkpoints
from headstart.train.gradient import Lesson
from headstart.writer import writing_of

if TYPE_CHECKING:
    from headstart.contracts import Indices


TAKEN = 256
"""Rows whose tokens and targets are looked at together."""
FEW = 8
"""Tiles of pictures whose targets are in memory together: there may be one for every pixel."""


@dataclass(frozen=True)
class Around:
    """What a training stands in: a folder for checkpoints or none, what measures the run, how many rows it scores, its
    share of the time that is left, the epoch it pauses after, whether what it will take is foretold, how small a mean
    loss of two epochs says that the rows are learnt by heart, so that no more of them are needed, and whether the last
    epoch of the loop is taken though there are validation rows, so that these have chosen nothing and may judge it.
    """

    kept: Path | None = None
    meter: Meter | None = None
    num_test: int = 0
    share: float = 1.0
    until: int | None = None
    is_foretold: bool = True
    by_heart: float = 0.0
    takes_last: bool = False

    @property
    def seconds(self) -> float:
        """So many have passed since the run began."""
        return 0.0 if self.meter is None else self.meter.seconds


NOWHERE = Around()


@dataclass(frozen=True)
class Job:
    """All that learning needs: the task with what it learnt, the model, the rows encoded, the settings.

    `around` is what the training stands in.
    """

    task: Task
    learned: Learned
    backbone: Backbone
    train: Rows
    validation: Rows | None
    settings: FitSettings
    recipe: Recipe
    listener: Listener
    around: Around = NOWHERE
    frame: Frame | None = None
    """How large pictures are read, where answers belong to places in them."""

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return self.task.names(self.learned)

    @property
    def takes_last(self) -> bool:
        """Whether the last epoch of the loop is taken, and no rows choose one."""
        return self.around.takes_last or self.validation is None

    @property
    def is_by_token(self) -> bool:
        """Whether there is an answer for every token."""
        return self.task.per == "token"

    @property
    def is_by_place(self) -> bool:
        """Whether answers belong to places of a picture."""
        return self.task.per == "place"

    @property
    def writing(self) -> Writing | None:
        """How the model writes, token after token; None where it answers for what it reads."""
        return writing_of(self.task, self.learned)

    @property
    def long(self) -> str:
        """What is read of texts longer than the model reads."""
        if self.is_by_token:
            return WINDOWS if self.writing is None else PAUSES
        return PAIRED if len(content(self.task.fields)) > 1 else self.settings.long

    def targets(self, batch: Indices, where: Where | None = None) -> torch.Tensor:
        """The targets of some of the training rows, of which some may be windows of one text."""
        return self.task.collate(self.train.take(batch), self.learned, where)

    def task_module(self, auto_class: str | None = None) -> nn.Module:
        """The ecosystem's task model with a fresh classifier for the classes, its config as the task wants it."""
        module = self.backbone.task_module(auto_class or self.task.auto_class, self.names)
        for name, value in self.task.config.items():
            if hasattr(module.config, name):  # that of a plain module knows names alone
                setattr(module.config, name, value)
        return module

    @property
    def budget(self) -> Budget:
        """What the run may take at most."""
        return budget(self.settings.budget, self.settings.price_per_hour)

    @property
    def is_foretold(self) -> bool:
        """Whether anybody asks what the training will take: for its own sake, or to keep within a limit."""
        return self.around.is_foretold or self.budget != Budget()

    @property
    def class_weights(self) -> weighing.Floats | None:
        """How heavily each class weighs in the loss; None where all weigh alike."""
        if self.settings.class_weights == "none":
            return None
        counts = np.zeros(len(self.names), dtype=np.int64)
        for targets in self._all_targets():
            if targets.is_floating_point() and self.task.per != "row":
                raise MismatchError("--class-weights weighs classes, and this task has none. Leave it out.")
            if targets.is_floating_point():
                counts += targets.sum(dim=0).long().numpy()
            else:
                # of places some belong to no class
                counts += np.bincount(targets[targets >= 0], minlength=len(counts))[: len(counts)]
        return weighing.weights(self.settings.class_weights, self.names, counts)

    def _all_targets(self, rows: Encoded | None = None) -> Iterator[torch.Tensor]:
        """The targets of all training rows, some at a time."""
        if self.task.per == "row":
            yield from map(self.targets, _in_parts(len(self.train), CHUNK_ROWS))
            return
        rows = self.encoded(self.train) if rows is None else rows
        owners = windows.owners(rows)
        for some in _in_parts(len(owners), FEW if self.is_by_place else TAKEN):
            yield self.targets(owners[some], windows.covered(rows, some))

    def lesson(
        self,
        rows: Encoded,
        validate: Callable[[nn.Module], Mapping[str, float]],
        *,
        augment: Sequence[str] = (),
    ) -> Lesson:
        """The training rows, in whatever form they are kept, as the loop learns from them; `augment` changes them."""
        found = self.class_weights
        weights = None if found is None else torch.from_numpy(found)

        def loss(output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return self.task.loss(output, targets, weights=weights, smoothing=self.settings.label_smoothing)

        seen = views.Views(rows, self.targets, len(self.names), tuple(augment), self.settings.seed)
        counted = torch.cat([self.task.counted(targets) for targets in self._all_targets(rows)]).numpy()
        # the windows of a text each have its target
        counted = counted[windows.owners(rows)] if self.task.per == "row" else counted
        take = seen.take if self.writing is None else lambda some, epoch: _taught(*seen.take(some, epoch))
        return Lesson(rows.lengths, take, loss, validate, counted)

    def checkpoints(self, name: str) -> Checkpoints | None:
        """Where one of the run's trainings is saved."""
        return None if self.around.kept is None else Checkpoints(self.around.kept / name)

    def encoded(self, rows: Rows, *, long: str | None = None) -> Encoded:
        """Rows as the model reads them; `long` says what of long ones, where not as it is trained."""
        items, limit = self.task.items(rows), self.settings.max_length
        return self.backbone.prepare(
            items, max_length=limit, long=long or self.long, where=self.task.per != "row", frame=self.frame
        )


@dataclass(frozen=True)
class Learnt:
    """A trained network and how it came about.

    `precision` is the arithmetic, `reading` what the head reads, `long` what became of texts longer than the model
    reads (see `windows.told`), `recipe` what the loop trained with where it was used, `history` has one entry for each
    epoch or trial, `validation` is the figure it was chosen by, better when higher, `augment` says how training rows
    were changed.
    """

    network: nn.Module
    precision: step.Precision
    reading: str
    long: Mapping[str, int]
    recipe: Recipe | None = None
    history: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    validation: float = 0.0
    num_trained: int | None = None
    """How many numbers were trained, where it takes the network before it was settled to tell."""
    augment: Sequence[str] = ()
    left_out: Any = None
    """The output for each training row from fits that had not seen it, shape (N, C), where there were such."""


def precision(job: Job, name: str, work: Callable[[str], None], *, saved: Checkpoints | None = None) -> step.Precision:
    """The arithmetic of the run, said; a measurement is kept for the same work of the same model on this machine.

    A run that goes on keeps the arithmetic it began with.
    """
    facts = None if saved is None else saved.facts()
    if facts is not None:
        return step.Precision(facts["dtype"], "")
    known = (job.backbone.digest(), name)
    found = launch.from_first(step.precision(job.settings.precision, work, known=known) if launch.is_first() else None)
    assert found is not None, "the first process has measured it"
    job.listener(found.note())
    return found


def _taught(inputs: Inputs, targets: torch.Tensor) -> tuple[Inputs, torch.Tensor]:
    """A batch that also says what is to be written of it."""
    return writer.taught(inputs, targets), targets


def _in_parts(num_rows: int, size: int) -> list[Indices]:
    """The numbers of rows, so many at a time."""
    return np.array_split(np.arange(num_rows), max(1, -(-num_rows // size)))
