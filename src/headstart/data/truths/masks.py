"""Masks, which say of every pixel of a picture what it shows, made one: of each class the pixels, by lengths of runs.

A row holds them as JSON: {"size": [height, width], "regions": [{"label": …, "value": …, "rle": …}]}; `rle` is COCO's
compressed form, `value` what the pixels have in the file. What belongs to no region is ignored. Which value has which
name is the work of `palettes`.
"""

# H height, W width

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from headstart.data.images import MAX_PIXELS, looks, size_if_known
from headstart.data.problems import Fault

MOST_VALUES = 256
"""A mask with more is a picture, or numbers single things."""
INDICES = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")
COLOURS = ("RGB", "RGBA", "RGBX", "PA")
BY_DEFAULT = "255"
"""What is ignored in masks of numbers where nothing names it."""
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Region:
    """The pixels of one class: its name, what the file has for it ("3", or "#ff0000"), and where they are."""

    label: str
    value: str
    rle: str


@dataclass(frozen=True)
class Mask:
    """The regions of a picture; `size` is its height and width."""

    size: tuple[int, int]
    regions: tuple[Region, ...]


def dumps(mask: Mask) -> str:
    """A mask as a row holds it."""
    regions = [vars(region) for region in sorted(mask.regions, key=lambda region: by_value(region.value))]
    return json.dumps({"size": list(mask.size), "regions": regions}, ensure_ascii=False)


def loads(text: str) -> Mask:
    """The mask of a row."""
    found = json.loads(text)
    return Mask(tuple(found["size"]), tuple(Region(**one) for one in found["regions"]))


def by_value(value: str) -> tuple[int, str]:
    """What values are sorted by: numbers by their size, then colours."""
    return (int(value), "") if value.isdecimal() else (2**31, value)


def of_numbers(numbers_HW: npt.NDArray[Any], named: Mapping[int, tuple[str, str]]) -> Mask:
    """The mask of an array.

    Args:
        numbers_HW: A number for each pixel.
        named: Number -> name and value; pixels with others belong to no region.
    """
    size = (int(numbers_HW.shape[0]), int(numbers_HW.shape[1]))
    there = np.flatnonzero(np.bincount(numbers_HW[numbers_HW >= 0].ravel().astype(np.int64))).tolist()
    regions = [Region(*named[number], encoded(numbers_HW == number)) for number in there if number in named]
    return Mask(size, tuple(sorted(regions, key=lambda region: by_value(region.value))))


def numbers(mask: Mask, number: Mapping[str, int], *, rest: int) -> npt.NDArray[np.int16]:
    """A number for each pixel by the label of its region, `rest` where it has none or an unknown one, shape (H, W)."""
    found = np.full(mask.size, rest, dtype=np.int16)
    for region in mask.regions:
        if region.label in number:
            found[decoded(region.rle, mask.size)] = number[region.label]
    return found


def encoded(is_in_HW: npt.NDArray[np.bool_]) -> str:
    """Pixels as COCO's compressed lengths of runs, down the columns."""
    from pycocotools import mask

    return str(mask.encode(np.asfortranarray(is_in_HW, dtype=np.uint8))["counts"].decode("ascii"))


def decoded(rle: str, size: Sequence[int]) -> npt.NDArray[np.bool_]:
    """The pixels again, shape (H, W)."""
    lengths = _lengths(rle)
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(size[1], size[0]).T


def area(region: Region) -> int:
    """How many pixels it has."""
    return int(_lengths(region.rle)[1::2].sum())


def _lengths(rle: str) -> Numbers:
    """Lengths of runs, in turn of pixels that are not in it and that are.

    Every sign but the last of a number has its sixth bit set, the lower five are the number's, least first, and from
    the fourth number on each is the difference from the one before the last.

    Source: COCO's `maskApi.c`, `rleFrString`; pycocotools' own decoder gives arrays that NumPy 2 warns of.
    """
    signs = np.frombuffer(rle.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero((signs & 32) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    sizes = ends - starts + 1
    shifts = 5 * (np.arange(len(signs)) - np.repeat(starts, sizes))
    found = np.add.reduceat((signs & 31) << shifts, starts)
    found -= ((signs[ends] & 16) > 0) * (1 << 5 * sizes)
    found[1::2], found[2::2] = np.cumsum(found[1::2]), np.cumsum(found[2::2])
    return found


def unified(picture: Any, value: Any) -> tuple[Any, Any]:
    """The picture as it is and the mask of one row, the latter as JSON or as what is wrong with it.

    Args:
        picture: The path of its file, whose size the mask must have.
        value: The path of the mask's file.
    """
    if isinstance(picture, Fault) or isinstance(value, Fault):
        return picture, dumps(Mask((0, 0), ())) if isinstance(picture, Fault) else value
    size = size_if_known(picture)
    if size is None:
        return next(looks([picture])).fault or picture, dumps(Mask((0, 0), ()))
    mask = read(value)
    if isinstance(mask, Fault):
        return picture, mask
    height, width = mask.size
    if (width, height) != size:
        turned = " It would fit if the picture were not turned by its EXIF data." if (height, width) == size else ""
        said = f"the mask is {width} x {height} pixels and the picture {size[0]} x {size[1]}.{turned} Make them alike."
        return picture, Fault("mask-size", said)
    return picture, dumps(mask)


def read(path: str | Path) -> Mask | Fault:
    """The mask in a file, its regions not yet named, or what is wrong with it."""
    fault = next(looks([path])).fault
    if fault is not None and fault.severity == "error":
        return Fault(fault.kind.replace("image", "mask"), f'the mask "{path}": {fault.said}')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as image:
            if image.format == "JPEG":
                said = f'the mask "{path}" is a JPEG, which changes values. Save masks as PNG.'
                return Fault("mask-lossy", said)
            if image.size[0] * image.size[1] > MAX_PIXELS:
                return Fault("mask-enormous", f'the mask "{path}" has too many pixels. Make it smaller.')
            image.load()
            return _of_image(image, path)


def _of_image(image: Image.Image, path: Any) -> Mask | Fault:
    if image.mode in COLOURS:
        values, is_colour = _packed(image), True
    elif image.mode in INDICES:
        values, is_colour = np.asarray(image).astype(np.int64), False
    else:
        said = f'the mask "{path}" has pixels of mode {image.mode}. Save it with whole numbers or plain colours.'
        return Fault("mask-mode", said)
    if values.min(initial=0) < -1:
        return Fault("mask-negative", f'the mask "{path}" has the number {values.min()}. Number classes from 0.')
    distinct, at = np.unique(values, return_inverse=True)
    if len(distinct) > MOST_VALUES:
        said = (
            f'the mask "{path}" has {len(distinct):,} different {"colours" if is_colour else "numbers"}, more than '
            f"{MOST_VALUES}. Give each class one, with hard edges."
        )
        return Fault("mask-values", said)
    numbered = at.reshape(values.shape)
    named = {
        number: ("", f"#{value:06x}" if is_colour else str(value))
        for number, value in enumerate(distinct.tolist())
        if value >= 0
    }
    return of_numbers(numbered, named)


def _packed(image: Image.Image) -> Numbers:
    """Red, green and blue as one number a pixel; -1 where nothing is drawn."""
    pixels = np.asarray(image.convert("RGBA")).astype(np.int64)
    packed: Numbers = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
    return np.where(pixels[..., 3] == 0, -1, packed)
