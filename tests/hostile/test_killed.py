"""A fit that is killed at any moment leaves nothing that loads wrongly, and nothing that harms the next one."""

from __future__ import annotations

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
from headstart import model
from headstart.errors import HeadstartError
from headstart.report import finished

# one worker for all of them, or each would kill its own twenty
pytestmark = pytest.mark.xdist_group("killed fits")

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


@pytest.fixture(scope="module")
def attempts(family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> list[Attempt]:
    """Every killed fit; the script is started once."""
    root = tmp_path_factory.mktemp("killed")
    rows = families.csv_of(root / "rows.csv", families.reviews(60))
    command = [sys.executable, "-W", "error", str(SCRIPT), str(rows), str(family("bert")), str(root / "fits")]
    # copies of a process whose threads have worked would wait for threads that they do not have
    subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)
    told = json.loads((root / "fits" / "attempts.json").read_text())
    return [Attempt(Path(one["place"]), one["killed"], one["again"]) for one in told]


@functools.cache
def answers(folder: Path) -> Any:
    return model.load(folder).predict_proba(TEXTS)


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


def test_a_killed_fit_leaves_a_finished_run_or_none(attempts: list[Attempt]) -> None:
    for run in [attempt.left / "run" for attempt in attempts if (attempt.left / "run").exists()]:
        assert finished.read(run).scores["rows"] == 12
        assert all(json.loads(path.read_text()) for path in run.rglob("*.json"))
        assert all(json.loads(line) for line in (run / "events.jsonl").read_text().splitlines())


def test_a_run_that_is_there_after_a_kill_answers_as_the_undisturbed_one(attempts: list[Attempt]) -> None:
    for attempt in attempts:
        if (attempt.left / "run").exists():
            assert np.array_equal(answers(attempt.left / "run"), answers(attempt.whole))


@pytest.mark.parametrize("inside", ["", "model"], ids=["the folder", "the model in it"])
def test_an_unfinished_folder_is_refused_or_answers_as_the_undisturbed_run(
    inside: str, attempts: list[Attempt]
) -> None:
    for attempt in attempts:
        try:
            found = answers(attempt.left / "run.partial" / inside)
        except HeadstartError:
            continue
        assert np.array_equal(found, answers(attempt.whole))


def test_the_same_fit_again_gives_the_same_weights_to_the_bit(attempts: list[Attempt]) -> None:
    for attempt in attempts:
        assert attempt.again == 0
        assert weights(attempt.place / "run") == weights(attempt.whole)
        assert not (attempt.place / "run.partial").exists()


def test_the_kills_met_the_fits_at_work_and_in_different_places(attempts: list[Attempt]) -> None:
    killed = [attempt for attempt in attempts if attempt.killed == KILLED]
    assert len(attempts) == 20
    # a machine that is suddenly faster or slower lets some fits end before their moment
    assert len(killed) >= 10
    assert len({state(attempt) for attempt in killed}) >= 4
