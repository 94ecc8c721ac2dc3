"""What lies under the cache root: of which model each cache is, how large it is, and how it is cleared away.

Everything there can be computed again. What is in a cache is the business of who keeps it.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart import store
from headstart.errors import SettingError, UnknownName

SHOWN = 12
"""Letters of a key that stand for it; among a million caches two would rarely share them."""
YOUNG = 3600.0
"""Seconds in which what was begun and not finished is taken to belong to a living process."""
CLEARED = ".cleared-"
"""In the name of what is being deleted, so that nobody finds half of it under its own name."""
UNKNOWN = "unknown"
WHAT = {
    "features": UNKNOWN,
    "weights": "pickled weights converted to safetensors",
    "views": "a model folder as transformers may see it",
    "precision": "how fast bfloat16 was here, by model",
}
"""The kinds, and what each is of where it does not say so itself."""
UNITS = {"h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class Cache:
    """One cache: where it is, what it is of, how many rows it holds, its size and when it was last used."""

    name: str
    kind: str
    path: Path
    of: str
    rows: int | None
    mib: float
    used: float
    is_being_written: bool = False


@dataclass(frozen=True)
class Cleared:
    """What was deleted, what was left alone, and why."""

    gone: tuple[Cache, ...]
    left: tuple[tuple[Cache, str], ...]

    @property
    def mib(self) -> float:
        """How much room that made."""
        return sum(cache.mib for cache in self.gone)


def listed(root: Path) -> list[Cache]:
    """Every cache under the root, the last used first; measured speeds are one, and remains of a deletion are none."""
    found = []
    for kind in WHAT:
        for path in _places(root, kind):
            with contextlib.suppress(FileNotFoundError):  # cleared away since it was seen
                found.append(_of(path, kind))
    return sorted(found, key=lambda cache: (-cache.used, cache.name))


def _places(root: Path, kind: str) -> Iterator[Path]:
    folder = root / kind
    if kind == "precision":
        yield from [folder] if folder.is_dir() else []
    elif folder.is_dir():
        yield from (path for path in folder.iterdir() if CLEARED not in path.name)


def _of(path: Path, kind: str) -> Cache:
    name = kind if kind == "precision" else path.name.split(".")[0][:SHOWN]
    files = [file.lstat() for file in path.rglob("*") if not file.is_dir()] if path.is_dir() else [path.lstat()]
    rows = len(files) if kind == "precision" else store.count(path) if kind == "features" else None
    size = sum(file.st_size for file in files)
    about = store.about(path) if kind == "features" else {}
    # a folder is touched when it is used; that a file was read, only its own time tells
    used = path.stat().st_mtime if path.is_dir() else max(path.stat().st_atime, path.stat().st_mtime)
    return Cache(name, kind, path, _said(about) or WHAT[kind], rows, size / 2**20, used, _is_young(path, kind))


def _said(about: dict[str, Any]) -> str:
    """Of which model and what of it, in words."""
    dtype = about.get("dtype")
    parts = [about.get("of"), about.get("name"), f"in {dtype}" if dtype == "bfloat16" else None]
    length = about.get("max_length")
    kept = {"head-tail": "first and last tokens, {} in all", "chunks": "in parts of {} tokens"}
    read = kept.get(about.get("long", "cut"), "first {} tokens")
    return ", ".join([*filter(None, parts), *([] if length is None else [read.format(length)])])


def _is_young(path: Path, kind: str) -> bool:
    """Whether something in it was begun and not finished, so short a time ago that somebody may still be at it."""
    begun: Sequence[Path] = ()
    if kind == "features":
        begun = store.unfinished(path)
    elif kind == "weights" and path.is_dir():
        begun = [path]
    elif kind == "views":
        begun = [child for child in path.iterdir() if child.name.startswith("tmp")]
    return any(time.time() - part.stat().st_mtime < YOUNG for part in begun)


def clear(root: Path, names: Sequence[str] = (), *, unused_seconds: float = 0) -> Cleared:
    """Deletes caches; each vanishes from its place at once, and its files follow.

    Args:
        root: Of all caches; nothing else that lies there is touched.
        names: As `listed` gives them, beginnings of them, or kinds; none means every cache.
        unused_seconds: Only those that were not used for so long.

    Raises:
        UnknownName: No cache is called so.
        SettingError: Several are.
    """
    gone: list[Cache] = []
    left: list[tuple[Cache, str]] = []
    for cache in _chosen(listed(root), names):
        why = _kept_because(cache, unused_seconds)
        if why is None:
            why = _remove(cache.path)
        if why is None:
            gone.append(cache)
        else:
            left.append((cache, why))
    for path in root.glob(f"*{CLEARED}*"):
        shutil.rmtree(path, ignore_errors=True)  # what an interrupted deletion left
    return Cleared(tuple(gone), tuple(left))


def _chosen(caches: list[Cache], names: Sequence[str]) -> list[Cache]:
    if not names:
        return caches
    wanted: dict[Path, Cache] = {}
    for name in names:
        found = [cache for cache in caches if cache.kind == name or cache.path.name.startswith(name)]
        if not found:
            raise UnknownName("cache", name, [cache.name for cache in caches])
        if len(found) > 1 and name not in WHAT:
            raise SettingError(
                f'"{name}" begins the names of {len(found)} caches: {", ".join(cache.name for cache in found)}. '
                f"Give more letters."
            )
        wanted |= {cache.path: cache for cache in found}
    return list(wanted.values())


def _kept_because(cache: Cache, unused_seconds: float) -> str | None:
    """Why a cache is left alone; None where it is not."""
    if time.time() - cache.used < unused_seconds:
        return "it was used since"
    if cache.is_being_written:
        return "it is being written; what was begun and not finished counts as given up after an hour"
    return None


def _remove(path: Path) -> str | None:
    """Why it could not be deleted; None where it was."""
    aside = path.parent.parent / f"{path.name}{CLEARED}{uuid.uuid4().hex}"
    try:
        path.rename(aside)
        shutil.rmtree(aside) if aside.is_dir() else aside.unlink()
    except FileNotFoundError:
        return None  # somebody else has cleared it away meanwhile
    except OSError as error:
        return f"it cannot be deleted: {error.strerror or error}"
    return None


def seconds(age: str) -> float:
    """An age such as "30d" in seconds; h, d and w are hours, days and weeks.

    Raises:
        SettingError: It is none.
    """
    found = re.fullmatch(r"([0-9]+)([hdw])", age)
    if found is None:
        raise SettingError(f'--older-than "{age}": give a number with h, d or w for hours, days or weeks, such as 30d.')
    return float(found[1]) * UNITS[found[2]]


def to_json(cache: Cache) -> dict[str, Any]:
    """For another program."""
    facts: dict[str, Any] = json.loads(json.dumps(vars(cache), default=str))
    return facts
