"""From what a network says of places or queries to the boxes of a picture, whose tiles may each have seen a part.

How an output is laid out is said in `detecting`.
"""

# T tiles of a picture, A places or queries, C classes

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Prediction
from headstart.data.truths.boxes import Box
from headstart.tasks.boxes import rectangles, sets
from headstart.tasks.boxes.detecting import EDGES, KNOWN, is_set
from headstart.tasks.boxes.precision import LIKELY

if TYPE_CHECKING:
    import torch

ASKED = 1000
"""Boxes of an input, the surest, among which the best are sought."""
SUREST = 100
"""Boxes of a picture that are told, as many as COCO counts."""
SURE = 0.05
"""Boxes that are less sure are not told, as in FCOS; they change average precision little."""
SAME = 0.6
"""Intersection over union from which two boxes of a class are one, as in FCOS."""
PART = 0.7
"""Share of the smaller from which two boxes from different tiles are one: each sees only a part of a thing between."""


def answer(output_TA: torch.Tensor, where_T8: Any, names: Sequence[str]) -> Prediction:
    """The boxes of a picture, the surest first, in its pixels.

    Args:
        output_TA: What the network says of each of its tiles.
        where_T8: What each covers.
        names: Of the classes.
    """
    found = [
        _of_tile(output_A, where, at) for at, (output_A, where) in enumerate(zip(output_TA, where_T8, strict=True))
    ]
    edges, sure, labels, tiles = (np.concatenate(parts) for parts in zip(*found, strict=True))
    # of a set that was learnt as one no two are the same
    most = math.inf if is_set(output_TA) and len(found) == 1 else SAME
    left = rectangles.best(edges, sure, labels, most=most, pieces_N=tiles, within=PART)[:SUREST]
    return prediction(
        [{"label": names[labels[at]], "box": edges[at].tolist(), "score": float(sure[at])} for at in left]
    )


def prediction(boxes: Sequence[dict[str, Any]]) -> Prediction:
    """One answer: boxes, the surest first."""
    ordered = sorted(boxes, key=lambda one: -one["score"])
    return {"boxes": [{**one, "box": [round(edge, 2) for edge in one["box"]]} for one in ordered]}


def _of_tile(output_A: torch.Tensor, where_8: Any, number: int) -> tuple[Any, Any, Any, Any]:
    """Edges in pixels of the picture, scores, classes and the tile's number, of all boxes that are sure enough."""
    row_A = output_A.double()
    row_A = sets.last(row_A) if is_set(row_A) else row_A
    sure_AC = (sets.scores(row_A) if is_set(row_A) else row_A[:, KNOWN:].sigmoid()).numpy()
    places, labels = np.nonzero(sure_AC > SURE)
    sure = sure_AC[places, labels]
    order = np.argsort(-sure, kind="stable")[:ASKED]
    places, labels, sure = places[order], labels[order], sure[order]
    left, top, right, bottom, wide, high = map(float, where_8[:6])
    size, corner = np.tile([right - left, bottom - top], 2), np.tile([left, top], 2)
    edges = (row_A[:, EDGES].numpy()[places] * size + corner).clip(0, np.tile([wide, high], 2))
    is_there = (rectangles.area(edges) > 0).nonzero()[0]
    return edges[is_there], sure[is_there], labels[is_there], np.full(len(is_there), number)


def likely(answer: Prediction) -> list[dict[str, Any]]:
    """The boxes that are more likely there than not, in the order in which one reads."""
    told = [one for one in answer["boxes"] if one["score"] >= LIKELY]
    return sorted(told, key=lambda one: (one["box"][1], one["box"][0]))


def is_all(boxes: Sequence[dict[str, Any]], truth: Sequence[Box]) -> bool:
    """Whether these are the boxes of the truth, each with an overlap of at least a half with another of its class."""
    real = [box for box in truth if not box.is_crowd]
    if len(real) != len(boxes):
        return False
    if not boxes:
        return True
    from scipy.optimize import linear_sum_assignment

    theirs = np.array([one["box"] for one in boxes], dtype=np.float64)
    overlaps = rectangles.overlap(theirs, np.array([box.edges for box in real], dtype=np.float64))
    is_alike = np.array([[one["label"] == box.label for box in real] for one in boxes])
    fits = (overlaps >= 0.5) & is_alike
    rows, columns = linear_sum_assignment(~fits)
    return bool(fits[rows, columns].all())


def dumps(answer: Prediction) -> str:
    """All boxes of an answer as JSON."""
    return json.dumps(answer["boxes"], ensure_ascii=False)
