"""Pieces that were heard, put together into words with their times."""

# T frames

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headstart.contracts import Prediction
from headstart.tasks.speech.beam_search import Heard


@dataclass
class _Word:
    text: str = ""
    first: int = 0
    last: int = 0
    probabilities: list[float] = field(default_factory=list)


def told(heard: Sequence[Heard], pieces: Sequence[str], where_T2: Any, *, silence: float) -> Prediction:
    """The text with its words in seconds, and how sure it is.

    Args:
        heard: The pieces, in order.
        pieces: What each adds to the text.
        where_T2: Seconds that each frame covers.
        silence: How sure it is that nothing was said, for where nothing was heard.

    Returns:
        "text"; "confidence", the geometric mean of the words'; "words", each with "word", "start", "end" and "score",
        the geometric mean of its letters' probabilities.
    """
    words = [_as_told(word, where_T2) for word in _words(heard, pieces)]
    scores = [word["score"] for word in words]
    confidence = float(np.exp(np.mean(np.log(scores)))) if scores else silence
    # models that write capitals write nothing else
    return {"text": " ".join(word["word"] for word in words), "confidence": min(1.0, confidence), "words": words}


def _words(heard: Sequence[Heard], pieces: Sequence[str]) -> list[_Word]:
    words = [_Word()]
    for one in heard:
        for mark in pieces[one.piece]:
            if mark == " ":
                words.append(_Word())
                continue
            word = words[-1]
            word.first = one.first if not word.text else word.first
            word.last = one.last
            word.text += mark
            word.probabilities.append(one.probability)
    return [word for word in words if word.text]


def _as_told(word: _Word, where_T2: Any) -> dict[str, Any]:
    score = float(np.exp(np.mean(np.log(np.maximum(word.probabilities, 1e-12)))))
    return {
        "word": word.text.lower(),
        "start": round(float(where_T2[word.first][0]), 3),
        "end": round(float(where_T2[word.last][1]), 3),
        "score": min(1.0, score),
    }
