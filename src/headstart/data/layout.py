"""What a folder holds: files or folders named for splits, one file of rows, images by class, or a list of images.

Only names are looked at here; what is inside a file is for `tables`, and what is inside an image for `images`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from headstart.data.formats import coco, voc, yolo
from headstart.data.formats.masked import open_masked
from headstart.data.formats.tables import EXTENSIONS, holds_rows, open_file
from headstart.data.images import has_image_name
from headstart.data.part import SAMPLE_ROWS, SPLIT_NAMES, Chunk, Header, Part, batches
from headstart.data.problems import closest, quoted
from headstart.errors import DataError

FORMS = {"COCO": coco.splits, "Pascal VOC": voc.splits, "YOLO": yolo.splits}
"""Forms of folders in which pictures have boxes: each opens the splits of its own, and nothing where it is another."""
_LISTS = ("metadata.csv", "metadata.jsonl")


def splits_in(folder: Path) -> Mapping[str, Sequence[Path]]:
    """Split -> the files or folders named for it; empty where nothing in the folder is named "train".

    Numbered pieces such as train-00000-of-00002.parquet are one split.

    Raises:
        DataError: Two things are named for the same split, or only splits other than train are there.
    """
    named: dict[str, list[Path]] = {}
    for path in _visible(folder):
        split = _split_of(path)
        if split is not None:
            named.setdefault(split, []).append(path)
    for split, paths in named.items():
        if len(paths) > 1 and not all(_is_piece(path) for path in paths):
            names = quoted(path.name for path in paths)
            raise DataError(f"{folder} holds more than one {split} split: {names}. Keep one of them.")
    if named and "train" not in named and all(_split_of(path) for path in _visible(folder) if path.is_dir()):
        names = quoted(path.name for paths in named.values() for path in paths)
        raise DataError(f'{folder} holds {names} and nothing named "train". Add a train file or folder.')
    return named if "train" in named else {}


def open_folder(folder: Path, name: str, header: Header) -> Part:
    """The rows of a folder without splits.

    Raises:
        DataError: It holds neither images nor data files, or it is not clear which are meant.
    """
    for splits in FORMS.values():
        parts = splits(folder, name)
        if len(parts) == 1:
            return parts["train"]
    if (masked := open_masked(folder, name)) is not None:
        return masked
    for listed in _LISTS:
        if (folder / listed).is_file():
            return open_file(folder / listed, os.path.join(name, listed), header)
    classes = _class_folders(folder)
    if len(classes) == 1 and len(_class_folders(classes[0])) > 1:
        return open_folder(classes[0], os.path.join(name, classes[0].name), header)
    files = [path for path in _visible(folder) if path.is_file() and holds_rows(path)]
    # beside a table there is often a JSON file about it
    files = [path for path in files if path.suffix.lower() != ".json"] or files
    if len(files) == 1 and len(classes) < 2:
        return open_file(files[0], os.path.join(name, files[0].name), header)
    if len(files) > 1:
        found = quoted(path.name for path in files)
        raise DataError(f"{folder} holds {found}. Pass one of them, or name them train, validation and test.")
    if classes:
        return _open_classes(folder, name, classes)
    return _open_flat(folder, name)


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))
    except PermissionError as error:
        raise DataError(f"{folder} may not be read: permission denied. Change its permissions, or copy it.") from error


def _split_of(path: Path) -> str | None:
    if path.is_dir():
        return SPLIT_NAMES.get(path.name.lower())
    split = SPLIT_NAMES.get(re.sub(r"-\d+-of-\d+$", "", path.stem.lower()))
    return split if split is not None and holds_rows(path) else None


def _is_piece(path: Path) -> bool:
    return re.search(r"-\d+-of-\d+$", path.stem) is not None


def _class_folders(folder: Path) -> list[Path]:
    """The subfolders, if at least one of them holds images."""
    inside = [path for path in _visible(folder) if path.is_dir()]
    return inside if any(next(_images_in(path), None) is not None for path in inside) else []


def _images_in(folder: Path) -> Iterator[Path]:
    """Every image below the folder, in a fixed order."""
    for place, inside, names in os.walk(folder):
        inside[:] = sorted(one for one in inside if not one.startswith((".", "__")))
        yield from (Path(place, one) for one in sorted(names) if has_image_name(one) and not one.startswith("."))


def _open_classes(folder: Path, name: str, classes: Sequence[Path]) -> Part:
    empty = [path.name for path in classes if next(_images_in(path), None) is None]
    if empty:
        raise DataError(f"{folder}: the class folder {quoted(empty)} holds no images. Fill it, or remove it.")
    rows = partial(_classified, folder, name, classes)
    sample = {"image": [], "label": []}  # type: dict[str, list[str]]
    for image, label in _spread(rows):
        sample["image"].append(image)
        sample["label"].append(label)
    return Part(name, ("image", "label"), sample, partial(_image_chunks, rows), said=_strays(folder, name, classes))


def _classified(folder: Path, name: str, classes: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path in classes:
        for image in _images_in(path):
            yield os.path.join(name, image.relative_to(folder)), path.name


def _spread(rows: partial[Iterator[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    """Some rows of every class, so that the sample shows that classes repeat."""
    for _, of_class in groupby(rows(), key=lambda row: row[1]):
        yield from (row for at, row in enumerate(of_class) if at < SAMPLE_ROWS // 10)


def _image_chunks(rows: partial[Iterator[tuple[str, str]]], wanted: Sequence[str]) -> Iterator[Chunk]:
    for batch in batches(rows()):
        images = [image for image, _ in batch]
        columns = {"image": images, "label": [label for _, label in batch]}
        yield Chunk([1] * len(batch), {column: columns[column] for column in wanted}, files=images)


def _strays(folder: Path, name: str, classes: Sequence[Path]) -> tuple[str, ...]:
    """What lies beside or among the images and is not read."""
    loose = [path.name for path in _visible(folder) if path.is_file() and has_image_name(path)]
    said = f"{len(loose)} images directly in {name} have no class and are left out: {quoted(loose)}."
    inside = [path for one in classes for path in one.rglob("*") if path.is_file() and not has_image_name(path)]
    other = f"{len(inside)} files in {name} are no images by name and are left out: {quoted(p.name for p in inside)}."
    return (*([said] if loose else []), *([other] if inside else []))


def _open_flat(folder: Path, name: str) -> Part:
    images = [path for path in _visible(folder) if path.is_file() and has_image_name(path)]
    if not images:
        near = closest("train", (path.stem for path in _visible(folder)))
        hint = f' Is "{near}" the training data?' if near else ""
        raise DataError(f"{folder} holds neither images nor data files ({', '.join(EXTENSIONS)}).{hint} Pass another.")
    raise DataError(
        f"{folder} holds {len(images)} images and no classes. "
        "Put each class into a folder of its own, or list them in a metadata.csv with file_name and label."
    )
