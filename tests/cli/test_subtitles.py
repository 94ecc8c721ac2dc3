"""Subtitles have the times of their words, in the forms that players read."""

from __future__ import annotations

from pathlib import Path

import pytest

from headstart.cli import _subtitles
from headstart.cli._subtitles import Cue, cues, srt, vtt
from headstart.errors import MismatchError, OutputError


def word(text: str, start: float, end: float) -> dict[str, object]:
    return {"word": text, "start": start, "end": end, "score": 1.0}


def test_words_stand_together_until_a_pause() -> None:
    words = [word("so", 0.0, 0.2), word("it", 0.3, 0.5), word("goes", 2.0, 2.5)]

    assert cues(words) == [Cue(0.0, 0.5, "so it"), Cue(2.0, 2.5, "goes")]


def test_no_cue_is_longer_than_two_lines_or_six_seconds() -> None:
    words = [word("word" * 3, at * 0.5, at * 0.5 + 0.4) for at in range(60)]

    found = cues(words)

    assert all(len(cue.text) <= 84 for cue in found)
    assert all(cue.end - cue.start <= 6 for cue in found)
    assert " ".join(cue.text for cue in found) == " ".join(["word" * 3] * 60)


def test_subrip() -> None:
    assert srt([Cue(0.5, 1.25, "a"), Cue(3661.001, 3662, "b")]) == (
        "1\n00:00:00,500 --> 00:00:01,250\na\n\n2\n01:01:01,001 --> 01:01:02,000\nb\n"
    )


def test_webvtt_escapes_its_marks() -> None:
    assert vtt([Cue(0, 1, "a < b & c")]) == "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na &lt; b &amp; c\n"


def test_nothing_said_is_an_empty_file() -> None:
    assert srt([]) == ""
    assert vtt([]) == "WEBVTT\n"


def test_several_recordings_do_not_go_into_one_file(tmp_path: Path) -> None:
    records = [{"audio": "a.wav", "words": []}, {"audio": "b.wav", "words": []}]

    with pytest.raises(OutputError, match=r"2 recordings\. Name a folder"):
        _subtitles.write(records, tmp_path / "one.srt")
    with pytest.raises(OutputError, match="have one name"):
        _subtitles.write([records[0], {"audio": "other/a.wav", "words": []}], tmp_path / "all")
    with pytest.raises(MismatchError, match="hears none"):
        _subtitles.verify(tmp_path / "one.srt", is_of_speech=False)
    (tmp_path / "there.vtt").touch()
    with pytest.raises(OutputError, match="exists already"):
        _subtitles.verify(tmp_path / "there.vtt", is_of_speech=True)
