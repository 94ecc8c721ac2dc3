"""What a module is, told by its layers: convolutions and matrices by their sizes, attention by who feeds whom.

Nothing here knows a family; roles are read from the names of `Linear` layers and must agree with their shapes.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from headstart.anatomy.facts import Attention, FeedForward, Layer, Place, Unit

if TYPE_CHECKING:
    from torch import nn

ROLES = {
    role: re.compile(rf"(to_|w_?)?({role[0]}|{role})(_?(proj|lin|linear|layer))?") for role in ("query", "key", "value")
}
FUSED = re.compile(r"w?qkv(_?proj)?|query_key_value|in_proj|c_attn", re.IGNORECASE)
OF_POSITIONS = re.compile(r"pos|rel")
"""Matrices of positions stand beside Q, K and V in DeBERTa and in WavLM."""
HEADS = ("num_attention_heads", "num_heads", "n_heads", "heads")
HEAD_WIDTHS = ("head_dim", "attention_head_size", "head_size")
NORM = re.compile(r"(Layer|RMS|Batch|Group|Instance|Response)Norm")
SILENT = frozenset({"Identity", "Dropout", "Dropout1d", "Dropout2d", "DropPath"})
"""Layers that do nothing when a model answers."""


def unit_of(module: nn.Module, called: Collection[nn.Module] = ()) -> Unit:
    """A block, or one of the units it repeats.

    Args:
        module: Its module.
        called: The leaves of the model in the order in which a pass came to them; tells where the norms stand.
    """
    attention, taken = _attention(module)
    feed_forward, used = _feed_forward(module, taken)
    norms = [part for part in module.modules() if is_norm(part)]
    return Unit(
        kind=type(module).__name__,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        attention=attention,
        feed_forward=feed_forward,
        layers=runs(_others(module, taken | used)),
        norm=kind_of(norms[0]) if norms else None,
        norm_place=_place(module, called) if attention and norms else None,
        activation=next((kind_of(part) for part in module.modules() if is_activation(part)), None),
    )


def units_of(block: nn.Module) -> list[nn.Module]:
    """What a stage repeats: the modules in its longest row of composite ones; else the block itself."""
    from torch import nn

    rows = [
        part for part in (block, *block.children()) if isinstance(part, nn.Sequential | nn.ModuleList) and len(part)
    ]
    rows = [row for row in rows if all(list(child.children()) for child in row.children())]
    return list(max(rows, key=_size).children()) if rows else [block]


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def layer_of(module: nn.Module, name: str) -> Layer:
    """One layer by its sizes."""
    from torch import nn

    size = _size(module)
    if isinstance(module, nn.Linear):
        return Layer(kind_of(module), name, (module.in_features, module.out_features), parameters=size)
    if isinstance(module, nn.Embedding):
        return Layer(kind_of(module), name, (module.num_embeddings, module.embedding_dim), parameters=size)
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        shape, kernel = (module.in_channels, module.out_channels), tuple(module.kernel_size)
        return Layer(kind_of(module), name, shape, kernel, int(module.stride[0]), module.groups, size)
    own = next(iter(module.parameters(recurse=False)), None)
    return Layer(kind_of(module), name, () if own is None else tuple(own.shape), parameters=size)


def walk(module: nn.Module, name: str = "", *, skip: Collection[nn.Module] = ()) -> Iterator[tuple[str, nn.Module]]:
    """The leaves of a module with their names, in the order in which they were declared.

    A layer whose weights are put together from parts (a parametrised convolution) is a leaf; `skip` is left out.
    """
    if module in skip:
        return
    children = list(module.named_children())
    if not children or _is_weighty(module):
        yield name, module
        return
    for child_name, child in children:
        yield from walk(child, f"{name}.{child_name}".lstrip("."), skip=skip)


def own_parameters(module: nn.Module, keep: Callable[[Any], bool], name: str = "") -> Iterator[Layer]:
    """Parameters that stand in a composite module itself, such as the token of a class or positions."""
    if not list(module.children()) or _is_weighty(module):
        return
    for own, parameter in module.named_parameters(recurse=False):
        if keep(parameter):
            yield Layer("parameter", f"{name}.{own}".lstrip("."), tuple(parameter.shape), parameters=parameter.numel())
    for child_name, child in module.named_children():
        yield from own_parameters(child, keep, f"{name}.{child_name}".lstrip("."))


def runs(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Neighbours that differ in nothing but their name as one, counted."""
    grouped = itertools.groupby(layers, key=lambda layer: dataclasses.replace(layer, name=""))
    found = [list(group) for _, group in grouped]
    return tuple(dataclasses.replace(group[0], count=len(group)) for group in found)


def kind_of(module: nn.Module) -> str:
    """The class of a layer in its plain name, so that a family's own LayerNorm is one."""
    name = type(module).__name__
    if (norm := NORM.search(name)) and not list(module.children()):
        return norm[0]
    from torch import nn

    plain = (nn.Linear, nn.Embedding, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    return next((kind.__name__ for kind in plain if isinstance(module, kind)), name.removesuffix("Activation"))


def is_norm(module: nn.Module) -> bool:
    """Whether it is a normalisation, whoever wrote it."""
    return not list(module.children()) and "Norm" in type(module).__name__


def is_activation(module: nn.Module) -> bool:
    """Whether it is one of torch's, transformers' or timm's activations."""
    home = type(module).__module__
    return "activation" in home and type(module).__name__ != "MultiheadAttention" and not list(module.children())


def is_pooling(module: nn.Module) -> bool:
    """Whether it makes a map smaller without weights."""
    return "Pool" in type(module).__name__ and not list(module.children())


def _is_weighty(module: nn.Module) -> bool:
    from torch import nn

    return isinstance(module, nn.Linear | nn.Embedding | nn.Conv1d | nn.Conv2d | nn.Conv3d)


def _linears(module: nn.Module) -> dict[str, nn.Linear]:
    from torch import nn

    return {name: part for name, part in module.named_modules() if isinstance(part, nn.Linear)}


def _attention(module: nn.Module) -> tuple[Attention | None, set[str]]:
    """The first attention in a module, and the names of its matrices."""
    from torch import nn

    for name, part in module.named_modules():
        if isinstance(part, nn.MultiheadAttention):
            return _torchs_own(part), {f"{name}.out_proj".lstrip(".")}
    linears = _linears(module)
    fused = next((name for name in linears if FUSED.fullmatch(_last(name))), None)
    found = {role: fused or _named(linears, pattern) for role, pattern in ROLES.items()}
    if None in found.values():
        return None, set()
    names = {role: str(name) for role, name in found.items()}
    output = _output(linears, names)
    return _told(module, linears, names, output), {*names.values(), *([output] if output else [])}


def _told(
    module: nn.Module, linears: Mapping[str, nn.Linear], names: Mapping[str, str], output: str | None
) -> Attention:
    is_fused = names["query"] == names["key"]
    shapes = {role: _shape(linears[name]) for role, name in names.items()}
    if is_fused:
        # three matrices of one size; where there are fewer heads of K and V, the sum is all that can be told
        width_in, width_out = shapes["query"]
        shapes = dict.fromkeys(shapes, (width_in, width_out // 3))
    heads, head_width = _heads(module, shapes["query"][1])
    return Attention(
        heads=heads,
        head_width=head_width,
        **shapes,
        output=None if output is None else _shape(linears[output]),
        is_fused=is_fused,
    )


def _torchs_own(part: nn.MultiheadAttention) -> Attention:
    width = part.embed_dim
    return Attention(
        heads=part.num_heads,
        head_width=part.head_dim,
        query=(width, width),
        key=(part.kdim or width, width),
        value=(part.vdim or width, width),
        output=(width, width),
        is_fused=part.in_proj_weight is not None,
    )


def _named(linears: Mapping[str, nn.Linear], pattern: re.Pattern[str]) -> str | None:
    return next((name for name in linears if pattern.fullmatch(_last(name).lower())), None)


def _output(linears: Mapping[str, nn.Linear], names: Mapping[str, str]) -> str | None:
    """W_O: the matrix nearest to the others that leads from the values back to what the attention was given."""
    width, values = linears[names["query"]].in_features, linears[names["value"]].out_features
    if names["query"] == names["value"]:
        values //= 3
    scope = names["query"]
    while scope:
        scope = scope.rpartition(".")[0]
        fitting = [
            name
            for name, part in linears.items()
            if name.startswith(f"{scope}." if scope else "")
            and name not in names.values()
            and not OF_POSITIONS.search(_last(name))
            and _shape(part) == (values, width)
        ]
        if fitting:
            # within the attention the last one leads out; in the whole block the first, for the others are above it
            return fitting[-1] if scope else fitting[0]
    return None


def _feed_forward(module: nn.Module, taken: Collection[str]) -> tuple[FeedForward | None, set[str]]:
    """The first pair of matrices that leads up to an inner width and down again, and their names."""
    linears = {name: part for name, part in _linears(module).items() if name not in taken}
    for (first, up), (last, down) in itertools.combinations(linears.items(), 2):
        if up.in_features != down.out_features or up.out_features not in (down.in_features, 2 * down.in_features):
            continue
        twins = [name for name, part in linears.items() if name not in (first, last) and _shape(part) == _shape(up)]
        gate = {name for name in twins if up.in_features != up.out_features}
        is_gated = up.out_features != down.in_features or bool(gate)
        return FeedForward(down.out_features, down.in_features, is_gated), {first, last, *gate}
    return None, set()


def _others(module: nn.Module, taken: Collection[str]) -> Iterator[Layer]:
    """Convolutions, poolings, and matrices that belong to neither attention nor feed-forward."""
    for name, part in walk(module):
        if (_is_weighty(part) and name not in taken) or is_pooling(part):
            yield layer_of(part, name)


def _heads(module: nn.Module, width: int) -> tuple[int | None, int | None]:
    """How many heads share that width and how wide each is, whichever of the two the model keeps."""
    if (heads := _number(module, HEADS)) is not None:
        return heads, width // heads
    each = _number(module, HEAD_WIDTHS)
    return (None, None) if each is None else (width // each, each)


def _number(module: nn.Module, names: Iterable[str]) -> int | None:
    found = (getattr(part, name, None) for name in names for part in module.modules())
    return next((number for number in found if isinstance(number, int)), None)


def _place(module: nn.Module, called: Collection[nn.Module]) -> Place | None:
    """Where the norms stand, by what a pass through the unit begins and ends with."""
    inside = set(module.modules())
    order = [part for part in called if part in inside and (is_norm(part) or _is_weighty(part))]
    if not order:
        return None
    if is_norm(order[-1]):
        return "before and after" if is_norm(order[0]) else "after"
    return "before"


def _shape(part: nn.Linear) -> tuple[int, int]:
    return part.in_features, part.out_features


def _last(name: str) -> str:
    return name.rpartition(".")[2]
