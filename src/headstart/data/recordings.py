"""Recordings on disk: what is wrong with one, found before anything depends on it. Files are only ever read.

What is said in them is `transcripts`' business; how they are brought to a model, that of `sounds`.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data.problems import Fault
from headstart.device import cores

LONGEST = 6 * 3600.0
"""Seconds; a longer recording is a mistake, or belongs in several files."""
SHORTEST = 0.025
"""Seconds; less than a speech model's narrowest look."""
QUIET = 1 / 2**15
"""Samples no larger than one step of 16 bits are silence."""
BLOCK = 2**20
"""Frames decoded at a time."""
MOST_LETTERS = 60.0
"""Letters a second that nobody speaks; fast speech has about 25."""

_FORMATS = {
    ".wav": ("WAV", "WAVEX", "RF64"), ".flac": ("FLAC",), ".ogg": ("OGG",), ".oga": ("OGG",), ".opus": ("OGG",),
    ".mp3": ("MP3", "MPEG"), ".aif": ("AIFF",), ".aiff": ("AIFF",),
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What one recording turned out to be; `fault` is None where nothing is wrong, `seconds` where it cannot be
    opened."""

    fault: Fault | None
    seconds: float | None = None
    rate: int | None = None
    channels: int | None = None
    sha256: bytes | None = None


def looks(paths: Sequence[str | Path]) -> Iterator[Look]:
    """A look at each recording, in order; several are decoded at a time."""
    with ThreadPoolExecutor(max_workers=min(8, cores())) as pool:
        yield from pool.map(_look, paths)


def _look(path: str | Path) -> Look:
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        if os.stat(path).st_size == 0:
            return Look(Fault("audio-empty", "the file holds no bytes. Replace it, or remove it."))
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        reason = "there is no such file" if is_missing else f"it cannot be read ({error.strerror or error})"
        return Look(Fault("audio-missing" if is_missing else "audio-unreadable", f"{reason}. Correct the path."))
    return _decoded(path, digest)


def _decoded(path: str | Path, digest: bytes) -> Look:
    import soundfile

    try:
        with soundfile.SoundFile(str(path)) as sound:
            seconds, rate, channels = sound.frames / sound.samplerate, sound.samplerate, sound.channels
            fault = _of_length(seconds, sound.frames) or _cut_short(path) or _of_samples(sound)
            fault = fault or _misnamed(path, sound.format)
    except (soundfile.LibsndfileError, OSError, ValueError) as error:
        said = f"its bytes are no recording that can be read ({_reason(error)}). Give WAV, FLAC, OGG or MP3."
        return Look(Fault("audio-broken", said), sha256=digest)
    return Look(fault, seconds, rate, channels, digest)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "error_string", error)).rstrip(".").partition("\n")[0]


def _of_length(seconds: float, frames: int) -> Fault | None:
    if not frames:
        return Fault("audio-empty", "it holds no samples. Replace it, or remove it.")
    if seconds < SHORTEST:
        said = f"it lasts {seconds * 1000:.1f} ms, and nothing can be said in less than {SHORTEST * 1000:.0f} ms."
        return Fault("audio-too-short", f"{said} Replace it, or remove it.")
    if seconds > LONGEST:
        said = f"it lasts {seconds / 3600:,.1f} hours; at most {LONGEST / 3600:.0f} are read. Cut it into parts."
        return Fault("audio-enormous", said)
    return None


def _of_samples(sound: Any) -> Fault | None:
    """What only every sample tells: that one is no number, that all are silence, that some are missing."""
    peak, frames = 0.0, 0
    while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
        if not np.isfinite(block).all():
            at = (frames + int(np.argmin(np.isfinite(block).all(axis=1)))) / sound.samplerate
            return Fault("audio-not-finite", f"a sample at {at:.3f} s is no finite number. Write the file again.")
        peak, frames = max(peak, float(np.abs(block).max())), frames + len(block)
    if frames < sound.frames:
        return _truncated(sound.frames / sound.samplerate, frames / sound.samplerate)
    if peak <= QUIET:
        return Fault("audio-silent", "every sample of it is zero, or next to it. Replace it, or remove it.")
    return None


def _cut_short(path: str | Path) -> Fault | None:
    """Of a WAV file whether it holds fewer samples than its head promises, which decoders pass over in silence."""
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        a_second = 0
        while len(chunk := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", chunk)
            if name == b"fmt ":
                body = file.read(size + size % 2)
                a_second = struct.unpack("<I", body[8:12])[0] if len(body) >= 12 else 0
                continue
            if name == b"data":
                there = os.fstat(file.fileno()).st_size - file.tell()
                # programs that write to a pipe do not know the size, and write the largest
                is_told = 0 < size < 0x7FFFFFFF
                return _truncated(size / a_second, there / a_second) if is_told and there < size and a_second else None
            file.seek(size + size % 2, os.SEEK_CUR)
    return None


def _truncated(promised: float, there: float) -> Fault:
    said = f"it is cut short: its head promises {promised:.2f} s of sound, and {there:.2f} s are there"
    return Fault("audio-truncated", f"{said}. Copy it again, or remove it.")


def _misnamed(path: str | Path, found: str) -> Fault | None:
    expected = _FORMATS.get(os.path.splitext(path)[1].lower())
    if expected is None or found in expected:
        return None
    said = f"its bytes are {found}, and its name says {expected[0]}. It is read as {found}; rename it."
    return Fault("audio-misnamed", said, "warning")


def rushed(text: str, seconds: float) -> Fault | None:
    """Whether a transcript says more than its recording has time for."""
    letters = len(text.replace(" ", ""))
    if letters <= MOST_LETTERS * seconds:
        return None
    said = f"the transcript has {letters} letters, and the recording lasts {seconds:.2f} s"
    return Fault("transcript-too-long", f"{said}, too short to say that. Give the recording that belongs to it.")


def check_audio(path: str | Path) -> Fault | None:
    """What is wrong with one recording, or None."""
    return next(looks([path])).fault
