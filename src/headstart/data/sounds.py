"""Recordings opened: WAV, FLAC, OGG or MP3 of any rate and number of channels, as mono samples of the rate asked for.

soundfile decodes and soxr resamples; neither needs FFmpeg.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import DataError

Samples = np.ndarray[Any, np.dtype[np.float32]]


EXTENSIONS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff")


def has_sound_name(path: str | Path) -> bool:
    """Whether the file's extension is that of a recording we read."""
    return Path(path).suffix.lower() in EXTENSIONS


def open_sound(item: Any, *, rate: int, start: float = 0.0, stop: float | None = None) -> Samples:
    """The samples of a recording, mono, shape (S,), between -1 and 1.

    Args:
        item: A path, the bytes of a file, or an array of samples that already have the rate, shape (S,) or
            (S, channels).
        rate: Samples a second of what comes out.
        start: Seconds at which to begin; of a file only what is asked for is decoded.
        stop: Seconds at which to end; by default with the recording.

    Raises:
        DataError: The file is not a recording soundfile can read, or it is empty.
    """
    import soundfile
    import soxr

    if not isinstance(item, str | Path | bytes):
        end = None if stop is None else round(stop * rate)
        return _mono(np.asarray(item, dtype=np.float32)[round(start * rate) : end])
    try:
        with soundfile.SoundFile(_source(item)) as file:
            had, first = file.samplerate, round(start * file.samplerate)
            file.seek(min(first, file.frames))
            wanted = -1 if stop is None else max(0, round(stop * had) - first)
            samples = file.read(wanted, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise DataError(_unreadable(item, error)) from error
    if not len(samples):
        raise DataError(f"{_name(item)} holds no samples. Give a recording with sound in it.")
    mono = _mono(samples)
    return mono if had == rate else np.asarray(soxr.resample(mono, had, rate), dtype=np.float32)


def num_samples(item: Any, *, rate: int) -> int:
    """How many samples `open_sound` gives, told from the head of the file.

    Raises:
        DataError: The file is not a recording soundfile can read.
    """
    import soundfile

    if not isinstance(item, str | Path | bytes):
        return len(item)
    try:
        facts = soundfile.info(_source(item))
    except (soundfile.LibsndfileError, OSError) as error:
        raise DataError(_unreadable(item, error)) from error
    return math.ceil(int(facts.frames) * rate / int(facts.samplerate))


def _unreadable(item: str | Path | bytes, error: Exception) -> str:
    return f"{_name(item)} cannot be read as a recording ({error}). Give WAV, FLAC, OGG or MP3."


def _source(item: str | Path | bytes) -> Any:
    return io.BytesIO(item) if isinstance(item, bytes) else str(item)


def _name(item: str | Path | bytes) -> str:
    return "A recording in memory" if isinstance(item, bytes) else f'"{item}"'


def _mono(samples: Samples) -> Samples:
    return samples if samples.ndim == 1 else np.ascontiguousarray(samples.mean(axis=1))
