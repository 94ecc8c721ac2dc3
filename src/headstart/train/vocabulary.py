"""Learning only those rows of an embedding that training looks up; no other gets a gradient, and each keeps its vector.

A model of many languages has most of its numbers there: what no row looks up takes no moments, no average, no step.
"""

# B rows, T tokens, D width, V tokens in the vocabulary, U of them in use

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart import launch, stack
from headstart.contracts import Encoded

WORTH = 0.75
"""Where more than this share is looked up, the whole embedding learns as it is."""
ROWS = 512
"""Rows whose tokens are looked at together."""


@contextlib.contextmanager
def lean(module: nn.Module, encoded: Encoded) -> Iterator[None]:
    """While the block lasts, the module's tokens learn as a table of those in use; afterwards all are in place again.

    Args:
        module: A task model; nothing is done where its embedding is frozen, is shared with another part, or is not one.
        encoded: The rows it learns from.
    """
    table = _table(module)
    used_U = None if table is None else _used(encoded)
    if table is None or used_U is None or len(used_U) > WORTH * table.num_embeddings:
        yield
        return
    whole_VD = table.weight
    where_V = _numbers(used_U, table.num_embeddings)
    padding = -1 if table.padding_idx is None else int(where_V[table.padding_idx])
    rest = _Rest(whole_VD.detach(), where_V.to(whole_VD.device), None if padding == -1 else padding)
    table.__class__, table.weight = Lean, nn.Parameter(rest.whole_VD[used_U])
    table.__dict__["rest"] = rest
    try:
        yield
    finally:
        rest.whole_VD[used_U] = table.weight.detach()
        table.__class__, table.weight = nn.Embedding, whole_VD
        for kept in ("rest", "room"):
            table.__dict__.pop(kept, None)


@dataclass(frozen=True)
class _Rest:
    """What does not learn: all vectors as they were, and the number of each token among those in use, or -1.

    `padding` is the number of the token that fills up, which gets no gradient; None where there is none in use.
    """

    whole_VD: torch.Tensor
    where_V: torch.Tensor
    padding: int | None

    def __deepcopy__(self, memo: Any) -> _Rest:
        """Itself, since copies of a network share what never changes."""
        return self


class Lean(nn.Embedding):
    """An embedding whose parameter has a row for each token in use; the vectors of all others stay what they were."""

    rest: _Rest

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """The vector of each token, shape (B, T, D)."""
        where_BT = self.rest.where_V[input]
        is_in_use = where_BT >= 0
        in_use = self._looked_up(where_BT.clamp(min=0))
        if bool(is_in_use.all()):
            return in_use
        others = nn.functional.embedding(input, self.rest.whole_VD).to(in_use.dtype)
        return torch.where(is_in_use[..., None], in_use, others)

    def _looked_up(self, where_BT: torch.Tensor) -> torch.Tensor:
        """The vectors that learn; a gradient that others wait for, or of a GPU, goes the usual way."""
        if not self.weight.requires_grad or self.weight.device.type != "cpu" or launch.num_processes() > 1:
            return nn.functional.embedding(where_BT, self.weight, self.rest.padding)
        found: torch.Tensor = _LookUp.apply(self.weight, where_BT, self)  # type: ignore[no-untyped-call]
        return found

    def add(self, where_N: torch.Tensor, gradient_ND: torch.Tensor) -> None:
        """Adds to the gradient of the weight what so many looked-up vectors have; the first in the room of the last."""
        if self.weight.grad is None:
            room: torch.Tensor | None = self.__dict__.get("room")
            self.weight.grad = torch.zeros_like(self.weight) if room is None else room.zero_()
            self.__dict__["room"] = self.weight.grad
        self.weight.grad.index_add_(0, where_N, gradient_ND.to(self.weight.dtype))
        if self.rest.padding is not None:
            self.weight.grad[self.rest.padding] = 0


class _LookUp(torch.autograd.Function):
    """An embedding whose gradient is written by the table itself, in room that it keeps.

    torch fills a gradient of the whole table with zeros for every batch, in memory that the system hands out anew.
    """

    @staticmethod
    def forward(ctx: Any, weight_UD: torch.Tensor, where_BT: torch.Tensor, table: Lean) -> torch.Tensor:
        ctx.table = table
        ctx.save_for_backward(where_BT)
        return nn.functional.embedding(where_BT, weight_UD)

    @staticmethod
    def backward(ctx: Any, gradient_BTD: torch.Tensor) -> tuple[None, None, None]:
        (where_BT,) = ctx.saved_tensors
        ctx.table.add(where_BT.flatten(), gradient_BTD.flatten(0, -2))
        return None, None, None


def _table(module: nn.Module) -> nn.Embedding | None:
    """torch's own embedding of the module's tokens, where it learns and belongs to nothing else."""
    base: Any = stack.base_of(module)
    try:
        found = base.get_input_embeddings()
    except (AttributeError, NotImplementedError):
        return None
    if type(found) is not nn.Embedding or not found.weight.requires_grad or found.max_norm is not None:
        return None
    owners = [part for part in module.modules() if any(one is found.weight for one in part._parameters.values())]
    return found if len(owners) == 1 else None


def _used(encoded: Encoded) -> torch.Tensor | None:
    """The tokens of all rows in order, padding included, shape (U,); None where rows are no tokens."""
    seen = []
    for rows in np.array_split(np.arange(len(encoded.lengths)), -(-len(encoded.lengths) // ROWS)):
        ids_BT = encoded.take(rows).tensors.get("input_ids")
        if ids_BT is None:
            return None
        seen.append(np.unique(ids_BT.numpy()))
    return torch.from_numpy(np.unique(np.concatenate(seen)))


def _numbers(used_U: torch.Tensor, size: int) -> torch.Tensor:
    where_V = torch.full((size,), -1)
    where_V[used_U] = torch.arange(len(used_U))
    return where_V
