"""Folders of pictures beside folders of masks, which have the names of their pictures; as a part with a row each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from headstart.data.images import has_image_name
from headstart.data.part import MISSING, SAMPLE_ROWS, Chunk, Part, batches
from headstart.data.problems import quoted
from headstart.errors import DataError

IMAGES = ("images", "imgs", "image", "img", "pictures", "photos")
MASKS = ("masks", "mask", "annotations", "labels", "segmentations", "segmentation", "gt")
"""What folders of masks are called, the likeliest first; others count where their names begin so."""
ENDS = ("", "_mask", "-mask", "_label", "_labels", "_seg", "_gt", "_segmentation")
"""What the name of a mask may have behind that of its picture."""


def open_masked(folder: Path, name: str) -> Part | None:
    """The pictures of a folder with their masks; None where it has no such folders.

    Raises:
        DataError: Not one picture has a mask.
    """
    inside = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    pictures = next((inside[one] for one in IMAGES if one in inside), None)
    drawn = [inside[one] for one in sorted(inside, key=_likelihood) if one.startswith(MASKS)]
    drawn = [path for path in drawn if any(has_image_name(one) for one in path.iterdir())]
    if pictures is None or not drawn:
        return None
    files = [path for path in sorted(pictures.iterdir()) if path.is_file() and has_image_name(path)]
    kinds = {path.name: _by_stem(path) for path in drawn}
    if not any(_mask_of(file, kinds[drawn[0].name]) for file in files):
        raise DataError(
            f"{name}: no file in {pictures.name} has one of the same name in {drawn[0].name}. Name them alike."
        )
    rows = partial(_rows, folder, name, files, kinds)
    columns = ("image", *kinds)
    sample: dict[str, list[Any]] = {column: [] for column in columns}
    for number, row in enumerate(rows()):
        if number < SAMPLE_ROWS:
            for column in columns:
                sample[column].append(row[column])
    return Part(name, columns, sample, partial(_chunks, rows), said=_said(name, files, kinds))


def _likelihood(name: str) -> tuple[int, str]:
    return next((at for at, one in enumerate(MASKS) if name == one), len(MASKS)), name


def _by_stem(folder: Path) -> Mapping[str, Path]:
    return {path.stem: path for path in sorted(folder.iterdir()) if path.is_file() and has_image_name(path)}


def _mask_of(picture: Path, masks: Mapping[str, Path]) -> Path | None:
    return next((masks[picture.stem + end] for end in ENDS if picture.stem + end in masks), None)


def _rows(
    folder: Path, name: str, files: Sequence[Path], kinds: Mapping[str, Mapping[str, Path]]
) -> Iterator[dict[str, Any]]:
    for file in files:
        row: dict[str, Any] = {"image": os.path.join(name, file.relative_to(folder))}
        for kind, masks in kinds.items():
            found = _mask_of(file, masks)
            row[kind] = MISSING if found is None else os.path.join(name, found.relative_to(folder))
        yield row


def _chunks(rows: partial[Iterator[dict[str, Any]]], wanted: Sequence[str]) -> Iterator[Chunk]:
    for batch in batches(rows()):
        columns = {column: [row[column] for row in batch] for column in wanted}
        yield Chunk([1] * len(batch), columns, files=[row["image"] for row in batch])


def _said(name: str, files: Sequence[Path], kinds: Mapping[str, Mapping[str, Path]]) -> tuple[str, ...]:
    """Masks that no picture has, and that there is a choice of masks."""
    said = []
    for kind, masks in kinds.items():
        taken = {_mask_of(file, masks) for file in files}
        left = [path.name for path in masks.values() if path not in taken]
        if left:
            said.append(f"{len(left)} masks in {name}/{kind} have no picture and are left out: {quoted(left)}.")
    if len(kinds) > 1:
        others = ", ".join(f"label={kind}" for kind in kinds)
        said.append(f"{name} has {len(kinds)} folders of masks; --columns chooses: {others}.")
    return tuple(said)
