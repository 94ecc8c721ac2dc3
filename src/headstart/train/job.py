"""What learning starts from and what it ends with; shared by learning a head and learning the whole network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from headstart import network
from headstart.contracts import Backbone, Encoded, Learned, Rows, Task
from headstart.progress import Listener
from headstart.settings import FitSettings, Recipe
from headstart.train import step

if TYPE_CHECKING:
    from headstart.contracts import Indices


@dataclass(frozen=True)
class Job:
    """All that learning needs: the task with what it learnt, the model, the rows encoded, the settings."""

    task: Task
    learned: Learned
    backbone: Backbone
    train: Rows
    validation: Rows | None
    settings: FitSettings
    recipe: Recipe
    listener: Listener

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return self.task.names(self.learned)

    def targets(self, batch: Indices) -> torch.Tensor:
        """The targets of some of the training rows."""
        return self.task.collate(self.train.take(batch), self.learned)

    def encoded(self, rows: Rows) -> Encoded:
        """Rows as the model reads them."""
        return self.backbone.prepare(self.task.items(rows), max_length=self.settings.max_length)


@dataclass(frozen=True)
class Learnt:
    """A trained network and how it came about.

    `precision` is the arithmetic, `reading` what the head reads, `truncated` how many texts were cut, `recipe` what the
    loop trained with where it was used, `history` has one entry for each epoch or trial.
    """

    network: nn.Module
    precision: step.Precision
    reading: str
    truncated: int
    recipe: Recipe | None = None
    history: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    num_trained: int | None = None
    """How many numbers were trained, where it takes the network before it was settled to tell."""


def precision(job: Job, name: str, work: Callable[[str], None]) -> step.Precision:
    """The arithmetic of the run, said; a measurement is kept for the same work of the same model on this machine."""
    found = step.precision(job.settings.precision, work, known=(job.backbone.digest(), name))
    job.listener(found.note())
    return found


def validation(job: Job, encoded: Encoded, dtype: str) -> Callable[[nn.Module], dict[str, float]]:
    """The task's primary metric on the validation rows, and their loss."""
    rows = job.validation
    assert rows is not None, "asked for only with a validation split"

    def validate(trained: nn.Module) -> dict[str, float]:
        output = network.answers(trained, encoded, dtype=dtype)
        metrics = job.task.metrics(job.task.decode(output, job.learned), rows, job.learned)["metrics"]
        loss = float(job.task.loss(output, job.task.collate(rows, job.learned)).mean())
        return {job.task.primary: metrics[job.task.primary]["value"], "loss": loss}

    return validate
