"""Boxes in every form that is read come out the same; folders of the known forms are recognised with their splits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from headstart.contracts import Field
from headstart.data import fields
from headstart.data.read import Found, read
from headstart.data.truths import boxes
from headstart.errors import DataError

WIDE, HIGH = 40, 30
FIELDS = (
    Field("image", "image", "the picture", aliases=("file_name",)),
    Field("label", "boxes", "its boxes", aliases=("objects",), within="image"),
)
CANDIDATES: dict[str, tuple[Field, ...]] = {
    "image-classification": (
        Field("image", "image", "the picture", aliases=("file_name",)),
        Field("label", "label", "its class", aliases=("category",)),
    ),
    "object-detection": FIELDS,
}
CAT = '[{"label": "cat", "box": [4.0, 6.0, 20.0, 18.0]}]'


def picture(path: Path, **saving: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (WIDE, HIGH), "grey").save(path, **saving)
    return path


def found(folder: Path, **given: Any) -> Found:
    return read(folder, candidates=CANDIDATES, **given)


def labels(folder: Path, split: str = "train", **given: Any) -> list[str]:
    whole = found(folder, **given)
    assert not whole.problems
    return whole.splits[split].column("label")


WRITTEN: dict[str, Any] = {
    "corners": [{"label": "cat", "box": [4, 6, 20, 18]}],
    "corners as NumPy": [{"label": "cat", "box": np.array([4.0, 6.0, 20.0, 18.0])}],
    "corner and size": [{"category": "cat", "bbox": [4, 6, 16, 12]}],
    "an object of lists": {"id": [3], "bbox": [[4, 6, 16, 12]], "category": ["cat"], "area": [192]},
    "JSON": CAT,
    "shares": boxes.Drawn([boxes.Given("line 1", "cat", [0.3, 0.4, 0.4, 0.4], "shares")]),
    "pixels from 1": boxes.Drawn([boxes.Given("box 1", "cat", [5, 7, 20, 18], "corners", is_from_one=True)]),
}


@pytest.mark.parametrize("given", WRITTEN.values(), ids=WRITTEN)
def test_every_form_comes_out_the_same(given: Any, tmp_path: Path) -> None:
    path = str(picture(tmp_path / "a.png"))
    assert boxes.are_boxes([given])
    assert boxes.unified(path, given) == (path, CAT)


def test_what_sticks_out_by_rounding_is_cut(tmp_path: Path) -> None:
    path = str(picture(tmp_path / "a.png"))
    _, told = boxes.unified(path, [{"label": "cat", "box": [-0.5, 0, WIDE + 1, HIGH]}])
    assert boxes.loads(told) == [boxes.Box("cat", (0, 0, WIDE, HIGH))]


def test_a_picture_on_its_side_has_the_size_one_sees(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = str(picture(tmp_path / "a.jpg", exif=exif))
    _, told = boxes.unified(path, boxes.Drawn([boxes.Given("b", "cat", [0, 0, HIGH, WIDE], "corners")], (HIGH, WIDE)))
    assert boxes.loads(told) == [boxes.Box("cat", (0, 0, HIGH, WIDE))]


def test_numbers_name_classes_where_nothing_else_does(tmp_path: Path) -> None:
    _, told = boxes.unified(str(picture(tmp_path / "a.png")), {"bbox": [[4, 6, 16, 12]], "category": [np.int64(2)]})
    assert boxes.loads(told)[0].label == "2"


@pytest.mark.parametrize("values", [[["B-PER", "O"]], [[{"start": 0, "end": 2, "label": "PER"}]], ["cat"], [[]], [3]])
def test_other_columns_are_no_boxes(values: list[Any]) -> None:
    assert not boxes.are_boxes(values)


def test_boxes_beside_pictures_are_told_from_classes(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": "a.png", "objects": json.loads(CAT)}))
    whole = found(tmp_path)
    assert whole.task == "object-detection"
    assert whole.splits["train"].column("label") == [CAT]
    assert whole.splits["train"].column("image") == [str(tmp_path / "a.png")]


# ---------------------------------------------------------------------------------------------------------------- COCO


def coco(path: Path, first: int, *, annotated: bool = True) -> Path:
    """A file of two pictures, from this number on; the first has a cat and a crowd of them, the second nothing."""
    images = [{"id": i, "file_name": f"{i}.png", "width": WIDE, "height": HIGH} for i in (first, first + 1)]
    cats = [
        {"id": 1, "image_id": first, "category_id": 17, "bbox": [4, 6, 16, 12], "area": 192, "iscrowd": 0},
        {"id": 2, "image_id": first, "category_id": 17, "bbox": [0, 0, 40, 30], "area": 1200, "iscrowd": 1},
    ]
    value = {"images": images, "annotations": cats * annotated, "categories": [{"id": 17, "name": "cat"}]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


CROWD = '{"label": "cat", "box": [0.0, 0.0, 40.0, 30.0], "crowd": true}]'


def test_a_coco_folder_has_the_splits_of_its_files(tmp_path: Path) -> None:
    for first, split in ((1, "train2017"), (5, "val2017")):
        coco(tmp_path / "annotations" / f"instances_{split}.json", first)
        for i in (first, first + 1):
            picture(tmp_path / split / f"{i}.png")
    whole = found(tmp_path)
    assert whole.layout == "folder in the form of COCO"
    assert set(whole.splits) == {"train", "validation"}
    assert whole.splits["train"].column("label") == [f"{CAT[:-1]}, {CROWD}", "[]"]
    assert whole.splits["validation"].column("image")[1] == str(tmp_path / "val2017" / "6.png")
    assert any(
        "boxes are [x, y, width, height] in pixels; 1 categories by their ids, 17" in line for line in whole.said
    )


@pytest.mark.parametrize("place", [".", "images", "train", "images/train", "../train"])
def test_pictures_are_found_near_their_file(place: str, tmp_path: Path) -> None:
    path = coco(tmp_path / "annotations" / "train.json", 1)
    for i in (1, 2):
        picture(path.parent / place / f"{i}.png")
    assert len(labels(path)) == 2


def test_pictures_are_where_the_user_says(tmp_path: Path) -> None:
    path = coco(tmp_path / "train.json", 1)
    for i in (1, 2):
        picture(tmp_path / "elsewhere" / "far" / f"{i}.png")
    assert found(path).problems
    assert len(labels(path, images=str(tmp_path / "elsewhere" / "far"))) == 2


def assert_alike(path: Path, told: list[str]) -> None:
    """Boxes are those that pycocotools reads, picture by picture."""
    from pycocotools.coco import COCO

    reader = COCO(str(path))
    names = {one["id"]: one["name"] for one in reader.loadCats(reader.getCatIds())}
    images = [one["id"] for one in reader.dataset["images"]]
    for label, image in zip(told, images, strict=True):
        theirs = reader.loadAnns(reader.getAnnIds(image))
        ours = boxes.loads(label)
        assert [box.label for box in ours] == [names[one["category_id"]] for one in theirs]
        assert [box.is_crowd for box in ours] == [bool(one["iscrowd"]) for one in theirs]
        for box, one in zip(ours, theirs, strict=True):
            x, y, width, height = one["bbox"]
            np.testing.assert_allclose(box.edges, (x, y, x + width, y + height), atol=0.001)  # rows hold thousandths


def test_boxes_are_those_that_pycocotools_reads(tmp_path: Path) -> None:
    path = coco(tmp_path / "train.json", 1)
    for i in (1, 2):
        picture(tmp_path / f"{i}.png")
    assert_alike(path, labels(path))


@pytest.mark.parametrize("split", ["train2017", "val2017"])
def test_an_excerpt_of_coco_is_read_as_pycocotools_reads_it(split: str, shared: Path) -> None:
    folder = shared / "data" / "object-detection" / "tiny_coco"
    told = labels(folder, "train" if split == "train2017" else "validation")
    assert_alike(folder / "annotations" / f"instances_{split}.json", told)


# ----------------------------------------------------------------------------------------------------------------- VOC


def voc(folder: Path, edges: dict[str, tuple[int, int, int, int]]) -> Path:
    for name, box in edges.items():
        picture(folder / "JPEGImages" / f"{name}.jpg")
        inside = "".join(f"<{e}>{v}</{e}>" for e, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
        said = f"<object><name>cat</name><difficult>0</difficult><bndbox>{inside}</bndbox></object>"
        (folder / "Annotations").mkdir(exist_ok=True)
        (folder / "Annotations" / f"{name}.xml").write_text(f"<annotation>{said}</annotation>")
    return folder


def test_a_voc_folder_has_the_splits_of_its_lists(tmp_path: Path) -> None:
    voc(tmp_path, dict.fromkeys("abcd", (5, 7, 20, 18)))
    main = tmp_path / "ImageSets" / "Main"
    main.mkdir(parents=True)
    for name, ids in (("train", "a\nb\n"), ("val", "c  1\n"), ("test", "d\n"), ("cat_train", "a -1\n")):
        (main / f"{name}.txt").write_text(ids)
    whole = found(tmp_path)
    assert whole.layout == "folder in the form of Pascal VOC"
    assert {split: len(rows) for split, rows in whole.splits.items()} == {"train": 2, "validation": 1, "test": 1}
    assert whole.splits["test"].column("label") == [CAT]
    assert any("which count from 1" in line for line in whole.said)


def test_a_voc_folder_that_counts_from_0_is_noticed(tmp_path: Path) -> None:
    voc(tmp_path, {"a": (4, 6, 20, 18), "b": (0, 6, 20, 18)})
    assert labels(tmp_path)[0] == CAT
    assert any("which count from 0" in line for line in found(tmp_path).said)


def test_lists_without_one_to_train_on_are_refused(tmp_path: Path) -> None:
    voc(tmp_path, {"a": (4, 6, 20, 18)})
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "test.txt").write_text("a")
    with pytest.raises(DataError, match=r"no list train\.txt or trainval\.txt"):
        found(tmp_path)


# ---------------------------------------------------------------------------------------------------------------- YOLO


def yolo(folder: Path, pattern: str, splits: tuple[str, ...]) -> Path:
    """Two pictures a split, of which the second has no label file."""
    for split in splits:
        for name in "ab":
            picture(folder / pattern.format("images", split) / f"{split}{name}.png")
        labels = folder / pattern.format("labels", split)
        labels.mkdir(parents=True, exist_ok=True)
        (labels / f"{split}a.txt").write_text("1 0.3 0.4 0.4 0.4\n")
    return folder


@pytest.mark.parametrize("pattern", ["{0}/{1}", "{1}/{0}"])
@pytest.mark.parametrize("names", ["[dog, cat]", "{0: dog, 1: cat}"])
def test_a_yolo_folder_has_the_splits_of_its_folders(pattern: str, names: str, tmp_path: Path) -> None:
    yolo(tmp_path, pattern, ("train", "val", "test"))
    (tmp_path / "data.yaml").write_text(f"nc: 2\nnames: {names}\n")
    whole = found(tmp_path)
    assert whole.layout == "folder in the form of YOLO"
    assert [whole.splits[split].column("label") for split in ("train", "validation", "test")] == [[CAT, "[]"]] * 3


def test_a_yaml_file_says_where_the_splits_are(tmp_path: Path) -> None:
    yolo(tmp_path, "{1}/{0}", ("one", "two"))
    said = "train: ../one/images\nval: two/images\nnames: [dog, cat]"
    (tmp_path / "data.yaml").write_text(said)
    assert labels(tmp_path, "validation") == [CAT, "[]"]


def test_pictures_and_labels_in_one_folder_are_read(tmp_path: Path) -> None:
    yolo(tmp_path, ".", ("train",))
    (tmp_path / "classes.txt").write_text("dog\ncat\n")
    assert labels(tmp_path) == [CAT, "[]"]


def test_one_split_is_judged_with_another(tmp_path: Path) -> None:
    yolo(tmp_path, "{1}/{0}", ("train", "valid"))
    (tmp_path / "data.yaml").write_text("names: [dog, cat]")
    assert labels(tmp_path / "train", "test", test=str(tmp_path / "valid")) == [CAT, "[]"]


def test_binding_does_not_take_boxes_for_classes() -> None:
    rows = [{"file_name": "a.png", "label": json.loads(CAT)}, {"file_name": "b.png", "label": []}]
    from headstart.data.formats.tables import open_memory

    found = fields.infer(open_memory(rows, "rows"), CANDIDATES, task=None, asked=fields.Asked())
    assert found.task == "object-detection"
