"""Malformed recordings and transcripts, each made by one small function in an empty folder, with what must be said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from bad_data import Build, Case

import tones


def listed(spoil: Callable[[Path], object] = lambda path: None, *, text: str = "b", file: str = "1.wav") -> Build:
    """metadata.csv of three recordings, of which the second is spoilt or its line is."""

    def build(folder: Path) -> Path:
        tones.listed(folder, ["a", "b", "a b"])
        spoil(folder / "clips" / "1.wav")
        lines = ["file_name,transcription", "clips/0.wav,a", f"clips/{file},{text}", "clips/2.wav,a b"]
        (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
        return folder

    return build


def rows(*audio: Any, **fields: Any) -> Build:
    """rows.jsonl with one good row and these recordings."""

    def build(folder: Path) -> Path:
        tones.write(folder / "a.wav", "a")
        good = {"audio": "a.wav", "text": "a"}
        lines = [good, *({"audio": one, "text": "a", **fields} for one in audio), good]
        (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
        return folder / "rows.jsonl"

    return build


def _samples(change: Callable[[Any], Any], **how: Any) -> Callable[[Path], None]:
    return lambda path: soundfile.write(path, change(tones.samples("b")), tones.RATE, **how)


def _with_nan(sound: Any) -> Any:
    sound[500] = np.nan
    return sound


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _ljspeech(line: str) -> Build:
    def build(folder: Path) -> Path:
        for name in ("one", "two"):
            tones.write(folder / "wavs" / f"{name}.wav", "a")
        (folder / "metadata.csv").write_text(f"one|a|a\n{line}\ntwo|a|a\n")
        return folder

    return build


AT = 'row 2, field "audio"'
SAID = 'row 2, field "label"'
CASES = (
    Case("a recording that is not there", listed(file="lost.wav"), f'{AT}: "'),
    Case("a file without bytes", listed(lambda path: path.write_bytes(b"")), "the file holds no bytes"),
    Case("a file that is text", listed(lambda path: path.write_text("hello " * 40)), "no recording that can be read"),
    Case("a recording without samples", listed(_samples(lambda sound: sound[:0])), "holds no samples"),
    Case("a recording of zeros", listed(_samples(lambda sound: sound * 0)), "every sample of it is zero"),
    Case("next to silence", listed(_samples(lambda sound: sound * 1e-6, subtype="FLOAT")), "or next to it"),
    Case("a sample that is no number", listed(_samples(_with_nan, subtype="FLOAT")), "a sample at 0.031 s is no"),
    Case("an endless sample", listed(_samples(lambda s: np.where(s > 0.1, np.inf, s), subtype="FLOAT")), "no finite"),
    Case("half of a recording", listed(_half), "cut short: its head promises"),
    Case("six milliseconds", listed(_samples(lambda sound: sound[:100])), "it lasts 6.2 ms"),
    Case("an empty transcript", listed(text=""), f"{SAID}: the transcript is empty"),
    Case("a transcript of spaces", listed(text='"  "'), f"{SAID}: the transcript is empty"),
    Case("a transcript of marks", listed(text="?!"), "holds no letter and no digit"),
    Case("more said than there is time for", listed(text="many words " * 5), f"{SAID}: the transcript has 45 letters"),
    Case("a picture for a recording", listed(file="1.png"), '1.png": there is no such file'),
    Case("a number for a recording", rows(7), "type int was found where the path of an audio"),
    Case("no recording", rows(None), "the audio is empty"),
    Case("a list for a transcript", rows("a.wav", text=["a"]), "is of type list, and a text was expected"),
    Case("no transcript", rows("a.wav", text=None), "the transcript is empty"),
    Case("samples without a rate", rows({"array": [0.1, 0.2]}), "come with"),
    Case("samples that are words", rows({"array": ["a"], "sampling_rate": 8000}), "samples"),
    Case("neither bytes nor samples nor a path", rows({"bytes": None, "path": None}), "neither bytes nor samples"),
    Case("a line of four cells", _ljspeech("two|a|b|c"), "it has 4 cells where 2 or 3 were expected"),
    Case("a line without an id", _ljspeech("|a|a"), "it names no recording"),
    Case("an id of no recording", _ljspeech("three|a|a"), "there is no such file"),
    Case("a line without a text", _ljspeech("two||"), "the transcript is empty"),
)
