"""Arrays kept on disk row by row, in shards that are mapped and never read whole.

Rows may be of any length: those of a shard stand end to end. What they mean, and what names them, is the caller's.
"""

# n entries of a row

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import OutputError

Array = np.ndarray[Any, np.dtype[Any]]

LISTING = ".keys.json"


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
        shard = np.load(folder / listing.name.replace(LISTING, ".npy"), mmap_mode="r")
        facts = json.loads(listing.read_text(encoding="utf-8"))
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
    partial = folder / f"{name}.partial"
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
