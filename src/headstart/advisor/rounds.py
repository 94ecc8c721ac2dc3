"""Which rows arms are judged on: the validation rows where they are many, else all rows in turn; never test rows."""

# N rows

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from headstart.contracts import Rows, Splits, Task
from headstart.data.split import strata

if TYPE_CHECKING:
    from headstart.contracts import Indices

ENOUGH = 400
"""Validation rows from which one round decides: an accuracy is then known to within five points either way."""
FOLDS = 3
FEW, OF_FEW = 250, 5
"""Of fewer rows than this every one that is not learnt from is missed: so many folds, of which all but one learn."""


@dataclass(frozen=True)
class Round:
    """Rows to learn from, and rows to be judged on."""

    train: Rows
    validation: Rows


def of(splits: Splits, groups: list[str], task: Task, *, seed: int) -> list[Round]:
    """One round on the validation rows, or several in which every row is judged once.

    Args:
        splits: With validation rows.
        groups: What each row of train and then of validation is the same as; whole groups are judged together.
        task: Says what is to be kept alike in all folds, and which names a row knows.
        seed: Of the folds.
    """
    assert splits.validation is not None, "advice asks for a validation split"
    if len(splits.validation) >= ENOUGH:
        return [Round(splits.train, splits.validation)]
    rows = together(splits)
    return [Round(rows.take(seen), rows.take(unseen)) for seen, unseen in _folds(rows, groups, task, seed)]


def together(splits: Splits) -> Rows:
    """The rows of train, then those of validation."""
    assert splits.validation is not None, "advice asks for a validation split"
    return Rows(pa.concat_tables([splits.train.table, splits.validation.table], promote_options="default"))


def _folds(rows: Rows, groups: list[str], task: Task, seed: int) -> Iterator[tuple[Indices, Indices]]:
    """Rows to learn from and the others; without those of a name that is not among the former."""
    _, classes = np.unique(strata(rows, task.fields), return_inverse=True)
    folds = FOLDS if len(rows) >= FEW else OF_FEW
    of_row = [set(task.names(task.learn(rows.take([row])))) for row in range(len(rows))]
    for seen, unseen in _spread(classes, groups, folds, seed):
        known = set(task.names(task.learn(rows.take(seen))))
        yield seen, np.array([row for row in unseen.tolist() if of_row[row] <= known], dtype=np.int64)


def _spread(classes: Indices, groups: list[str], folds: int, seed: int) -> list[tuple[Indices, Indices]]:
    """Folds over which the rows of each class are spread, few as they may be: one that is judged misses its like most.

    Of four rows of a class in five folds, each is judged after learning from the three others.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    # the stratified kind refuses classes of which none has a row for every fold, and warns of one that has not
    kind = StratifiedGroupKFold if np.bincount(classes).max() >= folds else GroupKFold
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(kind(folds, shuffle=True, random_state=seed).split(np.zeros(len(classes)), classes, groups))
