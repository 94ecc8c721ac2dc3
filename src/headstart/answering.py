"""What a trained network says of items: of each as a whole, of every token in it, or of places in pictures.

Windows of a text are merged again; what is said of the tiles of a picture is left to the task.
"""

# N items, M rows of them, B rows of a batch, T tokens, C numbers in an answer

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import nn

from headstart import batches, kernels, launch, windows
from headstart.contracts import Encoded, Inputs, Per, Where
from headstart.device import device

if TYPE_CHECKING:
    from headstart.contracts import Indices

T = TypeVar("T")

TILES = 32
"""Tiles of pictures whose outputs are in memory together, unless a single picture has more."""


@dataclass(frozen=True)
class Answers:
    """The output, shape (N, C); by token one (T, C) for each item, and in `where` what each of its tokens covers.

    By place the output of an item is that of all its tiles, which is their first axis, and `where` has an array (8,) a
    tile; see `Inputs`.
    """

    output: Any
    where: Where | None = None


def of(trained: nn.Module, encoded: Encoded, per: Per, *, dtype: str = "float32") -> Answers:
    """The network's output for every item, fp32, on the CPU, in their order.

    Args:
        trained: Takes `Inputs`; left in evaluation mode.
        encoded: N items; by token they must have been prepared with `where`.
        per: What one output belongs to.
        dtype: "float32" is exact; "bfloat16" computes in that type.
    """
    if per == "row":
        return Answers(by_row(trained, encoded, dtype=dtype))
    if per == "place":
        parts = [found for _, found in by_place(trained, encoded, dtype=dtype)]
        places = [one for part in parts for one in part.where or ()]
        return Answers([one for part in parts for one in part.output], places)
    return merged(by_token(trained, encoded, dtype=dtype), encoded)


def some(
    trained: nn.Module, encoded: Encoded, per: Per, *, dtype: str = "float32"
) -> Iterator[tuple[Indices, Answers]]:
    """As `of`, with the numbers of the items: by place some of them at a time, so that memory bounds no folder."""
    if per == "place":
        yield from by_place(trained, encoded, dtype=dtype)
    else:
        found = of(trained, encoded, per, dtype=dtype)
        yield np.arange(len(found.output)), found


def merged(parts: Sequence[tuple[torch.Tensor, Any]], encoded: Encoded) -> Answers:
    """One answer for each item from those of its windows, from `by_token`."""
    return Answers(*windows.merged(parts, encoded))


def by_row(trained: nn.Module, encoded: Encoded, *, dtype: str = "float32") -> torch.Tensor:
    """The output for each item, shape (N, C); of one in several windows the mean of theirs."""
    return windows.mean(torch.stack(computed(trained, encoded, lambda output, _: list(output), dtype=dtype)), encoded)


def by_token(trained: nn.Module, encoded: Encoded, *, dtype: str = "float32") -> list[tuple[torch.Tensor, Any]]:
    """For each of M rows the output of its tokens, shape (T, C), and what each covers, shape (T, 2)."""

    def rows(output_BTC: torch.Tensor, inputs: Inputs) -> list[tuple[torch.Tensor, Any]]:
        assert inputs.where is not None, "rows answered by token were prepared with where"
        return [(row[: len(where)], where) for row, where in zip(output_BTC, inputs.where, strict=True)]

    return computed(trained, encoded, rows, dtype=dtype)


def by_place(trained: nn.Module, encoded: Encoded, *, dtype: str = "float32") -> Iterator[tuple[Indices, Answers]]:
    """Some items after the other, by their numbers, with the outputs of their tiles and what each of those covers."""

    def rows(output: torch.Tensor, inputs: Inputs) -> list[tuple[torch.Tensor, Any]]:
        assert inputs.where is not None, "pictures whose places matter are prepared with a frame"
        return list(zip(output, inputs.where, strict=True))

    computing = _ready(trained, dtype)
    of = windows.owners(encoded)
    for items in _together(np.bincount(of)):
        chosen = np.flatnonzero((of >= items[0]) & (of <= items[-1]))
        parts = _given(computing, batches.Some(encoded, chosen), dtype, rows)
        tiles = [[parts[row] for row in np.flatnonzero(of[chosen] == item)] for item in items]
        outputs = [torch.stack([output for output, _ in each]) for each in tiles]
        yield items, Answers(outputs, [np.stack([where for _, where in each]) for each in tiles])


def _together(num_tiles: Indices) -> Iterator[Indices]:
    """Runs of items that have up to `TILES` tiles together, or of one that has more."""
    start = 0
    while start < len(num_tiles):
        stop = start + max(1, int(np.searchsorted(np.cumsum(num_tiles[start:]), TILES, "right")))
        yield np.arange(start, min(stop, len(num_tiles)))
        start = stop


def computed(
    trained: nn.Module, encoded: Encoded, rows: Callable[[torch.Tensor, Inputs], list[T]], *, dtype: str = "float32"
) -> list[T]:
    """What `rows` makes of each batch of the output and its inputs, in the order of the M rows."""
    return _given(_ready(trained, dtype), encoded, dtype, rows)


def _ready(trained: nn.Module, dtype: str) -> nn.Module:
    """The network on fast kernels; as it is where each process has only its share of it."""
    trained.eval()
    return trained if launch.is_spread(trained) else kernels.tuned(trained.to(device()), dtype)


def _given(
    computing: nn.Module, encoded: Encoded, dtype: str, rows: Callable[[torch.Tensor, Inputs], list[T]]
) -> list[T]:
    """As `computed`, by a network that is ready."""
    groups = batches.by_length(encoded.lengths)

    def answer(group: Indices) -> list[T]:
        inputs = batches.placed(encoded.take(group), dtype)
        with torch.inference_mode():
            return rows(computing(inputs).float().cpu(), inputs)

    if launch.is_spread(computing):
        parts = _together_given(computing, encoded, groups, dtype, rows)
    else:
        parts = [part for found in batches.spread(answer, groups) for part in found]
    # rows went through in the order of their lengths; this puts them back
    return [parts[place] for place in np.argsort(np.concatenate(groups))] if parts else []


def _together_given(
    spread: nn.Module,
    encoded: Encoded,
    groups: Sequence[Indices],
    dtype: str,
    rows: Callable[[torch.Tensor, Inputs], list[T]],
) -> list[T]:
    """What `rows` makes of this process's batches, by a network that only runs when all processes run it."""
    found = []
    for number in range(max(launch.gathered(len(groups)))):
        # one that is through with its own batches takes part with its first
        inputs = batches.placed(encoded.take(groups[number % len(groups)]))
        with torch.no_grad(), torch.autocast(device(), dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
            output = spread(inputs).float().cpu()
        if number < len(groups):
            found += rows(output, inputs)
    return found
