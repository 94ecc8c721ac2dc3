"""Tags of words and how they go together: targets for tokens, the best legal sequence, spans of characters from it.

The words are those of `data.words`, each judged by the first token that touches it.
"""

# T tokens, W words, C tags

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from headstart.data.truths.spans import OUTSIDE, Span
from headstart.data.truths.words import words

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
IGNORED = -100
"""The target of tokens that are not judged: special ones, and all of a word but the first."""


@dataclass(frozen=True)
class Tags:
    """The labels of entities in the training rows, sorted. Tag 0 is O; label k has B at 1 + 2k and I at 2 + 2k."""

    labels: tuple[str, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every tag, in the order of the outputs."""
        return (OUTSIDE, *(f"{prefix}-{label}" for label in self.labels for prefix in "BI"))

    @cached_property
    def forbidden(self) -> Floats:
        """-inf from tags to those that may not follow, 0 elsewhere: I only goes on with an entity of its label."""
        table = np.zeros((len(self.names), len(self.names)))
        for inside in range(2, len(self.names), 2):
            table[:, inside] = -np.inf
            table[[inside - 1, inside], inside] = 0
        return table

    def of_words(self, places: Sequence[tuple[int, int]], spans: Sequence[Span]) -> Ints:
        """The tag of each word, shape (W,); of a label that training did not show, `IGNORED`."""
        tags = np.zeros(len(places), dtype=np.int64)
        starts = np.array([start for start, _ in places], dtype=np.int64)
        number = {label: at for at, label in enumerate(self.labels)}
        for span in spans:
            first, after = np.searchsorted(starts, [span.start, span.end])
            known = number.get(span.label)
            tags[first:after] = IGNORED if known is None else 2 + 2 * known
            if known is not None and after > first:
                tags[first] = 1 + 2 * known
        return tags

    def spans(self, tags: Ints, places: Sequence[tuple[int, int]]) -> list[tuple[Span, slice]]:
        """The entities of a legal sequence, shape (W,), each with the words it is made of."""
        found = []
        begins = np.flatnonzero(tags % 2 == 1)
        for first in begins.tolist():
            after = first + 1
            while after < len(tags) and tags[after] == tags[first] + 1:
                after += 1
            span = Span(places[first][0], places[after - 1][1], self.labels[int(tags[first]) // 2])
            found.append((span, slice(first, after)))
        return found


def words_of_tokens(places: Sequence[tuple[int, int]], where_T2: Any) -> Ints:
    """Which word each token is the first to touch, shape (T,), -1 where it is none."""
    if not places or not len(where_T2):
        return np.full(len(where_T2), -1, dtype=np.int64)
    edges_W2 = np.array(places, dtype=np.int64)
    starts, ends = np.asarray(where_T2, dtype=np.int64).T
    word = np.minimum(np.searchsorted(edges_W2[:, 1], starts, side="right"), len(places) - 1)
    # a token that only covers a space, or nothing, touches no word
    touches = (edges_W2[word, 0] < ends) & (starts < edges_W2[word, 1]) & (ends > starts)
    word = np.where(touches, word, -1)
    highest = np.maximum.accumulate(np.concatenate([[-1], word]))[:-1]
    return np.where(word > highest, word, -1)


def scores_of_words(places: Sequence[tuple[int, int]], where_T2: Any, scores_TC: Floats) -> Floats:
    """Log probabilities of the tags of each word, shape (W, C), from those of the tokens.

    A word without a token of its own stands in that of the word before it, and there goes on with what that is.
    """
    words_W = np.full(len(places), -1, dtype=np.int64)
    first = words_of_tokens(places, where_T2)
    words_W[first[first >= 0]] = np.flatnonzero(first >= 0)
    scores_WC = np.full((len(places), scores_TC.shape[1]), -np.inf)
    scores_WC[:, 0] = 0.0
    scores_WC[words_W >= 0] = scores_TC[words_W[words_W >= 0]]
    for word in np.flatnonzero(words_W < 0).tolist():
        if word and _share_a_token(places[word - 1], places[word], where_T2):
            scores_WC[word] = scores_WC[word - 1]
            scores_WC[word, 2::2] = np.logaddexp(scores_WC[word, 1::2], scores_WC[word, 2::2])
            scores_WC[word, 1::2] = -np.inf
    return scores_WC


def _share_a_token(before: tuple[int, int], word: tuple[int, int], where_T2: Any) -> bool:
    return bool(((where_T2[:, 0] < before[1]) & (where_T2[:, 1] > word[0])).any())


def best_legal(scores_WC: Floats, forbidden_CC: Floats) -> Ints:
    """The sequence with the highest sum of scores among those that are legal, shape (W,).

    Source: Viterbi, IEEE Transactions on Information Theory 13 (1967), with transitions that cost nothing or all.
    """
    if not len(scores_WC):
        return np.zeros(0, dtype=np.int64)
    best_C = scores_WC[0].copy()
    best_C[2::2] = -np.inf  # no text begins within an entity
    came_from = np.zeros(scores_WC.shape, dtype=np.int64)
    for word in range(1, len(scores_WC)):
        paths_CC = best_C[:, None] + forbidden_CC
        came_from[word] = paths_CC.argmax(axis=0)
        best_C = paths_CC.max(axis=0) + scores_WC[word]
    tags = np.zeros(len(scores_WC), dtype=np.int64)
    tags[-1] = best_C.argmax()
    for word in range(len(scores_WC) - 1, 0, -1):
        tags[word - 1] = came_from[word, tags[word]]
    return tags


def targets(tags: Ints, places: Sequence[tuple[int, int]], where_T2: Any) -> Ints:
    """The target of each token, shape (T,): the tag of the word it is the first to touch."""
    first = words_of_tokens(places, where_T2)
    return np.where(first >= 0, tags[first] if len(tags) else IGNORED, IGNORED)


__all__ = ["IGNORED", "Tags", "best_legal", "scores_of_words", "targets", "words", "words_of_tokens"]


def tokens(places: Sequence[tuple[int, int]], where_T2: Any) -> list[tuple[int, int] | None]:
    """The tokens [first, after) of each word; None of a word that none of these covers."""
    (real,) = np.nonzero(where_T2[:, 1] > where_T2[:, 0])
    found = list[tuple[int, int] | None]()
    for start, end in places:
        mine = real[(where_T2[real, 1] > start) & (where_T2[real, 0] < end)]
        found.append((int(mine[0]), int(mine[-1]) + 1) if len(mine) else None)
    return found
