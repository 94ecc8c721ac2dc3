"""Long recordings are cut where it is quiet: no word is cut, nothing is lost, and little of a file is read for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import tones
from headstart import windows
from headstart.sources import dir as folders
from headstart.sources.items import pauses

RATE = 1000


def loud(*spans: tuple[float, float], seconds: float) -> Any:
    """Noise within some spans of seconds, and almost none elsewhere."""
    sound = np.random.default_rng(0).normal(0, 1, int(seconds * RATE)).astype(np.float32)
    at = np.arange(len(sound)) / RATE
    is_loud = np.any([(at >= start) & (at < end) for start, end in spans], axis=0)
    return np.where(is_loud, sound, 0.001 * sound)


def test_a_short_recording_is_one_window() -> None:
    assert pauses.windows(loud((0, 4), seconds=4), 4 * RATE, 4 * RATE, rate=RATE) == [(0, 4 * RATE)]


def test_windows_follow_each_other_and_are_never_too_long() -> None:
    sound = loud((0, 100), seconds=100)

    found = pauses.windows(sound, len(sound), 9 * RATE, rate=RATE)

    assert [start for start, _ in found] == [0, *(end for _, end in found[:-1])]
    assert found[-1][1] == len(sound)
    assert all(0 < end - start <= 9 * RATE for start, end in found)
    # the first two thirds of a window are never given up
    assert all(end - start >= 6 * RATE for start, end in found[:-1])


def test_no_word_is_cut() -> None:
    words = [(0.2 + 1.1 * number, 0.2 + 1.1 * number + 0.7) for number in range(50)]
    sound = loud(*words, seconds=56)

    ends = [end / RATE for _, end in pauses.windows(sound, len(sound), 9 * RATE, rate=RATE)[:-1]]

    assert len(ends) >= 6
    assert not [end for end in ends for start, stop in words if start < end < stop]


def test_the_longest_silence_is_cut_in_its_middle() -> None:
    sound = loud((0, 1.0), (1.2, 2.0), (2.6, 3.0), seconds=3)

    assert pauses.quietest(sound, rate=RATE) == pytest.approx(2.3 * RATE, abs=0.15 * RATE + 10)


def test_only_the_end_of_each_window_is_read_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    usual = soundfile.SoundFile.read

    def counted(self: Any, frames: int = -1, *args: Any, **kwargs: Any) -> Any:
        found = usual(self, frames, *args, **kwargs)
        read.append(len(found))
        return found

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    soundfile.write(tmp_path / "long.wav", loud((0, 60), seconds=60), RATE)

    found = pauses.windows(str(tmp_path / "long.wav"), 60 * RATE, 9 * RATE, rate=RATE)

    assert read == [3 * RATE] * (len(found) - 1)


def test_each_window_tells_which_seconds_it_covers(family: Any, tmp_path: Path) -> None:
    path = tones.write(tmp_path / "long.wav", "a b c " * 6)
    backbone = folders.load(str(family("moonshine")), revision=None, offline=True)

    encoded = backbone.prepare([str(path)], max_length=2, where=True, long="pauses")

    where = windows.covered(encoded, np.arange(len(encoded.lengths)))
    taken = encoded.take(range(len(encoded.lengths)))
    assert len(where) > 2
    np.testing.assert_allclose(np.concatenate(where)[1:, 0], np.concatenate(where)[:-1, 1])
    assert np.concatenate(where)[-1, 1] == pytest.approx(soundfile.info(path).duration, abs=1e-3)
    for one, other in zip(where, taken.where or (), strict=True):
        np.testing.assert_array_equal(one, other)
