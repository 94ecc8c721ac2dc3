"""The inside of a Transformer block drawn from the anatomy's facts: Q, K, V, heads, W_O, the way around, feed-forward.

Only what the facts say is drawn; a block without attention has no such picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from headstart.report import parts
from headstart.report.svg import box, drawing, element, line, words
from headstart.report.tower import arrow

WIDTH = 440.0
MIDDLE = 190.0
AROUND = 22.0
"""Where the way around attention and feed-forward runs."""
SIDE = 336.0
"""Where the captions stand."""
NARROW, WIDE = 132.0, 272.0
FUNNEL = 32.0
STEP = 17.0
"""Room for an arrow."""

SPLIT = 13.0
"""Room for the lines that lead to Q, K and V: up to where they part, and on from there."""

Facts = Mapping[str, Any]


def inside(facts: Facts) -> Markup:
    """A block of the longest run with attention; nothing where there is none."""
    part = shown(facts)
    if part is None:
        return Markup("")
    children, height = figure(part)
    return drawing(WIDTH, height, children, label=told(part))


def shown(facts: Facts) -> Facts | None:
    """The run of blocks whose inside is drawn: with attention, and the most parameters in all."""
    found = [part for part in facts["blocks"] if parts.has_attention(part)]
    return max(found, key=lambda part: part["parameters"] * (part["last"] - part["first"] + 1), default=None)


def told(part: Facts) -> str:
    """What the picture shows, in words."""
    lines = "; ".join(f"{what} {text}" for what, text in parts.unit(_unit(part)))
    return f"Inside {parts.name(part)}: {lines}"


def _unit(part: Facts) -> Facts:
    found: Facts = next(one for one in part["units"] if one["attention"])
    return found


def figure(part: Facts) -> tuple[list[Markup], float]:
    """The drawing from the bottom up, moved down to begin at the top, and its height."""
    one = _unit(part)
    children, y = [], 0.0
    for draw in (_attention, _feed_forward):
        drawn, y = _around(one, y, draw)
        children += drawn
    children += arrow((MIDDLE, y), (MIDDLE, y - STEP))
    top = 26 - (y - STEP)
    title = f"inside {parts.name(part)}" + (f", {one['kind']}" if len(part["units"]) > 1 or one["count"] > 1 else "")
    moved = element("g", {"transform": f"translate(0 {top:.1f})"}, *children)
    return [words((AROUND - 12, 14), title, "strong"), moved], top + 8


def _around(one: Facts, y: float, draw: Any) -> tuple[list[Markup], float]:
    """A part of the block with its norms, the way around it, and the sum where the two meet."""
    place, start = one["norm_place"] or "", y - 6
    children: list[Markup] = []
    if "before" in place:
        children += [*arrow((MIDDLE, y), (MIDDLE, y - STEP)), *_box(y - STEP, NARROW, 24, one["norm"], "soft")]
        y -= STEP + 24
    drawn, y = draw(one, y)
    children += [*drawn, *arrow((MIDDLE, y), (MIDDLE, y - STEP))]
    y -= STEP + 10
    children += [_way(start, y), *_sum(y)]
    y -= 10
    if "after" in place:
        children += [*arrow((MIDDLE, y), (MIDDLE, y - STEP)), *_box(y - STEP, NARROW, 24, one["norm"], "soft")]
        y -= STEP + 24
    return children, y


def _attention(one: Facts, y: float) -> tuple[list[Markup], float]:
    found = one["attention"]
    children, each = [line((MIDDLE, y), (MIDDLE, y - SPLIT), "flow")], (WIDE - 16) / 3
    y -= 2 * SPLIT
    children.append(line((MIDDLE - each - 8, y + SPLIT), (MIDDLE + each + 8, y + SPLIT), "flow"))
    for at, (letter, role) in enumerate((("Q", "query"), ("K", "key"), ("V", "value"))):
        left = MIDDLE - WIDE / 2 + at * (each + 8)
        children += [box((left, y - 38), (each, 38), "part plain")]
        children += arrow((left + each / 2, y + SPLIT), (left + each / 2, y))
        children += _two_lines(left + each / 2, y - 38, letter, parts.arrow(found[role]))
        children += arrow((left + each / 2, y - 38), (left + each / 2, y - 38 - STEP))
    if found["is_fused"]:
        children.append(words((SIDE + 4, y - 15), "one matrix", "label small"))
    y -= 38 + STEP
    heads = "attention" if found["heads"] is None else f"{found['heads']} heads × {found['head_width']}"
    children += [*_box(y, WIDE, 30, heads, "soft"), words((SIDE + 4, y - 11), "attention", "label")]
    y -= 30
    if found["output"]:
        children += arrow((MIDDLE, y), (MIDDLE, y - STEP))
        y -= STEP
        children += [box((MIDDLE - NARROW / 2, y - 38), (NARROW, 38), "part plain")]
        children += _two_lines(MIDDLE, y - 38, "W_O", parts.arrow(found["output"]))
        y -= 38
    return children, y


def _feed_forward(one: Facts, y: float) -> tuple[list[Markup], float]:
    found = one["feed_forward"]
    if not found:
        return [], y
    lead = [*arrow((MIDDLE, y), (MIDDLE, y - STEP))]
    y -= STEP
    up = [found["width"], found["inner"]]
    middle = ", ".join([one["activation"] or "", *["gated"] * found["is_gated"]]).strip(", ")
    children = [
        *lead,
        _funnel(y, NARROW, WIDE),
        words((MIDDLE, y - FUNNEL / 2 + 4), parts.arrow(up), "small", anchor="middle"),
        words((MIDDLE, y - FUNNEL - 8), middle, "small", anchor="middle"),
        words((SIDE + 4, y - FUNNEL - 8), "feed-forward", "label"),
        _funnel(y - FUNNEL - 24, WIDE, NARROW),
        words((MIDDLE, y - FUNNEL * 1.5 - 20), parts.arrow(up[::-1]), "small", anchor="middle"),
    ]
    return children, y - 2 * FUNNEL - 24


def _funnel(y: float, below: float, above: float) -> Markup:
    """A matrix to a greater or a smaller width."""
    low, high = y, y - FUNNEL
    corners = ((-below, low), (below, low), (above, high), (-above, high))
    points = " ".join(f"{MIDDLE + x / 2:.1f},{y:.1f}" for x, y in corners)
    return element("polygon", {"points": points, "class": "part plain"})


def _box(y: float, width: float, height: float, text: str, kind: str) -> Iterator[Markup]:
    """A box that stands on y, with its text in the middle."""
    yield box((MIDDLE - width / 2, y - height), (width, height), f"part {kind}")
    yield words((MIDDLE, y - height / 2 + 4), text, "small", anchor="middle")


def _two_lines(x: float, top: float, name: str, sizes: str) -> Iterator[Markup]:
    yield words((x, top + 16), name, "strong", anchor="middle")
    yield words((x, top + 31), sizes, "small", anchor="middle")


def _way(start: float, end: float) -> Markup:
    path = f"M{MIDDLE} {start:.1f}H{AROUND}V{end:.1f}H{MIDDLE - 9}"
    return element("path", {"d": path, "class": "flow"})


def _sum(y: float) -> Iterator[Markup]:
    yield element("circle", {"cx": MIDDLE, "cy": y, "r": 9, "class": "sum"})
    yield line((MIDDLE - 4.5, y), (MIDDLE + 4.5, y), "flow")
    yield line((MIDDLE, y - 4.5), (MIDDLE, y + 4.5), "flow")
