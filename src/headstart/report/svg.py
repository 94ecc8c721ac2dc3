"""SVG from small pure functions: scales, ticks and shapes, every string escaped on its way in.

What is drawn with them is in `plots`; colours are classes the page's style sheet fills in, for light and for dark.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True)
class Scale:
    """Maps values from `low` to `high` onto coordinates from `start` to `end`, in straight proportion."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, *, about: int = 5) -> list[float]:
    """Round values in even steps of 1, 2 or 5 times a power of ten that enclose both ends.

    Args:
        low: Smallest value to enclose.
        high: Largest; may equal `low`.
        about: How many steps are wanted, more or less.
    """
    span = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * about >= span * (1 - 1e-9))
    # a small slack keeps 0.3 / 0.1 = 2.9999… from adding an empty step at either end
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if first == last:
        # a lone value stands on top, for there is often nothing above it, unless there is nothing below
        first, last = (first - 1, last) if first > 0 else (first, last + 1)
    return [round(index * step, 12) for index in range(first, last + 1)]


def element(tag: str, attributes: Mapping[str, object], *children: str) -> Markup:
    """One element; values and plain-string children are escaped, `Markup` children are kept."""
    written = "".join(f' {escape(name)}="{escape(_short(value))}"' for name, value in attributes.items())
    return Markup(f"<{tag}{written}>{Markup('').join(children)}</{tag}>")


def _short(value: object) -> object:
    """Coordinates to a tenth of a unit: more is bytes nobody sees."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value


def drawing(width: float, height: float, children: Sequence[Markup], *, label: str) -> Markup:
    """A whole drawing that scales with its column; `label` is read out in its place."""
    box = {"viewBox": f"0 0 {width:g} {height:g}", "width": width, "height": height, "role": "img", "aria-label": label}
    return element("svg", box, *children)


def line(start: tuple[float, float], end: tuple[float, float], kind: str) -> Markup:
    """A straight line between two points."""
    return element("line", {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1], "class": kind})


def polyline(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    """A line through the points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return element("polyline", {"points": path, "class": kind})


def area(edge: Sequence[tuple[float, float]], kind: str) -> Markup:
    """What the points enclose, filled."""
    return element("polygon", {"points": " ".join(f"{x:.1f},{y:.1f}" for x, y in edge), "class": kind})


def dot(at: tuple[float, float], radius: float, kind: str, *, tip: str = "") -> Markup:
    """A filled circle; `tip` appears under the pointer."""
    return element("circle", {"cx": at[0], "cy": at[1], "r": radius, "class": kind}, *_tip(tip))


def box(at: tuple[float, float], size: tuple[float, float], kind: str, *, opacity: float = 1, tip: str = "") -> Markup:
    """A filled rectangle from its upper left corner."""
    where = {"x": at[0], "y": at[1], "width": size[0], "height": size[1], "class": kind}
    return element("rect", where | ({} if opacity == 1 else {"opacity": f"{opacity:.2f}"}), *_tip(tip))


def _tip(tip: str) -> tuple[Markup, ...]:
    return (element("title", {}, tip),) if tip else ()


def words(
    at: tuple[float, float], text: str, kind: str = "", *, anchor: str = "start", turn: float = 0, size: float = 0
) -> Markup:
    """A text; `anchor` is start, middle or end, `turn` in degrees clockwise, `size` 0 takes the sheet's."""
    look: dict[str, object] = {"x": at[0], "y": at[1], "class": kind, "text-anchor": anchor}
    if turn:
        look["transform"] = f"rotate({turn:g} {at[0]:.1f} {at[1]:.1f})"
    if size:
        look["style"] = f"font-size:{size:.3g}px"  # an attribute would lose to the style sheet
    return element("text", look, text)


def width_of(text: str, size: float) -> float:
    """About how wide a text is: there is no font to measure, so wide scripts count one em and others 0.6."""
    return sum(size if unicodedata.east_asian_width(letter) in "WF" else 0.6 * size for letter in text)


def fitted(text: str, size: float, room: float) -> str:
    """As much of the text as fits in the room, the cut shown."""
    if width_of(text, size) <= room:
        return text
    text = text[: int(room / size * 4)]
    while text and width_of(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"
