"""What every task that picks one class per row shares, as plain functions: targets, loss, decoding, metrics.

A task file hands these on under the contract's names; this is no base class and no plug-in.
"""

# B rows, C classes

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart import score
from headstart.contracts import Backbone, Learned, Per, Points, Prediction, Rows, Where

if TYPE_CHECKING:
    import torch

    from headstart.settings import FitSettings


per: Per = "row"
snippet = """labels = [names[i] for i in logits.argmax(-1).tolist()]
"""
config: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Classes:
    """The class names seen in training, sorted; their order is the order of the model's outputs."""

    names: tuple[str, ...]

    def ids(self, labels: Sequence[str]) -> score.Ints:
        """Class numbers of labels, shape (N,)."""
        number = {name: index for index, name in enumerate(self.names)}
        return np.array([number[label] for label in labels], dtype=np.int64)


def learn(rows: Rows) -> Classes:
    """The classes of the training rows."""
    return Classes(tuple(sorted(map(str, rows.table["label"].unique().to_pylist()))))


def meets(learned: Learned, rows: Rows, backbone: Backbone, settings: FitSettings) -> Learned:
    """What was learnt: classes are the rows' own, whatever the model."""
    return learned


def names(learned: Classes) -> tuple[str, ...]:
    """The class names in the order of the outputs."""
    return learned.names


def output(given: Any) -> torch.Tensor:
    """Logits, shape (B, C), or (B, T, C) by token."""
    logits: torch.Tensor = given.logits
    return logits


def collate(rows: Rows, learned: Classes, where: Where | None = None) -> torch.Tensor:
    """Class numbers, shape (B,)."""
    import torch

    return torch.from_numpy(learned.ids(rows.column("label")))


def counted(targets: torch.Tensor) -> torch.Tensor:
    """One class a row."""
    return targets.new_ones(len(targets))


def loss(
    output: torch.Tensor, targets: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """Cross entropy of each row in nats, shape (B,), times the weight of its class."""
    from torch.nn.functional import cross_entropy

    heavy = None if weights is None else weights.to(output.device)
    return cross_entropy(output.float(), targets, heavy, reduction="none", label_smoothing=smoothing)


def decode(
    output: torch.Tensor, learned: Classes, items: Sequence[Any] = (), where: Where | None = None
) -> list[Prediction]:
    """The most probable class of each row and the probability of every class."""
    probabilities = output.double().softmax(dim=-1).tolist()
    return [prediction(dict(zip(learned.names, row, strict=True))) for row in probabilities]


def settled(learned: Classes, answers: Callable[[], Sequence[Prediction]], rows: Rows) -> Classes:
    """Nothing is left to be set: the most probable class is the answer."""
    return learned


def prediction(probabilities: dict[str, float]) -> Prediction:
    """One answer from the probability of every class."""
    label = max(probabilities, key=probabilities.__getitem__)
    return {"label": label, "confidence": probabilities[label], "probabilities": probabilities}


def certain(labels: Sequence[str], learned: Classes) -> list[Prediction]:
    """Answers of a method that gives classes and no probabilities."""
    return [prediction({name: float(name == label) for name in learned.names}) for label in labels]


def metrics(predictions: Sequence[Prediction], rows: Rows, learned: Classes) -> dict[str, Any]:
    """Accuracy, macro F1, log loss, figures per class, confusion and calibration; see `score.classification`."""
    truth = learned.ids(rows.column("label"))
    table = np.array([[row["probabilities"][name] for name in learned.names] for row in predictions])
    hits = table.argmax(axis=1) == truth
    return {**score.classification(truth, table, names=learned.names), "counts": hits.tolist()}


figure = score.mean


def columns(predictions: Sequence[Prediction], rows: Rows, learned: Classes) -> dict[str, list[Any]]:
    """The class of each row, how sure it is, whether it is right, and the probability of class NAME as "p:NAME"."""
    labels = [answer["label"] for answer in predictions]
    right = [label == truth for label, truth in zip(labels, rows.column("label"), strict=True)]
    sure = [answer["confidence"] for answer in predictions]
    each = {f"p:{name}": [answer["probabilities"][name] for answer in predictions] for name in learned.names}
    return {"prediction": labels, "confidence": sure, "correct": right, **each}


def majority(train: Rows, test: Rows, learned: Classes) -> list[Prediction]:
    """The answer that looks at nothing: the shares of the classes in the training rows."""
    shares = np.bincount(learned.ids(train.column("label")), minlength=len(learned.names)) / len(train)
    return [prediction(dict(zip(learned.names, shares.tolist(), strict=True)))] * len(test)


def linear(features: Any, train: Rows, unseen: Any, learned: Classes, *, strength: float) -> list[Prediction]:
    """Logistic regression from features of the training rows to answers for unseen ones."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(C=strength, max_iter=300, tol=1e-3)
    # many small products: threads would spend their time waiting for each other, on a busy machine for minutes
    with threadpool_limits(1):
        model.fit(features, train.column("label"))
        table = model.predict_proba(unseen)
    return [prediction(dict(zip(map(str, model.classes_), row, strict=True))) for row in table.tolist()]


def points(rows: Rows, learned: Classes, where: Where | None = None) -> Points:
    """Whole rows with their classes."""
    return Points(learned.ids(rows.column("label")), np.arange(len(rows)))


def to_json(learned: Classes) -> Any:
    """The class names."""
    return list(learned.names)


def from_json(value: Any) -> Classes:
    """The classes whose names were saved."""
    return Classes(tuple(value))
