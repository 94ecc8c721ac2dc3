"""What `predict` is given, as one list of items: lines, a column of a table, image files. Labels play no part here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from headstart.contracts import Field
from headstart.errors import DataError

STDIN = "-"


def read_items(places: Sequence[str], field: Field, *, task: str, columns: str | None) -> list[str]:
    """The items in every place, in order: texts, or the paths of images.

    Args:
        places: Files, folders of images, or "-" for the lines of stdin.
        field: What the task calls an item.
        task: The task's name, for messages.
        columns: Which column of a table the items are in, as in "text=review", where its name does not tell.

    Raises:
        DataError: A place is not there, is empty, or holds rows that cannot be used.
    """
    items = [item for place in places for item in _in(place, field, task=task, columns=columns)]
    if not items:
        raise DataError(
            f"There is nothing to predict in {', '.join(places)}. Expected at least one line, row or image."
        )
    return items


def _in(place: str, field: Field, *, task: str, columns: str | None) -> list[str]:
    from headstart.data.images import has_image_name
    from headstart.data.tables import EXTENSIONS

    path = Path(place)
    if place == STDIN:
        return _lines(sys.stdin.buffer, "stdin")
    if not path.exists():
        raise DataError(f'There is no file or folder "{place}". Check the path, or write - to read lines from stdin.')
    if path.is_dir() and field.kind != "image":
        raise DataError(f'"{place}" is a folder and {task} reads files. Give the files in it.')
    if path.is_dir():
        return [str(file) for file in sorted(path.rglob("*")) if file.is_file() and has_image_name(file)]
    if path.suffix.lower() in EXTENSIONS:
        return _column(path, field, task=task, columns=columns)
    if field.kind == "image":
        return [place]
    with path.open("rb") as file:
        return _lines(file, place)


def _lines(file: BinaryIO, name: str) -> list[str]:
    """The lines that are not blank."""
    try:
        lines = file.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text (byte {error.start}). Save it as UTF-8, one item a line.") from error
    return [line for line in lines if line.strip()]


def _column(path: Path, field: Field, *, task: str, columns: str | None) -> list[str]:
    """The items in a table, cleaned as they are for a fit."""
    from headstart.data import cells, fields, problems, tables

    asked, candidates = fields.parse_columns(columns), {task: (field,)}
    part = tables.open_file(path, str(path), fields.header_of(candidates, asked))
    found = fields.infer(part, candidates, task=task, asked=asked)
    table, bad = cells.gather(part, found.columns, (field,))
    if bad:
        raise DataError(f"{path} has {len(bad)} rows that cannot be used:\n{problems.listing(bad)}", bad)
    return [str(item) for item in table[field.name].to_pylist()]
