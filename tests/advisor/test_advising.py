"""Advice from data to its folder: stopped and gone on with, within its budget, carried out, the same from one seed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import known
import pytest

import families
import headstart
from families import Family
from headstart import advising
from headstart.cli import main
from headstart.errors import MismatchError, OutputError, Stopped
from headstart.progress import Advance, Event, Measured, Stage

FILES = {"advice.json", "check.json", "events.jsonl"}
Ask = Callable[..., advising.Advice]


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough rows for curves: 110, of which 58 are learnt from at a time."""
    return families.csv_of(tmp_path_factory.mktemp("data") / "my reviews.csv", families.reviews(110))


@pytest.fixture(scope="session")
def ask(family: Family, reviews: Path) -> Ask:
    """Asks for advice on the reviews, one epoch for each training."""

    def asked(out: Path, **given: Any) -> advising.Advice:
        settings = {"candidates": f"dir:{family('bert')}", "epochs": 2, "precision": "float32", **given}
        return headstart.advise(reviews, out=out, **settings)

    return asked


@pytest.fixture(scope="session")
def undisturbed(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> tuple[advising.Advice, list[Event]]:
    """Advice that nothing came between, and what was said meanwhile."""
    heard: list[Event] = []
    return ask(tmp_path_factory.mktemp("undisturbed") / "advice", listener=heard.append), heard


def figures(facts: Mapping[str, Any]) -> dict[str, Any]:
    """All that must not depend on how long anything took: the verdict, the scores, the curves."""
    standings = [{**one, "seconds": 0, "answering": None} for one in facts["standings"]]
    said = {name: facts["verdict"][name] for name in ("kind", "sentence", "why_not", "not_tried")}
    return {**said, "standings": standings, **{name: facts[name] for name in ("worth", "ranking", "judged", "rows")}}


def num_steps(heard: list[Event]) -> int:
    return sum(isinstance(event, Advance) and event.stage == "train" for event in heard)


def test_a_finished_folder_holds_the_advice_and_nothing_of_the_way(
    undisturbed: tuple[advising.Advice, list[Event]],
) -> None:
    advice, _ = undisturbed

    assert {path.name for path in advice.folder.iterdir()} >= FILES
    assert {path.suffix for path in advice.folder.iterdir()} <= {".json", ".jsonl", ".html"}
    assert not advice.folder.with_name("advice.partial").exists()
    assert json.loads((advice.folder / "advice.json").read_text()) == json.loads(json.dumps(advice.facts))


def test_every_time_that_is_told_fits_into_the_whole(undisturbed: tuple[advising.Advice, list[Event]]) -> None:
    facts = undisturbed[0].facts

    assert set(facts["spent_on"]) == {"arm", "baselines", "point"}
    assert 0 < sum(facts["spent_on"].values()) < facts["spent"]


def test_stopped_within_the_curves_and_asked_again_it_goes_on_and_comes_to_the_same(
    ask: Ask, undisturbed: tuple[advising.Advice, list[Event]], tmp_path: Path
) -> None:
    straight, all_heard = undisturbed
    stopped, heard = list[Event](), list[Event]()

    def stop(event: Event) -> None:
        stopped.append(event)
        # five rounds of one arm are trained, twice; the curves then train fifteen times
        if [one.name for one in stopped if isinstance(one, Stage)].count("train") == 12:
            raise KeyboardInterrupt

    out = tmp_path / "my advice"
    with pytest.raises(Stopped, match=r"Go on with: the same command and --out '.*/my advice'"):
        ask(out, listener=stop)
    assert not out.exists()
    again = ask(out, listener=heard.append)

    assert figures(again.facts) == figures(straight.facts)
    assert num_steps(stopped) + num_steps(heard) == num_steps(all_heard)


def test_stopped_before_anything_was_measured_it_leaves_nothing(ask: Ask, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Stage) and event.name == "check":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(tmp_path / "advice", listener=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_was_begun_otherwise_is_not_gone_on_with(ask: Ask, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Measured):
            raise KeyboardInterrupt

    with pytest.raises(Stopped):
        ask(tmp_path / "advice", listener=stop)
    with pytest.raises(OutputError, match="begun otherwise: --seed changed since"):
        ask(tmp_path / "advice", seed=1)
    with pytest.raises(Stopped):  # more or less time is no other question
        ask(tmp_path / "advice", budget="60s", listener=stop)


def test_a_budget_is_kept_within_a_tenth(ask: Ask, tmp_path: Path) -> None:
    # epochs without end: whatever time there is, it would be used up
    began = time.monotonic()
    found = ask(tmp_path / "advice", budget="16s", epochs=1000)

    assert time.monotonic() - began < 1.1 * 16
    assert found.facts["spent"] < 1.1 * 16
    assert "would take" in str(found.facts["worth"]["missing"])


def test_without_time_for_a_model_the_verdict_says_so(ask: Ask, tmp_path: Path) -> None:
    found = ask(tmp_path / "advice", budget="0.5s")

    assert found.facts["verdict"]["kind"] == "not-enough-time"
    assert found.sentence.startswith("Not enough time to tell: no model was trained, and TF-IDF + logistic regression")
    assert found.sentence.endswith("Raise --budget.")


def test_advice_to_train_is_carried_out_by_a_fit(family: Family, tmp_path: Path) -> None:
    # no weighted sum of pixels tells the classes apart, so that a network is advised
    data, place, out = known.stripes(tmp_path / "stripes", 120), tmp_path / "my advice", tmp_path / "run"
    advice = headstart.advise(data, out=place, candidates=f"dir:{family('resnet')}", epochs=1, lr=5e-3)

    assert main(["fit", str(data), "--advice", str(place), "--out", str(out)]) == 0

    settings = json.loads((out / "run.json").read_text())["settings"]
    taken = advice.facts["verdict"]["taken"]["settings"]
    assert taken["model"] == f"dir:{family('resnet')}"
    assert {name: settings[name] for name in ("epochs", "lr", *taken)} == {"epochs": 1, "lr": 5e-3, **taken}


def test_advice_that_names_no_model_cannot_be_carried_out(undisturbed: tuple[advising.Advice, list[Event]]) -> None:
    advice, _ = undisturbed
    assert advice.facts["verdict"]["kind"] == "baseline"

    with pytest.raises(MismatchError, match=r"This advice names no model to fit\. The simple baseline is enough"):
        _ = advice.settings


PROGRAM = """
import sys, headstart
data, model, out = sys.argv[1:]
asked = {"out": out, "candidates": model, "epochs": 2, "precision": "float32"}
headstart.advise(data, listener=lambda event: print(event, flush=True), **asked)
"""


def test_killed_and_asked_again_it_goes_on_and_comes_to_the_same(
    ask: Ask, undisturbed: tuple[advising.Advice, list[Event]], family: Family, reviews: Path, tmp_path: Path
) -> None:
    words = [str(reviews), f"dir:{family('bert')}", str(tmp_path / "advice")]
    with subprocess.Popen([sys.executable, "-c", PROGRAM, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line.startswith("Stage(name='curves'"))
        process.kill()
    heard: list[Event] = []
    again = ask(tmp_path / "advice", listener=heard.append)

    assert process.returncode == -signal.SIGKILL
    assert figures(again.facts) == figures(undisturbed[0].facts)
    before = next(at for at, event in enumerate(heard) if isinstance(event, Stage) and event.name == "curves")
    assert num_steps(heard[:before]) == 0
