"""Leave-one-out ridge against fitting again without each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from clouds import clouds, every_shape
from scipy.stats import binomtest
from sklearn.linear_model import Ridge

from headstart import estimates
from headstart.estimates import ridge

FEW = [(20, 5), (20, 60), (40, 40), (60, 10)]


def refitted(features_ND: Any, onehot_NC: Any, penalty: float, rows: Any) -> Any:
    """scikit-learn's prediction of each of these rows, fitted to all but it, the intercept unpenalised."""
    found = []
    for row in rows:
        kept = np.arange(len(features_ND)) != row
        model = Ridge(penalty, solver="cholesky").fit(features_ND[kept], onehot_NC[kept])
        found.append(model.predict(features_ND[row : row + 1])[0])
    return np.array(found)


@pytest.mark.parametrize(("num", "width"), FEW)
def test_every_penalty_predicts_as_fitting_again_for_every_row(num: int, width: int) -> None:
    points, classes = clouds(num, width)
    features, onehot = estimates.centred(points), np.eye(3)[classes]
    parts = estimates.decomposed(features)

    for penalty, ours in zip(ridge.PENALTIES, ridge.path(parts, onehot), strict=True):
        theirs = refitted(features, onehot, penalty * parts.largest, range(num))
        # in as many columns as rows the smallest penalties solve for a million times the rounding
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@every_shape
def test_the_answers_are_those_of_fitting_again_at_the_penalty_of_least_error(num: int, width: int) -> None:
    points, classes = clouds(num, width)
    features, onehot = estimates.centred(points), np.eye(3)[classes]
    parts = estimates.decomposed(features)
    errors = [((answer - onehot) ** 2).sum() for answer in ridge.path(parts, onehot)]
    penalty = ridge.PENALTIES[np.argmin(errors)] * parts.largest
    rows = np.arange(num) if num * width < 10_000 else np.arange(0, num, num // 20)

    found = estimates.loo_ridge(parts, classes)

    np.testing.assert_allclose(found.scores_NC[rows], refitted(features, onehot, penalty, rows), atol=1e-7)


def test_how_many_penalties_go_through_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points, classes = clouds(60, 10)
    parts, onehot = estimates.decomposed(estimates.centred(points)), np.eye(int(classes.max()) + 1)[classes]
    together = list(ridge.path(parts, onehot))
    monkeypatch.setattr(ridge, "_COLUMNS_AT_ONCE", 1)
    np.testing.assert_allclose(list(ridge.path(parts, onehot)), together, atol=1e-12)


def test_a_hit_is_a_row_whose_own_class_scores_highest() -> None:
    points, classes = clouds(80, 6)
    found = estimates.of(points, classes).ridge
    best = [max(range(3), key=lambda name, row=row: row[name]) for row in found.scores_NC]
    assert found.hits_N.tolist() == [one == own for one, own in zip(best, classes, strict=True)]
    assert found.accuracy == np.mean(found.hits_N)


def test_the_scores_of_a_row_add_up_to_one() -> None:
    found = estimates.of(*clouds(70, 100, 5)).ridge
    np.testing.assert_allclose(found.scores_NC.sum(axis=1), 1)


def test_the_interval_is_scipys() -> None:
    found = estimates.of(*clouds(90, 7)).ridge
    theirs = binomtest(int(found.hits_N.sum()), 90).proportion_ci(method="wilson")
    assert found.interval == pytest.approx((theirs.low, theirs.high))


def test_float32_features_are_worked_on_in_float32() -> None:
    points, classes = clouds(200, 30)
    features, onehot = estimates.centred(points), np.eye(int(classes.max()) + 1)[classes]
    narrow = next(ridge.path(estimates.decomposed(features.astype(np.float32)), onehot))
    wide = next(ridge.path(estimates.decomposed(features), onehot))
    assert narrow.dtype == np.float32
    # seven digits, less three that the spread of the columns takes
    np.testing.assert_allclose(narrow, wide, atol=1e-3)
