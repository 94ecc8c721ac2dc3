"""All scores together: what must not change them does not, and odd rows and columns have an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from clouds import clouds, every_shape

from headstart import estimates

RNG = np.random.default_rng(5)
CHANGES: dict[str, Callable[[Any], Any]] = {
    "shifted": lambda points: points + 100 * np.linspace(-1, 1, points.shape[1]),
    "a thousand times as large": lambda points: points * 1000,
    "a million times as small": lambda points: points * 1e-6,
    "columns in another order": lambda points: points[:, RNG.permutation(points.shape[1])],
    "turned": lambda points: points @ np.linalg.qr(RNG.normal(size=(points.shape[1],) * 2))[0],
}


def numbers(found: estimates.Estimates) -> list[float]:
    """Every score, the probes' to the scores of single rows."""
    rows = [float(value) for probe in (found.ridge, found.neighbours) for value in probe.scores_NC.ravel()[:40]]
    return [*found.scores.values(), *rows]


@every_shape
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_scores_do_not_change_when_the_features_are(change: Any, num: int, width: int) -> None:
    points, classes = clouds(num, width)
    before, after = estimates.of(points, classes), estimates.of(change(points), classes)
    # neighbours are sought in float32; all else agrees to 1e-9
    assert numbers(after) == pytest.approx(numbers(before), abs=1e-3)
    assert [after.logme, after.hscore] == pytest.approx([before.logme, before.hscore], rel=1e-7)


@every_shape
def test_the_order_of_the_rows_changes_no_score(num: int, width: int) -> None:
    points, classes = clouds(num, width)
    order = np.random.default_rng(1).permutation(num)
    before, after = estimates.of(points, classes), estimates.of(points[order], classes[order])
    assert after.scores == pytest.approx(before.scores, rel=1e-7)
    assert np.array_equal(after.ridge.hits_N, before.ridge.hits_N[order])
    assert np.array_equal(after.neighbours.hits_N, before.neighbours.hits_N[order])


def test_the_names_of_the_classes_change_no_score() -> None:
    points, classes = clouds(150, 20)
    before, after = estimates.of(points, classes), estimates.of(points, np.array([2, 0, 1])[classes])
    assert after.scores == pytest.approx(before.scores)


def test_a_class_without_rows_changes_no_score() -> None:
    points, classes = clouds(150, 20)
    before, after = estimates.of(points, classes), estimates.of(points, 2 * classes)
    assert after.scores == pytest.approx(before.scores)


def test_columns_that_never_change_and_copies_of_columns_add_nothing_to_logme() -> None:
    points, classes = clouds(60, 8)
    doubled = np.hstack([points, points, np.full((60, 30), 7.0)])
    # twice the extent in the same directions is a matter of scale
    assert estimates.of(doubled, classes).logme == pytest.approx(estimates.of(points, classes).logme)


def test_more_signal_scores_higher_by_every_score() -> None:
    weak, strong = (estimates.of(*clouds(300, 40, apart=apart)).scores for apart in (0.1, 0.5))
    assert all(strong[name] > weak[name] for name in weak)


def test_features_that_never_change_score_as_if_there_were_none() -> None:
    classes = np.array([0] * 12 + [1] * 8)
    found = estimates.of(np.ones((20, 5)), classes)
    assert (found.logme, found.hscore) == (0, 0)
    # of a row nothing is known but the share of the classes among the others
    assert found.ridge.scores_NC[0] == pytest.approx([11 / 19, 8 / 19])
    assert found.ridge.accuracy == 0.6


def test_of_a_single_class_there_is_nothing_to_tell() -> None:
    found = estimates.of(clouds(20, 5)[0], np.zeros(20, np.int64))
    assert found.scores == {"logme": 0, "hscore": pytest.approx(0, abs=1e-12), "loo_ridge": 1, "nearest": 1}


def test_the_features_are_left_as_they_were() -> None:
    points, classes = clouds(30, 6)
    kept = points.copy()
    estimates.of(points, classes)
    assert np.array_equal(points, kept)


def test_half_precision_features_are_scored() -> None:
    points, classes = clouds(100, 10)
    half = estimates.of(points.astype(np.float16), classes).scores
    assert half == pytest.approx(estimates.of(points, classes).scores, abs=0.05)
