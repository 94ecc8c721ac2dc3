"""Python for model cards that opens recordings and lets a sequence-to-sequence model write what is said in them."""

from __future__ import annotations

from headstart.sources.items.frames import Frames
from headstart.sources.items.pauses import PAUSE, PIECE, SEARCHED
from headstart.sources.items.sound_windows import WINDOW


def of_written(frames: Frames, *, seconds: int | None) -> str:
    """For a transformers folder; leaves `answers`, the text of each recording.

    Args:
        frames: How the model makes frames of samples.
        seconds: Of a window.
    """
    room = (seconds or WINDOW) * frames.rate
    room = room if frames.most is None else min(room, frames.most)
    sizes = {"rate": frames.rate, "room": room, "searched": room // SEARCHED, "piece": max(1, frames.rate // PIECE)}
    return _CODE.format(**sizes, pause=PAUSE)


_CODE = """import numpy
import soundfile
import soxr
import torch
from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor

folder = "."  # this folder
items = ["recording.wav"]  # your recordings
processor = AutoProcessor.from_pretrained(folder)
model = AutoModelForSpeechSeq2Seq.from_pretrained(folder).eval()


def opened(item):  # one channel, {rate} samples a second
    samples, rate = soundfile.read(item, dtype="float32", always_2d=True)
    samples = samples.mean(axis=1)
    return samples if rate == {rate} else soxr.resample(samples, rate, {rate}).astype("float32")


def parts(sound):  # a longer recording is cut where it is quiet
    while len(sound) > {room}:
        heard = sound[{room} - {searched} : {room}].astype("float64")
        loud = (heard[: len(heard) // {piece} * {piece}].reshape(-1, {piece}) ** 2).mean(axis=1)
        wide = min({pause}, len(loud))
        sums = numpy.convolve(loud, numpy.ones(wide), mode="valid")
        at = len(sums) - 1 - int(numpy.argmin(sums[::-1]))
        end = {room} - {searched} + min({searched}, max(1, (2 * at + wide) * {piece} // 2))
        yield sound[:end]
        sound = sound[end:]
    yield sound


def written(part):
    inputs = processor(part, sampling_rate={rate}, return_tensors="pt")
    with torch.no_grad():
        ids = model.generate(**inputs)
    return " ".join(processor.batch_decode(ids, skip_special_tokens=True)[0].split())


answers = [" ".join(filter(None, map(written, parts(opened(item))))) for item in items]
"""
