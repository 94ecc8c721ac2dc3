"""How transcripts are judged: word and character error rates, as jiwer counts them, with intervals.

Both sides are compared in their plain form, see `data.transcripts.plain`: lower case, no punctuation. In scripts
without spaces between words each character counts as a word.
"""

# N rows

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart import score
from headstart.data.truths.transcripts import aligned as aligned
from headstart.data.truths.transcripts import plain
from headstart.data.truths.transcripts import words_of as words_of

METHOD = "percentile bootstrap over rows"
KINDS = ("substitutions", "deletions", "insertions")


def characters_of(text: str) -> list[str]:
    """Its characters, a single space between words being one."""
    return list(plain(text))


def errors(truth: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> Any:
    """Substitutions, deletions and insertions of each row, and the length of its truth, shape (N, 4).

    Args:
        truth: Words or characters of each row.
        said: The same of what was heard.

    Source: the alignment of fewest errors, by jiwer, `process_words`.
    """
    import jiwer

    found = np.zeros((len(truth), 4), dtype=np.int64)
    found[:, 3] = [len(row) for row in truth]
    # jiwer splits at spaces and refuses a truth without words, which stands for itself here
    rows = [row for row, real in enumerate(truth) if real]
    found[:, 2] = [0 if real else len(heard) for real, heard in zip(truth, said, strict=True)]
    if rows:
        codes: dict[str, str] = {}
        sides = [[_coded(side[row], codes) for row in rows] for side in (truth, said)]
        for row, chunks in zip(rows, jiwer.process_words(*sides).alignments, strict=True):
            for chunk in chunks:
                found[row] += _of_chunk(chunk)
    return found


def _coded(words: Sequence[str], codes: dict[str, str]) -> str:
    """The words as numbers, for a space is a character too."""
    return " ".join(codes.setdefault(word, str(len(codes))) for word in words)


def _of_chunk(chunk: Any) -> Any:
    real, heard = chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx
    kinds = {"substitute": (real, 0, 0, 0), "delete": (0, real, 0, 0), "insert": (0, 0, heard, 0)}
    return np.array(kinds.get(chunk.type, (0, 0, 0, 0)))


def figure(counts: Any) -> float:
    """Word accuracy of rows together: 1 less their word error rate; below 0 where more is wrong than was said."""
    rows_N4 = np.asarray(counts, dtype=np.float64).reshape(-1, 4)
    return 1 - _rate(rows_N4[:, :2].sum(axis=0))


def _rate(totals: Any) -> float:
    """Errors by the length of the truth."""
    return float(totals[0] / max(1.0, totals[1]))


def metrics(truth: Sequence[str], said: Sequence[str]) -> dict[str, Any]:
    """All figures of transcripts on one split, and of each row its errors and length in words and in characters."""
    words, characters = (errors(list(map(split, truth)), list(map(split, said))) for split in (words_of, characters_of))
    counts_N4 = np.stack(
        [words[:, :3].sum(axis=1), words[:, 3], characters[:, :3].sum(axis=1), characters[:, 3]], axis=1
    ).astype(np.float64)
    return {
        "metrics": {
            "word_accuracy": _measured(lambda rows: figure(counts_N4[rows]), len(truth)),
            "wer": _measured(lambda rows: _rate(counts_N4[rows, :2].sum(axis=0)), len(truth)),
            "cer": _measured(lambda rows: _rate(counts_N4[rows, 2:].sum(axis=0)), len(truth)),
        },
        "errors": {
            "words": {
                **dict(zip(KINDS, words[:, :3].sum(axis=0).tolist(), strict=True)),
                "said": int(words[:, 3].sum()),
            },
            "commonest": _commonest(truth, said),
        },
        "counts": counts_N4.tolist(),
    }


def _measured(statistic: Any, num_rows: int) -> dict[str, Any]:
    low, high = score.bootstrap(statistic, num_rows, seed=0)
    return {"value": statistic(np.arange(num_rows)), "low": low, "high": high, "method": METHOD}


def _commonest(truth: Sequence[str], said: Sequence[str], most: int = 10) -> list[list[Any]]:
    """The words that were most often taken for others: what was said, what was heard, and how often."""
    from collections import Counter

    found = Counter[tuple[str, str]]()
    for real, heard in zip(truth, said, strict=True):
        for one, other in aligned(real, heard):
            if one != other:
                found[one, other] += 1
    return [[*pair, count] for pair, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:most]]
