"""Pictures with boxes as a part, whatever file said of them what they show; shared by `coco`, `voc` and `yolo`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from headstart.contracts import Problem
from headstart.data.part import Chunk, Part, batches
from headstart.data.problems import Fault, at_row
from headstart.data.truths.boxes import Drawn

COLUMNS = ("image", "objects")
SEEN = 50
"""Pictures that are looked at to tell what the columns hold."""


@dataclass(frozen=True)
class Annotated:
    """A picture, what is drawn on it, and the file and row that say so. Without a picture it is nothing but a fault."""

    file: str
    row: int
    image: str | None
    drawn: Drawn | Fault


Reading = Callable[[], Iterator[Annotated]]


def part_of(name: str, reading: Reading, *, base: Path | None, said: Sequence[str]) -> Part:
    """The pictures that `reading` goes through, each time anew.

    Args:
        name: How messages call the part.
        reading: Gives them in a fixed order.
        base: Folder that their paths start from.
        said: What was taken for granted in reading them.
    """
    some = [one for one in islice(reading(), SEEN) if one.image is not None]
    sample: Mapping[str, Sequence[Any]] = {"image": [one.image for one in some], "objects": [one.drawn for one in some]}
    return Part(name, COLUMNS, sample, partial(_chunks, reading), base=base, said=tuple(said))


def _chunks(reading: Reading, wanted: Sequence[str]) -> Iterator[Chunk]:
    for batch in batches(reading()):
        good = [one for one in batch if one.image is not None]
        bad = [_problem(one) for one in batch if one.image is None]
        columns: Mapping[str, Sequence[Any]] = {
            "image": [one.image for one in good],
            "objects": [one.drawn for one in good],
        }
        chosen = {column: columns[column] for column in wanted}
        yield Chunk([one.row for one in good], chosen, bad, files=[one.file for one in good])


def _problem(one: Annotated) -> Problem:
    assert isinstance(one.drawn, Fault), "what has no picture is a fault"
    return at_row(one.drawn, file=one.file, row=one.row)
