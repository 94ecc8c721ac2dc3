"""Folders in the form of YOLO: a text file a picture, a line a box, the classes by number; as a part with a row each.

Whether a box fits its picture is looked at with the cells of the row, as for any other format.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from headstart.data.formats.annotated import Annotated, part_of
from headstart.data.images import has_image_name
from headstart.data.part import Part
from headstart.data.problems import Fault, short
from headstart.data.truths.boxes import Drawn, Given
from headstart.errors import DataError

LISTS = ("classes.txt", "obj.names", "labels.names", "_darknet.labels")
"""Files with the name of a class a line."""
SPLITS = {"train": ("train", "training"), "validation": ("val", "valid", "validation", "dev"), "test": ("test",)}


def splits(folder: Path, name: str) -> Mapping[str, Part]:
    """Split -> part, where the folder has pictures, label files and the names of classes; else empty.

    Raises:
        DataError: The names cannot be read, or what the file of names says is not there.
    """
    if not _could_be(folder):
        return {}
    names, file = _names(folder)
    places = _told(folder, file) or _found(folder)
    if not places or not any(_labelled(place) for place in places.values()):
        return {}
    if not names:
        raise DataError(f"{name} has label files, and nothing names their classes. Add a classes.txt, a name a line.")
    if "train" not in places:
        raise DataError(f"{name} has pictures of {', '.join(places)} and none to train on. Add a train folder.")
    said = (
        f"in the form of YOLO, boxes are centre and size as shares; {len(names)} classes by number from 0, from {file}"
    )
    return {
        split: _part(place, folder, name, split, names, f"{name}, {split}: {said}.") for split, place in places.items()
    }


def _could_be(folder: Path) -> bool:
    """Whether there is a folder of labels or a list of classes, before anything is opened."""
    has_labels = (folder / "labels").is_dir() or any(path.is_dir() for path in folder.glob("*/labels"))
    return has_labels or any((folder / one).is_file() for one in LISTS)


def _part(place: Path, folder: Path, name: str, split: str, names: Sequence[str], said: str) -> Part:
    return part_of(f"{name} ({split})", partial(_rows, place, folder, name, names), base=None, said=(said,))


# ---------------------------------------------------------------------------------------------------- names and places


def _names(folder: Path) -> tuple[Sequence[str], Path | None]:
    """The classes in the order of their numbers, and the file that says so; a split's folder has it above itself."""
    for place in (folder, folder.parent):
        for path in (*sorted(place.glob("*.yaml")), *sorted(place.glob("*.yml"))):
            told = _yaml(path).get("names")
            if told:
                return _in_order(told, path), path
        for path in (place / one for one in LISTS):
            if path.is_file():
                return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()], path
    return (), None


def _yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path} is not valid YAML ({short(error)}). Correct it.") from error
    return value if isinstance(value, dict) else {}


def _in_order(told: Any, path: Path) -> Sequence[str]:
    """Names in a list, or by number."""
    by_number = dict(enumerate(told)) if isinstance(told, list) else told
    if not isinstance(by_number, dict) or sorted(by_number, key=str) != sorted(range(len(by_number)), key=str):
        raise DataError(f'{path}: "names" is no list, nor has it a name for each number from 0. Correct it.')
    return [str(by_number[number]) for number in range(len(by_number))]


def _told(folder: Path, file: Path | None) -> dict[str, Path]:
    """Where the YAML file says the pictures of each split are."""
    if file is None or file.suffix not in (".yaml", ".yml") or file.parent != folder:
        return {}
    value, found = _yaml(file), dict[str, Path]()
    root = folder / str(value.get("path", ""))
    for split, names in SPLITS.items():
        told = next((value[one] for one in names if value.get(one)), None)
        if told is None:
            continue
        if not isinstance(told, str):
            raise DataError(f'{file}: "{names[0]}" is {short(told)}, and the path of one folder was expected.')
        # the paths of some exports start one folder too high
        tried = [place / told.removeprefix("../") for place in (root, folder)] + [root / told]
        place = next((one for one in tried if one.is_dir()), None)
        if place is None and split != "test":
            raise DataError(f'{file}: "{names[0]}" is {told}, and there is no such folder. Correct the path.')
        found |= {split: place} if place is not None else {}
    return found


def _found(folder: Path) -> dict[str, Path]:
    """Where the pictures of each split are by the names of folders; all for training where no split is named."""
    found = dict[str, Path]()
    for split, names in SPLITS.items():
        tried = [folder / way for one in names for way in (f"images/{one}", f"{one}/images")]
        place = next((one for one in tried if one.is_dir()), None)
        found |= {split: place} if place is not None else {}
    if found:
        return found
    if (folder / "images").is_dir() and (folder / "labels").is_dir():
        return {"train": folder / "images"}
    has_names = any((folder / one).is_file() for one in LISTS)
    return {"train": folder} if has_names and _pictures(folder) else {}


def _pictures(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if has_image_name(path) and not path.name.startswith("."))


def _label_file(picture: Path) -> Path:
    """The file of a picture's boxes: in "labels" where the picture is in "images", or else beside it."""
    parts = list(picture.with_suffix(".txt").parts)
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "images":
            parts[at] = "labels"
            return Path(*parts)
    return Path(*parts)


def _labelled(place: Path) -> bool:
    return any(_label_file(picture).is_file() for picture in _pictures(place))


# --------------------------------------------------------------------------------------------------------------- boxes


def _rows(place: Path, folder: Path, name: str, names: Sequence[str]) -> Iterator[Annotated]:
    pictures = _pictures(place)
    files = {_label_file(picture): picture for picture in pictures}
    for path, picture in files.items():
        yield Annotated(_shown(path, folder, name), 1, str(picture), _drawn(path, names))
    for stray in sorted(next(iter(files)).parent.glob("*.txt")) if files else ():
        if stray not in files and stray.name not in LISTS:
            said = "there is no picture of this name. Add it, or remove the label file."
            yield Annotated(_shown(stray, folder, name), 1, None, Fault("image-missing", said))


def _shown(path: Path, folder: Path, name: str) -> str:
    return os.path.join(name, os.path.relpath(path, folder))


def _drawn(path: Path, names: Sequence[str]) -> Drawn | Fault:
    """The boxes of a picture; none where it has no file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    except UnicodeDecodeError:
        return Fault("bad-encoding", "it is not valid UTF-8. Save the file as UTF-8.")
    boxes = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        given = _given(number, line.split(), names)
        if isinstance(given, Fault):
            return given
        boxes.append(given)
    return Drawn(boxes)


def _given(number: int, words: Sequence[str], names: Sequence[str]) -> Given | Fault:
    numbers = list(map(_number, words))
    if len(words) != 5 or None in numbers:
        said = (
            f'line {number}, "{short(" ".join(words))}", is not a class and four shares of the picture, five numbers.'
        )
        return Fault("not-yolo", f"{said} Correct it.")
    kind, *shares = numbers
    if kind is None or kind % 1 or not 0 <= kind < len(names):
        hint = " Do the numbers count from 1?" if kind == len(names) else ""
        said = f"line {number} has the class {words[0]}, and there are {len(names)}, numbered from 0.{hint} Correct it."
        return Fault("category-unknown", said)
    if any(share is not None and share > 1 for share in shares) and min(map(abs, map(float, words[1:]))) > 1:
        said = f"line {number} has pixels where shares of the picture, 0 to 1, were expected. Divide them by its size."
        return Fault("pixels-for-shares", said)
    return Given(f"line {number}", names[int(kind)], shares, "shares")


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
