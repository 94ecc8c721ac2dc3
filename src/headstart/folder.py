"""The folder of a run: built beside its final name, given that name in one step when everything is in it.

Whatever interrupts a run, the final name either does not exist or holds a finished run.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from headstart.errors import OutputError

OWNER = "owner.lock"


@contextlib.contextmanager
def building(out: Path) -> Iterator[Path]:
    """A fresh folder `OUT.partial` that becomes `OUT` when the block ends well, and vanishes when it does not.

    Args:
        out: The final name.

    Raises:
        OutputError: `out` exists, another live run is building it, or the place cannot be written to.
    """
    try:
        if out.exists():
            raise OutputError(f'"{out}" exists already. Name another folder with --out, or remove this one.')
        partial = out.with_name(out.name + ".partial")
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = _claim(partial)
    except OSError as error:
        raise OutputError(f'"{out}" cannot be written: {error.strerror or error}.') from error
    # held until the name is final or the folder gone: whoever got the lock earlier would clear our work away
    with lock:
        try:
            yield partial
            _publish(partial, out)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def _publish(partial: Path, out: Path) -> None:
    try:
        os.rename(partial, out)
    except OSError as error:
        raise OutputError(f'"{out}" appeared while this run was working. Name another folder with --out.') from error
    (out / OWNER).unlink()


def _claim(partial: Path) -> TextIO:
    """An empty folder that is ours while the returned file is open; the remains of a killed run are cleared away."""
    partial.mkdir(exist_ok=True)
    lock = (partial / OWNER).open("w")
    if not _lock(lock):
        lock.close()
        raise OutputError(f'Another run is building "{partial}". Wait for it, or name another folder with --out.')
    for path in partial.iterdir():
        if path.name != OWNER:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return lock


def _lock(file: TextIO) -> bool:
    """Whether the file is now locked by this process; the system lets go when the process ends, however it ends."""
    try:
        import fcntl
    except ModuleNotFoundError:  # not on Windows, where an open file cannot be removed, which serves as well
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_json(path: Path, value: Any) -> None:
    """Writes a value as readable JSON."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
