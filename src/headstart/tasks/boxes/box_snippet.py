"""Python for model cards that answers with boxes, without headstart."""

BOXES = """import inspect
import json

import torch
import transformers
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional

folder = "."  # this folder
items = [Image.new("RGB", (64, 64), "red")]  # your images, in RGB, turned as their EXIF data says
with open(folder + "/headstart.json", encoding="utf-8") as file:
    facts = json.load(file)
frame, form, names = facts["frame"], facts["head"], facts["learned"]
model = (transformers.AutoModel if form else transformers.AutoModelForObjectDetection).from_pretrained(folder).eval()
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


def pyramid(pixels):  # maps with 8, 16 and 32 pixels between two places
    states = model(pixel_values=pixels, output_hidden_states=True, **more).hidden_states
    maps = []
    for number, (layer,) in enumerate(form["groups"]):
        state = states[layer]
        if state.ndim == 3:  # patches in a row, behind states that belong to no patch
            side = int(state.shape[1] ** 0.5)
            state = state[:, -(side**2) :].unflatten(1, (side, side)).permute(0, 3, 1, 2)
        maps.append(block(state, f"pyramid.lateral.{number}"))
    strides = form["strides"]
    given = dict(zip(strides, maps))
    above, levels = None, []
    for stride in (32, 16, 8):  # what the coarser maps see is added to the finer ones
        parts = [part for part in (given.get(stride), above) if part is not None]
        parts = parts or [given[min(strides, key=lambda other: abs(other - stride))]]
        above = sum(resized(part, round(maps[0].shape[-1] * strides[0] / stride)) for part in parts)
        levels.insert(0, above)
    return [block(level, f"pyramid.smooth.{number}") for number, level in enumerate(levels)]


def found(pixels):  # of each place or query the edges of its box as shares of the input, then how sure of each class
    if not form:
        given = model(pixel_values=pixels)
        middle, half = given.pred_boxes[0, :, :2], given.pred_boxes[0, :, 2:] / 2
        logits = given.logits[0].double()  # in some families the last of them is for nothing
        sure = logits.softmax(-1)[:, :-1] if logits.shape[-1] > len(names) else logits.sigmoid()
        return torch.cat([middle - half, middle + half, sure], dim=-1)
    rows = []
    for number, state in enumerate(pyramid(pixels)):
        things, reaches = (block(block(state, part + ".0"), part + ".1") for part in ("things", "reaches"))
        logits = functional.conv2d(things, head["classes.weight"], head["classes.bias"], padding=1)[0]
        reach = functional.conv2d(reaches, head["distances.weight"], head["distances.bias"], padding=1)[0]
        side = state.shape[-1]
        reach = 2 / side * (reach * head["factors"][number]).clamp(-6, 6).exp()
        along = (torch.arange(side) + 0.5) / side
        middle = torch.stack(torch.meshgrid(along, along, indexing="xy"))
        row = torch.cat([middle - reach[:2], middle + reach[2:], logits.double().sigmoid()])
        rows.append(row.flatten(1).T)
    return torch.cat(rows)


def starts(length, size):  # where tiles begin along a side; two share a quarter or more
    last, most = -(-(length - size) // 32), max(1, (size - size // 4) // 32)
    num = max(1, -(-last // most))
    return [last * n // num * 32 for n in range(num + 1)] if length > size else [0]


def is_same(one, other, most):  # whether two boxes show one thing
    (_, a, label, tile), (_, b, label_b, tile_b) = one, other
    both = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    smaller, larger = sorted((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    is_part = tile != tile_b and both > 0.7 * smaller  # tiles see parts of a thing that lies across them
    return label == label_b and (is_part or both >= most * (smaller + larger - both))


answers = []  # of each image its boxes, the surest first: left, top, right and bottom edge in pixels
for image in items:
    size = frame["size"]
    factor = size / max(image.size) if frame["scale"] is None else frame["scale"]
    wide, high = (max(1, round(side * factor)) for side in image.size)
    small = image if image.size == (wide, high) else image.resize((wide, high), Image.Resampling.BILINEAR)
    corners = [(left, top) for top in starts(high, size) for left in starts(wide, size)]
    ends, boxes = torch.tensor([*image.size] * 2, dtype=torch.float64), []
    for tile, (left, top) in enumerate(corners):
        part = small.crop((left, top, min(wide, left + size), min(high, top + size)))
        pixels = processor(images=[part], return_tensors="pt", **plain)["pixel_values"]
        with torch.no_grad():
            rows = found(functional.pad(pixels, (0, size - part.width, 0, size - part.height)))
        edges = (rows[:, :4] * size + torch.tensor([left, top] * 2)) * ends / torch.tensor([wide, high] * 2)
        edges, sure = edges.clamp(min=0).minimum(ends).tolist(), rows[:, 4:].tolist()
        told = [(sure[at][label], edges[at], label, tile) for at, label in (rows[:, 4:] > 0.05).nonzero().tolist()]
        surest = sorted(told, key=lambda one: -one[0])[:1000]
        boxes += [one for one in surest if one[1][0] < one[1][2] and one[1][1] < one[1][3]]
    most = 0.6 if form or len(corners) > 1 else float("inf")  # queries were learnt as a set, which says nothing twice
    kept = []
    for one in sorted(boxes, key=lambda one: -one[0]):
        if len(kept) < 100 and not any(is_same(one, other, most) for other in kept):
            kept.append(one)
    rounded = [[round(edge, 2) for edge in box] for _, box, _, _ in kept]
    pairs = zip(kept, rounded)
    answers.append({"boxes": [{"label": names[one[2]], "box": box, "score": one[0]} for one, box in pairs]})
print(answers)
"""
"""Leaves `answers`, as `predict` gives them; on the ecosystem's own class, or on the layers of `heads.cells`."""
