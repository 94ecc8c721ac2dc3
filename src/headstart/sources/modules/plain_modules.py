"""A module of any make behind the names that the rest of headstart uses, and its classifier.

The classifier is the linear layer whose output is the module's answer. A module without one gives features, and gets a
linear layer put on top.
"""

# B rows, D width, C classes

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from headstart import cut
from headstart.contracts import Inputs

LARGER = 64
"""Pixels; enough to change the smallest maps of the usual models, which have a 32nd of the image's side."""
HEAD = "headstart_head"
"""What the layer on top is called among the weights; no module of others' has such a name."""


class Answer(NamedTuple):
    """What a task module gives, as transformers' own do."""

    logits: torch.Tensor


@dataclass(frozen=True)
class Config:
    """The part of a transformers config that is asked for."""

    names: tuple[str, ...] = ()

    @property
    def num_labels(self) -> int:
        """How many classes there are."""
        return len(self.names)

    @property
    def id2label(self) -> dict[int, str]:
        """The classes by the position of their output."""
        return dict(enumerate(self.names))


class Plain(nn.Module):
    """The module; `classifier` names its last linear layer, None where it gives features; `head` is then put on top."""

    base_model_prefix = "net"

    def __init__(
        self, net: nn.Module, classifier: str | None, head: nn.Linear | None = None, names: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.net, self.head = net, head
        self.classifier, self.config = classifier, Config(tuple(names))

    def forward(self, pixel_values: torch.Tensor) -> Any:
        """The answer as a tensor, shape (B, D) or whatever the module gives; with names for it, `Answer`."""
        output = tensor_of(self.net(pixel_values))
        if not self.config.names:
            return output
        return Answer(output if self.head is None else self.head(output.flatten(1)))

    def get_classifier(self) -> nn.Module | None:
        """The layer that gives the classes."""
        return self.head if self.classifier is None else self.net.get_submodule(self.classifier)


def plain(net: nn.Module, *, size: int) -> Plain:
    """The module in evaluation mode, fp32, its classifier looked for; it keeps its own classes, by number."""
    net = net.float().eval()
    found, width = _classifier(net, size)
    return Plain(net, found, names=[] if found is None else [str(index) for index in range(width)]).eval()


def bare(module: Plain) -> Plain:
    """The same weights without a task: the answer is a tensor."""
    return Plain(module.net, module.classifier).eval()


def renewed(module: Plain, names: Sequence[str], *, size: int) -> Plain:
    """The module, changed: with a fresh classifier for these names."""
    if module.classifier is None:
        with torch.inference_mode():
            width = tensor_of(module.net(noise(size))).flatten(1).shape[1]
        return Plain(module.net, None, nn.Linear(width, len(names)), names).eval()
    old = module.get_classifier()
    assert isinstance(old, nn.Linear), "the classifier was found as one"
    holder, _, leaf = module.classifier.rpartition(".")
    setattr(module.net.get_submodule(holder), leaf, nn.Linear(old.in_features, len(names)))
    return Plain(module.net, module.classifier, names=names).eval()


def _classifier(net: nn.Module, size: int) -> tuple[str | None, int]:
    """The name of the linear layer whose output is the answer, and the width of the answer."""
    seen: dict[str, torch.Tensor] = {}

    def note(name: str) -> Any:
        return lambda part, args, output: seen.__setitem__(name, output)

    linears = [(name, part) for name, part in net.named_modules() if isinstance(part, nn.Linear)]
    hooks = [part.register_forward_hook(note(name)) for name, part in linears]
    try:
        with torch.inference_mode():
            answer = tensor_of(net(noise(size))).flatten(1)
    finally:
        for hook in hooks:
            hook.remove()
    same = [name for name, output in seen.items() if output.ndim == 2 and torch.equal(output, answer)]
    return (same[-1] if same else None), answer.shape[1]


def states(module: nn.Module, inputs: Inputs) -> tuple[torch.Tensor, ...]:
    """What enters the lowest block and what each block gives."""
    return cut.states(module, inputs)


def channels_last(module: nn.Module, size: int) -> tuple[bool, ...]:
    """Which hidden states are maps (B, H, W, D), as Swin's: larger images change their second axis and not their last.

    A module that reads images of one size only is taken to have its channels first.
    """
    with torch.inference_mode():
        usual = states(module, Inputs({"pixel_values": noise(size)}))
        try:
            larger = states(module, Inputs({"pixel_values": noise(size + LARGER)}))
        except (RuntimeError, AssertionError, ValueError):
            larger = usual
    pairs = zip(usual, larger, strict=True)
    return tuple(a.ndim == 4 and a.shape[1] != b.shape[1] and a.shape[3] == b.shape[3] for a, b in pairs)


def noise(size: int) -> torch.Tensor:
    """One random image, always the same; shape (1, 3, size, size)."""
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))


def tensor_of(output: Any) -> torch.Tensor:
    """The first tensor of what a module gives; auxiliary answers come after it."""
    while not isinstance(output, torch.Tensor):
        output = next(iter(output.values() if isinstance(output, Mapping) else output))
    return output


def weights(module: Plain) -> dict[str, torch.Tensor]:
    """The module's own state, and that of the layer on top."""
    on_top = {} if module.head is None else module.head.state_dict()
    return {**module.net.state_dict(), **{f"{HEAD}.{name}": tensor for name, tensor in on_top.items()}}


def fill(module: Plain, tensors: Mapping[str, torch.Tensor]) -> None:
    """Gives the module these weights, each name met by one of the other side.

    Raises:
        RuntimeError: Names or shapes differ; the message has them.
    """
    on_top = {name: tensor for name, tensor in tensors.items() if name.startswith(f"{HEAD}.")}
    module.net.load_state_dict({name: tensor for name, tensor in tensors.items() if name not in on_top})
    if module.head is not None:
        module.head.load_state_dict({name.removeprefix(f"{HEAD}."): tensor for name, tensor in on_top.items()})


def fingerprint(module: nn.Module) -> str:
    """The hex digest of a module's names, shapes and numbers."""
    found = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
