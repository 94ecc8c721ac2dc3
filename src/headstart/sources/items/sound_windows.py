"""Recordings as a speech model reads them: samples or spectra, opened batch by batch, long ones in windows."""

# B rows, S samples, T frames

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Encoded, Inputs
from headstart.data.sounds import num_samples, open_sound
from headstart.sources.items import pauses
from headstart.sources.items.frames import Frames
from headstart.windows import Windows

if TYPE_CHECKING:
    from headstart.contracts import Indices

WINDOW = 30
"""Seconds of a recording that are read at once where it is read in windows and nobody says how many; as training does,
see `train.hearing`."""
OVERLAP = 6
"""One second in so many of a window is in the next one too, so that no word is heard without its surroundings."""

Change = Callable[[int, Any], Any]
"""From a row's number and its samples, or its spectrum, to what is read instead."""


@dataclass(frozen=True)
class EncodedSounds:
    """Recordings, or windows of them, opened, brought to the model's rate and padded batch by batch.

    `spans` are the first sample and the one behind the last of each row, `owners` the item of each. With `is_by_row`
    it is told of a row as a whole what it covers, else of each frame. `samples` and `spectrum` change what is read, at
    the model's rate, before the processor reads it and after.
    """

    processor: Any
    items: tuple[Any, ...]
    frames: Frames
    spans: Indices
    owners: Indices
    is_cut: bool = False
    where: bool = False
    is_by_row: bool = False
    samples: Change | None = None
    spectrum: Change | None = None

    def changed(self, *, samples: Change | None = None, spectrum: Change | None = None) -> EncodedSounds:
        """The same rows, each changed anew whenever it is read."""
        return dataclasses.replace(self, samples=samples, spectrum=spectrum)

    @cached_property
    def lengths(self) -> Indices:
        """Frames of each row; the same for all where the model always reads so much."""
        if self.frames.most is not None:
            return np.full(len(self.spans), self.frames.count(self.frames.most), dtype=np.int64)
        return np.array([self.frames.count(int(end - start)) for start, end in self.spans], dtype=np.int64)

    @cached_property
    def _beyond(self) -> Indices:
        """Samples of each row beyond what the model reads."""
        most = self.frames.most
        ends = np.diff(self.spans, axis=1)[:, 0]
        return np.zeros_like(ends) if most is None else (ends - most).clip(min=0)

    @property
    def truncated(self) -> int:
        """Rows longer than the model reads."""
        return int((self._beyond > 0).sum())

    @property
    def lost(self) -> int:
        """Frames that they lost."""
        return int(self._beyond.sum()) // self.frames.stride

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """A batch with its mask, padded on the right, or to what the model always reads."""
        sounds = [self._sound(int(row)) for row in indices]
        batch = dict(
            self.processor(
                sounds,
                sampling_rate=self.frames.rate,
                padding=True if self.frames.most is None else "max_length",
                return_attention_mask=True,
                return_tensors="pt",
            )
        )
        if self.spectrum is not None and "input_features" in batch:
            batch["input_features"] = self._spectra(batch, indices)
        return Inputs(batch, self._seconds(indices, list(map(len, sounds))) if self.where else None)

    def covered(self, indices: Sequence[int] | Indices) -> list[Any]:
        """Seconds that each frame of some rows covers, by their heads alone: no recording is opened for it."""
        rows = np.asarray(indices, dtype=np.int64)
        return self._seconds(rows, np.diff(self.spans[rows], axis=1)[:, 0].tolist())

    def _seconds(self, indices: Sequence[int] | Indices, samples: Sequence[int]) -> list[Any]:
        starts = self.spans[np.asarray(indices, dtype=np.int64), 0] / self.frames.rate
        if self.is_by_row:
            return [
                np.array([[at, at + length / self.frames.rate]]) for length, at in zip(samples, starts, strict=True)
            ]
        return [self.frames.seconds(length) + at for length, at in zip(samples, starts, strict=True)]

    def _sound(self, row: int) -> Any:
        item, rate = self.items[int(self.owners[row])], self.frames.rate
        start, stop = (int(place) for place in self.spans[row])
        if not self.is_cut:
            sound = open_sound(item, rate=rate)
        else:
            sound = open_sound(item, rate=rate, start=start / rate, stop=stop / rate)
        return sound if self.samples is None else self.samples(row, sound)

    def _spectra(self, batch: dict[str, Any], indices: Sequence[int] | Indices) -> Any:
        """The spectra of a batch, each changed within its own length."""
        assert self.spectrum is not None, "asked for only where they are changed"
        spectra = batch["input_features"].clone()
        lengths = batch["attention_mask"].sum(dim=1).tolist()
        is_time_first = spectra.shape[1] == batch["attention_mask"].shape[1]
        for at, (row, length) in enumerate(zip(indices, lengths, strict=True)):
            mine_TF = spectra[at, :length] if is_time_first else spectra[at, :, :length].T
            mine_TF[:] = self.spectrum(int(row), mine_TF)
        return spectra


def encoded(
    processor: Any, items: Sequence[Any], frames: Frames, *, seconds: int | None, where: bool, long: str
) -> Encoded:
    """Recordings whole, or with "windows" those that are longer than so many seconds in windows that overlap; with
    "pauses" in windows that end where it is quiet, and what is covered is told of each as a whole.

    Args:
        processor: The feature extractor.
        items: Files, bytes of files, or arrays of samples.
        frames: How the model makes frames of them.
        seconds: Of a window; by default 30, or what the model reads.
        where: Whether batches also say which seconds each frame covers.
        long: "windows", "pauses" or anything else.
    """
    totals = [num_samples(item, rate=frames.rate) for item in items]
    if long not in ("windows", "pauses"):
        spans = np.array([(0, total) for total in totals], dtype=np.int64).reshape(-1, 2)
        return EncodedSounds(processor, tuple(items), frames, spans, np.arange(len(items)), where=where)
    room = (seconds or WINDOW) * frames.rate
    room = room if frames.most is None else min(room, frames.most)
    if long == "pauses":
        parts = [pauses.windows(item, total, room, rate=frames.rate) for item, total in zip(items, totals, strict=True)]
    else:
        parts = [_windows(total, room, frames.stride) for total in totals]
    owners = np.repeat(np.arange(len(items)), [len(part) for part in parts])
    spans = np.array([span for part in parts for span in part], dtype=np.int64).reshape(-1, 2)
    is_cut = len(owners) > len(items)
    told = where, long == "pauses"
    return Windows(EncodedSounds(processor, tuple(items), frames, spans, owners, is_cut, *told), owners)


def _windows(total: int, room: int, stride: int) -> list[tuple[int, int]]:
    """First sample and end of each window; all but the last as long as there is room, each at a whole frame."""
    if total <= room:
        return [(0, total)]
    room -= room % stride
    step = room - room // OVERLAP
    step -= step % stride
    num = -(-(total - room) // step) + 1
    return [(number * step, min(total, number * step + room)) for number in range(num)]
