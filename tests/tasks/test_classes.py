"""What the two classification tasks share, by hand; the contract itself is the conformance suite's business."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from headstart.contracts import Rows
from headstart.tasks import text_classification
from headstart.tasks.classes import single
from headstart.tasks.classes.single import Classes

THREE = Classes(("a", "b", "c"))


def rows(*labels: str, texts: list[str] | None = None) -> Rows:
    return Rows(pa.table({"text": texts or [f"text {i}" for i in range(len(labels))], "label": list(labels)}))


def test_classes_are_sorted_whatever_the_rows_order() -> None:
    assert single.learn(rows("b", "c", "a", "b")) == THREE


def test_targets_are_the_places_in_the_sorted_names() -> None:
    assert single.collate(rows("c", "a", "b"), THREE).tolist() == [2, 0, 1]


def test_the_loss_is_the_negative_log_of_the_true_probability() -> None:
    output = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]))
    expected = -torch.log(torch.tensor([0.7, 0.1]))
    torch.testing.assert_close(single.loss(output, torch.tensor([0, 1])), expected)


def test_half_precision_output_gives_an_fp32_loss() -> None:
    assert single.loss(torch.zeros(1, 3, dtype=torch.bfloat16), torch.tensor([0])).dtype == torch.float32


def test_an_answer_names_the_most_probable_class() -> None:
    (answer,) = single.decode(torch.log(torch.tensor([[0.2, 0.5, 0.3]])), THREE)
    assert answer["label"] == "b"
    assert answer["confidence"] == pytest.approx(0.5)
    assert answer["probabilities"] == pytest.approx({"a": 0.2, "b": 0.5, "c": 0.3})


def test_of_classes_alike_the_first_is_named() -> None:
    (answer,) = single.decode(torch.zeros(1, 3), THREE)
    assert answer["label"] == "a"


def test_enormous_outputs_give_finite_probabilities() -> None:
    (answer,) = single.decode(torch.tensor([[1e30, -1e30, 0.0]]), THREE)
    assert answer["probabilities"] == {"a": 1.0, "b": 0.0, "c": 0.0}


def test_the_majority_answers_with_the_shares_of_the_training_rows() -> None:
    answers = single.majority(rows("a", "b", "b", "c"), rows("a", "c"), THREE)
    assert [answer["label"] for answer in answers] == ["b", "b"]
    assert answers[0]["probabilities"] == {"a": 0.25, "b": 0.5, "c": 0.25}


def test_metrics_are_scikit_learns() -> None:
    truth, said = ["a", "b", "c", "a", "b"], ["a", "c", "c", "b", "b"]
    figures = single.metrics(single.certain(said, THREE), rows(*truth), THREE)
    assert figures["metrics"]["accuracy"]["value"] == accuracy_score(truth, said)
    assert figures["metrics"]["f1_macro"]["value"] == pytest.approx(f1_score(truth, said, average="macro"))
    assert figures["counts"] == [True, False, True, False, True]
    assert figures["confusion"]["counts"] == [[1, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_support_counts_the_true_rows_of_a_class() -> None:
    figures = single.metrics(single.certain(["a", "a"], THREE), rows("a", "b"), THREE)
    assert {name: each["support"] for name, each in figures["per_class"].items()} == {"a": 1, "b": 1, "c": 0}


def tf_idf(texts: list[str], labels: list[str]) -> list[Any]:
    train = rows(*labels, texts=texts)
    answers = text_classification.baselines(train, train, single.learn(train), seed=0)
    return [answer["label"] for answer in answers["TF-IDF + logistic regression"]]


@pytest.mark.parametrize(
    ("good", "bad"),
    [("a great day {}", "an awful day {}"), ("很好的电影{}", "很差的电影{}")],
    ids=["words", "no spaces"],
)
def test_the_word_baseline_learns_words_and_scripts_without_spaces(good: str, bad: str) -> None:
    texts = [(good, bad)[i % 2].format(i) for i in range(20)]
    labels = [("pos", "neg")[i % 2] for i in range(20)]
    assert tf_idf(texts, labels) == labels


def test_probabilities_of_a_baseline_sum_to_one() -> None:
    train = rows("a", "b", "c", "a", "b", "c")
    for answers in text_classification.baselines(train, train, THREE, seed=0).values():
        np.testing.assert_allclose([sum(answer["probabilities"].values()) for answer in answers], 1)
