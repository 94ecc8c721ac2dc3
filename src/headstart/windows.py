"""Rows of which several belong to one item: the windows that a long text was split into, and how they become one again.

How a text is split is its source's business; here it is known which row is whose, and what was lost is told.
"""

# M rows, N items

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from headstart.contracts import Encoded, Inputs

if TYPE_CHECKING:
    import torch

    from headstart.contracts import Indices

Values = TypeVar("Values", "np.ndarray[Any, Any]", "torch.Tensor")


@dataclass(frozen=True)
class Windows:
    """Encoded rows and the item of each, shape (M,), which only rises: the windows of an item stand side by side."""

    encoded: Encoded
    owners: Indices

    @property
    def lengths(self) -> Indices:
        """Of each window, shape (M,)."""
        return self.encoded.lengths

    @property
    def truncated(self) -> int:
        """As of the rows."""
        return self.encoded.truncated

    @property
    def lost(self) -> int:
        """As of the rows."""
        return self.encoded.lost

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """A batch of windows."""
        return self.encoded.take(indices)


def owners(encoded: Encoded) -> Indices:
    """The item of each row, shape (M,); where nothing was split, every row is its own."""
    return encoded.owners if isinstance(encoded, Windows) else np.arange(len(encoded.lengths))


def over(rows: Encoded, like: Encoded) -> Encoded:
    """The same rows in another form, with the same owners."""
    return dataclasses.replace(like, encoded=rows) if isinstance(like, Windows) else rows


def keys(item_keys: Sequence[str], encoded: Encoded) -> list[str]:
    """A key for each row from one for each item: that of the item, and which of its windows it is.

    Args:
        item_keys: N keys.
        encoded: Their M rows.
    """
    of = owners(encoded)
    firsts = np.searchsorted(of, of)
    numbers = np.arange(len(of)) - firsts
    return [f"{item_keys[item]}-{n}" if n else item_keys[item] for item, n in zip(of, numbers.tolist(), strict=True)]


def mean(values: Values, encoded: Encoded) -> Values:
    """One row for each item: the mean over its windows, each counting alike.

    Args:
        values: Shape (M, ...), on the CPU.
        encoded: The M rows that they are of.

    Returns:
        Shape (N, ...); the values themselves where nothing was split.
    """
    of = owners(encoded)
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    if len(starts) == len(of):
        return values
    if not isinstance(values, np.ndarray):
        import torch

        return torch.from_numpy(mean(values.numpy(), encoded))
    counts = np.diff(starts, append=len(of)).astype(values.dtype)
    means: np.ndarray[Any, Any] = np.add.reduceat(values, starts, axis=0)
    means /= counts.reshape(-1, *[1] * (values.ndim - 1))
    return means


def told(encoded: Encoded) -> dict[str, int]:
    """What became of items longer than the model reads: how many lost some of it, how much, how many were split."""
    of = owners(encoded)
    split = int((np.unique(of, return_counts=True)[1] > 1).sum())
    return {"truncated": encoded.truncated, "tokens_lost": encoded.lost, "split": split, "rows": len(of)}
