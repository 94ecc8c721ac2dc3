"""Recordings that need no microphone: each letter a tone of its own, a space a pause, and ways to spoil a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 16_000
LETTER, GAP = 0.12, 0.06
"""Seconds of a letter's tone and of the silence behind it."""


def samples(text: str, *, rate: int = RATE, seed: int = 0) -> Any:
    """The text in tones over a little noise, shape (S,), float32."""
    parts = [np.zeros(int(GAP * rate))]
    for mark in text:
        at = np.arange(int(LETTER * rate)) / rate
        tone = np.zeros_like(at) if mark == " " else 0.3 * np.sin(2 * np.pi * (300 + 170 * (ord(mark) - 97)) * at)
        parts += [tone, np.zeros(int(GAP * rate))]
    whole = np.concatenate(parts)
    return (whole + np.random.default_rng(seed).normal(0, 0.003, len(whole))).astype(np.float32)


def write(path: Path, text: str, *, rate: int = RATE, channels: int = 1, seed: int = 0) -> Path:
    """A file with the text in tones, in the format its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = samples(text, rate=rate, seed=seed)
    soundfile.write(path, np.stack([made] * channels, axis=1) if channels > 1 else made, rate)
    return path


def listed(folder: Path, texts: list[str], *, name: str = "metadata.csv") -> Path:
    """A folder of recordings with a list of what is said in them."""
    lines = ["file_name,transcription"]
    for number, text in enumerate(texts):
        write(folder / "clips" / f"{number}.wav", text, seed=number)
        lines.append(f"clips/{number}.wav,{text}")
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder
