"""Everything that can be said of the data before anything expensive runs, all problems at once, and what to go on with.

Single rows were judged by `read`; the classes are looked at in `classes`, repetitions in `repeats`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.contracts import SPLITS, Field, Problem, Rows
from headstart.data.findings import entities, label_sets
from headstart.data.findings.classes import Counts, count_classes, misspelled, of_all, unseen
from headstart.data.findings.duplicates import Keys
from headstart.data.findings.heard import sound_likeness
from headstart.data.findings.repeats import Likeness, conflicts, image_likeness, leakage, repeats, text_likeness
from headstart.data.problems import listing
from headstart.data.read import Found
from headstart.errors import DataError

KINDS = (
    ("spans", "entity_types", entities.of_spans),
    ("boxes", "box_types", entities.of_boxes),
    ("mask", "classes", entities.of_masks),
)
"""Kinds of truth that are labelled places, what their number is called among the facts, and how they are read."""
Facts = dict[str, int | float | str]


@dataclass(frozen=True)
class Checked:
    """What was found and everything wrong or noteworthy in it.

    `facts` are figures by slug ("train.rows", "text.characters.median"). `classes` counts rows by class and split.
    `groups` gives each row of a split the number of its group of duplicates, exact or near.
    """

    found: Found
    problems: tuple[Problem, ...]
    facts: Mapping[str, int | float | str]
    classes: Counts
    groups: Mapping[str, Keys] = field(repr=False, default_factory=dict)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop a run."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


@dataclass(frozen=True)
class Accepted:
    """The rows to go on with, their groups of duplicates, and the rows left out, as JSON types."""

    splits: Mapping[str, Rows]
    groups: Mapping[str, Keys]
    fields: tuple[Field, ...]
    rejected: tuple[Mapping[str, Any], ...] = ()


def check(found: Found) -> Checked:
    """All problems of the data, the figures that describe it, and which rows are duplicates. Acts on nothing."""
    problems = list(found.problems)
    facts: Facts = {f"{split}.rows": len(rows) for split, rows in found.splits.items()}
    likeness, of_content = _content(found, facts)
    problems += of_content
    counts, of_truth = _truth(found, likeness, facts)
    problems += of_truth
    if not any(one.is_shared for one in found.fields):
        problems += repeats(found.splits, likeness, facts)
    problems += leakage(found.splits, likeness, facts)
    return Checked(found, tuple(problems), facts, counts, likeness.groups)


def _truth(found: Found, likeness: Likeness, facts: Facts) -> tuple[Counts, list[Problem]]:
    """How often each class or label occurs in each split, and the problems of what is to be learnt; adds to `facts`."""
    problems: list[Problem] = []
    counts: Counts = {}
    label = next((one.name for one in found.fields if one.kind == "label"), None)
    if label is not None:
        counts = count_classes(found.splits, label)
        problems += misspelled(found.splits, label, counts)
        problems += unseen(found.splits, label, counts)
        problems += of_all(counts, found.splits, label)
        problems += conflicts(found.splits, likeness, label)
        facts["classes"] = len(counts)
    several = next((one.name for one in found.fields if one.kind == "labels"), None)
    if several is not None:
        counts = label_sets.count_labels(found.splits, several)
        problems += label_sets.problems_of(counts, found.splits, several)
        problems += conflicts(found.splits, likeness, several)
        facts["labels"] = len(counts)
    for kind, fact, of in KINDS:
        places = next((of(one.name) for one in found.fields if one.kind == kind), None)
        if places is not None:
            counts = entities.count_labels(found.splits, places)
            problems += entities.problems_of(counts, found.splits, places)
            facts[fact] = len(counts)
            if kind == "mask" and len([name for name in counts if "train" in counts[name]]) == 1:
                said = f'every pixel of every training mask is "{next(iter(counts))}". Add another class, or a palette.'
                problems.append(Problem("error", "one-class", said, field=places.field))
    drawn = next((one.name for one in found.fields if one.kind == "boxes"), None)
    if drawn is not None:
        problems += entities.twice(found.splits, drawn)
    answers = next((one.name for one in found.fields if one.kind == "answers"), None)
    if answers is not None and all(value == "[]" for value in found.splits["train"].column(answers)):
        said = f'no training row has an answer. Is "{answers}" the right column?'
        problems.append(Problem("error", "no-answers", said, field=answers))
    transcript = next((one.name for one in found.fields if one.kind == "transcript"), None)
    if transcript is not None:
        problems += conflicts(found.splits, likeness, transcript, "transcript")
    return counts, problems


def _content(found: Found, facts: Facts) -> tuple[Likeness, list[Problem]]:
    """Which rows are alike, by the field that many share or else the first with content, and what is wrong with it."""
    image = next((one.name for one in found.fields if one.kind == "image"), None)
    if image is not None:
        return image_likeness(found.splits, image, facts)
    audio = next((one.name for one in found.fields if one.kind == "audio"), None)
    if audio is not None:
        said = next((one.name for one in found.fields if one.kind == "transcript"), None)
        return sound_likeness(found.splits, audio, said, facts)
    texts = [one for one in found.fields if one.kind == "text"]
    if not texts:
        return Likeness({}, {}), []
    shared = next((one.name for one in texts if one.is_shared), None)
    # where no text is shared, rows with several are alike where all of these are
    alike = [shared] if shared is not None else [one.name for one in texts]
    for text in alike:
        facts |= _lengths(found.splits, text)
    return text_likeness(found.splits, alike), []


def _lengths(splits: Mapping[str, Rows], text: str) -> Facts:
    """How long the texts are, in characters."""
    columns = [pc.utf8_length(rows.table[text]).to_numpy() for rows in splits.values()]
    lengths = np.concatenate(columns) if columns else np.empty(0)
    if not len(lengths):
        return {}
    return {f"{text}.characters.median": float(np.median(lengths)), f"{text}.characters.max": int(lengths.max())}


def accept(checked: Checked, *, skip_bad_rows: bool) -> Accepted:
    """The rows to go on with.

    Args:
        checked: What was found.
        skip_bad_rows: Whether rows with errors are left out; otherwise they stop the run.

    Raises:
        DataError: Something is wrong with the data as a whole, rows have errors that are not to be skipped, or too
            little is left; carries the problems.
    """
    whole = [problem for problem in checked.errors if problem.row is None]
    rows = [problem for problem in checked.errors if problem.row is not None]
    if whole or (rows and not skip_bad_rows):
        raise DataError(_stopped(whole, rows), whole + rows)
    bad = {(problem.file, problem.row) for problem in rows}
    splits, groups = {}, {}
    for split, given in checked.found.splits.items():
        kept = _kept(given, bad)
        splits[split] = Rows(given.table.filter(pa.array(kept))) if bad else given
        groups[split] = (
            checked.groups[split][kept] if split in checked.groups else np.arange(len(given), dtype=np.uint64)
        )
    accepted = Accepted(splits, groups, checked.found.fields, tuple(_rejected(problem) for problem in rows))
    _enough_left(accepted)
    return accepted


def _stopped(whole: list[Problem], rows: list[Problem]) -> str:
    if not whole and len(rows) == 1:
        return f"{rows[0].message} Correct the row, or pass --skip-bad-rows."
    if len(whole) == 1 and not rows:
        return whole[0].message
    advice = "Correct them." if whole else "Correct them, or pass --skip-bad-rows to go on without these rows."
    count = len(whole) + len(rows)
    return f"The data has {count:,} errors. {advice}\n{listing(whole + rows)}"


def _kept(rows: Rows, bad: set[tuple[str | None, int | None]]) -> Any:
    if not bad:
        return np.ones(len(rows), bool)
    places = zip(rows.column("file"), rows.column("row"), strict=True)
    return np.fromiter((place not in bad for place in places), bool, len(rows))


def _rejected(problem: Problem) -> Mapping[str, Any]:
    return {name: getattr(problem, name) for name in ("file", "row", "field", "kind", "message")}


def _enough_left(accepted: Accepted) -> None:
    for split in SPLITS:
        if split in accepted.splits and len(accepted.splits[split]) == 0:
            raise DataError(f"No {split} row is left without the {len(accepted.rejected):,} bad ones. Correct some.")
    label = next((one.name for one in accepted.fields if one.kind == "label"), None)
    if label is not None and accepted.rejected:
        left = pc.unique(accepted.splits["train"].table[label]).to_pylist()
        if len(left) < 2:
            raise DataError(
                f'Only class "{left[0]}" is left without the {len(accepted.rejected):,} bad rows. Correct some.'
            )
