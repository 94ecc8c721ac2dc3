"""An anatomy as lines of a terminal: the stack with the head on top and the stem at the bottom, then what it costs."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from headstart.cli import _show
from headstart.report import parts, words

WIDTH = 100
LABEL = 14
NUMBERS = 30
"""Columns kept at the right for parameters and operations."""

Facts = Mapping[str, Any]


def lines(facts: Facts) -> list[str]:
    """Everything about a model.

    Args:
        facts: From `Anatomy.to_json`.
    """
    reads = f"reads {facts['modality']}" + (f" of up to {facts['max_tokens']:,} tokens" if facts["max_tokens"] else "")
    opening = [f"{facts['model']}: {facts['kind']}, {reads}", ""]
    boundary = facts["training"]["boundary"] if facts["training"] else None
    drawn = [*stack(facts, boundary), ""] if facts["blocks"] else []
    training = ["", *memory(facts["training"])] if facts["training"] else []
    return [*opening, *drawn, *about(facts), *training]


def stack(facts: Facts, boundary: int | None) -> Iterator[str]:
    """The parts from the top down, with the boundary drawn where it lies."""
    work = facts["work"]
    yield _row("", "", "parameters", f"FLOP {parts.UNITS[work['unit']]}")
    num_blocks, was_frozen = facts["num_blocks"], False
    yield _row("head", f"on top, made by the task{'; trained' if boundary is not None else ''}", "", "")
    whole = [facts["stem"], *parts.split(facts["blocks"], boundary), facts["top"]]
    above: Any = ()
    for part in reversed(whole):
        if part["kind"] == "top" and not part["layers"]:
            continue
        frozen = parts.is_frozen(part["first"], boundary, num_blocks)
        if frozen and not was_frozen:
            yield _line(boundary)
        was_frozen = frozen
        state = "" if boundary is None else "frozen" if frozen else "trained"
        yield from _part(part, state, work, is_told=bool(part["units"]) and part["units"] == above)
        above = part["units"]
    yield _row("in all", "", f"{facts['parameters']:,}", _flops(work["total"], work))


def _line(boundary: int | None) -> str:
    return f"  {f'── boundary {boundary}: above it is trained, below it stays as it is ':─<{WIDTH - 2}}"


def _part(part: Facts, state: str, work: Facts, *, is_told: bool) -> Iterator[str]:
    """One part: its line with figures, and below it what it is made of."""
    flops = _flops(part["flops"], work) if part["flops"] else ""
    parameters = f"{part['parameters']:,}"
    said = ", ".join(filter(None, [state, "all alike, each" if part["last"] > part["first"] else ""]))
    if is_told:
        yield _row(parts.name(part), f"{said}, as above", parameters, flops)
    elif part["units"] and parts.has_attention(part):
        yield _row(parts.name(part), said or part["kind"], parameters, flops)
        yield from _units(part)
    else:
        text = parts.stage(part) if part["units"] else parts.layers(part["layers"])
        text = text or ("the whole model as one block" if part["kind"] not in ("stem", "top") else "nothing")
        yield from _wrapped(parts.name(part), f"{said}: {text}" if said else text, parameters, flops)


def _units(part: Facts) -> Iterator[str]:
    for one in part["units"]:
        if len(part["units"]) > 1 or one["count"] > 1:
            yield f"{' ' * (LABEL + 2)}{one['count']} × {one['kind']}"
        for what, text in parts.unit(one):
            yield from _hanging(f"{' ' * (LABEL + 2)}{what:14}", text, WIDTH)
    if part["layers"]:
        yield from _hanging(f"{' ' * (LABEL + 2)}{'between':14}", parts.layers(part["layers"]), WIDTH)


def _flops(count: float, work: Facts) -> str:
    return parts.flops(parts.each(count, work)).removesuffix("FLOP").strip()


def _row(label: str, text: str, parameters: str, flops: str) -> str:
    left = f"  {label:{LABEL}}{text}"
    return f"{left:{WIDTH - NUMBERS}}{parameters:>15}{flops:>15}".rstrip()


def _wrapped(label: str, text: str, parameters: str, flops: str) -> Iterator[str]:
    """A row whose text may go on below itself, the figures on its first line."""
    # a layer is not torn apart: within it the spaces are such that no line may break there
    tied = re.sub(r"(?<![,;:]) ", "\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(tied, WIDTH - NUMBERS - LABEL - 3)
    first, *rest = (line.replace("\N{NO-BREAK SPACE}", " ") for line in lines)
    yield _row(label, first, parameters, flops)
    yield from (f"{' ' * (LABEL + 2)}{line}" for line in rest)


def _hanging(label: str, text: str, width: int) -> Iterator[str]:
    first, *rest = textwrap.wrap(text, width - len(label)) or [""]
    yield f"{label}{first}".rstrip()
    yield from (f"{' ' * len(label)}{line}" for line in rest)


def about(facts: Facts) -> Iterator[str]:
    """What the weights and a pass cost, where the model comes from, and its files."""
    for label, text in _facts(facts):
        yield from _hanging(f"  {label:{LABEL}}", text, WIDTH)
    rows = [(one["name"], _size(one["num_bytes"]), one["sha256"][:16]) for one in facts["files"]]
    for label, line in zip(["files", *[""] * len(rows)], files(rows), strict=False):
        yield f"  {label:{LABEL}}{line}"


def _facts(facts: Facts) -> Iterator[tuple[str, str]]:
    if facts["parameters"]:
        yield "weights", parts.weights(facts["num_bytes"])
    if facts["work"]:
        cost, counted = parts.work(facts["work"])
        yield "work", cost
        yield "", counted
    yield "gives", f"{len(facts['widths'])} hidden state{'s' * (len(facts['widths']) > 1)} of {parts.widths(facts)}"
    yield "cut", parts.cuts(facts) if facts["blocks"] else "nowhere: it cannot be trained, only read as it is"
    yield "licence", facts["license"] or "not stated by the model"
    code = "code that came with it was run" if facts["ran_code"] else "no code that came with it was run"
    revision = f", revision {facts['revision']}" if facts["revision"] else ""
    yield "source", f"{facts['source']}{revision}; {code}"
    yield "digest", facts["digest"]


def files(rows: Sequence[tuple[str, str, str]]) -> Iterable[str]:
    """Name, size and the beginning of the SHA-256 of each file, the sizes at the right."""
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    return (f"{name:{widths[0]}}  {size:>{widths[1]}}  sha256 {digest}" for name, size, digest in rows)


def _size(num_bytes: int | None) -> str:
    if num_bytes is None:
        return "?"
    return f"{num_bytes:,} B" if num_bytes < 2**20 else words.mib(num_bytes)


def memory(found: Facts) -> Iterator[str]:
    """What training above the boundary keeps in memory."""
    share = f"{found['trained']:,} of {found['parameters']:,} parameters are trained, and the head"
    yield f"  {'training':{LABEL}}{share if found['trained'] else 'nothing of the model is trained, only the head'}"
    rows = [
        ("weights", found["weights"], "all of them"),
        ("gradients", found["gradients"], "of what is trained"),
        ("AdamW", found["moments"], "two moments of what is trained"),
        ("activations", found["activations"], _activations(found)),
        ("in all", found["total"], "float32; head and work space come on top"),
    ]
    sizes = [(what, f"{words.mib(size):>11}", why) for what, size, why in rows]
    yield from _show.columns(sizes, indent=" " * (LABEL + 2))


def _activations(found: Facts) -> str:
    if not found["trained"]:
        return "none: nothing is kept for a way back"
    return f"{found['batch_size']} × {found['item']}, from passes of 2 and 3 rows"
