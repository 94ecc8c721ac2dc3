"""The only training loop: shuffled batches, AdamW, warm-up and decay, a running average of the weights, early stopping.

It trains any module on anything that gives batches and targets; what moves was decided before it is called.
"""

# B rows, C classes

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from headstart import batches
from headstart.contracts import Encoded, Inputs
from headstart.device import device
from headstart.errors import HeadstartError
from headstart.progress import Advance, Listener, Measured, Note
from headstart.settings import FitSettings, Recipe
from headstart.train import step

if TYPE_CHECKING:
    from headstart.contracts import Indices

CLIP = 1.0
"""Largest norm of the gradient; a single odd batch cannot throw the weights further."""


@dataclass(frozen=True)
class Lesson:
    """What to learn from: batches of inputs, their targets, the loss of each row."""

    encoded: Encoded
    targets: Callable[[Indices], torch.Tensor]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Epoch:
    """What one pass over the rows came to."""

    epoch: int
    loss: float
    validation: Mapping[str, float]


def train(
    network: nn.Module,
    lesson: Lesson,
    *,
    groups: Sequence[Mapping[str, Any]],
    validate: Callable[[nn.Module], Mapping[str, float]],
    settings: FitSettings,
    recipe: Recipe,
    dtype: str,
    listener: Listener,
) -> list[Epoch]:
    """Trains the network in place and leaves it with the weights of its best epoch.

    Args:
        network: Takes `Inputs`, gives outputs with first axis B.
        lesson: What to learn from.
        groups: AdamW parameter groups with their learning rates.
        validate: Metrics of a network on rows held out; the first one is better when higher and decides.
        settings: Batch size, warm-up, averaging, seed.
        recipe: Epochs and patience.
        dtype: Arithmetic of the products, "float32" or "bfloat16".
        listener: Hears of progress.

    Returns:
        One entry an epoch.

    Raises:
        HeadstartError: The loss became infinite or not a number before any epoch was complete.
    """
    generator = np.random.default_rng(settings.seed)
    mover = _Mover.of(network, groups, settings, num_steps=recipe.epochs * _num_batches(lesson, settings.batch_size))
    average = mover.average.network
    history: list[Epoch] = []
    best: tuple[float, dict[str, torch.Tensor]] | None = None

    for epoch in range(1, recipe.epochs + 1):
        order = batches.shuffled(lesson.encoded.lengths, batch_size=settings.batch_size, generator=generator)
        loss = _epoch(network, lesson, order, mover, dtype=dtype, listener=listener)
        if not math.isfinite(loss):
            _not_finite(epoch, best is not None, listener)
            break
        validation = validate(average)
        history.append(Epoch(epoch, loss, dict(validation)))
        metric, value = next(iter(validation.items()))
        listener(Measured(metric, value, f"validation, epoch {epoch} of {recipe.epochs}, training loss {loss:.3f}"))
        if best is None or value > best[0]:
            best = (value, {name: tensor.clone() for name, tensor in average.state_dict().items()})
        elif epoch - _best_epoch(history, metric) >= recipe.patience:
            listener(Note(f"Stopped after epoch {epoch}: {metric} had not improved for {recipe.patience} epochs."))
            break
    assert best is not None, "the loop ends early only with an exception"
    network.load_state_dict(best[1])
    network.eval()
    return history


class Average:
    """A running average of a network's weights; it forgets faster at first, so that short runs are not held back.

    Args:
        network: Whose weights are averaged.
        keep: Share of the average that a step keeps; 0 makes the average the network itself.

    Source: Polyak and Juditsky 1992, in the exponential form with the warm-up (1 + t) / (10 + t).
    """

    def __init__(self, network: nn.Module, keep: float) -> None:
        self.network = copy.deepcopy(network) if keep else network
        self._source, self._keep, self._steps = network, keep, 0

    @torch.no_grad()
    def update(self) -> None:
        """Moves the average towards the network's present weights; counters are copied."""
        if not self._keep:
            return
        self._steps += 1
        keep = min(self._keep, (1 + self._steps) / (10 + self._steps))
        present = self._source.state_dict()
        for name, tensor in self.network.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(present[name], 1 - keep)
            else:
                tensor.copy_(present[name])


@dataclass(frozen=True)
class _Mover:
    """What turns gradients into new weights: the optimiser, its schedule, and the average that follows."""

    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LambdaLR
    average: Average
    num_steps: int

    @staticmethod
    def of(network: nn.Module, groups: Sequence[Mapping[str, Any]], settings: FitSettings, *, num_steps: int) -> _Mover:
        # the fused update spares a pass over the weights for every term of the formula
        optimizer = torch.optim.AdamW([dict(group) for group in groups], fused=device() != "mps")
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: _rate(done, num_steps, settings.warmup))
        return _Mover(optimizer, schedule, Average(network, settings.ema), num_steps)

    def move(self, network: nn.Module) -> int:
        """One step along the gradients the parameters hold; how many steps that makes."""
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.average.update()
        return int(self.schedule.last_epoch)


def _epoch(
    network: nn.Module, lesson: Lesson, order: Sequence[Indices], mover: _Mover, *, dtype: str, listener: Listener
) -> float:
    """One pass over the batches; the mean loss of a row, or nan as soon as a batch's loss is not finite."""
    network.train()
    total, rows, place = 0.0, 0, device()
    for batch in order:
        inputs, targets = batches.placed(lesson.encoded.take(batch)), lesson.targets(batch).to(place)
        loss = gradient(network, inputs, targets, lesson.loss, dtype=dtype)
        if not math.isfinite(loss):
            return math.nan
        done = mover.move(network)
        total, rows = total + loss * len(batch), rows + len(batch)
        listener(Advance("train", done, mover.num_steps, unit="steps", loss=total / rows))
    return total / rows


def gradient(
    network: nn.Module,
    inputs: Inputs,
    targets: torch.Tensor,
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    *,
    dtype: str,
) -> float:
    """Adds the gradient of a batch's mean loss to the parameters; gives that loss."""
    with step.arithmetic(dtype):
        output = network(inputs)
    loss = loss_of(output, targets).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


def _num_batches(lesson: Lesson, batch_size: int) -> int:
    """Batches in an epoch; every pool of rows may end in a smaller one."""
    whole, rest = divmod(len(lesson.encoded.lengths), batch_size * batches.POOL)
    return whole * batches.POOL + math.ceil(rest / batch_size)


def _rate(done: int, num_steps: int, warmup: float) -> float:
    """Factor on the learning rate: up in a line for the warm-up, then down in a line to zero."""
    rising = max(1.0, warmup * num_steps)
    return min((done + 1) / rising, max(0.0, (num_steps - done) / max(1.0, num_steps - rising)))


def _best_epoch(history: Sequence[Epoch], metric: str) -> int:
    return max(history, key=lambda epoch: (epoch.validation[metric], -epoch.epoch)).epoch


def _not_finite(epoch: int, has_best: bool, listener: Listener) -> None:
    """Says that training broke down; fatal only when there is no epoch to go back to."""
    if not has_best:
        raise HeadstartError(f"The training loss became infinite in epoch {epoch}. Lower --lr, or try float32.")
    listener(Note(f"The training loss became infinite in epoch {epoch}: stopped there and kept the best epoch."))
