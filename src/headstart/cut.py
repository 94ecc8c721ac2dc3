"""A forward pass cut in two: the state between two blocks is taken out, and the pass goes on from it later.

Nothing of a family is written again here: the model's own code runs, with a few of its parts stood in for, so that
masks, positions and whatever else the family passes around come out as they always do.
"""

# B rows, T tokens, D width

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from headstart import stack
from headstart.contracts import Hidden, Inputs

STEMS = frozenset(
    (
        *("embeddings", "embedder", "conv_stem", "stem", "patch_embed"),
        *("feature_extractor", "feature_projection", "pos_conv_embed"),
        *("conv1", "conv2", "bn1", "maxpool", "embed_positions"),
    )
)
"""Parts below the blocks whose output only flows into the first of them, so that it need not be computed again.

Other parts, such as rotary or relative positions, are read by every block and run in both passes.
"""


def lower(module: nn.Module, inputs: Inputs, *, upto: int) -> Hidden:
    """The pass through the stem and the lowest blocks.

    Args:
        module: A backbone or a task model around one; not changed.
        inputs: A batch.
        upto: How many blocks to go through, from 0 (the stem alone) to all of them.

    Returns:
        The state above them, with all that `upper` needs.
    """
    cut = _Cut.of(module, upto)
    given: dict[str, Any] = {}
    parts: dict[nn.Module, nn.Module] = {part: _Seen(part, name, given) for name, part in cut.below.items()}
    parts[cut.at] = _Stop(cut.at, runs=cut.is_on_top)
    try:
        _with(module, parts)(**inputs.tensors)
    except _Reached as reached:
        state = _state(reached.passed)
        shapes = {name: pytree.tree_map(lambda leaf: _shape(leaf, state), value) for name, value in given.items()}
        return Hidden(state, upto, inputs, reached.passed, shapes)
    raise AssertionError("the blocks that were found are not on the way from input to output")


def upper(module: nn.Module, hidden: Hidden) -> Any:
    """The rest of the pass: through the blocks above and whatever follows them.

    Args:
        module: The module `lower` was called with, or its task model.
        hidden: From `lower`; its `state` may have been replaced by another of the same shape.

    Returns:
        What the whole module gives for the same batch, to the bit.
    """
    cut = _Cut.of(module, hidden.upto)
    parts: dict[nn.Module, nn.Module] = {
        part: _StandIn(part, hidden.shapes[name], hidden.state)
        for name, part in cut.below.items()
        if name in hidden.shapes
    }
    passed = _with_state(hidden.passed, hidden.state)
    parts[cut.at] = _Gave(cut.at, passed) if cut.is_on_top else _GoesOn(cut.at, passed)
    return _with(module, parts)(**hidden.inputs.tensors)


def resume(module: nn.Module, state: torch.Tensor, inputs: Inputs, form: Hidden) -> Any:
    """The rest of a pass of which only the state at the cut was kept, for rows in another company than they had then.

    Args:
        module: A backbone or a task model around one.
        state: Above the `form.upto` lowest blocks, padded as the inputs are.
        inputs: Of these rows; masks and positions are made from them again.
        form: From `lower` with any batch of such inputs: what the parts below give, apart from its numbers.

    Returns:
        What the whole module gives, up to rounding. A family that hands on more than the state from block to block, as
        WavLM does with its position bias, loses that; `can_resume` tells.
    """
    cut = _Cut.of(module, form.upto)
    in_blocks = {part for block in stack.blocks_of(module) for part in block.modules()}
    parts: dict[nn.Module, nn.Module] = {
        part: _InForm(part, form.shapes[name], state) for name, part in cut.below.items() if part in in_blocks
    }
    parts[cut.at] = _InForm(cut.at, form.passed, state) if cut.is_on_top else _Enters(cut.at, state)
    return _with(module, parts)(**inputs.tensors)


@torch.no_grad()
def can_resume(module: nn.Module, inputs: Inputs, form: Hidden) -> bool:
    """Whether a state alone is enough to go on from at this cut: tried, on a batch, against the whole pass."""
    state = lower(module, inputs, upto=form.upto).state
    try:
        given = resume(module, state, inputs, form)
    except (RuntimeError, TypeError, ValueError, AttributeError):
        return False
    return torch.allclose(_state(given), _state(module(**inputs.tensors)), rtol=1e-3, atol=1e-4)


def states(module: nn.Module, inputs: Inputs) -> tuple[torch.Tensor, ...]:
    """What enters the lowest block and what each block gives, for families that do not tell it themselves."""
    seen: dict[str, Any] = {}
    parts: dict[nn.Module, nn.Module] = {}
    cuts = [_Cut.of(module, upto) for upto in range(len(stack.blocks_of(module)) + 1)]
    for cut in cuts[:-1]:
        parts[cut.at] = _Entered(cut.at, str(len(parts)), seen)
    last = cuts[-1].at
    parts[last] = _Seen(parts.get(last, last), "last", seen)
    _with(module, parts)(**inputs.tensors)
    return tuple(_state(passed) for passed in seen.values())


@dataclass(frozen=True)
class _Cut:
    """Where a pass is cut: at the entry of the module `at`, or behind it where it is the last of all blocks.

    `below` has the parts that can be stood in for, by their names in the bare model.
    """

    at: nn.Module
    is_on_top: bool
    below: dict[str, nn.Module]

    @staticmethod
    def of(module: nn.Module, upto: int) -> _Cut:
        base = stack.base_of(module)
        names = {part: name for name, part in base.named_modules()}
        # the stages of a VGG are ours, their layers the model's
        blocks = [[block] if block in names else list(block.children()) for block in stack.blocks_of(module)]
        assert 0 <= upto <= len(blocks), "a cut lies between the stem and the last block"
        low = [part for block in blocks[:upto] for part in block]
        is_on_top = upto == len(blocks)
        at = low.pop() if is_on_top else blocks[upto][0]
        in_blocks = {part for block in blocks for piece in block for part in piece.modules()}
        stems = [part for part in _beside(base, names[blocks[0][0]]) if part not in in_blocks]
        return _Cut(at, is_on_top, {names[part]: part for part in [*stems, *low]})


def _beside(base: nn.Module, path: str) -> Iterator[nn.Module]:
    """Parts of the stem that can be stood in for: children of whatever holds the first block."""
    steps = path.split(".")
    for depth in range(len(steps)):
        holder = base.get_submodule(".".join(steps[:depth]))
        yield from (part for name, part in holder.named_children() if name in STEMS)


class _Around(nn.Module):
    """Stands where a part of the model stood; whatever it is asked for beside the call, that part answers."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.part, name)


class _Seen(_Around):
    """Runs the part and notes what it gives."""

    def __init__(self, part: nn.Module, name: str, given: dict[str, Any]) -> None:
        super().__init__(part)
        self.name, self.given = name, given

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        self.given[self.name] = self.part(*args, **kwargs)
        return self.given[self.name]


class _Entered(_Around):
    """Runs the part and notes what it is called with."""

    def __init__(self, part: nn.Module, name: str, given: dict[str, Any]) -> None:
        super().__init__(part)
        self.name, self.given = name, given

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        self.given[self.name] = (args, kwargs)
        return self.part(*args, **kwargs)


class _Enters(_Around):
    """Runs the part on the state that was kept, and on whatever else it is called with."""

    def __init__(self, part: nn.Module, state: torch.Tensor) -> None:
        super().__init__(part)
        self.state = state

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = _with_state((args, kwargs), self.state)
        return self.part(*args, **kwargs)


class _InForm(_Around):
    """Gives the state in the form in which the part gives it, for rows it has not seen."""

    def __init__(self, part: nn.Module, shape: Any, state: torch.Tensor) -> None:
        super().__init__(part)
        self.shape, self.state = shape, state

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return _with_state(self.shape, self.state)


class _Stop(_Around):
    """Ends the pass, with what the part would have been called with, or with what it gave."""

    def __init__(self, part: nn.Module, *, runs: bool) -> None:
        super().__init__(part)
        self.runs = runs

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise _Reached(self.part(*args, **kwargs) if self.runs else (args, kwargs))


class _StandIn(_Around):
    """Zeros of the shape the part once gave: they run through to the cut and are dropped there.

    Where the part gave the very state at the cut it gives that, for DeBERTa reads the stem's output above it once more.
    """

    def __init__(self, part: nn.Module, shape: Any, state: torch.Tensor) -> None:
        super().__init__(part)
        self.shape, self.state = shape, state

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return pytree.tree_map(lambda leaf: _filled(leaf, self.state), self.shape)


class _GoesOn(_Around):
    """Calls the part with what was kept, whatever comes from below."""

    def __init__(self, part: nn.Module, passed: Any) -> None:
        super().__init__(part)
        self.passed = passed

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = self.passed
        return self.part(*args, **kwargs)


class _Gave(_Around):
    """Gives what was kept, without running."""

    def __init__(self, part: nn.Module, passed: Any) -> None:
        super().__init__(part)
        self.passed = passed

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.passed


class _Reached(Exception):
    """The pass has come to the cut."""

    def __init__(self, passed: Any) -> None:
        super().__init__()
        self.passed = passed


def _with(module: nn.Module, parts: Mapping[nn.Module, nn.Module]) -> nn.Module:
    """The module with some parts exchanged: a copy of what holds them, all else and every weight shared."""
    if module in parts:
        return parts[module]
    children = {name: _with(child, parts) for name, child in module.named_children()}
    if all(child is module._modules[name] for name, child in children.items()):
        return module
    return stack.twin(module, children)


class _TheState:
    """Stands in a shape for the state itself."""


def _shape(leaf: Any, state: torch.Tensor) -> Any:
    if leaf is state:
        return _TheState
    return torch.empty_like(leaf, device="meta") if isinstance(leaf, torch.Tensor) else leaf


def _filled(leaf: Any, state: torch.Tensor) -> Any:
    if leaf is _TheState:
        return state
    return torch.zeros_like(leaf, device=state.device) if isinstance(leaf, torch.Tensor) else leaf


def _state(passed: Any) -> torch.Tensor:
    """The hidden state in what a block was given or gave: the first tensor."""
    state: torch.Tensor = next(leaf for leaf in pytree.tree_leaves(passed) if isinstance(leaf, torch.Tensor))
    return state


def _with_state(passed: Any, state: torch.Tensor) -> Any:
    leaves, form = pytree.tree_flatten(passed)
    first = next(index for index, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor) or leaf is _TheState)
    return pytree.tree_unflatten([*leaves[:first], state, *leaves[first + 1 :]], form)
