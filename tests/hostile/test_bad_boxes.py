"""Every malformed box of the table ends in one clear error that names file, row and field."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_boxes import CASES, coco, one, picture, voc, yolo
from bad_data import Case

from headstart import plug
from headstart.contracts import Field
from headstart.data.check import accept, check
from headstart.data.read import read
from headstart.errors import DataError

FIELDS = (
    Field("image", "image", "the picture", aliases=("file_name",)),
    Field("label", "boxes", "its boxes", aliases=("objects",), within="image"),
)
CANDIDATES = {"image-classification": plug.load("tasks", "image-classification").fields, "object-detection": FIELDS}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_malformed_boxes_are_refused_in_words(case: Case, tmp_path: Path) -> None:
    data = case.build(tmp_path)

    with pytest.raises(DataError) as refused:
        accept(check(read(data, candidates=CANDIDATES, task="object-detection")), skip_bad_rows=False)

    assert case.says in str(refused.value)


@pytest.mark.parametrize(
    "build",
    [one(box=[9, 9, 9, 9]), coco(image_id=9), voc("5 5 5 5"), yolo("7 0.5 0.5 0.2 0.2")],
    ids=["rows", "COCO, a stray annotation", "VOC", "YOLO"],
)
def test_good_pictures_are_left_without_the_bad_ones(build: object, tmp_path: Path) -> None:
    data = build(tmp_path)  # type: ignore[operator]
    found = check(read(data, candidates=CANDIDATES))
    accepted = accept(found, skip_bad_rows=True)
    assert len(accepted.rejected) == 1
    assert len(accepted.splits["train"]) >= 1
    assert '"label": "cell"' in accepted.splits["train"].column("label")[0]


def test_the_same_box_twice_is_warned_of_by_its_row(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    box = '{"label": "cell", "box": [1, 1, 9, 9]}'
    (tmp_path / "metadata.jsonl").write_text(f'{{"file_name": "a.png", "objects": [{box}, {box}]}}')
    problems = check(read(tmp_path, candidates=CANDIDATES)).problems
    (again,) = [one for one in problems if one.kind == "box-twice"]
    assert (again.severity, again.row) == ("warning", 1)
    assert 'the box "cell" [1.0, 1.0, 9.0, 9.0] is drawn more than once' in again.message
