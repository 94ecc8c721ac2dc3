"""What data is made of: fields, rows, splits, and what was found wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Indices = npt.NDArray[np.int64]

Modality = Literal["text", "image", "audio"]
FieldKind = Literal["text", "label", "labels", "spans", "answers", "boxes", "mask", "image", "audio", "transcript"]
Severity = Literal["error", "warning", "note"]
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Field:
    """One column of a task's rows: what it is called, what its values are, and what else people call it.

    `within` is the field that values of kind "spans", "answers" or "boxes" are places in. `is_shared` says that many
    rows have the same value, as several questions are asked of one text: that is no fault, and they stay in one split.
    `is_named` says that it is found by its name alone, never by what a column holds. `separator` is what stands between
    values of kind "labels" in one cell: "" where a cell is one of them, None where only lists are meant.
    """

    name: str
    kind: FieldKind
    help: str
    aliases: tuple[str, ...] = ()
    within: str = ""
    is_shared: bool = False
    is_named: bool = False
    separator: str | None = None


@dataclass(frozen=True)
class Rows:
    """The rows of one split, in Arrow, so that a million of them are not a million Python objects.

    `table` has the task's fields (string columns; an image or a recording is the path of its file) and, for messages,
    "file" (string) and "row" (int64, the first row below a header is 1; 1 for an image, whose file is the row).
    """

    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> list[Any]:
        """The values of one field as Python objects; for a batch, not for a million rows."""
        return list(self.table[name].to_pylist())

    def take(self, indices: Sequence[int] | Indices) -> Rows:
        """Those rows, in that order."""
        return Rows(self.table.take(list(map(int, indices))))


@dataclass(frozen=True)
class Splits:
    """Rows to learn from, to choose with, and to judge with; `how` says in a sentence where each came from."""

    train: Rows
    validation: Rows | None
    test: Rows | None
    how: str = ""


@dataclass(frozen=True)
class Problem:
    """One thing found wrong or noteworthy in the data. `kind` is a stable slug such as "ragged-row"."""

    severity: Severity
    kind: str
    message: str
    file: str | None = None
    row: int | None = None
    field: str | None = None
