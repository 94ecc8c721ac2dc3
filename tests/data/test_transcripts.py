"""Transcripts are read from every form people keep them in, and compared in one plain form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

import tones
from headstart.contracts import Field
from headstart.data.check import check
from headstart.data.problems import Fault
from headstart.data.read import Found, read
from headstart.data.truths.transcripts import cleaned, plain
from headstart.errors import DataError

SPEECH = (
    Field("audio", "audio", "the recording", ("file_name", "file", "path")),
    Field("label", "transcript", "what is said", ("transcription", "transcript", "text", "sentence")),
)
LABEL = Field("label", "label", "its class")
CANDIDATES = {
    "speech": SPEECH,
    "texts": (Field("text", "text", "the text", ("sentence",)), LABEL),
    "images": (Field("image", "image", "the picture", ("file_name", "path")), LABEL),
}

PLAIN = {
    "case and marks": ("Hello, World!", "hello world"),
    "an apostrophe within a word": ("Don’t stop", "don't stop"),
    "quotes are no apostrophes": ("'quoted' words'", "quoted words"),
    "a dash parts words": ("twenty-one — or so", "twenty one or so"),
    "compatible characters": ("ﬁve ５", "five 5"),
    "accents stay": ("Café au lait", "café au lait"),
    "marks of letters stay": ("हिन्दी।", "हिन्दी"),
    "Chinese": ("你好，世界。", "你好 世界"),
    "spaces": ("  a \n b\t", "a b"),
}


@pytest.mark.parametrize("case", PLAIN)
def test_the_plain_form(case: str) -> None:
    given, expected = PLAIN[case]

    assert plain(given) == expected
    assert plain(expected) == expected


@pytest.mark.parametrize("value", ["", "  ", None, float("nan"), "…!", ["a"], True])
def test_what_is_no_transcript_is_said(value: Any) -> None:
    assert isinstance(cleaned(value), Fault)


@pytest.mark.parametrize(("value", "text"), [("null", "null"), (7, "7"), (" as it is ", " as it is ")])
def test_words_that_stand_for_nothing_elsewhere_are_words_here(value: Any, text: str) -> None:
    assert cleaned(value) == text


def found(data: Any, **more: Any) -> Found:
    return read(data, candidates=CANDIDATES, **more)


def test_a_folder_with_a_list_is_read(tmp_path: Path) -> None:
    rows = found(str(tones.listed(tmp_path, ["a b", "b"])))

    assert rows.task == "speech"
    assert rows.splits["train"].column("label") == ["a b", "b"]
    assert all(Path(path).is_file() for path in rows.splits["train"].column("audio"))


def test_a_list_as_lj_speech_has_it_is_read(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        tones.write(tmp_path / "wavs" / f"{name}.wav", "ab")
    (tmp_path / "metadata.csv").write_text("one|Dr. A, b|doctor a, b\ntwo|just text|\nthree|two cells\n")

    rows = found(str(tmp_path))

    assert rows.splits["train"].column("label") == ["doctor a, b", "just text", "two cells"]
    assert [Path(path).name for path in rows.splits["train"].column("audio")] == ["one.wav", "two.wav", "three.wav"]
    assert not check(rows).errors


def test_a_line_of_such_a_list_that_is_cut_otherwise_is_named(tmp_path: Path) -> None:
    tones.write(tmp_path / "wavs" / "one.wav", "ab")
    (tmp_path / "metadata.csv").write_text("one|a|b\none|a|b|c\n|a\nlost|a\n")

    rows = found(str(tmp_path))

    assert [(one.kind, one.row) for one in rows.problems] == [("ragged-row", 2), ("empty-audio", 3)]
    assert [(one.kind, one.row) for one in check(rows).errors if one not in rows.problems] == [("audio-missing", 4)]


def test_json_lines_with_paths_are_read(tmp_path: Path) -> None:
    tones.write(tmp_path / "a.flac", "a")
    (tmp_path / "rows.jsonl").write_text('{"path": "a.flac", "sentence": "a"}\n' * 2)

    assert found(str(tmp_path / "rows.jsonl")).task == "speech"


def test_recordings_inside_a_table_become_files(tmp_path: Path) -> None:
    content = tones.write(tmp_path / "a.ogg", "a").read_bytes()
    audio = [{"bytes": content, "path": "a.ogg"}, {"bytes": content, "path": "a.ogg"}]
    parquet.write_table(pa.table({"audio": audio, "text": ["a", "a"]}), tmp_path / "rows.parquet")

    rows = found(str(tmp_path / "rows.parquet")).splits["train"]

    assert Path(rows.column("audio")[0]).read_bytes() == content


def test_samples_in_memory_become_files() -> None:
    audio = {"array": tones.samples("a").tolist(), "sampling_rate": tones.RATE}

    rows = found([{"audio": audio, "text": "a"}] * 2)

    assert not check(rows).errors
    assert rows.task == "speech"


def test_samples_without_a_rate_are_refused() -> None:
    (problem, _) = found([{"audio": {"array": [0.0, 0.1], "sampling_rate": None}, "text": "a"}] * 2).problems

    assert problem.kind == "no-rate"
    assert problem.field == "audio"


def test_a_column_of_pictures_is_not_taken_for_recordings(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("file_name,text\na.png,alpha\nb.png,beta\n")

    with pytest.raises(DataError):
        found(str(tmp_path / "rows.csv"), task="speech")


def test_repeated_recordings_and_other_transcripts_of_them_are_told(tmp_path: Path) -> None:
    tones.listed(tmp_path, ["a b", "b a"])
    (tmp_path / "clips" / "1.wav").write_bytes((tmp_path / "clips" / "0.wav").read_bytes())

    kinds = {problem.kind for problem in check(found(str(tmp_path))).problems}

    assert {"duplicates", "conflicting-labels"} <= kinds


def test_a_transcript_its_recording_has_no_time_for_is_an_error(tmp_path: Path) -> None:
    tones.listed(tmp_path, ["a b", "b a"])
    (tmp_path / "metadata.csv").write_text("file_name,transcription\nclips/0.wav,a\nclips/1.wav," + "many words " * 9)

    (problem,) = check(found(str(tmp_path))).errors

    assert (problem.kind, problem.row, problem.field) == ("transcript-too-long", 2, "label")
