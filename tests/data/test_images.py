"""What is found wrong with an image, and the pixels it is opened to."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart.data.images import check_image, open_image
from headstart.errors import DataError


def _noise(side: int = 48) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))


@pytest.mark.parametrize("extension", ["png", "jpg", "gif", "bmp", "webp", "tiff"])
def test_a_sound_image_has_no_problem(extension: str, tmp_path: Path) -> None:
    _noise().save(tmp_path / f"a.{extension}")

    assert check_image(tmp_path / f"a.{extension}") is None


@pytest.mark.parametrize("extension", ["png", "jpg", "gif", "bmp", "webp", "tiff"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_image_cut_short_is_found(extension: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / f"a.{extension}"
    _noise().save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    problem = check_image(path)

    assert problem is not None
    assert (problem.severity, problem.kind, problem.file) == ("error", "image-broken", str(path))


def test_a_wrong_extension_is_a_warning(tmp_path: Path) -> None:
    _noise().save(tmp_path / "a.jpg", "PNG")

    problem = check_image(tmp_path / "a.jpg")

    assert problem is not None
    assert (problem.severity, problem.kind) == ("warning", "image-misnamed")


def test_an_animation_is_a_warning(tmp_path: Path) -> None:
    _noise().save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", (48, 48))])

    problem = check_image(tmp_path / "a.gif")

    assert problem is not None
    assert (problem.severity, problem.kind) == ("warning", "image-animated")


def test_an_absent_image_is_an_error(tmp_path: Path) -> None:
    problem = check_image(tmp_path / "a.gif")

    assert problem is not None
    assert problem.kind == "image-missing"


def _saved(mode: str, path: Path) -> Path:
    deep = np.full((2, 2), 0x8000, np.uint16)
    images = {
        "clear": lambda: Image.new("RGBA", (2, 2), (0, 0, 0, 0)),
        "half clear": lambda: Image.new("RGBA", (2, 2), (0, 0, 0, 127)),
        "deep grey": lambda: Image.fromarray(deep),
        "grey": lambda: Image.new("L", (2, 2), 128),
        "palette": lambda: Image.new("RGB", (2, 2), (10, 20, 30)).convert("P", palette=Image.Palette.ADAPTIVE),
    }
    images[mode]().save(path)
    return path


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("clear", (255, 255, 255)),
        ("half clear", (128, 128, 128)),
        ("deep grey", (128, 128, 128)),
        ("grey", (128, 128, 128)),
        ("palette", (10, 20, 30)),
    ],
    ids=["clear", "half clear", "deep grey", "grey", "palette"],
)
def test_every_mode_opens_as_the_colour_one_sees(mode: str, expected: tuple[int, int, int], tmp_path: Path) -> None:
    image = open_image(_saved(mode, tmp_path / "a.png"))

    assert image.mode == "RGB"
    assert image.getpixel((0, 0)) == expected


def test_a_printed_colour_opens_near_the_colour_one_sees(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg")

    red, green, blue = np.asarray(open_image(tmp_path / "a.jpg"))[8, 8].tolist()

    assert red > 200
    assert max(green, blue) < 60


def test_a_picture_taken_sideways_is_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: to be turned a quarter clockwise
    Image.new("RGB", (30, 10)).save(tmp_path / "a.jpg", exif=exif)

    assert open_image(tmp_path / "a.jpg").size == (10, 30)


def test_a_broken_image_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")

    with pytest.raises(DataError, match=r"a\.png: its bytes are no image"):
        open_image(tmp_path / "a.png")


def test_two_thousand_small_images_take_seconds(shared: Path) -> None:
    from headstart.data.images import looks

    paths = sorted((shared / "data/image-classification/sign_language_digits/images").rglob("*.JPG"))
    before = time.process_time()
    faults = [look.fault for look in looks(paths) if look.fault is not None]

    assert (len(paths), faults) == (2062, [])
    assert time.process_time() - before < 10  # about 1.5 on two cores; processor time, so that load does not count
