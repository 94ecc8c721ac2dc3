"""How an answer is judged against those that were given: exact match and F1 over words, as SQuAD defines them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Lower case, without ASCII punctuation, without English articles, one space between words.

    Source: Rajpurkar et al., EMNLP 2016, section 6.1, in the order of the published evaluation: case, punctuation,
        articles, spaces. Punctuation of other scripts stays, as there.

    Example:
        >>> normalised("The  Doppler-effect.")
        'dopplereffect'
    """
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def exact_match(given: str, golds: Sequence[str]) -> float:
    """1 where the answer is one of those that count as right, otherwise 0.

    Args:
        given: The answer, "" for none.
        golds: What counts as right; empty where the question has no answer.
    """
    return float(any(normalised(given) == normalised(gold) for gold in _counting(golds)))


def f1(given: str, golds: Sequence[str]) -> float:
    """The F1 of the words of the answer and of the gold answer most like it, in [0, 1].

    Args:
        given: The answer, "" for none.
        golds: As for `exact_match`.

    Source: As for `normalised`; where there is no word on one side, as SQuAD 2.0 has it (Rajpurkar et al., ACL 2018):
        1 if there is none on either.
    """
    return max(_overlap(normalised(given).split(), normalised(gold).split()) for gold in _counting(golds))


def _counting(golds: Sequence[str]) -> Sequence[str]:
    """A gold answer of articles and punctuation alone counts for nothing; where none is left, silence is right."""
    return [gold for gold in golds if normalised(gold)] or [""]


def _overlap(given: list[str], gold: list[str]) -> float:
    if not given or not gold:
        return float(given == gold)
    shared = sum((Counter(given) & Counter(gold)).values())
    return 2 * shared / (len(given) + len(gold))
