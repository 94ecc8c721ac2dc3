"""The only training loop: shuffled batches, AdamW, a schedule, a running average, early stopping, checkpoints.

It trains any module on anything that gives batches and targets; what moves was decided before it is called. Everything
random in a step follows from the seed and the number of the step, so a run that goes on needs no memory of dice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from headstart import batches, launch
from headstart.errors import HeadstartError, Stopped
from headstart.progress import Advance, Listener, Measured, Note
from headstart.settings import FitSettings, Recipe
from headstart.train import gradient, interrupt, shard
from headstart.train.average import soup
from headstart.train.checkpoint import Checkpoints
from headstart.train.gradient import Lesson
from headstart.train.learner import Epoch, Learner

if TYPE_CHECKING:
    from headstart.contracts import Indices

SAVED_SECONDS = 300.0
"""Time between checkpoints where the user does not say."""


@dataclass(frozen=True)
class Plan:
    """How to go about it.

    `groups(network)` gives AdamW's parameter groups with their peak learning rates; `dtype` is the arithmetic of the
    products; `piece` how many rows fit into memory at once; `num_steps` a smaller number of steps than the recipe's
    epochs make; `seconds` a time after which no step is begun; `checkpoints` where to save, and to go on from; `until`
    an epoch to pause after, the schedule being that of the whole run; `shard` whether the network is spread over the
    processes; `by_heart` a mean loss, of which two epochs end the run.
    """

    groups: Callable[[nn.Module], Sequence[Mapping[str, Any]]]
    settings: FitSettings
    recipe: Recipe
    dtype: str
    piece: int | None = None
    num_steps: int | None = None
    seconds: float = math.inf
    checkpoints: Checkpoints | None = None
    until: int | None = None
    shard: bool = False
    by_heart: float = 0.0


def train(network: nn.Module, lesson: Lesson, plan: Plan, listener: Listener) -> list[Epoch]:
    """Trains the network in place and leaves it with the weights of its best epoch, or the mean of its best ones.

    Args:
        network: Takes `Inputs`, gives outputs with first axis B.
        lesson: What to learn from.
        plan: How to go about it.
        listener: Hears of progress.

    Returns:
        One entry an epoch.

    Raises:
        HeadstartError: The loss became infinite or not a number before any epoch was complete.
        Stopped: The user asked for it; everything is saved.
    """
    with shard.learning(network, is_wanted=plan.shard) as (learns, twin):
        history = _train(learns, twin, lesson, plan, listener)
    network.eval()
    return history


def _train(network: nn.Module, twin: nn.Module | None, lesson: Lesson, plan: Plan, listener: Listener) -> list[Epoch]:
    """The course of it, for a network that may be spread; `twin` is a copy for its average."""
    settings = plan.settings
    piece = plan.piece or settings.micro_batch or settings.batch_size
    learner = Learner(network, plan.groups(network), settings, piece=piece, twin=twin)
    if plan.checkpoints is not None and learner.restore(plan.checkpoints):
        listener(Note(f"Went on from step {learner.step}, saved in epoch {learner.epoch}."))
    course = _Course(learner, lesson, plan, listener, launch.joined(network), time.monotonic())
    with interrupt.noted() as is_asked_to_stop, own_dice():
        while not learner.is_done and (plan.until is None or learner.epoch <= plan.until):
            course.epoch(is_asked_to_stop)
    _finish(learner, lesson, listener)
    return learner.history


def num_steps(lengths: Indices, settings: FitSettings, recipe: Recipe) -> int:
    """Steps of a whole run."""
    return recipe.epochs * batches.num_shuffled(len(lengths), batch_size=settings.batch_size)


def one_epoch(recipe: Recipe) -> Recipe:
    """The same recipe for one pass over the rows."""
    return replace(recipe, epochs=1)


@dataclass
class _Course:
    """A run of the loop: what it moves, what it learns from, and when it last saved."""

    learner: Learner
    lesson: Lesson
    plan: Plan
    listener: Listener
    joined: nn.Module
    start: float
    saved: float = 0.0

    def __post_init__(self) -> None:
        """Steps of the whole run; where time is limited, looked at anew after each step."""
        self.most = num_steps(self.lesson.lengths, self.plan.settings, self.plan.recipe)
        self.num_steps = self.most if self.plan.num_steps is None else min(self.most, self.plan.num_steps)
        self.first = self.learner.step

    def _look_ahead(self) -> None:
        """With a limit of time, as many steps as it leaves at the pace until now, so that the rate falls to its end."""
        if math.isinf(self.plan.seconds):
            return
        gone, step = time.monotonic() - self.start, self.learner.step
        left = (self.plan.seconds - gone) * (step - self.first) / gone
        self.num_steps = launch.from_first(min(self.most, max(step + 1, step + int(left))))

    def epoch(self, is_asked_to_stop: Callable[[], bool]) -> None:
        """What is left of an epoch's batches, and its validation."""
        learner, settings = self.learner, self.plan.settings
        order = batches.shuffled(
            self.lesson.lengths,
            batch_size=settings.batch_size,
            generator=np.random.default_rng([settings.seed, learner.epoch]),
        )
        learner.network.train()
        is_late = 0.0
        for batch in order[learner.batch :]:
            found = self._gradient(batch), is_asked_to_stop(), self._is_late(), self._is_time_to_save()
            loss, stops, is_late, is_to_save = launch.total(found)
            if not math.isfinite(loss):
                self._breaks_down(batch)
                return
            if launch.is_spread(learner.network):
                shard.agree(learner.network)
            learner.move(loss, self.lesson.num_targets(batch), num_steps=self.num_steps)
            mean = learner.loss / learner.rows
            self.listener(Advance("train", learner.step, self.num_steps, unit="steps", loss=mean))
            if stops:
                self._stop()
            if is_late or learner.step >= self.num_steps:
                break
            self._look_ahead()
            if is_to_save:
                self._save()
        self._validate(is_last=learner.step >= self.num_steps or bool(is_late))

    def _gradient(self, batch: Indices) -> float:
        """Adds the gradient of a batch; when memory runs out, in halves of what was tried."""
        learner, settings = self.learner, self.plan.settings
        while True:
            _throw_again(_seed(settings.seed, learner.step))
            try:
                return gradient.add(
                    self.joined, self.lesson, batch, learner.epoch, dtype=self.plan.dtype, piece=learner.piece
                )
            except (RuntimeError, MemoryError) as error:
                # processes that share a run cannot take a step back one by one
                if not gradient.is_out_of_memory(error) or learner.piece == 1 or launch.num_processes() > 1:
                    raise
            # not above: there the error still holds what the failed pass had in memory
            learner.halve(gradient.rows_at_once(self.joined, self.lesson, batch, learner.piece))
            self.listener(
                Note(
                    f"Memory ran out at step {learner.step + 1}: batches of {len(batch)} rows "
                    f"now go through {learner.piece} at a time; the batch size stays."
                )
            )

    def _validate(self, *, is_last: bool) -> None:
        """Judges the epoch, remembers it, and ends the run when it is time."""
        learner, recipe = self.learner, self.plan.recipe
        found = launch.from_first(dict(self.lesson.validate(learner.average.network)))
        if found:
            loss = f"training loss {learner.loss / learner.rows:.3f}"
            detail = f"validation, epoch {learner.epoch} of {recipe.epochs}, {loss}"
            self.listener(Measured(*next(iter(found.items())), detail))
        learner.judged(found, keep=max(1, self.plan.settings.soup))
        epochs_since = learner.epoch - learner.best[0].epoch
        if not is_last and epochs_since >= recipe.patience:
            said = f"{next(iter(found))} had not improved for {recipe.patience} epochs"
            self.listener(Note(f"Stopped after epoch {learner.epoch}: {said}."))
            is_last = True
        if not is_last and max(epoch.loss for epoch in learner.history[-2:]) < self.plan.by_heart:
            self.listener(Note(f"Stopped after epoch {learner.epoch}: the training rows are learnt by heart."))
            is_last = True
        learner.next_epoch(is_done=is_last)
        self._save()

    def _breaks_down(self, batch: Indices) -> None:
        """Says where the loss ceased to be a number; fatal only when there is no epoch to go back to."""
        learner = self.learner
        rows = ", ".join(str(row + 1) for row in sorted(batch.tolist())[:8])
        where = f"epoch {learner.epoch}, step {learner.step + 1}, among training rows {rows}"
        if not learner.best:
            raise HeadstartError(f"The training loss became infinite in {where}. Lower --lr, or try float32.")
        self.listener(Note(f"The training loss became infinite in {where}: stopped there and kept the best epoch."))
        learner.is_done = True

    def _is_late(self) -> bool:
        return time.monotonic() - self.start > self.plan.seconds

    def _is_time_to_save(self) -> bool:
        """Whether to save after the step at hand."""
        every = self.plan.settings.checkpoint_steps
        if every is not None:
            return (self.learner.step + 1) % every == 0
        return time.monotonic() - max(self.saved, self.start) > SAVED_SECONDS

    def _save(self) -> None:
        if self.plan.checkpoints is not None:
            self.learner.save(self.plan.checkpoints, dtype=self.plan.dtype, num_steps=self.num_steps)
        self.saved = time.monotonic()

    def _stop(self) -> None:
        self._save()
        raise Stopped(f"Stopped as asked at step {self.learner.step} of {self.num_steps}; what was learnt is saved.")


def _finish(learner: Learner, lesson: Lesson, listener: Listener) -> None:
    """Leaves the network with the best weights it had, or with the mean of several where that is no worse."""
    states = [best.tensors for best in learner.best]
    if len(states) == 1:
        learner.settle(states[0])
        return

    def measure(network: nn.Module) -> float:
        return launch.from_first(next(iter(lesson.validate(network).values()), 0.0))

    chosen = soup(learner.network, states, measure)
    epochs = ", ".join(str(learner.best[number].epoch) for number in chosen)
    listener(Note(f"The weights are the mean of those after the epochs {epochs}, of {len(states)} tried."))
    learner.network.eval()


@contextmanager
def own_dice() -> Iterator[None]:
    """Leaves NumPy's dice, which belong to the whole process, as they lay."""
    before = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(before)


def _throw_again(seed: int) -> None:
    """Everything random from here on follows from this seed."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)


def _seed(seed: int, step: int) -> int:
    """A seed for one step in one process."""
    return int(np.random.SeedSequence([seed, step, launch.rank()]).generate_state(1, np.uint64)[0] >> 1)
