"""How a training recording sounds in an epoch: faster or slower, in noise, with parts of its spectrum or time hidden.

A view is a function of the seed, the epoch and the row alone, as those of pictures are in `views`.
"""

# S samples, T frames of a spectrum, F its bands

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from headstart import windows
from headstart.contracts import Encoded, Rows
from headstart.errors import DataError, MismatchError
from headstart.settings import SOUND_VIEWS

WINDOW = 30
"""Seconds that are read at once where nobody says how many."""
SHOWN = 5
"""Rows that a message names."""
SPEED = 0.1
"""Speed, and with it the pitch, changes by a factor of up to 1 ± this, as in Ko et al., Interspeech 2015."""
LOUDEST, QUIETEST = 10.0, 30.0
"""Decibels that the speech is above the noise."""
BANDS, TIMES = 0.2, 0.15
"""Largest share of bands and of frames that one mask hides."""
MASKS = 2
"""Masks of bands, and of frames: a second one only where there are frames enough."""
LONG = 100
"""Frames from which there are enough."""


def verify(rows: Rows, encoded: Encoded, seconds: int) -> None:
    """Makes sure that every training recording is read at once, because where in it its words lie is not known.

    Raises:
        DataError: Some are longer, and would be read in windows.
    """
    of = windows.owners(encoded)
    long = np.flatnonzero(np.bincount(of, minlength=len(rows)) > 1)
    if len(long):
        some = rows.take(long)
        where = [f"{file}, row {row}" for file, row in zip(some.column("file"), some.column("row"), strict=True)]
        more = f" and {len(long) - SHOWN:,} more" if len(long) > SHOWN else ""
        raise DataError(
            f"{'; '.join(where[:SHOWN])}{more}: longer than the {seconds} seconds that are read at once, and where "
            f"in it its words are said is not known. Cut it at pauses, or raise --max-length."
        )


def changed(encoded: Any, names: Sequence[str], *, seed: int, epoch: int) -> Any:
    """The rows, each as it sounds in that epoch.

    Args:
        encoded: Recordings.
        names: Of `SOUND_VIEWS`.
        seed: Of the run.
        epoch: From 1.

    Raises:
        MismatchError: The source cannot change recordings before they are read.
    """
    change: Callable[..., Any] | None = getattr(encoded, "changed", None)
    if change is None:
        raise MismatchError("This model's source does not open recordings itself. Use --augment none.")

    def samples(row: int, sound_S: Any) -> Any:
        return of_samples(sound_S, names, (seed, epoch, row))

    # of models that read samples as they are the spectrum is their own, and stays whole
    def spectrum(row: int, frames_TF: Any) -> Any:
        return masked(frames_TF, _generator((seed, epoch, row), "mask")) if "mask" in names else frames_TF

    return change(samples=samples, spectrum=spectrum)


def _generator(place: tuple[int, int, int], name: str) -> np.random.Generator:
    """One of its own for each change, so that none changes the others."""
    return np.random.default_rng((*place, SOUND_VIEWS.index(name)))


def of_samples(sound_S: Any, names: Sequence[str], place: tuple[int, int, int]) -> Any:
    """The samples as they are at a place, which is seed, epoch and row: at another speed, in noise.

    Args:
        sound_S: Not modified.
        names: Of `SOUND_VIEWS`; "mask" is for spectra, see `masked`.
        place: Where to listen.
    """
    if "speed" in names:
        sound_S = faster(sound_S, float(_generator(place, "speed").uniform(1 - SPEED, 1 + SPEED)))
    if "noise" in names:
        sound_S = noisy(sound_S, _generator(place, "noise"))
    return sound_S


def faster(sound_S: Any, factor: float) -> Any:
    """The same at another speed: shorter and higher with a factor above 1."""
    at = np.arange(0, len(sound_S) - 1, factor)
    return np.interp(at, np.arange(len(sound_S)), sound_S).astype(np.float32)


def noisy(sound_S: Any, generator: np.random.Generator) -> Any:
    """The same with white noise, between 10 and 30 decibels quieter than the speech is on average."""
    power = float(np.mean(np.square(sound_S))) / 10 ** (generator.uniform(LOUDEST, QUIETEST) / 10)
    return (sound_S + generator.normal(0, np.sqrt(power), len(sound_S))).astype(np.float32)


def masked(frames_TF: Any, generator: np.random.Generator) -> Any:
    """The spectrum with bands and spans of time set to its mean; a torch tensor, which is not modified.

    Source: Park et al., "SpecAugment", Interspeech 2019, section 2, without the warping of time.
    """
    found, mean = frames_TF.clone(), float(frames_TF.mean())
    num_frames, num_bands = frames_TF.shape
    for _ in range(MASKS if num_frames >= LONG else 1):
        first, end = _span(num_bands, BANDS, generator)
        found[:, first:end] = mean
        first, end = _span(num_frames, TIMES, generator)
        found[first:end] = mean
    return found


def _span(length: int, share: float, generator: np.random.Generator) -> tuple[int, int]:
    """A stretch of at most that share of a length, anywhere in it."""
    wide = int(generator.integers(0, int(share * length) + 1))
    first = int(generator.integers(0, length - wide + 1))
    return first, first + wide
