"""Regressions on several labels at once against scikit-learn's on one after the other, and rows left out in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from headstart.train import linear
from headstart.train.truths import Several


def clouds(num: int, width: int, num_labels: int, *, seed: int = 0) -> tuple[Any, Any]:
    """Points, and labels that each hang on a direction of their own, the later the rarer."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(num, width)).astype(np.float32)
    logits = points @ rng.normal(size=(width, num_labels)) - np.arange(num_labels)
    return points, (rng.random((num, num_labels)) < 1 / (1 + np.exp(-logits))).astype(np.float32)


@pytest.mark.parametrize("strength", [1e-3, 0.03, 1.0])
def test_all_labels_at_once_are_each_scikit_learns_regression(strength: float) -> None:
    points, labels = clouds(300, 12, 4)
    weight_CD, bias_C = Several(labels).fitted(points, np.arange(300), strength)
    for label, truth in enumerate(labels.T):
        theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=2000).fit(points, truth)
        ours = points @ weight_CD[label] + bias_C[label]
        np.testing.assert_allclose(ours, theirs.decision_function(points), atol=0.02)


def test_a_weight_scales_the_loss_of_its_label_alone() -> None:
    points, labels = clouds(200, 6, 3)
    rows = np.arange(200)
    plain = Several(labels).fitted(points, rows, 0.01)[0]
    heavy = Several(labels, np.array([1, 8, 1], np.float32)).fitted(points, rows, 0.01)[0]
    alike = LogisticRegression(C=0.08, tol=1e-8).fit(points, labels[:, 1]).coef_[0]
    np.testing.assert_allclose(heavy[[0, 2]], plain[[0, 2]], atol=5e-3)
    np.testing.assert_allclose(heavy[1], alike, atol=5e-3)


def test_labels_that_no_row_or_every_row_has_are_finite_and_told() -> None:
    points, labels = clouds(60, 4, 3)
    labels[:, 1], labels[:, 2] = 0, 1
    found = linear.fit([None], lambda _: points, labels, seed=0)
    logits = points @ found.weight_CD.T + found.bias_C
    assert np.isfinite(logits).all()
    assert (logits[:, 1] < 0).all()
    assert (logits[:, 2] > 0).all()


def test_what_is_said_of_rows_left_out_comes_in_their_order() -> None:
    points, labels = clouds(90, 5, 2)
    truth = Several(labels)
    folds = truth.folds(0)
    found = linear.cross_validated(points, truth, 0.1, folds).logits_NC
    for seen, unseen in folds:
        weight_CD, bias_C = truth.fitted(points[seen], seen, 0.1)
        np.testing.assert_allclose(found[unseen], points[unseen] @ weight_CD.T + bias_C, atol=1e-5)


def test_the_screening_tells_layers_that_hold_the_labels_from_noise() -> None:
    points, labels = clouds(200, 5, 3)
    noise = np.random.default_rng(1).normal(size=points.shape).astype(np.float32)
    rows = np.arange(200)
    assert Several(labels).screened(points, rows) > 0.1 > Several(labels).screened(noise, rows)
