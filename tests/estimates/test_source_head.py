"""LEEP and NCE against their sums, written out."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
import pytest

from headstart import estimates

SIZES = [(20, 2, 3), (200, 5, 4), (3000, 6, 7)]


def draws(num: int, num_classes: int, num_source: int) -> tuple[Any, Any]:
    """Source probabilities that lean towards a class's own source class, and the classes."""
    rng = np.random.default_rng(num)
    classes = rng.integers(0, num_classes, num)
    logits = rng.normal(size=(num, num_source)) + 2 * np.eye(num_source)[classes % num_source]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), classes


def joint(weights: Any, classes: Any) -> dict[tuple[int, int], float]:
    """How much of each source class meets each class, over all rows."""
    found: dict[tuple[int, int], float] = {}
    for row, name in zip(weights, classes, strict=True):
        for source, weight in enumerate(row):
            found[source, name] = found.get((source, name), 0.0) + weight / len(classes)
    return found


@pytest.mark.parametrize(("num", "num_classes", "num_source"), SIZES)
def test_leep_is_the_mean_log_of_the_expected_share(num: int, num_classes: int, num_source: int) -> None:
    probabilities, classes = draws(num, num_classes, num_source)
    together = joint(probabilities, classes)
    source = {z: sum(value for (one, _), value in together.items() if one == z) for z in range(num_source)}
    slow = sum(
        log(sum(together[z, name] / source[z] * row[z] for z in range(num_source)))
        for row, name in zip(probabilities, classes, strict=True)
    )
    assert estimates.leep(probabilities, classes) == pytest.approx(slow / num, rel=1e-10)


@pytest.mark.parametrize(("num", "num_classes", "num_source"), SIZES)
def test_nce_is_the_negative_conditional_entropy(num: int, num_classes: int, num_source: int) -> None:
    probabilities, classes = draws(num, num_classes, num_source)
    certain = [
        [float(z == max(range(num_source), key=row.__getitem__)) for z in range(num_source)] for row in probabilities
    ]
    together = joint(certain, classes)
    source = {z: sum(value for (one, _), value in together.items() if one == z) for z in range(num_source)}
    slow = sum(value * log(value / source[z]) for (z, _), value in together.items() if value > 0)
    assert estimates.nce(probabilities, classes) == pytest.approx(slow, rel=1e-10)


def test_a_source_class_that_is_never_given_changes_nothing() -> None:
    probabilities, classes = draws(50, 3, 4)
    wider = np.hstack([probabilities, np.zeros((50, 1))])
    assert estimates.leep(wider, classes) == pytest.approx(estimates.leep(probabilities, classes))


@pytest.mark.parametrize("score", [estimates.leep, estimates.nce])
def test_a_source_that_tells_every_class_for_certain_scores_zero(score: Any) -> None:
    classes = np.arange(30) % 3
    assert score(np.eye(3)[[2, 0, 1]][classes], classes) == pytest.approx(0)


@pytest.mark.parametrize("score", [estimates.leep, estimates.nce])
def test_a_source_that_tells_nothing_scores_the_classes_entropy(score: Any) -> None:
    classes = np.array([0] * 20 + [1] * 10)
    by_hand = (20 * log(20 / 30) + 10 * log(10 / 30)) / 30
    assert score(np.full((30, 4), 0.25), classes) == pytest.approx(by_hand)
