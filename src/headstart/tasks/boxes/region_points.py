"""Regions of pictures by which a model is scored: those of things, and others of the same size where there is none."""

# G boxes of a row

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from headstart.contracts import Points
from headstart.tasks.boxes import rectangles
from headstart.tasks.boxes.rectangles import Floats

MIRRORS = ((True, False), (False, True), (True, True))
"""Left for right, top for bottom, both: where a region of the same size may show no thing."""
PIXELS = 40
"""Of a class in an input; neighbours show the same."""
APART = 0.1
"""Largest share of a region that shows none which a thing may cover."""


def of_boxes(targets_BG5: Floats) -> Points:
    """Each thing by its box, numbered from 1, and for each a region beside all of them, 0, where there is room.

    Without the latter nothing could be told of things that are all of one class.

    Args:
        targets_BG5: Class number and edges of each box as shares of what is read; below 0 where there is none to learn.
    """
    found = [(row, *one) for row, boxes in enumerate(targets_BG5) for one in _of_row(boxes)]
    rows, truth, *edges = np.array(found, dtype=np.float64).reshape(-1, 6).T
    return Points(truth.astype(np.int64), rows.astype(np.int64), np.stack(edges, axis=1))


def of_pixels(targets_BSS: npt.NDArray[Any]) -> Points:
    """Some pixels of each class in each input, evenly spread over those that show it.

    Args:
        targets_BSS: Class numbers; below 0 where there is none.
    """
    truth, owners, places = list[int](), list[int](), list[Floats]()
    side = targets_BSS.shape[-1]
    for row, numbers_SS in enumerate(targets_BSS):
        for label in np.unique(numbers_SS[numbers_SS >= 0]).tolist():
            (showing,) = np.nonzero(numbers_SS.ravel() == label)
            some = showing[np.linspace(0, len(showing) - 1, min(len(showing), PIXELS)).astype(np.int64)]
            corners = np.stack([some % side, some // side], axis=1)
            places.append(np.concatenate([corners, corners + 1], axis=1) / side)
            truth += [label] * len(some)
            owners += [row] * len(some)
    nowhere = np.zeros((0, 4))
    return Points(np.array(truth, np.int64), np.array(owners, np.int64), np.concatenate([nowhere, *places]))


def _of_row(boxes_G5: Floats) -> Iterator[tuple[float, ...]]:
    things_N4 = boxes_G5[boxes_G5[:, 0] >= 0]
    marked_N4 = boxes_G5[(boxes_G5[:, 3:] > boxes_G5[:, 1:3]).all(axis=1), 1:]  # crowds among them
    for label, *edges in things_N4.tolist():
        yield (label + 1, *edges)
        most = APART * rectangles.area(np.array(edges))
        free = [one for one in _mirrored(edges) if rectangles.shared(one[None], marked_N4).max() <= most]
        yield from ((0.0, *one.tolist()) for one in free[:1])


def _mirrored(edges: list[float]) -> Iterator[Floats]:
    left, top, right, bottom = edges
    for across, down in MIRRORS:
        x = (1 - right, 1 - left) if across else (left, right)
        y = (1 - bottom, 1 - top) if down else (top, bottom)
        yield np.array([x[0], y[0], x[1], y[1]])
