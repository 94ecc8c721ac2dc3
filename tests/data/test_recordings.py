"""What is wrong with a recording is found beforehand, in any format, and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tones
from headstart.data.recordings import check_audio, looks, rushed


@pytest.mark.parametrize("extension", [".wav", ".flac", ".ogg", ".mp3", ".aiff"])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_is_opened(extension: str, channels: int, tmp_path: Path) -> None:
    path = tones.write(tmp_path / f"one{extension}", "ab", rate=22_050, channels=channels)

    (look,) = looks([path])

    assert look.fault is None
    assert look.rate == 22_050
    assert look.channels == channels
    assert look.seconds == pytest.approx(len(tones.samples("ab")) / tones.RATE, abs=0.06)  # MP3 pads its ends


def zeros(path: Path) -> None:
    soundfile.write(path, np.zeros(8000, np.float32), 16_000)


def no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros(0, np.float32), 16_000)


def a_click(path: Path) -> None:
    soundfile.write(path, np.ones(100, np.float32), 16_000)


def not_a_number(path: Path) -> None:
    sound = tones.samples("a")
    sound[1600] = np.nan
    soundfile.write(path, sound, 16_000, subtype="FLOAT")


def cut_short(path: Path) -> None:
    tones.write(path, "abc")
    path.write_bytes(path.read_bytes()[:4000])


def text(path: Path) -> None:
    path.write_text("this is no recording at all, but a text of some length")


def flac_by_another_name(path: Path) -> None:
    tones.write(path.with_suffix(".flac"), "a").rename(path)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "all zeros": (zeros, "audio-silent"),
    "no samples": (no_samples, "audio-empty"),
    "no bytes": (lambda path: path.write_bytes(b""), "audio-empty"),
    "six milliseconds": (a_click, "audio-too-short"),
    "a sample that is no number": (not_a_number, "audio-not-finite"),
    "half of the file": (cut_short, "audio-truncated"),
    "text": (text, "audio-broken"),
    "another format": (flac_by_another_name, "audio-misnamed"),
    "nothing": (lambda path: None, "audio-missing"),
    "a folder": (lambda path: path.mkdir(), "audio-unreadable"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(fault: str, tmp_path: Path) -> None:
    make, kind = FAULTS[fault]
    make(tmp_path / "one.wav")

    found = check_audio(tmp_path / "one.wav")

    assert found is not None
    assert found.kind == kind
    assert found.said.endswith(".")


def test_a_flac_that_ends_early_is_broken_or_cut_short(tmp_path: Path) -> None:
    path = tones.write(tmp_path / "one.flac", "abcabc")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    found = check_audio(path)

    assert found is not None
    assert found.kind in ("audio-truncated", "audio-broken")


def test_a_wav_of_unknown_length_as_pipes_write_it_is_no_fault(tmp_path: Path) -> None:
    path = tones.write(tmp_path / "one.wav", "abc")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)

    assert check_audio(path) is None


@pytest.mark.parametrize(("letters", "is_fault"), [(60, False), (61, True)])
def test_nobody_says_more_than_sixty_letters_a_second(letters: int, is_fault: bool) -> None:
    assert (rushed("a " * letters, 1.0) is not None) == is_fault
