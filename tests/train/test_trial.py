"""A budget is kept, of time by fewer steps and of memory by fewer rows at a time; costs are foreseen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import families
import headstart
from headstart import memory
from headstart.errors import SettingError
from headstart.progress import Advance, Event, Foreseen, Note
from headstart.train import trial

ENDLESS = {"strategy": "full", "epochs": 100_000, "patience": 100_000, "precision": "float32"}


@pytest.fixture(autouse=True)
def _no_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny baselines and pages take less time than those of real data."""
    monkeypatch.setattr(trial, "FINISH", 1.0)


def fitted(family: families.Family, place: Path, **settings: Any) -> tuple[headstart.run.Run, list[Event]]:
    rows = families.csv_of(place / "rows.csv", families.reviews(80))
    events: list[Event] = []
    chosen = {**ENDLESS, "model": f"dir:{family('bert')}", **settings}
    return headstart.fit(rows, out=place / "run", listener=events.append, **chosen), events


def test_a_run_ends_with_its_budget_of_time_and_a_model_that_answers(family: families.Family, tmp_path: Path) -> None:
    run, events = fitted(family, tmp_path, budget="8s")
    facts = json.loads((run.folder / "run.json").read_text())
    # other tests run beside this one
    assert 4 < facts["cost"]["actual"]["seconds"] < 12
    assert run.model.predict(["a warm book"])[0]["label"] in ("neg", "pos")
    assert any(isinstance(event, Note) and event.text.startswith("The budget allows") for event in events)
    # so the rate has fallen to its end
    steps = [event for event in events if isinstance(event, Advance) and event.stage == "train"]
    assert steps[-1].total is not None
    assert steps[-1].done > 0.9 * steps[-1].total


def test_a_budget_too_small_for_a_step_is_refused(family: families.Family, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="a single step needs"):
        fitted(family, tmp_path, budget="0.01s")
    assert not (tmp_path / "run.partial").exists()


def test_a_budget_of_memory_lets_fewer_rows_through_at_a_time(
    family: families.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def measured(trained: Any, lesson: Any, plan: Any, piece: int) -> trial.Trial:
        tried.append(piece)
        return trial.Trial(1e-4, 100.0 * piece, piece)

    monkeypatch.setattr(trial, "_tried", measured)
    fitted(family, tmp_path, budget="900MiB", epochs=1)
    assert tried == [32, 16, 8]


def test_memory_too_small_for_one_row_is_refused(family: families.Family, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="One row at a time needs"):
        fitted(family, tmp_path, budget="1MiB")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU tells by itself when its memory runs out")
def test_a_machine_short_of_memory_has_one_row_at_a_time_and_learns(
    family: families.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "left_mib", lambda: 0.0)
    run, events = fitted(family, tmp_path, epochs=1)
    said = [event.text for event in events if isinstance(event, Note) and event.text.startswith("Memory allows")]
    assert said == [
        f"Memory allows {rows} at a time; batches of 32 go in pieces."
        for rows in ("16 rows", "8 rows", "4 rows", "2 rows", "one row")
    ]
    assert run.model.predict(["a warm book"])[0]["label"] in ("neg", "pos")


def test_what_is_foreseen_stands_beside_what_came(family: families.Family, tmp_path: Path) -> None:
    run, events = fitted(family, tmp_path, epochs=2, price_per_hour=3.0)
    foreseen = next(event.cost for event in events if isinstance(event, Foreseen))
    told = json.loads((run.folder / "run.json").read_text())["cost"]
    assert told["foreseen"]["seconds"] == foreseen.seconds
    assert told["actual"]["money"] == pytest.approx(told["actual"]["seconds"] * 3 / 3600, rel=1e-3)
    # the weights are nearly all of a run folder, also where they are tiny
    assert 0.3 * told["actual"]["disk_mib"] < foreseen.disk_mib <= told["actual"]["disk_mib"]
