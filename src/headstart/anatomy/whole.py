"""The anatomy of a whole backbone: its parameters by depth, its parts described, blocks that are alike told once."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headstart import stack
from headstart.anatomy import layers, trace
from headstart.anatomy.facts import Anatomy, File, Part, Unit
from headstart.contracts import Backbone

if TYPE_CHECKING:
    from torch import nn


def of(backbone: Backbone) -> Anatomy:
    """What a backbone is made of and what one pass costs.

    Args:
        backbone: Any; of one without blocks only what needs none is told. One item goes through it.
    """
    known = _known(backbone)
    if not backbone.blocks:
        return known
    module = backbone.module
    item = trace.sample(backbone)
    traced = trace.watch(backbone, item)
    counted, top = _by_depth(module), len(backbone.blocks) + 1
    return dataclasses.replace(
        known,
        is_cut_at_the_ends_only=stack.is_cut_at_the_ends_only(module),
        stem=_beside(backbone, 0, counted[0], traced),
        blocks=_blocks(backbone, counted, traced),
        top=_beside(backbone, top, counted[top], traced),
        work=trace.work(backbone, item, traced),
    )


def _known(backbone: Backbone) -> Anatomy:
    """What can be told of any model without looking at its blocks."""
    ref, module = backbone.ref, backbone.module
    return Anatomy(
        model=f"{ref.source}:{ref.name}",
        asked=ref.asked,
        source=ref.source,
        revision=ref.revision,
        license=ref.license,
        ran_code=ref.ran_code,
        digest=backbone.digest(),
        kind=type(module).__name__,
        modality=backbone.modality,
        max_tokens=backbone.max_tokens,
        widths=tuple(backbone.widths),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        files=_files(backbone),
    )


def _files(backbone: Backbone) -> tuple[File, ...]:
    """The files the model was loaded from; the contract does not ask a source where they lie, most can say it."""
    folder = getattr(backbone, "folder", None)

    def size(name: str) -> int | None:
        path = None if folder is None else Path(folder) / name
        return path.stat().st_size if path is not None and path.is_file() else None

    return tuple(File(name, digest, size(name)) for name, digest in sorted(backbone.ref.sha256.items()))


def _by_depth(module: nn.Module) -> Counter[int]:
    """How many numbers stand at each depth; each is counted once, whoever shares it."""
    counted: Counter[int] = Counter()
    depth = stack.depths(module)
    for name, parameter in module.named_parameters():
        counted[depth[name]] += parameter.numel()
    return counted


def _blocks(backbone: Backbone, counted: Counter[int], traced: trace.Traced) -> tuple[Part, ...]:
    """Runs of blocks that are alike, from the lowest up."""
    numbers = range(1, len(backbone.blocks) + 1)
    parts = [_block(backbone, number, counted[number], traced) for number in numbers]
    grouped = itertools.groupby(parts, key=lambda part: dataclasses.replace(part, first=0, last=0))
    found = [list(group) for _, group in grouped]
    return tuple(dataclasses.replace(group[0], last=group[-1].last) for group in found)


def _block(backbone: Backbone, number: int, parameters: int, traced: trace.Traced) -> Part:
    """One block; a whole model that is one block is not taken apart."""
    block = backbone.blocks[number - 1]
    if block is stack.base_of(backbone.module):
        return Part(number, number, type(block).__name__, parameters, flops=traced.flops.get(number, 0))
    units = layers.units_of(block)
    between = [(name, part) for name, part in layers.walk(block, skip=units) if part is not block]
    return Part(
        first=number,
        last=number,
        kind=type(block).__name__,
        parameters=parameters,
        units=_alike([layers.unit_of(unit, traced.called) for unit in units]),
        layers=layers.runs(layers.layer_of(part, name) for name, part in between if _is_shown(part)),
        flops=traced.flops.get(number, 0),
        output=traced.outputs.get(number, ()),
    )


def _alike(units: Sequence[Unit]) -> tuple[Unit, ...]:
    """Neighbours that are alike as one, counted."""
    return tuple(dataclasses.replace(unit, count=len(list(group))) for unit, group in itertools.groupby(units))


def _is_shown(part: nn.Module) -> bool:
    is_empty = not list(part.parameters()) and not layers.is_pooling(part)
    return not is_empty


def _beside(backbone: Backbone, depth: int, parameters: int, traced: trace.Traced) -> Part:
    """The stem, or what follows the blocks: every layer and parameter that stands at that depth."""
    module, is_top = backbone.module, depth > 0
    depths = stack.depths(module)
    here = {id(parameter) for name, parameter in module.named_parameters() if depths[name] == depth}
    blocks = [part for parts in trace.called_parts(backbone) for part in parts]
    after = set(traced.after) if is_top else set()

    def stands(part: nn.Module) -> bool:
        own = list(part.parameters())
        return any(id(parameter) in here for parameter in own) or (not own and part in after and _is_heard(part))

    found = [layers.layer_of(part, name) for name, part in layers.walk(module, skip=blocks) if stands(part)]
    alone = [*layers.own_parameters(module, lambda parameter: id(parameter) in here)]
    return Part(depth, depth, "stem" if not is_top else "top", parameters, layers=layers.runs([*alone, *found]))


def _is_heard(part: nn.Module) -> bool:
    return type(part).__name__ not in layers.SILENT
