"""CSV and TSV files, read as a stream: header or none, one record after the other, faults named by row.

CSV follows RFC 4180 (quoted cells may hold line breaks). In TSV a line is a row and a quote is an ordinary
character, except that a cell wholly in quotes, inner ones doubled, is unquoted, as spreadsheets and pandas write it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TextIO

from headstart.contracts import Problem
from headstart.data.part import SAMPLE_ROWS, Chunk, Header, Part, batches
from headstart.data.problems import Fault, at_row, quoted
from headstart.errors import DataError

BROKEN_QUOTES: list[str] = []
"""Stands for a record whose quotes are out of order; a real record has at least one cell."""

HEADER_LENGTH = 60
"""No column is named at greater length than this; a longer first cell is data."""


def open_delimited(path: Path, name: str, header: Header) -> Part:
    """A CSV or TSV file as a part.

    Whether the first row is a header is judged in this order. A cell that recurs in its column is a value, so there
    is none. A cell that is a field's name or alias makes it one. Where the user named the columns in order, nothing
    else is a header. A number, an empty cell or a cell of more than 60 characters is data. What remains is taken for
    a header in words of the user's own.

    Raises:
        DataError: No rows, a quote that never closes, a column named twice, or a wrong number of names.
    """
    start = list(islice(_records(path, name), SAMPLE_ROWS + 1))
    if not start:
        raise DataError(f"{name} is empty. It should hold a header and rows.")
    if start[0] is BROKEN_QUOTES:
        raise DataError(f"{name}: the quotes of the first line are out of order. It should name the columns.")
    has_header = header.is_given or _has_header(start, header)
    if has_header and len(start) == 1:
        raise DataError(f"{name} holds a header and no rows. Add rows, or name its columns with --columns.")
    columns, is_named = _columns(start[0], name, header.order, has_header)
    rows = [cells for cells in start[int(has_header) :] if len(cells) == len(columns)]
    sample = {column: [cells[at] for cells in rows] for at, column in enumerate(columns)}
    skipped = start[0] if has_header else None
    chunks = partial(_chunks, path, name, columns, skipped)
    said = (f"{name} has a header, so --columns was not needed.",) if has_header and header.order else ()
    return Part(name, columns, sample, chunks, path.parent, is_named, said)


def _has_header(start: Sequence[Sequence[str]], header: Header) -> bool:
    first, rest = start[0], [cells for cells in start[1:] if cells != start[0]]
    if any(any(at < len(cells) and cells[at] == cell for cells in rest) for at, cell in enumerate(first) if cell):
        return False
    if header.order or any(cell.strip().casefold() in header.known for cell in first):
        return any(cell.strip().casefold() in header.known for cell in first)
    return not any(_is_number(cell) or not cell.strip() or len(cell) > HEADER_LENGTH for cell in first)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[-+]?\d+([.,]\d+)?\s*", cell) is not None


def _columns(first: Sequence[str], name: str, order: tuple[str, ...], has_header: bool) -> tuple[tuple[str, ...], bool]:
    """The names of the columns, and whether they are the user's own."""
    if order and not has_header:
        if len(order) != len(first):
            raise DataError(
                f"{name} has {len(first)} columns in its first row, and {len(order)} are named: "
                f"{quoted(order)}. Name every column, in order, with --columns."
            )
        return order, True
    if not has_header:
        return tuple(f"column {at}" for at in range(1, len(first) + 1)), False
    names = tuple(cell.strip() for cell in first)
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise DataError(f"{name} has more than one column named {quoted(twice)}. Give each column a name of its own.")
    return names, True


def _chunks(
    path: Path, name: str, columns: tuple[str, ...], header: Sequence[str] | None, wanted: Sequence[str]
) -> Iterator[Chunk]:
    records = enumerate(_records(path, name), start=1 if header is None else 0)
    if header is not None:
        next(records)
    positions = {column: columns.index(column) for column in wanted}
    for batch in batches(records):
        kept: list[list[str]] = []
        rows: list[int] = []
        problems: list[Problem] = []
        for row, cells in batch:
            fault = _fault(cells, len(columns), header)
            if fault is None:
                rows.append(row)
                kept.append(cells)
            else:
                problems.append(at_row(fault, file=name, row=row))
        yield Chunk(rows, {column: [cells[at] for cells in kept] for column, at in positions.items()}, problems)


def _fault(cells: Sequence[str], width: int, header: Sequence[str] | None) -> Fault | None:
    if cells is BROKEN_QUOTES:
        return Fault("broken-quotes", "its quotes are out of order. Double a quote that stands inside a quoted cell.")
    for cell in cells:
        if not cell.isascii() and not is_utf8(cell):
            return Fault("bad-encoding", "it is not valid UTF-8. Save the file as UTF-8.")
        if "\0" in cell:
            return Fault("nul-byte", "it holds a NUL byte, which no text has. Save the file again as plain UTF-8.")
    if len(cells) != width:
        return Fault(
            "ragged-row",
            f"it has {len(cells)} cells where {width} were expected. "
            "Quote a cell that holds the separator, or complete the row.",
        )
    if cells == header:
        return Fault("repeated-header", "it repeats the header. Remove the line.")
    return None


def is_utf8(text: str) -> bool:
    """Whether the text can be written as UTF-8; bytes that could not be decoded and lone surrogates cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _records(path: Path, name: str) -> Iterator[list[str]]:
    # surrogateescape keeps undecodable bytes as marks in their cell, so that one bad row does not end the file.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        if path.suffix.lower() == ".tsv":
            yield from (list(map(_unquote, line.split("\t"))) for line in map(_without_break, file) if line.strip())
        else:
            yield from _csv_records(file, name)


def _without_break(line: str) -> str:
    return line.rstrip("\r\n")


def _unquote(cell: str) -> str:
    inner = cell[1:-1]
    if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"' or '"' in inner.replace('""', ""):
        return cell
    return inner.replace('""', '"')


def _csv_records(file: TextIO, name: str) -> Iterator[list[str]]:
    first = file.readline()
    file.seek(0)
    reader = csv.reader(file, delimiter=_delimiter(first), strict=True)
    row = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            _stop_at_open_quote(error, name, row)
            cells = BROKEN_QUOTES
        if cells or cells is BROKEN_QUOTES:
            yield cells
            row += 1


def _delimiter(line: str) -> str:
    """The first of comma, semicolon (spreadsheets of half the world) and tab that the line holds."""
    return next((mark for mark in ",;\t" if mark in line), ",")


def _stop_at_open_quote(error: csv.Error, name: str, row: int) -> None:
    # An open quote swallows every row below it; going on without "one row" would drop the rest of the file.
    if "unexpected end" in str(error) or "field larger" in str(error):
        raise DataError(
            f"{name}, about row {row}: a quote is opened and not closed within {csv.field_size_limit():,} characters. "
            "Close it, or give longer texts as JSONL or Parquet."
        ) from error
