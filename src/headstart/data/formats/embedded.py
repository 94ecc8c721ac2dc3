"""Recordings that come inside a table, as bytes or as samples, kept as files that everything after can open."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headstart.cache import cache_root
from headstart.data.problems import Fault

RATE = "sampling_rate"


def is_embedded(value: Any) -> bool:
    """Whether a value is a recording in the form of the `datasets` library: bytes or samples, and perhaps a path."""
    return isinstance(value, Mapping) and ("bytes" in value or "array" in value or "path" in value)


def file_of(value: Mapping[str, Any]) -> str | Fault:
    """The path of a recording: the one it comes with, or that of a file in the cache, named by its content.

    Args:
        value: {"path": …}, {"bytes": …, "path": …} or {"array": …, "sampling_rate": …}.
    """
    content = value.get("bytes")
    if isinstance(content, bytes):
        return str(_kept(content, Path(str(value.get("path") or "sound.wav")).suffix))
    if value.get("array") is not None:
        return _of_samples(value["array"], value.get(RATE))
    path = value.get("path")
    if isinstance(path, str) and path:
        return path
    return Fault("empty-audio", "the recording has neither bytes nor samples nor a path. Give one of them.")


def _of_samples(array: Any, rate: Any) -> str | Fault:
    import soundfile

    samples = np.asarray(array)
    if samples.dtype.kind not in "fiu" or samples.ndim not in (1, 2) or not samples.size:
        said = f"samples of shape {samples.shape} and type {samples.dtype} are no recording"
        return Fault("not-audio", f"{said}. Give numbers, of shape (samples,) or (samples, channels).")
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.integer) or not rate > 0:
        return Fault("no-rate", f'its samples come with "{RATE}" {rate}. Give how many there are in a second.')
    samples = samples.T if samples.ndim == 2 and samples.shape[0] < samples.shape[1] else samples
    digest = hashlib.sha256(f"{samples.shape}{samples.dtype}{rate}".encode() + np.ascontiguousarray(samples).tobytes())
    path = _place(digest.hexdigest(), ".wav")
    if not path.exists():
        unfinished = path.with_name(path.name + ".partial")
        kind = "FLOAT" if np.issubdtype(samples.dtype, np.floating) else "PCM_16"
        soundfile.write(unfinished, samples, int(rate), format="WAV", subtype=kind)
        unfinished.replace(path)
    return str(path)


def _kept(content: bytes, suffix: str) -> Path:
    path = _place(hashlib.sha256(content).hexdigest(), suffix)
    if not path.exists():
        unfinished = path.with_name(path.name + ".partial")
        unfinished.write_bytes(content)
        unfinished.replace(path)
    return path


def _place(digest: str, suffix: str) -> Path:
    folder = cache_root() / "sounds"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / (digest + suffix)
