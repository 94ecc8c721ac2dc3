"""Where a model's stem and blocks are, and which parameters lie below a boundary. Knows no tasks and no training."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

# where transformers, timm and torchvision keep the blocks of their families, outermost spelling first
BLOCKS = (
    "encoder.layer",
    "encoder.layers",
    "encoder.stages",
    "encoder.block",
    "transformer.layer",
    "layers",
    "layer",
    "stages",
    "blocks",
    "trunk_output",
)
NUMBERED = re.compile(r"(layer|stage|s)[1-9]")
"""How PyTorch's own ResNets and those made after them name their stages; ShuffleNet and HRNet; timm's RegNets."""
LONG = "features"
"""Where VGG keeps its layers in one row, a stage ending with each pooling; or DenseNet and MobileNetV2 their blocks."""


def base_of(module: nn.Module) -> nn.Module:
    """The bare backbone inside an ecosystem task model, or the module itself."""
    base = getattr(module, getattr(module, "base_model_prefix", "") or "-", module)
    return base if base is not module else module


def blocks_of(module: nn.Module) -> Sequence[nn.Module]:
    """The blocks of a backbone, bottom to top.

    Returns:
        Modules of the model; a stage of a VGG is a `Sequential` made here around layers of the model. One element, the
        whole backbone, where the family keeps its blocks where we do not look: it can only be cut at the ends.
    """
    from torch import nn

    base = base_of(module)
    for path in BLOCKS:
        found = _at(base, path)
        if isinstance(found, nn.ModuleList | nn.Sequential) and len(found):
            return list(found)
    if numbered := [part for name, part in base.named_children() if NUMBERED.fullmatch(name)]:
        return numbered
    long = getattr(base, LONG, None)
    if isinstance(long, nn.Sequential) and len(long):
        return [part for part in long if list(part.children())] or list(_stages(long))
    return [base]


def classifier_of(module: nn.Module) -> nn.Module | None:
    """The layer of a task model that names the classes: the last linear one above its bare model, if there is any."""
    from torch import nn

    below = set(base_of(module).modules())
    above = [part for part in module.modules() if isinstance(part, nn.Linear) and part not in below]
    return above[-1] if above else None


def decoder_of(module: nn.Module) -> nn.Module | None:
    """What writes in a sequence-to-sequence model, one token after the other; None of any other model."""
    is_of_two = getattr(getattr(module, "config", None), "is_encoder_decoder", False)
    can_generate = getattr(module, "can_generate", None)
    if not is_of_two or can_generate is None or not can_generate():
        return None
    decoder: nn.Module | None = getattr(base_of(module), "decoder", None)
    return decoder


def _at(module: nn.Module, path: str) -> nn.Module | None:
    for part in path.split("."):
        module = getattr(module, part, None)  # type: ignore[assignment]
        if module is None:
            return None
    return module


def _stages(layers: nn.Sequential) -> Iterator[nn.Module]:
    """Runs of layers, each ending with a pooling; whatever follows the last pooling is a stage of its own."""
    from torch import nn

    start = 0
    for end, layer in enumerate(layers, start=1):
        if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d) or end == len(layers):
            yield layers[start:end]
            start = end


def is_cut_at_the_ends_only(module: nn.Module) -> bool:
    """Whether no blocks were found, so that the whole backbone is one."""
    blocks = blocks_of(module)
    return len(blocks) == 1 and blocks[0] is base_of(module)


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


def parts_below(module: nn.Module, boundary: int) -> list[nn.Module]:
    """The modules all of whose parameters lie below the boundary; with their dropout and statistics they are frozen."""
    depth = depths(module)
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    owned = ((part, [names[id(parameter)] for parameter in part.parameters()]) for part in module.modules())
    return [part for part, inside in owned if inside and all(depth[name] < boundary for name in inside)]


def still(module: nn.Module, boundary: int) -> None:
    """Takes all that is frozen out of learning mode: its dropout, its running statistics, what it leaves out at random.

    A part that holds some blocks below the boundary and some above is out of it too, but for the blocks above: what it
    does at random itself, as wav2vec 2.0 masks spans of sound, it does to the states below.
    """
    for part in parts_below(module, boundary) if boundary else ():
        part.eval()
    for part in _astride(module, boundary) if boundary else ():
        part.training = False
        for child in part.children():
            child.training = child.training and any(True for _ in child.parameters())
    for norm in _frozen_norms(module):
        norm.eval()


def _astride(module: nn.Module, boundary: int) -> list[nn.Module]:
    """The parts of the base that have parameters below the boundary and above it."""
    depth = depths(module)
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    found = []
    for part in base_of(module).modules():
        heights = {depth[names[id(parameter)]] for parameter in part.parameters()}
        if heights and min(heights) < boundary <= max(heights):
            found.append(part)
    return found


def _frozen_norms(module: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """Batch norms that are not trained though they stand above the boundary, as those beside adapters."""
    return [norm for norm in batch_norms(module) if norm.weight is not None and not norm.weight.requires_grad]


def batch_norms(module: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """The norms that keep statistics of all they have seen."""
    from torch import nn

    return [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]


def freeze(module: nn.Module, boundary: int) -> None:
    """Stops the training of everything below the boundary and allows all above it.

    Args:
        module: A backbone or a task model around one.
        boundary: 0 trains everything, 1 freezes the stem, 1 + k also the k lowest blocks.
    """
    depth = depths(module)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(depth[name] >= boundary)


HOOKS = ("_forward_hooks", "_forward_pre_hooks")
"""Where torch keeps what is called before and after a module."""


def twin(module: nn.Module, children: Mapping[str, nn.Module | None]) -> nn.Module:
    """A module that runs the same code with other children; all else, every weight too, is shared with the first."""
    # not copy.copy: torch forbids it for parametrised layers, for the sake of pickles that we do not make
    other = type(module).__new__(type(module))
    other.__dict__.update(module.__dict__)
    other.__dict__["_modules"] = {**module._modules, **children}
    # transformers hangs its hooks in when a model first gives its states: those of a twin must not be the first's too,
    # or the next twin hangs in as many again and every state is told twice
    other.__dict__.update({name: copy.copy(module.__dict__[name]) for name in HOOKS})
    return other
