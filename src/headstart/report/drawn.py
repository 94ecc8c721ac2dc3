"""Pictures with what was found in them drawn over, masks in colours; whether on a page or in a folder is no matter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.data import masks
from headstart.data.images import open_image
from headstart.data.masks import Mask, Region

if TYPE_CHECKING:
    from PIL import Image

COLOURS = (
    *("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#42d4f4"),
    *("#f032e6", "#bfef45", "#fabed4", "#469990", "#9a6324", "#ffe119"),
)
"""Of classes in their order, far from each other; after the last they begin again."""
COVER = 0.5
"""How much of a picture its mask hides."""
GROUND = ("0", "#000000")
"""Values of what is usually no thing but the ground that things are on; it is left as it is."""


def colour_of(label: str, labels: Sequence[str]) -> str:
    """The colour of a class among all."""
    return COLOURS[labels.index(label) % len(COLOURS)] if label in labels else COLOURS[-1]


def masked(image: Image.Image, mask: Mask, labels: Sequence[str]) -> Image.Image:
    """The picture with each region of its mask tinted in the colour of its class.

    Args:
        image: Of Pillow, in RGB, of any size; the mask is drawn at that size.
        mask: Of the picture.
        labels: All classes, by which colours are chosen.
    """
    import numpy as np
    from PIL import Image, ImageColor

    pixels = np.asarray(image.convert("RGB")).astype(np.float32)
    down, across = (np.arange(side) * of // side for side, of in zip(pixels.shape[:2], mask.size, strict=True))
    for region in mask.regions:
        if region.value not in GROUND:
            is_in = masks.decoded(region.rle, mask.size)[down[:, None], across]
            tint = np.array(ImageColor.getrgb(colour_of(region.label, labels)), dtype=np.float32)
            pixels[is_in] = pixels[is_in] * (1 - COVER) + tint * COVER
    return Image.fromarray(pixels.round().astype(np.uint8))


def answered(picture: str | Path, answer: dict[str, Any], labels: Sequence[str]) -> Image.Image:
    """The picture of a file with what a prediction says of it."""
    regions = tuple(Region(one["label"], one["value"], one["rle"]["counts"]) for one in answer["regions"])
    return masked(open_image(picture), Mask((answer["height"], answer["width"]), regions), labels)


def numbered(answer: dict[str, Any]) -> Image.Image:
    """The mask of a prediction as files of masks are: a number or a colour for each pixel."""
    import numpy as np
    from PIL import Image, ImageColor

    size = (answer["height"], answer["width"])
    values = [one["value"] for one in answer["regions"]]
    is_colour = any(value.startswith("#") for value in values)
    deep = not is_colour and max(map(int, values), default=0) > 255
    pixels = np.zeros((*size, 3) if is_colour else size, dtype=np.uint16 if deep else np.uint8)
    for one in answer["regions"]:
        value: Any = ImageColor.getrgb(one["value"]) if is_colour else int(one["value"])
        pixels[masks.decoded(one["rle"]["counts"], size)] = value
    return Image.fromarray(pixels)
