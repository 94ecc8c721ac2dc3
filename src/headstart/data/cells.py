"""Single values made into what a field may hold, or the fault that keeps them from it; a part made into a table.

Text stays as it is written. Labels become strings, so that 1, 1.0 and "1" are one class whatever the file format.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import compress
from pathlib import Path
from typing import Any

import pyarrow as pa

from headstart.contracts import Field, FieldKind, Problem
from headstart.data.formats import embedded
from headstart.data.formats.delimited import is_utf8
from headstart.data.part import MISSING, Chunk, Part
from headstart.data.problems import Fault, at_row, short
from headstart.data.truths import answers, boxes, labels, masks, spans, transcripts
from headstart.data.truths.words import joined
from headstart.device import cores

PLACES: Mapping[FieldKind, Callable[[Any, Any], tuple[Any, Any]]] = {
    "spans": spans.unified,
    "answers": answers.unified,
    "boxes": boxes.unified,
    "mask": masks.unified,
}
"""Kinds of truth that are places in a text or a picture, and how the two are read together."""
OF_PICTURES = ("boxes", "mask")
"""Those that are places in a picture."""
ABSENT_WORDS = frozenset({"nan", "NaN", "NAN", "<NA>", "null", "NULL"})
"""What programs write for a value that is not there; nobody classifies it as a text."""


def gather(part: Part, columns: Mapping[str, str], fields: Sequence[Field]) -> tuple[pa.Table, list[Problem]]:
    """The rows of a part that can be used, and a problem for each that cannot.

    Args:
        part: Where the rows are.
        columns: Field name -> the part's column.
        fields: The task's fields, in the order of the table's columns.
    """
    tables, problems = [_table([[] for _ in range(len(fields) + 2)], fields)], list[Problem]()
    for table, found in stream(part, columns, fields):
        tables.append(table)
        problems += found
    return pa.concat_tables(tables), problems


def stream(part: Part, columns: Mapping[str, str], fields: Sequence[Field]) -> Iterator[tuple[pa.Table, list[Problem]]]:
    """The same chunk by chunk, so that a file of any length can be gone through."""
    for chunk in part.chunks([columns[field.name] for field in fields]):
        table, found = _clean(chunk, part, columns, fields)
        yield table, [*chunk.problems, *found]


def _clean(
    chunk: Chunk, part: Part, columns: Mapping[str, str], fields: Sequence[Field]
) -> tuple[pa.Table, list[Problem]]:
    files = chunk.files if chunk.files is not None else [part.name] * len(chunk.rows)
    given = {field.name: chunk.columns[columns[field.name]] for field in fields}
    given = _with_places(given, fields, part.base)
    placed = {field.within for field in fields if field.kind in OF_PICTURES}  # paths that have been found already
    bases = [None if field.name in placed else part.base for field in fields]
    cells = [list(map(_cleaner(field, base), given[field.name])) for field, base in zip(fields, bases, strict=True)]
    faults: dict[int, tuple[Fault, str]] = {}
    for field, values in zip(fields, cells, strict=True):
        for at, value in enumerate(values):
            if isinstance(value, Fault):
                faults.setdefault(at, (value, field.name))
    problems = [
        at_row(fault, file=files[at], row=chunk.rows[at], field=name) for at, (fault, name) in sorted(faults.items())
    ]
    is_good = [at not in faults for at in range(len(files))]
    return _table([list(compress(values, is_good)) for values in (*cells, files, chunk.rows)], fields), problems


def _with_places(
    given: dict[str, Sequence[Any]], fields: Sequence[Field], base: Path | None
) -> dict[str, Sequence[Any]]:
    """The values; where the truth is places in a text or picture, both in the one form that rows hold."""
    truth = next((field for field in fields if field.kind in PLACES), None)
    if truth is None or truth.within not in given:
        return given
    content, values = given[truth.within], given[truth.name]
    # they are held against the file of the picture, which its path alone may not find
    content = [_file(one, base, "image") for one in content] if truth.kind in OF_PICTURES else content
    values = [_file(one, base, "mask") for one in values] if truth.kind == "mask" else values
    # several files are decoded at a time
    with ThreadPoolExecutor(min(8, cores()) if truth.kind == "mask" else 1) as pool:
        rows = list(pool.map(PLACES[truth.kind], content, values))
    return {**given, truth.within: [row[0] for row in rows], truth.name: [row[1] for row in rows]}


def _table(columns: Sequence[Sequence[Any]], fields: Sequence[Field]) -> pa.Table:
    # large_string: with 32-bit offsets, taking rows from more than 2 GiB of text fails.
    types = {**{field.name: pa.large_string() for field in fields}, "file": pa.large_string(), "row": pa.int64()}
    return pa.table([pa.array(values, kind) for values, kind in zip(columns, types.values(), strict=True)], list(types))


def _cleaner(field: Field, base: Path | None) -> Callable[[Any], str | Fault]:
    plain: dict[FieldKind, Callable[[Any], str | Fault]] = {
        "text": _text,
        "label": _label,
        "labels": lambda value: _labels(value, field.separator),
        "spans": _encodable,
        "answers": _encodable,
        "boxes": _encodable,
        "mask": _encodable,
        "transcript": _transcript,
    }
    clean = plain.get(field.kind, lambda value: _file(value, base, field.kind))
    return lambda value: value if isinstance(value, Fault) else clean(value)


def is_absent(value: Any) -> bool:
    """Whether the value says that there is none: None, a not-a-number, pandas' NA, or a word for these."""
    if isinstance(value, str):
        return not value or value.isspace() or value in ABSENT_WORDS
    return (
        value is None
        or value is MISSING
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float) and value != value)
    )


def _text(value: Any) -> str | Fault:
    if is_absent(value):
        return Fault("empty-text", f"the text is {_absence(value)}. Fill it in, or remove the row.")
    if isinstance(value, list | tuple) and value and all(isinstance(word, str) and word.strip() for word in value):
        return _encodable(joined(value)[0])  # a text given in words
    if not isinstance(value, str):
        kind = type(value).__name__
        return Fault("not-text", f'"{short(value)}" is of type {kind}, and text was expected. Put it in quotes.')
    return _encodable(value)


def _label(value: Any) -> str | Fault:
    if is_absent(value):
        return Fault("empty-label", f"the label is {_absence(value)}. Fill it in, or remove the row.")
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and plain.is_integer():
        return str(int(plain))
    if isinstance(plain, (int, float)):
        return str(plain)
    if isinstance(plain, str):
        return _encodable(plain)
    kind = type(plain).__name__
    return Fault("not-a-label", f'"{short(plain)}" is of type {kind}; a label is one word, number or truth value.')


def _labels(value: Any, separator: str | None) -> str | Fault:
    absent = is_absent(value) and value is not MISSING
    found = labels.clean(None if absent else value, separator)
    return found if isinstance(found, Fault) else _encodable(found)


def _absence(value: Any) -> str:
    if value is MISSING:
        return "missing"
    return f'"{value}", which stands for no value' if isinstance(value, str) and value.strip() else "empty"


def _encodable(value: str) -> str | Fault:
    if not value.isascii() and not is_utf8(value):
        return Fault("bad-encoding", "it holds half a character (a lone surrogate). Write it again as UTF-8.")
    if "\0" in value:
        return Fault("nul-byte", "it holds a NUL byte, which no text has. Remove it.")
    return value


def _transcript(value: Any) -> str | Fault:
    text = transcripts.cleaned(value)
    return text if isinstance(text, Fault) else _encodable(text)


def _file(value: Any, base: Path | None, kind: str) -> str | Fault:
    """The path of an image or a recording."""
    if is_absent(value):
        return Fault(f"empty-{kind}", f"the {kind} is empty. Give the path of its file.")
    if kind == "audio" and embedded.is_embedded(value):
        value = embedded.file_of(value)
        if isinstance(value, Fault):
            return value
    if not isinstance(value, (str, os.PathLike)):
        of_type = type(value).__name__
        return Fault("not-a-path", f"a value of type {of_type} was found where the path of an {kind} was expected.")
    written = os.fspath(value)
    clean = _encodable(written) if isinstance(written, str) else Fault("not-a-path", "the path is bytes, not text.")
    if isinstance(clean, Fault) or base is None or os.path.isabs(clean):
        return clean
    beside = os.path.join(base, clean)
    return clean if not os.path.exists(beside) and os.path.exists(clean) else beside
