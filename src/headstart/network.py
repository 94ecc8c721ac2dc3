"""What is trained and what answers: the ecosystem's own task model, or a backbone with our head on hidden states."""

# B rows, D width, C classes, W sum of the widths of all hidden states

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from headstart import batches, cut, kernels, stack, windows
from headstart.contracts import Backbone, Encoded, Hidden, Inputs
from headstart.device import device
from headstart.errors import MismatchError, SettingError

if TYPE_CHECKING:
    from headstart.contracts import Indices

HIDDEN = 256
"""Width of the hidden layer of an MLP head."""


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
        parts = []
        for group in self.groups:
            states = [pooled_BW[:, int(ends[layer]) - widths[layer] : int(ends[layer])] for layer in group]
            parts.append(sum(states[1:], states[0]) / len(states))
        return torch.cat(parts, dim=1) if isinstance(pooled_BW, torch.Tensor) else np.concatenate(parts, axis=1)


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


def _mixed(layers: tuple[int, ...]) -> list[Reading]:
    """Readings of several layers; a part of the stack is a run of neighbours."""
    parts = [np.array_split(layers, count) for count in (3, 6) if len(layers) >= count]
    side_by_side = [Reading(tuple(tuple(map(int, part)) for part in split)) for split in parts]
    means = [Reading((layers[start:],)) for start in (0, len(layers) // 2) if len(layers) - start > 1]
    return means + side_by_side


KEPT = "state above the frozen blocks"
"""Among a batch's tensors, what the frozen part gave for its rows; no argument of a model has such a name."""


class Whole(nn.Module):
    """The ecosystem's task model; its logits are the output.

    Args:
        module: The task model.
        boundary: Parts below it stay in evaluation mode while the rest learns, so that they give what they always gave.
    """

    def __init__(self, module: nn.Module, boundary: int = 0) -> None:
        super().__init__()
        self.module, self.boundary = module, boundary
        self.form: Hidden | None = None
        """In which form the parts below the boundary give their state, where it is kept."""

    def forward(self, inputs: Inputs) -> torch.Tensor:
        """Logits, shape (B, C); where a batch has the state above the frozen blocks, the pass goes on from there."""
        tensors = dict(inputs.tensors)
        state = tensors.pop(KEPT, None)
        if state is None:
            output = self.module(**tensors)
        else:
            assert self.form is not None, "rows are kept only once the form is known"
            output = cut.resume(self.module, state.to(_dtype(self.module)), Inputs(tensors), self.form)
        logits: torch.Tensor = output.logits
        return logits

    def train(self, mode: bool = True) -> Whole:
        """Learning mode for what stands above the boundary: no dropout and no moving statistics below."""
        super().train(mode)
        for part in stack.parts_below(self.module, self.boundary):
            part.eval()
        return self


def _dtype(module: nn.Module) -> torch.dtype:
    return next(parameter.dtype for parameter in module.parameters() if parameter.is_floating_point())


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
    last = above[-1] if above else _own_classifier(module)
    if not isinstance(last, nn.Linear) or last.out_features != num_classes:
        raise MismatchError(
            f"{type(module).__name__} does not end in a linear classifier. Read hidden layers, as in --read 1-2."
        )
    return last


def _own_classifier(module: nn.Module) -> Any:
    """What a bare model that brings its classifier itself, as timm's do, says it is."""
    ask = getattr(stack.base_of(module), "get_classifier", None) or getattr(module, "get_classifier", None)
    return None if ask is None else ask()


def set_linear(layer: nn.Linear, weight_CD: Any, bias_C: Any) -> None:
    """Gives a linear layer these weights."""
    with torch.no_grad():
        layer.weight.copy_(torch.as_tensor(weight_CD))
        layer.bias.copy_(torch.as_tensor(bias_C))


def answers(network: nn.Module, encoded: Encoded, *, dtype: str = "float32") -> torch.Tensor:
    """The network's output for every item, in their order.

    Args:
        network: Takes `Inputs`, gives logits; left in evaluation mode.
        encoded: N items.
        dtype: "float32" is exact; "bfloat16" computes in that type.

    Returns:
        Shape (N, C), fp32, on the CPU; of an item in several windows the mean of theirs.
    """
    place = device()
    computing = kernels.tuned(network.eval().to(place), dtype)
    groups = batches.by_length(encoded.lengths)

    def answer(group: Indices) -> torch.Tensor:
        inputs = batches.placed(encoded.take(group), dtype)
        with torch.inference_mode():
            output: torch.Tensor = computing(inputs)
            return output.float().cpu()

    parts = list(batches.spread(answer, groups))
    # rows went through in the order of their lengths; this puts them back
    output = torch.cat(parts)[torch.cat([torch.as_tensor(group) for group in groups]).argsort()]
    return windows.mean(output, encoded)
