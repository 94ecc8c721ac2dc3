"""The linear head on frozen features: which layers it reads and how strongly it is regularised, by cross-validation.

Readings are screened by leave-one-out ridge regression, which costs one decomposition each; two of them go through
k-fold logistic regression along a path of strengths.
"""

# N rows, D width, C classes or labels

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from headstart.device import cores
from headstart.readings import Reading
from headstart.train import truths
from headstart.train.truths import Floats, Folds, Truth

STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0)
"""Values of scikit-learn's C, larger is freer; the search starts in the middle and walks while it gains."""
SCREENED = 1500
"""Rows that readings are screened on; more change the ranking no further than chance does."""


@dataclass(frozen=True)
class LinearHead:
    """A fitted head in the terms of the raw features: logits = x · weightᵀ + bias.

    `log_loss` is in nats, on the rows left out in turn, and `left_out_NC` what was said of each of them then.
    """

    reading: Reading | None
    weight_CD: Floats
    bias_C: Floats
    tried: tuple[dict[str, Any], ...]
    log_loss: float
    left_out_NC: Floats


@dataclass(frozen=True)
class _Outcome:
    """How a strength did on rows that its fits had not seen."""

    strength: float
    log_loss: float
    accuracy: float
    logits_NC: Floats

    @property
    def told(self) -> dict[str, float]:
        """The figures."""
        return {name: getattr(self, name) for name in ("strength", "log_loss", "accuracy")}


def fit(
    candidates: Sequence[Reading | None],
    read: Callable[[Reading | None], Floats],
    truth: npt.NDArray[Any],
    *,
    seed: int,
    weights_C: Floats | None = None,
) -> LinearHead:
    """The best head over readings and strengths.

    Args:
        candidates: Readings to choose among; None stands for features that are read as they are.
        read: The features of a reading, shape (N, D).
        truth: The class of each row, shape (N,); or 1 where it has a label, shape (N, C).
        seed: Of the folds and of the rows screened on.
        weights_C: How heavily each class weighs in the loss, shape (C,); the screening counts all rows alike.
    """
    # these products are small: threads would spend their time waiting for each other, on a busy machine minutes
    with threadpool_limits(1), warnings.catch_warnings():
        # stopping early is one more regulariser here; the strength chosen accounts for it. Said once and out here,
        # because the filters belong to the whole process and the folds run in threads
        warnings.simplefilter("ignore", ConvergenceWarning)
        return _fit(candidates, read, truths.of(truth, weights_C), seed)


def _fit(
    candidates: Sequence[Reading | None], read: Callable[[Reading | None], Floats], truth: Truth, seed: int
) -> LinearHead:
    finalists, tried = _screen(candidates, read, truth, seed)
    best: tuple[_Outcome, Reading | None] | None = None
    for reading in finalists:
        taken, outcomes = walk(standardised(read(reading))[0], truth, seed)
        tried += [{"reading": _name(reading), **outcome.told} for outcome in outcomes]
        if best is None or taken.log_loss < best[0].log_loss:
            best = (taken, reading)
    assert best is not None, "at least one reading is always a finalist"
    taken, reading = best
    weight_CD, bias_C = _raw_weights(read(reading), truth, taken.strength)
    return LinearHead(reading, weight_CD, bias_C, tuple(tried), taken.log_loss, taken.logits_NC)


def _name(reading: Reading | None) -> str:
    return "classifier" if reading is None else str(reading)


def _screen(
    candidates: Sequence[Reading | None], read: Callable[[Reading | None], Floats], truth: Truth, seed: int
) -> tuple[list[Reading | None], list[dict[str, Any]]]:
    """The two readings to go on with, the more promising first, and what each reached with every row left out."""
    if len(candidates) == 1:
        return list(candidates), []
    rows = np.sort(np.random.default_rng(seed).permutation(truth.num_rows)[:SCREENED])
    accuracy, widths = [], []
    for reading in candidates:
        features_ND = standardised(read(reading)[rows])[0]
        accuracy.append(truth.screened(features_ND, rows))
        widths.append(features_ND.shape[1])
    tried = [
        {"reading": _name(reading), f"leave_one_out_{truth.screened_by}": value}
        for reading, value in zip(candidates, accuracy, strict=True)
    ]
    order = np.argsort(accuracy, kind="stable")[::-1].tolist()
    usual = widths[_last_layer(candidates)]
    return [candidates[at] for at in (order[0], _second(order, widths, usual))], tried


def _last_layer(candidates: Sequence[Reading | None]) -> int:
    """Which of them is of the highest layer alone."""
    highest = {
        at: reading.layers[-1] for at, reading in enumerate(candidates) if reading is not None and reading.is_single
    }
    return max(highest, key=highest.__getitem__)


def _second(order: Sequence[int], widths: Sequence[int], usual: int) -> int:
    """The best after the first; where that is not as wide as the last layer, the best that is.

    Ridge regression flatters what is wide: it may rank six layers side by side first where a head on the last alone
    does better (decision log).
    """
    return next(at for at in order[1:] if widths[order[0]] == usual or widths[at] == usual)


def standardised(features_ND: Floats) -> tuple[Floats, Floats, Floats]:
    """Features with mean 0 and deviation 1 per column, and both; a column that never changes becomes 0."""
    mean_D, scale_D = features_ND.mean(axis=0), features_ND.std(axis=0)
    scale_D = np.where(scale_D > 1e-6 * max(float(scale_D.max()), 1e-30), scale_D, np.float32(np.inf))
    return (features_ND - mean_D) / scale_D, mean_D, scale_D


def walk(features_ND: Floats, truth: Truth, seed: int) -> tuple[_Outcome, list[_Outcome]]:
    """Goes along the strengths in the direction that lowers the cross-validated loss, until it no longer does.

    Returns:
        The strength to take, and all that were tried, the least free first.
    """
    folds = truth.folds(seed)
    outcomes: dict[int, _Outcome] = {}

    def loss(position: int) -> float:
        if not 0 <= position < len(STRENGTHS):
            return float("inf")
        if position not in outcomes:
            outcomes[position] = cross_validated(features_ND, truth, STRENGTHS[position], folds)
        return outcomes[position].log_loss

    position = len(STRENGTHS) // 2
    step = -1 if loss(position - 1) < loss(position) else 1
    while loss(position + step) < loss(position):
        position += step
    return outcomes[position], [outcomes[key] for key in sorted(outcomes)]


def cross_validated(features_ND: Floats, truth: Truth, strength: float, folds: Folds) -> _Outcome:
    """Mean loss in nats and accuracy over rows that the fit had not seen."""

    def answered(fold: tuple[Any, Any]) -> Floats:
        seen, unseen = fold
        weight_CD, bias_C = truth.fitted(features_ND[seen], seen, strength)
        return np.asarray(features_ND[unseen] @ weight_CD.T + bias_C)

    with ThreadPoolExecutor(cores()) as pool:
        logits = list(pool.map(answered, folds))
    judged = [truth.judged(part, unseen) for part, (_, unseen) in zip(logits, folds, strict=True)]
    loss, hits = (sum(figures) / truth.num_rows for figures in zip(*judged, strict=True))
    order = np.argsort(np.concatenate([unseen for _, unseen in folds]))
    return _Outcome(strength, loss, hits, np.concatenate(logits)[order])


def _raw_weights(features_ND: Floats, truth: Truth, strength: float) -> tuple[Floats, Floats]:
    """The head fitted to all rows, with the standardisation folded into it."""
    standard_ND, mean_D, scale_D = standardised(features_ND)
    weight_CD, bias_C = truth.fitted(standard_ND, np.arange(truth.num_rows), strength)
    raw_CD = weight_CD / scale_D
    return raw_CD.astype(np.float32), (bias_C - raw_CD @ mean_D).astype(np.float32)
