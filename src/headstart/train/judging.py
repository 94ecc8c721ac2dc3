"""A network judged on the validation rows: the task's metrics of what it answers, and the loss of the same rows."""

# B rows

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from headstart import answering, batches, launch, windows, writer
from headstart.answering import Answers
from headstart.contracts import Encoded, Inputs, Rows
from headstart.train.job import Job

if TYPE_CHECKING:
    from headstart.contracts import Indices


def validation(job: Job, encoded: Encoded, dtype: str) -> Callable[[nn.Module], dict[str, float]]:
    """The task's primary metric on the validation rows, and their loss; nothing where the last epoch is taken."""
    rows = job.validation
    if rows is None or job.takes_last:
        return lambda _: {}

    items = job.task.items(rows)

    def validate(trained: nn.Module) -> dict[str, float]:
        answers: list[Any] = []
        total, num = 0.0, 0
        for numbers, found in _answers(job, trained, encoded, dtype):
            answers += job.task.decode(found.output, job.learned, [items[n] for n in numbers], found.where)
            losses = (0.0, 0) if job.writing is not None else _loss(job, rows.take(numbers), found)
            total, num = total + losses[0], num + losses[1]
        if job.writing is not None:
            total, num = _loss_of_taught(job, trained, rows, encoded, dtype)
        metrics = job.task.metrics(answers, rows, job.learned)["metrics"]
        return {job.task.primary: metrics[job.task.primary]["value"], "loss": total / max(1, num)}

    return validate


def _loss(job: Job, rows: Rows, found: Answers) -> tuple[float, int]:
    """The sum over the targets of rows that were answered, and how many there are."""
    if found.where is None:
        output, targets = found.output, job.task.collate(rows, job.learned)
        return float(job.task.loss(output, targets).sum()), int(job.task.counted(targets).sum())
    total, num = 0.0, 0
    for row, (outputs, places) in enumerate(zip(found.output, found.where, strict=True)):
        # a text is one row again, a picture has its tiles
        for output, where in zip(outputs, places, strict=True) if job.is_by_place else [(outputs, places)]:
            targets = job.task.collate(rows.take([row]), job.learned, [where])
            total += float(job.task.loss(output[None], targets))
            num += int(job.task.counted(targets))
    return total, num


@dataclass(frozen=True)
class _Taught:
    """Rows that also say what is to be written of them, so that the network answers with the chances of that."""

    encoded: Encoded
    targets: Callable[[Indices], torch.Tensor]

    @property
    def lengths(self) -> Indices:
        return self.encoded.lengths

    @property
    def truncated(self) -> int:
        return self.encoded.truncated

    @property
    def lost(self) -> int:
        return self.encoded.lost

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        return writer.taught(self.encoded.take(indices), self.targets(np.asarray(indices)))


def _loss_of_taught(job: Job, trained: nn.Module, rows: Rows, encoded: Encoded, dtype: str) -> tuple[float, int]:
    """As `_loss`, of a network that writes: of what is said in rows that it reads at once, token by token."""
    of = windows.owners(encoded)
    alone = np.flatnonzero(np.bincount(of)[of] == 1)

    def targets(some: Indices) -> torch.Tensor:
        return job.task.collate(rows.take(of[alone[some]]), job.learned)

    def losses(output: torch.Tensor, inputs: Inputs) -> list[tuple[float, int]]:
        taught = inputs.tensors[writer.TAUGHT].cpu()
        each, counts = job.task.loss(output, taught), job.task.counted(taught)
        return list(zip(each.tolist(), counts.tolist(), strict=True))

    found = answering.computed(trained, _Taught(batches.Some(encoded, alone), targets), losses, dtype=dtype)
    return sum(loss for loss, _ in found), sum(count for _, count in found)


def _answers(job: Job, trained: nn.Module, encoded: Encoded, dtype: str) -> Iterator[tuple[Indices, Answers]]:
    """The network's output for all items, by their numbers; each process of the run computes its share of the rows.

    Of pictures every process computes all, some at a time, for the outputs of all would be too many to send.
    """
    if job.is_by_place or len(encoded.lengths) < launch.num_processes():
        yield from answering.some(trained, encoded, job.task.per, dtype=dtype)
        return
    found = _shared(job, trained, encoded, dtype)
    yield np.arange(len(found.output)), found


def _shared(job: Job, trained: nn.Module, encoded: Encoded, dtype: str) -> Answers:
    """The output for every item, from all processes."""
    shares = [np.arange(first, len(encoded.lengths), launch.num_processes()) for first in range(launch.num_processes())]
    mine = batches.Some(encoded, shares[launch.rank()])
    order = np.argsort(np.concatenate(shares))
    if job.is_by_token:
        found = [part for some in launch.gathered(answering.by_token(trained, mine, dtype=dtype)) for part in some]
        return answering.merged([found[place] for place in order], encoded)
    parts = launch.gathered(answering.by_row(trained, mine, dtype=dtype))
    return Answers(windows.mean(torch.cat(parts)[torch.as_tensor(order)], encoded))
