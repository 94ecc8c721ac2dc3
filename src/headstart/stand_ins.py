"""Modules that stand where a part of a model stood during a pass that is cut; where they stand is `cut`'s business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from headstart import stack


class Around(nn.Module):
    """Stands where a part of the model stood; whatever it is asked for beside the call, that part answers."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.part, name)


class Seen(Around):
    """Runs the part and notes what it gives."""

    def __init__(self, part: nn.Module, name: str, given: dict[str, Any]) -> None:
        super().__init__(part)
        self.name, self.given = name, given

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        self.given[self.name] = self.part(*args, **kwargs)
        return self.given[self.name]


class Entered(Around):
    """Runs the part and notes what it is called with."""

    def __init__(self, part: nn.Module, name: str, given: dict[str, Any]) -> None:
        super().__init__(part)
        self.name, self.given = name, given

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        self.given[self.name] = (args, kwargs)
        return self.part(*args, **kwargs)


class Enters(Around):
    """Runs the part on the state that was kept, and on whatever else it is called with."""

    def __init__(self, part: nn.Module, state: torch.Tensor) -> None:
        super().__init__(part)
        self.state = state

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = with_state((args, kwargs), self.state)
        return self.part(*args, **kwargs)


class InForm(Around):
    """Gives the state in the form in which the part gives it, for rows it has not seen."""

    def __init__(self, part: nn.Module, shape: Any, state: torch.Tensor) -> None:
        super().__init__(part)
        self.shape, self.state = shape, state

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return with_state(self.shape, self.state)


class Stop(Around):
    """Ends the pass, with what the part would have been called with, or with what it gave."""

    def __init__(self, part: nn.Module, *, runs: bool) -> None:
        super().__init__(part)
        self.runs = runs

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise Reached(self.part(*args, **kwargs) if self.runs else (args, kwargs))


class StandIn(Around):
    """Zeros of the shape the part once gave: they run through to the cut and are dropped there.

    Where the part gave the very state at the cut it gives that, for DeBERTa reads the stem's output above it once more.
    """

    def __init__(self, part: nn.Module, shape: Any, state: torch.Tensor) -> None:
        super().__init__(part)
        self.shape, self.state = shape, state

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return pytree.tree_map(lambda leaf: _filled(leaf, self.state), self.shape)


class GoesOn(Around):
    """Calls the part with what was kept, whatever comes from below."""

    def __init__(self, part: nn.Module, passed: Any) -> None:
        super().__init__(part)
        self.passed = passed

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = self.passed
        return self.part(*args, **kwargs)


class Gave(Around):
    """Gives what was kept, without running."""

    def __init__(self, part: nn.Module, passed: Any) -> None:
        super().__init__(part)
        self.passed = passed

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.passed


class Reached(Exception):
    """The pass has come to the cut."""

    def __init__(self, passed: Any) -> None:
        super().__init__()
        self.passed = passed


def exchanged(module: nn.Module, parts: Mapping[nn.Module, nn.Module]) -> nn.Module:
    """The module with some parts exchanged: a copy of what holds them, all else and every weight shared."""
    if module in parts:
        return parts[module]
    children = {name: exchanged(child, parts) for name, child in module.named_children()}
    if all(child is module._modules[name] for name, child in children.items()):
        return module
    return stack.twin(module, children)


class TheState:
    """Stands in a shape for the state itself."""


def form_of(given: Any, state: torch.Tensor) -> Any:
    """What a part gave without its numbers: shapes, and where in it the state at the cut stood."""
    return pytree.tree_map(lambda leaf: _shape(leaf, state), given)


def _shape(leaf: Any, state: torch.Tensor) -> Any:
    if leaf is state:
        return TheState
    return torch.empty_like(leaf, device="meta") if isinstance(leaf, torch.Tensor) else leaf


def _filled(leaf: Any, state: torch.Tensor) -> Any:
    if leaf is TheState:
        return state
    return torch.zeros_like(leaf, device=state.device) if isinstance(leaf, torch.Tensor) else leaf


def state_in(passed: Any) -> torch.Tensor:
    """The hidden state in what a block was given or gave: the first tensor."""
    state: torch.Tensor = next(leaf for leaf in pytree.tree_leaves(passed) if isinstance(leaf, torch.Tensor))
    return state


def with_state(passed: Any, state: torch.Tensor) -> Any:
    leaves, form = pytree.tree_flatten(passed)
    first = next(index for index, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor) or leaf is TheState)
    return pytree.tree_unflatten([*leaves[:first], state, *leaves[first + 1 :]], form)
