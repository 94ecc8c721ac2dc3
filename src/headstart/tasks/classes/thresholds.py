"""How probable each label must be for a row to have it, chosen on rows that were not learnt from."""

# N rows, C labels

from __future__ import annotations

import numpy as np

from headstart import score

FEWEST = 10
"""Validation rows with a label from which its threshold is its own; rarer ones share that of all labels together."""


def best(table_NC: score.Floats, truth_NC: score.Ints) -> score.Floats:
    """The threshold of each label with the best F1, shape (C,); of rare labels the one that is best for all together.

    A threshold that a handful of rows decide is worse on new rows than the common one.

    Args:
        table_NC: Probabilities.
        truth_NC: 1 where a row has the label.

    Source: Lipton, Elkan, Naryanaswamy, ECML PKDD 2014: the best threshold for F1 is seldom one half.
    """
    together = one(table_NC.ravel(), truth_NC.ravel())
    common = truth_NC.sum(axis=0) >= FEWEST
    own = [
        one(column, truth) if known else together
        for column, truth, known in zip(table_NC.T, truth_NC.T, common, strict=True)
    ]
    return np.array(own, dtype=np.float64)


def one(values_N: score.Floats, truth_N: score.Ints) -> float:
    """The threshold with the best F1, halfway between two probabilities; one half where no row has the label."""
    if not truth_N.any():
        return 0.5
    order = np.argsort(-values_N, kind="stable")
    sorted_N, right_N = values_N[order], np.cumsum(truth_N[order])
    f1_N = 2 * right_N / (np.arange(1, len(order) + 1) + truth_N.sum())
    # between rows alike no threshold can tell
    f1_N[:-1][sorted_N[:-1] == sorted_N[1:]] = -1.0
    last = int(f1_N.argmax())
    below = sorted_N[last + 1] if last + 1 < len(order) else 0.0
    return float((sorted_N[last] + below) / 2)
