"""Rows that repeat others: within a split, across splits (leakage), or with another class; and what images are like.

How likeness is found is in `duplicates`; here it is put into words and figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.contracts import SPLITS, Problem, Rows
from headstart.data.findings.duplicates import Keys, Pairs, groups, image_keys, near_images, near_texts, text_keys
from headstart.data.images import THUMB_SIZE, Look, looks
from headstart.data.problems import Fault, at_row, quoted, short

EXAMPLES = 3
"""How many rows a message about repetition names."""


@dataclass(frozen=True)
class Likeness:
    """By split, two numbers for each row: equal `keys` are exact duplicates, equal `groups` near ones or exact."""

    keys: Mapping[str, Keys]
    groups: Mapping[str, Keys]


def text_likeness(splits: Mapping[str, Rows], fields: Sequence[str]) -> Likeness:
    """Which rows are alike in all of these texts."""
    texts = _joined(splits, fields[0])
    if len(fields) > 1:
        # a sign that no text has, so that ("a b", "c") is not ("a", "b c")
        sign = pa.scalar(" \0 ", pa.large_string())
        texts = pc.binary_join_element_wise(*(_joined(splits, field) for field in fields), sign)
    keys = text_keys(texts)
    # Equal texts need no finding; only one of each is compared with the others.
    _, first = np.unique(keys, return_index=True)
    return by_split(splits, keys, first[near_texts(texts.take(first))])


def image_likeness(
    splits: Mapping[str, Rows], image: str, facts: dict[str, int | float | str]
) -> tuple[Likeness, list[Problem]]:
    """Which images are alike, and what is wrong with single ones; `facts` gains their sizes and modes."""
    rows = [place for one in splits.values() for place in places(one, image)]
    seen = list(looks([path for path, _, _ in rows]))
    facts.update(_image_facts(seen, image))
    # An image that cannot be read is like no other: its path stands for its bytes.
    keys = image_keys(
        [look.sha256 or sha256(path.encode()).digest() for look, (path, _, _) in zip(seen, rows, strict=True)]
    )
    _, first = np.unique(keys, return_index=True)
    usable = np.asarray([at for at in first if seen[at].thumb is not None], np.int64)
    thumbs = [thumb for at in usable if (thumb := seen[at].thumb) is not None]
    stacked = np.stack(thumbs) if thumbs else np.empty((0, *THUMB_SIZE[::-1]), np.uint8)
    problems = [
        problem_of(look.fault, place, image) for look, place in zip(seen, rows, strict=True) if look.fault is not None
    ]
    return by_split(splits, keys, usable[near_images(stacked)]), problems


def _joined(splits: Mapping[str, Rows], field: str) -> pa.ChunkedArray:
    """A field of all splits, one after the other."""
    chunks = [chunk for rows in splits.values() for chunk in rows.table[field].chunks]
    return pa.chunked_array(chunks, pa.large_string())


def places(rows: Rows, field: str) -> list[tuple[str, str, int]]:
    """Of each row the file it names, and where the row itself stands."""
    return list(zip(rows.column(field), rows.column("file"), rows.column("row"), strict=True))


def problem_of(fault: Fault, place: tuple[str, str, int], field: str) -> Problem:
    """What is wrong with a file that a row names, or that is the row."""
    path, file, row = place
    if path == file:
        return Problem(fault.severity, fault.kind, f"{file}: {fault.said}", file, row, field)
    return at_row(replace(fault, said=f'"{path}": {fault.said}'), file=file, row=row, field=field)


def _image_facts(seen: Sequence[Look], image: str) -> dict[str, int | float | str]:
    sizes = [look.size for look in seen if look.size is not None]
    if not sizes:
        return {}
    modes = Counter(look.mode for look in seen if look.mode is not None)
    widths, heights = zip(*sizes, strict=True)
    return {
        f"{image}.width.median": float(np.median(widths)),
        f"{image}.height.median": float(np.median(heights)),
        f"{image}.smallest": "{} x {}".format(*min(sizes, key=lambda size: size[0] * size[1])),
        f"{image}.largest": "{} x {}".format(*max(sizes, key=lambda size: size[0] * size[1])),
        f"{image}.modes": ", ".join(f"{mode}: {count:,}" for mode, count in modes.most_common()),
    }


def by_split(splits: Mapping[str, Rows], keys: Keys, pairs: Pairs) -> Likeness:
    """Keys and groups of all rows, told by split; `pairs` are rows that are nearly the same, shape (pairs, 2)."""
    ends = np.cumsum([len(rows) for rows in splits.values()])[:-1]
    of_row = groups(keys, pairs)
    return Likeness(
        dict(zip(splits, np.split(keys, ends), strict=True)), dict(zip(splits, np.split(of_row, ends), strict=True))
    )


# --------------------------------------------------------------------------------------------------- what is said


def repeats(splits: Mapping[str, Rows], likeness: Likeness, facts: dict[str, int | float | str]) -> list[Problem]:
    """A note for each split in which rows repeat others; `facts` gains the counts."""
    problems = []
    for split, groups_of in likeness.groups.items():
        exact = len(groups_of) - len(np.unique(likeness.keys[split]))
        near = len(groups_of) - len(np.unique(groups_of)) - exact
        facts |= {f"{split}.duplicates.exact": exact, f"{split}.duplicates.near": near}
        if exact or near:
            _, first = np.unique(groups_of, return_index=True)
            again = np.setdiff1d(np.arange(len(groups_of)), first)
            said = (
                f"{exact:,} {split} rows repeat another exactly and {near:,} nearly, "
                f"for example {_named(splits[split], again)}."
            )
            problems.append(Problem("note", "duplicates", said))
    return problems


def leakage(splits: Mapping[str, Rows], likeness: Likeness, facts: dict[str, int | float | str]) -> list[Problem]:
    """A warning for each pair of splits that share rows, since the later one then judges what was learnt by heart."""
    problems = []
    given = [split for split in SPLITS if split in likeness.groups]
    for at, later in enumerate(given):
        for earlier in given[:at]:
            exact = np.isin(likeness.keys[later], likeness.keys[earlier])
            alike = np.isin(likeness.groups[later], likeness.groups[earlier])
            counts = int(exact.sum()), int((alike & ~exact).sum())
            facts |= {f"{later}.in.{earlier}.exact": counts[0], f"{later}.in.{earlier}.near": counts[1]}
            if any(counts):
                said = (
                    f"Of {len(alike):,} {later} rows {_shared(*counts, earlier)}, "
                    f"for example {_named(splits[later], np.flatnonzero(alike))}. Scores there may be too good."
                )
                problems.append(Problem("warning", "leakage", said))
    return problems


def _shared(exact: int, near: int, earlier: str) -> str:
    """How many rows an earlier split has too, of which one at least is above 0."""
    counts = {f"also in {earlier}": exact, f"nearly a row of {'it' if exact else earlier}": near}
    return " and ".join(f"{num:,} {'is' if num == 1 else 'are'} {what}" for what, num in counts.items() if num)


def conflicts(splits: Mapping[str, Rows], likeness: Likeness, label: str, what: str = "class") -> list[Problem]:
    """A warning where rows of the same content carry different classes, or `what` else they carry."""
    keys = np.concatenate([*likeness.keys.values(), np.empty(0, np.uint64)])
    _, of_label = np.unique(
        [one for rows in splits.values() for one in rows.column(label)] or [""], return_inverse=True
    )
    if not len(keys):
        return []
    distinct = np.unique(np.stack([keys, of_label.astype(np.uint64)], axis=1), axis=0)
    several, count = np.unique(distinct[:, 0], return_counts=True)
    conflicting = several[count > 1]
    if not len(conflicting):
        return []
    rows, at = _where(splits, likeness, conflicting)
    total = int(np.isin(keys, conflicting).sum())
    said = f"{total:,} rows have the same content as another and another {what}, for example {_named(rows, at)}."
    return [Problem("warning", "conflicting-labels", said, field=label)]


def _where(splits: Mapping[str, Rows], likeness: Likeness, keys: Keys) -> tuple[Rows, Any]:
    """The first split that holds such keys, and the rows there, those of one key side by side."""
    for split, rows in splits.items():
        at = np.flatnonzero(np.isin(likeness.keys[split], keys))
        if len(at):
            return rows, at[np.argsort(likeness.keys[split][at], kind="stable")]
    raise AssertionError("keys come from one of the splits")


def _named(rows: Rows, at: Any) -> str:
    """The first few of these rows, by file, row and beginning."""
    few = rows.take(at[:EXAMPLES])
    content = next(name for name in few.table.column_names if name not in ("file", "row"))
    return "; ".join(
        f"{file}, row {row}" + ("" if value == file else f" ({quoted([short(value, 40)])})")
        for value, file, row in zip(few.column(content), few.column("file"), few.column("row"), strict=True)
    )
