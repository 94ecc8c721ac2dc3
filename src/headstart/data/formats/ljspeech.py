"""Lists of recordings as LJ Speech has them: id|text|normalised text, no header, the recordings in a folder beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from headstart.data.formats.delimited import is_utf8
from headstart.data.part import SAMPLE_ROWS, Chunk, Part, batches
from headstart.data.problems import Fault, at_row
from headstart.data.sounds import EXTENSIONS, has_sound_name

COLUMNS = ("audio", "transcript")
FOLDERS = ("wavs", "wav", "audio", "clips", "")
"""Where the recordings are, beside the list."""
MARK = "|"


def looks_listed(path: Path, start: bytes) -> bool:
    """Whether a file is such a list: its first line has an id and a text, and the id is that of a recording."""
    first = start.decode("utf-8-sig", "replace").partition("\n")[0].rstrip("\r")
    cells = first.split(MARK)
    return len(cells) in (2, 3) and bool(cells[0].strip()) and _file(path.parent, cells[0]) is not None


def open_ljspeech(path: Path, name: str) -> Part:
    """Such a list as a part: the recordings, and of each the normalised text, or the text where there is none."""
    rows = [cells for _, cells in islice(_rows(path), SAMPLE_ROWS) if not isinstance(cells, Fault)]
    sample = {column: [cells[at] for cells in rows] for at, column in enumerate(COLUMNS)}
    said = (f"{name} is a list without a header, in the form of LJ Speech: id{MARK}text{MARK}normalised text.",)
    return Part(name, COLUMNS, sample, partial(_chunks, path, name), path.parent, said=said)


def _rows(path: Path) -> Iterator[tuple[int, tuple[str, str] | Fault]]:
    """Number of each line that is not blank, with its recording and transcript."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        for number, line in enumerate((line for line in file if line.strip()), start=1):
            yield number, _cells(path.parent, line.rstrip("\r\n"))


def _cells(base: Path, line: str) -> tuple[str, str] | Fault:
    cells = line.split(MARK)
    if not is_utf8(line):
        return Fault("bad-encoding", "it is not valid UTF-8. Save the file as UTF-8.")
    if len(cells) not in (2, 3):
        said = (
            f'it has {len(cells)} cells where 2 or 3 were expected. Write id{MARK}text, without "{MARK}" in the text.'
        )
        return Fault("ragged-row", said)
    if not cells[0].strip():
        return Fault("empty-audio", f"it names no recording. Write its id before the first {MARK}.")
    found = _file(base, cells[0]) or f"{FOLDERS[0]}/{cells[0].strip()}.wav"
    return found, next((cell.strip() for cell in reversed(cells[1:]) if cell.strip()), "")


def _file(base: Path, name: str) -> str | None:
    """The recording of an id, relative to the list."""
    name = name.strip()
    if "\0" in name:
        return None
    spelled = [name] if has_sound_name(name) else [name + extension for extension in EXTENSIONS]
    places = (f"{folder}/{one}" if folder else one for folder in FOLDERS for one in spelled)
    return next((place for place in places if (base / place).is_file()), None)


def _chunks(path: Path, name: str, wanted: Sequence[str]) -> Iterator[Chunk]:
    for batch in batches(_rows(path)):
        good = [(number, cells) for number, cells in batch if not isinstance(cells, Fault)]
        bad = [at_row(cells, file=name, row=number) for number, cells in batch if isinstance(cells, Fault)]
        columns = {column: [cells[COLUMNS.index(column)] for _, cells in good] for column in wanted}
        yield Chunk([number for number, _ in good], columns, bad)
