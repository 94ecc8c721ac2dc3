"""Rows to learn from, to choose with and to judge with: the splits that were given, and the missing ones held out.

Held-out rows are drawn by class and by whole groups of duplicates, so that no row is judged by its twin.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headstart.contracts import Field, Rows, Splits
from headstart.data.cells import PLACES
from headstart.data.check import Accepted
from headstart.data.findings.classes import class_codes
from headstart.data.findings.duplicates import Keys
from headstart.data.findings.label_sets import rarest
from headstart.errors import DataError, SettingError

Indices = npt.NDArray[np.int64]

VALIDATION_SIZE = 0.1
"""Share of the training rows held out to choose with, where nothing else is asked for."""


def to_hold_out(asked: float | None, *, is_wanted: bool) -> float | None:
    """Share of the training rows to choose with, as asked for or as usual; None where nothing is chosen by them."""
    return (asked or VALIDATION_SIZE) if is_wanted else None


def split(accepted: Accepted, *, validation_size: float | None, test_size: float | None, seed: int) -> Splits:
    """The three splits; those given are used as they are.

    Args:
        accepted: The rows.
        validation_size: Share of the training rows, those for test already taken, to hold out; None for no split.
        test_size: Share of the training rows to hold out; None for no split.
        seed: Of the draw; the same rows and seed give the same splits, in whatever order the rows come.

    Raises:
        SettingError: A size is not between 0 and 1.
        DataError: There are too few rows to hold out that share.
    """
    train, left = accepted.splits["train"], np.arange(len(accepted.splits["train"]))
    classes = strata(train, accepted.fields)
    made: dict[str, Rows | None] = {}
    said = []
    for at, (name, size) in enumerate((("test", test_size), ("validation", validation_size))):
        made[name] = accepted.splits.get(name)
        if name in accepted.splits:
            said.append(f"{name}: {len(accepted.splits[name]):,} rows as given")
        elif size is not None:
            groups = accepted.groups["train"][left]
            is_out = held_out(classes[left], groups, size=size, rng=np.random.default_rng([seed, at]), name=name)
            made[name] = train.take(left[is_out])
            left = left[~is_out]
            said.append(f"{name}: {int(is_out.sum()):,} rows, {_how(size, seed, groups, accepted.fields)}")
    kept = train.take(left) if len(left) < len(train) else train
    return Splits(kept, made["validation"], made["test"], f"{'; '.join(said) or 'all rows to learn from'}.")


def num_to_learn_from(accepted: Accepted, *, test_size: float) -> int:
    """About how many rows there are to learn from and to choose with, once those for test are taken."""
    num = len(accepted.splits["train"])
    return num if "test" in accepted.splits else round(num * (1 - test_size))


def strata(train: Rows, fields: Sequence[Field]) -> Indices:
    """What is kept alike on both sides, by row: its class, the rarest of several, or whether anything is marked."""
    truth = next((field for field in fields if field.kind in ("label", "labels")), None)
    if truth is None:
        return _with_places(train, fields)
    return class_codes(train.table[truth.name]) if truth.kind == "label" else rarest(train.column(truth.name))


def _with_places(train: Rows, fields: Sequence[Field]) -> Indices:
    """1 for rows with an entity or an answer and 0 for others, which are drawn apart; 0 for all in other tasks."""
    truth = next((field.name for field in fields if field.kind in PLACES), None)
    if truth is None:
        return np.zeros(len(train), np.int64)
    return np.array([value != "[]" for value in train.column(truth)], np.int64)


def _how(size: float, seed: int, groups: Keys, fields: Sequence[Field]) -> str:
    _, counts = np.unique(groups, return_counts=True)
    together = int((counts > 1).sum())
    what = "rows on one text" if any(one.is_shared for one in fields) else "duplicates"
    kept = f", {together:,} group{'s' * (together > 1)} of {what} kept together" if together else ""
    return f"{size:.0%} of train, stratified, seed {seed}{kept}"


def held_out(
    classes: Indices, groups: Keys, *, size: float, rng: np.random.Generator, name: str
) -> npt.NDArray[np.bool_]:
    """Which rows are held out, shape (N,): about `size` of each class, whole groups, never all of a class.

    Raises:
        SettingError: `size` is not between 0 and 1.
        DataError: That share is less than one row, or all rows are one group.
    """
    if not 0 < size < 1:
        raise SettingError(f"--{name}-size {size} is not a share. Give a number between 0 and 1, such as 0.2.")
    units, of_row = np.unique(groups, return_inverse=True)
    # A group counts for the class that most of its rows have.
    table = np.zeros((len(units), int(classes.max(initial=0)) + 1), np.int64)
    np.add.at(table, (of_row, classes), 1)
    unit_class, unit_size = table.argmax(axis=1), table.sum(axis=1)
    order = rng.permutation(len(units))
    wanted = _shares(np.bincount(classes, minlength=table.shape[1]), size)
    is_out = np.zeros(len(units), bool)
    for code, rows in enumerate(wanted):
        mine = order[unit_class[order] == code]
        # A group goes out if its middle row is still wanted, so that large ones err to neither side.
        middle = np.cumsum(unit_size[mine]) - unit_size[mine] / 2
        is_out[mine[middle < rows]] = True
    is_out = _with_every_class_left(is_out, table)
    if not is_out.any():
        raise DataError(
            f"There are too few rows to hold out {size:.0%} of {len(classes):,} for {name}: every class must keep one. "
            f"Add rows, or give a {name} file with --{name}."
        )
    return np.asarray(is_out[of_row])


def _shares(counts: Indices, size: float) -> Indices:
    """Rows of each class to hold out: rounded down, and the largest remainders up until the total is right."""
    exact = counts * size
    shares = np.floor(exact).astype(np.int64)
    missing = round(float(exact.sum())) - int(shares.sum())
    # A class of one row cannot give it; stable, so that equal remainders go by the order of the classes.
    remainder = np.where(counts > 1, exact - shares, -1.0)
    shares[np.argsort(-remainder, kind="stable")[:missing]] += 1
    return np.asarray(np.minimum(shares, np.maximum(counts - 1, 0)))


def _with_every_class_left(is_out: npt.NDArray[np.bool_], table: Indices) -> npt.NDArray[np.bool_]:
    result = is_out.copy()
    for code in np.flatnonzero(table.sum(axis=0)):
        if not table[~result, code].any():
            # The smallest group that has the class costs the held-out part least.
            has = np.flatnonzero(result & (table[:, code] > 0))
            result[has[table[has].sum(axis=1).argmin()]] = False
    return result
