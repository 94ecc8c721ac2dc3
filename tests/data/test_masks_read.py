"""Masks of every kind of file become one form, that form is COCO's, and palettes name what is in it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import families
from headstart import plug
from headstart.data.check import check
from headstart.data.read import Found, read
from headstart.data.truths import masks, palettes
from headstart.errors import DataError

CANDIDATES = {name: plug.load("tasks", name).fields for name in plug.names("tasks")}
STRIPES = np.repeat(np.array([0, 1, 3, 1]), 5)[None].repeat(16, axis=0)
"""Four stripes, 16 x 20."""


def saved(folder: Path, image: Any, name: str = "mask.png") -> Any:
    image.save(folder / name)
    return masks.read(folder / name)


def values(mask: Any) -> dict[str, list[int]]:
    """Of each value the columns of the first row that have it."""
    assert isinstance(mask, masks.Mask)
    return {region.value: np.flatnonzero(masks.decoded(region.rle, mask.size)[0]).tolist() for region in mask.regions}


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (40, 60), (300, 200)])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_lengths_of_runs_are_those_of_pycocotools(shape: tuple[int, int], share: float) -> None:
    from pycocotools import mask as theirs

    is_in = np.random.default_rng(0).random(shape) < share
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy 2 over arrays that pycocotools makes
        again = theirs.decode({"size": list(shape), "counts": masks.encoded(is_in).encode()})
    assert np.array_equal(masks.decoded(masks.encoded(is_in), shape), is_in)
    assert np.array_equal(again, is_in)
    assert masks.area(masks.Region("", "", masks.encoded(is_in))) == is_in.sum()


@pytest.mark.parametrize("kind", ["L", "P", "I;16", "RGB", "RGBA", "RGB of numbers"])
def test_a_mask_of_any_mode_says_the_same(kind: str, tmp_path: Path) -> None:
    image = Image.fromarray(STRIPES.astype(np.uint16 if kind == "I;16" else np.uint8))
    if kind == "P":
        image = image.convert("P")
        image.putdata(STRIPES.ravel().tolist())
        image.putpalette([9, 9, 9, 200, 0, 0, 0, 0, 0, 0, 200, 0])
    if kind.startswith("RGB"):
        table = np.array([[0, 0, 0], [255, 0, 0], [9, 9, 9], [0, 0, 255]], dtype=np.uint8)
        pixels = STRIPES.astype(np.uint8)[..., None].repeat(3, axis=2) if "numbers" in kind else table[STRIPES]
        image = Image.fromarray(pixels).convert(kind[:4].strip())
    expected = {"0": range(5), "1": [*range(5, 10), *range(15, 20)], "3": range(10, 15)}
    called = (
        {"0": "#000000", "1": "#ff0000", "3": "#0000ff"}
        if kind in ("RGB", "RGBA")
        else dict(zip("013", "013", strict=True))
    )
    if "numbers" in kind:
        called = {"0": "#000000", "1": "#010101", "3": "#030303"}
    assert values(saved(tmp_path, image)) == {called[value]: list(places) for value, places in expected.items()}


def test_nothing_is_where_a_mask_in_colour_is_transparent(tmp_path: Path) -> None:
    pixels = np.zeros((4, 6, 4), dtype=np.uint8)
    pixels[:, :3] = (255, 0, 0, 255)
    assert values(saved(tmp_path, Image.fromarray(pixels))) == {"#ff0000": [0, 1, 2]}


def test_a_mask_survives_its_row(tmp_path: Path) -> None:
    mask = saved(tmp_path, Image.fromarray(STRIPES.astype(np.uint8)))
    assert masks.loads(masks.dumps(mask)) == mask


PALETTES: dict[str, tuple[str, Any, dict[str, str]]] = {
    "names of numbers": ("p.json", {"sky": 0, "road": 7}, {"0": "sky", "7": "road"}),
    "numbers of names": ("p.json", {"0": "sky", "7": "road"}, {"0": "sky", "7": "road"}),
    "names in order": ("p.json", ["sky", "road"], {"0": "sky", "1": "road"}),
    "colours": ("p.json", {"sky": "#00FF00", "road": [1, 2, 3]}, {"#00ff00": "sky", "#010203": "road"}),
    "objects": ("p.json", [{"name": "sky", "id": 4}, {"name": "road", "id": 5}], {"4": "sky", "5": "road"}),
    "objects of colours": ("p.json", [{"name": "sky", "color": [0, 0, 9]}], {"#000009": "sky"}),
    "a name a line": ("p.txt", "sky\ncity road\n", {"0": "sky", "1": "city road"}),
    "number and name": ("p.txt", "4 sky\n5 city road\n", {"4": "sky", "5": "city road"}),
    "name and number": ("p.txt", "sky: 4\nroad: 5\n", {"4": "sky", "5": "road"}),
    "colour and name": ("p.txt", "0 0 255\tsky\n1 2 3\troad\n", {"#0000ff": "sky", "#010203": "road"}),
    "name and colour": ("p.txt", "sky, 0, 0, 255\n", {"#0000ff": "sky"}),
}


@pytest.mark.parametrize("case", PALETTES)
def test_a_palette_is_read_however_it_is_written(case: str, tmp_path: Path) -> None:
    name, content, expected = PALETTES[case]
    (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    assert palettes.names_in(tmp_path / name) == expected


def data(folder: Path, numbers: Any = STRIPES, *, splits: tuple[str, ...] = ("",), **files: str) -> Path:
    """images and masks in each split, and these files beside them."""
    for split in splits:
        for kind in ("images", "masks"):
            (folder / split / kind).mkdir(parents=True, exist_ok=True)
        for number in range(3):
            families.picture((9, 9, 80 * number), seed=number).resize((20, 16)).save(
                folder / split / "images" / f"{number}.jpg"
            )
            Image.fromarray(numbers.astype(np.uint8)).save(folder / split / "masks" / f"{number}_mask.png")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    return folder


def found(folder: Path, **how: Any) -> Found:
    return read(folder, candidates=CANDIDATES, **how)


def labels(of: Found, split: str = "train") -> set[str]:
    return {region.label for value in of.splits[split].column("label") for region in masks.loads(value).regions}


def test_folders_of_pictures_and_masks_are_the_task_by_themselves(tmp_path: Path) -> None:
    of = found(data(tmp_path, splits=("train", "test")))
    assert of.task == "semantic-segmentation"
    assert {split: len(rows) for split, rows in of.splits.items()} == {"train": 3, "test": 3}
    assert labels(of) == {"class_0", "class_1", "class_3"}
    assert not check(of).errors


def test_a_palette_beside_the_data_names_the_classes_and_is_said(tmp_path: Path) -> None:
    of = found(data(tmp_path, classes_txt="ground\nwall\nvoid\ndoor"))
    assert labels(of) == {"ground", "wall", "door"}
    assert "named by classes.txt: 0 ground, 1 wall, 3 door; ignored: 2" in of.said[-1]


def test_a_palette_that_is_given_goes_before_one_beside_the_data(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"a": 0, "b": 1, "c": 3}')
    of = found(data(tmp_path / "data", classes_txt="no"), palette=str(tmp_path / "mine.json"))
    assert labels(of) == {"a", "b", "c"}
    with pytest.raises(DataError, match="There is no file"):
        found(tmp_path / "data", palette="nowhere.json")


@pytest.mark.parametrize(
    ("given", "expected"),
    [((0, 1, 255), {"class_0", "class_1"}), ((0, 255), {"class_0", "class_255"})],
    ids=["class 1 too", "255 alone"],
)
def test_255_is_ignored_unless_masks_are_on_and_off(given: tuple[int, ...], expected: set[str], tmp_path: Path) -> None:
    of = found(data(tmp_path, np.resize(np.array(given), (16, 20))))
    assert labels(of) == expected


def test_another_folder_of_masks_is_chosen_by_columns(tmp_path: Path) -> None:
    folder = data(tmp_path)
    (folder / "masks").rename(folder / "masks_fine")
    data(folder, np.zeros((16, 20)))
    assert labels(found(folder)) == {"class_0"}
    assert labels(found(folder, columns="label=masks_fine")) == {"class_0", "class_1", "class_3"}


def test_a_list_of_pictures_and_masks_is_the_task_by_itself(tmp_path: Path) -> None:
    data(tmp_path)
    lines = [f"images/{n}.jpg,masks/{n}_mask.png" for n in range(3)]
    (tmp_path / "rows.csv").write_text("\n".join(["image,mask", *lines]))
    of = found(tmp_path / "rows.csv")
    assert of.task == "semantic-segmentation"
    assert labels(of) == {"class_0", "class_1", "class_3"}


def test_files_of_pictures_in_a_column_of_classes_are_no_classes(tmp_path: Path) -> None:
    data(tmp_path)
    (tmp_path / "rows.csv").write_text("image,label\nimages/0.jpg,masks/0_mask.png\nimages/1.jpg,masks/1_mask.png")
    assert found(tmp_path / "rows.csv").task == "semantic-segmentation"


def test_a_class_of_test_masks_that_training_lacks_is_named_by_its_row(tmp_path: Path) -> None:
    data(tmp_path, splits=("train", "test"))
    Image.fromarray((STRIPES * 2).astype(np.uint8)).save(tmp_path / "test" / "masks" / "1_mask.png")
    of = found(tmp_path)
    assert [Path(problem.file or "").name for problem in of.problems] == ["1.jpg"]
    assert "the number 2, which no training mask has" in of.problems[0].message
