"""What an encoding holds, and how the parts of one are put together. Nothing here runs a model."""

# N items, T tokens, D width, H and W of a map

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

    from headstart.contracts import Indices, Inputs

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Encoding:
    """What a model says of N items, in their order.

    Attributes:
        layers: Which hidden states these are; 0 is the stem's output, the last one the model's own.
        means: For each layer the average over an item's real tokens, frames or map, shape (N, D).
        cls: The state of the first token of the highest layer, where it stands for the whole item, shape (N, D).
        states: For each layer every token's state, shape (N, T, D), or the map, shape (N, D, H, W); empty unless asked.
        mask: 1 where a token or frame is real, shape (N, T); None for images.
        ids: Token ids with the special tokens, shape (N, T); None unless these are texts.
        where: Characters [start, end) of the text, or seconds, that each token covers, shape (N, T, 2).
    """

    layers: tuple[int, ...]
    means: tuple[Floats, ...]
    cls: Floats | None = None
    states: tuple[Floats, ...] = ()
    mask: npt.NDArray[np.int64] | None = None
    ids: npt.NDArray[np.int64] | None = None
    where: npt.NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.means[0])

    @property
    def mean(self) -> Floats:
        """The average of the highest layer, shape (N, D)."""
        return self.means[-1]

    @property
    def hidden(self) -> Floats:
        """Every token's state, or the map, of the highest layer; IndexError unless states were asked for."""
        return self.states[-1]


def tokens(inputs: Inputs, mask_BT: torch.Tensor | None, states: Floats) -> tuple[Any, Any, Any]:
    """Mask, ids and coverage of a batch, each padded to its longest row; None where the family has no tokens."""
    ids = inputs.tensors.get("input_ids")
    if inputs.where is None:
        return None, None, None
    shape = states.shape[:2]
    mask = np.ones(shape, dtype=np.int64) if mask_BT is None else mask_BT.long().cpu().numpy()
    where = np.zeros((*shape, 2), dtype=inputs.where[0].dtype)
    for target, covered in zip(where, inputs.where, strict=True):
        target[: len(covered)] = covered[: len(target)]
    return mask, None if ids is None else ids.cpu().numpy(), where


def joined(parts: Sequence[Encoding], order: Indices | None = None) -> Encoding:
    """Parts behind one another, padded with zeros to the longest, then brought into this order."""

    def together(arrays: Sequence[Any]) -> Any:
        if any(array is None for array in arrays):
            return None
        joined = _stacked(arrays)
        return joined if order is None else joined[order]

    def by_layer(name: str) -> tuple[Any, ...]:
        return tuple(together(arrays) for arrays in zip(*(getattr(part, name) for part in parts), strict=True))

    single = {name: together([getattr(part, name) for part in parts]) for name in ("cls", "mask", "ids", "where")}
    return Encoding(parts[0].layers, by_layer("means"), states=by_layer("states"), **single)


def _stacked(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Arrays behind one another; where their second axes differ, the shorter ones are padded with zeros."""
    longest = max(array.shape[1] for array in arrays)
    if all(array.shape[1] == longest for array in arrays):
        return np.concatenate(arrays)
    out = np.zeros((sum(map(len, arrays)), longest, *arrays[0].shape[2:]), dtype=arrays[0].dtype)
    start = 0
    for array in arrays:
        out[start : start + len(array), : array.shape[1]] = array
        start += len(array)
    return out
