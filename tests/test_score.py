"""The figures against scikit-learn, SciPy, hand and slow loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, f1_score, log_loss, precision_recall_fscore_support

from headstart import score

NAMES = ("a", "b", "c", "d")


def draws(num: int = 200, *, seed: int = 0) -> tuple[Any, Any]:
    """True classes, the last of which never occurs, and probabilities that are often right."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, num)
    logits = rng.normal(size=(num, 4)) + 1.5 * np.eye(4)[truth] - 4 * np.eye(4)[3]
    return truth, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (10, 10), (1, 3), (50, 100), (871, 872), (1, 1)])
def test_the_wilson_interval_is_scipys(hits: int, total: int) -> None:
    theirs = binomtest(hits, total).proportion_ci(method="wilson")
    assert score.wilson(hits, total) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_wilson_interval_of_eight_in_ten_is_that_of_the_formula() -> None:
    # (0.8 + z²/20 ± z·√(0.016 + z²/400)) / (1 + z²/10) with z² = 3.8415
    assert score.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_of_no_rows_nothing_is_known() -> None:
    assert score.wilson(0, 0) == (0.0, 1.0)


def test_the_confusion_matrix_is_scikit_learns() -> None:
    truth, probabilities = draws()
    predicted = probabilities.argmax(axis=1)
    theirs = confusion_matrix(truth, predicted, labels=range(4))
    assert np.array_equal(score.confusion(truth, predicted, 4), theirs)


def test_precision_recall_and_f1_are_scikit_learns() -> None:
    truth, probabilities = draws()
    predicted = probabilities.argmax(axis=1)
    theirs = precision_recall_fscore_support(truth, predicted, labels=range(4), zero_division=0.0)
    ours = score.per_class(score.confusion(truth, predicted, 4))
    np.testing.assert_allclose(ours, theirs[:3])


def test_macro_f1_is_scikit_learns_over_the_classes_that_occur() -> None:
    truth, probabilities = draws()
    predicted = probabilities.argmax(axis=1)
    ours = float(score.f1_macro(score.confusion(truth, predicted, 4)))
    assert ours == pytest.approx(f1_score(truth, predicted, average="macro"))


def test_log_loss_is_scikit_learns() -> None:
    truth, probabilities = draws()
    ours = score.classification(truth, probabilities, names=NAMES)["metrics"]["log_loss"]["value"]
    assert ours == pytest.approx(log_loss(truth, probabilities, labels=range(4)))


def test_a_certain_mistake_costs_a_finite_loss() -> None:
    figures = score.classification(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), names=("a", "b"))
    assert figures["metrics"]["log_loss"]["value"] == pytest.approx(-np.log(1e-12) / 2)


def slow_calibration_error(confidence: Any, is_right: Any) -> float:
    """Row by row, bin by bin; the last bin is closed at 1."""
    error = 0.0
    for b in range(15):
        inside = [i for i, c in enumerate(confidence) if b / 15 <= c < (b + 1) / 15 or (b == 14 and c == 1)]
        if inside:
            sure, right = np.mean([confidence[i] for i in inside]), np.mean([is_right[i] for i in inside])
            error += len(inside) / len(confidence) * abs(right - sure)
    return error


def test_the_calibration_error_is_that_of_a_slow_loop() -> None:
    truth, probabilities = draws()
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    assert score.calibration(confidence, is_right)["ece"] == pytest.approx(slow_calibration_error(confidence, is_right))


def test_always_sure_and_right_half_the_time_is_off_by_a_half() -> None:
    figures = score.calibration(np.ones(4), np.array([True, False, True, False]))
    assert figures["ece"] == 0.5
    assert [b["count"] for b in figures["bins"]] == [4]


def test_the_bins_hold_every_row_once() -> None:
    truth, probabilities = draws()
    bins = score.calibration(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)["bins"]
    assert sum(b["count"] for b in bins) == len(truth)


def test_the_bootstrap_covers_the_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(100):
        sample = rng.normal(3.0, 1.0, 60)
        low, high = score.bootstrap(lambda rows, sample=sample: sample[rows].mean(), 60, seed=seed)
        hits += low <= 3.0 <= high
    # 95 of 100 expected; fewer than 88 happens to a right method less than once in two hundred times
    assert hits >= 88


@pytest.mark.parametrize(("num_rows", "num_classes"), [(10, 3), (900, 2)])
def test_the_interval_of_f1_is_that_of_tables_counted_draw_by_draw(num_rows: int, num_classes: int) -> None:
    generator = np.random.default_rng(0)
    truth, predicted = generator.integers(0, num_classes, (2, num_rows))
    one_by_one = score.bootstrap(
        lambda rows: score.f1_macro(score.confusion(truth[rows], predicted[rows], num_classes)), num_rows, seed=3
    )
    found = score.hard_metrics(truth, predicted, num_classes=num_classes, seed=3)["f1_macro"]
    assert (found["low"], found["high"]) == pytest.approx(one_by_one, abs=1e-12)


def test_the_bootstrap_is_the_same_for_the_same_seed() -> None:
    values = np.arange(20.0)
    first, second, other = (score.bootstrap(lambda rows: values[rows].mean(), 20, seed=seed) for seed in (1, 1, 2))
    assert first == second != other


@pytest.mark.parametrize(
    ("ours", "theirs", "sign"), [(1, 0, 1), (0, 1, -1), (1, 1, 0)], ids=["better", "worse", "even"]
)
def test_the_gain_is_positive_where_we_are_better(ours: int, theirs: int, sign: int) -> None:
    by = score.gain(np.full(30, float(ours)), np.full(30, float(theirs)))
    assert np.sign([by["value"], by["low"], by["high"]]).tolist() == [sign] * 3


def test_a_paired_gain_is_tighter_than_two_intervals_apart() -> None:
    theirs = (np.arange(300) % 2).astype(float)
    ours = theirs.copy()
    ours[:24:2] = 1.0  # right on all of theirs and on twelve more
    by = score.gain(ours, theirs)
    assert by["value"] == pytest.approx(12 / 300)
    assert by["low"] > 0
    assert score.wilson(int(ours.sum()), 300)[0] < score.wilson(150, 300)[1]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.1, 0.3, "The pretrained model is worth it: tiny reaches accuracy 0.900"),
        (-0.3, -0.1, "The trivial baseline is better: tiny reaches"),
        (-0.1, 0.1, "No difference can be told from these rows: tiny reaches"),
        (0.0, 0.1, "No difference can be told"),
    ],
    ids=["better", "worse", "unclear", "touching zero"],
)
def test_the_verdict_follows_the_interval_of_the_gain(low: float, high: float, said: str) -> None:
    by = {"over": "majority class", "value": 0.2, "low": low, "high": high}
    figures = {"value": 0.9, "low": 0.8, "high": 0.95}
    baselines = {"majority class": {"accuracy": {"value": 0.7}}}
    scores = {"primary": "accuracy", "rows": 1234, "metrics": {"accuracy": figures}, "baselines": baselines, "gain": by}

    text = score.verdict(scores, "tiny")

    assert text.startswith(said)
    assert "on 1,234 held-out rows against 0.700 for majority class" in text
