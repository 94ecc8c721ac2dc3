"""The list of models: what each is for, and names to begin with where there is nothing yet."""

from __future__ import annotations

import json

import pytest

from headstart import plug
from headstart.cli import main
from headstart.cli.models import SUGGESTED, suggested, tasks_of
from headstart.sources import _ref


def test_tasks_are_those_that_read_what_the_model_reads() -> None:
    found = tasks_of()
    assert sorted(name for names in found.values() for name in names) == sorted(plug.names("tasks"))
    assert all(plug.load("tasks", name).modality == modality for modality, names in found.items() for name in names)


def test_json_has_the_tasks_of_every_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert all(model["tasks"] == tasks_of()[model["modality"]] for model in told["models"])
    assert {"hf:google-bert/bert-base-uncased"} <= {model["ref"] for model in told["suggested"]}


def test_a_model_that_is_here_is_not_suggested_again() -> None:
    assert "hf:microsoft/resnet-18" not in dict(suggested({"hf:microsoft/resnet-18"}))


def test_only_sources_that_are_there_are_suggested_from() -> None:
    assert {ref.partition(":")[0] for ref, _ in suggested(set())} <= set(plug.names("sources"))


@pytest.mark.parametrize("ref", [ref for some in SUGGESTED.values() for ref, _ in some])
def test_a_suggestion_names_its_source(ref: str) -> None:
    scheme = ref.partition(":")[0]

    assert scheme in SUGGESTED
    if scheme in plug.names("sources"):
        assert _ref.parse(ref)[0] == scheme
