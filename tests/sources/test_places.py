"""Pictures read whole: every pixel once or more, where each input lies, and views that say where their edges went."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import families
from headstart import windows
from headstart.contracts import Frame
from headstart.data.images import open_image, size_if_known
from headstart.sources import dir as folders
from headstart.sources.items import places
from headstart.sources.items.pixels import Pixels
from headstart.train import views

PLAIN = Pixels(mean=(0, 0, 0), std=(1 / 255,) * 3)
"""Leaves pixels as they are, but for padding."""


def ramp(width: int, height: int) -> Any:
    """A picture whose red says how far right and whose green how far down a pixel is."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(width), np.arange(height)[:, None]
    return Image.fromarray(pixels)


@pytest.mark.parametrize("length", [1, 127, 128, 129, 200, 250, 1000])
def test_tiles_cover_a_side_and_overlap_by_a_quarter(length: int) -> None:
    found = places.starts(length, 128)
    assert found[0] == 0
    assert 0 <= found[-1] + 128 - max(128, length) < 32
    assert all(start % 32 == 0 for start in found)
    assert all(0 < after - before <= 96 for before, after in itertools.pairwise(found))


def test_an_input_shows_what_it_says_it_covers() -> None:
    rows = places.encoded(PLAIN, [ramp(100, 70)], Frame(64, 1.0))
    inputs = rows.take(range(len(rows.lengths)))
    assert inputs.where is not None
    for pixels, (left, top, right, bottom, *sizes) in zip(inputs.tensors["pixel_values"], inputs.where, strict=True):
        assert (right - left, bottom - top, *sizes) == (64, 64, 100, 70, 64, 64)
        assert pixels[:2, 0, 0].round().tolist() == [left, top]
        assert pixels[:2, 5, 3].round().tolist() == [left + 3, top + 5]


def test_a_small_picture_is_padded_with_the_mean_on_its_right_and_below() -> None:
    (pixels,) = places.encoded(PLAIN, [ramp(20, 30)], Frame(32, 1.0)).take([0]).tensors["pixel_values"]
    assert pixels[:, 30:].eq(0).all()
    assert pixels[:, :, 20:].eq(0).all()
    assert pixels[0, 0, :20].round().tolist() == list(range(20))


def test_without_a_scale_a_picture_is_as_large_as_fits() -> None:
    inputs = places.encoded(PLAIN, [ramp(200, 100)], Frame(64)).take([0])
    assert inputs.where is not None
    assert inputs.where[0].tolist() == [0, 0, 200, 200, 200, 100, 64, 64]
    assert inputs.tensors["pixel_values"][0, :, 32:].eq(0).all()


def test_every_row_has_the_item_it_is_of() -> None:
    rows = places.encoded(PLAIN, [ramp(20, 20), ramp(90, 70), ramp(64, 64)], Frame(64, 1.0))
    assert windows.owners(rows).tolist() == [0, 1, 1, 1, 1, 2]
    assert [where.tolist() for where in rows.encoded.covered([1, 5])] == [  # type: ignore[attr-defined]
        [0, 0, 64, 64, 90, 70, 64, 64],
        [0, 0, 64, 64, 64, 64, 64, 64],
    ]


@pytest.mark.parametrize("names", [("crop",), ("flip",), ("crop", "flip", "color")], ids=" ".join)
def test_a_view_says_where_its_edges_went(names: tuple[str, ...]) -> None:
    for row in range(12):
        picture = ramp(120, 90)
        found, (left, top, right, bottom) = views.seen(picture, names, (0, 1, row))
        pixels = np.asarray(found).astype(float)
        if "color" in names:
            continue
        # the middle of a pixel, by straight lines between the edges; sharpening at borders aside
        across = left + (right - left) * (np.arange(20, 100) + 0.5) / 120 - 0.5
        down = top + (bottom - top) * (np.arange(20, 70) + 0.5) / 90 - 0.5
        np.testing.assert_allclose(pixels[45, 20:100, 0], across, atol=1.0)
        np.testing.assert_allclose(pixels[20:70, 60, 1], down, atol=1.0)


def test_an_input_of_a_view_covers_what_it_shows_of_the_picture() -> None:
    rows = places.encoded(PLAIN, [ramp(100, 70)], Frame(64, 1.0))
    mirrored = rows.changed(lambda row, image: (image.transpose(0), (image.size[0], 0, 0, image.size[1])))
    inputs = mirrored.take(range(4))
    assert inputs.where is not None
    for pixels, (left, top, right, _, *_) in zip(inputs.tensors["pixel_values"], inputs.where, strict=True):
        assert left - right == 64
        assert pixels[:2, 0, 0].round().tolist() == [left - 1, top]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_size_by_the_header_is_that_of_the_picture(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert size_if_known(tmp_path / "turned.jpg") == open_image(tmp_path / "turned.jpg").size


@pytest.mark.parametrize("name", families.IMAGE)
def test_pixels_are_normalised_as_the_models_own_processor_does(name: str, family: families.Family) -> None:
    backbone = folders.load(str(family(name)), revision=None, offline=True)
    picture = families.picture((50, 120, 200), seed=1)
    whole = backbone.prepare([picture], frame=Frame(families.SIDE, 1.0)).take([0])
    assert torch.equal(whole.tensors["pixel_values"], backbone.prepare([picture]).take([0]).tensors["pixel_values"])
