"""The stack of a model drawn from the anatomy's facts: the stem at the bottom, a bar for each block, the head on top.

What a boundary leaves as it is, is hatched; how a block looks inside is drawn in `block`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from headstart.report import parts
from headstart.report import words as say
from headstart.report.svg import box, drawing, element, fitted, line, words

WIDTH = 440.0
MIDDLE, WIDEST, NARROWEST = 104.0, 184.0, 26.0
"""Where the bars stand, and how wide the largest and the smallest is."""
LABELS = 212.0
"""Where the words beside them begin."""
GAP = 4.0
TALL, LOW, ROOM = 30.0, 7.0, 430.0
"""Of a bar: the tallest, the lowest, and what all blocks share."""
TOLD = 40.0
"""Of a bar whose layers stand below its name."""
MOST_TOLD = 9
ROOMY, READABLE = 17.0, 11.0
"""Bars beside which a name reads at its full size, and at a smaller one."""
CUT = 24.0
"""Room for the boundary's line."""

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Bar:
    """One bar: the part it stands for, how tall it is, and whether words stand beside it."""

    part: Facts
    depth: int
    height: float
    is_labelled: bool
    detail: str = ""


def tower(facts: Facts, boundary: int | None = None) -> Markup:
    """The whole stack as a drawing of its own, with what it shows in words."""
    children, height = bars(facts, boundary, WIDTH)
    return drawing(WIDTH, height, children, label=told(facts, boundary))


def told(facts: Facts, boundary: int | None) -> str:
    """What the picture shows, in words, from the bottom up."""
    runs = [facts["stem"], *parts.split(facts["blocks"], boundary), facts["top"]]
    each = [f"{parts.name(part)} {say.amount(part['parameters'])}{_state(part, boundary, facts)}" for part in runs]
    return f"The stack of {facts['model']} with parameters, from the bottom: {'; '.join(each)}; the head on top"


def _state(part: Facts, boundary: int | None, facts: Facts) -> str:
    if boundary is None:
        return ""
    return " frozen" if parts.is_frozen(part["first"], boundary, facts["num_blocks"]) else " trained"


def bars(facts: Facts, boundary: int | None, width: float) -> tuple[list[Markup], float]:
    """The bars from the top down with their words, and how tall they are together."""
    y, num_blocks = 6.0, facts["num_blocks"]
    head = Label("head", "by the task", width)
    children = [box((MIDDLE - 46, y), (92, TALL - 6), "part head"), *_label(y, TALL - 6, head)]
    y += TALL - 6 + GAP
    largest = max(part["parameters"] for part in (facts["stem"], *facts["blocks"], facts["top"]))
    was_frozen = False
    for bar in reversed(_bars(facts, boundary)):
        frozen = parts.is_frozen(bar.depth, boundary, num_blocks)
        if frozen and not was_frozen:
            children += _boundary(y, boundary)
            y += CUT
        was_frozen = frozen
        kind = "plain" if boundary is None else "frozen" if frozen else "trained"
        children += _bar(bar, y, kind, largest, width)
        y += bar.height + GAP
    children += _input(y, facts)
    return children, y + 34


def _bars(facts: Facts, boundary: int | None) -> list[Bar]:
    """From the bottom up; many blocks are low, and only those at the ends of a run are named."""
    num_blocks = facts["num_blocks"]
    has_heads = any(map(parts.has_attention, facts["blocks"]))
    height = TOLD if num_blocks <= MOST_TOLD and not has_heads else min(TALL, max(LOW, ROOM / num_blocks - GAP))
    found = [Bar(facts["stem"], 0, TOLD, True, parts.layers(facts["stem"]["layers"]))]
    for part in parts.split(facts["blocks"], boundary):
        for depth in range(part["first"], part["last"] + 1):
            is_labelled = height >= READABLE or (part["last"] - part["first"] > 1 and depth == part["last"])
            found.append(Bar(part, depth, height, is_labelled, "" if has_heads else parts.stage(part)))
    top = facts["top"]
    if top["parameters"] or top["layers"]:
        found.append(Bar(top, num_blocks + 1, TOLD, True, parts.layers(top["layers"])))
    return found


def _bar(bar: Bar, y: float, kind: str, largest: int, room: float) -> Iterator[Markup]:
    parameters = bar.part["parameters"]
    # the root keeps a block visible beside a table of words that is ten times its size
    width = max(NARROWEST, WIDEST * (parameters / max(largest, 1)) ** 0.5)
    is_block = bar.part["kind"] not in ("stem", "top")
    name = f"block {bar.depth}" if is_block else parts.name(bar.part)
    corner = (MIDDLE - width / 2, y)
    tip = f"{name}: {parameters:,} parameters" + (f"; {bar.detail}" if bar.detail else "")
    yield box(corner, (width, bar.height), f"part {kind}", tip=tip)
    if kind == "frozen":
        yield hatch(corner, (width, bar.height))
    if bar.is_labelled:
        is_run = is_block and bar.height < READABLE
        figure = say.amount(parameters) + (" each" if is_run else "")
        label = Label(parts.name(bar.part) if is_run else name, figure, room, bar.detail)
        yield from _label(y, bar.height, label)


@dataclass(frozen=True)
class Label:
    """The words beside a bar: its name, a figure at the right end of the room, and what it is made of."""

    name: str
    figure: str
    room: float
    detail: str = ""


def _label(y: float, height: float, label: Label) -> Iterator[Markup]:
    is_below = bool(label.detail) and height >= TOLD
    small = "" if height >= ROOMY else " small"
    middle = y + height / 2 + 4.5 - (8.5 if is_below else 0)
    yield words((LABELS, middle), label.name, f"strong{small}")
    yield words((label.room - 6, middle), label.figure, f"label{small}", anchor="end")
    if label.detail:
        left, down = (0, 17) if is_below else (66, 0)
        room = label.room - LABELS - left - (6 if is_below else 54)
        yield words((LABELS + left, middle + down), fitted(label.detail, 10.8, room), "label small")


def _boundary(y: float, boundary: int | None) -> Iterator[Markup]:
    middle = y + CUT / 2 - GAP / 2
    yield line((6, middle), (LABELS - 8, middle), "cut")
    yield words((LABELS, middle + 4), f"boundary {boundary}: frozen below", "cutting")


def _input(y: float, facts: Facts) -> Iterator[Markup]:
    yield from arrow((MIDDLE, y + 20), (MIDDLE, y + 1))
    most = f", up to {facts['max_tokens']:,} tokens" if facts["max_tokens"] else ""
    yield words((LABELS, y + 18), f"{facts['modality']}{most}", "label")


def arrow(start: tuple[float, float], end: tuple[float, float]) -> Iterator[Markup]:
    """A line upwards with a point at its end."""
    yield line(start, (end[0], end[1] + 5), "flow")
    x, y = end
    yield element(
        "polygon", {"points": f"{x - 4:.1f},{y + 7:.1f} {x + 4:.1f},{y + 7:.1f} {x:.1f},{y:.1f}", "class": "tip"}
    )


def hatch(corner: tuple[float, float], size: tuple[float, float], *, step: float = 7) -> Markup:
    """Slanted lines inside a rectangle; drawn one by one, because a pattern would be a reference."""
    (left, top), (width, height) = corner, size
    strokes: Sequence[str] = [
        f"M{left + max(0, at - height):.1f} {top + min(at, height):.1f}"
        f"L{left + min(at, width):.1f} {top + max(0, at - width):.1f}"
        for at in (step * number for number in range(1, int((width + height) / step) + 1))
    ]
    return element("path", {"d": "".join(strokes), "class": "hatch"})
