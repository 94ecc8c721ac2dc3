"""What is said in a recording, as rows hold it, and the plain form in which what was written is compared with it.

How well a transcript is met is judged by a task; here words are only put side by side.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from headstart.data.part import MISSING
from headstart.data.problems import Fault, short
from headstart.data.truths.words import is_spaceless

APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'"})
"""Signs that typesetting and keyboards write for an apostrophe."""


def cleaned(value: Any) -> str | Fault:
    """A transcript as it is written, or what is wrong with it.

    Args:
        value: A text. A number counts as written: of "7" nobody knows how it was said, but it is a text.
    """
    if value is MISSING or value is None or (isinstance(value, float) and value != value):
        said = "missing" if value is MISSING else "empty"
        return Fault("empty-transcript", f"the transcript is {said}. Write down what is said, or remove the row.")
    plain_value = value.item() if hasattr(value, "item") else value
    if isinstance(plain_value, bool) or not isinstance(plain_value, str | int | float):
        kind = type(plain_value).__name__
        return Fault("not-a-transcript", f'"{short(plain_value)}" is of type {kind}, and a text was expected.')
    text = str(plain_value)
    if not text.strip():
        return Fault("empty-transcript", "the transcript is empty. Write down what is said, or remove the row.")
    if not plain(text):
        said = f'the transcript "{short(text)}" holds no letter and no digit. Write down what is said.'
        return Fault("empty-transcript", said)
    return text


def plain(text: str) -> str:
    """The text as transcripts are compared: compatible characters unified (Unicode NFKC), in lower case, every mark and
    symbol a space but an apostrophe within a word, words parted by single spaces.

    Example:
        >>> plain("Don’t stop — it's 5 o'clock!")
        "don't stop it's 5 o'clock"
    """
    unified = unicodedata.normalize("NFKC", text.translate(APOSTROPHES)).lower()
    kept = [
        mark if _is_said(mark) or (mark == "'" and _is_within(unified, at)) else " " for at, mark in enumerate(unified)
    ]
    return " ".join("".join(kept).split())


def _is_said(mark: str) -> bool:
    """Whether a character is a letter, a digit or a mark that belongs to a letter."""
    return unicodedata.category(mark)[0] in "LNM"


def _is_within(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and _is_said(text[at - 1]) and _is_said(text[at + 1])


def words_of(text: str) -> list[str]:
    """The words of a transcript in its plain form."""
    return "".join(f" {mark} " if is_spaceless(mark) else mark for mark in plain(text)).split()


def aligned(truth: str, said: str) -> list[tuple[str, str]]:
    """The words of both side by side, "" for one that the other has not."""
    import jiwer

    real, heard = words_of(truth), words_of(said)
    if not real:
        return [("", word) for word in heard]
    pairs = []
    for chunk in jiwer.process_words(" ".join(real), " ".join(heard)).alignments[0]:
        ones, others = real[chunk.ref_start_idx : chunk.ref_end_idx], heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
        length = max(len(ones), len(others))
        pairs += list(
            zip([*ones, *[""] * (length - len(ones))], [*others, *[""] * (length - len(others))], strict=True)
        )
    return pairs
