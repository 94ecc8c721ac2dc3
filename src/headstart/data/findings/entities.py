"""What the spans or boxes of the rows show taken together: their labels by split, unseen or misspelled, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from headstart.contracts import SPLITS, Problem, Rows
from headstart.data.findings.classes import Counts
from headstart.data.problems import Fault, at_row, quoted
from headstart.data.truths import boxes, masks, spans
from headstart.data.truths.spans import nearest


@dataclass(frozen=True)
class Labels:
    """A field whose values are labelled places: its name, how the labels in a value are read, what one is called."""

    field: str
    of: Callable[[str], Sequence[str]]
    noun: str

    @property
    def one(self) -> str:
        """One of them, with its article."""
        return f"an {self.noun}" if self.noun[0] in "aeiou" else f"a {self.noun}"


def of_spans(field: str) -> Labels:
    """Those of a field of kind "spans"."""
    return Labels(field, lambda value: [span.label for span in spans.loads(value)], "entity")


def of_boxes(field: str) -> Labels:
    """Those of a field of kind "boxes"."""
    return Labels(field, lambda value: [box.label for box in boxes.loads(value)], "box")


def of_masks(field: str) -> Labels:
    """Those of a field of kind "mask"; a class counts once a picture."""
    return Labels(field, lambda value: [region.label for region in masks.loads(value).regions], "region")


def count_labels(splits: Mapping[str, Rows], labels: Labels) -> Counts:
    """Label -> split -> number of places; labels sorted by name, splits without one of it left out."""
    counts = {
        split: Counter(label for value in rows.column(labels.field) for label in labels.of(value))
        for split, rows in splits.items()
    }
    names = sorted({name for counter in counts.values() for name in counter})
    return {name: {split: counter[name] for split, counter in counts.items() if name in counter} for name in names}


def problems_of(counts: Counts, splits: Mapping[str, Rows], labels: Labels) -> list[Problem]:
    """What is wrong with the labels."""
    train = {name: by_split["train"] for name, by_split in counts.items() if "train" in by_split}
    if not train:
        said = f'no training row has {labels.one}. Is "{labels.field}" the right column?'
        return [Problem("error", f"no-{labels.noun}", said, field=labels.field)]
    return [*_strange(counts, splits, labels, train), *_absent(splits, counts, train, labels)]


def _strange(counts: Counts, splits: Mapping[str, Rows], labels: Labels, train: Mapping[str, int]) -> Iterator[Problem]:
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
            said = f'no training row has {labels.one} "{name}". {nearest(name, list(train))}'
            faults[name] = Fault("unseen-class", said)
    for rows in splits.values() if faults else ():
        places = zip(rows.column(labels.field), rows.column("file"), rows.column("row"), strict=True)
        for value, file, row in places:
            bad = next((label for label in labels.of(value) if label in faults), None)
            if bad is not None:
                yield at_row(faults[bad], file=file, row=row, field=labels.field)


def _absent(splits: Mapping[str, Rows], counts: Counts, train: Mapping[str, int], labels: Labels) -> Iterator[Problem]:
    for split in SPLITS[1:]:
        absent = [name for name in train if split in splits and split not in counts[name]]
        if absent:
            of = f"no {labels.noun} of {len(absent)} labels: {quoted(absent)}"
            said = f"{split} has {of}. Nothing can be said of them there."
            yield Problem("warning", "absent-class", said, field=labels.field)


def twice(splits: Mapping[str, Rows], field: str) -> Iterator[Problem]:
    """A warning for each picture on which the same box is drawn more than once: it counts as many times."""
    for rows in splits.values():
        for value, file, row in zip(rows.column(field), rows.column("file"), rows.column("row"), strict=True):
            counter = Counter((box.label, box.edges) for box in boxes.loads(value))
            again = [(label, edges) for (label, edges), count in counter.items() if count > 1]
            if again:
                (label, edges), others = again[0], f" and {len(again) - 1} others" * (len(again) > 1)
                said = f'the box "{label}" {list(edges)}{others} is drawn more than once. Remove all but one.'
                yield at_row(Fault("box-twice", said, "warning"), file=file, row=row, field=field)
