"""What tasks with several labels a row share: figures as scikit-learn's, losses by hand, thresholds that pay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support

from headstart import score
from headstart.contracts import Rows
from headstart.data.truths.labels import dumps
from headstart.tasks import multi_label_text_classification
from headstart.tasks.classes import several, thresholds
from headstart.tasks.classes.several import Labels

THREE = Labels(("a", "b", "c"), (0.5, 0.3, 0.5))


def rows(*names: str) -> Rows:
    """Of each row the labels, one letter each."""
    return Rows(pa.table({"text": [f"t {i}" for i in range(len(names))], "label": [dumps(list(one)) for one in names]}))


def drawn(seed: int, num: int = 60) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    truth = (rng.random((num, 3)) < (0.5, 0.2, 0.05)).astype(np.int64)
    table = np.clip(truth * 0.4 + rng.random((num, 3)) * 0.6, 0, 1)
    return truth, (table > 0.5).astype(np.int64), table


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_scikit_learns(seed: int) -> None:
    truth, said, table = drawn(seed)
    answers = [
        {**several.prediction(row, THREE), "labels": [name for name, yes in zip("abc", one, strict=True) if yes]}
        for row, one in zip(table.tolist(), said, strict=True)
    ]
    names = ["".join(name for name, yes in zip("abc", row, strict=True) if yes) for row in truth]
    found = several.metrics(answers, rows(*names), THREE)
    figures = {name: one["value"] for name, one in found["metrics"].items()}
    assert figures["f1_micro"] == pytest.approx(f1_score(truth, said, average="micro"))
    assert figures["f1_macro"] == pytest.approx(f1_score(truth, said, average="macro", zero_division=0))
    assert figures["exact_match"] == pytest.approx((truth == said).all(axis=1).mean())
    assert figures["mean_average_precision"] == pytest.approx(average_precision_score(truth, table, average="macro"))
    each = precision_recall_fscore_support(truth, said, zero_division=0)
    ours = [[one[name] for one in found["per_class"].values()] for name in ("precision", "recall", "f1", "support")]
    np.testing.assert_allclose(ours, each)
    assert several.figure(score.counted(found["counts"])) == pytest.approx(figures["f1_micro"])


def test_the_loss_is_the_sum_of_two_way_entropies() -> None:
    output = torch.tensor([[0.0, 2.0, -1.0]])
    targets = torch.tensor([[1.0, 1.0, 0.0]])
    p = torch.sigmoid(output)[0]
    expected = -(p[0].log() + p[1].log() + (1 - p[2]).log())
    torch.testing.assert_close(several.loss(output, targets)[0], expected)


def test_a_heavy_label_weighs_its_yeses_and_noes() -> None:
    output, weights = torch.tensor([[1.0, 1.0, 1.0]]), torch.tensor([1.0, 5.0, 0.0])
    ones, noughts = (several.loss(output, torch.full((1, 3), value), weights=weights) for value in (1.0, 0.0))
    torch.testing.assert_close(ones[0], -6 * torch.sigmoid(torch.tensor(1.0)).log())
    torch.testing.assert_close(noughts[0], -6 * torch.sigmoid(torch.tensor(-1.0)).log())


def test_labels_above_their_own_thresholds_are_told() -> None:
    (answer,) = several.decode(torch.logit(torch.tensor([[0.4, 0.4, 0.9]])), THREE)
    assert answer["labels"] == ["b", "c"]
    assert answer["confidence"] == pytest.approx(0.4)
    assert list(answer["probabilities"]) == ["a", "b", "c"]


def test_a_row_may_have_no_label() -> None:
    (answer,) = several.decode(torch.full((1, 3), -9.0), THREE)
    assert answer["labels"] == []
    assert several.collate(rows(""), THREE).tolist() == [[0.0, 0.0, 0.0]]


def slow_best(values: Any, truth: Any) -> float:
    return max(f1_score(truth, values >= least, zero_division=0) for least in np.unique(values))


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_gives_the_best_f1_there_is(seed: int) -> None:
    truth, _, table = drawn(seed)
    least = thresholds.one(table[:, 0], truth[:, 0])
    assert f1_score(truth[:, 0], table[:, 0] >= least) == pytest.approx(slow_best(table[:, 0], truth[:, 0]))


def test_rare_labels_share_a_threshold_and_unseen_ones_ask_for_half() -> None:
    truth, _, table = drawn(0)
    found = thresholds.best(table, truth)
    assert found[2] == thresholds.one(table.ravel(), truth.ravel())
    assert found[0] == thresholds.one(table[:, 0], truth[:, 0])
    assert thresholds.one(table[:, 0], np.zeros(len(table), np.int64)) == 0.5


def test_equal_probabilities_are_told_alike() -> None:
    assert thresholds.one(np.array([0.2, 0.2, 0.2]), np.array([1, 0, 1])) == pytest.approx(0.1)


def test_the_commonest_labels_are_those_that_score_best_blindly() -> None:
    train = rows("ab", "a", "ab", "a", "c", "ab")
    (answer,) = several.commonest(train, rows("a"), THREE)
    assert answer["labels"] == ["a", "b"]
    assert answer["probabilities"]["c"] == pytest.approx(1 / 6)


def test_settled_thresholds_are_never_worse_on_the_rows_they_were_set_by() -> None:
    truth, _, table = drawn(1, num=200)
    names = ["".join(name for name, yes in zip("abc", row, strict=True) if yes) for row in truth]
    given = rows(*names)

    def answers(learned: Labels) -> list[Any]:
        return [several.prediction(row, learned) for row in table.tolist()]

    before = Labels(("a", "b", "c"), (0.5,) * 3)
    after = several.settled(before, lambda: answers(before), given)
    macro = [
        several.metrics(answers(one), given, one)["metrics"]["f1_macro"]["value"] for one in (before, after)
    ]  # fmt: skip
    assert macro[1] >= macro[0]


def test_baselines_know_labels_that_every_row_or_none_has() -> None:
    train = rows("a", "ab", "a", "ab", "a", "ab")
    found = multi_label_text_classification.baselines(train, train, THREE, seed=0)
    assert all("c" not in one["labels"] and "a" in one["labels"] for answers in found.values() for one in answers)


def test_labels_that_were_not_learnt_are_missed() -> None:
    two = Labels(("a", "b"), (0.5, 0.5))
    answers = [several.prediction([0.9, 0.1], two), several.prediction([0.9, 0.9], two)]
    found = several.metrics(answers, rows("ac", "ab"), two)
    assert found["counts"] == [[1, 0, 1], [2, 0, 0]]
    assert found["per_class"]["c"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
