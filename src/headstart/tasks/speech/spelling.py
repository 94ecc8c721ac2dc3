"""Which letters, or pieces of words, a model writes, and how a transcript is spelled in them.

How outputs become a text is `beam_search`'s business; a vocabulary that a checkpoint brings is told by its backbone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from headstart.contracts import Speller
from headstart.data.truths.transcripts import plain

BLANK, UNKNOWN, SPACE = "<pad>", "<unk>", "|"
"""The names that CTC vocabularies of transformers have for no letter, an unknown one, and the end of a word."""
WORD_STARTS = "▁"
"""With which pieces of SentencePiece begin a word."""


@dataclass(frozen=True)
class Spelling:
    """The outputs of a CTC model.

    `names` are their names in the vocabulary, `blank` which of them says that there is no letter. `is_kept` tells a
    vocabulary that came with the checkpoint from one built from the training transcripts; pieces of words of a kept one
    are put together by its own `speller`.
    """

    names: tuple[str, ...]
    blank: int = 0
    is_kept: bool = False
    speller: Speller | None = field(default=None, compare=False, repr=False)

    @staticmethod
    def built(texts: Iterable[str]) -> Spelling:
        """One output for each character of the plain texts."""
        return Spelling((BLANK, UNKNOWN, SPACE, *sorted(set("".join(texts)) - {" "})))

    @staticmethod
    def kept(speller: Speller) -> Spelling:
        """The vocabulary that a checkpoint has."""
        assert speller.blank is not None, "only of CTC models vocabularies are kept"
        return Spelling(tuple(speller.names), speller.blank, is_kept=True, speller=speller)

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """What each output adds to the text: a letter, a space, a piece of a word; "" for what is not written."""
        return tuple("" if at == self.blank else _piece(name) for at, name in enumerate(self.names))

    @cached_property
    def is_upper(self) -> bool:
        """Whether it knows capitals alone."""
        letters = "".join(self.pieces)
        return letters.upper() == letters and letters.lower() != letters

    def ids(self, text: str) -> list[int] | None:
        """The outputs that spell a transcript; None where a letter of it is not among them."""
        said = plain(text)
        said = said.upper() if self.is_upper else said
        if self.is_in_letters:
            found = [self._of_letter.get(letter) for letter in said]
            return None if None in found else [number for number in found if number is not None]
        assert self.speller is not None, "a vocabulary of pieces is kept with what puts them together"
        ids = list(self.speller.ids(said))
        return None if self.speller.unknown in ids else ids

    def missing(self, texts: Sequence[str]) -> str:
        """The letters of transcripts that it does not know, or the first word of which that is so; "" for none."""
        if self.is_in_letters:
            letters = {mark for text in texts for mark in (plain(text).upper() if self.is_upper else plain(text))}
            return "".join(sorted(letters - set(self._of_letter)))
        words = sorted({word for text in texts for word in plain(text).split()})
        return next((word for word in words if self.ids(word) is None), "")

    @cached_property
    def is_in_letters(self) -> bool:
        """Whether every piece is one character."""
        return all(len(piece) <= 1 for piece in self.pieces)

    @cached_property
    def _of_letter(self) -> dict[str, int]:
        return {piece: number for number, piece in reversed(list(enumerate(self.pieces))) if piece}


def _piece(name: str) -> str:
    if name == SPACE:
        return " "
    is_special = name.startswith(("<", "[")) and name.endswith((">", "]")) and len(name) > 2
    return "" if is_special else name.replace(WORD_STARTS, " ")
