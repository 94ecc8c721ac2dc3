"""The pictures the starter learned from: repeatable, made of numbers alone, and told apart by what they show."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(RECIPES))
    return importlib.import_module("drawing")


@pytest.fixture
def drawn_shapes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(RECIPES))
    return importlib.import_module("drawn_shapes")


def _views(drawing: ModuleType, *, seed: int, labels: torch.Tensor | None = None) -> torch.Tensor:
    labels = torch.arange(16) if labels is None else labels
    return drawing.views(drawing.shapes(16, 0), labels, torch.Generator().manual_seed(seed))


def test_the_same_seed_draws_the_same_pictures_to_the_bit(drawing: ModuleType) -> None:
    assert torch.equal(_views(drawing, seed=7), _views(drawing, seed=7))


def test_another_seed_draws_other_pictures_of_the_same_classes(drawing: ModuleType) -> None:
    assert not torch.equal(_views(drawing, seed=7), _views(drawing, seed=8))


def test_more_classes_begin_with_the_fewer(drawing: ModuleType) -> None:
    assert torch.equal(drawing.shapes(40, 3).points[:9], drawing.shapes(9, 3).points)


def test_pixels_are_colours_between_black_and_white(drawing: ModuleType) -> None:
    pixels = _views(drawing, seed=0)

    assert pixels.shape == (16, 3, 32, 32)
    assert pixels.min() >= 0
    assert pixels.max() <= 1


def test_every_class_fills_its_square_and_no_more(drawing: ModuleType) -> None:
    # points at equal distances may stop just short of the outermost corner
    assert drawing.shapes(64, 0).points.abs().amax((1, 2)).tolist() == pytest.approx([1.0] * 64, abs=0.05)


def test_no_point_lies_where_the_pen_was_lifted(drawing: ModuleType) -> None:
    left, right = (np.stack([np.full(50, x), np.linspace(-1, 1, 50)], axis=1) for x in (-1.0, 1.0))

    points = drawing._evenly(lambda rng: [left, right], np.random.default_rng(0))

    assert np.abs(points[:, 0]).min() == 1
    assert (points[:, 0] < 0).sum() == drawing.POINTS / 2


def test_classes_differ_more_than_views_of_one_class(drawing: ModuleType) -> None:
    labels = torch.arange(16).repeat_interleave(40)
    style = drawing.Style(colour=0, coarse=0, occlusion=0, noise=0, fill=0)
    pictures = drawing.views(drawing.shapes(16, 0), labels, torch.Generator().manual_seed(0), style=style)
    # either of ink and paper may be the darker: the distance from the middle grey says where the ink is
    ink = (pictures.mean(1) - pictures.mean(1).flatten(1).median(1).values[:, None, None]).abs().flatten(1)
    centres = torch.stack([ink[labels == label][:20].mean(0) for label in range(16)])
    judged = torch.arange(len(labels)) % 40 >= 20
    nearest = torch.cdist(torch.nn.functional.normalize(ink), torch.nn.functional.normalize(centres)).argmin(1)

    assert (nearest == labels)[judged].float().mean() > 4 / 16


def test_distance_is_to_the_nearest_point(drawing: ModuleType) -> None:
    points = torch.rand(2, 5, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    centre = (torch.arange(8) + 0.5) / 4 - 1
    pixel = torch.stack(torch.meshgrid(centre, centre, indexing="xy"), dim=-1).view(64, 2)

    # sums of squares below 10 in single precision: 1e-3 after the root near zero
    assert torch.allclose(drawing._distance(points, 8).view(2, 64), torch.cdist(pixel, points).amin(-1), atol=1e-3)


def test_the_inside_of_a_curve_is_what_pillow_fills(drawing: ModuleType) -> None:
    angle = torch.linspace(0, 6.2832, 97)[:-1]
    star = (0.6 + 0.3 * torch.cos(3 * angle))[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    picture = Image.new("1", (64, 64))
    ImageDraw.Draw(picture).polygon([tuple(point) for point in ((star + 1) * 32 - 0.5).tolist()], fill=1)

    differs = drawing._inside(star[None], 64)[0].numpy() != np.asarray(picture)

    # Pillow also paints the outline: up to about a pixel along a line some 250 pixels long
    assert differs.sum() < 200
    assert np.asarray(picture).sum() > 1000


def test_two_tiny_steps_leave_a_folder_transformers_opens(drawn_shapes: ModuleType, tmp_path: Path) -> None:
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    drawn_shapes.save(drawn_shapes.train(8, 2, batch=8), tmp_path)
    model = AutoModelForImageClassification.from_pretrained(tmp_path)
    pixels = AutoImageProcessor.from_pretrained(tmp_path)(Image.new("L", (8, 8)), return_tensors="pt")

    assert model(**pixels).logits.shape == (1, 8)
