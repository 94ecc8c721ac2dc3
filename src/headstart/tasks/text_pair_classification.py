"""One class for each pair of texts: whether one follows from the other, says the same, or answers it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from headstart.contracts import Field, Prediction, Rows
from headstart.tasks import text_classification
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
from headstart.tasks.text_classification import auto_class, modality, primary, read_at

__all__ = [
    "auto_class",
    "collate",
    "columns",
    "config",
    "counted",
    "decode",
    "figure",
    "from_json",
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

aliases = ("text-classification", "natural-language-inference", "nli", "paraphrase-identification")
fields = (
    Field(
        "text",
        "text",
        "the first text, such as a premise",
        aliases=("sentence1", "premise", "question1", "text1", "text_a", "sentence"),
        is_named=True,
    ),
    Field(
        "text_pair",
        "text",
        "the second text, such as a hypothesis",
        aliases=("sentence2", "hypothesis", "question2", "text2", "text_b"),
        is_named=True,
    ),
    Field("label", "label", "its class", aliases=("gold_label", "is_duplicate", "class", "category", "target")),
)


def items(rows: Rows) -> list[Any]:
    """Both texts."""
    return list(zip(rows.column("text"), rows.column("text_pair"), strict=True))


def baselines(train: Rows, test: Rows, learned: Classes, *, seed: int) -> dict[str, list[Prediction]]:
    """The majority class, and logistic regression on the words of each text, those of both, and how many they share."""
    seen, unseen = _features(train, test)
    return {
        "majority class": single.majority(train, test, learned),
        "TF-IDF of both + overlap": single.linear(seen, train, unseen, learned, strength=10.0),
    }


def _features(train: Rows, test: Rows) -> tuple[Any, Any]:
    """What is known of pairs without reading: weighted words of either text, how alike they are, what they share."""
    from scipy import sparse

    # first texts, then second ones, in one vocabulary, so that the two can be compared
    stacked = [[text for name in ("text", "text_pair") for text in rows.column(name)] for rows in (train, test)]
    found = []
    for rows, words in zip((train, test), text_classification.weighted_words(*stacked), strict=True):
        first, second = words[: len(rows)], words[len(rows) :]
        alike = np.asarray(first.multiply(second).sum(axis=1)).reshape(-1, 1)
        overlap = np.array(list(_overlaps(items(rows))), dtype=np.float64).reshape(len(rows), -1)
        found.append(sparse.hstack([first, second, alike, overlap], format="csr"))
    return found[0], found[1]


def _words(text: str) -> set[str]:
    """The words of a text, or of one that is written without spaces its characters."""
    return set(re.findall(r"\w+" if " " in text.strip() else r"\w", text.casefold()))


def _overlaps(pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[float, ...]]:
    """Of each pair the share of either text's words that the other has, of all words that both have, and of numbers;
    and how much longer the first is."""
    for pair in pairs:
        first, second = map(_words, pair)
        common = len(first & second)
        numbers = [{word for word in words if word.isdecimal()} for words in (first, second)]
        yield (
            common / max(1, len(first)),
            common / max(1, len(second)),
            common / max(1, len(first | second)),
            float(numbers[0] == numbers[1]),
            (len(first) - len(second)) / max(1, len(first | second)),
        )
