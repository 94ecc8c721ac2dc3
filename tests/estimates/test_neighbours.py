"""Nearest neighbours against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from clouds import clouds, every_shape
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from headstart import estimates
from headstart.estimates import neighbours


def slow(features_ND: Any, classes: Any) -> Any:
    """Votes of scikit-learn's five nearest others, each the inverse of its distance, shape (N, C)."""
    distances, found = NearestNeighbors(n_neighbors=5, metric="cosine").fit(features_ND).kneighbors()
    votes = np.zeros((len(classes), int(classes.max()) + 1))
    for row, (near, those) in enumerate(zip(distances, found, strict=True)):
        for distance, other in zip(near, those, strict=True):
            votes[row, classes[other]] += 1 / distance
    return votes / votes.sum(axis=1, keepdims=True)


@every_shape
def test_the_votes_are_those_of_scikit_learns_neighbours(num: int, width: int) -> None:
    points, classes = clouds(num, width)
    features = estimates.centred(points)
    # similarities are float32: the inverse of a distance of 0.01 is known to 1e-4
    np.testing.assert_allclose(estimates.nearest(features, classes).scores_NC, slow(features, classes), atol=1e-3)


@pytest.mark.parametrize(("num", "width"), [(20, 5), (60, 100)])
def test_the_hits_are_those_of_scikit_learns_classifier_without_each_row(num: int, width: int) -> None:
    points, classes = clouds(num, width)
    features = estimates.centred(points)
    model = KNeighborsClassifier(5, metric="cosine", weights="distance")
    theirs = cross_val_predict(model, features, classes, cv=LeaveOneOut())
    assert np.array_equal(estimates.nearest(features, classes).hits_N, theirs == classes)


def test_the_size_of_the_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points, classes = clouds(101, 9)
    whole = estimates.nearest(points, classes).scores_NC
    monkeypatch.setattr(neighbours, "_SIMILARITIES_AT_ONCE", 101 * 7)
    np.testing.assert_allclose(estimates.nearest(points, classes).scores_NC, whole, atol=1e-5)


def test_a_row_that_occurs_twice_is_answered_by_its_twin() -> None:
    points, classes = clouds(40, 30)
    points[1], classes[0], classes[1] = points[0], 2, 2
    found = estimates.of(points, classes).neighbours
    assert (found.scores_NC[:2, 2] > 0.999).all()


def test_of_three_rows_there_are_two_neighbours() -> None:
    angles = np.radians([0, 10, 90])
    found = estimates.nearest(np.stack([np.cos(angles), np.sin(angles)], axis=1), np.array([0, 0, 1]))
    near, far = 1 / (1 - np.cos(angles[1])), 1.0
    assert found.scores_NC[0] == pytest.approx([near / (near + far), far / (near + far)], rel=1e-4)
