"""From the outputs of a CTC model to a text: the best output of each frame, or a search over prefixes of texts.

What words are likely is `languages`'s business. Every letter remembers the frame it was heard at, so that words have
times without a second pass.
"""

# T frames, C outputs

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from headstart.tasks.speech.languages import Language

NEVER = -math.inf
LEAST = -9.0
"""Outputs less likely than this, as a natural logarithm, begin no new prefix in a frame."""
MOST = 12
"""Outputs of a frame that begin new prefixes."""


class Heard(NamedTuple):
    """One output that is written: which, its first frame and its last, and how likely it was there."""

    piece: int
    first: int
    last: int
    probability: float


def greedy(log_probs_TC: Any, blank: int) -> list[Heard]:
    """The best output of each frame; of a run of equal ones one is written, and blanks are not."""
    best_T = log_probs_TC.argmax(axis=1)
    changes = np.flatnonzero(np.diff(best_T, prepend=-1))
    ends = np.append(changes[1:], len(best_T))
    return [
        Heard(int(best_T[first]), int(first), int(end) - 1, float(np.exp(log_probs_TC[first:end, best_T[first]].max())))
        for first, end in zip(changes, ends, strict=True)
        if best_T[first] != blank
    ]


@dataclass(eq=False)
class _Prefix:
    """A text so far: its last piece, where that was heard, and the text before it.

    `word` is what is written of the last word, `history` the words before, as far as the language looks back, and
    `said` what the language says of the text.
    """

    before: _Prefix | None
    piece: int
    first: int
    probability: float
    word: str = ""
    history: tuple[str, ...] = ()
    said: float = 0.0
    longer: dict[int, _Prefix | None] = field(default_factory=dict)


def search(
    log_probs_TC: Any, pieces: Sequence[str], *, blank: int, beams: int, language: Language | None = None
) -> list[Heard]:
    """The most probable text over all its alignments, among so many prefixes kept at each frame.

    Args:
        log_probs_TC: Natural logarithms.
        pieces: What each of C outputs adds to the text; "" for what is never written.
        blank: The output that says that there is no letter.
        beams: Prefixes kept.
        language: What words there are, or how likely they follow each other.

    Source: Hannun et al., "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent
    DNNs", 2014, algorithm 1; the language is asked at the end of each word.
    """
    root = _Prefix(None, -1, 0, 1.0)
    # of each prefix the log probability of ending in a blank, and of ending in its last piece
    beam: dict[_Prefix, tuple[float, float]] = {root: (0.0, NEVER)}
    for frame, values_C in enumerate(log_probs_TC):
        row_C = values_C.tolist()
        found: dict[_Prefix, list[float]] = {}
        likely = _likely(row_C, pieces, blank)
        for prefix, (in_blank, in_piece) in beam.items():
            whole = _sum(in_blank, in_piece)
            _add(found, prefix, 0, whole + row_C[blank])
            if prefix.piece >= 0:
                _add(found, prefix, 1, in_piece + row_C[prefix.piece])
            for piece in likely:
                # the same piece again is another letter only after a blank
                before = in_blank if piece == prefix.piece else whole
                if before == NEVER:
                    continue
                longer = prefix.longer.get(piece)
                # one object for one text while it is among the kept; one that was dropped begins anew
                if longer not in beam and longer not in found and not (longer is None and piece in prefix.longer):
                    longer = _longer(prefix, piece, pieces[piece], frame, math.exp(row_C[piece]), language)
                    prefix.longer[piece] = longer
                if longer is not None:
                    _add(found, longer, 1, before + row_C[piece])
        best = sorted(found, key=lambda prefix: -(_sum(*found[prefix]) + prefix.said))[:beams]
        for prefix in beam.keys() - set(best):
            prefix.longer.clear()
        beam = {prefix: (found[prefix][0], found[prefix][1]) for prefix in best}
    return _written(_best(beam, language), len(log_probs_TC))


def _likely(row_C: Sequence[float], pieces: Sequence[str], blank: int) -> list[int]:
    likely = [piece for piece, value in enumerate(row_C) if value > LEAST and piece != blank and pieces[piece]]
    return sorted(likely, key=lambda piece: -row_C[piece])[:MOST]


def _add(found: dict[_Prefix, list[float]], prefix: _Prefix, at: int, value: float) -> None:
    sums = found.setdefault(prefix, [NEVER, NEVER])
    sums[at] = _sum(sums[at], value)


def _sum(one: float, other: float) -> float:
    """log(exp(one) + exp(other))."""
    high, low = (one, other) if one > other else (other, one)
    return high if low == NEVER else high + math.log1p(math.exp(low - high))


def _longer(
    prefix: _Prefix, piece: int, text: str, frame: int, probability: float, language: Language | None
) -> _Prefix | None:
    """The prefix with one more piece; None where the language has no such word."""
    word, history, said = prefix.word, prefix.history, prefix.said
    is_possible = True
    for mark in text:
        if mark != " ":
            word += mark
        elif word:
            if language is not None:
                is_possible = is_possible and language.has(word)
                said += language.score(word, history)
                history = language.kept((*history, word))
            word = ""
    is_possible = is_possible and (language is None or not word or language.begins(word))
    return _Prefix(prefix, piece, frame, probability, word, history, said) if is_possible else None


def _best(beam: dict[_Prefix, tuple[float, float]], language: Language | None) -> _Prefix:
    """The best prefix once its last word is over; where none ends in a whole word, the best as it is."""

    def ended(prefix: _Prefix) -> tuple[bool, float]:
        said = prefix.said
        is_whole = language is None or not prefix.word or language.has(prefix.word)
        if language is not None and prefix.word:
            said += language.score(prefix.word, prefix.history)
        return is_whole, _sum(*beam[prefix]) + said

    return max(beam, key=ended)


def _written(prefix: _Prefix, num_frames: int) -> list[Heard]:
    found: list[Heard] = []
    end, at = num_frames, prefix
    while at.before is not None:
        # how long a letter lasts is not told by its prefix; it is over when the next begins
        found.append(Heard(at.piece, at.first, max(at.first, min(end - 1, at.first + 1)), at.probability))
        end, at = at.first, at.before
    return found[::-1]
