"""What the labels of rows show taken together, where a row has several: unseen, misspelled, rare, in no row or in all.

Single rows are judged by `labels`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from headstart.contracts import SPLITS, Problem, Rows
from headstart.data.findings.classes import Counts, folded
from headstart.data.problems import Fault, at_row, closest, quoted
from headstart.data.truths.labels import loads

FEW = 10
"""Training rows with a label, below which little can be learnt of it."""


def count_labels(splits: Mapping[str, Rows], field: str) -> Counts:
    """Label -> split -> number of rows with it; labels sorted by name, splits without one of it left out."""
    counts = {split: Counter(name for value in rows.column(field) for name in loads(value)) for split, rows in
              splits.items()}  # fmt: skip
    names = sorted({name for counter in counts.values() for name in counter})
    return {name: {split: counter[name] for split, counter in counts.items() if name in counter} for name in names}


def problems_of(counts: Counts, splits: Mapping[str, Rows], field: str) -> list[Problem]:
    """What is wrong or noteworthy."""
    train = {name: by_split["train"] for name, by_split in counts.items() if "train" in by_split}
    if not train:
        return [Problem("error", "no-labels", f'no training row has a label. Is "{field}" right?', field=field)]
    return [*_strange(counts, splits, field, train), *_of_all(splits, counts, train, field)]


def _strange(counts: Counts, splits: Mapping[str, Rows], field: str, train: Mapping[str, int]) -> Iterator[Problem]:
    """An error for each row with a label that no training row has, or that is another but for case and spaces."""
    usual: dict[str, str] = {}
    for name in sorted(train, key=lambda one: (-train[one], one)):
        usual.setdefault(folded(name), name)
    faults = {}
    for name in counts:
        right = usual.get(folded(name))
        if right is not None and right != name:
            faults[name] = Fault("class-spelling", f'"{name}" is written "{right}" elsewhere. Write both alike.')
        elif name not in train:
            near = closest(name, train)
            hint = f'Did you mean "{near}"?' if near else "Correct it, or add training rows."
            faults[name] = Fault("unseen-class", f'no training row has the label "{name}". {hint}')
    for rows in splits.values() if faults else ():
        for value, file, row in zip(rows.column(field), rows.column("file"), rows.column("row"), strict=True):
            bad = next((name for name in loads(value) if name in faults), None)
            if bad is not None:
                yield at_row(faults[bad], file=file, row=row, field=field)


def _of_all(splits: Mapping[str, Rows], counts: Counts, train: Mapping[str, int], field: str) -> Iterator[Problem]:
    num_rows = len(splits["train"])
    without = sum(value == "[]" for rows in splits.values() for value in rows.column(field))
    if without:
        said = f"{without:,} rows have no label, and are learnt from and judged as rows with none."
        yield Problem("note", "rows-without-labels", said, field=field)
    everywhere = [name for name, count in train.items() if count == num_rows]
    if everywhere:
        said = f"every training row has the label {quoted(everywhere)}, so nothing can be learnt of it."
        yield Problem("warning", "label-in-every-row", said, field=field)
    few = [name for name, count in train.items() if count < FEW]
    if few:
        said = f"{len(few)} labels have fewer than {FEW} training rows: {quoted(few)}. Little can be learnt of them."
        yield Problem("warning", "rare-label", said, field=field)
    for split in SPLITS[1:]:
        absent = [name for name in train if split in splits and split not in counts[name]]
        if absent:
            said = f"{split} has no row of {len(absent)} labels: {quoted(absent)}. Nothing can be said of them there."
            yield Problem("warning", "absent-class", said, field=field)


def rarest(values: list[str]) -> npt.NDArray[np.int64]:
    """The rarest label of each row as a number, one more for rows without any, shape (N,).

    To hold out rows by it leaves every label on both sides, the rare ones first, which chance would part unevenly.
    """
    found = list(map(loads, values))
    counts = Counter(name for names in found for name in names)
    number = {name: at for at, name in enumerate(sorted(counts))}
    return np.array(
        [number[min(names, key=lambda name: (counts[name], name))] if names else len(number) for names in found],
        dtype=np.int64,
    )
