"""What is kept can be told apart and cleared away, while nobody who is still writing loses half of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart import caches, store
from headstart.errors import SettingError, UnknownName

KEYS = ("1f0c" + "a" * 28, "1f0d" + "b" * 28, "77" + "c" * 30)
HOUR = 3600


def days_old(path: Path, days: float) -> None:
    moment = time.time() - days * 24 * HOUR
    os.utime(path, (moment, moment))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three caches of features, the last without a note, of different ages; converted weights, a view, two speeds."""
    for days, key in enumerate(KEYS):
        folder = tmp_path / "features" / key
        if days < 2:
            store.note(folder, {"of": "hf:some/model", "name": f"above block {days}", "dtype": "bfloat16"})
        store.add(folder, ["a", "b"][: 1 + days], [np.zeros((4, 8), np.float32)] * min(2, 1 + days))
        days_old(folder, days)
    for name in (
        "weights/99ff-1.safetensors",
        "views/55ee/model/config.json",
        "precision/x",
        "precision/y",
        "mine.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1.5")
        days_old(tmp_path / name, 30)
    return tmp_path


def names(found: list[caches.Cache] | tuple[caches.Cache, ...]) -> set[str]:
    return {cache.name for cache in found}


def named(root: Path, name: str) -> caches.Cache:
    return next(cache for cache in caches.listed(root) if cache.name == name)


def test_every_kind_is_listed_and_a_strangers_file_is_not(root: Path) -> None:
    assert names(caches.listed(root)) == {*(key[:12] for key in KEYS), "99ff-1", "55ee", "precision"}


def test_a_cache_says_of_which_model_it_is_and_how_large(root: Path) -> None:
    cache = named(root, KEYS[1][:12])
    size = sum(file.stat().st_size for file in cache.path.iterdir())
    assert (cache.of, cache.rows, cache.mib) == ("hf:some/model, above block 1, in bfloat16", 2, size / 2**20)


def test_a_cache_without_a_note_is_unknown(root: Path) -> None:
    assert named(root, KEYS[2][:12]).of == "unknown"


def test_the_last_used_comes_first(root: Path) -> None:
    features = [cache.name for cache in caches.listed(root) if cache.kind == "features"]
    assert features == [key[:12] for key in KEYS]


def test_where_nothing_is_kept_nothing_is_listed(tmp_path: Path) -> None:
    assert caches.listed(tmp_path / "not there") == []


def test_clearing_leaves_nothing_but_strangers(root: Path) -> None:
    done = caches.clear(root)
    assert len(done.gone) == 6
    assert [path.name for path in root.rglob("*") if path.is_file()] == ["mine.txt"]


def test_what_was_freed_is_what_was_there(root: Path) -> None:
    before = sum(file.stat().st_size for file in (root / "features").rglob("*") if file.is_file())
    assert caches.clear(root, ["features"]).mib == pytest.approx(before / 2**20)


@pytest.mark.parametrize(
    ("asked", "gone"),
    [(["1f0c"], {KEYS[0][:12]}), ([KEYS[1]], {KEYS[1][:12]}), (["precision", "77"], {"precision", KEYS[2][:12]})],
    ids=["first letters", "whole key", "kind and letters"],
)
def test_named_caches_alone_are_cleared(root: Path, asked: list[str], gone: set[str]) -> None:
    before = names(caches.listed(root))
    assert names(caches.clear(root, asked).gone) == gone
    assert names(caches.listed(root)) == before - gone


def test_letters_that_begin_several_names_are_refused(root: Path) -> None:
    with pytest.raises(SettingError, match='"1f" begins the names of 2 caches'):
        caches.clear(root, ["77", "1f"])
    assert len(caches.listed(root)) == 6


def test_a_name_nobody_has_is_refused(root: Path) -> None:
    with pytest.raises(UnknownName, match='no cache "abc"'):
        caches.clear(root, ["abc"])


def test_what_was_used_lately_is_left_and_that_is_said(root: Path) -> None:
    done = caches.clear(root, ["features"], unused_seconds=36 * HOUR)
    assert names(done.gone) == {KEYS[2][:12]}
    assert {(cache.name, why) for cache, why in done.left} == {(key[:12], "it was used since") for key in KEYS[:2]}


def test_to_use_a_cache_makes_it_young(root: Path) -> None:
    store.note(root / "features" / KEYS[2], {})
    assert time.time() - named(root, KEYS[2][:12]).used < HOUR


@pytest.mark.parametrize("begun", ["0a.npy", "0a.partial"], ids=["a shard without listing", "half a listing"])
def test_what_is_being_written_is_left_alone_for_an_hour(root: Path, begun: str) -> None:
    (root / "features" / KEYS[0] / begun).touch()
    (done,) = caches.clear(root, ["1f0c"]).left
    assert "is being written" in done[1]
    days_old(root / "features" / KEYS[0] / begun, 1.1 / 24)
    assert names(caches.clear(root, ["1f0c"]).gone) == {KEYS[0][:12]}


def test_what_cannot_be_deleted_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    assert [why for _, why in caches.clear(root, ["77"]).left] == ["it cannot be deleted: Permission denied"]


def test_remains_of_a_deletion_are_no_cache_and_go_with_the_next(root: Path) -> None:
    remains = root / f"{KEYS[0]}{caches.CLEARED}00"
    (root / "features" / KEYS[0]).rename(remains)
    assert KEYS[0][:12] not in names(caches.listed(root))
    caches.clear(root, ["77"])
    assert not remains.exists()


@pytest.mark.parametrize(("age", "expected"), [("12h", 12 * HOUR), ("30d", 30 * 24 * HOUR), ("2w", 14 * 24 * HOUR)])
def test_ages_are_read(age: str, expected: float) -> None:
    assert caches.seconds(age) == expected


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1.5d", "30 days", ""])
def test_what_is_no_age_is_refused(age: str) -> None:
    with pytest.raises(SettingError, match=f'--older-than "{age}"'):
        caches.seconds(age)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"max_length": 64}, "first 64 tokens"),
        ({"max_length": 64, "long": "head-tail"}, "first and last tokens, 64 in all"),
        ({"max_length": 64, "long": "chunks"}, "in parts of 64 tokens"),
        ({"max_length": None, "long": "chunks"}, ""),
    ],
)
def test_it_is_said_what_was_read_of_long_texts(about: dict[str, Any], said: str) -> None:
    assert caches._said(about) == said
