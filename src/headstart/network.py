"""What is trained and what answers: the ecosystem's own task model, or a backbone with our head on hidden states."""

# B rows, D width, C classes, W sum of the widths of all hidden states

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch
from torch import nn

from headstart import batches, stack
from headstart.contracts import Backbone, Encoded, Inputs
from headstart.errors import MismatchError, SettingError

if TYPE_CHECKING:
    from headstart.contracts import Indices

Array = TypeVar("Array")

HIDDEN = 256
"""Width of the hidden layer of an MLP head."""


@dataclass(frozen=True)
class Reading:
    """Which hidden states a head reads and how they become one vector; 0 is the stem's output."""

    layers: tuple[int, ...]
    combine: Literal["mean", "concat"]

    def __str__(self) -> str:
        span = f"{self.layers[0]}-{self.layers[-1]}" if len(self.layers) > 1 else str(self.layers[0])
        return span if len(self.layers) == 1 else f"{self.combine} of layers {span}"

    def of(self, pooled_BW: Any, widths: Sequence[int]) -> Any:
        """The vector a head reads, shape (B, D), from all pooled states side by side; NumPy or torch alike."""
        ends = [sum(widths[: layer + 1]) for layer in self.layers]
        parts = [pooled_BW[:, end - widths[layer] : end] for layer, end in zip(self.layers, ends, strict=True)]
        if self.combine == "mean":
            return sum(parts[1:], parts[0]) / len(parts)
        if isinstance(pooled_BW, torch.Tensor):
            return torch.cat(parts, dim=1)
        import numpy as np

        return np.concatenate(parts, axis=1)


def readings(read: str, widths: Sequence[int]) -> list[Reading]:
    """The readings to choose among.

    Args:
        read: "auto" (every layer alone, and the means of all and of the upper half), "mean", a number, or "3-6".
        widths: Of the hidden states.

    Raises:
        SettingError: It is none of these, or names a layer the model does not have.
    """
    top = len(widths) - 1
    is_even = len(set(widths[1:])) == 1
    if read == "auto":
        starts = [first for first in (1, top // 2 + 1) if is_even and first < top]
        return [Reading(tuple(range(first, top + 1)), "mean") for first in starts] + [
            Reading((layer,), "mean") for layer in range(1, top + 1)
        ]
    if read == "mean" and is_even:
        return [Reading(tuple(range(1, top + 1)), "mean")]
    first, _, last = read.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        raise SettingError(f'--read "{read}" is not auto, classifier, mean, a layer number or a range such as 3-6.')
    layers = tuple(range(int(first), int(last or first) + 1))
    if not layers or layers[-1] > top:
        raise SettingError(f'--read "{read}": this model has layers 0 to {top}. Give numbers within them, lower first.')
    return [Reading(layers, "concat" if len(layers) > 1 else "mean")]


class Whole(nn.Module):
    """The ecosystem's task model; its logits are the output."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, inputs: Inputs) -> torch.Tensor:
        """Logits, shape (B, C)."""
        logits: torch.Tensor = self.module(**inputs.tensors).logits
        return logits


class Headed(nn.Module):
    """A backbone's pooled hidden states, one reading of them, and our head."""

    def __init__(self, backbone: Backbone, reading: Reading, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.reading, self.widths = backbone, reading, backbone.widths
        self.module, self.head = backbone.module, head

    def forward(self, inputs: Inputs) -> torch.Tensor:
        """Logits, shape (B, C)."""
        pooled_BW = self.backbone.pooled(self.module, inputs)
        logits: torch.Tensor = self.head(self.reading.of(pooled_BW, self.widths))
        return logits


def head(kind: str, width: int, num_classes: int) -> nn.Sequential:
    """Fresh layers from a reading to the classes: "linear", or "mlp" with one hidden layer."""
    if kind == "linear":
        return nn.Sequential(nn.Linear(width, num_classes))
    return nn.Sequential(nn.Linear(width, HIDDEN), nn.GELU(), nn.Dropout(0.1), nn.Linear(HIDDEN, num_classes))


def classifier_of(module: nn.Module) -> nn.Linear:
    """The last linear layer of an ecosystem task model, the one that gives the classes.

    Raises:
        MismatchError: The family ends in something else.
    """
    num_classes = module.config.num_labels  # type: ignore[union-attr]
    inside = {id(part) for part in stack.base_of(module).modules()}
    above = [part for part in module.modules() if isinstance(part, nn.Linear) and id(part) not in inside]
    if not above or above[-1].out_features != num_classes:
        raise MismatchError(
            f"{type(module).__name__} does not end in a linear classifier. Read hidden layers, as in --read 1-2."
        )
    return above[-1]


def set_linear(layer: nn.Linear, weight_CD: Any, bias_C: Any) -> None:
    """Gives a linear layer these weights."""
    with torch.no_grad():
        layer.weight.copy_(torch.as_tensor(weight_CD))
        layer.bias.copy_(torch.as_tensor(bias_C))


def answers(network: nn.Module, encoded: Encoded, *, place: str = "cpu", dtype: str = "float32") -> torch.Tensor:
    """The network's output for every row, in the rows' order.

    Args:
        network: Takes `Inputs`, gives logits; left in evaluation mode.
        encoded: N rows.
        place: The device to run on.
        dtype: "float32" is exact; "bfloat16" runs products in that type.

    Returns:
        Shape (N, C), fp32, on the CPU.
    """
    network.eval().to(place)
    groups = batches.by_length(encoded.lengths)

    def answer(group: Indices) -> torch.Tensor:
        inputs = Inputs({name: tensor.to(place) for name, tensor in encoded.take(group).tensors.items()})
        with torch.inference_mode(), torch.autocast(place, dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
            output: torch.Tensor = network(inputs)
            return output.float().cpu()

    parts = list(batches.spread(answer, groups))
    # rows went through in the order of their lengths; this puts them back
    return torch.cat(parts)[torch.cat([torch.as_tensor(group) for group in groups]).argsort()]
