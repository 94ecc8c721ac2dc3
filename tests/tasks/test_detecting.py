"""Boxes become what places learn, in any view of a picture, and answers become boxes of the picture again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.data.truths.boxes import Box
from headstart.heads import cells
from headstart.heads.form import Form
from headstart.tasks.boxes import detecting, found_boxes, sets

NAMES = ("cat", "dog")
WHOLE = np.array([0.0, 0, 100, 100, 80, 60, 100, 100])
"""An input of 100 pixels on a picture of 80 by 60, the rest of it padding."""


def seen(box: Box, where: np.ndarray) -> list[float]:
    """The only target of a picture with one box."""
    (row,) = detecting.targets([[box]], NAMES, [where])[0].tolist()
    return row


VIEWS = {
    "whole": (WHOLE, (1, 0.1, 0.2, 0.3, 0.5)),
    "mirrored": (np.array([80.0, 0, -20, 100, 80, 60, 100, 100]), (1, 0.5, 0.2, 0.7, 0.5)),
    "a crop of its left upper half": (np.array([0.0, 0, 50, 50, 80, 60, 100, 100]), (1, 0.2, 0.4, 0.6, 1.0)),
    "twice as small": (np.array([0.0, 0, 200, 200, 80, 60, 100, 100]), (1, 0.05, 0.1, 0.15, 0.25)),
    "a tile that has its right half": (np.array([20.0, 0, 120, 100, 80, 60, 100, 100]), (1, 0.0, 0.2, 0.1, 0.5)),
    "a tile that has a tenth": (np.array([28.0, 0, 128, 100, 80, 60, 100, 100]), (-1, 0.0, 0.2, 0.02, 0.5)),
    "a tile that has none": (np.array([40.0, 0, 140, 100, 80, 60, 100, 100]), (-2,) * 5),
}


@pytest.mark.parametrize(("where", "expected"), VIEWS.values(), ids=VIEWS)
def test_boxes_move_with_the_view(where: np.ndarray, expected: tuple[float, ...]) -> None:
    assert seen(Box("dog", (10, 20, 30, 50)), where) == pytest.approx(expected)


def test_padding_is_no_part_of_a_box() -> None:
    # a crop may show more of the picture's edge than there is picture
    assert seen(Box("cat", (60, 40, 80, 60)), WHOLE) == pytest.approx((0, 0.6, 0.4, 0.8, 0.6))


def test_crowds_are_not_learnt() -> None:
    targets = detecting.targets([[Box("cat", (0, 0, 50, 50), True), Box("dog", (0, 0, 9, 9))]], NAMES, [WHOLE])
    assert targets[0, :, 0].tolist() == [-1, 1]
    assert detecting.counted(targets).tolist() == [1]


def test_an_empty_picture_counts_as_one() -> None:
    assert detecting.counted(detecting.targets([[], [Box("cat", (0, 0, 9, 9))]], NAMES, [WHOLE] * 2)).tolist() == [
        1,
        1,
    ]


def layers(width: int = 8) -> cells.Cells:
    torch.manual_seed(0)
    return cells.Cells(Form("maps", 12, None, width, widths=(4, 8), strides=(8, 16)), 2)


def maps(side: int, num: int = 2) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(num, width, side // of, side // of, generator=generator) for width, of in ((4, 8), (8, 16))]


@pytest.mark.parametrize("side", [32, 64, 96])
def test_every_place_of_every_level_has_a_box_around_its_middle(side: int) -> None:
    output = layers().eval()(maps(side))
    assert output.shape == (2, sum((side // level) ** 2 for level in cells.LEVELS), cells.KNOWN + 2)
    edges, middle = output[..., :4], output[..., 4:6]
    assert (edges[..., :2] < middle).all()
    assert (edges[..., 2:] > middle).all()
    assert set(output[..., 6].unique().tolist()) == {torch.tensor(level / side).item() for level in cells.LEVELS}


def test_places_that_fit_best_learn_a_box_and_aim_at_how_well() -> None:
    output = layers().eval()(maps(64))[0].detach()
    real = torch.tensor([[0.0, 0.1, 0.1, 0.5, 0.5], [1.0, 0.6, 0.6, 0.9, 0.9]])
    chosen, aims = detecting._assigned(output, real)
    for number in range(2):
        mine = chosen == number
        assert 1 <= mine.sum() <= detecting.BEST
        low, high = real[number, 1:3], real[number, 3:5]
        assert ((output[mine, 4:6] > low) & (output[mine, 4:6] < high)).all()
    assert ((aims > 0) <= (chosen >= 0)).all()
    assert aims.max() <= 1


def test_a_box_smaller_than_any_place_is_learnt_all_the_same() -> None:
    output = layers().eval()(maps(64))[0].detach()
    chosen, _ = detecting._assigned(output, torch.tensor([[0.0, 0.501, 0.501, 0.51, 0.51]]))
    assert (chosen == 0).any()


def test_the_loss_falls_to_where_the_boxes_are_found() -> None:
    network, given = layers(16), maps(64)
    real = [[Box("cat", (10, 20, 40, 60))], [Box("dog", (50, 10, 80, 40)), Box("cat", (0, 0, 20, 30))]]
    targets = detecting.targets(real, NAMES, [WHOLE, WHOLE])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        detecting.loss(network(given), targets).sum().backward()
        optimizer.step()
    with torch.no_grad():
        output = network(given)
    for row, boxes in zip(output, real, strict=True):
        answer = found_boxes.answer(row[None], WHOLE[None], NAMES)
        assert found_boxes.is_all(found_boxes.likely(answer), boxes)


def test_a_query_learns_one_box_and_the_others_that_there_is_none() -> None:
    boxes = torch.tensor([[0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.9, 0.9], [0.0, 0.0, 0.1, 0.1]])
    row = torch.cat([boxes, torch.tensor([[0.0, 0.0, sets.EACH]] * 3), torch.zeros(3, 2)], dim=1)
    real = torch.tensor([[1.0, 0.52, 0.5, 0.9, 0.88], [0.0, 0.1, 0.1, 0.3, 0.3]])
    queries, which = sets.matched(row, real)
    assert dict(zip(queries.tolist(), which.tolist(), strict=True)) == {1: 0, 0: 1}


@pytest.mark.parametrize("kind", [sets.EACH, sets.ONE])
def test_the_loss_of_a_set_is_least_where_it_is_right(kind: float) -> None:
    target = torch.tensor([[[1.0, 0.1, 0.1, 0.5, 0.5]]])
    more = torch.zeros(1) if kind == sets.ONE else torch.zeros(0)

    def loss(edges: list[float], logits: list[float]) -> float:
        row = torch.cat([torch.tensor([*edges, 0.0, 0.0, kind, *logits]), more])
        return float(detecting.loss(row[None, None], target))

    right = loss([0.1, 0.1, 0.5, 0.5], [-9, 9])
    assert right < 0.01
    assert loss([0.1, 0.1, 0.5, 0.6], [-9, 9]) > right
    assert loss([0.1, 0.1, 0.5, 0.5], [9, -9]) > right


def test_a_picture_with_nothing_in_it_answers_with_no_box() -> None:
    output = torch.cat([torch.rand(1, 9, 6), torch.full((1, 9, 1), 0.1), torch.full((1, 9, 2), -9.0)], dim=2)
    assert found_boxes.answer(output, WHOLE[None], NAMES) == {"boxes": []}


def test_one_picture_of_one_place_can_be_learnt_from() -> None:
    network = layers().train()
    network([torch.randn(1, 4, 4, 4), torch.randn(1, 8, 2, 2)]).sum().backward()
