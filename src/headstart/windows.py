"""Rows of which several belong to one item: the windows that a long text was split into, and how they become one again.

How a text is split is its source's business; here it is known which row is whose, and what was lost is told.
"""

# M rows, N items, T tokens

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
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

    def changed(self, change: Any) -> Windows:
        """The same rows, their pictures changed before they are read."""
        return dataclasses.replace(self, encoded=self.encoded.changed(change))  # type: ignore[attr-defined]


def owners(encoded: Encoded) -> Indices:
    """The item of each row, shape (M,); where nothing was split, every row is its own."""
    return encoded.owners if isinstance(encoded, Windows) else np.arange(len(encoded.lengths))


def whole(encoded: Encoded) -> Encoded:
    """The rows themselves, whosever they are."""
    return encoded.encoded if isinstance(encoded, Windows) else encoded


def covered(encoded: Encoded, rows: Indices) -> Any:
    """What the tokens of some rows cover, or inputs that are files, of which none is opened for it."""
    if isinstance(encoded, Windows) and hasattr(encoded.encoded, "covered"):
        return encoded.encoded.covered(rows)
    return encoded.take(rows).where


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


def merged(parts: Sequence[tuple[Values, Any]], encoded: Encoded) -> tuple[list[Values], list[Any]]:
    """Values by token for each item, of overlapping windows every token once, and none of tokens that cover nothing.

    Two windows that overlap are parted in the middle of what both cover, so that each token is taken from where it has
    more of its surroundings.

    Args:
        parts: Of each of M rows values, shape (T, ...), and the characters or seconds its tokens cover, shape (T, 2).
        encoded: The M rows.

    Returns:
        The same of each of N items.
    """
    of = owners(encoded)
    items = np.split(np.arange(len(of)), np.flatnonzero(np.diff(of)) + 1) if len(of) else []
    kept = [[_covering(*parts[row]) for row in rows] for rows in items]
    joined = [_joined(several) for several in kept]
    return [values for values, _ in joined], [where for _, where in joined]


def _covering(values: Values, where_T2: Any) -> tuple[Values, Any]:
    is_real = where_T2[:, 1] > where_T2[:, 0]
    return values[is_real.nonzero()[0]], where_T2[is_real]


def _joined(several: list[tuple[Values, Any]]) -> tuple[Values, Any]:
    several = [part for part in several if len(part[1])] or several[:1]
    if len(several) == 1:
        return several[0]
    cuts: list[float] = [(before[-1, 1] + after[0, 0]) / 2 for (_, before), (_, after) in pairwise(several)]
    chosen = []
    for (values, where_T2), low, high in zip(several, [-np.inf, *cuts], [*cuts, np.inf], strict=True):
        is_mine = (where_T2[:, 0] >= low) & (where_T2[:, 0] < high)
        chosen.append((values[is_mine.nonzero()[0]], where_T2[is_mine]))
    return _end_to_end([values for values, _ in chosen]), np.concatenate([where for _, where in chosen])


def _end_to_end(arrays: list[Values]) -> Values:
    if isinstance(arrays[0], np.ndarray):
        return np.concatenate(arrays)
    import torch

    return torch.cat(arrays)


def told(encoded: Encoded) -> dict[str, int]:
    """What became of items longer than the model reads: how many lost some of it, how much, how many were split."""
    of = owners(encoded)
    split = int((np.unique(of, return_counts=True)[1] > 1).sum())
    return {"truncated": encoded.truncated, "tokens_lost": encoded.lost, "split": split, "rows": len(of)}
