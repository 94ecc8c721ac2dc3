"""Which hidden states a head reads, and how they become one vector."""

# B rows, T tokens, D width of what is read, W sum of the widths of all hidden states

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from headstart.errors import SettingError

if TYPE_CHECKING:
    from torch import nn

    from headstart.contracts import Backbone, Inputs


@dataclass(frozen=True)
class Reading:
    """Which hidden states a head reads: each group of layers is averaged, the averages stand side by side.

    Layer 0 is the stem's output. One group of one layer reads just that layer.
    """

    groups: tuple[tuple[int, ...], ...]

    def __str__(self) -> str:
        spans = [f"{group[0]}-{group[-1]}" if len(group) > 1 else str(group[0]) for group in self.groups]
        if len(spans) == 1:
            return f"mean of layers {spans[0]}" if len(self.groups[0]) > 1 else f"layer {spans[0]}"
        is_plain = all(len(group) == 1 for group in self.groups)
        return f"layers {spans[0]} to {spans[-1]}" if is_plain else f"means of layers {', '.join(spans)}"

    def of(self, pooled_BW: Any, widths: Sequence[int]) -> Any:
        """The vector a head reads, shape (B, D), from all pooled states side by side; NumPy or torch alike."""
        ends = np.cumsum(widths)
        starts = {layer: int(ends[layer]) - widths[layer] for layer in self.layers}
        return self.joined({layer: pooled_BW[:, start : start + widths[layer]] for layer, start in starts.items()})

    @property
    def layers(self) -> tuple[int, ...]:
        """Those that are read, lowest first."""
        return tuple(sorted({layer for group in self.groups for layer in group}))

    @property
    def is_single(self) -> bool:
        """Whether it is of one layer."""
        return len(self.layers) == 1

    def joined(self, vectors: Mapping[int, Any]) -> Any:
        """The vector a head reads, shape (B, D) or (B, T, D), from those of each layer that is read."""
        grouped = [[vectors[layer] for layer in group] for group in self.groups]
        parts = [sum(states[1:], states[0]) / len(states) for states in grouped]
        return torch.cat(parts, dim=-1) if isinstance(parts[0], torch.Tensor) else np.concatenate(parts, axis=-1)

    def width(self, widths: Sequence[int]) -> int:
        """How many numbers that vector has."""
        return sum(widths[group[0]] for group in self.groups)

    def state(self, backbone: Backbone, module: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Every state of the one layer that is read; or of each token, of all that are, (B, T, D)."""
        found = backbone.states(module, inputs, only=self.layers)
        if self.is_single:
            return found.layers[self.layers[0]]
        return self.joined({layer: found.layers[layer] for layer in self.layers})  # type: ignore[no-any-return]


def readings(read: str, widths: Sequence[int]) -> list[Reading]:
    """The readings to choose among; of a model that gives one state only, that one.

    Args:
        read: "auto", "mean" (of all layers), a number, or "3-6" (these layers side by side).
        widths: Of the hidden states.

    Returns:
        For "auto" every layer alone; and where all have one width, the mean of all, of the upper half, and of three
        and of six parts of the stack side by side.

    Raises:
        SettingError: It is none of these, or names a layer the model does not have.
    """
    layers = tuple(range(1, len(widths))) or (0,)
    if read == "auto":
        return [Reading(((layer,),)) for layer in layers] + (_mixed(layers) if len(set(widths[1:])) == 1 else [])
    if read == "mean" and len(set(widths[1:])) == 1:
        return [Reading((layers,))]
    numbers = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", read)
    if numbers is None:
        raise SettingError(f'--read "{read}" is not auto, classifier, mean, a layer number or a range such as 3-6.')
    asked = range(int(numbers[1]), int(numbers[2] or numbers[1]) + 1)
    if not asked or asked[-1] > layers[-1]:
        raise SettingError(f'--read "{read}": the layers are 0 to {layers[-1]}. Give numbers within them, lower first.')
    return [Reading(tuple((layer,) for layer in asked))]


def one_layer(read: str, widths: Sequence[int]) -> Reading:
    """The reading of a single layer, by default the last, for a head that reads every state.

    Raises:
        SettingError: The reading asked for is of several layers, or of one the model does not have.
    """
    if read == "auto":
        return Reading(((len(widths) - 1,),))
    found = readings(read, widths)
    if not found[0].is_single:
        raise SettingError(
            f'--read "{read}" reads several layers, and --head conv, --head attention-pool and --pool attention read '
            f"the states of one. Give one number."
        )
    return found[0]


def _mixed(layers: tuple[int, ...]) -> list[Reading]:
    """Readings of several layers; a part of the stack is a run of neighbours."""
    parts = [np.array_split(layers, count) for count in (3, 6) if len(layers) >= count]
    side_by_side = [Reading(tuple(tuple(map(int, part)) for part in split)) for split in parts]
    means = [Reading((layers[start:],)) for start in (0, len(layers) // 2) if len(layers) - start > 1]
    return means + side_by_side
