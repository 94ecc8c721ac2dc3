"""A forward pass cut in two: the state between two blocks is taken out, and the pass goes on from it later.

Nothing of a family is written again here: the model's own code runs, with a few of its parts stood in for, so that
masks, positions and whatever else the family passes around come out as they always do.
"""

# B rows, T tokens, D width

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from headstart import stack, stand_ins
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
    parts: dict[nn.Module, nn.Module] = {part: stand_ins.Seen(part, name, given) for name, part in cut.below.items()}
    parts[cut.at] = stand_ins.Stop(cut.at, runs=cut.is_on_top)
    try:
        stand_ins.exchanged(module, parts)(**inputs.tensors)
    except stand_ins.Reached as reached:
        state = stand_ins.state_in(reached.passed)
        shapes = {name: stand_ins.form_of(value, state) for name, value in given.items()}
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
        part: stand_ins.StandIn(part, hidden.shapes[name], hidden.state)
        for name, part in cut.below.items()
        if name in hidden.shapes
    }
    passed = stand_ins.with_state(hidden.passed, hidden.state)
    parts[cut.at] = stand_ins.Gave(cut.at, passed) if cut.is_on_top else stand_ins.GoesOn(cut.at, passed)
    return stand_ins.exchanged(module, parts)(**hidden.inputs.tensors)


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
    return going_on(module, state, form)(**inputs.tensors)


def going_on(module: nn.Module, state: torch.Tensor, form: Hidden) -> nn.Module:
    """The module with the parts below a cut stood in for by what they gave; to be called as the module is.

    Args:
        module: As for `resume`.
        state: As for `resume`.
        form: As for `resume`.
    """
    cut = _Cut.of(module, form.upto)
    in_blocks = {part for block in stack.blocks_of(module) for part in block.modules()}
    parts: dict[nn.Module, nn.Module] = {
        part: stand_ins.InForm(part, form.shapes[name], state) for name, part in cut.below.items() if part in in_blocks
    }
    parts[cut.at] = stand_ins.InForm(cut.at, form.passed, state) if cut.is_on_top else stand_ins.Enters(cut.at, state)
    return stand_ins.exchanged(module, parts)


@torch.no_grad()
def can_resume(module: nn.Module, inputs: Inputs, form: Hidden) -> bool:
    """Whether a state alone is enough to go on from at this cut: tried, on a batch, against the whole pass."""
    state = lower(module, inputs, upto=form.upto).state
    try:
        given = resume(module, state, inputs, form)
    except (RuntimeError, TypeError, ValueError, AttributeError):
        return False
    return torch.allclose(stand_ins.state_in(given), stand_ins.state_in(module(**inputs.tensors)), rtol=1e-3, atol=1e-4)


def states(module: nn.Module, inputs: Inputs) -> tuple[torch.Tensor, ...]:
    """What enters the lowest block and what each block gives, for families that do not tell it themselves."""
    seen: dict[str, Any] = {}
    parts: dict[nn.Module, nn.Module] = {}
    cuts = [_Cut.of(module, upto) for upto in range(len(stack.blocks_of(module)) + 1)]
    for cut in cuts[:-1]:
        parts[cut.at] = stand_ins.Entered(cut.at, str(len(parts)), seen)
    last = cuts[-1].at
    parts[last] = stand_ins.Seen(parts.get(last, last), "last", seen)
    stand_ins.exchanged(module, parts)(**inputs.tensors)
    return tuple(stand_ins.state_in(passed) for passed in seen.values())


def places(module: nn.Module) -> tuple[tuple[str, ...], str]:
    """Where `states` looks, by names in the bare model: what each state but the last enters, and what gives the last.

    No names inside it mean the bare model itself.
    """
    names = {part: name for name, part in stack.base_of(module).named_modules()}
    cuts = [_Cut.of(module, upto) for upto in range(len(stack.blocks_of(module)) + 1)]
    return tuple(names.get(cut.at, "") for cut in cuts[:-1]), names.get(cuts[-1].at, "")


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
        if stack.is_cut_at_the_ends_only(module) and _is_wrapper(module, base):
            return _Cut(module, upto == 1, {})
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


def _is_wrapper(module: nn.Module, base: nn.Module) -> bool:
    """Whether the module only hands over to the base, perhaps by parts of it, as transformers does to timm's models."""
    return sum(1 for _ in module.parameters()) == sum(1 for _ in base.parameters())


def _beside(base: nn.Module, path: str) -> Iterator[nn.Module]:
    """Parts of the stem that can be stood in for: children of whatever holds the first block."""
    steps = path.split(".")
    for depth in range(len(steps)):
        holder = base.get_submodule(".".join(steps[:depth]))
        yield from (part for name, part in holder.named_children() if name in STEMS)
