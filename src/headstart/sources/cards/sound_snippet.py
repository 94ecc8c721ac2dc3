"""Python for model cards that opens recordings and reads them in windows, with the ecosystem's own packages."""

from __future__ import annotations

from headstart.sources.items.frames import Frames
from headstart.sources.items.sound_windows import OVERLAP, WINDOW


def of_sounds(auto_class: str | None, frames: Frames, *, seconds: int | None, long: str) -> str:
    """For a transformers folder of a model that reads recordings; each row goes through alone.

    Args:
        auto_class: Of the task model, which gives logits for each frame; None for the hidden states of the bare one.
        frames: How it makes frames of samples.
        seconds: Of a window.
        long: "windows", or anything else for recordings read whole.
    """
    stride = frames.stride
    room = (seconds or WINDOW) * frames.rate
    room = (room if frames.most is None else min(room, frames.most)) // stride * stride
    sizes = {"rate": frames.rate, "steps": list(frames.steps), "stride": stride, "span": frames.span, "room": room}
    sizes["step"] = (room - room // OVERLAP) // stride * stride
    opening = _OPENING.format(auto=auto_class or "AutoModel", **sizes)
    opening += _WINDOWS.format(**sizes) if long == "windows" else _WHOLE
    opening += _INPUTS.format(padding='"max_length"' if frames.most is not None else "True", **sizes)
    return opening + (_LOGITS if auto_class is not None else _STATES)


_OPENING = """import soundfile
import soxr
import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import {auto}, AutoFeatureExtractor

folder = "."  # this folder
items = ["recording.wav"]  # your recordings
processor = AutoFeatureExtractor.from_pretrained(folder)
model = {auto}.from_pretrained(folder).eval()


def opened(item):  # one channel, {rate} samples a second
    samples, rate = soundfile.read(item, dtype="float32", always_2d=True)
    samples = samples.mean(axis=1)
    return samples if rate == {rate} else soxr.resample(samples, rate, {rate}).astype("float32")


def num_frames(samples):
    for kernel, step, padding in {steps}:
        samples = max(0, (samples + 2 * padding - kernel) // step + 1)
    return max(1, samples)


"""
_WINDOWS = """rows, owners, starts = [], [], []  # a longer recording is read in windows that overlap
for item, sound in enumerate(map(opened, items)):
    for start in range(0, max(1, len(sound) - {room} + {step}), {step}):
        if start == 0 or start < len(sound) - {room} + {step}:
            rows.append(sound[start : start + {room}])
            owners.append(item)
            starts.append(start)
"""
_WHOLE = """rows = list(map(opened, items))
owners, starts = list(range(len(rows))), [0] * len(rows)
"""
_INPUTS = """spans = []  # seconds that each frame of each row covers
for row, start in zip(rows, starts):
    begins = [start + number * {stride} for number in range(num_frames(len(row)))]
    spans.append([(at / {rate}, min(at + {span}, start + len(row)) / {rate}) for at in begins])


def given(row, **how):
    inputs = processor(row, sampling_rate={rate}, padding={padding}, return_tensors="pt")
    with torch.no_grad():
        return model(**inputs, **how)


"""
_LOGITS = """logits = pad_sequence([given(row).logits[0] for row in rows], batch_first=True)
"""
_STATES = """layers = [given(row, output_hidden_states=True).hidden_states for row in rows]
layers = [[state[0, : len(span)] for state in states] for states, span in zip(layers, spans)]
states = [pad_sequence(list(layer), batch_first=True) for layer in zip(*layers)]
vectors = [torch.stack([state[: len(span)].mean(0) for state, span in zip(layer, spans)]) for layer in states]
"""
