"""What learning starts from and what it ends with; shared by learning a head and learning the whole network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from headstart import batches, launch, network, windows
from headstart.budget import Budget, budget
from headstart.contracts import Backbone, Encoded, Learned, Rows, Task
from headstart.cost import Meter
from headstart.progress import Listener
from headstart.settings import FitSettings, Recipe
from headstart.train import step, views, weighing
from headstart.train.checkpoint import Checkpoints
from headstart.train.gradient import Lesson

if TYPE_CHECKING:
    from headstart.contracts import Indices


@dataclass(frozen=True)
class Around:
    """What a training stands in: a folder for checkpoints or none, what measures the run, how many rows it scores, its
    share of the time that is left, and the epoch it pauses after.
    """

    kept: Path | None = None
    meter: Meter | None = None
    num_test: int = 0
    share: float = 1.0
    until: int | None = None

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

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return self.task.names(self.learned)

    def targets(self, batch: Indices) -> torch.Tensor:
        """The targets of some of the training rows."""
        return self.task.collate(self.train.take(batch), self.learned)

    @property
    def budget(self) -> Budget:
        """What the run may take at most."""
        return budget(self.settings.budget, self.settings.price_per_hour)

    @property
    def class_weights(self) -> weighing.Floats | None:
        """How heavily each class weighs in the loss; None where all weigh alike."""
        if self.settings.class_weights == "none":
            return None
        labels = [str(label) for label in self.train.column("label")]
        counts = np.array([labels.count(name) for name in self.names], dtype=np.int64)
        return weighing.weights(self.settings.class_weights, self.names, counts)

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
        return Lesson(rows.lengths, seen.take, loss, validate)

    def checkpoints(self, name: str) -> Checkpoints | None:
        """Where one of the run's trainings is saved."""
        return None if self.around.kept is None else Checkpoints(self.around.kept / name)

    def encoded(self, rows: Rows) -> Encoded:
        """Rows as the model reads them."""
        return self.backbone.prepare(
            self.task.items(rows), max_length=self.settings.max_length, long=self.settings.long
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


def validation(job: Job, encoded: Encoded, dtype: str) -> Callable[[nn.Module], dict[str, float]]:
    """The task's primary metric on the validation rows, and their loss."""
    rows = job.validation
    assert rows is not None, "asked for only with a validation split"

    def validate(trained: nn.Module) -> dict[str, float]:
        output = _answers(trained, encoded, dtype)
        metrics = job.task.metrics(job.task.decode(output, job.learned), rows, job.learned)["metrics"]
        loss = float(job.task.loss(output, job.task.collate(rows, job.learned)).mean())
        return {job.task.primary: metrics[job.task.primary]["value"], "loss": loss}

    return validate


def _answers(trained: nn.Module, encoded: Encoded, dtype: str) -> torch.Tensor:
    """The network's output for every item, each process of the run having computed its share of the rows."""
    if len(encoded.lengths) < launch.num_processes():
        return network.answers(trained, encoded, dtype=dtype)
    shares = [np.arange(first, len(encoded.lengths), launch.num_processes()) for first in range(launch.num_processes())]
    mine = batches.Some(encoded, shares[launch.rank()])
    parts = launch.gathered(network.answers(trained, mine, dtype=dtype))
    return windows.mean(torch.cat(parts)[torch.as_tensor(np.argsort(np.concatenate(shares)))], encoded)
