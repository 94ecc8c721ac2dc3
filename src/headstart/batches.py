"""Which rows go together into a batch, and how batches are spread over the cores when nothing is learnt from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from headstart.contracts import Encoded, Inputs
from headstart.device import cores, device

if TYPE_CHECKING:
    from headstart.contracts import Indices

T = TypeVar("T")

TOKENS = 4096
"""Tokens in a batch when nothing is learnt: the largest of 512 to 8,192 tried that still gained speed."""
WASTE = 1.05
"""The longest row of a batch may be this much longer than the shortest; closer costs speed in small batches."""
POOL = 50
"""Batches whose rows are sorted together while learning: enough to save the padding, few enough to stay random."""


@dataclass(frozen=True)
class Some:
    """Some of the rows of an encoded whole."""

    encoded: Encoded
    rows: Indices

    @property
    def lengths(self) -> Indices:
        """Theirs."""
        return self.encoded.lengths[self.rows]

    @property
    def truncated(self) -> int:
        """As of the whole."""
        return self.encoded.truncated

    @property
    def lost(self) -> int:
        """As of the whole."""
        return self.encoded.lost

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """A batch of them, counted among themselves."""
        return self.encoded.take(self.rows[np.asarray(indices)])


def by_length(lengths: Indices, *, tokens: int = TOKENS) -> list[Indices]:
    """All rows in batches of nearly equal length, so that almost nothing is padding.

    Args:
        lengths: Cost of each row in tokens, shape (N,).
        tokens: Most tokens in a batch, padding included; a longer row stands alone.

    Returns:
        Row indices of each batch, shortest rows first; every row occurs once.
    """
    order = np.argsort(lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        rows = max(1, tokens // max(1, int(lengths[order[start]] * WASTE)))
        window = lengths[order[start : start + rows]]
        stop = start + int(np.searchsorted(window, window[0] * WASTE, "right"))
        batches.append(order[start:stop])
        start = stop
    return batches


def shuffled(lengths: Indices, *, batch_size: int, generator: np.random.Generator) -> list[Indices]:
    """All rows in random batches whose rows are of similar length: one epoch.

    Args:
        lengths: Cost of each row, shape (N,).
        batch_size: Rows in a batch; the last of a pool may have fewer.
        generator: Where the order comes from.
    """
    order = generator.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), batch_size * POOL):
        pool = order[start : start + batch_size * POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    generator.shuffle(batches)
    return batches


def num_shuffled(num_rows: int, *, batch_size: int) -> int:
    """How many batches `shuffled` makes of so many rows; every pool of rows may end in a smaller one."""
    whole, rest = divmod(num_rows, batch_size * POOL)
    return whole * POOL + -(-rest // batch_size)


def placed(inputs: Inputs, dtype: str = "float32") -> Inputs:
    """The batch on the device, its real numbers of this type; token ids stay integers."""
    import torch

    place, kind = device(), getattr(torch, dtype)
    moved = {name: tensor.to(place) for name, tensor in inputs.tensors.items()}
    tensors = {name: tensor.to(kind) if tensor.is_floating_point() else tensor for name, tensor in moved.items()}
    return Inputs(tensors, inputs.where)


def together(inputs: Inputs) -> Inputs:
    """The same with the channels of pictures side by side: convolutions learn faster so, and hand that layout on.

    Sums come out in another order. So it is not for answers, which are those of the model's own code to the bit.
    """
    import torch

    tensors = {
        name: tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
        for name, tensor in inputs.tensors.items()
    }
    return Inputs(tensors, inputs.where)


def spread(function: Callable[[Indices], T], batches: Sequence[Indices]) -> Iterator[T]:
    """What the function gives for each batch, in order; on a CPU one batch runs on each core.

    One thread per batch beats all threads on one batch: they need not wait for each other after every operation, and
    the result does not depend on how many cores there are.
    """
    import torch

    before = torch.get_num_threads()
    workers = min(before, len(batches), cores())
    if workers < 2 or device() != "cpu":
        yield from map(function, batches)
        return
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(function, batches)
    finally:
        torch.set_num_threads(before)
