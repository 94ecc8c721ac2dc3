"""Answers without a model: the sentence that is most like the question, and a name or number in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headstart.contracts import Rows

SENTENCE = re.compile(r"[^.!?。！？]*(?:[.!?](?!\s|$)[^.!?。！？]*)*[.!?。！？]*", re.DOTALL)
NAME = re.compile(r"(?:(?:[A-Z]|\d)[\w.,'’%-]*\w%?|[A-Z]|\d)(?:\s+(?:(?:of|the|and)\s+)?(?:[A-Z]|\d)[\w'’%-]*)*")
"""Words that begin with a capital or a digit, side by side."""
Place = tuple[int, int]


def sentences(train: Rows, test: Rows) -> list[Place]:
    """Of each context the sentence most like its question, by the cosine of TF-IDF weighted words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True).fit([*train.column("context"), *train.column("question")])
    kept = {text: split(text) for text in set(test.column("context"))}
    vectors = {text: vectorizer.transform([text[a:b] for a, b in places]) for text, places in kept.items()}
    asked = vectorizer.transform(test.column("question"))
    found = []
    for number, text in enumerate(test.column("context")):
        likeness = (vectors[text] @ asked[number].T).toarray().ravel()
        found.append(kept[text][int(likeness.argmax())])
    return found


def split(text: str) -> list[Place]:
    """The sentences as characters [start, end), without spaces around; the whole text where there is no other."""
    found = []
    for match in SENTENCE.finditer(text):
        bare = match[0].strip()
        if bare:
            start = match.start() + match[0].index(bare)
            found.append((start, start + len(bare)))
    return found or [(0, len(text))]


def names(test: Rows, places: Sequence[Place]) -> list[Place]:
    """The longest name or number within each of these places that the question has not; else the place itself."""
    rows = zip(test.column("context"), test.column("question"), places, strict=True)
    return [_name(text, question, place) for text, question, place in rows]


def _name(text: str, question: str, place: Place) -> Place:
    found = [match.span() for match in NAME.finditer(text, *place)]
    new = [(start, end) for start, end in found if text[start:end].casefold() not in question.casefold()]
    # a capital at the beginning says nothing
    inner = [span for span in new if span[0] > place[0]] or new
    return max(inner, key=lambda span: span[1] - span[0], default=place)
