"""Speech recognition keeps the contract of tasks also with models that write one token after the other."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import task_checks

import families
from headstart.sources import dir as folders
from headstart.tasks import automatic_speech_recognition as speech
from headstart.tasks.speech.written import Written


def writing(family: families.Family, model: str) -> SimpleNamespace:
    """The task with what it learns once it meets the model."""
    speller = folders.load(str(family(model)), revision=None, offline=True).speller
    assert speller is not None
    how = speller.writing(None)
    assert how is not None

    def learn(rows: Any) -> speech.Learned:
        return dataclasses.replace(speech.learn(rows), written=Written.of(speller, how))

    def from_json(value: Any) -> speech.Learned:
        found = speech.from_json(value)
        assert found.written is not None
        return dataclasses.replace(found, written=dataclasses.replace(found.written, speller=speller))

    return SimpleNamespace(**{**vars(speech), "learn": learn, "from_json": from_json})


@pytest.mark.parametrize("check", task_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("model", ["whisper", "moonshine"])
def test_the_task_keeps_the_contract_with_a_model_that_writes(
    model: str, check: task_checks.Check, family: families.Family, tmp_path: Path
) -> None:
    bench = task_checks.bench("automatic-speech-recognition", writing(family, model), family, tmp_path, model)

    # it has to find out where texts end, too
    check(dataclasses.replace(bench, steps=60))
