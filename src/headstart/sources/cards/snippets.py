"""Python for model cards: opens a saved folder with the ecosystem's own packages, ending in logits or in vectors.

What follows, a head of ours or what a task makes of logits, is `model`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart import cut, stack
from headstart.contracts import Modality
from headstart.sources.cards.pairs_snippet import PAIRS, TWO_LOGITS, TWO_TEXTS
from headstart.sources.items import long_texts

if TYPE_CHECKING:
    from torch import nn


def of_texts(auto_class: str | None, limit: int, *, long: str, frame: long_texts.Frame) -> str:
    """For a transformers folder of a model that reads texts.

    Args:
        auto_class: Of the task model; None for the hidden states of the bare one.
        limit: Most tokens of a row.
        long: What is read of a longer text.
        frame: The tokenizer's special tokens.
    """
    reading = {
        "cut": _CUT,
        "head-tail": _HEAD_TAIL,
        "chunks": _CHUNKS,
        "windows": _WINDOWS,
        "pairs": PAIRS,
        "longest-first": TWO_TEXTS,
    }[long]
    room = limit - frame.before - frame.after
    last = room // 2 + frame.after
    sizes = {"limit": limit, "room": room, "before": frame.before, "after": frame.after}
    sizes |= {"first": limit - last, "last": last, "step": room - room // long_texts.OVERLAP}
    sizes |= {"half": limit // 2, "overlap": long_texts.OVERLAP}
    opening = _TEXT.format(auto=auto_class or "AutoModel") + reading.format(**sizes)
    if auto_class is None:
        return opening + _STATES.format(average=_MEAN_TOKENS)
    if long in ("windows", "pairs"):
        logits = TWO_LOGITS if auto_class == "AutoModelForQuestionAnswering" else _LOGITS
        return opening + logits + OF_TOKENS + _NAMES
    return opening + _LOGITS + (OF_WINDOWS if long == "chunks" else "") + _NAMES


def of_images(auto_class: str | None) -> str:
    """For a transformers folder of a model that reads images.

    Args:
        auto_class: Of the task model; None for the hidden states of the bare one.
    """
    opening = _IMAGE.format(auto=auto_class or "AutoModel")
    return opening + (_STATES.format(average=_MEAN_MAP) if auto_class is None else _LOGITS + _NAMES)


def of_timm(module: nn.Module, auto_class: str | None) -> str:
    """For a folder of timm's, which transformers opens; the hidden states are what enters and leaves each block."""
    opening = _IMAGE.format(auto=auto_class or "AutoModel")
    if auto_class is not None:
        return opening + _LOGITS + _NAMES
    if stack.is_cut_at_the_ends_only(module):
        states = 'with torch.no_grad():\n    states = [inputs["pixel_values"], model(**inputs).last_hidden_state]\n'
    else:
        states = hooked("model.timm_model", module, "model(**inputs)")
    if getattr(stack.base_of(module), "output_fmt", "NCHW") == "NHWC":
        states += _TURNED_ALL if not stack.is_cut_at_the_ends_only(module) else _TURNED_LAST
    return opening + states + _VECTORS.format(average=_MEAN_MAP)


def of_module(origin: Mapping[str, Any], pixels: Mapping[str, Any]) -> str:
    """For a folder of a task module from a PyTorch Hub repository.

    Args:
        origin: How the module is built, as config.json has it.
        pixels: How images are read.
    """
    return _opening(origin, pixels) + _CLASSES


def of_states(
    module: nn.Module, origin: Mapping[str, Any], pixels: Mapping[str, Any], channels_last: Sequence[bool]
) -> str:
    """For a folder of a bare module, whose maps may have their channels last."""
    states = _opening(origin, pixels) + _WEIGHTS + hooked("model", module, "model(inputs)")
    if any(channels_last):
        states += _TURNED.format(last=list(channels_last))
    return states + _VECTORS.format(average=_MEAN_OF_ANY)


def _opening(origin: Mapping[str, Any], pixels: Mapping[str, Any]) -> str:
    is_local = Path(origin["repo"]).is_absolute()
    repository = 'where["repo"]' + (' + ":" + where["revision"]' if origin["revision"] else "")
    return _MODULE.format(repository=repository, kind="local" if is_local else "github", **pixels)


def of_saved_model(modality: Modality, called: Mapping[str, Any]) -> str:
    """For a folder with a SavedModel in it.

    Args:
        modality: What it reads.
        called: How it is called, as config.json has it.
    """
    function = "model" if called["signature"] is None else f'model.signatures["{called["signature"]}"]'
    argument = "" if called["argument"] is None else f"{called['argument']}="
    output = "" if called["output"] is None else f'["{called["output"]}"]'
    opening = _STRINGS if modality == "text" else _PICTURES.format(size=(called["width"], called["height"]))
    return opening + _SAVED_MODEL.format(call=f"{function}({argument}tf.constant(inputs)){output}")


def hooked(name: str, module: nn.Module, call: str) -> str:
    """Code that keeps what enters each block, and what the last one gives, in `states`.

    Args:
        name: Of the bare model in that code.
        module: The model the code is about.
        call: Runs it.
    """
    entries, last = cut.places(module)
    return _HOOKED.format(name=name, entries=list(entries), last=last, call=call)


_TEXT = """import torch
from transformers import {auto}, AutoTokenizer

folder = "."  # this folder
items = ["An example text.", "Another one."]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = {auto}.from_pretrained(folder).eval()
"""
_CUT = """inputs = tokenizer(items, padding=True, truncation=True, max_length={limit}, return_tensors="pt")
"""
_HEAD_TAIL = """rows = tokenizer(items, verbose=False)["input_ids"]
# of a text with more than {limit} tokens the first and the last are read
rows = [row if len(row) <= {limit} else row[:{first}] + row[-{last}:] for row in rows]
inputs = tokenizer.pad({{"input_ids": rows}}, return_tensors="pt")
"""
_CHUNKS = """rows, owners = [], []  # a text with more than {limit} tokens is read in windows of equal length
for item, row in enumerate(tokenizer(items, verbose=False)["input_ids"]):
    body = row[{before} : len(row) - {after}]  # without the special tokens
    windows = max(1, -(-len(body) // {room}))
    ends = [len(body) * number // windows for number in range(windows + 1)]
    for start, end in zip(ends, ends[1:]):
        rows.append(row[:{before}] + body[start:end] + row[len(row) - {after} :])
        owners.append(item)
inputs = tokenizer.pad({{"input_ids": rows}}, return_tensors="pt")
"""
_WINDOWS = """rows, spans, owners = [], [], []  # a text with more than {limit} tokens is read in windows that overlap
for item, text in enumerate(items):
    found = tokenizer(text, return_offsets_mapping=True, verbose=False)
    ids, offsets = found["input_ids"], found["offset_mapping"]
    num = len(ids) - {before} - {after}  # without the special tokens
    windows = max(1, -(-(num - {room}) // {step}) + 1)
    for number in range(windows):
        start = {before} + (max(0, num - {room}) * number // max(1, windows - 1))
        stop = min(start + {room}, {before} + num)
        kept = [*range({before}), *range(start, stop), *range({before} + num, len(ids))]
        rows.append([ids[token] for token in kept])
        spans.append([offsets[token] for token in kept])
        owners.append(item)
inputs = tokenizer.pad({{"input_ids": rows}}, return_tensors="pt")
"""
OF_TOKENS = """parts = [[] for _ in items]  # of each item its windows: values of tokens that cover something, and what
for item, values, covered in zip(owners, logits, spans):
    real = [token for token, (start, end) in enumerate(covered) if end > start]
    parts[item].append((values[real], [covered[token] for token in real]))
logits, where = [], []
for several in parts:  # where two windows overlap, they are parted in the middle
    pairs = zip(several, several[1:])
    cuts = [(before[-1][1] + after[0][0]) / 2 for (_, before), (_, after) in pairs]
    values, places = [], []
    for (part, covered), low, high in zip(several, [-1, *cuts], [*cuts, float("inf")]):
        mine = [token for token, (start, _) in enumerate(covered) if low <= start < high]
        values.append(part[mine])
        places += [covered[token] for token in mine]
    logits.append(torch.cat(values))
    where.append(places)
"""
_NAMES = """names = [model.config.id2label[i] for i in range(model.config.num_labels)]
"""
OF_WINDOWS = """of = torch.tensor(owners)  # the answer to a text is the mean over its windows
logits = torch.stack([logits[of == item].mean(0) for item in range(len(items))])
"""
_IMAGE = """import torch
from PIL import Image
from transformers import {auto}, AutoImageProcessor

folder = "."  # this folder
items = [Image.new("RGB", (64, 64), "red")]  # your images, in RGB
processor = AutoImageProcessor.from_pretrained(folder)
model = {auto}.from_pretrained(folder).eval()
inputs = processor(images=items, return_tensors="pt")
"""
_LOGITS = """with torch.no_grad():
    logits = model(**inputs).logits
"""
_STATES = """with torch.no_grad():
    states = model(**inputs, output_hidden_states=True).hidden_states
vectors = [{average} for state in states]
"""
_HOOKED = """states = []  # what enters each block, and what the last one gives
for place in {entries}:
    {name}.get_submodule(place).register_forward_pre_hook(lambda part, args: states.append(args[0]))
{name}.get_submodule("{last}").register_forward_hook(lambda part, args, output: states.append(output))
with torch.no_grad():
    {call}
"""
_MODULE = """import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

folder = "."  # this folder
items = [Image.new("RGB", (64, 64), "red")]  # your images, in RGB


def pixels(image):
    width, height = (int({resize} * side / min(image.size)) for side in image.size)
    left, top = round((width - {size}) / 2), round((height - {size}) / 2)
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    middle = resized.crop((left, top, left + {size}, top + {size}))
    scaled = np.asarray(middle, dtype=np.float32) / np.float32(255)
    return ((scaled - np.float32({mean})) / np.float32({std})).transpose(2, 0, 1)


inputs = torch.from_numpy(np.stack([pixels(image) for image in items]))
weights = load_file(folder + "/model.safetensors")
config = json.loads(Path(folder, "config.json").read_text(encoding="utf-8"))
where = config["headstart"]  # the repository whose code builds the module: torch.hub.load runs it
call = dict(source="{kind}", trust_repo=True, verbose=False, **where["kwargs"])
model = torch.hub.load({repository}, where["entry"], *where["args"], **call)
"""
_WEIGHTS = """model.load_state_dict(weights)
model.eval()
"""
_CLASSES = """names, classifier = config["label_names"], where["classifier"]
on_top = {name: weights.pop(name) for name in list(weights) if name.startswith("headstart_head.")}
if classifier is not None:  # the last linear layer was replaced by one for these classes
    holder, _, leaf = classifier.rpartition(".")
    old = model.get_submodule(classifier)
    setattr(model.get_submodule(holder), leaf, torch.nn.Linear(old.in_features, len(names)))
model.load_state_dict(weights)
model.eval()
with torch.no_grad():
    logits = model(inputs)
    if on_top:  # a linear layer was put on top of its features
        logits = logits.flatten(1) @ on_top["headstart_head.weight"].T + on_top["headstart_head.bias"]
"""
_STRINGS = """import tensorflow as tf
import torch

folder = "."  # this folder
items = ["An example text.", "Another one."]
inputs = items
"""
_PICTURES = """import numpy as np
import tensorflow as tf
import torch
from PIL import Image

folder = "."  # this folder
items = [Image.new("RGB", (64, 64), "red")]  # your images, in RGB
inputs = np.stack([image.resize({size}, Image.Resampling.BILINEAR) for image in items]).astype("float32") / 255
"""
_SAVED_MODEL = """model = tf.saved_model.load(folder + "/saved_model")
output = {call}
vectors = [torch.from_numpy(output.numpy()).flatten(1)]
"""
_VECTORS = """vectors = [{average} for state in states]
"""
_MEAN_TOKENS = '(state * inputs["attention_mask"][..., None]).sum(1) / inputs["attention_mask"].sum(1, keepdim=True)'
_MEAN_OF_ANY = "state if state.ndim == 2 else state.mean(dim=(2, 3)) if state.ndim == 4 else state.mean(dim=1)"
_TURNED = """channels_last = {last}  # which maps are (B, H, W, D)
states = [state.permute(0, 3, 1, 2) if is_last else state for state, is_last in zip(states, channels_last)]
"""
_MEAN_MAP = "state.mean(dim=(2, 3)) if state.ndim == 4 else state.mean(dim=1)"
_TURNED_ALL = """states = [state.permute(0, 3, 1, 2) if state.ndim == 4 else state for state in states]  # width first
"""
_TURNED_LAST = """states[1] = states[1].permute(0, 3, 1, 2) if states[1].ndim == 4 else states[1]  # width first
"""
