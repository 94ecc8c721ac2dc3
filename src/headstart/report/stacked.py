"""The picture of a model as a file of its own: one SVG that reads in light and in dark and fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from headstart.report import block, parts, tower
from headstart.report import words as say
from headstart.report.svg import element, fitted, words

MARGIN = 20.0
TITLE = 62.0
FEET = 40.0
BETWEEN = 24.0
LONE = 700.0
"""Of a stack that stands without the inside of a block, so that its layers can be read."""

ALONE = """svg .paper { fill: var(--paper); }
svg text { fill: var(--ink); font-size: 13px; font-family: system-ui, sans-serif; }"""
"""What the page says of its body and not of its drawings."""

Facts = Mapping[str, Any]


def whole(facts: Facts, boundary: int | None = None) -> str:
    """The stack, beside it the inside of a block where there is attention, above both what the model is.

    Args:
        facts: From `Anatomy.to_json`, or "anatomy" of a run.json.
        boundary: What it leaves as it is, is hatched; None hatches nothing.
    """
    if not facts["blocks"]:
        return _page(facts, [], 0, 0, label=f"{facts['model']}: its inside is not known", feet="")
    part = block.shown(facts)
    width, label = (LONE if part is None else tower.WIDTH), tower.told(facts, boundary)
    stack, height = tower.bars(facts, boundary, width)
    drawn = [_moved(stack, 0)]
    if part is not None:
        inner, tall = block.figure(part)
        drawn.append(_moved(inner, width + BETWEEN))
        width, height, label = width + BETWEEN + block.WIDTH, max(height, tall), f"{label}. {block.told(part)}"
    return _page(facts, drawn, width, height, label=label, feet=_feet(boundary))


def _moved(children: list[Markup], left: float) -> Markup:
    return element("g", {"transform": f"translate({MARGIN + left:.0f} {TITLE:.0f})"}, *children)


def _page(facts: Facts, drawn: list[Markup], width: float, height: float, *, label: str, feet: str) -> str:
    width, height = max(width, tower.WIDTH) + 2 * MARGIN, height + TITLE + FEET
    title = f"{facts['kind']}: {facts['model']}"
    room = width - 2 * MARGIN
    heading = [
        words((MARGIN, 30), fitted(facts["model"], 17, room), "strong", size=17),
        words((MARGIN, 49), fitted(_summary(facts), 12.5, room * 1.1), "label"),
    ]
    box = {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    paper = element("rect", {"width": f"{width:g}", "height": f"{height:g}", "rx": 12, "class": "paper"})
    return str(
        element(
            "svg",
            {"xmlns": "http://www.w3.org/2000/svg", **box, "role": "img", "aria-labelledby": "title desc"},
            element("title", {"id": "title"}, title),
            element("desc", {"id": "desc"}, label),
            element("style", {}, Markup(style())),
            paper,
            *heading,
            *drawn,
            words((MARGIN, height - 16), feet, "label small"),
        )
    )


def _summary(facts: Facts) -> str:
    work = [f"{parts.work(facts['work'])[0].partition(':')[0]}"] if facts["work"] else []
    weights = f"{say.mib(facts['num_bytes']['float32'])} in float32"
    return " · ".join([facts["kind"], f"{say.amount(facts['parameters'])} parameters", weights, *work])


def _feet(boundary: int | None) -> str:
    marks = "" if boundary is None else "; filled is trained, hatched stays as it is"
    return f"A bar is as wide as the root of its parameters{marks}."


def style() -> str:
    """The page's colours and the rules of its drawings, for a picture that stands alone."""
    folder = Path(__file__).parent
    page = (folder / "page.css").read_text(encoding="utf-8")
    colours, _, _ = page.partition("* {")
    drawings = re.findall(r"^svg \.(?:label|tick)[^\n]*$", page, re.M)
    stack = (folder / "stack.css").read_text(encoding="utf-8")
    return "\n".join(["", colours.strip(), ALONE, *drawings, stack])
