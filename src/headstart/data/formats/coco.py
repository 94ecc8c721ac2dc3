"""Files in the form of COCO: pictures, annotations and categories in one JSON value, as a part with a row a picture.

Whether a box fits its picture is looked at with the cells of the row, as for any other format.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from headstart.data.formats.annotated import Annotated, part_of
from headstart.data.part import SPLIT_NAMES, Part
from headstart.data.problems import Fault, short
from headstart.data.truths.boxes import SAID, Drawn, Given
from headstart.errors import DataError

NAMED = re.compile(r"(instances_|annotations?_)?(train|val|valid|validation|test|dev)(?:[-_]?\d+)?")
"""Names of files for a split, such as instances_train2017."""
TRIED = 5
"""Pictures by which a folder is recognised as theirs."""
Value = Mapping[str, Any]


def is_coco(value: Any) -> bool:
    """Whether a JSON value has the outer form of such a file."""
    names = ("images", "annotations")
    return isinstance(value, dict) and all(isinstance(value.get(name), list) for name in names)


def splits(folder: Path, name: str) -> Mapping[str, Part]:
    """Split -> part, where the folder has such files named for splits, in itself or in "annotations"; else empty."""
    found = dict[str, Part]()
    for place in (folder, folder / "annotations"):
        for path in sorted(place.glob("*.json")) if place.is_dir() else ():
            match = NAMED.fullmatch(path.stem.lower())
            if match is None or (match[1] is None and place == folder):
                continue  # a file called train.json may hold anything
            value, split = _value_of(path), SPLIT_NAMES[match[2]]
            if is_coco(value) and split not in found:
                found[split] = open_coco(value, path, f"{name}/{path.relative_to(folder)}")
    return found if "train" in found else {}


def _value_of(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def open_coco(value: Value, path: Path, name: str, *, images: Path | None = None) -> Part:
    """The pictures of a file.

    Args:
        value: What the JSON file holds; see `is_coco`.
        path: The file.
        name: How messages call it.
        images: Folder of the pictures; by default looked for beside the file.

    Raises:
        DataError: It has no picture, or no table of categories.
    """
    categories = value.get("categories")
    if not isinstance(categories, list) or not categories:
        raise DataError(f'{name} has no list "categories" of ids and names. Add it: boxes tell their class by its id.')
    if not value["images"]:
        raise DataError(f'{name} has no entry in "images". List each picture with "id" and "file_name".')
    names, fault = _names(categories)
    if fault is not None:
        raise DataError(f"{name}: {fault} Correct the categories.")
    base = _folder_of(value["images"], path) if images is None else images
    said = (
        f"{name} is in the form of COCO: boxes are {SAID['sized']}; {len(names)} categories "
        f"by their ids, {min(names)} to {max(names)}; pictures are in {base}.",
    )
    return part_of(name, partial(_rows, value, names, name), base=base, said=said)


def _names(categories: Sequence[Any]) -> tuple[dict[int, str], str | None]:
    """The name of each id, and what is wrong with the table."""
    names = dict[int, str]()
    for number, one in enumerate(categories, start=1):
        key, word = (one.get("id"), one.get("name")) if isinstance(one, dict) else (None, None)
        if not isinstance(key, int) or not isinstance(word, str) or not word.strip():
            return names, f'category {number}, "{short(one)}", has no "id" that is a number and "name" that is a word.'
        if key in names:
            return names, f'two categories have the id {key}, "{short(names[key])}" and "{short(word)}".'
        names[key] = word
    return names, None


def _folder_of(images: Sequence[Any], path: Path) -> Path:
    """The folder near the file that has its pictures; that of the file where none does."""
    above = path.parent.parent if path.parent.name.lower() == "annotations" else path.parent
    stem = re.sub(r"^(instances|annotations?)_", "", path.stem)
    inside = ("", stem, "images", f"images/{stem}", "JPEGImages", "data")
    files = [one.get("file_name") for one in images[:TRIED] if isinstance(one, dict)]
    tried = [place / one for place in dict.fromkeys((path.parent, above)) for one in inside]
    return next((place for place in tried if _holds(place, files)), path.parent)


def _holds(place: Path, files: Sequence[Any]) -> bool:
    return any(isinstance(file, str) and (place / file).is_file() for file in files)


def _rows(value: Value, names: Mapping[int, str], file: str) -> Iterator[Annotated]:
    """A row for every picture in the order of the file, and faults for annotations of none."""
    of_image = defaultdict[Any, list[Any]](list)
    ids = [one.get("id") if isinstance(one, dict) else None for one in value["images"]]
    known, strays = set(filter(_is_id, ids)), list[Any]()
    for one in value["annotations"]:
        image = one.get("image_id") if isinstance(one, dict) else None
        (of_image[image] if _is_id(image) and image in known else strays).append(one)
    seen = set[Any]()
    for row, (image, key) in enumerate(zip(value["images"], ids, strict=True), start=1):
        fault = _fault_of(image, key, seen)
        seen.add(key if _is_id(key) else None)
        path = image.get("file_name") if isinstance(image, dict) else None
        drawn = fault or _drawn(image, of_image[key], names)
        yield Annotated(file, row, path if isinstance(path, str) else None, drawn)
    for after, one in enumerate(strays, start=len(ids) + 1):
        yield Annotated(file, after, None, _stray(one))


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _fault_of(image: Any, key: Any, seen: set[Any]) -> Fault | None:
    """What is wrong with an entry of "images"."""
    if not isinstance(image, dict) or not _is_id(key) or not isinstance(image.get("file_name"), str):
        return Fault("not-coco", f'the picture "{short(image)}" has no "id" and "file_name". Give both.')
    if key in seen:
        said = f'the id {key} of "{short(image["file_name"])}" is that of another picture. Give each one of its own.'
        return Fault("id-twice", said)
    return None


def _drawn(image: Value, annotations: Sequence[Any], names: Mapping[int, str]) -> Drawn | Fault:
    boxes = []
    for number, one in enumerate(annotations, start=1):
        name = f"box {number} (annotation {one.get('id', 'without an id')})"
        category = one.get("category_id")
        if category not in names:
            return Fault("category-unknown", f"{name} has the category {category!r}.{_hint(category, names)}")
        is_crowd = bool(one.get("iscrowd", 0))
        boxes.append(Given(name, names[category], one.get("bbox"), "sized", is_crowd))
    size = (image.get("width"), image.get("height"))
    return Drawn(boxes, None if None in size else size)


def _hint(category: Any, names: Mapping[int, str]) -> str:
    first, last = min(names), max(names)
    known = f' "categories" has the ids {first} to {last}.'
    if (category, first) == (0, 1):
        return f"{known} Do those of annotations count from 0?"
    if (category, first) == (last + 1, 0):
        return f"{known} Do those of annotations count from 1?"
    return f"{known} Correct it, or add the category."


def _stray(one: Any) -> Fault:
    if not isinstance(one, dict):
        return Fault("not-coco", f'the annotation "{short(one)}" is no object. Give it "image_id" and "bbox".')
    return Fault(
        "image-unknown",
        f"annotation {one.get('id', 'without an id')} is of the picture {one.get('image_id')!r}, which is not among "
        f'"images". Add the picture, or remove the annotation.',
    )
