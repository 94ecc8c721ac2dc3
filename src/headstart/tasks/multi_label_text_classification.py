"""Any number of classes for each text: the topics of an article, what a ticket is about, what a comment offends by."""

from __future__ import annotations

from headstart.contracts import Field, Prediction, Rows
from headstart.tasks import text_classification
from headstart.tasks.classes import several
from headstart.tasks.classes.several import (
    Labels,
    collate,
    columns,
    config,
    counted,
    decode,
    figure,
    from_json,
    learn,
    loss,
    meets,
    metrics,
    names,
    output,
    per,
    points,
    primary,
    settled,
    snippet,
    to_json,
)
from headstart.tasks.text_classification import auto_class, items, modality, read_at

__all__ = [
    "auto_class",
    "baselines",
    "collate",
    "columns",
    "config",
    "counted",
    "decode",
    "figure",
    "from_json",
    "items",
    "learn",
    "loss",
    "meets",
    "metrics",
    "modality",
    "names",
    "output",
    "per",
    "points",
    "primary",
    "read_at",
    "settled",
    "snippet",
    "to_json",
]

aliases = ("text-classification", "multi-label-classification")
fields = (
    text_classification.fields[0],
    Field(
        "label",
        "labels",
        "its classes, in a list",
        aliases=("labels", "categories", "classes", "topics", "tags", "intents", "category", "class", "target"),
    ),
)


def baselines(train: Rows, test: Rows, learned: Labels, *, seed: int) -> dict[str, list[Prediction]]:
    """The commonest labels, and logistic regression on TF-IDF weighted words and word pairs, one for each label."""
    seen, unseen = text_classification.weighted_words(items(train), items(test))
    return {
        "commonest labels": several.commonest(train, test, learned),
        "TF-IDF + logistic regression": several.linear(seen, train, unseen, learned, strength=10.0),
    }
