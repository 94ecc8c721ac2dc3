"""Pictures with what was found in them drawn on: boxes with their labels, masks; each label in a colour of its own."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headstart.data.truths import masks
from headstart.data.truths.masks import Mask, Region
from headstart.report.marked import hue

if TYPE_CHECKING:
    from PIL import Image

LIKELY = 0.5
"""Boxes that are less sure are not drawn."""
COVER = 0.5
"""How much of a picture a mask hides."""
GROUND = ("0", "#000000")
"""Values of what is usually no thing but the ground that things are on; it is left as it is."""
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


def masked(image: Image.Image, mask: Mask) -> Image.Image:
    """A copy of the picture with each region of its mask tinted in the colour of its label.

    Args:
        image: In RGB, at any size; the mask is drawn at that.
        mask: Of the picture.
    """
    import numpy as np
    from PIL import Image

    pixels = np.asarray(image.convert("RGB")).astype(np.float32)
    down, across = (np.arange(side) * of // side for side, of in zip(pixels.shape[:2], mask.size, strict=True))
    for region in mask.regions:
        if region.value not in GROUND:
            is_in = masks.decoded(region.rle, mask.size)[down[:, None], across]
            tint = np.array(color(region.label), dtype=np.float32)
            pixels[is_in] = pixels[is_in] * (1 - COVER) + tint * COVER
    return Image.fromarray(pixels.round().astype(np.uint8))


def mask_of(answer: Mapping[str, Any]) -> Mask:
    """The mask in a prediction."""
    regions = (Region(one["label"], one["value"], one["rle"]["counts"]) for one in answer["regions"])
    return Mask((answer["height"], answer["width"]), tuple(regions))


def numbered(mask: Mask) -> Image.Image:
    """A mask as its file would be: a number or a colour for each pixel."""
    import numpy as np
    from PIL import Image, ImageColor

    values = [region.value for region in mask.regions]
    is_colour = any(value.startswith("#") for value in values)
    is_deep = not is_colour and max(map(int, values), default=0) > 255
    pixels = np.zeros((*mask.size, 3) if is_colour else mask.size, dtype=np.uint16 if is_deep else np.uint8)
    for region in mask.regions:
        value: Any = ImageColor.getrgb(region.value) if is_colour else int(region.value)
        pixels[masks.decoded(region.rle, mask.size)] = value
    return Image.fromarray(pixels)
