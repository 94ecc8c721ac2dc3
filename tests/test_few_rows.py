"""Of few rows none are held out to choose an epoch by: all are learnt from, and whatever chooses asks for its share."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import families
from headstart import learning, plug, run
from headstart.contracts import Splits, Strategy, Task
from headstart.estimators import TextClassifier
from headstart.progress import Event, Foreseen, Note, silent
from headstart.settings import FitSettings
from headstart.strategies import _plain

ORIGINAL = learning.once
ALL_ARE_LEARNT = "No rows are held out to choose an epoch by: all are learnt from, and the last one is taken."


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 60 texts."""
    return families.csv_of(tmp_path_factory.mktemp("data") / "reviews.csv", families.reviews(60))


def fitted(family: families.Family, rows: Path, out: Path, listener: Any = silent, **given: Any) -> run.Run:
    chosen = {"strategy": "full", "epochs": 3, "batch_size": 8, "precision": "float32", **given}
    return run.fit(rows, FitSettings(model=f"dir:{family('bert')}", **chosen), out=out, listener=listener)


def told(done: run.Run) -> Any:
    """What run.json says of it."""
    return json.loads((done.folder / "run.json").read_text(encoding="utf-8"))


def is_chosen(facts: Any) -> bool:
    """Whether every epoch was judged on rows held out."""
    return all("accuracy" in epoch["validation"] for epoch in facts["learning"])


@pytest.mark.parametrize("how", [{}, {"strategy": "top", "top": 1}, {"strategy": "top", "top": 1, "cache": False}])
def test_all_rows_are_learnt_from_to_the_last_epoch(
    how: dict[str, Any], family: families.Family, rows: Path, tmp_path: Path
) -> None:
    heard: list[Event] = []

    done = fitted(family, rows, tmp_path / "run", heard.append, **how)

    facts = told(done)
    assert facts["data"]["rows"] == {"train": 48, "validation": 0, "test": 12}
    assert [(epoch["epoch"], epoch["validation"]) for epoch in facts["learning"]] == [(1, {}), (2, {}), (3, {})]
    assert Note(ALL_ARE_LEARNT) in heard
    assert [event.cost.seconds > 0 for event in heard if isinstance(event, Foreseen)] == [True]
    page = (done.folder / "report.html").read_text(encoding="utf-8")
    assert "training loss" in page
    assert "the weights of the last one were kept" in page
    assert not re.search("validation accuracy|is ringed", page)


@pytest.mark.parametrize(
    "asked",
    [{"validation_size": 0.25}, {"patience": 1}, {"soup": 2}, {"seeds": 2}],
    ids=lambda asked: next(iter(asked)),
)
def test_what_is_chosen_by_rows_held_out_has_them(
    asked: dict[str, Any], family: families.Family, rows: Path, tmp_path: Path
) -> None:
    heard: list[Event] = []

    done = fitted(family, rows, tmp_path / "run", heard.append, **asked)

    facts = told(done)
    assert facts["data"]["rows"]["validation"] == round(48 * asked.get("validation_size", 0.1))
    assert is_chosen(facts)
    assert Note(ALL_ARE_LEARNT) not in heard


def test_rows_that_are_given_to_choose_by_choose(family: families.Family, rows: Path, tmp_path: Path) -> None:
    given = families.csv_of(tmp_path / "other.csv", families.reviews(20))

    done = fitted(family, rows, tmp_path / "run", validation=str(given))

    facts = told(done)
    assert facts["data"]["rows"]["validation"] == 20
    assert is_chosen(facts)


@pytest.mark.parametrize(
    ("strategy", "task", "num_rows", "needs"),
    [
        ("full", "text-classification", _plain.FEW, False),
        ("full", "text-classification", _plain.FEW + 1, True),
        ("top", "image-classification", _plain.FEW, False),
        ("full", "text-pair-classification", 10, False),
        ("full", "multi-label-text-classification", 10, True),
        ("full", "token-classification", 10, True),
        ("top", "question-answering", 10, True),
        ("full", "object-detection", 10, True),
        ("lora", "text-classification", 10, False),
        ("lora", "token-classification", 10, True),
        ("gradual", "text-classification", 10, True),
        ("scratch", "text-classification", 10, True),
    ],
)
def test_which_rows_are_few(strategy: str, task: str, num_rows: int, needs: bool) -> None:
    asked: Strategy = plug.load("strategies", strategy)
    of: Task = plug.load("tasks", task)
    assert asked.needs_validation(FitSettings(strategy=strategy), of, num_rows) is needs


def test_an_estimator_learns_from_all_of_few_rows(family: families.Family, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Splits] = []

    def once(ready: learning.Ready, *others: Any) -> Any:
        seen.append(ready.splits)
        return ORIGINAL(ready, *others)

    monkeypatch.setattr(learning, "once", once)
    texts, labels = map(list, zip(*families.reviews(40), strict=True))

    TextClassifier(f"dir:{family('bert')}", strategy="full", epochs=1).fit(texts, labels)

    assert (len(seen[0].train), seen[0].validation) == (40, None)
