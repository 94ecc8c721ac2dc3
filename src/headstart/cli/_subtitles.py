"""Transcripts as subtitles: words gathered into cues, written as SRT or WebVTT, one file for each recording."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.errors import MismatchError, OutputError

PAUSE = 0.8
"""Seconds of silence after which a new cue begins."""
LONGEST = 6.0
"""Seconds that a cue stands at most."""
LINE, LINES = 42, 2
"""Characters of a line, and lines of a cue, as broadcasters have them."""
ENDINGS = (".srt", ".vtt")

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Cue:
    """What is said from one second to another."""

    start: float
    end: float
    text: str


def cues(words: Sequence[Mapping[str, Any]]) -> list[Cue]:
    """The words in cues: as many as fit, until a pause."""
    groups: list[list[Mapping[str, Any]]] = []
    for word in words:
        if groups and _fits(groups[-1], word):
            groups[-1].append(word)
        else:
            groups.append([word])
    return [Cue(group[0]["start"], group[-1]["end"], " ".join(one["word"] for one in group)) for group in groups]


def _fits(group: Sequence[Mapping[str, Any]], word: Mapping[str, Any]) -> bool:
    length = sum(len(one["word"]) + 1 for one in group) + len(word["word"])
    is_near = word["start"] - group[-1]["end"] <= PAUSE
    return bool(is_near and word["end"] - group[0]["start"] <= LONGEST and length <= LINE * LINES)


def srt(given: Sequence[Cue]) -> str:
    """As SubRip has it: numbered, with a comma before the milliseconds."""
    blocks = [
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_lines(cue)}\n"
        for number, cue in enumerate(given, start=1)
    ]
    return "\n".join(blocks)


def vtt(given: Sequence[Cue]) -> str:
    """As WebVTT has it; its three reserved characters are escaped."""
    blocks = [f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_escaped(_lines(cue))}\n" for cue in given]
    return "\n".join(["WEBVTT\n", *blocks])


def _time(seconds: float, mark: str) -> str:
    total = round(seconds * 1000)
    return f"{total // 3_600_000:02}:{total // 60_000 % 60:02}:{total // 1000 % 60:02}{mark}{total % 1000:03}"


def _lines(cue: Cue) -> str:
    return "\n".join(textwrap.wrap(cue.text, LINE)) or cue.text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def verify(place: Path, is_of_speech: bool) -> None:
    """Makes sure that subtitles can be written, before the work.

    Raises:
        MismatchError: The model hears no words.
        OutputError: The place is a file that is there already, or has no folder above it.
    """
    if not is_of_speech:
        raise MismatchError("--subtitles writes what is said in recordings, and this model hears none. Leave it out.")
    if (place.suffix.lower() in ENDINGS and place.exists()) or place.is_file() or not place.parent.is_dir():
        raise OutputError(f'"{place}" exists already, or its folder does not. Choose another --subtitles.')


def write(records: Sequence[Record], place: Path) -> list[Path]:
    """Writes one file for each recording: into a folder, or of a single one under the name given.

    Args:
        records: Each with the recording's path under "audio" and "words".
        place: A folder to make or to add to, for .srt; or a file whose name ends in .srt or .vtt, for one recording.

    Raises:
        OutputError: Several recordings do not go into one file, two would have one name, or it cannot be written.
    """
    ending = place.suffix.lower() if place.suffix.lower() in ENDINGS else ""
    if ending and len(records) != 1:
        raise OutputError(f'"{place}" is one file, and there are {len(records)} recordings. Name a folder instead.')
    paths = [place] if ending else [place / f"{Path(str(one['audio'])).stem}.srt" for one in records]
    if len(set(paths)) < len(paths):
        raise OutputError(
            f'Two recordings have one name, and "{place}" would hold one of them. Give one folder at a time.'
        )
    made = vtt if ending == ".vtt" else srt
    try:
        for path, record in zip(paths, records, strict=True):
            path.parent.mkdir(exist_ok=True)
            path.write_text(made(cues(record["words"])), encoding="utf-8")
    except OSError as error:
        raise OutputError(f'"{place}" cannot be written: {error.strerror}. Choose another --subtitles.') from error
    return paths
