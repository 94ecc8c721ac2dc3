"""Average precision of found boxes as COCO has it, from what pycocotools says of single pictures; with intervals.

Matching, which is slow, is done once by pycocotools; precision over any selection of pictures follows from its matches.
"""

# N pictures, D entries of a picture, K classes, T thresholds of overlap, R levels of recall

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart import score
from headstart.contracts import Prediction
from headstart.data.truths.boxes import Box

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MOST = 100
"""Boxes of a class in a picture that count, the surest first."""
LIKELY = 0.5
"""Boxes that are at least so sure are taken for there, where precision and recall are told."""
METHOD = "percentile bootstrap over pictures"
LABEL, SCORE, MATCHED, IGNORED = range(4)
"""What an entry has: the number of a class; a score; in bits by threshold, whether the box was matched, and whether it
is to be ignored. With the score `TRUTH` it says instead, as the third, how many boxes of the class there are."""
TRUTH, NOTHING = -1.0, -2.0
Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


def counts(
    truth: Sequence[Sequence[Box]], found: Sequence[Sequence[Prediction]], names: Sequence[str]
) -> list[list[list[float]]]:
    """Of each picture the entries that average precision is made of, as many for each, shape (N, D, 4) in lists.

    Args:
        truth: Of each of N pictures.
        found: Boxes with "label", "box" and "score", of the same pictures.
        names: Of the K classes.
    """
    rows = _matched(truth, found, names)
    longest = max(1, *map(len, rows)) if rows else 1
    return [[*row, *([[0.0, NOTHING, 0.0, 0.0]] * (longest - len(row)))] for row in rows]


def _matched(
    truth: Sequence[Sequence[Box]], found: Sequence[Sequence[Prediction]], names: Sequence[str]
) -> list[list[list[float]]]:
    evaluation = judged(truth, found, names)
    rows: list[list[list[float]]] = [[] for _ in truth]
    bits = 1 << np.arange(len(THRESHOLDS))
    for picture in filter(None, evaluation.evalImgs):
        row, label = rows[picture["image_id"] - 1], float(picture["category_id"] - 1)
        matched, ignored = bits @ (picture["dtMatches"] > 0), bits @ picture["dtIgnore"].astype(bool)
        num = float((picture["gtIgnore"] == 0).sum())
        row += [[label, TRUTH, num, 0.0]] if num else []
        row += [
            [label, float(sure), float(good), float(out)]
            for sure, good, out in zip(picture["dtScores"], matched, ignored, strict=True)
        ]
    return rows


def judged(truth: Sequence[Sequence[Box]], found: Sequence[Sequence[Prediction]], names: Sequence[str]) -> Any:
    """pycocotools' own evaluation of single pictures, not yet accumulated."""
    from pycocotools.cocoeval import COCOeval

    number = {name: at for at, name in enumerate(names, start=1)}
    real = [
        [{"category_id": number[box.label], "iscrowd": int(box.is_crowd), **_placed(box.edges)} for box in boxes]
        for boxes in truth
    ]
    said = [
        [{"category_id": number[one["label"]], "score": one["score"], **_placed(one["box"])} for one in boxes]
        for boxes in found
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(_dataset(real, len(names)), _dataset(said, len(names)), "bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.params.maxDets = [MOST]
        evaluation.evaluate()
    return evaluation


def _placed(edges: Sequence[float]) -> dict[str, Any]:
    left, top, right, bottom = edges
    return {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top)}


def _dataset(boxes: Sequence[Sequence[dict[str, Any]]], num_classes: int) -> Any:
    """Boxes of pictures in the form of pycocotools, which counts all from 1: an id of 0 says there is no match."""
    from pycocotools.coco import COCO

    made = COCO()
    flat = [{**box, "image_id": image} for image, several in enumerate(boxes, start=1) for box in several]
    made.dataset = {
        "images": [{"id": image} for image in range(1, len(boxes) + 1)],
        "categories": [{"id": number} for number in range(1, num_classes + 1)],
        "annotations": [{"iscrowd": 0, **box, "id": number} for number, box in enumerate(flat, start=1)],
    }
    made.createIndex()
    return made


@dataclass(frozen=True)
class _Ranked:
    """The boxes of one class in some pictures, the surest first.

    `pictures_D` says which picture each is of, `sure_D` how sure it is, `judged_TD` where it is not to be ignored (one
    row where that is the same at all thresholds), `hits_T` which ones were matched, `num_N` how many there are to be
    found in each picture.
    """

    pictures_D: Ints
    sure_D: Floats
    judged_TD: Floats
    hits_T: tuple[Ints, ...]
    num_N: Floats

    def average(self, weights_SN: Floats) -> Floats:
        """Average precision at each threshold, shape (S, T), for S ways to weigh pictures: each counts as often as it
        weighs. NaN where there is nothing to be found.

        Source: `COCOeval.accumulate` of pycocotools: precision at 101 levels of recall, each the best at that level
        or beyond, averaged.
        """
        total_S1 = (weights_SN @ self.num_N)[:, None]
        weights_SD = weights_SN[:, self.pictures_D]
        said_TSD = [np.cumsum(judged_D * weights_SD, axis=1) for judged_D in self.judged_TD]
        found = np.full((len(weights_SN), len(THRESHOLDS)), np.nan)
        is_there = total_S1[:, 0] > 0
        for at, hits in enumerate(self.hits_T):
            right_SH = np.cumsum(weights_SD[:, hits], axis=1)
            precision_SH = right_SH / np.maximum(said_TSD[at % len(said_TSD)][:, hits], 1e-12)
            best_SH = np.maximum.accumulate(precision_SH[:, ::-1], axis=1)[:, ::-1]
            reached_SH = np.searchsorted(RECALLS, right_SH / np.maximum(total_S1, 1e-12), side="right")
            newly_SH = np.diff(reached_SH, axis=1, prepend=0)
            found[is_there, at] = (best_SH * newly_SH).sum(axis=1)[is_there] / len(RECALLS)
        return found

    def likely(self) -> dict[str, float]:
        """Precision, recall and F1 at an overlap of 0.5 of the boxes that are more likely there than not."""
        said = float(self.judged_TD[0, self.sure_D >= LIKELY].sum())
        right, total = float((self.sure_D[self.hits_T[0]] >= LIKELY).sum()), float(self.num_N.sum())
        return {
            "precision": right / said if said else 0.0,
            "recall": right / total if total else 0.0,
            "f1": 2 * right / (said + total) if said + total else 0.0,
        }


def ranked(entries_ND4: Floats) -> dict[int, _Ranked]:
    """The boxes of each class that the pictures have, for entries from `counts`."""
    pictures = np.repeat(np.arange(len(entries_ND4)), entries_ND4.shape[1])
    flat = entries_ND4.reshape(-1, 4)
    is_truth = flat[:, SCORE] == TRUTH
    order = np.flatnonzero(flat[:, SCORE] >= 0)
    order = order[np.argsort(-flat[order, SCORE], kind="stable")]
    classes = {}
    for label in np.unique(flat[is_truth, LABEL]):
        mine = order[flat[order, LABEL] == label]
        bits_TD = 1 << np.arange(len(THRESHOLDS))[:, None]
        matched_TD, ignored_TD = (flat[mine, of].astype(int) & bits_TD > 0 for of in (MATCHED, IGNORED))
        is_alike = not ignored_TD.any()
        judged_TD = (~ignored_TD[:1] if is_alike else ~ignored_TD).astype(np.float64)
        hits = tuple(np.flatnonzero(row) for row in matched_TD & ~ignored_TD)
        real = is_truth & (flat[:, LABEL] == label)
        num_N = np.zeros(len(entries_ND4))
        np.add.at(num_N, pictures[real], flat[real, MATCHED])
        classes[int(label)] = _Ranked(pictures[mine], flat[mine, SCORE], judged_TD, hits, num_N)
    return classes


def means(classes: Mapping[int, _Ranked], weights_SN: Floats) -> Floats:
    """The mean over classes: over all thresholds, at 0.5, and at 0.75, shape (S, 3); 0 where pictures have no box."""
    if not classes:
        return np.zeros((len(weights_SN), 3))
    found_KST = np.stack([each.average(weights_SN) for each in classes.values()])
    is_there = ~np.isnan(found_KST)
    average_ST = np.where(is_there, found_KST, 0.0).sum(axis=0) / np.maximum(is_there.sum(axis=0), 1)
    return np.stack([average_ST.mean(axis=1), average_ST[:, 0], average_ST[:, 5]], axis=1)


def figure(of_rows: Any) -> float:
    """Mean average precision of some pictures' counts, over the classes that they have."""
    entries = np.asarray(of_rows, dtype=np.float64)
    return float(means(ranked(entries), np.ones((1, len(entries))))[0, 0])


def metrics(
    truth: Sequence[Sequence[Box]], found: Sequence[Sequence[Prediction]], names: Sequence[str]
) -> dict[str, Any]:
    """All figures of found boxes on one split; see `counts`."""
    rows = counts(truth, found, names)
    entries = np.array(rows, dtype=np.float64).reshape(len(rows), -1, 4)
    classes = ranked(entries)
    values = means(classes, np.ones((1, len(rows))))[0]
    lows, highs = _interval(classes, len(rows))
    measured = {
        name: {"value": float(value), "low": float(low), "high": float(high), "method": METHOD}
        for name, value, low, high in zip(("map", "map50", "map75"), values, lows, highs, strict=True)
    }
    return {"metrics": measured, "per_class": _per_class(truth, classes, names), "counts": rows}


def _interval(classes: Mapping[int, _Ranked], num_rows: int) -> Floats:
    """The lower and the upper ends of all figures, shape (2, 3).

    Drawing a picture again is weighing it double, so that nothing is sorted again, and many resamples go at once.
    """
    found = [
        means(classes, np.stack([np.bincount(rows, minlength=num_rows) for rows in rows_SN]).astype(np.float64))
        for rows_SN in score.draws(num_rows, seed=0)
    ]
    return np.asarray(np.percentile(np.concatenate(found), score.ENDS, axis=0))


def _per_class(truth: Sequence[Sequence[Box]], classes: Mapping[int, _Ranked], names: Sequence[str]) -> dict[str, Any]:
    table = {}
    for number, name in enumerate(names):
        is_there = number in classes
        average_T = classes[number].average(np.ones((1, len(truth))))[0] if is_there else np.zeros(len(THRESHOLDS))
        likely = classes[number].likely() if is_there else {"precision": 0.0, "recall": 0.0, "f1": 0.0}
        support = sum(box.label == name and not box.is_crowd for boxes in truth for box in boxes)
        table[name] = {"ap": float(average_T.mean()), "ap50": float(average_T[0]), **likely, "support": support}
    return table
