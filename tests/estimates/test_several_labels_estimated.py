"""Scores of rows with several labels: those of each label by itself, and answers judged without a threshold."""

from __future__ import annotations

import numpy as np
import pytest

from headstart import estimates
from headstart.estimates import several


def test_one_label_is_scored_as_two_classes() -> None:
    rng = np.random.default_rng(0)
    points, classes = rng.normal(size=(80, 6)), np.arange(80) % 2
    points[:, 0] += 2 * classes
    ours, theirs = estimates.of(points, classes[:, None]), estimates.of(points, classes)
    assert ours.logme == pytest.approx(theirs.logme)
    assert ours.hscore == pytest.approx(theirs.hscore)


def test_labels_that_features_hold_score_above_those_they_do_not() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random((200, 3)) < 0.4).astype(np.int64)
    points = labels @ rng.normal(size=(3, 8)) + 0.3 * rng.normal(size=(200, 8))
    held, noise = (estimates.of(features, labels).scores for features in (points, rng.normal(size=(200, 8))))
    assert all(held[name] > noise[name] for name in held)
    assert held["loo_ridge"] > 0.9


def test_a_row_is_judged_by_as_many_answers_as_it_has_labels() -> None:
    labels = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]])
    scores = np.array([[0.9, 0.1, 0.8], [0.1, 0.2, 0.9], [0.1, 0.2, 0.3], [0.1, 0.9, 0.3]])
    assert several.judged(scores, labels).hits_N.tolist() == [0.5, 1.0, 1.0, 0.0]


def test_labels_of_all_rows_or_none_tell_nothing() -> None:
    points = np.random.default_rng(0).normal(size=(30, 4))
    labels = np.stack([np.ones(30), np.zeros(30)], axis=1).astype(np.int64)
    found = estimates.of(points, labels)
    assert (found.logme, found.hscore) == (0.0, 0.0)


def test_the_interval_of_rows_that_are_partly_right_is_bootstrapped() -> None:
    labels = (np.random.default_rng(3).random((60, 4)) < 0.5).astype(np.int64)
    found = several.judged(np.random.default_rng(4).random((60, 4)), labels)
    low, high = found.interval
    assert low < found.accuracy < high
