"""What a linear head is fitted to, one class a row or any number of labels: how it is fitted, parted and judged.

Which features are read and how strongly the head is regularised is chosen by `linear`, alike for both.
"""

# N rows, D width, C classes or labels

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import optimize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold

from headstart.estimates import decomposed, ridge

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Folds = list[tuple[Ints, Ints]]
STEPS = 200
"""Most steps of a fit: stopping early is one more regulariser, which the strength chosen accounts for."""
TOLERANCE = 1e-4
"""Largest slope, of the mean loss of a label, at which a fit of labels ends."""


class Truth(Protocol):
    """The truth of N rows, and logistic regression on it."""

    @property
    def screened_by(self) -> str:
        """What `screened` gives, in a word."""

    @property
    def num_rows(self) -> int: ...

    def screened(self, features_ND: Floats, rows: Ints) -> float:
        """How well ridge regression tells each of the rows from the others, at its best penalty; higher is better."""

    def folds(self, seed: int) -> Folds:
        """Rows to fit on and the others, some times over: five for small data, three where each is large."""

    def fitted(self, features_ND: Floats, rows: Ints, strength: float) -> tuple[Floats, Floats]:
        """Weights (C, D) and biases (C,) from the features of these rows; larger strengths are freer."""

    def judged(self, logits_NC: Floats, rows: Ints) -> tuple[float, float]:
        """Losses of these rows in nats, added up, and how many of their answers are right."""


def _wanted(num_rows: int) -> int:
    return 5 if num_rows < 2000 else 3


@dataclass(frozen=True)
class OneClass:
    """One class for each row, shape (N,); `weights_C` says how heavily each weighs."""

    classes_N: Ints
    weights_C: Floats | None = None
    screened_by: str = "accuracy"

    @property
    def num_rows(self) -> int:
        """N."""
        return len(self.classes_N)

    @property
    def num_classes(self) -> int:
        """C."""
        return int(self.classes_N.max()) + 1

    def screened(self, features_ND: Floats, rows: Ints) -> float:
        """The best leave-one-out accuracy over penalties; features centred."""
        classes = self.classes_N[rows]
        onehot_NC = np.eye(int(classes.max()) + 1)[classes]
        return max(
            float((scores_NC.argmax(axis=1) == classes).mean())
            for scores_NC in ridge.path(decomposed(features_ND), onehot_NC)
        )

    def folds(self, seed: int) -> Folds:
        """Stratified, and fewer where a class is rarer than the folds are many."""
        counts = np.bincount(self.classes_N)
        kind = KFold if counts.max() == 1 else StratifiedKFold  # which refuses rows that are all of different classes
        splitter = kind(max(2, min(_wanted(self.num_rows), int(counts.min()))), shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            # a class with one row cannot be in both halves; its row still trains in the other fold
            warnings.simplefilter("ignore", UserWarning)
            return list(splitter.split(np.zeros(self.num_rows), self.classes_N))

    def fitted(self, features_ND: Floats, rows: Ints, strength: float) -> tuple[Floats, Floats]:
        """scikit-learn's logistic regression, one row of weights for every class."""
        classes = self.classes_N[rows]
        weight = np.zeros((self.num_classes, features_ND.shape[1]), np.float32)
        bias = _absent_bias(classes, self.num_classes)
        if len(np.unique(classes)) == 1:
            # scikit-learn refuses a single class; the sure answer is what its fit would tend to
            return weight, bias
        heavy_N = None if self.weights_C is None else self.weights_C[classes]
        model = LogisticRegression(C=strength, max_iter=STEPS, tol=1e-3).fit(features_ND, classes, heavy_N)
        coef, intercept = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            coef, intercept = np.vstack([-coef / 2, coef / 2]), np.hstack([-intercept / 2, intercept / 2])
        weight[model.classes_], bias[model.classes_] = coef, intercept
        return weight, bias

    def judged(self, logits_NC: Floats, rows: Ints) -> tuple[float, float]:
        """Cross entropies, and rows whose most probable class is theirs."""
        classes = self.classes_N[rows]
        logits_NC = logits_NC - logits_NC.max(axis=1, keepdims=True)
        log_likelihood = logits_NC - np.log(np.exp(logits_NC).sum(axis=1, keepdims=True))
        heavy_N = np.ones(len(rows), np.float32) if self.weights_C is None else self.weights_C[classes]
        hits = int((logits_NC.argmax(axis=1) == classes).sum())
        return -float(log_likelihood[np.arange(len(rows)), classes] @ heavy_N), hits


def _absent_bias(classes: Ints, num_classes: int) -> Floats:
    """0 for the classes there are; for one that no row of a fold shows, a score below all others."""
    bias = np.full(num_classes, -30.0, dtype=np.float32)
    bias[classes] = 0.0
    return bias


@dataclass(frozen=True)
class Several:
    """1 where a row has a label, shape (N, C); a regression for each label, its loss times its weight."""

    labels_NC: Floats
    weights_C: Floats | None = None
    screened_by: str = "r2"

    @property
    def num_rows(self) -> int:
        """N."""
        return len(self.labels_NC)

    def screened(self, features_ND: Floats, rows: Ints) -> float:
        """The best leave-one-out share of the labels' variance that is explained, over penalties; features centred."""
        labels_NC = self.labels_NC[rows]
        all_of_it = max(float(((labels_NC - labels_NC.mean(axis=0)) ** 2).sum()), 1e-12)
        errors = [
            float(((scores_NC - labels_NC) ** 2).sum()) for scores_NC in ridge.path(decomposed(features_ND), labels_NC)
        ]
        return 1 - min(errors) / all_of_it

    def folds(self, seed: int) -> Folds:
        """At random: labels that stand together leave nothing to stratify by."""
        splitter = KFold(max(2, min(_wanted(self.num_rows), self.num_rows)), shuffle=True, random_state=seed)
        return list(splitter.split(np.zeros(self.num_rows)))

    def fitted(self, features_ND: Floats, rows: Ints, strength: float) -> tuple[Floats, Floats]:
        """All labels in one go, which costs a few large products where one label after the other takes many small ones.

        The sum over labels falls apart into their regressions, so that its lowest point is theirs: the mean over rows
        of the binary cross entropy, and |w|² / (2 · strength · N).
        """
        labels_NC = self.labels_NC[rows]
        (num_rows, width), num_labels = features_ND.shape, labels_NC.shape[1]
        heavy_C = np.ones(num_labels, np.float32) if self.weights_C is None else self.weights_C

        def loss_and_slope(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            both = flat.astype(np.float32).reshape(num_labels, width + 1)
            weight_CD, bias_C = both[:, :-1], both[:, -1]
            logits_NC = features_ND @ weight_CD.T + bias_C
            loss_C = (np.logaddexp(0, logits_NC) - labels_NC * logits_NC).mean(axis=0, dtype=np.float64)
            pull_NC = (_sigmoid(logits_NC) - labels_NC) * (heavy_C / num_rows)
            shrink = 1 / (strength * num_rows)
            slope = np.hstack([pull_NC.T @ features_ND + shrink * weight_CD, pull_NC.sum(axis=0)[:, None]])
            value = float(loss_C @ heavy_C) + shrink * float((weight_CD.astype(np.float64) ** 2).sum()) / 2
            return value, slope.ravel().astype(np.float64)

        begin = np.zeros((num_labels, width + 1))
        begin[:, -1] = _logit(labels_NC.mean(axis=0))
        limits = {"maxiter": STEPS, "gtol": TOLERANCE, "ftol": 1e-9}
        found = optimize.minimize(loss_and_slope, begin.ravel(), jac=True, method="L-BFGS-B", options=limits).x
        both = found.astype(np.float32).reshape(num_labels, width + 1)
        return both[:, :-1], both[:, -1]

    def judged(self, logits_NC: Floats, rows: Ints) -> tuple[float, float]:
        """Binary cross entropies, the mean over labels, and the share of each row's labels that is told rightly."""
        labels_NC = self.labels_NC[rows]
        loss_C = (np.logaddexp(0, logits_NC) - labels_NC * logits_NC).sum(axis=0, dtype=np.float64)
        heavy_C = np.ones(len(loss_C)) if self.weights_C is None else self.weights_C
        right = ((logits_NC > 0) == (labels_NC > 0.5)).mean(axis=1)
        return float(loss_C @ heavy_C) / len(loss_C), float(right.sum())


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0, -values)), dtype=np.float32)


def _logit(shares: Floats) -> npt.NDArray[np.float64]:
    """Of shares, none taken for less than one in a hundred thousand."""
    safe = np.clip(shares.astype(np.float64), 1e-5, 1 - 1e-5)
    return np.asarray(np.log(safe / (1 - safe)))


def of(truth: Ints | Floats, weights_C: Floats | None = None) -> Truth:
    """The truth that an array tells: class numbers, shape (N,), or 1 where a row has a label, shape (N, C)."""
    if truth.ndim == 1:
        return OneClass(truth.astype(np.int64), weights_C)
    return Several(truth.astype(np.float32), weights_C)
