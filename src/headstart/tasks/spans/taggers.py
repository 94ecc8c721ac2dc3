"""Taggers without a pretrained model: a gazetteer of the training rows, and a linear model on the shapes of words."""

# W words, C tags

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from headstart.data.truths.spans import OUTSIDE, Span
from headstart.data.truths.words import words
from headstart.tasks.spans import tagging
from headstart.tasks.spans.tagging import Tags

Row = tuple[str, Sequence[Span]]
Phrase = tuple[str, ...]


def gazetteer(train: Sequence[Row], texts: Sequence[str]) -> list[list[Span]]:
    """The longest phrases of a text that were entities in most of the places where training shows them."""
    known = _most_often(train)
    longest = max(map(len, known), default=0)
    return [list(_looked_up(text, known, longest)) for text in texts]


def _most_often(train: Sequence[Row]) -> dict[Phrase, str]:
    """Phrase -> label, of the phrases that are more often an entity of that label than anything else."""
    cut = [(_written(text), spans) for text, spans in train]
    seen: dict[Phrase, Counter[str]] = defaultdict(Counter)
    for (places, phrase), spans in cut:
        for first, after, label in _in_words(places, spans):
            seen[phrase[first:after]][label] += 1
    longest = max(map(len, seen), default=0)
    for (places, phrase), spans in cut:
        taken = {(first, after) for first, after, _ in _in_words(places, spans)}
        for first, after in _phrases(len(phrase), longest):
            if phrase[first:after] in seen and (first, after) not in taken:
                seen[phrase[first:after]][OUTSIDE] += 1
    found = {phrase: counter.most_common(1)[0][0] for phrase, counter in seen.items()}
    return {phrase: label for phrase, label in found.items() if label != OUTSIDE}


def _written(text: str) -> tuple[list[tuple[int, int]], Phrase]:
    places = words(text)
    return places, tuple(text[start:end] for start, end in places)


def _in_words(places: Sequence[tuple[int, int]], spans: Sequence[Span]) -> Iterator[tuple[int, int, str]]:
    starts, ends = ({place[at]: number for number, place in enumerate(places)} for at in (0, 1))
    return ((starts[span.start], ends[span.end] + 1, span.label) for span in spans)


def _phrases(length: int, longest: int) -> Iterator[tuple[int, int]]:
    return ((at, at + size) for at in range(length) for size in range(1, min(longest, length - at) + 1))


def _looked_up(text: str, known: dict[Phrase, str], longest: int) -> Iterator[Span]:
    places, phrase = _written(text)
    at = 0
    while at < len(phrase):
        sizes = range(min(longest, len(phrase) - at), 0, -1)
        size = next((size for size in sizes if phrase[at : at + size] in known), 0)
        if size:
            yield Span(places[at][0], places[at + size - 1][1], known[phrase[at : at + size]])
        at += size or 1


def by_shape(train: Sequence[Row], texts: Sequence[str], learned: Tags, *, seed: int) -> list[list[Span]]:
    """A linear model on what words and their neighbours look like, and the best legal sequence of its tags."""
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.linear_model import SGDClassifier
    from threadpoolctl import threadpool_limits

    hasher = FeatureHasher(2**18, input_type="string")
    cut = [(words(text), text, spans) for text, spans in train]
    tags = np.concatenate([learned.of_words(places, spans) for places, _, spans in cut])
    seen = hasher.transform(looks for places, text, _ in cut for looks in _looks(text, places))
    model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=10, tol=None, average=True, random_state=seed)
    with threadpool_limits(1):
        model.fit(seen, tags)
        return [_tagged(text, learned, model, hasher) for text in texts]


def _tagged(text: str, learned: Tags, model: Any, hasher: Any) -> list[Span]:
    places = words(text)
    if not places:
        return []
    scores_WC = np.full((len(places), len(learned.names)), -np.inf)
    with np.errstate(divide="ignore"):
        scores_WC[:, model.classes_] = np.log(model.predict_proba(hasher.transform(_looks(text, places))))
    tags = tagging.best_legal(scores_WC, learned.forbidden)
    return [span for span, _ in learned.spans(tags, places)]


def _looks(text: str, places: Sequence[tuple[int, int]]) -> list[list[str]]:
    """What is seen of each word: itself, its ends, its shape, and the words and shapes beside it."""
    written = [text[start:end] for start, end in places]
    padded = ["<", "<", *written, ">", ">"]
    found = []
    for at, word in enumerate(written):
        beside = {offset: padded[at + 2 + offset] for offset in (-2, -1, 1, 2)}
        looks = [f"w={word}", f"l={word.lower()}", f"s={_shape(word)}", f"p={word[:3]}", f"e={word[-3:]}"]
        looks += [f"{offset}l={other.lower()}" for offset, other in beside.items()]
        looks += [f"{offset}s={_shape(other)}" for offset, other in beside.items() if abs(offset) == 1]
        found.append([*looks, f"-1s={_shape(padded[at + 1])} s={_shape(word)}"])
    return found


def _shape(word: str) -> str:
    """ "Xx" for "Berlin", "d" for "1989": kinds of characters, neighbours of one kind told once."""
    kinds = ["X" if mark.isupper() else "x" if mark.isalpha() else "d" if mark.isdigit() else mark for mark in word]
    return "".join(kind for at, kind in enumerate(kinds) if not at or kind != kinds[at - 1])
