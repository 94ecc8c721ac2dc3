"""Whatever the user brought, read into Arrow rows by split, with the task inferred and every bad row noted.

Reading judges single rows; what only shows across rows (duplicates, classes, leakage) is the work of `check`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.contracts import SPLITS, Field, Problem, Rows
from headstart.data.cells import gather
from headstart.data.fields import Asked, Binding, Candidates, bind, header_of, infer, parse_columns
from headstart.data.formats.hub import is_hub_id, open_hub
from headstart.data.formats.tables import EXTENSIONS, open_file, open_memory
from headstart.data.layout import FORMS, open_folder, splits_in
from headstart.data.part import CHUNK_ROWS, Header, Part
from headstart.data.problems import closest
from headstart.data.truths import labels, one_hot, palettes
from headstart.errors import DataError


@dataclass(frozen=True)
class Found:
    """What was read.

    `splits` holds the rows that can be used, "train" always and the others where given; `problems` names the rows
    that cannot. `layout` says what the data was found as, `said` what was inferred, `sha256` what it contained
    (fields and files of images and sounds, not names or places), `asked` how the user named it.
    """

    task: str
    fields: tuple[Field, ...]
    splits: Mapping[str, Rows]
    problems: tuple[Problem, ...]
    layout: str
    said: tuple[str, ...]
    sha256: str
    asked: str


@dataclass(frozen=True)
class _Place:
    """Where one split's rows are, not yet opened: a path with the name the user gave it, or something opened."""

    name: str
    path: Path | None = None
    part: Part | None = None

    def open(self, header: Header) -> Part:
        if self.part is not None:
            return self.part
        assert self.path is not None
        opener = open_folder if self.path.is_dir() else open_file
        return opener(self.path, self.name, header)


def read(
    data: Any,
    *,
    candidates: Candidates,
    task: str | None = None,
    columns: str | None = None,
    images: str | None = None,
    palette: str | Mapping[str, str] | None = None,
    validation: Any = None,
    test: Any = None,
    offline: bool = False,
) -> Found:
    """The rows of the data, by split.

    Args:
        data: A CSV, TSV, JSONL or Parquet file, a folder of these or of images, a Hub data set id, a pandas
            DataFrame, a pyarrow Table, or a list of dicts.
        candidates: Task name -> its fields; the task is inferred among them.
        task: The task, where the user named one.
        columns: "text,label" for a header-less file, or "text=review,label=stars" to rename.
        images: The folder of the pictures, where that is not beside the file that lists them.
        palette: The file that names what values in masks stand for, where that is not beside the data; or the names.
        validation: Data to choose with; any form but a Hub id.
        test: Data to judge with; any form but a Hub id.
        offline: Whether the network may not be asked.

    Raises:
        DataError: Files, folders or columns cannot be used; bad rows are in `Found.problems` instead.
        UnknownName: There is no such task.
    """
    asked = parse_columns(columns)
    layout, places = _places(data, offline=offline)
    for split, given in (("validation", validation), ("test", test)):
        if given is not None:
            places = {**places, split: [_place(given, split)]}
    header = header_of(candidates, asked, images)
    opened = [place.open(header) for place in places["train"]]
    joined = _joined(opened[0], candidates, asked)
    parts = {"train": list(map(joined, opened))}
    binding = infer(parts["train"][0], candidates, task=task, asked=asked)
    _verify_separated(parts["train"][0], binding)
    header = _like_train(header, parts["train"][0], binding)
    parts |= {split: [joined(place.open(header)) for place in places[split]] for split in SPLITS[1:] if split in places}
    splits, problems = _rows(parts, binding, asked)
    notes = [binding.said, *(line for several in parts.values() for part in several for line in part.said)]
    drawn = next((one.name for one in binding.fields if one.kind == "mask"), None)
    if drawn is not None:
        named = palettes.named(splits, drawn, palettes.palette_of(palette, data))
        splits, problems, notes = named.splits, [*problems, *named.problems], [*notes, named.said]
    asked_for = str(data) if isinstance(data, (str, os.PathLike)) else type(data).__name__
    sha256 = fingerprint(splits, binding.fields)
    return Found(binding.task, binding.fields, splits, tuple(problems), layout, tuple(notes), sha256, asked_for)


def _joined(train: Part, candidates: Candidates, asked: Asked) -> Callable[[Part], Part]:
    """What makes one column of several that hold a class each, where the classes of a row are written so."""
    for fields in candidates.values():
        if any(field.kind == "labels" for field in fields):
            found = one_hot.columns_of(train, fields, asked.renames)
            if found is not None:
                return partial(one_hot.merged, name=found[0], several=found[1])
    return lambda part: part


def _verify_separated(train: Part, binding: Binding) -> None:
    """Raises `DataError` where cells seem to hold several labels, and nobody said what stands between them."""
    label = next((field for field in binding.fields if field.kind == "labels" and field.separator == ""), None)
    if label is not None:
        column = binding.columns[label.name]
        sign = labels.unstated(train.sample[column])
        if sign is not None:
            raise DataError(labels.unstated_said(train.name, column, train.sample[column], sign))


def _places(data: Any, *, offline: bool) -> tuple[str, Mapping[str, Sequence[_Place]]]:
    """What the data is, in words, and where its splits are."""
    if isinstance(data, str) and not os.path.exists(data) and is_hub_id(data):
        parts = open_hub(data, offline=offline)
        return "data set of the Hub", {split: [_Place(part.name, part=part)] for split, part in parts.items()}
    if not isinstance(data, (str, os.PathLike)):
        return "table in memory", {"train": [_place(data, "train")]}
    place = _place(data, "train")
    assert place.path is not None
    if not place.path.is_dir():
        return "file", {"train": [place]}
    for form, opener in FORMS.items():
        if parts := opener(place.path, place.name):
            return f"folder in the form of {form}", {
                split: [_Place(part.name, part=part)] for split, part in parts.items()
            }
    named = splits_in(place.path)
    if not named:
        return "folder", {"train": [place]}
    return "folder with splits", {
        split: [_Place(os.path.join(place.name, path.name), path) for path in paths] for split, paths in named.items()
    }


def _place(data: Any, split: str) -> _Place:
    if not isinstance(data, (str, os.PathLike)):
        kind = type(data).__name__
        name = kind if split == "train" else f"{kind} for {split}"
        return _Place(name, part=open_memory(data, name))
    path = Path(data)
    try:
        is_there = path.exists()
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        raise DataError(_absent(path))
    if not (path.is_dir() or path.is_file()):
        raise DataError(f"{path} is neither a file nor a folder. Give the path of data on disk.")
    return _Place(os.fspath(data), path)


def _absent(path: Path) -> str:
    try:
        near = closest(path.name, (one.name for one in path.parent.iterdir()))
    except (OSError, ValueError):
        near = None
    hint = (
        f' Did you mean "{path.parent / near}"?' if near else f" Give a folder, or a file of {', '.join(EXTENSIONS)}."
    )
    return f"There is no file or folder {path}.{hint}"


def _like_train(header: Header, train: Part, binding: Binding) -> Header:
    """For the other splits: header-less as the training file was, their columns in its order."""
    if train.is_named:
        return header
    field_of = {column: name for name, column in binding.columns.items()}
    order = tuple(field_of.get(column, column) for column in train.columns)
    return Header(header.known, order, images=header.images)


def _rows(
    parts: Mapping[str, Sequence[Part]], binding: Binding, asked: Asked
) -> tuple[Mapping[str, Rows], list[Problem]]:
    splits, problems = {}, list[Problem]()
    for split, several in parts.items():
        tables = []
        for part in several:
            table, found = gather(part, bind(part, binding, asked), binding.fields)
            tables.append(table)
            problems += found
        splits[split] = Rows(pa.concat_tables(tables))
    return splits, problems


def fingerprint(splits: Mapping[str, Rows], fields: Sequence[Field]) -> str:
    """The SHA-256 of what the rows contain: the same rows give the same digest wherever and however they are stored."""
    whole = hashlib.sha256()
    for split, rows in sorted(splits.items()):
        whole.update(f"{split} {len(rows)}\n".encode())
        for start in range(0, len(rows), CHUNK_ROWS):
            for field in fields:
                column = rows.table[field.name].slice(start, CHUNK_ROWS)
                _add_files(whole, column) if field.kind in ("image", "audio") else _add_text(whole, column)
    return whole.hexdigest()


def _add_text(whole: Any, column: pa.ChunkedArray) -> None:
    # Lengths first, so that ("ab", "c") and ("a", "bc") differ.
    whole.update(pc.binary_length(column).to_numpy().astype(np.int64).tobytes())
    whole.update("".join(column.to_pylist()).encode())


def _add_files(whole: Any, column: pa.ChunkedArray) -> None:
    for path in column.to_pylist():
        try:
            with open(path, "rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            whole.update(b"no file")
