"""A fit that is interrupted ends in one line: before it learnt without a trace, later with all that it learnt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import families
import headstart
from headstart import folder
from headstart.cli import main
from headstart.errors import Stopped
from headstart.progress import Advance, Event

INTERRUPTED = 130
ENDLESS = ["--strategy", "full", "--epochs", "100000", "--patience", "100000", "--precision", "float32"]


def interrupted(model: Path, place: Path, number: int, *, when: str) -> tuple[list[str], int]:
    """What a fit says, and its exit code, that gets the signal when it has said a line that begins so."""
    rows = families.csv_of(place / "rows.csv", families.reviews(40))
    words = ["fit", str(rows), "--model", f"dir:{model}", "--out", str(place / "runs" / "run"), *ENDLESS]
    command = [sys.executable, "-m", "headstart", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert next(line for line in process.stderr if line.startswith(when))
        process.send_signal(number)
        said = process.stderr.read().splitlines()
    return said, process.returncode


def test_a_fit_interrupted_before_it_learnt_says_so_and_leaves_nothing(family: families.Family, tmp_path: Path) -> None:
    said, code = interrupted(family("bert"), tmp_path, signal.SIGINT, when="data: reading")
    assert (code, said) == (INTERRUPTED, ["interrupted"])
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_fit_interrupted_while_it_learns_saves_and_says_how_to_go_on(family: families.Family, tmp_path: Path) -> None:
    said, code = interrupted(family("bert"), tmp_path, signal.SIGTERM, when="accuracy ")
    assert code == INTERRUPTED
    assert said[-1].startswith("stopped: Stopped as asked at step ")
    assert said[-1].endswith(f"Go on with: headstart fit --resume {tmp_path / 'runs' / 'run'}")
    assert folder.is_resumable(tmp_path / "runs" / "run.partial")
    assert not any("Traceback" in line or "error" in line.lower() for line in said)


def test_an_interrupted_fit_goes_on_to_the_weights_of_one_that_was_not(family: families.Family, tmp_path: Path) -> None:
    rows = families.csv_of(tmp_path / "rows.csv", families.reviews(60))
    settings = {"model": f"dir:{family('bert')}", "strategy": "full", "epochs": 6, "precision": "float32", "lr": 1e-3}
    whole = headstart.fit(rows, out=tmp_path / "whole", **settings)

    def press(event: Event) -> None:
        if isinstance(event, Advance) and event.stage == "train" and event.done == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Stopped):
        headstart.fit(rows, out=tmp_path / "run", listener=press, **settings)
    assert main(["fit", "--resume", str(tmp_path / "run"), "--json"]) == 0

    run = tmp_path / "run"
    for path in (whole.folder / "model").glob("*.safetensors"):
        assert (run / "model" / path.name).read_bytes() == path.read_bytes()
    assert main(["fit", "--resume", str(run)]) == 1
