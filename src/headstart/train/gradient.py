"""The gradient of a batch, in pieces where the whole does not fit, each process of a run doing its share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from headstart import batches, kernels, launch, memory, stack
from headstart.contracts import Inputs
from headstart.device import device
from headstart.train import step

if TYPE_CHECKING:
    from headstart.contracts import Indices


TOKENS = 2048
"""What goes through a processor at once, padding included. More leaves its caches before the way back: rows of 300
tokens then take up to 2.7 times as long (decision log)."""

FEWEST = 8
"""Rows that go through at once where a norm takes its statistics from them; the more, the steadier these are, but also
from parts of a batch they serve (Hoffer et al., NeurIPS 2017, "ghost" batches)."""


@dataclass(frozen=True)
class Lesson:
    """What to learn from and how that is judged.

    `lengths` is the cost of each row; `take(rows, epoch)` a batch with its targets, random views being the same
    whenever the same epoch asks for them; `loss(output, targets)` that of each row, shape (B,), summed over its
    targets; `validate(network)` its metrics on rows held out, of which the first decides and is better when higher,
    none where the last epoch is taken; `counted` how many targets each row has, shape (N,), None where each has one.
    """

    lengths: Indices
    take: Callable[[Indices, int], tuple[Inputs, torch.Tensor]]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    validate: Callable[[nn.Module], Mapping[str, float]]
    counted: Indices | None = None

    def num_targets(self, rows: Indices) -> float:
        """How many targets these rows have together, the divisor of their losses."""
        return float(len(rows) if self.counted is None else max(1, self.counted[rows].sum()))


def add(network: nn.Module, lesson: Lesson, batch: Indices, epoch: int, *, dtype: str, piece: int) -> float:
    """Adds the gradient of the batch's mean loss to the parameters.

    Args:
        network: Takes `Inputs`; joined to those of the other processes where there are any.
        lesson: What to learn from.
        batch: Rows of all processes together.
        epoch: From 1; random views depend on it.
        dtype: Arithmetic of the products.
        piece: Most rows of a process that are in memory at once; on a processor fewer may be.

    Returns:
        The share of this process in the mean loss; the shares of all add up to it.
    """
    mine = batch[launch.rank() :: launch.num_processes()]
    piece = rows_at_once(network, lesson, batch, piece)
    # as many passes as the first process needs, which has the most rows: every process must take part in every exchange
    starts = range(0, -(-len(batch) // launch.num_processes()), piece)
    total = torch.zeros(())
    for start in starts:
        # without a row of its own it adds nothing
        rows, weight = (mine[start : start + piece], 1.0) if start < len(mine) else (batch[:1], 0.0)
        with contextlib.nullcontext() if start == starts[-1] else _alone(network):
            # of one row it takes trying, and no process goes back alone
            with memory.guarded() if piece > 1 and len(mine) == len(batch) else contextlib.nullcontext():
                loss = weight * _loss(network, lesson, rows, epoch, dtype) / lesson.num_targets(batch)
            # the gradients are averaged over the processes, the losses added up
            (loss * launch.num_processes()).backward()  # type: ignore[no-untyped-call]
        total = total + loss.detach().cpu()
    return float(total)


def rows_at_once(network: nn.Module, lesson: Lesson, batch: Indices, piece: int) -> int:
    """How many rows of a process go through at once: all that may, and on a processor as many as it is fast with."""
    if device() != "cpu":
        return piece
    takes_statistics = any(norm.training for norm in stack.batch_norms(network))
    fast = max(TOKENS // int(lesson.lengths[batch].max()), FEWEST if takes_statistics else 1)
    rows = -(-len(batch) // launch.num_processes())
    passes = -(-rows // min(piece, fast))
    return -(-rows // passes)


def _loss(network: nn.Module, lesson: Lesson, rows: Indices, epoch: int, dtype: str) -> torch.Tensor:
    """The sum of the losses of these rows."""
    inputs, targets = lesson.take(rows, epoch)
    inputs = batches.placed(inputs)
    if not _is_narrow(network):
        inputs = batches.together(inputs)
    with step.arithmetic(dtype):
        output = network(inputs)
    return lesson.loss(output, targets.to(output.device)).sum()


def _is_narrow(network: nn.Module) -> bool:
    """Whether a convolution is learnt that takes every other pixel by itself, with so few channels that oneDNN writes
    past its memory where these lie side by side.

    Source: uxlfoundation/oneDNN, issue 6035.
    """
    return any(
        part.in_channels < kernels.LANES and max(part.kernel_size) == 1 < max(part.stride) and part.weight.requires_grad
        for part in network.modules()
        if isinstance(part, nn.Conv2d)
    )


def _alone(network: nn.Module) -> contextlib.AbstractContextManager[None]:
    """Puts off the exchange of gradients until the last piece; not where each process has room for its share alone."""
    put_off: Callable[[], contextlib.AbstractContextManager[None]] = getattr(network, "no_sync", contextlib.nullcontext)
    return put_off()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was no room; on a CPU torch has no class of its own for that."""
    is_known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return is_known or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
