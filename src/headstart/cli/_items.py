"""What a verb is given, as a stream of items: lines, a column of a table, image or sound files. Labels play no part."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
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
    items = list(stream_items(places, field, task=task, columns=columns))
    if not items:
        raise DataError(f"There is nothing to predict in {', '.join(places)}. Expected at least one line, row or file.")
    return items


def stream_items(places: Sequence[str], field: Field, *, task: str, columns: str | None) -> Iterator[str]:
    """The same one after the other, never all of them in memory; see `read_items`."""
    for place in places:
        yield from _in(place, field, task=task, columns=columns)


def _in(place: str, field: Field, *, task: str, columns: str | None) -> Iterator[str]:
    from headstart.data.tables import EXTENSIONS

    path, is_text = Path(place), field.kind == "text"
    if place == STDIN:
        return _lines(sys.stdin.buffer, "stdin")
    if not path.exists():
        raise DataError(f'There is no file or folder "{place}". Check the path, or write - to read lines from stdin.')
    if path.is_dir() and is_text:
        raise DataError(f'"{place}" is a folder and {task} reads files. Give the files in it.')
    if path.is_dir():
        return iter(_files(path, field))
    if path.suffix.lower() in EXTENSIONS:
        return _column(path, field, task=task, columns=columns)
    return _file_lines(path) if is_text else iter([place])


def _files(folder: Path, field: Field) -> list[str]:
    """The files below the folder that are named as the field's are, sorted."""
    from headstart.data.images import has_image_name
    from headstart.data.sounds import has_sound_name

    is_named = has_image_name if field.kind == "image" else has_sound_name
    return [str(file) for file in sorted(folder.rglob("*")) if file.is_file() and is_named(file)]


def _file_lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        yield from _lines(file, str(path))


def _lines(file: BinaryIO, name: str) -> Iterator[str]:
    """The lines that are not blank."""
    number = 0
    text = io.TextIOWrapper(file, encoding="utf-8-sig")
    try:
        for number, line in enumerate(text, start=1):  # noqa: B007 - the message below wants the last good one
            if line.strip():
                yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text (after line {number}). Save it as UTF-8, an item a line.") from error
    finally:
        # whoever opened the file closes it
        text.detach()


def _column(path: Path, field: Field, *, task: str, columns: str | None) -> Iterator[str]:
    """The items in a table, cleaned as they are for a fit."""
    from headstart.data import cells, fields, problems, tables

    asked, candidates = fields.parse_columns(columns), {task: (field,)}
    part = tables.open_file(path, str(path), fields.header_of(candidates, asked))
    found = fields.infer(part, candidates, task=task, asked=asked)
    for table, bad in cells.stream(part, found.columns, (field,)):
        if bad:
            raise DataError(f"{path} has {len(bad)} rows that cannot be used:\n{problems.listing(bad)}", bad)
        yield from map(str, table[field.name].to_pylist())
