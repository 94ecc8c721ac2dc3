"""The H-score against its formula with whole matrices, and its shrinkage against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from clouds import clouds, every_shape
from sklearn.covariance import ledoit_wolf, ledoit_wolf_shrinkage

from headstart import estimates
from headstart.estimates.separation import shrinkage


def direct(features_ND: Any, classes: Any) -> float:
    """The trace of the inverse of the shrunk covariance with the covariance of the classes' means, both D × D."""
    covariance, weight = ledoit_wolf(features_ND, assume_centered=True)
    means = np.stack([features_ND[classes == name].mean(axis=0) for name in np.unique(classes)])
    between = (means.T * np.bincount(classes)) @ means / (len(classes) - 1)
    return float(np.trace(np.linalg.solve(covariance, (1 - weight) * between)))


@every_shape
def test_the_h_score_is_the_trace_of_whole_matrices(num: int, width: int) -> None:
    points, classes = clouds(num, width)
    features = estimates.centred(points)
    ours = estimates.hscore(estimates.decomposed(features), classes)
    assert ours == pytest.approx(direct(features, classes), rel=1e-9)


@every_shape
def test_the_shrinkage_is_that_of_ledoit_and_wolf(num: int, width: int) -> None:
    features = estimates.centred(clouds(num, width)[0])
    theirs = ledoit_wolf_shrinkage(features, assume_centered=True)
    assert shrinkage(estimates.decomposed(features)) == pytest.approx(theirs, rel=1e-9)


def test_classes_that_lie_apart_reach_their_number_less_one() -> None:
    classes = np.arange(4000) % 4
    points = np.eye(4)[classes] + np.random.default_rng(0).normal(0, 1e-3, (4000, 4))
    assert estimates.of(points, classes).hscore == pytest.approx(3, abs=0.02)


def test_a_single_column_is_not_shrunk() -> None:
    points, classes = clouds(50, 1)
    features = estimates.centred(points)
    means = np.array([features[classes == name].mean() for name in range(3)])
    # with one column the score is the variance of the means over that of the rows
    by_hand = (np.bincount(classes) * means**2).sum() / 49 / features.var()
    assert estimates.hscore(estimates.decomposed(features), classes) == pytest.approx(by_hand)
