"""What a trained network says of items, whether of each as a whole or of every token in it, windows merged again."""

# N items, M rows of them, B rows of a batch, T tokens, C numbers in an answer

from __future__ import annotations

from collections.abc import Callable, Sequence
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


@dataclass(frozen=True)
class Answers:
    """The output, shape (N, C); by token one (T, C) for each item, and in `where` what each of its tokens covers."""

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
    return merged(by_token(trained, encoded, dtype=dtype), encoded)


def merged(parts: Sequence[tuple[torch.Tensor, Any]], encoded: Encoded) -> Answers:
    """One answer for each item from those of its windows, from `by_token`."""
    return Answers(*windows.merged(parts, encoded))


def by_row(trained: nn.Module, encoded: Encoded, *, dtype: str = "float32") -> torch.Tensor:
    """The output for each item, shape (N, C); of one in several windows the mean of theirs."""
    return windows.mean(torch.stack(_computed(trained, encoded, dtype, lambda output, _: list(output))), encoded)


def by_token(trained: nn.Module, encoded: Encoded, *, dtype: str = "float32") -> list[tuple[torch.Tensor, Any]]:
    """For each of M rows the output of its tokens, shape (T, C), and what each covers, shape (T, 2)."""

    def rows(output_BTC: torch.Tensor, inputs: Inputs) -> list[tuple[torch.Tensor, Any]]:
        assert inputs.where is not None, "rows answered by token were prepared with where"
        return [(row[: len(where)], where) for row, where in zip(output_BTC, inputs.where, strict=True)]

    return _computed(trained, encoded, dtype, rows)


def _computed(
    trained: nn.Module, encoded: Encoded, dtype: str, rows: Callable[[torch.Tensor, Inputs], list[T]]
) -> list[T]:
    """What `rows` makes of each batch of the output, in the order of the M rows."""
    groups = batches.by_length(encoded.lengths)
    if launch.is_spread(trained):
        parts = _computed_together(trained, encoded, groups, dtype, rows)
    else:
        computing = kernels.tuned(trained.eval().to(device()), dtype)

        def answer(group: Indices) -> list[T]:
            inputs = batches.placed(encoded.take(group), dtype)
            with torch.inference_mode():
                return rows(computing(inputs).float().cpu(), inputs)

        parts = [part for found in batches.spread(answer, groups) for part in found]
    # rows went through in the order of their lengths; this puts them back
    return [parts[place] for place in np.argsort(np.concatenate(groups))] if parts else []


def _computed_together(
    trained: nn.Module,
    encoded: Encoded,
    groups: Sequence[Indices],
    dtype: str,
    rows: Callable[[torch.Tensor, Inputs], list[T]],
) -> list[T]:
    """What `rows` makes of this process's batches, by a network that only runs when all processes run it."""
    trained.eval()
    found = []
    for number in range(max(launch.gathered(len(groups)))):
        # one that is through with its own batches takes part with its first
        inputs = batches.placed(encoded.take(groups[number % len(groups)]))
        with torch.no_grad(), torch.autocast(device(), dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
            output = trained(inputs).float().cpu()
        if number < len(groups):
            found += rows(output, inputs)
    return found
