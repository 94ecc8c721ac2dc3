"""Folders in the form of Pascal VOC: an XML file a picture, lists of names for the splits, as a part with a row each.

Whether a box fits its picture is looked at with the cells of the row, as for any other format.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from headstart.data.formats.annotated import Annotated, part_of
from headstart.data.images import has_image_name
from headstart.data.part import Part
from headstart.data.problems import Fault, short
from headstart.data.truths.boxes import Drawn, Given
from headstart.errors import DataError

LISTS = {"train": ("train", "trainval"), "validation": ("val", "valid", "validation"), "test": ("test",)}
"""Split -> the lists in ImageSets/Main that may name its pictures; only the first that is there counts."""
EDGES = ("xmin", "ymin", "xmax", "ymax")
MOST_BYTES = 2**24
"""A longer annotation is no annotation; parsing it could fill memory."""


def splits(folder: Path, name: str) -> Mapping[str, Part]:
    """Split -> part, where the folder has Annotations; without lists all are for training. Else empty.

    Raises:
        DataError: There are lists and none for training, or a list names nothing.
    """
    annotations = folder / "Annotations"
    if not annotations.is_dir() or not any(annotations.glob("*.xml")):
        return {}
    main, places = folder / "ImageSets" / "Main", dict[str, list[str]]()
    for split, names in LISTS.items():
        path = next((main / f"{one}.txt" for one in names if (main / f"{one}.txt").is_file()), None)
        if path is not None:
            places[split] = _listed(path, f"{name}/ImageSets/Main/{path.name}")
    if places and "train" not in places:
        raise DataError(f"{name}/ImageSets/Main has no list train.txt or trainval.txt. Add one.")
    if not places:
        places = {"train": sorted(path.stem for path in annotations.glob("*.xml"))}
    # the test pictures of the published sets come without annotations
    told = {split: ids for split, ids in places.items() if any((annotations / f"{one}.xml").exists() for one in ids)}
    start = 1 if _counts_from_one(annotations) else 0
    return {split: _part(folder, name, split, ids, start) for split, ids in told.items()}


def _listed(path: Path, name: str) -> list[str]:
    """The names in a list; behind each there may be a number that says whether a class occurs."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8. Save it as UTF-8.") from error
    ids = [line.split()[0] for line in lines if line.strip()]
    if not ids:
        raise DataError(f"{name} names no picture. Fill it, or remove it.")
    return list(dict.fromkeys(ids))


def _part(folder: Path, name: str, split: str, ids: Sequence[str], start: int) -> Part:
    said = (
        f"{name}, {split}: in the form of Pascal VOC, boxes are their first and last pixels, which count from {start}.",
    )
    return part_of(f"{name} ({split})", partial(_rows, folder, name, ids, start), base=None, said=said)


def _counts_from_one(annotations: Path) -> bool:
    """Whether no box begins at pixel 0: VOC counts from 1, but not every program that writes its form does."""
    return not any(given in ("0", "0.0") for path in sorted(annotations.glob("*.xml")) for given in _firsts(path))


def _firsts(path: Path) -> Iterator[str | None]:
    root = _root(path)
    for box in root.iter("bndbox") if not isinstance(root, Fault) else ():
        yield from ((box.findtext(edge) or "").strip() for edge in EDGES[:2])


def _rows(folder: Path, name: str, ids: Sequence[str], start: int) -> Iterator[Annotated]:
    for one in ids:
        path = folder / "Annotations" / f"{one}.xml"
        root = _root(path)
        told = None if isinstance(root, Fault) else root.findtext("filename")
        drawn = root if isinstance(root, Fault) else _drawn(root, start)
        yield Annotated(os.path.join(name, "Annotations", f"{one}.xml"), 1, _picture(folder, one, told), drawn)


def _root(path: Path) -> Any:
    """What the XML holds, or what is wrong with it."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return Fault(
                "not-voc", f"the file has more than {MOST_BYTES:,} bytes and is not read. Is it an annotation?"
            )
        root = ElementTree.fromstring(path.read_bytes())
    except OSError:
        return Fault(
            "annotation-missing", "there is no such file, and a list of pictures names it. Add it, or unlist it."
        )
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        return Fault("not-xml", f"it is not valid XML ({short(error)}). Write it again.")
    return root if root.tag == "annotation" else Fault("not-voc", f'it holds "{short(root.tag)}", not "annotation".')


def _picture(folder: Path, one: str, told: str | None) -> str:
    """The file of a picture: of the name of its annotation, or else of the one said there."""
    images = folder / "JPEGImages"
    images = images if images.is_dir() else folder
    plain = images / f"{one}.jpg"
    tried = [plain, *([images / Path(told).name] if told else [])]
    found = next((path for path in tried if path.is_file()), None)
    if found is None:
        found = next((path for path in sorted(images.glob(f"{_plain(one)}.*")) if has_image_name(path)), plain)
    return str(found)


def _plain(name: str) -> str:
    """The name without what a pattern would read otherwise."""
    import glob

    return glob.escape(name)


def _drawn(root: Any, start: int) -> Drawn | Fault:
    boxes = []
    for number, one in enumerate(root.iter("object"), start=1):
        box = one.find("bndbox")
        edges = [None if box is None else _number(box.findtext(edge)) for edge in EDGES]
        is_crowd = (one.findtext("difficult") or "0").strip() == "1"
        label = (one.findtext("name") or "").strip()
        boxes.append(Given(f"box {number}", label, edges, "corners", is_crowd, start == 1))
    size = (_number(root.findtext("size/width")), _number(root.findtext("size/height")))
    # some programs write a size of 0 for one they do not know
    return Drawn(boxes, None if None in size or 0 in size else size)


def _number(text: str | None) -> float | str | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return text
    return int(value) if value is not None and value.is_integer() else value
