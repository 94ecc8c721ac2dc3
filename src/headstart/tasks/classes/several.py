"""What tasks that give a row any number of classes share: a yes or no for each label, told by thresholds of their own.

A task file hands these on under the contract's names; tasks with one class a row have theirs in `single`.
"""

# B or N rows, C labels

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart import score
from headstart.contracts import Per, Points, Prediction, Rows, Where
from headstart.data.truths.labels import dumps, loads
from headstart.tasks.classes import thresholds
from headstart.tasks.classes.single import meets as meets
from headstart.tasks.classes.single import output as output

if TYPE_CHECKING:
    import torch

per: Per = "row"
FOLDS = 3
"""In which a baseline's thresholds are chosen."""
# micro F1 counts every yes alike, so it does not hang on labels that a handful of rows have, as macro F1 does, and is
# not flattered by the many right answers "no", as the share of right decisions is
primary = "f1_micro"
config: Mapping[str, Any] = {"problem_type": "multi_label_classification"}
snippet = """
import json

with open(folder + "/headstart.json", encoding="utf-8") as file:
    thresholds = json.load(file)["learned"]["thresholds"]
probabilities = logits.double().sigmoid().tolist()
labels = [[name for name, p, least in zip(names, row, thresholds) if p >= least] for row in probabilities]
"""


@dataclass(frozen=True)
class Labels:
    """The labels seen in training, sorted, and how probable each must be for a row to have it."""

    names: tuple[str, ...]
    thresholds: tuple[float, ...]

    def table(self, values: Sequence[str]) -> score.Ints:
        """1 where a row has a label, shape (N, C)."""
        number = {name: index for index, name in enumerate(self.names)}
        found = np.zeros((len(values), len(self.names)), dtype=np.int64)
        for row, value in enumerate(values):
            found[row, [number[name] for name in loads(value)]] = 1
        return found


def learn(rows: Rows) -> Labels:
    """The labels of the training rows, each told when it is more probable than not."""
    found = sorted({name for value in rows.table["label"].unique().to_pylist() for name in loads(value)})
    return Labels(tuple(found), (0.5,) * len(found))


def names(learned: Labels) -> tuple[str, ...]:
    """The labels in the order of the outputs."""
    return learned.names


def collate(rows: Rows, learned: Labels, where: Where | None = None) -> torch.Tensor:
    """1 where a row has a label and 0 elsewhere, real numbers, shape (B, C)."""
    import torch

    return torch.from_numpy(learned.table(rows.column("label")).astype(np.float32))


def counted(targets: torch.Tensor) -> torch.Tensor:
    """Every label is a question of its own."""
    return targets.new_full((len(targets),), targets.shape[1])


def loss(
    output: torch.Tensor, targets: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """Binary cross entropy of each row in nats, shape (B,), summed over labels, each times its weight.

    Smoothing spreads a share of every target over its two answers.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits

    soft = targets * (1 - smoothing) + smoothing / 2
    each_BC = binary_cross_entropy_with_logits(output.float(), soft, reduction="none")
    return (each_BC if weights is None else each_BC * weights.to(output.device)).sum(dim=1)


def decode(
    output: torch.Tensor, learned: Labels, items: Sequence[Any] = (), where: Where | None = None
) -> list[Prediction]:
    """The labels of each row that reach their thresholds, and the probability of every label."""
    return [prediction(row, learned) for row in output.double().sigmoid().tolist()]


def prediction(probabilities: Sequence[float], learned: Labels) -> Prediction:
    """One answer; it is as sure as the least sure of its yeses and noes."""
    said = [value >= least for value, least in zip(probabilities, learned.thresholds, strict=True)]
    sure = [value if yes else 1 - value for value, yes in zip(probabilities, said, strict=True)]
    return {
        "labels": [name for name, yes in zip(learned.names, said, strict=True) if yes],
        "confidence": min(sure, default=1.0),
        "probabilities": dict(zip(learned.names, probabilities, strict=True)),
    }


def certain(said_NC: Any, learned: Labels) -> list[Prediction]:
    """Answers of a method that says yes and no."""
    sure = dataclasses.replace(learned, thresholds=(0.5,) * len(learned.names))
    return [prediction(row, sure) for row in np.asarray(said_NC, dtype=np.float64).tolist()]


def settled(learned: Labels, answers: Callable[[], Sequence[Prediction]], rows: Rows) -> Labels:
    """With the threshold of each label that gives its best F1 on the validation rows; see `thresholds.best`."""
    found = thresholds.best(_table(answers(), learned), learned.table(rows.column("label")))
    return dataclasses.replace(learned, thresholds=tuple(found.tolist()))


def _table(predictions: Sequence[Prediction], learned: Labels) -> score.Floats:
    """Probabilities, shape (N, C)."""
    table = [[answer["probabilities"].get(name, 0.0) for name in learned.names] for answer in predictions]
    return np.array(table, dtype=np.float64).reshape(len(table), len(learned.names))


def _said(predictions: Sequence[Prediction], learned: Labels) -> score.Ints:
    """1 where an answer has a label, shape (N, C)."""
    return learned.table([dumps(answer["labels"]) for answer in predictions])


def metrics(predictions: Sequence[Prediction], rows: Rows, learned: Labels) -> dict[str, Any]:
    """Micro and macro F1, exact match, mean average precision, and figures per label; see `figures`."""
    from headstart.tasks.classes import figures

    judged = _with_all(learned, rows)
    said, table = _said(predictions, judged), _table(predictions, judged)
    return figures.of(judged.table(rows.column("label")), said, table, names=judged.names)


def _with_all(learned: Labels, rows: Rows) -> Labels:
    """Also the labels of the rows that were not learnt, as from few rows not all are: each of these is missed."""
    found = {name for value in rows.table["label"].unique().to_pylist() for name in loads(value)}
    unknown = tuple(sorted(found - set(learned.names)))
    return Labels(learned.names + unknown, learned.thresholds + (1.0,) * len(unknown))


def figure(counts: Any) -> float:
    """Micro F1 of rows, each with its labels found rightly, found wrongly and missed, shape (N, 3)."""
    right, wrong, missed = np.asarray(counts, dtype=np.float64).reshape(-1, 3).sum(axis=0)
    return float(2 * right / max(2 * right + wrong + missed, 1))


def columns(predictions: Sequence[Prediction], rows: Rows, learned: Labels) -> dict[str, list[Any]]:
    """The labels as the rows have theirs, how sure the least sure decision is, whether all are right, and "p:NAME"."""
    said = [dumps(answer["labels"]) for answer in predictions]
    each = {f"p:{name}": [answer["probabilities"][name] for answer in predictions] for name in learned.names}
    right = [one == true for one, true in zip(said, rows.column("label"), strict=True)]
    return {
        "prediction": said,
        "confidence": [answer["confidence"] for answer in predictions],
        "correct": right,
        **each,
    }


def commonest(train: Rows, test: Rows, learned: Labels) -> list[Prediction]:
    """The answer that looks at nothing: the shares of the labels in the training rows.

    It says the commonest labels, as many of them as give the best micro F1 there, which is at least one.
    """
    table = learned.table(train.column("label"))
    shares = table.mean(axis=0)
    order = np.argsort(-shares, kind="stable")
    right = np.cumsum(table.sum(axis=0)[order])
    f1 = 2 * right / (len(train) * np.arange(1, len(order) + 1) + table.sum())
    least = shares[order[: int(f1.argmax()) + 1]].min()
    answer = prediction(shares.tolist(), dataclasses.replace(learned, thresholds=(float(least),) * len(shares)))
    return [answer] * len(test)


def linear(features: Any, train: Rows, unseen: Any, learned: Labels, *, strength: float) -> list[Prediction]:
    """One logistic regression for each label, from features of the training rows to answers for unseen ones.

    It has thresholds of its own, chosen on training rows that regressions on the others had not seen.
    """
    from sklearn.model_selection import KFold
    from threadpoolctl import threadpool_limits

    table = learned.table(train.column("label"))
    left_out = np.zeros(table.shape)
    # many small products: threads would spend their time waiting for each other, on a busy machine for minutes
    with threadpool_limits(1):
        for seen, out in KFold(min(FOLDS, len(table)), shuffle=True, random_state=0).split(table):
            left_out[out] = _regressed(features[seen], table[seen], features[out], strength)
        found = _regressed(features, table, unseen, strength)
    own = dataclasses.replace(learned, thresholds=tuple(thresholds.best(left_out, table).tolist()))
    return [prediction(row, own) for row in found.tolist()]


def _regressed(features: Any, table_NC: score.Ints, unseen: Any, strength: float) -> score.Floats:
    """The probability of each label for unseen rows, shape (M, C)."""
    from sklearn.linear_model import LogisticRegression

    found = np.zeros((unseen.shape[0], table_NC.shape[1]))
    for label, truth in enumerate(table_NC.T):
        if truth.min() == truth.max():
            found[:, label] = truth[0]
            continue
        model = LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(features, truth)
        found[:, label] = model.predict_proba(unseen)[:, 1]
    return found


def points(rows: Rows, learned: Labels, where: Where | None = None) -> Points:
    """Whole rows with their labels."""
    return Points(learned.table(rows.column("label")), np.arange(len(rows)))


def to_json(learned: Labels) -> Any:
    """By name."""
    return {"names": list(learned.names), "thresholds": list(learned.thresholds)}


def from_json(value: Any) -> Labels:
    """As it was saved."""
    return Labels(tuple(value["names"]), tuple(value["thresholds"]))
