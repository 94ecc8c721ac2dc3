"""An answer to a question, cut out of the text it is asked about; or that the text has none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart import score
from headstart.contracts import Field, Modality, Per, Points, Prediction, ReadAt, Rows, Where
from headstart.data.truths.answers import dumps, loads
from headstart.tasks.classes.single import config, meets
from headstart.tasks.spans import answers_judged, extracting, nearby
from headstart.tasks.spans.extracting import Learned, loss
from headstart.tasks.spans.span_snippets import ANSWERS

if TYPE_CHECKING:
    import torch

__all__ = ["config", "loss", "meets"]

aliases = ("qa", "extractive-question-answering", "squad")
modality: Modality = "text"
fields = (
    Field("question", "text", "what is asked", aliases=("query",)),
    Field(
        "context",
        "text",
        "the text that holds the answer",
        aliases=("passage", "paragraph", "document"),
        is_shared=True,
    ),
    Field(
        "label",
        "answers",
        "what counts as right, as it stands in the context",
        aliases=("answers", "answer"),
        within="context",
    ),
)
primary = "f1"
auto_class = "AutoModelForQuestionAnswering"
read_at: ReadAt = "layers"
per: Per = "token"
snippet = ANSWERS
QUANTILE = 0.99
"""Answers longer than this share of those in training are not looked for: in a weak model's eyes long ones abound."""


def learn(rows: Rows) -> Learned:
    """How long answers are, and whether some questions have none."""
    answers = list(map(loads, rows.column("label")))
    lengths = [len(gold["text"]) for golds in answers for gold in golds]
    longest = int(np.ceil(np.quantile(lengths, QUANTILE))) if lengths else 1
    return Learned(longest, may_be_silent=not all(answers))


def names(learned: Learned) -> tuple[str, ...]:
    """What the two outputs of a token say."""
    return ("start", "end")


def items(rows: Rows) -> list[Any]:
    """Question and context."""
    return list(zip(rows.column("question"), rows.column("context"), strict=True))


def output(given: Any) -> torch.Tensor:
    """For each token, how much better it is as first and as last of an answer than there being none, shape (B, T, 2).

    That there is none is said by a row's first token, as in BERT (Devlin et al. 2019, section 4.3).
    """
    import torch

    logits = torch.stack([given.start_logits, given.end_logits], dim=-1)
    return logits - logits[:, :1]


def collate(rows: Rows, learned: Learned, where: Where | None = None) -> torch.Tensor:
    """Shares of answers that begin and end with each token, shape (B, T, 2); see `extracting.targets`."""
    assert where is not None, "answers are found by the characters that tokens cover"
    return extracting.targets(list(map(loads, rows.column("label"))), where)


def counted(targets: torch.Tensor) -> torch.Tensor:
    """One answer a row."""
    return targets.new_ones(len(targets))


def decode(output: Any, learned: Learned, items: Sequence[Any] = (), where: Where | None = None) -> list[Prediction]:
    """The best answers of each item, in characters of its context."""
    assert where is not None, "answers are told in characters"
    rows = zip(output, where, items, strict=True)
    return [extracting.answer(row_T2, where_T2, text, learned) for row_T2, where_T2, (_, text) in rows]


def settled(learned: Learned, answers: Callable[[], Sequence[Prediction]], rows: Rows) -> Learned:
    """With the threshold of silence that gives the best F1 on the validation rows; of equal ones the middle.

    Source: the published evaluation of SQuAD 2.0 looks for its best threshold in the same way, on the rows judged.
    """
    if not learned.may_be_silent:
        return learned
    predictions, golds = answers(), _texts(rows)
    silence = np.array([answers_judged.f1("", gold) for gold in golds])
    spoken = np.array([answers_judged.f1(_best(answer), gold) for answer, gold in zip(predictions, golds, strict=True)])
    margins = np.array([-np.inf if answer["margin"] is None else answer["margin"] for answer in predictions])
    return dataclasses.replace(learned, threshold=extracting.threshold(margins, spoken - silence))


def _best(answer: Prediction) -> str:
    return str(answer["answers"][0]["text"]) if answer["answers"] else ""


def _texts(rows: Rows) -> list[list[str]]:
    """What counts as right in each row."""
    return [[gold["text"] for gold in loads(label)] for label in rows.column("label")]


def metrics(predictions: Sequence[Prediction], rows: Rows, learned: Learned) -> dict[str, Any]:
    """F1 over words and exact match, as SQuAD's own evaluation has them, and both for each kind of question."""
    golds, given = _texts(rows), [answer["answer"] for answer in predictions]
    each = {
        "f1": np.array([answers_judged.f1(*pair) for pair in zip(given, golds, strict=True)]),
        "exact_match": np.array([answers_judged.exact_match(*pair) for pair in zip(given, golds, strict=True)]),
    }
    return {"metrics": {name: _with_interval(values) for name, values in each.items()}, "counts": each["f1"].tolist()}


def _with_interval(values: score.Floats) -> dict[str, Any]:
    low, high = score.bootstrap_at_once(lambda rows: values[rows].mean(axis=-1), len(values), seed=0)
    return {"value": float(values.mean()), "low": low, "high": high, "method": "percentile bootstrap"}


figure = score.mean


def columns(predictions: Sequence[Prediction], rows: Rows, learned: Learned) -> dict[str, list[Any]]:
    """The answer in the form of the label, how sure it is, whether it is exactly right, its text and its F1."""
    golds, given = _texts(rows), [answer["answer"] for answer in predictions]
    return {
        "prediction": list(map(told, predictions)),
        "confidence": [answer["confidence"] for answer in predictions],
        "correct": [bool(answers_judged.exact_match(*pair)) for pair in zip(given, golds, strict=True)],
        "answer": given,
        "f1": [answers_judged.f1(*pair) for pair in zip(given, golds, strict=True)],
    }


def told(answer: Prediction) -> str:
    """An answer as a row holds those that count as right."""
    return dumps([] if answer["start"] is None else [{"text": answer["answer"], "start": answer["start"]}])


def baselines(train: Rows, test: Rows, learned: Learned, *, seed: int) -> dict[str, list[Prediction]]:
    """The sentence that shares most words with the question, and a name or number in it; or silence."""
    places = nearby.sentences(train, test)
    found = {
        "the most similar sentence": places,
        "a name or number in it": nearby.names(test, places),
    }
    told = {
        name: [_certain(text, place, learned) for text, place in zip(test.column("context"), given, strict=True)]
        for name, given in found.items()
    }
    silence = [extracting.prediction(text, [], [], learned) for text in test.column("context")]
    return {**told, "no answer to anything": silence} if learned.may_be_silent else told


def _certain(text: str, place: tuple[int, int], learned: Learned) -> Prediction:
    return extracting.prediction(text, [place], [learned.threshold + 1.0], learned)


def points(rows: Rows, learned: Learned, where: Where | None = None) -> Points:
    """Tokens of the contexts: 1 where an answer begins, 2 where one ends, 0 elsewhere; of one token, both."""
    assert where is not None, "answers are found by the characters that tokens cover"
    found = list[tuple[int, int, int]]()
    for row, target_T2 in enumerate(collate(rows, learned, where).numpy()):
        for side in (0, 1):
            found += [(side + 1, row, int(token)) for token in np.flatnonzero(target_T2[:, side] > 0)]
        found += [(0, row, int(token)) for token in np.flatnonzero((target_T2 == 0).all(axis=1))]
    truth, owners, tokens = np.array(found, np.int64).reshape(-1, 3).T
    return Points(truth, owners, np.stack([tokens, tokens + 1], axis=1))


def to_json(learned: Learned) -> Any:
    """By name."""
    return dataclasses.asdict(learned)


def from_json(value: Any) -> Learned:
    """As it was saved."""
    return Learned(**value)
