"""Hears commands in beeps: makes recordings, a tone for each letter, learns from nothing, and writes a new one down."""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

import headstart

RATE = 16_000
COMMANDS = ("go", "on", "no", "go on")
TONES = {"g": 400, "o": 900, "n": 1600}


def beeps(text: str, generator: np.random.Generator) -> np.ndarray:
    """A tone for each letter, a pause for a space, at a pace and pitch of its own."""
    pace, pitch = generator.uniform(0.9, 1.1, size=2)
    seconds = np.arange(int(0.12 * pace * RATE)) / RATE
    pause = np.zeros(int(0.06 * pace * RATE))
    parts = [pause]
    for letter in text:
        parts += [0.3 * np.sin(2 * np.pi * pitch * TONES.get(letter, 0) * seconds), pause]
    whole = np.concatenate(parts)
    return (whole + generator.normal(0, 0.003, len(whole))).astype(np.float32)


def recordings(folder: Path, times: int) -> Path:
    """A folder of recordings with a list of what is said in them."""
    generator = np.random.default_rng(0)
    rows = []
    for number, text in enumerate(COMMANDS * times):
        soundfile.write(folder / f"{number}.wav", beeps(text, generator), RATE)
        rows.append({"file_name": f"{number}.wav", "transcription": text})
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file_name", "transcription"])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def main(epochs: str = "60") -> None:
    """Trains a small conformer from fresh weights and listens to a new recording."""
    with tempfile.TemporaryDirectory() as place:
        data, new = Path(place) / "beeps", Path(place) / "new.wav"
        data.mkdir()
        run = headstart.fit(
            recordings(data, times=12),
            out=Path(place) / "run",
            strategy="scratch",
            epochs=int(epochs),
            batch_size=4,
            ema=0.0,
        )
        print(run.scores["verdict"])
        soundfile.write(new, beeps("on", np.random.default_rng(9)), RATE)
        (answer,) = headstart.load(run.folder).predict([str(new)])
    print(f"heard: {answer['text'] or 'nothing'}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
