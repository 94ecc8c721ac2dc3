"""Pictures with what was found in them drawn on: boxes with their labels, each label in a colour of its own."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headstart.report.marked import hue

if TYPE_CHECKING:
    from PIL import Image

LIKELY = 0.5
"""Boxes that are less sure are not drawn."""
THICK = 200
"""Lines are a pixel thick for every so many pixels of the picture's longer side."""


def color(label: str) -> tuple[int, int, int]:
    """The colour of a label, the same in every picture, bright enough to be seen on any."""
    red, green, blue = colorsys.hls_to_rgb(hue(label) / 360, 0.5, 0.9)
    return round(255 * red), round(255 * green), round(255 * blue)


def boxed(image: Image.Image, boxes: Sequence[Mapping[str, Any]], *, scale: float = 1.0) -> Image.Image:
    """A copy of the picture with boxes around things, and on each its label and, if it has one, its score.

    Args:
        image: In RGB.
        boxes: With "label" and "box", in pixels of the picture before it was scaled, and perhaps "score".
        scale: By which factor it was.
    """
    from PIL import ImageDraw, ImageFont

    copy = image.copy()
    draw = ImageDraw.Draw(copy)
    thick = max(1, round(max(image.size) / THICK))
    high = max(9, 6 * thick)
    font = ImageFont.load_default(size=high)
    for one in boxes:
        left, top, right, bottom = (edge * scale for edge in one["box"])
        shade = color(str(one["label"]))
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=shade, width=thick)
        said = str(one["label"]) + (f" {one['score']:.2f}" if "score" in one else "")
        where = (left + thick, max(0.0, top - high - thick))
        draw.rectangle(draw.textbbox(where, said, font=font), fill=shade)
        draw.text(where, said, fill="black" if sum(shade) > 380 else "white", font=font)
    return copy
