"""Where a long recording may be cut so that no word is: in the quietest moment before there is no more room."""

# S samples, P pieces of ten milliseconds

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.data.sounds import open_sound

SEARCHED = 3
"""One second in so many of a window, the last ones, is searched for a pause."""
PIECE = 100
"""Loudness is measured so many times a second."""
PAUSE = 30
"""Pieces of a pause: words are parted by less, sentences by more."""


def windows(item: Any, total: int, room: int, *, rate: int) -> list[tuple[int, int]]:
    """First sample and end of each window of a recording; each begins where the one before it ends.

    Args:
        item: A file, the bytes of a file, or an array of samples at the rate.
        total: Samples of the recording.
        room: Samples of a window.
        rate: Samples a second.
    """
    ends: list[int] = []
    while total - (start := ends[-1] if ends else 0) > room:
        searched = start + room - room // SEARCHED
        sound_S = open_sound(item, rate=rate, start=searched / rate, stop=(start + room) / rate)
        ends.append(searched + min(quietest(sound_S, rate=rate), room // SEARCHED))
    return list(zip([0, *ends], [*ends, total], strict=True))


def quietest(sound_S: Any, *, rate: int) -> int:
    """The middle of the quietest third of a second, as a number of samples; of several alike the last."""
    piece = max(1, rate // PIECE)
    num = max(1, len(sound_S) // piece)
    loud_P = np.square(sound_S[: num * piece].reshape(num, -1).astype(np.float64)).mean(axis=1)
    wide = min(PAUSE, num)
    sums = np.convolve(loud_P, np.ones(wide), mode="valid")
    at = len(sums) - 1 - int(np.argmin(sums[::-1]))
    return max(1, (2 * at + wide) * piece // 2)
