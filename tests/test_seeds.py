"""Several seeds: one data split, one model taken by validation, all of them told."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest

import families
import headstart
from headstart import run


@pytest.fixture(scope="module")
def fitted(family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> run.Run:
    place = tmp_path_factory.mktemp("seeds")
    rows = families.csv_of(place / "rows.csv", families.reviews(120))
    settings = {"strategy": "full", "epochs": 2, "lr": 1e-3, "precision": "float32", "seeds": 3, "seed": 5}
    return headstart.fit(rows, out=place / "run", model=f"dir:{family('bert')}", **settings)


def test_median_and_range_are_those_of_the_values(fitted: run.Run) -> None:
    told = json.loads((fitted.folder / "scores.json").read_text())["seeds"]
    assert told["seeds"] == [5, 6, 7]
    assert told["median"] == statistics.median(told["values"])
    assert told["range"] == [min(told["values"]), max(told["values"])]


def test_the_model_taken_is_the_one_whose_score_is_reported(fitted: run.Run) -> None:
    scores = fitted.scores
    taken = scores["seeds"]["values"][scores["seeds"]["seeds"].index(scores["seeds"]["taken"])]
    assert taken == pytest.approx(scores["metrics"]["accuracy"]["value"])


def test_a_run_with_one_seed_speaks_of_none(family: families.Family, tmp_path: Path) -> None:
    rows = families.csv_of(tmp_path / "rows.csv", families.reviews(40))
    assert headstart.fit(rows, out=tmp_path / "run", model=f"dir:{family('bert')}").scores["seeds"] is None
