"""Pictures with what was found in them, written to a folder; how they look is the business of `report.drawn`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headstart.contracts import Task
from headstart.errors import MismatchError, OutputError


def verify(folder: Path, task: Task) -> None:
    """Makes sure that pictures can be written, before the work.

    Raises:
        MismatchError: The answers are not places in pictures.
        OutputError: The folder has something in it, or cannot be made.
    """
    if task.per != "place":
        raise MismatchError("--draw draws what is found in pictures, and this model finds nothing there. Leave it out.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f'"{folder}" is no empty folder. Choose another --draw.')
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f'"{folder}" cannot be made: {error.strerror}. Choose another --draw.') from error


def write(record: Mapping[str, Any], number: int, folder: Path) -> None:
    """Draws an answer on its picture.

    Args:
        record: The answer, with the picture's path under "image".
        number: Of the picture, which keeps two of one name apart.
        folder: To write to.

    Raises:
        OutputError: It cannot be written.
    """
    from headstart.data.images import open_image
    from headstart.report import drawn

    path = Path(record["image"])
    picture = drawn.boxed(open_image(path), [one for one in record["boxes"] if one["score"] >= drawn.LIKELY])
    out = folder / f"{path.stem}.png"
    out = folder / f"{path.stem}-{number + 1}.png" if out.exists() else out
    try:
        picture.save(out)
    except OSError as error:
        raise OutputError(f'"{out}" cannot be written: {error.strerror or error}. Choose another --draw.') from error
