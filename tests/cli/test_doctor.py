"""The doctor finds what is there, and gives the exact remedy for what is not."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from headstart.cli import main
from headstart.cli._findings import Finding, caches, network, optional, packages
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
    "a mirror": (
        {"HF_ENDPOINT": "https://mirror"},
        "models not on this machine come from https://mirror, a mirror by HF_ENDPOINT",
    ),
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


def test_an_optional_package_that_is_missing_says_what_it_is_for_and_how_to_get_it() -> None:
    found = {finding.name: finding for finding in optional(["soundfile>=0.13", 'timm>=1; extra == "timm"'])}

    # the two that requirements name are told of beside them
    assert set(found) == {"tensorflow", "kagglehub"}
    assert all(" for tfhub" in one.said or " fetch tfhub" in one.said for one in found.values())


def test_an_optional_package_that_is_here_is_no_fault() -> None:
    found = {finding.name: finding for finding in optional([])}

    assert found["soundfile"].is_ok
    assert found["soundfile"].said[0].isdecimal()


CACHES: dict[str, tuple[dict[str, str], list[str]]] = {
    "nothing set": ({"HOME": "/h"}, ["/h/.cache/huggingface/hub", "/h/.cache/torch/hub"]),
    "HF_HOME and TORCH_HOME": ({"HF_HOME": "/hf", "TORCH_HOME": "/t"}, ["/hf/hub", "/t/hub"]),
    "HF_HUB_CACHE": ({"HOME": "/h", "HF_HUB_CACHE": "/c"}, ["/c", "/h/.cache/torch/hub"]),
    "XDG_CACHE_HOME": ({"XDG_CACHE_HOME": "/x"}, ["/x/huggingface/hub", "/x/torch/hub"]),
}


@pytest.mark.parametrize(("environment", "places"), CACHES.values(), ids=CACHES.keys())
def test_places_of_fetched_models_follow_their_variables(environment: dict[str, str], places: list[str]) -> None:
    assert [finding.said for finding in caches(environment)] == [f"{place}, not there yet" for place in places]


def test_a_cache_that_is_there_is_just_named(tmp_path: Path) -> None:
    assert next(iter(caches({"HF_HUB_CACHE": str(tmp_path)}))).said == str(tmp_path)


def test_the_examination_opens_no_socket(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(socket, "socket", lambda *args, **kwargs: opened.append(args))
    assert main(["doctor"]) == 0

    assert opened == []
