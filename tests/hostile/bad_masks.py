"""Malformed masks of pictures, each made by one small function in an empty folder, with what must be said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bad_data import Build, Case
from PIL import Image

import families

SIZE = (40, 30)
"""Width and height of every picture here."""
Save = Callable[[Path], None]


def numbers(*values: int, mode: str = "L", size: tuple[int, int] = SIZE) -> Save:
    """A mask in stripes of these numbers."""

    def save(path: Path) -> None:
        stripes = np.resize(np.array(values), size[::-1])
        kind = {"L": np.uint8, "P": np.uint8, "I;16": np.uint16, "I": np.int32}[mode]
        image = Image.fromarray(stripes.astype(kind))
        if mode == "P":
            image = image.convert("P")
            image.putdata(stripes.ravel().tolist())
        image.save(path.with_suffix(".tiff") if mode == "I" else path)
        if mode == "I":
            path.with_suffix(".tiff").replace(path)

    return save


def colours(*values: str, mode: str = "RGB") -> Save:
    """A mask in stripes of these colours."""

    def save(path: Path) -> None:
        image = Image.new(mode, SIZE)
        for number, value in enumerate(values):
            image.paste(value, (number * 4, 0, SIZE[0], SIZE[1]))
        image.save(path)

    return save


def content(given: bytes) -> Save:
    """A file that holds these bytes."""
    return lambda path: path.write_bytes(given) and None


def cut_short(path: Path) -> None:
    numbers(*range(200))(path)
    path.write_bytes(path.read_bytes()[:60])


def jpeg(path: Path) -> None:
    Image.new("L", SIZE).save(path, "JPEG")


def noise(path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    Image.fromarray(values).save(path)


def floats(path: Path) -> None:
    Image.new("F", SIZE).save(path, "TIFF")


def folder(bad: Save | None, *, palette: Any = None, named: str = "palette.json", good: Save | None = None) -> Build:
    """images and masks: two good rows, and between them one whose mask is this, or is not there."""

    def build(place: Path) -> Path:
        for name in ("images", "masks"):
            (place / name).mkdir()
        for number in range(3):
            picture = families.picture((60, 90, 60 * number), seed=number).resize(SIZE)
            picture.save(place / "images" / f"{number}.png")
            save = bad if number == 1 else good or numbers(0, 1)
            if save is not None:
                save(place / "masks" / f"{number}.png")
        if palette is not None:
            text = palette if isinstance(palette, str) else json.dumps(palette)
            (place / named).write_text(text)
        return place

    return build


def listed(*lines: str) -> Build:
    """rows.csv with these lines beside a good folder."""

    def build(place: Path) -> Path:
        folder(numbers(0, 1))(place)
        (place / "rows.csv").write_text("\n".join(("image,mask", "images/0.png,masks/0.png", *lines)))
        return place / "rows.csv"

    return build


def turned(place: Path) -> Path:
    """A picture that lies on its side by its EXIF data, and a mask that does not."""
    folder(numbers(0, 1))(place)
    exif = Image.Exif()
    exif[0x0112] = 6
    families.picture((9, 9, 9), seed=1).resize(SIZE).save(place / "images" / "1.png", exif=exif)
    return place


def broken_picture(place: Path) -> Path:
    folder(numbers(0, 1))(place)
    (place / "images" / "1.png").write_bytes(b"no picture")
    return place


def no_masks_of_these(place: Path) -> Path:
    folder(numbers(0, 1))(place)
    for path in (place / "masks").iterdir():
        path.rename(path.with_name(f"other-{path.name}"))
    return place


NAMED = {"background": 0, "cell": 1}
COLOURS = {"background": "#000000", "cell": [255, 0, 0]}
RED = colours("#000000", "#ff0000")
CASES: tuple[Case, ...] = (
    Case(
        "a mask of another size",
        folder(numbers(0, 1, size=(30, 40))),
        '1.png, row 1, field "label": the mask is 30 x 40',
    ),
    Case("a mask of half the size", folder(numbers(0, 1, size=(20, 15))), "is 20 x 15 pixels and the picture 40 x 30"),
    Case("a picture turned by EXIF", turned, "It would fit if the picture were not turned by its EXIF data"),
    Case("no mask for a picture", folder(None), "the mask is empty. Give the path of its file"),
    Case("a path that is not there", listed("images/1.png,masks/nine.png"), 'rows.csv, row 2, field "label": the mask'),
    Case("an empty cell", listed("images/1.png,"), 'rows.csv, row 2, field "label": the mask is empty'),
    Case("an empty picture", listed(",masks/1.png"), 'rows.csv, row 2, field "image": the image is empty'),
    Case("a picture that is none", broken_picture, "its bytes are no image"),
    Case("no bytes", folder(content(b"")), "the file holds no bytes"),
    Case("bytes that are no picture", folder(content(b"mask")), "its bytes are no image"),
    Case("a file cut short", folder(cut_short), "it is damaged or cut short"),
    Case("a JPEG named PNG", folder(jpeg), "is a JPEG, which changes values. Save masks as PNG"),
    Case("a photograph for a mask", folder(noise), "different colours, more than 256"),
    Case("numbers of single things", folder(numbers(*range(900), mode="I;16")), "has 900 different numbers, more than"),
    Case("a number below zero", folder(numbers(0, -4, mode="I")), "has the number -4. Number classes from 0"),
    Case("real numbers", folder(floats), "has pixels of mode F. Save it with whole numbers"),
    Case(
        "a number the palette lacks", folder(numbers(0, 7), palette=NAMED), "have the number 7, and palette.json names"
    ),
    Case("a number no other mask has", folder(numbers(0, 255, 9), palette={**NAMED, "dust": 4}), "have the number 9"),
    Case(
        "a colour the palette lacks",
        folder(colours("#000000", "#fe0000"), palette=COLOURS, good=RED),
        'Is it "cell", #ff0000?',
    ),
    Case("all of it ignored", folder(numbers(255)), "every pixel of the mask is ignored"),
    Case(
        "all of it void by name", folder(numbers(2), palette={**NAMED, "void": 2}), "every pixel of the mask is ignored"
    ),
    Case("no file in the palette's place", folder(numbers(0, 1), palette={}), "palette.json names no class"),
    Case("a palette that breaks off", folder(numbers(0, 1), palette='{"cell": '), "palette.json does not name classes"),
    Case(
        "a palette of wrong values", folder(numbers(0, 1), palette={"cell": "red"}), "is neither a number nor a colour"
    ),
    Case("a palette with one number twice", folder(numbers(0, 1), palette={"a": 1, "b": 1}), "gives 1 two names"),
    Case("masks of other names", no_masks_of_these, "no file in images has one of the same name in masks"),
    Case("masks of one class", folder(numbers(0), good=numbers(0)), "every pixel of every training mask"),
)
