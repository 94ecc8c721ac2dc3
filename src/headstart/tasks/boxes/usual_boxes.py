"""Boxes without a pretrained model: where the training pictures have theirs, and spots unlike the background."""

# N boxes; the last axis of four is for the left, top, right and bottom edge

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.contracts import Prediction, Rows
from headstart.data.images import open_image, size_if_known
from headstart.data.truths.boxes import loads
from headstart.tasks.boxes import rectangles
from headstart.tasks.boxes.found_boxes import SUREST, prediction

MOST = 2000
"""Training boxes of a class that are looked at, every so many of them."""
SAME = 0.5
"""Overlap from which two boxes are at one place."""
SIDE = 256
"""Pixels on the longer side of pictures in which spots are looked for."""
LEAST = 9
"""Pixels there that make a spot."""
Floats = np.ndarray[Any, np.dtype[np.float64]]


def baselines(train: Rows, test: Rows, names: Sequence[str]) -> dict[str, list[Prediction]]:
    """Answers for `test` by both ways."""
    return {
        "the most frequent boxes": _frequent(train, test, names),
        "spots by colour and size": _spots(train, test, names),
    }


def _sizes(rows: Rows) -> list[tuple[int, int]]:
    return [size_if_known(path) or (1, 1) for path in rows.column("image")]


def _frequent(train: Rows, test: Rows, names: Sequence[str]) -> list[Prediction]:
    """The same boxes for every picture, as shares of its size: of each class those that most training boxes overlap."""
    shares: dict[str, list[list[float]]] = {name: [] for name in names}
    for value, size in zip(train.column("label"), _sizes(train), strict=True):
        for box in loads(value):
            if not box.is_crowd:
                shares[box.label].append([edge / size[at % 2] for at, edge in enumerate(box.edges)])
    found: list[tuple[str, Floats, float]] = []
    for name, rows in shares.items():
        boxes = np.array(rows, dtype=np.float64).reshape(-1, 4)[:: len(rows) // MOST + 1]
        if len(boxes):
            often = (rectangles.overlap(boxes, boxes) >= SAME).sum(axis=1) / max(1, len(train))
            kept = rectangles.best(boxes, often, np.zeros(len(boxes)), most=SAME)
            found += [(name, boxes[at], float(often[at])) for at in kept]
    found = sorted(found, key=lambda one: -one[2])[:SUREST]
    return [
        prediction(
            [
                {"label": name, "box": (box * np.tile(size, 2)).tolist(), "score": min(1.0, often)}
                for name, box, often in found
            ]
        )
        for size in _sizes(test)
    ]


# --------------------------------------------------------------------------------------------------------------- spots


def _spots(train: Rows, test: Rows, names: Sequence[str]) -> list[Prediction]:
    """What differs in colour from most of its picture, each spot of the class whose colour and size are nearest."""
    looks: dict[str, list[Floats]] = {name: [] for name in names}
    for path, value in zip(train.column("image"), train.column("label"), strict=True):
        pixels, factor = _small(path)
        for box in loads(value):
            if not box.is_crowd:
                looks[box.label].append(_look(pixels, np.array(box.edges) * factor))
    known = [name for name in names if looks[name]]
    middles = np.array([np.median(looks[name], axis=0) for name in known])
    spread = np.std(np.concatenate([looks[name] for name in known]), axis=0) + 1e-6
    return [_told(path, known, middles, spread) for path in test.column("image")]


def _told(path: str, known: Sequence[str], middles: Floats, spread: Floats) -> Prediction:
    pixels, factor = _small(path)
    boxes = []
    for edges in _differing(pixels):
        away = (np.abs(_look(pixels, edges) - middles) / spread).mean(axis=1)
        nearest = int(away.argmin())
        sure = float(1 / (1 + away[nearest]))
        boxes.append({"label": known[nearest], "box": (edges / factor).tolist(), "score": sure})
    return prediction(sorted(boxes, key=lambda one: -float(one["score"]))[:SUREST])


def _small(path: str) -> tuple[Floats, float]:
    """The picture at most `SIDE` pixels long, shape (H, W, 3), and the factor that made it so."""
    image = open_image(path)
    factor = min(1.0, SIDE / max(image.size))
    image = image.resize(tuple(max(1, round(side * factor)) for side in image.size))  # type: ignore[arg-type]
    return np.asarray(image, dtype=np.float64), factor


def _look(pixels: Floats, edges: Floats) -> Floats:
    """Mean colour and size of what is in a box, on scales of which a step matters about alike."""
    left, top = np.floor(edges[:2]).astype(int)
    right, bottom = np.maximum(np.ceil(edges[2:]).astype(int), [left + 1, top + 1])
    inside = pixels[top:bottom, left:right].reshape(-1, 3)
    colour = inside.mean(axis=0) if len(inside) else pixels.mean(axis=(0, 1))
    wide, high = np.maximum(edges[2:] - edges[:2], 1.0)
    return np.array([*colour, 100 * np.log(wide), 100 * np.log(high)])


def _differing(pixels: Floats) -> list[Floats]:
    """Boxes around spots whose colour is far from the picture's median."""
    from scipy import ndimage

    away = np.abs(pixels - np.median(pixels, axis=(0, 1))).sum(axis=2)
    spots, _ = ndimage.label(ndimage.binary_opening(away > _threshold(away)))
    found = []
    for down, across in ndimage.find_objects(spots):
        if (down.stop - down.start) * (across.stop - across.start) >= LEAST:
            found.append(np.array([across.start, down.start, across.stop, down.stop], dtype=np.float64))
    return found


def _threshold(values: Floats) -> float:
    """The value that parts the values into the two groups that differ most.

    Source: Otsu, "A Threshold Selection Method from Gray-Level Histograms", 1979, equation 14.
    """
    counts, edges = np.histogram(values, bins=128)
    middles = (edges[1:] + edges[:-1]) / 2
    low, total = np.cumsum(counts), counts.sum()
    mass = np.cumsum(counts * middles)
    high = total - low
    with np.errstate(divide="ignore", invalid="ignore"):
        between = low * high * (mass / low - (mass[-1] - mass) / high) ** 2
    return float(middles[int(np.nan_to_num(between).argmax())])
