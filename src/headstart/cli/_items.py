"""What a verb is given, as a stream of items: lines, a column of a table, image or sound files. Labels play no part."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from headstart.contracts import Field
from headstart.errors import DataError

if TYPE_CHECKING:
    from headstart.data.part import Part

STDIN = "-"


Item = str | tuple[str, ...]
"""A text or the path of an image; of tasks that read several texts, such as question and context, one of each."""


def read_items(places: Sequence[str], fields: Sequence[Field], *, task: str, columns: str | None) -> list[Item]:
    """The items in every place, in order.

    Args:
        places: Files, folders of images, or "-" for stdin.
        fields: What the task calls the parts of an item; of several, each line or row has all by name.
        task: The task's name, for messages.
        columns: Which column of a table an item is in, as in "text=review", where its name does not tell.

    Raises:
        DataError: A place is not there, is empty, or holds rows that cannot be used.
    """
    items = [item for place in places for item in _in(place, fields, task=task, columns=columns)]
    if not items:
        raise DataError(f"There is nothing to predict in {', '.join(places)}. Expected at least one line, row or file.")
    return items


def stream_items(places: Sequence[str], field: Field, *, task: str, columns: str | None) -> Iterator[str]:
    """Texts or paths one after the other, never all of them in memory; see `read_items`."""
    for place in places:
        for item in _in(place, (field,), task=task, columns=columns):
            assert isinstance(item, str), "of one field"
            yield item


def _in(place: str, fields: Sequence[Field], *, task: str, columns: str | None) -> Iterator[Item]:
    from headstart.data.formats.tables import EXTENSIONS

    path, field, is_text = Path(place), fields[0], fields[0].kind == "text"
    if place == STDIN:
        lines = _lines(sys.stdin.buffer, "stdin")
        return lines if len(fields) == 1 else _objects(lines, "stdin", fields, task=task, columns=columns)
    if not path.exists():
        raise DataError(f'There is no file or folder "{place}". Check the path, or write - to read lines from stdin.')
    if path.is_dir() and is_text:
        raise DataError(f'"{place}" is a folder and {task} reads files. Give the files in it.')
    if path.is_dir():
        return iter(_files(path, field))
    if path.suffix.lower() in EXTENSIONS:
        return _column(path, fields, task=task, columns=columns)
    if len(fields) > 1:
        return _objects(_file_lines(path), place, fields, task=task, columns=columns)
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


def _objects(
    lines: Iterator[str], name: str, fields: Sequence[Field], *, task: str, columns: str | None
) -> Iterator[Item]:
    """The items of lines that are JSON objects."""
    from headstart.data.formats import tables

    found = [_object(line, number, name, fields) for number, line in enumerate(lines, start=1)]
    yield from _rows(tables.open_memory(found, name), fields, task=task, columns=columns) if found else ()


def _object(line: str, number: int, name: str, fields: Sequence[Field]) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        shape = ", ".join(f'"{field.name}": "…"' for field in fields)
        raise DataError(f"{name}, line {number} is no JSON object. Write {{{shape}}} on a line of its own.")
    return value


def _column(path: Path, fields: Sequence[Field], *, task: str, columns: str | None) -> Iterator[Item]:
    """The items in a table."""
    from headstart.data import fields as binding
    from headstart.data.formats import tables

    asked = binding.parse_columns(columns)
    part = tables.open_file(path, str(path), binding.header_of({task: tuple(fields)}, asked))
    yield from _rows(part, fields, task=task, columns=columns)


def _rows(part: Part, fields: Sequence[Field], *, task: str, columns: str | None) -> Iterator[Item]:
    """The items of a part, cleaned as they are for a fit."""
    from headstart.data import cells, problems
    from headstart.data import fields as binding

    found = binding.infer(part, {task: tuple(fields)}, task=task, asked=binding.parse_columns(columns))
    for table, bad in cells.stream(part, found.columns, fields):
        if bad:
            raise DataError(f"{part.name} has {len(bad)} rows that cannot be used:\n{problems.listing(bad)}", bad)
        values = [list(map(str, table[field.name].to_pylist())) for field in fields]
        yield from values[0] if len(fields) == 1 else zip(*values, strict=True)
