"""Answers for every pixel: figures against slow loops, tiles made one again, targets where the picture has them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from headstart.contracts import Rows
from headstart.data.truths import masks
from headstart.tasks import semantic_segmentation as task
from headstart.tasks.pixels import painted
from headstart.tasks.pixels.painted import IGNORED, Shown

LEARNED = Shown(("ground", "wall", "door"), ("0", "1", "2"))


def random_mask(seed: int, shape: tuple[int, int] = (12, 17), *, classes: int = 3, ignored: bool = True) -> masks.Mask:
    numbers = np.random.default_rng(seed).integers(-1 if ignored else 0, classes, shape)
    return masks.of_numbers(numbers, LEARNED.named)


def rows_of(truth: list[masks.Mask]) -> Rows:
    label = pa.array(list(map(masks.dumps, truth)), pa.large_string())
    return Rows(pa.table({"image": pa.array([""] * len(truth), pa.large_string()), "label": label}))


def slow_iou(truth: list[masks.Mask], found: list[masks.Mask]) -> list[float]:
    """Of each class that occurs, pixel by pixel over all pictures."""
    shared, either = [0, 0, 0], [0, 0, 0]
    for one, other in zip(truth, found, strict=True):
        true, told = (masks.numbers(mask, LEARNED.number, rest=-1).tolist() for mask in (one, other))
        for y in range(one.size[0]):
            for x in range(one.size[1]):
                if true[y][x] < 0:
                    continue
                for number in range(3):
                    shared[number] += true[y][x] == number and told[y][x] == number
                    either[number] += true[y][x] == number or told[y][x] == number
    return [a / b for a, b in zip(shared, either, strict=True) if b]


@pytest.mark.parametrize("classes", [2, 3])
def test_mean_iou_is_that_of_a_slow_loop_over_pixels(classes: int) -> None:
    truth = [random_mask(seed, classes=classes) for seed in range(4)]
    found = [random_mask(seed + 9, classes=classes, ignored=False) for seed in range(4)]
    told = task.metrics([task.answer(mask, 1.0) for mask in found], rows_of(truth), LEARNED)
    expected = slow_iou(truth, found)
    assert told["metrics"]["mean_iou"]["value"] == pytest.approx(np.mean(expected))
    assert [one["iou"] for one in told["per_class"].values()][: len(expected)] == pytest.approx(expected)
    assert told["metrics"]["mean_iou"]["low"] <= np.mean(expected) <= told["metrics"]["mean_iou"]["high"]


def test_pixel_accuracy_counts_judged_pixels_alone() -> None:
    truth = masks.of_numbers(np.array([[0, 0, 1, -1]]), LEARNED.named)
    found = masks.of_numbers(np.array([[0, 1, 1, 2]]), LEARNED.named)
    told = task.metrics([task.answer(found, 1.0)], rows_of([truth]), LEARNED)["metrics"]
    assert told["pixel_accuracy"]["value"] == pytest.approx(2 / 3)
    # ground 1 of 2, wall 1 of 2; a door is neither there nor, where it counts, found
    assert told["mean_iou"]["value"] == pytest.approx(0.5)


def where(*edges: float, size: tuple[int, int] = (17, 12), side: int = 32) -> Any:
    return np.array([*edges, *size, side, side], dtype=float)


WHERES = {
    "as it is": where(0, 0, 32, 32),
    "a part": where(4, 2, 12, 10),
    "mirrored": where(17, 0, 0, 12),
    "beyond all edges": where(-8, -9, 24, 30),
    "squeezed": where(0, 0, 17, 12, side=8),
}


@pytest.mark.parametrize("case", WHERES)
def test_targets_lie_where_the_picture_does(case: str) -> None:
    mask, covered = random_mask(1), WHERES[case]
    left, top, right, bottom, width, height, side, _ = covered.tolist()
    numbers = masks.numbers(mask, LEARNED.number, rest=IGNORED)
    target = painted.target(mask, LEARNED, covered)
    assert target.shape == (side, side)
    for y in range(int(side)):
        for x in range(int(side)):
            across = math.floor(left + (right - left) * (x + 0.5) / side)
            down = math.floor(top + (bottom - top) * (y + 0.5) / side)
            inside = 0 <= across < width and 0 <= down < height
            assert target[y, x] == (numbers[down, across] if inside else IGNORED)


def test_the_loss_is_that_of_a_slow_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(2, 3, 4, 5, generator=generator), torch.randint(-1, 3, (2, 4, 5), generator=generator)
    weights = torch.tensor([1.0, 2.0, 0.5])
    for row, given in enumerate(task.loss(logits, targets.short(), weights=weights).tolist()):
        pixels = [(y, x) for y in range(4) for x in range(5) if targets[row, y, x] >= 0]
        likely = logits[row].double().softmax(dim=0)
        cross = sum(-float(likely[targets[row, y, x], y, x].log() * weights[targets[row, y, x]]) for y, x in pixels)
        apart = []
        for number in range(3):
            here = [(float(likely[number, y, x]), float(targets[row, y, x] == number)) for y, x in pixels]
            if any(true for _, true in here):
                common, both = sum(p * t for p, t in here), sum(p + t for p, t in here)
                apart.append(float(weights[number]) * (1 - 2 * common / both))
        assert given == pytest.approx(cross + len(pixels) * sum(apart) / len(apart), rel=1e-5)


def test_tiles_of_one_map_give_that_map_again() -> None:
    whole = torch.randn(3, 40, 56, generator=torch.Generator().manual_seed(0))
    corners = [(x, y) for y in (0, 8) for x in (0, 8, 24)]
    outputs = torch.stack([whole[:, y : y + 32, x : x + 32] for x, y in corners])
    places = np.stack([where(x, y, x + 32, y + 32, size=(56, 40)) for x, y in corners])
    found, sure = painted.merged(outputs, places)
    assert np.array_equal(found, whole.argmax(dim=0).numpy())
    assert sure == pytest.approx(float(whole.softmax(dim=0).amax(dim=0).mean()), rel=1e-5)


def test_where_tiles_disagree_the_one_whose_middle_is_nearer_decides() -> None:
    left, right = torch.tensor([[1.0], [0.0], [0.0]]), torch.tensor([[0.0], [1.0], [0.0]])
    outputs = torch.stack([left[..., None].expand(3, 32, 32), right[..., None].expand(3, 32, 32)])
    places = np.stack([where(0, 0, 32, 32, size=(48, 32)), where(16, 0, 48, 32, size=(48, 32))])
    found, _ = painted.merged(outputs, places)
    assert (found[:, :24] == 0).all()
    assert (found[:, 25:] == 1).all()


@pytest.mark.parametrize("band", [1, 500, 2**23])
def test_a_coarse_map_is_enlarged_as_torch_does_it_however_many_rows_at_a_time(
    band: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painted, "BAND", band)
    logits = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    found, _ = painted.merged(logits, where(0, 0, 32, 32, size=(30, 21))[None])
    large = torch.nn.functional.interpolate(logits, size=(32, 32), mode="bilinear", align_corners=False)[0]
    assert np.array_equal(found, large.argmax(dim=0).numpy()[:21, :30])


def test_models_of_masks_answer_by_all_their_masks() -> None:
    class Given:
        class_queries_logits = torch.tensor([[[9.0, 0.0, 0.0], [0.0, 9.0, 0.0]]])
        masks_queries_logits = torch.tensor([[[[9.0, -9.0]], [[-9.0, 9.0]]]])

    assert task.output(Given()).argmax(dim=1).tolist() == [[[0, 1]]]
    assert task.output(Given()).exp().sum(dim=1).allclose(torch.ones(1, 1, 2), atol=1e-2)


def test_a_class_is_known_by_its_value_and_comes_in_its_order() -> None:
    found = masks.of_numbers(np.array([[0, 1, 2]]), {0: ("sky", "10"), 1: ("road", "9"), 2: ("sea", "#0000ff")})
    learned = task.learn(rows_of([found]))
    assert learned.names == ("road", "sky", "sea")
    assert task.from_json(task.to_json(learned)) == learned
