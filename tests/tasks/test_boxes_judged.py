"""Found boxes are judged as pycocotools judges them, on all pictures and on any selection; the best are kept."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
import torch

from headstart import score
from headstart.data.truths.boxes import Box
from headstart.tasks.boxes import precision, rectangles

NAMES = ("cat", "dog", "owl")


def rectangle(generator: np.random.Generator) -> tuple[float, float, float, float]:
    left, top = generator.uniform(0, 60, 2)
    wide, high = generator.uniform(5, 40, 2)
    return left, top, left + wide, top + high


def scene(seed: int, num: int = 12) -> tuple[list[list[Box]], list[list[dict[str, Any]]]]:
    """Pictures with some boxes, of which some are found, shifted; some of another class, some crowds."""
    generator = np.random.default_rng(seed)
    truth: list[list[Box]] = []
    found: list[list[dict[str, Any]]] = []
    for _ in range(num):
        boxes = [
            Box(str(generator.choice(NAMES[: 2 + seed % 2])), rectangle(generator), bool(generator.random() < 0.15))
            for _ in range(generator.integers(0, 7))
        ]
        near = [
            np.array(box.edges) + generator.normal(0, 3, 4) for box in boxes for _ in range(generator.integers(0, 3))
        ]
        said = [*near, *(rectangle(generator) for _ in range(generator.integers(0, 4)))]
        truth.append(boxes)
        found.append(
            [
                # few different scores, so that there are ties
                {
                    "label": str(generator.choice(NAMES)),
                    "box": list(map(float, one)),
                    "score": generator.integers(10) / 10,
                }
                for one in said
                if one[2] > one[0] and one[3] > one[1]
            ]
        )
    return truth, found


def by_pycocotools(truth: Any, found: Any) -> tuple[float, float, float]:
    """Mean average precision, that at 0.5 and that at 0.75, accumulated by pycocotools itself."""
    evaluation = precision.judged(truth, found, NAMES)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
    precision_TRK = evaluation.eval["precision"][..., 0, 0]

    def mean(values: Any) -> float:
        known = values[values > -1]
        return float(known.mean()) if len(known) else 0.0

    return mean(precision_TRK), mean(precision_TRK[0]), mean(precision_TRK[5])


@pytest.mark.parametrize("seed", range(12))
def test_figures_are_those_of_pycocotools(seed: int) -> None:
    truth, found = scene(seed)
    entries = np.array(precision.counts(truth, found, NAMES))
    ours = precision.means(precision.ranked(entries), np.ones((1, len(truth))))[0]
    np.testing.assert_allclose(ours, by_pycocotools(truth, found), rtol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_figures_of_drawn_pictures_are_those_of_pycocotools(seed: int) -> None:
    truth, found = scene(seed)
    rows = np.random.default_rng(seed).integers(0, len(truth), len(truth))
    entries = score.counted(precision.counts(truth, found, NAMES))[rows]
    theirs = by_pycocotools([truth[i] for i in rows], [found[i] for i in rows])
    assert precision.figure(entries) == pytest.approx(theirs[0], rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_a_picture_drawn_twice_is_one_that_weighs_double(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth, found = scene(seed)
    # no two alike: between those of different pictures the order is nobody's
    found = [[{**one, "score": generator.random()} for one in boxes] for boxes in found]
    rows = generator.integers(0, len(truth), len(truth))
    entries = np.array(precision.counts(truth, found, NAMES))
    weights = np.bincount(rows, minlength=len(truth)).astype(float)
    weighed = precision.means(precision.ranked(entries), weights[None])[0, 0]
    assert weighed == pytest.approx(precision.figure(entries[rows]), rel=1e-9)


def test_classes_that_the_pictures_lack_are_left_out() -> None:
    truth = [[Box("cat", (0, 0, 10, 10))]]
    found = [
        [{"label": "cat", "box": [0, 0, 10, 10], "score": 0.9}, {"label": "dog", "box": [0, 0, 5, 5], "score": 1.0}]
    ]
    told = precision.metrics(truth, found, NAMES)
    assert told["metrics"]["map"]["value"] == 1.0
    assert told["per_class"]["cat"] == dict.fromkeys(("ap", "ap50", "precision", "recall", "f1"), 1.0) | {"support": 1}
    assert told["per_class"]["dog"]["support"] == 0


def test_nothing_found_where_nothing_is_scores_nothing() -> None:
    assert precision.figure(score.counted(precision.counts([[], []], [[], []], NAMES))) == 0.0


# ------------------------------------------------------------------------------------------------------------- boxes


def slow(boxes: Any, scores: Any, labels: Any, most: float) -> list[int]:
    """Which are left, in loops."""
    left: list[int] = []
    for one in sorted(range(len(boxes)), key=lambda at: -scores[at]):
        if all(labels[one] != labels[other] or iou(boxes[one], boxes[other]) < most for other in left):
            left.append(one)
    return left


def iou(one: Any, other: Any) -> float:
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    union = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - wide * high
    return float(wide * high / union)


@pytest.mark.parametrize("seed", range(8))
def test_the_best_of_overlapping_boxes_are_those_of_a_slow_loop(seed: int) -> None:
    generator = np.random.default_rng(seed)
    boxes = np.array([rectangle(generator) for _ in range(60)])
    scores, labels = generator.integers(0, 20, 60) / 20, generator.integers(0, 3, 60)
    assert rectangles.best(boxes, scores, labels, most=0.5) == slow(boxes, scores, labels, 0.5)


def test_of_a_thing_cut_by_the_edge_of_a_tile_the_part_goes() -> None:
    boxes = np.array([[0.0, 0, 40, 20], [30.0, 0, 40, 20]])
    given = {"most": 0.6, "within": 0.7}
    assert rectangles.best(boxes, np.array([0.9, 0.8]), [1, 1], pieces_N=[0, 1], **given) == [0]
    assert rectangles.best(boxes, np.array([0.9, 0.8]), [1, 1], pieces_N=[0, 0], **given) == [0, 1]


def test_no_boxes_are_left_of_none() -> None:
    assert rectangles.best(np.zeros((0, 4)), np.zeros(0), np.zeros(0), most=0.5) == []


def test_overlap_and_its_generalisation_by_hand() -> None:
    one, other, apart = (torch.tensor(edges) for edges in ([0.0, 0, 2, 2], [1.0, 0, 3, 2], [4.0, 0, 6, 2]))
    (plain, general), (none, below) = rectangles.agreement(one, other), rectangles.agreement(one, apart)
    assert (float(plain), float(general)) == pytest.approx((1 / 3, 1 / 3))
    # a hull of 6 by 2, of which 4 of 12 are neither
    assert (float(none), float(below)) == pytest.approx((0.0, -1 / 3))
    np.testing.assert_allclose(rectangles.overlap(one[None].double().numpy(), other[None].double().numpy()), [[1 / 3]])
