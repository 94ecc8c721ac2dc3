"""`headstart cache` shows what fits left, and clears it away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import families
from headstart.cli import main


@pytest.fixture
def root(tmp_path: Path, family: families.Family, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of one fit."""
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    data = families.csv_of(tmp_path / "rows.csv", families.reviews(40))
    words = ["fit", data, "--model", f"dir:{family('bert')}", "--out", tmp_path / "run", "--precision", "float32"]
    assert main(list(map(str, words))) == 0
    return tmp_path / "cache"


def test_a_fits_cache_is_known_by_its_model(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["cache"]) == 0
    headings, line, sums = capsys.readouterr().out.splitlines()
    assert headings.split() == ["NAME", "KIND", "ROWS", "MIB", "LAST", "USED", "OF"]
    assert line.split()[1:3] == ["features", "32"]
    assert line.endswith("bert, layers")
    assert sums == f"1 cache, 0.0 MiB in {root}"


def test_clearing_says_what_is_gone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = next((root / "features").iterdir()).name[:12]
    capsys.readouterr()
    assert main(["cache", "clear", name]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"deleted  {name}  0.0 MiB, dir:")
    assert last == f"1 cache, 0.0 MiB deleted in {root}"
    assert list((root / "features").iterdir()) == []


def test_the_same_is_said_as_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["cache", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["caches"]
    assert main(["cache", "clear", "--older-than", "1h", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["cleared"], done["freed_mib"]) == ([], 0)
    assert [(left["name"], left["why"]) for left in done["left"]] == [(listed["name"], "it was used since")]


def test_an_empty_cache_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path))
    assert main(["cache"]) == 0
    assert capsys.readouterr().out == f"0 caches, 0.0 MiB in {tmp_path}\n"


def test_an_age_that_is_none_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "clear", "--older-than", "soon"]) == 1
    assert '--older-than "soon"' in capsys.readouterr().err
