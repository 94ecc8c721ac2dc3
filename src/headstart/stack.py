"""Where a model's stem and blocks are, and which parameters lie below a boundary. Knows no tasks and no training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

# where transformers keeps the blocks of its families, outermost spelling first
BLOCKS = (
    "encoder.layer",
    "encoder.layers",
    "encoder.stages",
    "encoder.block",
    "transformer.layer",
    "layers",
    "layer",
    "stages",
)


def base_of(module: nn.Module) -> nn.Module:
    """The bare backbone inside an ecosystem task model, or the module itself."""
    base = getattr(module, getattr(module, "base_model_prefix", "") or "-", module)
    return base if base is not module else module


def blocks_of(module: nn.Module) -> Sequence[nn.Module]:
    """The blocks of a backbone, bottom to top; empty when the family keeps them where we do not look."""
    from torch import nn

    for path in BLOCKS:
        found = _at(base_of(module), path)
        if isinstance(found, nn.ModuleList) and len(found):
            return list(found)
    return []


def _at(module: nn.Module, path: str) -> nn.Module | None:
    for part in path.split("."):
        module = getattr(module, part, None)  # type: ignore[assignment]
        if module is None:
            return None
    return module


def depths(module: nn.Module) -> dict[str, int]:
    """How high each parameter stands, by name.

    Returns:
        0 for the stem, k for block k (1 is the lowest), one more than the number of blocks for whatever follows them:
        the final norm, the pooler and the head.
    """
    blocks = blocks_of(module)
    of_block = {id(parameter): k for k, block in enumerate(blocks, start=1) for parameter in block.parameters()}
    in_stem = _stem_ids(module, of_block)
    top = len(blocks) + 1
    return {
        name: of_block.get(id(parameter), 0 if id(parameter) in in_stem else top)
        for name, parameter in module.named_parameters()
    }


def _stem_ids(module: nn.Module, of_block: dict[int, int]) -> set[int]:
    """Parameters of the base model declared before the first block; families declare modules in forward order."""
    stem: set[int] = set()
    for parameter in base_of(module).parameters():
        if id(parameter) in of_block:
            return stem
        stem.add(id(parameter))
    return set()


def freeze(module: nn.Module, boundary: int) -> None:
    """Stops the training of everything below the boundary and allows all above it.

    Args:
        module: A backbone or a task model around one.
        boundary: 0 trains everything, 1 freezes the stem, 1 + k also the k lowest blocks.
    """
    depth = depths(module)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(depth[name] >= boundary)
