"""One readable piece of the user's data, a file or a table in memory, seen the same way whatever its format.

The formats themselves are in `delimited` and `tables`; turning values into rows of a task is in `cells`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from headstart.contracts import Problem

CHUNK_ROWS = 50_000
"""Rows that are Python objects at one time; larger is no faster, and a million would fill memory."""

SAMPLE_ROWS = 1_000
"""Rows looked at to tell a header from data and one column from another."""

MISSING: Final = object()
"""What stands for a value of a row that does not have the column at all; None is a value that is there and empty."""

SPLIT_NAMES = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation",
    "val": "validation", "dev": "validation", "test": "test",
}  # fmt: skip
"""What people call each split."""

T = TypeVar("T")


@dataclass(frozen=True)
class Chunk:
    """Some rows of a part: their numbers, the values of each column asked for, and the rows that could not be read.

    `files` names the file of each row where that is not the part itself, as for a folder of images.
    """

    rows: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    problems: Sequence[Problem] = ()
    files: Sequence[str] | None = None


@dataclass(frozen=True)
class Part:
    """A file or table: its name as the user gave it, its columns, a sample of each, and a way to read it in chunks.

    `base` is the folder that relative paths inside it start from. `is_named` tells whether the column names
    are the user's; the columns of a header-less file are called "column 1", "column 2" and so on.
    """

    name: str
    columns: tuple[str, ...]
    sample: Mapping[str, Sequence[Any]]
    chunks: Callable[[Sequence[str]], Iterator[Chunk]]
    base: Path | None = None
    is_named: bool = True
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """What is known about the columns before a file is opened.

    `known` are the field names and aliases, lower case, by which a header is recognised. `order` names the
    columns of a header-less file. `is_given` says that the user's renames imply a header. `images` is the folder that
    paths of pictures start from, where the user gave one.
    """

    known: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()
    is_given: bool = False
    images: Path | None = None


def batches(items: Iterable[T], size: int = CHUNK_ROWS) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
