"""Predictions as lines and as files: JSONL, CSV, Parquet. A file appears when it is complete, or not at all."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headstart.cli import _show
from headstart.contracts import Field
from headstart.errors import MismatchError, OutputError

Record = Mapping[str, Any]


def write(records: Sequence[Record], path: Path) -> None:
    """Writes the records in the format the file's name asks for.

    Raises:
        OutputError: The file is there already, cannot be written, or has another extension.
    """
    writer = writer_for(path)
    partial = path.with_name(path.name + ".partial")
    try:
        writer(records, partial)
        partial.replace(path)
    except OSError as error:
        raise OutputError(f'"{path}" cannot be written: {error.strerror}. Choose another --out.') from error
    finally:
        partial.unlink(missing_ok=True)


def verify_page(path: Path, fields: Sequence[Field]) -> None:
    """Makes sure that a page of marked texts can be written, before the work.

    Raises:
        MismatchError: The answers are not places in texts.
        OutputError: The file is there already, or has no folder.
    """
    if not any(field.within for field in fields):
        raise MismatchError("--html marks entities and answers in texts, and this model finds none. Leave it out.")
    if path.exists() or not path.parent.is_dir():
        raise OutputError(f'"{path}" exists already, or its folder does not. Choose another --html.')


def write_page(records: Sequence[Record], path: Path, *, title: str) -> None:
    """Writes the texts with their entities marked as one page, or the contexts with the answer to their question.

    Raises:
        OutputError: It cannot be written.
    """
    from headstart.data.truths.spans import Span
    from headstart.report import marked

    def marks(record: Record) -> tuple[str, list[Span]]:
        if "entities" in record:
            return record["text"], [Span(one["start"], one["end"], one["label"]) for one in record["entities"]]
        start, end = record["start"], record["end"]
        return record["context"], [] if start is None else [Span(start, end, record["question"])]

    items = list(map(marks, records))
    try:
        path.write_bytes(marked.page(title, items).encode("utf-8", "replace"))
    except OSError as error:
        raise OutputError(f'"{path}" cannot be written: {error.strerror}. Choose another --html.') from error


def writer_for(path: Path) -> Callable[[Sequence[Record], Path], None]:
    """What writes such a file; asked before the work, so that a bad name costs nothing.

    Raises:
        OutputError: The file is there already, has no folder, or has another extension.
    """
    if path.suffix.lower() not in WRITERS:
        raise OutputError(f'"{path}" ends in none of {", ".join(WRITERS)}. Name the file for the format you want.')
    if path.exists():
        raise OutputError(f'"{path}" exists already. Choose another --out, or move it away.')
    if not path.parent.is_dir():
        raise OutputError(f'There is no folder "{path.parent}". Make it first, or choose another --out.')
    return WRITERS[path.suffix.lower()]


def flat(record: Record) -> dict[str, Any]:
    """The record as one row of a table: the probability of class NAME under "p:NAME"."""
    inner = {f"p:{name}": value for name, value in record.get("probabilities", {}).items()}
    return {name: value for name, value in record.items() if name != "probabilities"} | inner


def _write_jsonl(records: Sequence[Record], path: Path) -> None:
    path.write_text("".join(_show.as_json(record) + "\n" for record in records), encoding="utf-8")


def _write_csv(records: Sequence[Record], path: Path) -> None:
    rows = [{name: _in_a_cell(value) for name, value in flat(record).items()} for record in records]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _in_a_cell(value: Any) -> Any:
    """Lists, such as entities, as JSON."""
    return _show.as_json(value) if isinstance(value, list) else value


def _write_parquet(records: Sequence[Record], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist(list(map(flat, records))), path)


WRITERS = {".jsonl": _write_jsonl, ".csv": _write_csv, ".parquet": _write_parquet}
