"""Figures with their uncertainty: intervals, classification metrics, calibration, and the gain over a baseline.

Pure functions of arrays; what a prediction is and what a row says is the tasks' business.
"""

# N rows, C classes, R resamples

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from headstart.contracts import Learned, Prediction, Rows, Task
from headstart.spoken import metric

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RESAMPLES = 1000
AT_ONCE = 2**17
"""Rows that are drawn together; more at once gain nothing."""
Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
ENDS = (2.5, 97.5)
"""The percentiles of resamples between which an interval of 95 % lies."""
BINS = 15


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion; unlike a bootstrap it stays honest when all or none are hits.

    Source: Wilson, JASA 22 (1927), 209-212.

    Example:
        >>> low, high = wilson(10, 10)
        >>> round(low, 3), high
        (0.722, 1.0)
    """
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, Z95**2 / total
    middle = (share + square / 2) / (1 + square)
    half = Z95 / (1 + square) * math.sqrt(share * (1 - share) / total + square / (4 * total))
    return max(0.0, middle - half) if hits else 0.0, min(1.0, middle + half) if hits < total else 1.0


def confusion(truth: Ints, predicted: Ints, num_classes: int) -> Ints:
    """Counts, shape (C, C); a row is a true class, a column a predicted one."""
    return np.bincount(truth * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, num_classes)


def per_class(counts_CC: Ints) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of each class, shape (C,) each; 0 where undefined, as scikit-learn has it."""
    hits = np.diagonal(counts_CC, axis1=-2, axis2=-1).astype(np.float64)
    predicted, support = counts_CC.sum(axis=-2), counts_CC.sum(axis=-1)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(support, 1)
    return precision, recall, 2 * hits / np.maximum(predicted + support, 1)


def f1_macro(counts_CC: Ints) -> Floats:
    """The mean F1 over the classes that occur in truth or prediction; leading axes are kept."""
    occurs = (counts_CC.sum(axis=-1) + counts_CC.sum(axis=-2)) > 0
    f1 = per_class(counts_CC)[2]
    return np.asarray((f1 * occurs).sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1))


def bootstrap(
    statistic: Callable[[Ints], Floats | float], num_rows: int, *, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The 95 % percentile interval of a statistic over resampled rows.

    Args:
        statistic: Takes row indices, shape (N,), and gives a number.
        num_rows: N.
        seed: Of the resampling.
        resamples: R; fewer where a statistic takes long.

    Source: Efron, Annals of Statistics 7 (1979), 1-26; the percentile method.
    """

    def of_all(rows_RN: Ints) -> list[float]:
        return [float(statistic(rows)) for rows in rows_RN]

    return bootstrap_at_once(of_all, num_rows, seed=seed, resamples=resamples)


def bootstrap_at_once(
    statistic: Callable[[Ints], Floats | Sequence[float]], num_rows: int, *, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """As `bootstrap`, with the same draws, for a statistic that can be had of many of them in one go.

    Args:
        statistic: Takes row indices, shape (R, N), and gives R numbers.
        num_rows: N.
        seed: Of the resampling.
        resamples: How many of them.
    """
    some = draws(num_rows, seed=seed, resamples=resamples)
    low, high = np.percentile(np.concatenate([statistic(rows) for rows in some]), ENDS)
    return float(low), float(high)


def draws(num_rows: int, *, seed: int, resamples: int = RESAMPLES) -> Iterator[Ints]:
    """The rows of all resamples of a bootstrap, some at a time, shape (R, N)."""
    generator = np.random.default_rng(seed)
    step = max(1, AT_ONCE // max(1, num_rows))
    for start in range(0, resamples, step):
        yield generator.integers(0, num_rows, (min(step, resamples - start), num_rows))


def classification(truth: Ints, probabilities: Floats, *, names: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """All figures of a classifier on one split.

    Args:
        truth: True classes, shape (N,).
        probabilities: Shape (N, C); rows sum to one.
        names: Of the classes.
        seed: Of the bootstrap.

    Returns:
        "metrics", each with value and 95 % interval; "per_class"; "confusion"; "calibration".
    """
    predicted = probabilities.argmax(axis=1)
    counts = confusion(truth, predicted, len(names))
    likelihood = np.clip(probabilities[np.arange(len(truth)), truth], 1e-12, 1)
    precision, recall, f1 = per_class(counts)
    return {
        "metrics": {
            **hard_metrics(truth, predicted, num_classes=len(names), seed=seed),
            "log_loss": {"value": float(-np.log(likelihood).mean())},
        },
        "per_class": {
            name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
            for name, p, r, f, n in zip(names, precision, recall, f1, counts.sum(axis=1), strict=True)
        },
        "confusion": {"names": list(names), "counts": counts.tolist()},
        "calibration": calibration(probabilities.max(axis=1), predicted == truth),
    }


def hard_metrics(truth: Ints, predicted: Ints, *, num_classes: int, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Accuracy and macro F1 of predicted classes, each with its 95 % interval and how that was made."""
    hits = int((truth == predicted).sum())
    low, high = wilson(hits, len(truth))
    cells = truth * num_classes + predicted

    def f1_of(rows_RN: Ints) -> Floats:
        # the draws' tables of C x C cells stand one behind the other
        of_draw = cells[rows_RN] + num_classes**2 * np.arange(len(rows_RN))[:, None]
        counts = np.bincount(of_draw.ravel(), minlength=len(rows_RN) * num_classes**2)
        return f1_macro(counts.reshape(-1, num_classes, num_classes))

    f1_low, f1_high = bootstrap_at_once(f1_of, len(truth), seed=seed)
    f1 = float(f1_macro(confusion(truth, predicted, num_classes)))
    return {
        "accuracy": {"value": hits / len(truth), "low": low, "high": high, "method": "Wilson score"},
        "f1_macro": {"value": f1, "low": f1_low, "high": f1_high, "method": "percentile bootstrap"},
    }


def calibration(confidence: Floats, is_right: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """The expected calibration error over equal-width bins, and the bins that hold rows.

    Source: Naeini, Cooper, Hauskrecht, AAAI 2015; 15 bins as in Guo et al., ICML 2017.
    """
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = [
        {
            "low": b / BINS,
            "high": (b + 1) / BINS,
            "confidence": float(confidence[which == b].mean()),
            "accuracy": float(is_right[which == b].mean()),
            "count": int((which == b).sum()),
        }
        for b in range(BINS)
        if (which == b).any()
    ]
    error = sum(b["count"] * abs(b["accuracy"] - b["confidence"]) for b in bins) / max(len(confidence), 1)
    return {"ece": float(error), "bins": bins}


def mean(counts: Any) -> float:
    """The figure of rows that each have a score of their own, such as 1 where right: their mean."""
    return float(np.mean(counts))


def counted(counts: Sequence[Any]) -> Any:
    """The counts of rows so that some of them can be picked: an array where all have one shape, else of objects."""
    try:
        return np.array(counts, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.empty(len(counts), dtype=object)
        found[:] = counts
        return found


def gain(
    ours: Any, theirs: Any, *, figure: Callable[[Any], float] = mean, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """How much better we are, with the 95 % interval of a bootstrap that draws the same rows for both.

    Args:
        ours: What the figure needs of each row, an array whose first axis is N (for accuracy: 1 where right).
        theirs: Of the same rows, judged the same way.
        figure: From the counts of some rows to a number, higher is better.
        seed: Of the resampling.
        resamples: How many of them.
    """

    def gained(rows: Ints) -> float:
        return figure(ours[rows]) - figure(theirs[rows])

    low, high = bootstrap(gained, len(ours), seed=seed, resamples=resamples)
    return {"value": figure(ours) - figure(theirs), "low": low, "high": high, "method": "paired bootstrap"}


def evaluate(
    task: Task,
    learned: Learned,
    predictions: Sequence[Prediction],
    rows: Rows,
    *,
    split: str = "test",
    baselines: Mapping[str, Sequence[Prediction]] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """All figures of predictions for one split, beside those of the baselines where they are given.

    Args:
        task: Whose metrics apply.
        learned: What the task learnt from the training rows.
        predictions: Decoded, one a row.
        rows: With the truth.
        split: What the rows are called in the result.
        baselines: Predictions of other methods for the same rows.
        seed: Of the bootstraps.
    """
    figures = task.metrics(predictions, rows, learned)
    ours = counted(figures.pop("counts"))
    scores = {"split": split, "rows": len(rows), "primary": task.primary, **figures}
    if not baselines:
        return scores
    others = {name: task.metrics(answers, rows, learned) for name, answers in baselines.items()}
    scores["baselines"] = {name: other["metrics"] for name, other in others.items()}
    over = best_baseline(scores["baselines"], task.primary)
    theirs = counted(others[over]["counts"])
    scores["gain"] = {"over": over, **gain(ours, theirs, figure=task.figure, seed=seed)}
    return scores


def best_baseline(baselines: Mapping[str, Mapping[str, Mapping[str, float]]], primary: str) -> str:
    """The name of the baseline with the highest primary metric."""
    return max(baselines, key=lambda name: baselines[name][primary]["value"])


def primary(task: Task, learned: Learned, predictions: Sequence[Prediction], rows: Rows) -> float:
    """The task's first figure of these predictions."""
    return float(task.metrics(predictions, rows, learned)["metrics"][task.primary]["value"])


def verdict(scores: Mapping[str, Any], model: str, *, is_pretrained: bool = True) -> str:
    """The first sentence of the report: is the model worth it on these rows?

    Args:
        scores: From `evaluate`, with the gain over a baseline.
        model: What to call it.
        is_pretrained: Whether it began with weights from elsewhere, and not from fresh ones.
    """
    primary, over, by = scores["primary"], scores["gain"]["over"], scores["gain"]
    ours, theirs = scores["metrics"][primary], scores["baselines"][over][primary]
    figures = (
        f"{metric(primary)} {ours['value']:.3f} [{ours['low']:.3f}, {ours['high']:.3f}] on {scores['rows']:,} held-out "
        f"rows against {theirs['value']:.3f} for {over}, the best trivial baseline; gain {by['value']:+.3f} "
        f"[{by['low']:+.3f}, {by['high']:+.3f}], 95 % intervals"
    )
    if by["low"] > 0:
        which = "pretrained model" if is_pretrained else "model from fresh weights"
        return f"The {which} is worth it: {model} reaches {figures}."
    if by["high"] < 0:
        return f"The trivial baseline is better: {model} reaches {figures}."
    return f"No difference can be told from these rows: {model} reaches {figures}."
