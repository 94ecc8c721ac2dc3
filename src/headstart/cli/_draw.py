"""Pictures with what was found in them, and masks, written to folders; how they look is `report.drawn`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.contracts import Task
from headstart.errors import MismatchError, OutputError

if TYPE_CHECKING:
    from PIL.Image import Image


def verify(folder: Path, task: Task) -> None:
    """Makes sure that pictures can be written, before the work.

    Raises:
        MismatchError: The answers are not places in pictures.
        OutputError: The folder has something in it, or cannot be made.
    """
    if task.per != "place":
        raise MismatchError("--draw draws what is found in pictures, and this model finds nothing there. Leave it out.")
    _make(folder, "--draw")


def verify_masks(folder: Path, task: Task) -> None:
    """The same for files of masks.

    Raises:
        MismatchError: The answers are no masks.
        OutputError: The folder has something in it, or cannot be made.
    """
    if not any(field.kind == "mask" for field in task.fields):
        raise MismatchError("--masks writes masks of pictures, and this model finds none. Leave it out.")
    _make(folder, "--masks")


def _make(folder: Path, option: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f'"{folder}" is no empty folder. Choose another {option}.')
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f'"{folder}" cannot be made: {error.strerror}. Choose another {option}.') from error


def write_all(record: Mapping[str, Any], number: int, draw: Path | None, masks: Path | None) -> None:
    """Writes what was asked for of an answer; see `write`."""
    from headstart.report import drawn

    if draw is not None:
        write(record, number, draw)
    if masks is not None:
        _save(drawn.numbered(drawn.mask_of(record)), record, number, masks)


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

    picture = open_image(record["image"])
    if "regions" in record:
        picture = drawn.masked(picture, drawn.mask_of(record))
    else:
        picture = drawn.boxed(picture, [one for one in record["boxes"] if one["score"] >= drawn.LIKELY])
    _save(picture, record, number, folder)


def _save(picture: Image, record: Mapping[str, Any], number: int, folder: Path) -> None:
    stem = Path(record["image"]).stem
    out = folder / f"{stem}.png"
    out = folder / f"{stem}-{number + 1}.png" if out.exists() else out
    try:
        picture.save(out)
    except OSError as error:
        raise OutputError(f'"{out}" cannot be written: {error.strerror or error}. Choose another folder.') from error
