"""Columns of 0 and 1, one for each class, as one column that lists for each row the classes with a 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from headstart.contracts import Field
from headstart.data.part import MISSING, Chunk, Part
from headstart.data.problems import Fault, quoted, short
from headstart.errors import DataError

JOINED = "+"
"""Between the columns of one field in --columns, as in label=toxic+rude."""
MEANS = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
FEWEST = 2
"""Columns of 0 and 1 that are taken for classes unasked; a single one is more likely a class of its own."""


def columns_of(part: Part, fields: Sequence[Field], renames: Mapping[str, str]) -> tuple[str, tuple[str, ...]] | None:
    """What to call the one column, and the columns that make it; None where it is not written so.

    Args:
        part: The training data.
        fields: Of a task whose rows have several classes.
        renames: Of `--columns`.
    """
    label = next(field for field in fields if field.kind == "labels")
    if label.name in renames:
        asked = renames[label.name]
        several = tuple(one.strip() for one in asked.split(JOINED))
        is_joined = asked not in part.columns and len(several) > 1 and set(several) <= set(part.columns)
        return (asked, several) if is_joined else None
    known = {name.casefold() for field in fields for name in (field.name, *field.aliases)}
    if label.separator is None or any(column.casefold() in {label.name, *label.aliases} for column in part.columns):
        return None
    taken = {*renames.values()}
    several = tuple(
        column
        for column in part.columns
        if column not in taken and column.casefold() not in known and _are_flags(part.sample[column])
    )
    return (label.name, several) if len(several) >= FEWEST else None


def _are_flags(values: Sequence[Any]) -> bool:
    return bool(values) and all(_is_set(value) is not None for value in values)


def _is_set(value: Any) -> bool | None:
    """Whether a flag is set; None where the value is none."""
    return MEANS.get(str(value).strip().casefold())


def merged(part: Part, name: str, several: Sequence[str]) -> Part:
    """The part with these columns in one; in the place of a value that is no flag stands what is wrong with it.

    Raises:
        DataError: It has not all of them.
    """
    missing = [column for column in several if column not in part.columns]
    if missing:
        raise DataError(f"{part.name} has no column {quoted(missing)}, which is a label in training. Add it.")
    others = tuple(column for column in part.columns if column not in several)
    sample = {column: part.sample[column] for column in others}
    sample[name] = _lists({column: part.sample[column] for column in several})
    return replace(part, columns=(*others, name), sample=sample, chunks=partial(_chunks, part, name, several))


def _chunks(part: Part, name: str, several: Sequence[str], wanted: Sequence[str]) -> Iterator[Chunk]:
    others = [column for column in wanted if column != name]
    for chunk in part.chunks([*others, *several] if name in wanted else others):
        columns = {column: chunk.columns[column] for column in others}
        if name in wanted:
            columns[name] = _lists({column: chunk.columns[column] for column in several})
        yield replace(chunk, columns=columns)


def _lists(flags: Mapping[str, Sequence[Any]]) -> list[Any]:
    return [_list(dict(zip(flags, row, strict=True))) for row in zip(*flags.values(), strict=True)]


def _list(row: Mapping[str, Any]) -> list[str] | Fault:
    for column, value in row.items():
        if _is_set(value) is None:
            said = "is missing" if value is MISSING else f'has "{short(value)}"'
            return Fault("not-a-flag", f'column "{column}" {said}, and 0 or 1 was expected. Correct it.')
    return [column for column, value in row.items() if _is_set(value)]
