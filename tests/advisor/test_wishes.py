"""Whom a user wants considered: limits are read or refused at once, and whoever is left out is told why."""

from __future__ import annotations

from typing import Any

import pytest

from headstart.advisor.wishes import Wishes, considered
from headstart.contracts import Listed
from headstart.errors import ModelNotFound, SettingError

LISTED = [
    Listed("starter:large", "text", 100.0, True, "apache-2.0", "large"),
    Listed("starter:small", "text", 10.0, True, "cc-by-nc-4.0", "small"),
    Listed("hf:far/away", "text", 10.0, False, "mit", "not here"),
    Listed("starter:pictures", "image", 5.0, True, "mit", "of images"),
]


def look(ref: str) -> tuple[str | None, float]:
    """What is not listed: a folder of 50 MiB whose card names no licence."""
    if not ref.startswith("dir:"):
        raise ModelNotFound(f'There is no "{ref}".')
    return None, 50.0


WISHES: dict[str, tuple[dict[str, Any], list[str], dict[str, str]]] = {
    "nothing": ({}, ["starter:large", "starter:small"], {}),
    "a size": ({"max_size": "20MB"}, ["starter:small"], {"starter:large": "100 MiB is more than 20MB"}),
    "a size just reached": ({"max_size": "100MiB"}, ["starter:large", "starter:small"], {}),
    "a licence": (
        {"license": "permissive"},
        ["starter:large"],
        {"starter:small": "its licence is cc-by-nc-4.0, and permissive was asked for"},
    ),
    "licences by name": (
        {"license": "mit, CC-BY-NC-4.0"},
        ["starter:small"],
        {"starter:large": "its licence is apache-2.0, and mit, CC-BY-NC-4.0 was asked for"},
    ),
    "what is not here": ({"candidates": ("hf:far/away",)}, ["hf:far/away"], {}),
    "a folder": ({"candidates": ("dir:mine",), "max_size": "60MiB"}, ["dir:mine"], {}),
    "a folder that is too large": (
        {"candidates": ("dir:mine", "starter:small"), "max_size": "20MB"},
        ["starter:small"],
        {"dir:mine": "50 MiB is more than 20MB"},
    ),
    "a folder without a licence": (
        {"candidates": ("dir:mine", "starter:large"), "license": "permissive"},
        ["starter:large"],
        {"dir:mine": "its licence is not known, and permissive was asked for"},
    ),
}


@pytest.mark.parametrize(("asked", "taken", "left_out"), WISHES.values(), ids=WISHES.keys())
def test_whom_wishes_leave(asked: dict[str, Any], taken: list[str], left_out: dict[str, str]) -> None:
    assert considered(Wishes(**asked), LISTED, "text", look) == (taken, left_out)


NOBODY: dict[str, tuple[dict[str, Any], str, str]] = {
    "all too large": (
        {"max_size": "0.01GB"},
        "text",
        r"\(starter:large: 100 MiB is more than 0.01GB; starter:small: 10 MiB is more than 0.01GB\)\. Ask for less",
    ),
    "none of this kind": ({}, "audio", r"\(no audio model is on this machine\)\. Name some with --candidates"),
    "nobody knows it": ({"candidates": ("hf:no/body",)}, "text", 'There is no "hf:no/body"'),
}


@pytest.mark.parametrize(("asked", "modality", "said"), NOBODY.values(), ids=NOBODY.keys())
def test_without_anybody_left_it_says_why(asked: dict[str, Any], modality: str, said: str) -> None:
    with pytest.raises(ModelNotFound, match=said):
        considered(Wishes(**asked), LISTED, modality, look)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"max_size": "small"}, '--max-size "small" is not a size. Give it as in 100MB or 0.5GiB.'),
        ({"max_size": "100"}, '--max-size "100" is not a size. Give it as in 100MB or 0.5GiB.'),
        ({"max_size": "-1MB"}, '--max-size "-1MB" is not a size. Give it as in 100MB or 0.5GiB.'),
        ({"max_latency": "20"}, '--max-latency "20" is not a time. Give it as in 20ms or 1s.'),
        ({"max_latency": "20MB"}, '--max-latency "20MB" is not a time. Give it as in 20ms or 1s.'),
    ],
    ids=str,
)
def test_a_limit_that_cannot_be_read_is_refused_at_once(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError) as caught:
        Wishes(**asked)
    assert str(caught.value) == said


def test_limits_are_read_in_their_units() -> None:
    wishes = Wishes(max_size="1GB", max_latency="0.5s")

    assert (wishes.most_mib, wishes.most_ms) == (pytest.approx(953.674), 500.0)
