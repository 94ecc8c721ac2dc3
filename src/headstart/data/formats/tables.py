"""Files and tables in memory as parts: JSON Lines, Parquet, pandas, Arrow, lists of dicts; CSV and TSV by `delimited`.

What can be known from the outside of a file (absent, empty, binary, another encoding) is settled here, once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headstart.contracts import Problem
from headstart.data.formats import coco, conll, ljspeech, squad
from headstart.data.formats.delimited import open_delimited
from headstart.data.named import Names, class_names, named_by
from headstart.data.part import CHUNK_ROWS, MISSING, SAMPLE_ROWS, Chunk, Header, Part, batches
from headstart.data.problems import Fault, at_row, quoted
from headstart.errors import DataError

EXTENSIONS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", *conll.EXTENSIONS)
_BINARY = (b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\xd0\xcf\x11\xe0", b"SQLite")


def open_file(path: Path, name: str, header: Header) -> Part:
    """A data file as a part.

    Args:
        path: The file.
        name: How messages call it.
        header: What is known about its columns.

    Raises:
        DataError: The file as a whole cannot be used; the message says why.
    """
    extension = path.suffix.lower()
    is_tagged, is_listed = _is_tagged(path, name), _is_listed(path, name)
    if extension not in EXTENSIONS and not is_tagged and not is_listed:
        raise DataError(f"{name} has an extension that is not one of {quoted(EXTENSIONS)}. Convert it.")
    start = _first_bytes(path, name)
    if extension == ".parquet":
        return _open_parquet(path, name)
    _refuse_binary(start, name)
    if is_listed:
        return ljspeech.open_ljspeech(path, name)
    if is_tagged:
        return conll.open_conll(path, name)
    if extension in (".csv", ".tsv"):
        return open_delimited(path, name, header)
    return _open_json(path, name, header.images) if extension == ".json" else _open_jsonl(path, name)


def holds_rows(path: Path) -> bool:
    """Whether a file's name says that it holds rows; of a text file also whether it looks like one that does."""
    if path.suffix.lower() != ".txt" or not path.is_file():
        return path.suffix.lower() in EXTENSIONS
    try:
        return _is_tagged(path, path.name) or _is_listed(path, path.name)
    except DataError:
        return False  # empty, or not to be read: no rows at any rate


def _is_tagged(path: Path, name: str) -> bool:
    extension = path.suffix.lower()
    return extension in conll.EXTENSIONS or (extension == ".txt" and conll.looks_tagged(_first_bytes(path, name)))


def _is_listed(path: Path, name: str) -> bool:
    return path.suffix.lower() in (".csv", ".txt") and ljspeech.looks_listed(path, _first_bytes(path, name))


def open_memory(data: Any, name: str) -> Part:
    """A pandas DataFrame, an Arrow table or a list of dicts as a part.

    Raises:
        DataError: It is none of these, or it is empty.
    """
    if isinstance(data, pa.Table):
        part = _open_arrow(data, name)
    elif type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        part = _open_frame(data, name)
    elif isinstance(data, Sequence) and data and all(isinstance(row, Mapping) for row in data[:SAMPLE_ROWS]):
        part = _part_of(name, _keys(data[:SAMPLE_ROWS]), data[:SAMPLE_ROWS], partial(_dict_chunks, data, name))
    else:
        raise DataError(
            f"A {type(data).__name__} cannot be read as rows, or is empty. "
            "Give a path, a pandas DataFrame, a pyarrow Table or a list of dicts."
        )
    if not any(len(values) for values in part.sample.values()):
        raise DataError(f"The {name} has no rows.")
    return part


def _first_bytes(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            start = file.read(65_536)
    except PermissionError as error:
        raise DataError(f"{name} may not be read: permission denied. Change its permissions, or copy it.") from error
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}.") from error
    if not start.strip(b"\xef\xbb\xbf \t\r\n"):
        raise DataError(f"{name} is empty. It should hold a header and rows.")
    return start


def _refuse_binary(start: bytes, name: str) -> None:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or start.count(0) * 5 > len(start):
        raise DataError(f"{name} is not UTF-8: it looks like UTF-16 or a binary file. Save it as UTF-8.")
    controls = sum(start.count(code) for code in (*range(1, 9), *range(14, 32)))
    if start.startswith(_BINARY) or controls * 20 > len(start):
        raise DataError(f"{name} holds binary data, not text. Export it as CSV, TSV or JSONL in UTF-8.")


def _keys(rows: Sequence[Mapping[Any, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(key) for row in rows for key in row))


def _part_of(name: str, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]], chunks: Any, **more: Any) -> Part:
    sample = {column: [row.get(column, MISSING) for row in rows] for column in columns}
    return Part(name, columns, sample, chunks, **more)


# --------------------------------------------------------------------------------------------------- JSON Lines


def _open_jsonl(path: Path, name: str) -> Part:
    start = islice(_objects(path), SAMPLE_ROWS)
    rows = [value for _, value in start if isinstance(value, dict)]
    if not rows:
        raise DataError(f'{name} has no line that is a JSON object, such as {{"text": "…", "label": "…"}}.')
    return _part_of(name, _keys(rows), rows, partial(_jsonl_chunks, path, name), base=path.parent)


def _open_json(path: Path, name: str, images: Path | None) -> Part:
    """One value in one file: SQuAD's form, COCO's, or rows in a list, by itself or under "data"."""
    try:
        value = json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        said = f"{name} is not valid JSON ({error}). Correct it, or call it .jsonl where each line is an object."
        raise DataError(said) from error
    if squad.is_squad(value):
        return squad.open_squad(value, path, name)
    if coco.is_coco(value):
        return coco.open_coco(value, path, name, images=images)
    rows = value.get("data") if isinstance(value, dict) else value
    if not isinstance(rows, list) or not any(isinstance(row, dict) for row in rows[:SAMPLE_ROWS]):
        raise DataError(
            f'{name} is no list of JSON objects, nor one under "data", nor in the form of SQuAD or COCO. Convert it.'
        )
    some = [row for row in rows[:SAMPLE_ROWS] if isinstance(row, dict)]
    return _part_of(name, _keys(some), some, partial(_dict_chunks, rows, name), base=path.parent)


def _objects(path: Path) -> Iterator[tuple[int, Any]]:
    """Row number and value of every line that is not blank; a `Fault` where there is no value."""
    row = 0
    with path.open("rb") as file:
        for line in file:
            bare = (line.removeprefix(b"\xef\xbb\xbf") if row == 0 else line).strip()
            if bare:
                row += 1
                yield row, _object(bare)


def _object(line: bytes) -> Any:
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError:
        return Fault("bad-encoding", "it is not valid UTF-8. Save the file as UTF-8.")
    except (ValueError, RecursionError) as error:
        return Fault(
            "invalid-json", f"it is not valid JSON ({str(error).partition(':')[0]}). One object a line, please."
        )
    if not isinstance(value, dict):
        return Fault("not-an-object", f"it is a JSON {type(value).__name__}, not an object with named fields.")
    return value


def _jsonl_chunks(path: Path, name: str, wanted: Sequence[str]) -> Iterator[Chunk]:
    for batch in batches(_objects(path)):
        good = [(row, value) for row, value in batch if isinstance(value, dict)]
        bad = [at_row(value, file=name, row=row) for row, value in batch if isinstance(value, Fault)]
        yield _dict_chunk(good, wanted, bad)


def _dict_chunk(
    rows: Sequence[tuple[int, Mapping[str, Any]]], wanted: Sequence[str], problems: Sequence[Problem] = ()
) -> Chunk:
    columns = {column: [value.get(column, MISSING) for _, value in rows] for column in wanted}
    return Chunk([row for row, _ in rows], columns, problems)


def _dict_chunks(data: Sequence[Mapping[str, Any]], name: str, wanted: Sequence[str]) -> Iterator[Chunk]:
    for batch in batches(enumerate(data, start=1)):
        good = [(row, value) for row, value in batch if isinstance(value, Mapping)]
        bad = [(row, value) for row, value in batch if not isinstance(value, Mapping)]
        problems = [
            at_row(Fault("not-an-object", f"it is a {type(value).__name__}, not a dict."), file=name, row=row)
            for row, value in bad
        ]
        yield _dict_chunk(good, wanted, problems)


# ------------------------------------------------------------------------------------- Parquet, Arrow and pandas


def _open_parquet(path: Path, name: str) -> Part:
    try:
        with pq.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            named = class_names(file.schema_arrow)
            first = next(file.iter_batches(SAMPLE_ROWS), None)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{name} is no readable Parquet file ({str(error).splitlines()[0]}). Write it again."
        ) from error
    if first is None or first.num_rows == 0:
        raise DataError(f"{name} has no rows.")
    rows = [{column: named_by(named.get(column), value) for column, value in row.items()} for row in first.to_pylist()]
    return _part_of(name, columns, rows, partial(_parquet_chunks, path, name, named), base=path.parent)


def _parquet_chunks(path: Path, name: str, named: Names, wanted: Sequence[str]) -> Iterator[Chunk]:
    done, asked = 0, [(column, names) for column, names in named.items() if column in wanted]
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(CHUNK_ROWS, columns=list(wanted)):
                chunk = _arrow_chunk(batch, done, wanted)
                values = {
                    column: [named_by(names, value) for value in chunk.columns[column]] for column, names in asked
                }
                yield replace(chunk, columns={**chunk.columns, **values})
                done += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{name} is damaged after row {done} ({str(error).splitlines()[0]}). Write it again."
        ) from error


def _arrow_chunk(batch: pa.RecordBatch, done: int, wanted: Sequence[str]) -> Chunk:
    columns = {column: batch.column(batch.schema.names.index(column)).to_pylist() for column in wanted}
    return Chunk(range(done + 1, done + 1 + batch.num_rows), columns)


def _open_arrow(table: pa.Table, name: str) -> Part:
    names = tuple(table.schema.names)
    return _part_of(name, names, table.slice(0, SAMPLE_ROWS).to_pylist(), partial(_arrow_chunks, table))


def _arrow_chunks(table: pa.Table, wanted: Sequence[str]) -> Iterator[Chunk]:
    done = 0
    for batch in table.select(list(wanted)).to_batches(max_chunksize=CHUNK_ROWS):
        yield _arrow_chunk(batch, done, wanted)
        done += batch.num_rows


def _open_frame(frame: Any, name: str) -> Part:
    columns = tuple(map(str, frame.columns))
    sample = {column: frame.iloc[:SAMPLE_ROWS, at].tolist() for at, column in enumerate(columns)}
    return Part(name, columns, sample, partial(_frame_chunks, frame, columns))


def _frame_chunks(frame: Any, columns: tuple[str, ...], wanted: Sequence[str]) -> Iterator[Chunk]:
    for start in range(0, len(frame), CHUNK_ROWS):
        piece = frame.iloc[start : start + CHUNK_ROWS]
        values = {column: piece.iloc[:, columns.index(column)].tolist() for column in wanted}
        yield Chunk(range(start + 1, start + 1 + len(piece)), values)
