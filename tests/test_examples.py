"""The example scripts run as they stand."""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import families
import local_hub

EXAMPLES = Path(__file__).parents[1] / "examples"
Script = Callable[..., str]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Script:
    """Runs a script as `python` does, in this process, which has imported everything; gives what it prints."""

    def run(name: str, *words: str) -> str:
        path = str(EXAMPLES / name)
        monkeypatch.setattr(sys, "argv", [path, *words])
        codes: list[object] = []
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as ended:
            codes.append(ended.code)
        assert codes in ([], [0])
        return capsys.readouterr().out

    return run


def test_hello_agrees_with_transformers_and_says_so(script: Script) -> None:
    said = script("hello.py")
    assert "[101, 7592, 1010, 2026, 3899, 2003, 10140, 102]" in said
    assert "(1, 8, 384)" in said
    assert "the same ids" in said


def test_hello_takes_a_model_of_the_hub_by_its_id(script: Script, family: families.Family, tmp_path: Path) -> None:
    shutil.copytree(family("bert"), tmp_path / "google-bert" / "bert-base-uncased")
    with local_hub.hub_of(tmp_path) as hub:
        said = script("hello.py", "google-bert/bert-base-uncased")
    assert f"hf:google-bert/bert-base-uncased@{hub.commit('google-bert/bert-base-uncased')}" in said
    assert "google-bert/bert-base-uncased/model.safetensors" in hub.given
    assert "the same ids" in said


def test_entities_are_learnt_and_found_in_a_new_sentence(script: Script) -> None:
    said = script("entities.py")
    assert "entity F1" in said
    assert "place   Naples" in said


def test_questions_are_answered_with_what_stands_in_the_text(script: Script) -> None:
    said = script("answers.py")
    asked = "When does the choir meet?"
    best = next(line for line in said.splitlines() if line.startswith(asked)).partition("best: ")[2]
    assert "F1" in said
    assert re.findall(r'"(.+?)"', best)
    notice = "The choir meets on Thursdays in the hall behind the mill. Its new conductor is Lena Moss."
    assert all(answer in notice for answer in re.findall(r'"(.+?)"', best))


def test_shapes_are_drawn_learnt_and_looked_for(script: Script, family: Callable[[str], Path]) -> None:
    said = script("shapes.py", f"dir:{family('resnet')}", "2")
    assert "mean average precision 0." in said
    assert "spots by colour and size" in said


def test_commands_are_learnt_from_beeps(script: Script) -> None:
    said = script("speech.py", "4")
    assert "word accuracy" in said
    assert "heard: " in said


def test_tickets_are_sorted_under_everything_they_are_about(script: Script) -> None:
    said = script("tickets.py")
    assert "micro F1" in said
    assert "is about: billing, login" in said


def test_two_questions_are_compared(script: Script) -> None:
    said = script("questions.py")
    assert "accuracy" in said
    assert re.search(r"^(same|different) \(0\.\d\d\)$", said, re.M)
