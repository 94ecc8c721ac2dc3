"""The folder of a run: built beside its final name, given that name in one step when everything is in it.

Whatever interrupts a run, the final name either does not exist or holds a finished run; what was learnt until then
stays beside it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from headstart import cost
from headstart.errors import OutputError, Stopped

OWNER = "owner.lock"
CHECKPOINT = "checkpoint"
"""Folder with what an interrupted run needs to go on; gone when the run is finished."""
REQUEST = "request.json"
EVENTS = "events.jsonl"


@contextlib.contextmanager
def building(out: Path, *, resume: bool = False, go_on: str = "headstart fit --resume {out}") -> Iterator[Path]:
    """A folder `OUT.partial` that becomes `OUT` when the block ends well.

    When it does not, the folder vanishes, unless something learnt is saved in it: then it stays, and whoever builds it
    next goes on from there; `agree` makes sure that this is the same run.

    Args:
        out: The final name.
        resume: There must be something to go on from.
        go_on: What to type to go on, said when the user stops it.

    Raises:
        OutputError: `out` exists, another live run is building it, the place cannot be written to, or there is nothing
            to go on from with `resume`.
    """
    out = out.absolute()  # "." and ".." have no name of their own
    partial = out.with_name(out.name + ".partial")
    try:
        if out.exists():
            raise OutputError(f'"{out}" exists already. Name another folder with --out, or remove this one.')
        if resume and not (partial / REQUEST).is_file():
            raise OutputError(f'"{out}" has nothing saved to go on from. Begin it with headstart fit.')
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = _claim(partial)
    except OSError as error:
        raise OutputError(f'"{out}" cannot be written: {error.strerror or error}.') from error
    # held until the name is final or the folder gone: whoever got the lock earlier would clear our work away
    with lock:
        try:
            yield partial
            _publish(partial, out)
        except Stopped as stopped:
            raise Stopped(f"{stopped} Go on with: {go_on.format(out=out)}") from stopped
        finally:
            if partial.exists() and not is_resumable(partial):
                shutil.rmtree(partial, ignore_errors=True)


def is_resumable(partial: Path) -> bool:
    """Whether a folder holds a checkpoint to go on from."""
    return (partial / REQUEST).is_file() and any((partial / CHECKPOINT).glob("*/checkpoint.json"))


def size_of_checkpoints(partial: Path) -> float:
    """What is there only until the run is finished, in MiB."""
    return cost.size_mib(partial / CHECKPOINT)


def request(out: Path) -> dict[str, Any]:
    """What an interrupted run was asked to do.

    Raises:
        OutputError: No such run is there, or its request cannot be read.
    """
    path = out.with_name(out.name + ".partial") / REQUEST
    if out.exists():
        raise OutputError(f'"{out}" is finished; there is nothing to go on with.')
    if not path.is_file():
        raise OutputError(f'"{out}" has nothing saved to go on from. Begin it with headstart fit.')
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OutputError(f'"{path}" is damaged: {error}. Remove "{path.parent}" and begin anew.') from error
    return found


def agree(partial: Path, settings: Mapping[str, Any], **asked: str | None) -> None:
    """Writes down what a run is asked for; one that goes on must be asked for the same.

    Args:
        partial: From `building`.
        settings: Of the run.
        **asked: What else decides: where the data is, hashes of the rows and of the model.

    Raises:
        OutputError: Something is another than when the run began.
    """
    path = partial / REQUEST
    now = json.loads(json.dumps({**asked, "settings": dict(settings)}))
    if not path.is_file():
        write_json(path, now)
        return
    then = json.loads(path.read_text(encoding="utf-8"))
    changed = [f"the {name}" for name in asked if then.get(name) != now[name]]
    options = [name for name, value in now["settings"].items() if then["settings"].get(name) != value]
    changed += [f"--{name.replace('_', '-')}" for name in options]
    if changed:
        raise OutputError(
            f'"{partial}" holds an interrupted run that was begun otherwise: {", ".join(changed)} changed since. '
            f"Go on with what it was begun with, name another folder with --out, or remove it."
        )


def _publish(partial: Path, out: Path) -> None:
    try:
        os.rename(partial, out)
    except OSError as error:
        raise OutputError(f'"{out}" appeared while this run was working. Name another folder with --out.') from error
    # only now: until the name is final, a run that is killed can go on from them
    shutil.rmtree(out / CHECKPOINT, ignore_errors=True)
    (out / REQUEST).unlink(missing_ok=True)
    (out / OWNER).unlink()


def _claim(partial: Path) -> TextIO:
    """A folder that is ours while the returned file is open, cleared of all that the run will write again."""
    partial.mkdir(exist_ok=True)
    lock = (partial / OWNER).open("w")
    if not _lock(lock):
        lock.close()
        raise OutputError(f'Another run is building "{partial}". Wait for it, or name another folder with --out.')
    kept = {OWNER, CHECKPOINT, REQUEST, EVENTS} if is_resumable(partial) else {OWNER}
    for path in partial.iterdir():
        if path.name not in kept:
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


@contextlib.contextmanager
def aside() -> Iterator[Path]:
    """A folder for a process that shares a run and does not write it; gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="headstart-") as name:
        yield Path(name)


def write_json(path: Path, value: Any) -> None:
    """Writes a value as readable JSON."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
