"""What the classes of the rows show: spellings that differ by an accident, classes unseen, rare, lonely or too many.

Only labels are looked at; what the rows contain is for `duplicates` and `check`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headstart.contracts import SPLITS, Problem, Rows
from headstart.data.problems import Fault, at_row, closest, quoted

MAX_RATIO = 10
"""Largest over smallest class from which imbalance is warned of; beyond it accuracy says little."""

Counts = Mapping[str, Mapping[str, int]]


def count_classes(splits: Mapping[str, Rows], field: str) -> Counts:
    """Class -> split -> number of rows; classes sorted by name, splits without a row of it left out."""
    counts = {split: _counted(rows.table[field]) for split, rows in splits.items()}
    names = sorted({name for counter in counts.values() for name in counter})
    return {name: {split: counter[name] for split, counter in counts.items() if name in counter} for name in names}


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    counted = pc.value_counts(column)
    return dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))


def class_codes(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The class of each row as a number, in the order of the sorted names, shape (N,)."""
    encoded = column.combine_chunks().dictionary_encode()
    rank = np.argsort(np.argsort(encoded.dictionary.to_numpy(zero_copy_only=False).astype(str)))
    return np.asarray(rank[encoded.indices.to_numpy()], np.int64)


def misspelled(splits: Mapping[str, Rows], field: str, counts: Counts) -> list[Problem]:
    """An error for each row whose class is another one but for case, spaces or the form of its characters."""
    total = {name: sum(by_split.values()) for name, by_split in counts.items()}
    usual: dict[str, str] = {}
    for name in sorted(total, key=lambda one: (-total[one], one)):
        usual.setdefault(folded(name), name)
    wrong = {name: usual[folded(name)] for name in total if usual[folded(name)] != name}
    faults = {
        name: Fault(
            "class-spelling",
            f'"{name}" is written "{right}" in {total[right]:,} other rows. Write both alike.',
        )
        for name, right in wrong.items()
    }
    return [problem for rows in splits.values() for problem in _at_labels(rows, field, faults)]


def unseen(splits: Mapping[str, Rows], field: str, counts: Counts) -> list[Problem]:
    """An error for each validation or test row whose class is not among the training rows."""
    known = [name for name, by_split in counts.items() if "train" in by_split]
    spelled = {folded(name) for name in known}
    strange = [name for name in counts if "train" not in counts[name] and folded(name) not in spelled]
    faults = {}
    for name in strange:
        near = closest(name, known)
        hint = f' Did you mean "{near}"?' if near else " Correct it, or add training rows."
        faults[name] = Fault("unseen-class", f'no training row is of class "{name}".{hint}')
    later = [splits[split] for split in SPLITS[1:] if split in splits]
    return [problem for rows in later for problem in _at_labels(rows, field, faults)]


def of_all(counts: Counts, splits: Mapping[str, Rows], field: str) -> list[Problem]:
    """What the classes show taken together: only one, too many, absent from a split, lonely, out of balance."""
    return list(_of_all(counts, splits, field))


def _of_all(counts: Counts, splits: Mapping[str, Rows], field: str) -> Iterator[Problem]:
    train = {name: by_split["train"] for name, by_split in counts.items() if "train" in by_split}
    num_rows = sum(train.values())
    if not train:
        return
    if len({folded(name) for name in train}) == 1:
        said = (
            f'every training row has the {field} {quoted(train)}; at least two classes are needed. Is "{field}" right?'
        )
        yield Problem("error", "one-class", said, field=field)
    for split in SPLITS[1:]:
        absent = [name for name in train if split in splits and split not in counts[name]]
        if absent:
            said = f"{split} has no row of {len(absent)} classes: {quoted(absent)}. Nothing can be said of them there."
            yield Problem("warning", "absent-class", said, field=field)
    lonely = [name for name, count in train.items() if count < 2]
    if lonely:
        said = f"{len(lonely)} classes have a single training row: {quoted(lonely)}. None can be held out."
        yield Problem("warning", "lonely-class", said, field=field)
    if len(train) > 20 and len(train) * 2 > num_rows:
        said = f'"{field}" has {len(train):,} classes in {num_rows:,} rows. Is it the right column?'
        yield Problem("warning", "many-classes", said, field=field)
    most, least = max(train, key=train.__getitem__), min(train, key=train.__getitem__)
    if train[most] >= MAX_RATIO * train[least] and len(train) > 1:
        ratio = train[most] / train[least]
        said = (
            f'"{most}" has {ratio:.0f} times as many training rows as "{least}" ({train[most]:,} and {train[least]:,}).'
        )
        yield Problem("warning", "imbalance", said, field=field)


def folded(name: str) -> str:
    """The name without what tells spellings apart: case, spaces, the form of its characters."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _at_labels(rows: Rows, field: str, faults: Mapping[str, Fault]) -> list[Problem]:
    if not faults:
        return []
    places = zip(rows.column(field), rows.column("file"), rows.column("row"), strict=True)
    return [at_row(faults[label], file=file, row=row, field=field) for label, file, row in places if label in faults]
