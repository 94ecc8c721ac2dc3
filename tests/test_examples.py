"""The example scripts run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_hello_agrees_with_transformers_and_says_so() -> None:
    done = subprocess.run([sys.executable, str(EXAMPLES / "hello.py")], capture_output=True, text=True, check=True)
    assert "[101, 7592, 1010, 2026, 3899, 2003, 10140, 102]" in done.stdout
    assert "(1, 8, 384)" in done.stdout
    assert "the same ids" in done.stdout


def test_hello_takes_a_model_of_the_hub_by_its_id(hub_cache: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "hello.py"), "tests/tiny-bert"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "hf:tests/tiny-bert" in done.stdout


def test_entities_are_learnt_and_found_in_a_new_sentence() -> None:
    done = subprocess.run([sys.executable, str(EXAMPLES / "entities.py")], capture_output=True, text=True, check=True)
    assert "entity_f1" in done.stdout
    assert "place   Naples" in done.stdout


def test_questions_are_answered_with_what_stands_in_the_text() -> None:
    done = subprocess.run([sys.executable, str(EXAMPLES / "answers.py")], capture_output=True, text=True, check=True)
    asked = "When does the choir meet?"
    best = next(line for line in done.stdout.splitlines() if line.startswith(asked)).partition("best: ")[2]
    assert "f1" in done.stdout
    assert re.findall(r'"(.+?)"', best)
    notice = "The choir meets on Thursdays in the hall behind the mill. Its new conductor is Lena Moss."
    assert all(answer in notice for answer in re.findall(r'"(.+?)"', best))


def test_commands_are_learnt_from_beeps() -> None:
    done = subprocess.run([sys.executable, str(EXAMPLES / "speech.py")], capture_output=True, text=True, check=True)
    assert "word_accuracy" in done.stdout
    assert "heard: " in done.stdout
