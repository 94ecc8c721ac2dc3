"""The memory that predict takes for a recording of 30 minutes, with a small conformer that learnt next to nothing.

Usage: python bench/long_recording.py [MINUTES]
Prints seconds and the peak of resident memory of the process that predicts.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 16_000
WORDS = ("low", "high")
PREDICT = """
import json, resource, sys, time
from headstart import model
fitted = model.load(sys.argv[1])
start = time.perf_counter()
(answer,) = fitted.predict([sys.argv[2]])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": time.perf_counter() - start, "peak_mib": peak, "words": len(answer["words"])}))
"""


def hum(seconds: float, pitch: float, seed: int) -> Any:
    """A tone with a little noise, as samples."""
    times = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(0, 0.01, len(times))
    return (0.3 * np.sin(2 * np.pi * pitch * times) + noise).astype(np.float32)


def learnt(folder: Path) -> Path:
    """A run on forty short recordings, one epoch."""
    data = folder / "data"
    data.mkdir()
    with (data / "metadata.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file_name", "transcription"])
        for number in range(40):
            soundfile.write(data / f"{number}.wav", hum(0.6, 220 * (1 + number % 2) + number, number), RATE)
            rows.writerow([f"{number}.wav", WORDS[number % 2]])
    command = ["fit", str(data), "--strategy", "scratch", "--model", "starter:small-conformer", "--epochs", "1"]
    command += ["--offline", "--out", str(folder / "run")]
    subprocess.run([sys.executable, "-m", "headstart", *command], check=True, stdout=subprocess.DEVNULL)
    return folder / "run"


def main() -> None:
    """Measures once."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    with tempfile.TemporaryDirectory() as place:
        run, recording = learnt(Path(place)), Path(place) / "long.wav"
        soundfile.write(recording, hum(60 * minutes, 330, 0), RATE)
        done = subprocess.run(
            [sys.executable, "-c", PREDICT, str(run), str(recording)], check=True, capture_output=True, text=True
        )
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{minutes:g} minutes: {found['seconds']:.0f} s, {found['peak_mib']:,.0f} MiB at most")


if __name__ == "__main__":
    main()
