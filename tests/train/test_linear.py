"""The linear head against slower or named other ways to the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headstart.readings import Reading
from headstart.train import linear
from headstart.train.truths import OneClass


def blobs(num: int, width: int, num_classes: int, *, seed: int = 0) -> tuple[Any, Any]:
    """Overlapping clouds, one a class, in columns of very different scale."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.arange(num) % num_classes)
    centres = rng.normal(size=(num_classes, width))
    points = (centres[classes] + rng.normal(size=(num, width))) * np.logspace(-2, 2, width) + 5
    return points.astype(np.float32), classes.astype(np.int64)


def refitted_ridge(features_ND: Any, classes: Any, ridge: float) -> float:
    """Leave-one-out accuracy by fitting N times, the intercept unpenalised."""
    onehot_NC = np.eye(int(classes.max()) + 1)[classes]
    hits = 0
    for out in range(len(classes)):
        kept = np.arange(len(classes)) != out
        mean_D, mean_C = features_ND[kept].mean(axis=0), onehot_NC[kept].mean(axis=0)
        centred = features_ND[kept] - mean_D
        gram = centred.T @ centred + ridge * np.eye(features_ND.shape[1])
        weights = np.linalg.solve(gram, centred.T @ (onehot_NC[kept] - mean_C))
        hits += int(((features_ND[out] - mean_D) @ weights + mean_C).argmax() == classes[out])
    return hits / len(classes)


@pytest.mark.parametrize(
    ("num", "width", "num_classes"),
    [(40, 6, 2), (60, 10, 4), (25, 25, 3), (18, 50, 3), (30, 1, 2)],
    ids=["tall", "four classes", "square", "wide", "one column"],
)
def test_leave_one_out_ridge_equals_fitting_again_for_every_row(num: int, width: int, num_classes: int) -> None:
    points, classes = blobs(num, width, num_classes)
    standard = linear.standardised(points)[0].astype(np.float64)
    largest = float(np.linalg.eigvalsh(standard.T @ standard)[-1])
    slow = max(refitted_ridge(standard, classes, ridge) for ridge in largest * np.logspace(-6, 0, 15))

    assert OneClass(classes).screened(standard, np.arange(num)) == slow


@pytest.mark.parametrize("num_classes", [2, 3, 5])
def test_the_folded_head_predicts_as_scikit_learns_pipeline(num_classes: int) -> None:
    points, classes = blobs(150, 8, num_classes)
    found = linear.fit([None], lambda _: points, classes, seed=0)
    strength = min((trial for trial in found.tried), key=lambda trial: trial["log_loss"])["strength"]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=200, tol=1e-3))
    theirs = pipeline.fit(points, classes).predict_proba(points)

    logits = points.astype(np.float64) @ found.weight_CD.T + found.bias_C
    ours = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    # the weights are kept in fp32, and columns reach a few hundred
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_the_strength_with_the_lowest_cross_validated_loss_is_taken() -> None:
    points, classes = blobs(120, 5, 3)
    standard = linear.standardised(points)[0]
    truth = OneClass(classes)
    folds = truth.folds(0)
    losses = [linear.cross_validated(standard, truth, c, folds).log_loss for c in linear.STRENGTHS]

    taken, tried = linear.walk(standard, truth, 0)

    assert taken.strength == linear.STRENGTHS[int(np.argmin(losses))]
    assert min(trial.log_loss for trial in tried) == taken.log_loss == min(losses)


def test_the_reading_that_holds_the_classes_is_chosen() -> None:
    points, classes = blobs(90, 4, 3)
    noise = np.random.default_rng(1).normal(size=points.shape).astype(np.float32)
    readings = [Reading(((layer,),)) for layer in (1, 2, 3)]
    layers = {1: noise, 2: points, 3: noise[::-1]}

    found = linear.fit(readings, lambda reading: layers[reading.groups[0][0]], classes, seed=0)  # type: ignore[union-attr]

    assert found.reading == readings[1]


@pytest.mark.parametrize(
    ("flattered", "chosen"),
    [("layers 1 to 2", ["layers 1 to 2", "layer 2"]), ("layer 1", ["layer 1", "layers 1 to 2"])],
    ids=["what is wide", "a layer"],
)
def test_one_of_two_finalists_is_as_wide_as_the_last_layer(
    monkeypatch: pytest.MonkeyPatch, flattered: str, chosen: list[str]
) -> None:
    points, classes = blobs(90, 4, 3)
    readings = [Reading(((1,),)), Reading(((2,),)), Reading(((1,), (2,)))]
    told = dict(zip(map(str, readings), (0.1, 0.2, 0.3), strict=True)) | {flattered: 0.9}
    asked = iter(readings)
    monkeypatch.setattr(OneClass, "screened", lambda *_: told[str(next(asked))])

    found = linear.fit(readings, lambda reading: np.tile(points, len(reading.groups)), classes, seed=0)  # type: ignore[union-attr]

    tried = [one["reading"] for one in found.tried if "strength" in one]
    assert list(dict.fromkeys(tried)) == chosen


def test_a_column_that_never_changes_gets_no_weight() -> None:
    points, classes = blobs(40, 3, 2)
    points[:, 1] = 7.0

    found = linear.fit([None], lambda _: points, classes, seed=0)

    assert (found.weight_CD[:, 1] == 0).all()
    assert np.isfinite(found.bias_C).all()


@pytest.mark.parametrize(
    "classes",
    [[0, 1], [0, 0, 0, 0, 1], [0, 1, 2], [0, 0, 1, 1, 2]],
    ids=["one row each of two", "one row of one", "one row each of three", "one row of the third"],
)
def test_classes_with_a_single_row_can_be_learnt(classes: list[int]) -> None:
    numbers = np.array(classes, dtype=np.int64)
    points = np.eye(3, dtype=np.float32)[numbers] + np.linspace(0, 0.1, len(classes), dtype=np.float32)[:, None]

    found = linear.fit([Reading(((1,),)), Reading(((2,),))], lambda _: points, numbers, seed=0)

    assert found.weight_CD.shape == (max(classes) + 1, 3)
    assert np.isfinite(found.weight_CD).all()


def test_the_same_seed_gives_the_same_head_to_the_bit() -> None:
    points, classes = blobs(80, 6, 3)
    first, second = (linear.fit([None], lambda _: points, classes, seed=3) for _ in range(2))
    assert np.array_equal(first.weight_CD, second.weight_CD)
    assert first.tried == second.tried
