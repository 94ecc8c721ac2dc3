"""How found entities are judged: F1 of entities that are right to the character and in their label, with intervals."""

# N rows, K labels

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headstart import score
from headstart.data.truths.spans import Span

METHOD = "percentile bootstrap over rows"


def counts(truth: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]]) -> list[list[int]]:
    """Of each row how many entities were found that are there, found that are not, and there that were not found."""
    rows = []
    for real, said in zip(truth, found, strict=True):
        right = len(set(real) & set(said))
        rows.append([right, len(set(said)) - right, len(set(real)) - right])
    return rows


def figure(of_rows: Any) -> float:
    """Entity F1 of rows together, micro averaged; 0 where there is no entity and none was found."""
    return _f1(np.asarray(of_rows, dtype=np.float64).reshape(-1, 3).sum(axis=0))


def _f1(totals: Any) -> float:
    right, wrong, missed = (float(total) for total in totals)
    return 2 * right / (2 * right + wrong + missed) if right else 0.0


def _precision(totals: Any) -> float:
    return float(totals[0] / max(1, totals[0] + totals[1]))


def _recall(totals: Any) -> float:
    return float(totals[0] / max(1, totals[0] + totals[2]))


def metrics(truth: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]], labels: Sequence[str]) -> dict[str, Any]:
    """All figures of found entities on one split.

    Args:
        truth: Of each of N rows.
        found: Of the same rows.
        labels: That are known; those of the truth are added.

    Source: strict matching as conlleval and seqeval have it, on characters in place of words.
    """
    rows = counts(truth, found)
    rows_N3 = np.array(rows, dtype=np.float64).reshape(-1, 3)
    figures = {"entity_f1": _f1, "precision": _precision, "recall": _recall}
    return {
        "metrics": {name: _measured(rows_N3, of) for name, of in figures.items()},
        "per_class": _per_label(truth, found, labels),
        "counts": rows,
    }


def _measured(rows_N3: Any, of: Any) -> dict[str, Any]:
    def of_each(rows_RN: Any) -> list[float]:
        return [of(totals) for totals in rows_N3[rows_RN].sum(axis=1)]

    low, high = score.bootstrap_at_once(of_each, len(rows_N3), seed=0)
    return {"value": of(rows_N3.sum(axis=0)), "low": low, "high": high, "method": METHOD}


def _per_label(
    truth: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]], labels: Sequence[str]
) -> dict[str, Mapping[str, float | int]]:
    right, said, real = Counter[str](), Counter[str](), Counter[str]()
    for true_spans, found_spans in zip(truth, found, strict=True):
        right.update(span.label for span in set(true_spans) & set(found_spans))
        said.update(span.label for span in found_spans)
        real.update(span.label for span in true_spans)
    table: dict[str, Mapping[str, float | int]] = {}
    for label in sorted({*labels, *real}):
        totals = (right[label], said[label] - right[label], real[label] - right[label])
        figures = {"precision": _precision(totals), "recall": _recall(totals), "f1": _f1(totals)}
        table[label] = {**figures, "support": real[label]}
    return table
