"""Python for model cards that answers with masks, without headstart."""

MASKS = """import inspect
import json

import torch
import transformers
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional

folder = "."  # this folder
items = [Image.new("RGB", (64, 64), "red")]  # your images, in RGB
with open(folder + "/headstart.json", encoding="utf-8") as file:
    facts = json.load(file)
frame, form, names = facts["frame"], facts["head"], facts["learned"]["names"]
config = transformers.AutoConfig.from_pretrained(folder)
kind = transformers.AutoModel if form else getattr(transformers, config.architectures[0])
model = kind.from_pretrained(folder).eval()
processor = transformers.AutoImageProcessor.from_pretrained(folder)
head = load_file(folder + "/head.safetensors") if form else {}
steps = ("do_resize", "do_center_crop", "do_pad")
plain = {step: False for step in steps if getattr(processor, step, None) is not None}
takes = inspect.signature(model.forward).parameters
more = {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in takes else {}


def block(state, name):  # a convolution, a norm over groups of channels, a rectifier
    weight = head[name + ".0.weight"]
    state = functional.conv2d(state, weight, padding=weight.shape[-1] // 2)
    width = weight.shape[0]
    groups = max(n for n in range(1, 9) if width % n == 0 and (n == 1 or width >= 2 * n))
    return functional.group_norm(state, groups, head[name + ".1.weight"], head[name + ".1.bias"]).relu()


def resized(state, side):
    return functional.interpolate(state, size=(side, side), mode="bilinear", align_corners=False)


def scores(pixels):
    if not form:
        given = model(pixel_values=pixels, **more)
        if "masks_queries_logits" not in given:
            return given.logits
        shares, masks = given.class_queries_logits.softmax(-1)[..., :-1], given.masks_queries_logits.sigmoid()
        return torch.einsum("bqc,bqhw->bchw", shares, masks).clamp(min=1e-6).log()
    states = model(pixel_values=pixels, output_hidden_states=True, **more).hidden_states
    above, levels = None, []
    for number, (layer,) in reversed(list(enumerate(form["groups"]))):
        state = states[layer]
        if state.ndim == 3:  # patches in a row, behind states that belong to no patch
            side = int(state.shape[1] ** 0.5)
            state = state[:, -(side**2) :].unflatten(1, (side, side)).permute(0, 3, 1, 2)
        state = block(state, f"pyramid.lateral.{number}")
        above = state if above is None else state + resized(above, state.shape[-1])
        levels.insert(0, above)
    finest = levels[0].shape[-1]
    levels = [block(level, f"pyramid.smooth.{number}") for number, level in enumerate(levels)]
    state = block(sum(resized(level, finest) for level in levels), "around")
    return functional.conv2d(state, head["scores.weight"], head["scores.bias"])


answers = []  # of each image the class of every pixel, by its place in `names`
for image in items:
    factor = frame["size"] / max(image.size) if frame["scale"] is None else frame["scale"]
    wide, high = (max(1, round(side * factor)) for side in image.size)
    small = image if image.size == (wide, high) else image.resize((wide, high), Image.Resampling.BILINEAR)
    pixels = processor(images=[small], return_tensors="pt", **plain)["pixel_values"]
    # larger images are read at once here and in tiles by headstart, which differs a little near their edges
    side = max(frame["size"], -(-max(wide, high) // 32) * 32)
    with torch.no_grad():
        logits = scores(functional.pad(pixels, (0, side - wide, 0, side - high)))
    across = (torch.arange(image.size[0]) + 0.5) / image.size[0] * wide / side * 2 - 1
    down = (torch.arange(image.size[1]) + 0.5) / image.size[1] * high / side * 2 - 1
    places = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1)[None]
    found = functional.grid_sample(logits, places, padding_mode="border", align_corners=False)
    answers.append(found[0].argmax(0))
"""
"""Leaves `answers`, masks of class numbers; on the ecosystem's own class, or on the layers of `heads.semantic`."""
