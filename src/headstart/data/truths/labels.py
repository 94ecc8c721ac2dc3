"""Several classes of one row however they are written, made one: a list of names, sorted, as JSON in the row.

Columns of 0 and 1, one for each class, are read as such a list by `one_hot`.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from headstart.contracts import Field
from headstart.data.part import MISSING
from headstart.data.problems import Fault, quoted, short
from headstart.data.truths.spans import are_spans, plain

SEPARATORS = (";", "|", ",")
"""What people put between classes in one cell."""
EVIDENCE = 0.8
"""A sign stands between classes where cutting at it leaves so much fewer of them: this share, or less."""


def loads(text: str) -> list[str]:
    """The classes of a row."""
    found: list[str] = json.loads(text)
    return found


def dumps(names: Sequence[str]) -> str:
    """Classes as a row holds them."""
    return json.dumps(sorted(names), ensure_ascii=False)


def separated(fields: Sequence[Field], separator: str) -> tuple[Field, ...]:
    """The fields of a task, where cells may hold several labels with this between them; "" for one label a cell."""
    return tuple(replace(field, separator=separator) if field.kind == "labels" else field for field in fields)


def are_lists(values: Sequence[Any]) -> bool:
    """Whether a column holds lists of names, as such or written down, and not spans or tags of words."""
    return any(_listed(value) for value in values) and not are_spans(values)


def _listed(value: Any) -> list[Any] | None:
    """The list that a value is, or that is written in it as JSON or as Python has it; None where it is no list."""
    value = plain(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, str) and value.lstrip().startswith("["):
        for read in (json.loads, ast.literal_eval):
            try:
                value = read(value.strip())
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            break
    return value if isinstance(value, list) else None


def clean(value: Any, separator: str | None) -> str | Fault:
    """The classes as a row holds them, or what is wrong with them.

    Args:
        value: A list of names, the same as JSON, or names in one text; nothing, or an empty list, where there is none.
        separator: What stands between names in a text; "" where a text is one name, None where only lists are meant.
    """
    if value is MISSING:
        return Fault("empty-label", "the label is missing. Write [] where a row has none.")
    listed = _listed(value)
    found = _in_a_cell(value, separator) if listed is None else listed
    if isinstance(found, Fault):
        return found
    names = list[str]()
    for one in found:
        name = _name(one)
        if isinstance(name, Fault):
            return name
        if name in names:
            return Fault("repeated-label", f'"{short(name)}" stands there twice. Write each label once.')
        names.append(name)
    return dumps(names)


def _in_a_cell(value: Any, separator: str | None) -> list[Any] | Fault:
    """The names in something that is no list."""
    if value is None or value != value or (isinstance(value, str) and not value.strip()):
        return []
    if separator is None:
        said = f'"{short(value)}" is no list. Write a list of labels, or say with --separator what stands between them.'
        return Fault("not-a-list", said)
    if not isinstance(value, str) or not separator:
        return [value]
    return [part.strip() for part in value.split(separator) if part.strip()]


def _name(one: Any) -> str | Fault:
    one = one.item() if hasattr(one, "item") else one
    if isinstance(one, float) and one.is_integer():
        return str(int(one))
    if isinstance(one, int | float) and one == one:
        return str(one)
    if not isinstance(one, str):
        said = f'"{short(one)}" is of type {type(one).__name__}; a label is one word, number or truth value.'
        return Fault("not-a-label", said)
    if "\0" in one:
        return Fault("nul-byte", "one of the labels holds a NUL byte, which no text has. Remove it.")
    if not one.strip():
        return Fault("empty-label", "one of the labels is empty. Remove it, or write [] where a row has none.")
    return one


def unstated(values: Sequence[Any]) -> str | None:
    """A sign that seems to stand between classes in these cells, though nobody said so; None where none does."""
    cells = {value for value in values if isinstance(value, str) and _listed(value) is None}
    for sign in SEPARATORS:
        cut = Counter(part.strip() for cell in cells for part in cell.split(sign))
        if any(sign in cell for cell in cells) and len(cut) <= EVIDENCE * len(cells):
            return sign
    return None


def unstated_said(name: str, column: str, values: Sequence[Any], sign: str) -> str:
    """What to say of such a sign."""
    examples = [value for value in values if isinstance(value, str) and sign in value][:2]
    return (
        f'{name}: in column "{column}" a "{sign}" seems to stand between labels, as in {quoted(examples)}. '
        f'Pass --separator "{sign}", or lists in place of such cells.'
    )
