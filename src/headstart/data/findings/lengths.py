"""What token counts say about texts and a model: how many are cut, and whether the tokenizer knows the language.

Counting tokens needs a tokenizer and is the caller's; here the counts become figures and warnings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headstart.contracts import Problem
from headstart.settings import PAIRED

MAX_CUT = 0.05
"""Share of texts cut short from which it is warned of."""

MAX_TOKENS_PER_WORD = 2.5
"""English on an English tokenizer takes about 1.3; beyond this, words arrive in shreds."""

MAX_UNKNOWN = 0.01
"""Share of tokens unknown to the tokenizer from which it is warned of."""

Counts = Sequence[int] | npt.NDArray[np.int64]


def token_facts(
    lengths: Counts, *, limit: int, words: Counts, unknown: Counts, long: str
) -> tuple[dict[str, int | float | str], list[Problem]]:
    """Figures by slug, and warnings.

    Args:
        lengths: Tokens of each text, uncut, with those the model adds.
        limit: Tokens the model reads.
        words: Words of each text, split at spaces.
        unknown: Tokens of each text that the tokenizer had no name for.
        long: What is read of texts longer than the limit: "head-tail", "cut" or "chunks"; "longest-first" of pairs.
    """
    if len(lengths) == 0:
        return {}, []
    tokens = np.asarray(lengths)
    lost = np.zeros_like(tokens) if long == "chunks" else (tokens - limit).clip(min=0)
    per_word = float(tokens.sum() / max(1, np.asarray(words).sum()))
    unknown_rate = float(np.asarray(unknown).sum() / max(1, tokens.sum()))
    facts: dict[str, int | float | str] = {
        "tokens.median": float(np.median(tokens)),
        "tokens.max": int(tokens.max()),
        "tokens.limit": limit,
        "tokens.cut": int((lost > 0).sum()),
        "tokens.lost": int(lost.sum()),
        "tokens.per.word": per_word,
        "tokens.unknown": unknown_rate,
    }
    found = _of_cut(int((lost > 0).sum()), len(tokens), limit, long)
    return facts, found + _of_words(per_word=per_word, unknown_rate=unknown_rate)


def _of_cut(num_cut: int, num_rows: int, limit: int, long: str) -> list[Problem]:
    if num_cut <= MAX_CUT * num_rows:
        return []
    part = "middle" if long == "head-tail" else "end"
    in_parts = "" if long == PAIRED else ", or read all of them in parts with --long chunks"
    said = (
        f"{num_cut:,} of {num_rows:,} texts are longer than the {limit} tokens that are read, and lose their {part}. "
        f"Raise --max-length if the model allows it{in_parts}."
    )
    return [Problem("warning", "texts-cut", said)]


def _of_words(*, per_word: float, unknown_rate: float) -> list[Problem]:
    found = []
    if per_word > MAX_TOKENS_PER_WORD:
        said = (
            f"A word takes {per_word:.1f} tokens on average (1.3 is usual for English on an English model). "
            "The model may not know this language; choose a multilingual one."
        )
        found.append(Problem("warning", "words-in-shreds", said))
    if unknown_rate > MAX_UNKNOWN:
        said = f"{unknown_rate:.1%} of the tokens are unknown to the model. Choose one that knows this script."
        found.append(Problem("warning", "unknown-tokens", said))
    return found
