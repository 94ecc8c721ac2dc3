"""A fit that is killed at any moment leaves nothing that loads wrongly, and what it saved the next one goes on from."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import families
from headstart import folder, model
from headstart.errors import HeadstartError
from headstart.report import finished

SCRIPT = Path(__file__).with_name("killed_fits.py")
KILLED = -9
TEXTS = [text for text, _ in families.reviews(20, seed=1)]


class Attempt(NamedTuple):
    """One killed fit: where it worked, how it ended, and how the same fit ended that came after it."""

    place: Path
    killed: int
    again: int

    @property
    def left(self) -> Path:
        """What the kill left, as it was before the next fit."""
        return self.place / "left"

    @property
    def whole(self) -> Path:
        """The run of the same fit, never disturbed."""
        return self.place.parent / "whole" / "run"


@pytest.fixture
def attempts(family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> list[Attempt]:
    """Every killed fit."""
    root = tmp_path_factory.mktemp("killed")
    rows = families.csv_of(root / "rows.csv", families.reviews(60))
    command = [sys.executable, "-W", "error", str(SCRIPT), str(rows), str(family("bert")), str(root / "fits")]
    # copies of a process whose threads have worked would wait for threads that they do not have
    subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)
    told = json.loads((root / "fits" / "attempts.json").read_text())
    return [Attempt(Path(one["place"]), one["killed"], one["again"]) for one in told]


@functools.cache
def answers(place: Path) -> Any:
    return model.load(place).predict_proba(TEXTS)


def weights(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run / "model").glob("*.safetensors")}


def state(attempt: Attempt) -> tuple[str, ...]:
    """Where a killed fit was: the stage it was in, and what of the model folder was there."""
    partial = attempt.left / "run.partial"
    events = partial / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True) if events.exists() else []
    # the last line may have been cut
    told = [json.loads(line) for line in lines if line.endswith("\n")]
    stages = [event["name"] for event in told if event["event"] == "stage"]
    return (*stages[-1:], *sorted(path.name for path in partial.glob("model/*")))


# --------------------------------------------------------------------------------------------------------- checks


def a_run_that_is_there_is_finished(attempt: Attempt) -> None:
    run = attempt.left / "run"
    if run.exists():
        assert finished.read(run).scores["rows"] == 12
        assert all(json.loads(path.read_text()) for path in run.rglob("*.json"))
        assert np.array_equal(answers(run), answers(attempt.whole))


def an_unfinished_folder_is_refused_or_answers_as_the_undisturbed_run(attempt: Attempt) -> None:
    for place in (attempt.left / "run.partial", attempt.left / "run.partial" / "model"):
        with contextlib.suppress(HeadstartError):
            assert np.array_equal(answers(place), answers(attempt.whole))


def the_same_fit_goes_on_to_the_same_weights_to_the_bit(attempt: Attempt) -> None:
    assert attempt.again == 0
    assert weights(attempt.place / "run") == weights(attempt.whole)
    assert not (attempt.place / "run.partial").exists()


CHECKS = (
    a_run_that_is_there_is_finished,
    an_unfinished_folder_is_refused_or_answers_as_the_undisturbed_run,
    the_same_fit_goes_on_to_the_same_weights_to_the_bit,
)


# one test, because several workers would each kill their own twenty fits
def test_a_fit_killed_at_any_of_twenty_moments_does_no_harm(attempts: list[Attempt]) -> None:
    for attempt in attempts:
        for check in CHECKS:
            check(attempt)
    killed = [attempt for attempt in attempts if attempt.killed == KILLED]
    assert len(attempts) == 20
    # a machine that is suddenly faster or slower lets some fits end before their moment
    assert len(killed) >= 10
    assert len({state(attempt) for attempt in killed}) >= 4
    assert any(folder.is_resumable(attempt.left / "run.partial") for attempt in killed)
