"""A fit that is interrupted, by Ctrl-C or by a polite kill, ends in one line and takes what it began with it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import families

INTERRUPTED = 130
ENDLESS = ["--strategy", "full", "--epochs", "100000", "--patience", "100000", "--precision", "float32"]
MOMENTS = {
    "Ctrl-C while libraries load": (signal.SIGINT, "data: reading"),
    "Ctrl-C while it trains": (signal.SIGINT, "accuracy "),
    "a polite kill while it trains": (signal.SIGTERM, "accuracy "),
}


@pytest.mark.parametrize(("number", "awaited"), MOMENTS.values(), ids=MOMENTS.keys())
def test_an_interrupted_fit_says_so_and_leaves_nothing(
    number: int, awaited: str, family: families.Family, tmp_path: Path
) -> None:
    rows, out = families.csv_of(tmp_path / "rows.csv", families.reviews(40)), tmp_path / "runs" / "run"
    words = ["fit", str(rows), "--model", f"dir:{family('bert')}", "--out", str(out), *ENDLESS]
    command = [sys.executable, "-m", "headstart", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert next(line for line in process.stderr if line.startswith(awaited))
        process.send_signal(number)
        *progress, last = process.stderr.read().splitlines()
    assert (process.returncode, last) == (INTERRUPTED, "interrupted")
    assert not any("Traceback" in line or "error" in line.lower() for line in progress)
    assert list(out.parent.iterdir()) == []
