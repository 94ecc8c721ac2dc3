"""Where words begin and end in a text, in any script; and words put together into a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

_SPACELESS = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u2e80-\u312f\u31f0-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # radicals, punctuation, kana, ideographs
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"  # further kana and ideographs
)
_IS_SPACELESS = re.compile(f"[{_SPACELESS}\uff00-\uffef]")
"""Characters of scripts that are written without spaces, with the full-width forms that stand among them."""


def is_spaceless(character: str) -> bool:
    """Whether words in the script of this character are written without spaces between them."""
    return _IS_SPACELESS.match(character) is not None


@cache
def _kind(character: str) -> str:
    """ "word" for what words are made of, " " for spaces, "one" for what stands alone: signs, and spaceless scripts."""
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category[0] == "M":
        return "mark"  # stays with whatever it modifies
    return "one" if category[0] in "PS" or is_spaceless(character) else "word"


def words(text: str) -> list[tuple[int, int]]:
    """The words as characters [start, end), in order: runs of letters, marks and digits; every other sign is one.

    In scripts without spaces each character counts as a word, because only a model could tell where they end.
    """
    found: list[list[int]] = []
    before = " "
    for at, character in enumerate(text):
        kind = _kind(character)
        if kind == "mark" and before != " ":
            found[-1][1] = at + 1
            continue
        if kind == "word" and before == "word":
            found[-1][1] = at + 1
        elif kind != " ":
            found.append([at, at + 1])
        before = "word" if kind == "mark" else kind
    return [(start, end) for start, end in found]


def joined(given: Sequence[str], breaks: frozenset[int] = frozenset()) -> tuple[str, list[tuple[int, int]]]:
    """The text that words make, and where each of them is in it.

    Args:
        given: The words, in order.
        breaks: Numbers of words that an entity begins or ends before. There a space is put between letters that would
            otherwise run together, as in Chinese text with single Latin letters.

    Returns:
        Words with a space between them, but for scripts that are written without.
    """
    spaceless = [is_spaceless(word[-1]) or is_spaceless(word[0]) for word in given]
    # single letters and digits tell nothing: they may be pieces of a word in a text given sign by sign
    spaced = sum(len(word) > 1 and not bare for word, bare in zip(given, spaceless, strict=True))
    is_bare = sum(spaceless) > 0 and sum(spaceless) >= spaced
    text, places = "", []
    for number, word in enumerate(given):
        if number and _is_parted(given[number - 1], word, is_bare, is_break=number in breaks):
            text += " "
        places.append((len(text), len(text) + len(word)))
        text += word
    return text, places


def _is_parted(before: str, after: str, is_bare: bool, *, is_break: bool) -> bool:
    if is_spaceless(before[-1]) or is_spaceless(after[0]):
        return not is_bare and not (is_spaceless(before[-1]) and is_spaceless(after[0]))
    # a text given character by character has its Latin words and numbers in pieces too
    return is_break or not (is_bare and len(before) == len(after) == 1)
