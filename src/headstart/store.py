"""Arrays kept on disk row by row, in shards that are mapped and never read whole.

Rows may be of any length: those of a shard stand end to end. What they mean, and what names them, is the caller's.
"""

# n entries of a row

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import OutputError

Array = np.ndarray[Any, np.dtype[Any]]

LISTING = ".keys.json"
PARTIAL = ".partial"
ABOUT = "about.json"
"""What the rows are of, for people; nothing is decided by it."""


@dataclass(frozen=True)
class Place:
    """Where a row is: its entries are `shard[start:stop]`."""

    shard: Array
    start: int
    stop: int

    def read(self) -> Array:
        """The row, shape (n, ...), still mapped."""
        return self.shard[self.start : self.stop]


def known(folder: Path) -> dict[str, Place]:
    """Key -> place of every row kept there. A shard without its listing was never finished and does not count."""
    found: dict[str, Place] = {}
    for listing in sorted(folder.glob(f"*{LISTING}")):
        try:
            shard = np.load(folder / listing.name.replace(LISTING, ".npy"), mmap_mode="r")
            facts = json.loads(listing.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue  # cleared away since it was seen
        ends = np.cumsum([0, *facts["lengths"]]).tolist()
        found |= {key: Place(shard, *ends) for key, ends in zip(facts["keys"], pairwise(ends), strict=True)}
    return found


def add(folder: Path, keys: Sequence[str], rows: Sequence[Array]) -> None:
    """Keeps one shard: the rows first, then the listing that makes it count.

    Args:
        folder: Of rows of one kind; made when it is not there.
        keys: Of the rows.
        rows: Each of shape (n, ...), alike but for n.

    Raises:
        OutputError: The disk is full, or the folder cannot be written to.
    """
    name = uuid.uuid4().hex
    partial = folder / f"{name}{PARTIAL}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{name}.npy", np.concatenate(rows))
        partial.write_text(json.dumps({"keys": list(keys), "lengths": list(map(len, rows))}), encoding="utf-8")
        partial.replace(folder / f"{name}{LISTING}")
    except OSError as error:
        with contextlib.suppress(OSError):
            (folder / f"{name}.npy").unlink()
        reason = error.strerror or error
        raise OutputError(f'"{folder}" cannot be written: {reason}. Set HEADSTART_CACHE to one with room.') from error


def note(folder: Path, facts: Mapping[str, Any]) -> None:
    """Writes down what the rows of a folder are of, where that is not yet known, and that they are being used."""
    partial = folder / f"{uuid.uuid4().hex}.about"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / ABOUT).exists():
            partial.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
            partial.replace(folder / ABOUT)
        os.utime(folder)
    except OSError:
        return  # nothing depends on it; where rows cannot be written either, that is said with them


def about(folder: Path) -> dict[str, Any]:
    """What was noted; nothing where nothing was, or where it cannot be read."""
    try:
        facts = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def count(folder: Path) -> int:
    """How many rows are kept there."""
    listings = (json.loads(path.read_text(encoding="utf-8")) for path in folder.glob(f"*{LISTING}"))
    return sum(len(listing["keys"]) for listing in listings)


def unfinished(folder: Path) -> list[Path]:
    """Shards without a listing, and listings that are being written."""
    shards = [path for path in folder.glob("*.npy") if not path.with_name(path.stem + LISTING).exists()]
    return shards + list(folder.glob(f"*{PARTIAL}"))
