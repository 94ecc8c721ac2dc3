"""The parts of a model in words, from the anatomy's facts as run.json has them; shared by the page and the terminal."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from headstart.report import words as say

Facts = Mapping[str, Any]

POOLS = {"Max": "max pooling", "Avg": "average pooling"}
UNITS = {"token": "a token", "image": "an image", "second": "a second"}


def name(part: Facts) -> str:
    """What a part is called: "stem", "block 1", "blocks 2–6", "above"."""
    if part["kind"] in ("stem", "top"):
        return "stem" if part["kind"] == "stem" else "above"
    return f"block {part['first']}" if part["first"] == part["last"] else f"blocks {part['first']}–{part['last']}"


def split(blocks: Iterable[Facts], boundary: int | None) -> list[dict[str, Any]]:
    """The runs of blocks, a run that the boundary goes through as two."""
    found: list[dict[str, Any]] = []
    for part in blocks:
        if boundary is not None and part["first"] < boundary <= part["last"]:
            found += [{**part, "last": boundary - 1}, {**part, "first": boundary}]
        else:
            found.append(dict(part))
    return found


def is_frozen(depth: int, boundary: int | None, num_blocks: int) -> bool:
    """Whether a part stays as it is; above the highest block only the head learns."""
    return boundary is not None and (depth < boundary or boundary > num_blocks)


def layers(found: Iterable[Facts]) -> str:
    """Layers one after the other."""
    return ", ".join(map(layer, found))


def layer(one: Facts) -> str:
    """A layer with its sizes: "2 × conv 3×3 64→64"."""
    times = f"{one['count']} × " if one["count"] > 1 else ""
    return times + _layer(one)


def _layer(one: Facts) -> str:
    kind, shape = one["kind"], one["shape"]
    if kind.startswith("Conv") and one["kernel"]:
        return _convolution(one)
    if kind == "Linear":
        return f"linear {arrow(shape)}"
    if kind in ("Embedding", "parameter"):
        return f"{_own_name(one['name'])} {'×'.join(f'{size:,}' for size in shape)}"
    pool = re.search("|".join(POOLS), kind) if "Pool" in kind else None
    return POOLS[pool[0]] if pool else kind


def _convolution(one: Facts) -> str:
    kernel = "×".join(map(str, one["kernel"]))
    step = f" /{one['stride']}" if one["stride"] > 1 else ""
    if one["groups"] > 1 and one["groups"] == one["shape"][0]:
        return f"depthwise {kernel} of {one['shape'][0]:,}{step}"
    groups = f" in {one['groups']} groups" if one["groups"] > 1 else ""
    return f"conv {kernel} {arrow(one['shape'])}{step}{groups}"


def _own_name(path: str) -> str:
    """The last word of a path, or two of them where it says nothing alone."""
    words = path.split(".")
    last = words[-1] if words[-1] not in ("weight", "embedding") or len(words) == 1 else ".".join(words[-2:])
    return last.replace("tok_", "token ").replace("embed_", "embedded ").replace("_", " ")


def arrow(sizes: Sequence[int]) -> str:
    """Widths in the order in which they are passed: "384→1,536→384"."""
    return "→".join(f"{size:,}" for size in sizes)


def unit(one: Facts) -> Iterator[tuple[str, str]]:
    """What a unit is made of, line by line: what, and its sizes."""
    if one["attention"]:
        yield "attention", attention(one["attention"])
    if one["layers"]:
        yield ("beside" if one["attention"] else "layers"), layers(one["layers"])
    if one["feed_forward"]:
        yield "feed-forward", feed_forward(one)
    if one["norm"]:
        yield "norm", f"{one['norm']} {one['norm_place']} each" if one["norm_place"] else one["norm"]
    if one["activation"] and not one["feed_forward"]:
        yield "activation", one["activation"]


def attention(one: Facts) -> str:
    """Heads and matrices: "12 heads × 32; Q, K, V 384→384; W_O 384→384"."""
    heads = [] if one["heads"] is None else [f"{one['heads']} head{'s' * (one['heads'] > 1)} × {one['head_width']}"]
    output = [] if one["output"] is None else [f"W_O {arrow(one['output'])}"]
    return "; ".join([*heads, *_projections(one), *output])


def _projections(one: Facts) -> list[str]:
    query, key, value = (one[role] for role in ("query", "key", "value"))
    if one["is_fused"]:
        return [f"Q, K, V {query[0]:,}→3×{query[1]:,} in one"]
    if query == key == value:
        return [f"Q, K, V {arrow(query)}"]
    return [f"{letter} {arrow(shape)}" for letter, shape in (("Q", query), ("K", key), ("V", value))]


def feed_forward(one: Facts) -> str:
    """Up and down again: "384→1,536→384, GELU"."""
    found = one["feed_forward"]
    widths = arrow([found["width"], found["inner"], found["width"]])
    return ", ".join([widths, *([one["activation"]] if one["activation"] else []), *["gated"] * found["is_gated"]])


def stage(part: Facts) -> str:
    """A part without attention on one line: what its units are made of, and what stands between them."""
    inner = []
    for one in part["units"]:
        told = [text for what, text in unit(one) if what in ("layers", "feed-forward")]
        shown = ", ".join(told) or one["kind"]
        inner.append(f"{one['count']} × ({shown})" if one["count"] > 1 else shown)
    between = [f"between stages {layers(part['layers'])}"] if part["layers"] else []
    return "; ".join([*inner, *between])


def has_attention(part: Facts) -> bool:
    """Whether it is a block of a Transformer, or a stage of them."""
    return any(one["attention"] for one in part["units"])


def each(flops: float, one: Facts) -> float:
    """Operations for one token, image or second."""
    return flops / float(one["size"])


def flops(count: float) -> str:
    """A count of operations in three digits: "22.4 MFLOP"."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{_three(count / size)} {letter}FLOP"
    return f"{count:.0f} FLOP"


def _three(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def work(one: Facts) -> tuple[str, str]:
    """What a pass costs, and how that was counted: two sentences."""
    parts = [(one["linear"], "in linear layers"), (one["convolution"], "in convolutions")]
    among = {"token": "tokens", "image": "patches", "second": "frames"}[one["unit"]]
    parts.append((one["products"], f"in attention among {among}"))
    told = [f"{flops(each(count, one)).removesuffix('FLOP')} {where}" for count, where in parts if count]
    inner = f": {', '.join(told)}" if len(told) > 1 else ""
    grows = ", and attention grows with the length" if one["products"] and one["unit"] != "image" else ""
    counted = f"counted by torch on {one['item']}; a multiply-add counts as 2{grows}"
    return f"{flops(each(one['total'], one))} {UNITS[one['unit']]}{inner}", counted


def weights(num_bytes: Mapping[str, int]) -> str:
    """The size of the weights in each precision."""
    return ", ".join(f"{precision} {say.mib(size)}" for precision, size in num_bytes.items())


def widths(facts: Facts) -> str:
    """How wide the hidden states are, from the stem up; a width that stays is told once."""
    return " → ".join(f"{width:,}" for width, _ in itertools.groupby(facts["widths"])) + " numbers"


def cuts(facts: Facts) -> str:
    """Where it can be cut, in a sentence."""
    top = facts["num_blocks"] + 1
    if facts["is_cut_at_the_ends_only"]:
        return f"only at the ends, for its blocks were not found: --boundary 0 (all is trained) or {top} (the head)"
    return f"between any two blocks: --boundary 0 (all is trained) to {top} (only the head is)"
