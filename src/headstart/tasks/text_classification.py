"""One class for each text: sentiment, topic, intent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headstart.contracts import Field, Modality, Prediction, ReadAt, Rows
from headstart.tasks.classes import single
from headstart.tasks.classes.single import (
    Classes,
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
    settled,
    snippet,
    to_json,
)

__all__ = [
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
    "names",
    "output",
    "per",
    "points",
    "settled",
    "snippet",
    "to_json",
]

aliases = ("sentiment-analysis", "sentiment-classification")
modality: Modality = "text"
fields = (
    Field("text", "text", "the text to classify", aliases=("sentence", "review", "content", "comment", "body")),
    Field("label", "label", "its class", aliases=("category", "class", "sentiment", "target", "intent", "topic")),
)
primary = "accuracy"
auto_class = "AutoModelForSequenceClassification"
# transformers' heads read one position through an untrained pooler; an average over tokens is the better frozen feature
read_at: ReadAt = "layers"


def items(rows: Rows) -> list[Any]:
    """The texts."""
    return rows.column("text")


def baselines(train: Rows, test: Rows, learned: Classes, *, seed: int) -> dict[str, list[Prediction]]:
    """The majority class, and logistic regression on TF-IDF weighted words and word pairs."""
    seen, unseen = weighted_words(items(train), items(test))
    return {
        "majority class": single.majority(train, test, learned),
        "TF-IDF + logistic regression": single.linear(seen, train, unseen, learned, strength=10.0),
    }


def weighted_words(texts: Sequence[str], others: Sequence[str]) -> tuple[Any, Any]:
    """Words and word pairs weighted by how few texts have them, sparse, of texts to learn from and of others."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    # languages written without spaces have no words to cut out; pairs of characters serve instead
    analyzer = "word" if sum(text.count(" ") for text in texts) > len(texts) else "char"
    vectorizer = TfidfVectorizer(analyzer=analyzer, ngram_range=(1, 2), sublinear_tf=True)
    return vectorizer.fit_transform(texts), vectorizer.transform(others)
