"""The linear head on frozen features: which layers it reads and how strongly it is regularised, by cross-validation.

Readings are screened by leave-one-out ridge regression, which costs one decomposition each; the best of them go through
k-fold logistic regression along a path of strengths.
"""

# N rows, D width, C classes

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from headstart.estimates import decomposed, ridge
from headstart.network import Reading

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0)
"""Values of scikit-learn's C, larger is freer; the search starts in the middle and walks while it gains."""
SCREENED = 1500
"""Rows that readings are screened on; more change the ranking no further than chance does."""
FINALISTS = 2


@dataclass(frozen=True)
class LinearHead:
    """A fitted head in the terms of the raw features: logits = x · weightᵀ + bias."""

    reading: Reading | None
    weight_CD: Floats
    bias_C: Floats
    tried: tuple[dict[str, Any], ...]
    log_loss: float
    """In nats, on the rows left out in turn."""


def fit(
    candidates: Sequence[Reading | None],
    read: Callable[[Reading | None], Floats],
    classes: Ints,
    *,
    seed: int,
    weights_C: Floats | None = None,
) -> LinearHead:
    """The best head over readings and strengths.

    Args:
        candidates: Readings to choose among; None stands for features that are read as they are.
        read: The features of a reading, shape (N, D).
        classes: Of the N rows.
        seed: Of the folds and of the rows screened on.
        weights_C: How heavily each class weighs in the loss, shape (C,); the screening counts all rows alike.
    """
    # these products are small: threads would spend their time waiting for each other, on a busy machine minutes
    with threadpool_limits(1), warnings.catch_warnings():
        # stopping early is one more regulariser here; the strength chosen accounts for it. Said once and out here,
        # because the filters belong to the whole process and the folds run in threads
        warnings.simplefilter("ignore", ConvergenceWarning)
        return _fit(candidates, read, classes, seed, weights_C)


def _fit(
    candidates: Sequence[Reading | None],
    read: Callable[[Reading | None], Floats],
    classes: Ints,
    seed: int,
    weights_C: Floats | None,
) -> LinearHead:
    finalists, tried = _screen(candidates, read, classes, seed)
    best: tuple[float, Reading | None, float] | None = None
    for reading in finalists:
        strength, outcomes = _walk(_standardised(read(reading))[0], classes, seed, weights_C)
        tried += [{"reading": _name(reading), **outcome} for outcome in outcomes]
        loss = min(outcome["log_loss"] for outcome in outcomes)
        if best is None or loss < best[0]:
            best = (loss, reading, strength)
    assert best is not None, "at least one reading is always a finalist"
    loss, reading, strength = best
    weight_CD, bias_C = _raw_weights(read(reading), classes, strength, weights_C)
    return LinearHead(reading, weight_CD, bias_C, tuple(tried), loss)


def _name(reading: Reading | None) -> str:
    return "classifier" if reading is None else str(reading)


def _screen(
    candidates: Sequence[Reading | None], read: Callable[[Reading | None], Floats], classes: Ints, seed: int
) -> tuple[list[Reading | None], list[dict[str, Any]]]:
    """The readings with the best leave-one-out accuracy, best first, and what each reached."""
    if len(candidates) == 1:
        return list(candidates), []
    rows = np.sort(np.random.default_rng(seed).permutation(len(classes))[:SCREENED])
    accuracy = [_best_left_out(_standardised(read(reading)[rows])[0], classes[rows]) for reading in candidates]
    order = np.argsort(accuracy, kind="stable")[::-1]
    tried = [
        {"reading": _name(reading), "leave_one_out_accuracy": value}
        for reading, value in zip(candidates, accuracy, strict=True)
    ]
    return [candidates[i] for i in order[:FINALISTS]], tried


def _best_left_out(features_ND: Floats, classes: Ints) -> float:
    """The best leave-one-out accuracy of ridge regression over its penalties; features centred, shape (N, D)."""
    answers = ridge.path(decomposed(features_ND), classes)
    return max(float((scores_NC.argmax(axis=1) == classes).mean()) for scores_NC in answers)


def _standardised(features_ND: Floats) -> tuple[Floats, Floats, Floats]:
    """Features with mean 0 and deviation 1 per column, and both; a column that never changes becomes 0."""
    mean_D, scale_D = features_ND.mean(axis=0), features_ND.std(axis=0)
    scale_D = np.where(scale_D > 1e-6 * max(float(scale_D.max()), 1e-30), scale_D, np.float32(np.inf))
    return (features_ND - mean_D) / scale_D, mean_D, scale_D


def _walk(
    features_ND: Floats, classes: Ints, seed: int, weights_C: Floats | None = None
) -> tuple[float, list[dict[str, Any]]]:
    """Goes along the strengths in the direction that lowers the cross-validated loss, until it no longer does."""
    folds = _folds(classes, seed)
    outcomes: dict[int, dict[str, Any]] = {}

    def loss(position: int) -> float:
        if not 0 <= position < len(STRENGTHS):
            return float("inf")
        if position not in outcomes:
            outcomes[position] = _cross_validated(features_ND, classes, STRENGTHS[position], folds, weights_C)
        return float(outcomes[position]["log_loss"])

    position = len(STRENGTHS) // 2
    step = -1 if loss(position - 1) < loss(position) else 1
    while loss(position + step) < loss(position):
        position += step
    return STRENGTHS[position], [outcomes[key] for key in sorted(outcomes)]


def _folds(classes: Ints, seed: int) -> list[tuple[Ints, Ints]]:
    """Stratified folds: five for small data, three where each is large, fewer where a class is rarer than that."""
    wanted = 5 if len(classes) < 2000 else 3
    counts = np.bincount(classes)
    kind = KFold if counts.max() == 1 else StratifiedKFold  # which refuses rows that are all of different classes
    splitter = kind(max(2, min(wanted, int(counts.min()))), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # a class with one row cannot be in both halves; its row still trains in the other fold
        warnings.simplefilter("ignore", UserWarning)
        return list(splitter.split(np.zeros(len(classes)), classes))


def _cross_validated(
    features_ND: Floats,
    classes: Ints,
    strength: float,
    folds: list[tuple[Ints, Ints]],
    weights_C: Floats | None = None,
) -> dict[str, Any]:
    """Mean loss in nats and accuracy over rows that the fit had not seen."""
    num_classes = int(classes.max()) + 1
    heavy_N = np.ones(len(classes), np.float32) if weights_C is None else weights_C[classes]

    def judged(fold: tuple[Ints, Ints]) -> tuple[float, int]:
        seen, unseen = fold
        weight_CD, bias_C = _logistic(features_ND[seen], classes[seen], strength, num_classes, weights_C)
        logits = features_ND[unseen] @ weight_CD.T + bias_C
        logits -= logits.max(axis=1, keepdims=True)
        log_likelihood = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        hits = int((logits.argmax(axis=1) == classes[unseen]).sum())
        return -float(log_likelihood[np.arange(len(unseen)), classes[unseen]] @ heavy_N[unseen]), hits

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(judged, folds))
    loss, hits = (sum(figures) for figures in zip(*outcomes, strict=True))
    return {"strength": strength, "log_loss": loss / len(classes), "accuracy": hits / len(classes)}


def _logistic(
    features_ND: Floats, classes: Ints, strength: float, num_classes: int, weights_C: Floats | None
) -> tuple[Floats, Floats]:
    """Weights (C, D) and biases (C,) of scikit-learn's logistic regression, one row of weights for every class."""
    if len(np.unique(classes)) == 1:
        # scikit-learn refuses a single class; the sure answer is what its fit would tend to
        return np.zeros((num_classes, features_ND.shape[1]), np.float32), _absent_bias(classes, num_classes)
    heavy_N = None if weights_C is None else weights_C[classes]
    model = LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(features_ND, classes, heavy_N)
    weight = np.zeros((num_classes, features_ND.shape[1]), dtype=np.float32)
    bias = _absent_bias(classes, num_classes)
    is_binary = len(model.classes_) == 2
    weight[model.classes_] = np.vstack([-model.coef_ / 2, model.coef_ / 2]) if is_binary else model.coef_
    bias[model.classes_] = np.hstack([-model.intercept_ / 2, model.intercept_ / 2]) if is_binary else model.intercept_
    return weight, bias


def _absent_bias(classes: Ints, num_classes: int) -> Floats:
    """0 for the classes there are; for one that no row of a fold shows, a score below all others."""
    bias = np.full(num_classes, -30.0, dtype=np.float32)
    bias[classes] = 0.0
    return bias


def _raw_weights(
    features_ND: Floats, classes: Ints, strength: float, weights_C: Floats | None
) -> tuple[Floats, Floats]:
    """The head fitted to all rows, with the standardisation folded into it."""
    standard_ND, mean_D, scale_D = _standardised(features_ND)
    weight_CD, bias_C = _logistic(standard_ND, classes, strength, int(classes.max()) + 1, weights_C)
    raw_CD = weight_CD / scale_D
    return raw_CD.astype(np.float32), (bias_C - raw_CD @ mean_D).astype(np.float32)
