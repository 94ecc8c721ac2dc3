"""Pictures of predictions written to folders: each with its answer drawn over, or as a file of its mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.errors import MismatchError, OutputError

if TYPE_CHECKING:
    from headstart.model import Model


@dataclass(frozen=True)
class Wanted:
    """Folders to write to, None where nothing is; `taken` has the names that were given away."""

    draw: Path | None
    masks: Path | None
    taken: set[str] = field(default_factory=set)


def wanted(draw: Path | None, masks: Path | None, model: Model) -> Wanted:
    """The folders, made; asked before the work.

    Raises:
        MismatchError: The model's answers cannot be drawn.
        OutputError: A folder has something in it, or cannot be made.
    """
    for folder, option in ((draw, "--draw"), (masks, "--masks")):
        if folder is None:
            continue
        if not any(one.kind == "mask" for one in model.task.fields):
            raise MismatchError(
                f"{option} is for models that find masks in pictures, as this one does not. Leave it out."
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise OutputError(f'"{folder}" is not empty. Choose another {option}.')
        except OSError as error:
            raise OutputError(f'"{folder}" cannot be made: {error.strerror}. Choose another {option}.') from error
    return Wanted(draw, masks)


def write(record: Mapping[str, Any], places: Wanted, labels: Sequence[str]) -> None:
    """Writes what is wanted of one prediction; of two pictures of one name the second gets a number.

    Raises:
        OutputError: A file cannot be written.
    """
    if places.draw is None and places.masks is None:
        return
    from headstart.report import drawn

    stem = Path(record["image"]).stem
    several = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(places.taken) + 2))
    name = next(one for one in several if one not in places.taken)
    places.taken.add(name)
    try:
        if places.draw is not None:
            drawn.answered(record["image"], dict(record), labels).save(places.draw / f"{name}.png")
        if places.masks is not None:
            drawn.numbered(dict(record)).save(places.masks / f"{name}.png")
    except OSError as error:
        said = f'"{name}.png" cannot be written: {error.strerror or error}. Choose another folder.'
        raise OutputError(said) from error
