"""Entities in texts: people, places, products; spans of characters, each with a label, in any script."""

# B rows, T tokens, W words, C tags

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Field, Modality, Per, Points, Prediction, ReadAt, Rows, Where
from headstart.data.truths.spans import Span, dumps, loads
from headstart.tasks.classes.single import config, meets, output, settled
from headstart.tasks.spans import entities_judged, taggers, tagging
from headstart.tasks.spans.entities_judged import figure
from headstart.tasks.spans.span_snippets import ENTITIES
from headstart.tasks.spans.tagging import IGNORED, Tags, words

if TYPE_CHECKING:
    import torch

__all__ = ["config", "figure", "meets", "output", "settled"]

aliases = ("ner", "named-entity-recognition")
modality: Modality = "text"
fields = (
    Field("text", "text", "the text, or its words", aliases=("tokens", "words", "sentence", "content")),
    Field(
        "label",
        "spans",
        "its entities as spans of characters, or a tag for each word",
        aliases=("spans", "entities", "tags", "ner_tags", "ner", "labels"),
        within="text",
    ),
)
primary = "entity_f1"
auto_class = "AutoModelForTokenClassification"
read_at: ReadAt = "layers"
per: Per = "token"
snippet = ENTITIES


def learn(rows: Rows) -> Tags:
    """The labels of the training rows."""
    return Tags(tuple(sorted({span.label for value in rows.column("label") for span in loads(value)})))


def names(learned: Tags) -> tuple[str, ...]:
    """O, and B and I of every label."""
    return learned.names


def items(rows: Rows) -> list[Any]:
    """The texts."""
    return rows.column("text")


def collate(rows: Rows, learned: Tags, where: Where | None = None) -> torch.Tensor:
    """Tag numbers, shape (B, T): of the first token of each word, `IGNORED` elsewhere."""
    import torch

    assert where is not None, "tags belong to tokens, and where says which"
    found = torch.full((len(where), max(map(len, where), default=0)), IGNORED)
    for row, (text, label, covered) in enumerate(zip(items(rows), rows.column("label"), where, strict=True)):
        places = words(text)
        targets = tagging.targets(learned.of_words(places, loads(label)), places, covered)
        found[row, : len(covered)] = torch.from_numpy(targets)
    return found


def counted(targets: torch.Tensor) -> torch.Tensor:
    """Words of each row that are judged."""
    return (targets != IGNORED).sum(dim=1)


def loss(
    output: torch.Tensor, targets: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """Cross entropy of each row in nats, shape (B,), summed over its words, times the weight of their tags."""
    from torch.nn.functional import cross_entropy

    heavy = None if weights is None else weights.to(output.device)
    each_BT = cross_entropy(
        output.float().transpose(1, 2),
        targets,
        heavy,
        ignore_index=IGNORED,
        reduction="none",
        label_smoothing=smoothing,
    )
    return each_BT.sum(dim=1)


def decode(output: Any, learned: Tags, items: Sequence[Any] = (), where: Where | None = None) -> list[Prediction]:
    """The entities of each text: of all legal sequences of tags the most probable one."""
    assert where is not None, "tags belong to tokens, and where says which"
    return [_decoded(*row, learned) for row in zip(output, items, where, strict=True)]


def _decoded(output_TC: torch.Tensor, text: str, where_T2: Any, learned: Tags) -> Prediction:
    places = words(text)
    scores_TC = output_TC.double().log_softmax(dim=-1).numpy()
    scores_WC = tagging.scores_of_words(places, where_T2, scores_TC)
    tags = tagging.best_legal(scores_WC, learned.forbidden)
    sure_W = np.exp(scores_WC[np.arange(len(tags)), tags])
    found = [(span, float(sure_W[within].mean())) for span, within in learned.spans(tags, places)]
    return answer(text, found)


def answer(text: str, found: Sequence[tuple[Span, float]]) -> Prediction:
    """The entities with what they say and how probable their tags are on average."""
    return {
        "entities": [
            {**vars(span), "text": text[span.start : span.end], "score": min(1.0, sure)} for span, sure in found
        ]
    }


def metrics(predictions: Sequence[Prediction], rows: Rows, learned: Tags) -> dict[str, Any]:
    """Entity F1, precision and recall, and the figures of each label; see `entities_judged.metrics`."""
    truth = [loads(value) for value in rows.column("label")]
    return entities_judged.metrics(truth, list(map(_spans, predictions)), learned.labels)


def _spans(prediction: Prediction) -> list[Span]:
    return [Span(one["start"], one["end"], one["label"]) for one in prediction["entities"]]


def columns(predictions: Sequence[Prediction], rows: Rows, learned: Tags) -> dict[str, list[Any]]:
    """The entities as the rows have theirs, the score of the least sure one, and whether all are right."""
    found = [dumps(_spans(prediction)) for prediction in predictions]
    sure = [min((one["score"] for one in prediction["entities"]), default=1.0) for prediction in predictions]
    right = [set(loads(said)) == set(loads(true)) for said, true in zip(found, rows.column("label"), strict=True)]
    return {"prediction": found, "confidence": sure, "correct": right}


def baselines(train: Rows, test: Rows, learned: Tags, *, seed: int) -> dict[str, list[Prediction]]:
    """A gazetteer of the training rows, and a linear model on the shapes of words."""
    known = [(text, loads(label)) for text, label in zip(items(train), train.column("label"), strict=True)]
    texts = items(test)
    ways = {
        "gazetteer": taggers.gazetteer(known, texts),
        "word shapes + linear model": taggers.by_shape(known, texts, learned, seed=seed),
    }
    return {
        name: [answer(text, [(span, 1.0) for span in spans]) for text, spans in zip(texts, found, strict=True)]
        for name, found in ways.items()
    }


def points(rows: Rows, learned: Tags, where: Where | None = None) -> Points:
    """Words, each over all of its tokens, with 0 outside of entities and a number for each label within."""
    assert where is not None, "words are found by the characters that tokens cover"
    truth, owners, places = list[int](), list[int](), list[tuple[int, int]]()
    for row, (text, label, covered_T2) in enumerate(zip(items(rows), rows.column("label"), where, strict=True)):
        at = words(text)
        for tag, span in zip(learned.of_words(at, loads(label)).tolist(), tagging.tokens(at, covered_T2), strict=True):
            if tag != IGNORED and span is not None:
                truth.append((tag + 1) // 2)
                owners.append(row)
                places.append(span)
    return Points(np.array(truth, np.int64), np.array(owners, np.int64), np.array(places, np.int64).reshape(-1, 2))


def to_json(learned: Tags) -> Any:
    """The labels."""
    return list(learned.labels)


def from_json(value: Any) -> Tags:
    """The labels that were saved."""
    return Tags(tuple(value))
