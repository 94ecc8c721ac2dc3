"""Texts longer than a model reads: which of their tokens are read, in one row or in several windows.

Nothing here knows words: a row is positions, and its special tokens stay where the tokenizer put them.
"""

# L tokens of a whole text, special ones included

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.errors import MismatchError

if TYPE_CHECKING:
    from headstart.contracts import Indices


OVERLAP = 4
"""One token in so many of a window is in the next one too, so that none is read without its surroundings."""


@dataclass(frozen=True)
class Frame:
    """How many special tokens a tokenizer puts before a text and after it."""

    before: int
    after: int

    @staticmethod
    def of(tokenizer: Any) -> Frame:
        """Seen on a short text, for not every tokenizer can tell.

        Raises:
            MismatchError: It changes a text when it puts special tokens around it.
        """
        whole, bare = (tokenizer("a", add_special_tokens=given)["input_ids"] for given in (True, False))
        extra = len(whole) - len(bare)
        for before in range(extra + 1):
            if whole[before : before + len(bare)] == bare:
                return Frame(before, extra - before)
        raise MismatchError("This tokenizer changes a text when it puts special tokens around it. Use --long cut.")


def kept(length: int, limit: int, frame: Frame, long: str) -> list[Indices]:
    """The positions that are read of a text longer than the limit, one array for each window.

    Args:
        length: L.
        limit: Most tokens of a row, above the special ones.
        frame: The special tokens, which every row keeps.
        long: "head-tail" keeps the first and the last tokens, half and half (an odd one goes to the first); "chunks"
            all, in as few windows as will do, of equal length but for one token: a short last window would count as
            much as the others; "windows" all, in full windows of which neighbours share a quarter or more.
    """
    first, last = np.arange(frame.before), np.arange(length - frame.after, length)
    body = np.arange(frame.before, length - frame.after)
    room = limit - frame.before - frame.after
    if long == "head-tail":
        half = room // 2
        pieces = [np.concatenate([body[: room - half], body[len(body) - half :]])]
    elif long == "windows":
        num = -(-(len(body) - room) // (room - room // OVERLAP)) + 1
        starts = [(len(body) - room) * number // (num - 1) for number in range(num)]
        pieces = [body[start : start + room] for start in starts]
    else:
        num = -(-len(body) // room)
        ends = [len(body) * number // num for number in range(num + 1)]
        pieces = [body[start:end] for start, end in pairwise(ends)]
    return [np.concatenate([first, piece, last]) for piece in pieces]
