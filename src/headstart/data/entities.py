"""What the spans of the rows show taken together: their labels by split, labels unseen or misspelled, none at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from headstart.contracts import SPLITS, Problem, Rows
from headstart.data.classes import Counts
from headstart.data.problems import Fault, at_row, quoted
from headstart.data.spans import loads, nearest


def count_entities(splits: Mapping[str, Rows], field: str) -> Counts:
    """Label -> split -> number of entities; labels sorted by name, splits without one of it left out."""
    counts = {
        split: Counter(span.label for value in rows.column(field) for span in loads(value))
        for split, rows in splits.items()
    }
    names = sorted({name for counter in counts.values() for name in counter})
    return {name: {split: counter[name] for split, counter in counts.items() if name in counter} for name in names}


def problems_of(counts: Counts, splits: Mapping[str, Rows], field: str) -> list[Problem]:
    """What is wrong with the labels."""
    train = {name: by_split["train"] for name, by_split in counts.items() if "train" in by_split}
    if not train:
        said = f'no training row has an entity. Is "{field}" the right column?'
        return [Problem("error", "no-entities", said, field=field)]
    return [*_strange(counts, splits, field, train), *_absent(splits, counts, train, field)]


def _strange(counts: Counts, splits: Mapping[str, Rows], field: str, train: Mapping[str, int]) -> Iterator[Problem]:
    """An error for each row with a label that no training row has, or that is another one but for case."""
    usual: dict[str, str] = {}
    for name in sorted(train, key=lambda one: (-train[one], one)):
        usual.setdefault(name.casefold(), name)
    faults = {}
    for name in counts:
        if name not in usual.values() and name.casefold() in usual:
            right = usual[name.casefold()]
            faults[name] = Fault("class-spelling", f'"{name}" is written "{right}" elsewhere. Write both alike.')
        elif name not in train:
            said = f'no training row has an entity "{name}". {nearest(name, list(train))}'
            faults[name] = Fault("unseen-class", said)
    for rows in splits.values() if faults else ():
        places = zip(rows.column(field), rows.column("file"), rows.column("row"), strict=True)
        for value, file, row in places:
            bad = next((span.label for span in loads(value) if span.label in faults), None)
            if bad is not None:
                yield at_row(faults[bad], file=file, row=row, field=field)


def _absent(splits: Mapping[str, Rows], counts: Counts, train: Mapping[str, int], field: str) -> Iterator[Problem]:
    for split in SPLITS[1:]:
        absent = [name for name in train if split in splits and split not in counts[name]]
        if absent:
            said = (
                f"{split} has no entity of {len(absent)} labels: {quoted(absent)}. Nothing can be said of them there."
            )
            yield Problem("warning", "absent-class", said, field=field)
