"""The doctor finds what is there, and gives the exact remedy for what is not."""

from __future__ import annotations

import json

import pytest

from headstart.cli import main
from headstart.cli._findings import Finding, network, packages
from headstart.cli.doctor import lines


def test_packages_that_are_here_are_named_with_their_versions() -> None:
    (finding,) = packages(["click>=8", "rich>=13; python_version > '3'"])
    assert finding.is_ok
    assert finding.said.startswith("click 8.")


def test_a_missing_package_gives_the_command_that_installs_it() -> None:
    (finding,) = packages(["click>=8", "no-such-package-anywhere>=1"])
    assert finding.remedy == "Run: pip install no-such-package-anywhere"


def test_a_missing_extra_gives_the_command_that_installs_it() -> None:
    requirements = ['no-such-package-anywhere==1; extra == "onnx"', 'click>=8; extra == "onnx"']
    *_, finding = packages(requirements)
    assert (finding.said, finding.remedy) == ("not installed", 'If you want it, run: pip install "headstart[onnx]"')


NETWORK = {
    "nothing set": ({}, "models not on this machine come from https://huggingface.co"),
    "a mirror": ({"HF_ENDPOINT": "https://mirror"}, "models not on this machine come from https://mirror"),
    "offline": ({"HF_HUB_OFFLINE": "1"}, "off: only models on this machine are used"),
    "offline, another way": ({"TRANSFORMERS_OFFLINE": "true"}, "off: only models on this machine are used"),
    "not offline": ({"HF_HUB_OFFLINE": "0"}, "models not on this machine come from https://huggingface.co"),
}


@pytest.mark.parametrize(("environment", "said"), NETWORK.values(), ids=NETWORK.keys())
def test_where_models_come_from_is_said(environment: dict[str, str], said: str) -> None:
    assert list(network(environment))[-1].said == said


def test_a_token_is_not_shown() -> None:
    assert "hf_secret" not in " ".join(finding.said for finding in network({"HF_TOKEN": "hf_secret"}))


def test_a_remedy_stands_under_its_finding() -> None:
    shown = lines([Finding("one", "fine"), Finding("three", "bad", "Mend it.")])
    assert shown == ["ok    one    fine", "warn  three  bad", "      Mend it."]


def test_the_whole_examination_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    names = {finding["name"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert {"python", "cores", "memory", "arithmetic", "packages", "network", "image models", "cache"} <= names
