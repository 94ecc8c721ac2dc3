"""Figures of answers with several labels a row, as scikit-learn counts them; pure functions of tables."""

# N rows, C labels, W draws

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart import score


def of(truth_NC: score.Ints, said_NC: score.Ints, table_NC: score.Floats, *, names: Sequence[str]) -> dict[str, Any]:
    """All figures on one split.

    Args:
        truth_NC: 1 where a row has a label.
        said_NC: 1 where the answer has it.
        table_NC: Probabilities.
        names: Of the labels.

    Returns:
        "metrics": micro and macro F1, exact match, mean average precision and log loss; "per_class"; and as "counts"
        of each row the labels found rightly, found wrongly and missed.
    """
    counts_N3 = np.stack([(truth_NC & said_NC), (1 - truth_NC) & said_NC, truth_NC & (1 - said_NC)]).sum(axis=2).T
    exact = int((truth_NC == said_NC).all(axis=1).sum())
    low, high = score.wilson(exact, len(truth_NC))
    right, wrong, missed = ((truth_NC & said_NC), (1 - truth_NC) & said_NC, truth_NC & (1 - said_NC))
    each_N3C = np.stack([right, wrong, missed], axis=1)
    likelihood = np.where(truth_NC == 1, table_NC, 1 - table_NC).clip(1e-12, 1)
    metrics = {
        "f1_micro": _with_interval(counts_N3, lambda sums: _f1(sums.sum(axis=0))),
        "f1_macro": _with_interval(each_N3C, lambda rows: f1_macro(rows.sum(axis=0))),
        "exact_match": {"value": exact / len(truth_NC), "low": low, "high": high, "method": "Wilson score"},
        "mean_average_precision": {"value": mean_average_precision(truth_NC, table_NC)},
        "log_loss": {"value": float(-np.log(likelihood).mean())},
    }
    return {"metrics": metrics, "per_class": _per_label(each_N3C.sum(axis=0), names), "counts": counts_N3.tolist()}


def _with_interval(counts: score.Ints, figure: Any) -> dict[str, Any]:
    low, high = score.bootstrap(lambda rows: figure(counts[rows]), len(counts), seed=0)
    return {"value": figure(counts), "low": low, "high": high, "method": "percentile bootstrap"}


def _f1(sums: score.Ints) -> float:
    """F1 of labels found rightly, found wrongly and missed; 0 where there is nothing to find."""
    right, wrong, missed = sums.tolist()
    return float(2 * right / max(2 * right + wrong + missed, 1))


def f1_macro(sums_3C: score.Ints) -> float:
    """The mean F1 over the labels that occur in truth or answers."""
    right, wrong, missed = sums_3C
    occurs = sums_3C.sum(axis=0) > 0
    f1 = 2 * right / np.maximum(2 * right + wrong + missed, 1)
    return float(f1[occurs].mean()) if occurs.any() else 0.0


def _per_label(sums_3C: score.Ints, names: Sequence[str]) -> dict[str, Any]:
    """Precision, recall, F1 and rows of each label; 0 where undefined, as scikit-learn has it."""
    right, wrong, missed = sums_3C
    precision, recall = right / np.maximum(right + wrong, 1), right / np.maximum(right + missed, 1)
    f1 = 2 * right / np.maximum(2 * right + wrong + missed, 1)
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
        for name, p, r, f, n in zip(names, precision, recall, f1, right + missed, strict=True)
    }


def mean_average_precision(truth_NC: score.Ints, table_NC: score.Floats) -> float:
    """The mean over labels that some row has of the area under precision by recall, which no threshold decides."""
    from sklearn.metrics import average_precision_score

    there = truth_NC.any(axis=0)
    if not there.any():
        return 0.0
    return float(average_precision_score(truth_NC[:, there], table_NC[:, there], average="macro"))
