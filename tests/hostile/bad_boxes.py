"""Malformed boxes around things in pictures, each made by one small function, with what must be said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bad_data import Build, Case

import families

WIDE, HIGH = 40, 30
"""Of every picture here."""
GOOD = {"label": "cell", "box": [4, 4, 20, 20]}


def picture(path: Path) -> Path:
    """A picture of the size that all here have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    families.picture((90, 90, 90), seed=0).resize((WIDE, HIGH)).save(path)
    return path


def rows(objects: Any, name: str = "a.png") -> Build:
    """metadata.jsonl with a good row and one with these objects."""

    def build(folder: Path) -> Path:
        picture(folder / "a.png")
        lines = [{"file_name": "a.png", "objects": [GOOD]}, {"file_name": name, "objects": objects}]
        (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
        return folder

    return build


def one(**changed: Any) -> Build:
    """The same with one box that is changed; None leaves a part out."""
    return rows([GOOD, {name: value for name, value in {**GOOD, **changed}.items() if value is not None}])


def coco(**changed: Any) -> Build:
    """A file of two pictures, each with a box; of the second annotation something is changed, or of the file."""
    annotation = {"id": 7, "image_id": 2, "category_id": 1, "bbox": [1, 2, 10, 10]}
    value: dict[str, Any] = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": WIDE, "height": HIGH} for i in (1, 2)],
        "categories": [{"id": 1, "name": "cell"}, {"id": 2, "name": "nucleus"}],
    }
    bad = {**annotation, **{name: given for name, given in changed.items() if name not in (*value, "of_image")}}
    value["annotations"] = [{**annotation, "id": 6, "image_id": 1}, bad]
    value |= {name: given for name, given in changed.items() if name in value}
    value["images"][1] |= changed.get("of_image", {})

    def build(folder: Path) -> Path:
        for i in (1, 2):
            picture(folder / f"{i}.png")
        (folder / "instances.json").write_text(json.dumps(value))
        return folder / "instances.json"

    return build


def voc(edges: str = "1 2 11 12", *, text: str | None = None, name: str = "cell", more: str = "") -> Build:
    """A folder of two pictures; of the second the edges of its box are given, or the whole of its file."""

    def build(folder: Path) -> Path:
        for i in (1, 2):
            picture(folder / "JPEGImages" / f"{i}.png")
        (folder / "Annotations").mkdir()
        (folder / "Annotations" / "1.xml").write_text(annotation("1 2 11 12", "cell"))
        (folder / "Annotations" / "2.xml").write_text(annotation(edges, name) if text is None else text)
        if more:
            main = folder / "ImageSets" / "Main"
            main.mkdir(parents=True)
            (main / "train.txt").write_text(f"1\n2\n{more}\n")
        return folder

    return build


def annotation(edges: str, name: str, size: tuple[int, int] = (WIDE, HIGH)) -> str:
    """A file of Pascal VOC."""
    inside = "".join(f"<{e}>{v}</{e}>" for e, v in zip(("xmin", "ymin", "xmax", "ymax"), edges.split(), strict=False))
    said = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    return f"<annotation>{said}<object><name>{name}</name><bndbox>{inside}</bndbox></object></annotation>"


def yolo(line: str, *, files: Mapping[str, str] | None = None) -> Build:
    """A folder of two pictures with a line each, the second given; and more files."""

    def build(folder: Path) -> Path:
        for i in (1, 2):
            picture(folder / "images" / f"{i}.png")
        (folder / "labels").mkdir()
        written = {"labels/1.txt": "0 0.5 0.5 0.2 0.2", "labels/2.txt": line, "classes.txt": "cell\nnucleus\n"}
        for name, text in {**written, **(files or {})}.items():
            (folder / name).write_text(text)
        return folder

    return build


def broken(build: Build, name: str, content: bytes | None) -> Build:
    """The same with a file whose bytes are others, or that is not there."""

    def built(folder: Path) -> Path:
        found = build(folder)
        (folder / name).unlink()
        if content is not None:
            (folder / name).write_bytes(content)
        return found

    return built


ROW = 'metadata.jsonl, row 2, field "label": box 2'
OF_COCO = 'instances.json, row 2, field "label": box 1 (annotation 7)'
OF_VOC = '2.xml, row 1, field "label": box 1'
OF_YOLO = '2.txt, row 1, field "label": line 1'
CASES: tuple[Case, ...] = (
    Case("a box outside the picture", one(box=[4, 4, 60, 20]), f'{ROW}, "cell" [4, 4, 60, 20], lies outside'),
    Case("a box left of the picture", one(box=[-9, 4, 20, 20]), "which has 40 x 30 pixels"),
    Case("corners called bbox", one(box=None, bbox=[20, 10, 38, 28]), 'call these "box"'),
    Case("a size called box", one(box=[30, 22, 9, 7]), "ends before it begins"),
    Case("a box beyond it whose size would fit", one(box=[10, 5, 30, 40]), "lies outside"),
    Case("an inverted box", one(box=[20, 20, 4, 4]), "ends before it begins. Give [x0, y0, x1, y1] in pixels"),
    Case("a negative width", one(box=None, bbox=[20, 20, -4, 4]), "Give [x, y, width, height] in pixels"),
    Case("a box without width", one(box=[4, 4, 4, 20]), "has no width or no height"),
    Case("a box that is not a number", one(box=[4, 4, float("nan"), 20]), "are not four finite numbers"),
    Case("an endless box", one(box=[4, 4, float("inf"), 20]), "are not four finite numbers"),
    Case("three numbers", one(box=[4, 4, 20]), "are not four finite numbers"),
    Case("numbers in words", one(box=["4", "4", "20", "20"]), "are not four finite numbers"),
    Case("shares for pixels", one(box=[0.1, 0.1, 0.5, 0.5]), "has shares of the picture where pixels were expected"),
    Case("a box without a label", one(label=None), f'{ROW}, "'),
    Case("an empty label", one(label=" "), f"{ROW}: the label is"),
    Case("a label that is a list", one(label=["cell"]), f"{ROW}: the label is"),
    Case("no numbers at all", one(box=None), 'has no "box" of four numbers'),
    Case("objects that are a word", rows("cell"), '"cell" is no list of boxes'),
    Case("objects that are nothing", rows(None), "the boxes are empty"),
    Case("lists of unequal length", rows({"bbox": [[1, 1, 5, 5]], "category": ["cell", "cell"]}), "differ in length"),
    Case("a picture that is not there", rows([GOOD], "b.png"), 'row 2, field "image": there is no such file'),
    Case("a picture cut short", broken(rows([GOOD]), "a.png", b"\x89PNG\r\n\x1a\n"), 'field "image": it'),
    Case("COCO, a category that is not listed", coco(category_id=5), f"{OF_COCO} has the category 5"),
    Case("COCO, categories from 0", coco(category_id=0), "count from 0?"),
    Case("COCO, no category", coco(category_id=None), f"{OF_COCO} has the category None"),
    Case(
        "COCO, a picture that is not listed", coco(image_id=9), "annotation 7 is of the picture 9, which is not among"
    ),
    Case("COCO, another size than the file", coco(of_image={"width": 30, "height": 40}), "Is it turned, or scaled?"),
    Case("COCO, one id for two pictures", coco(of_image={"id": 1}), "the id 1 of"),
    Case("COCO, no bbox", coco(bbox=None), f"{OF_COCO}: None are not four finite numbers"),
    Case("COCO, an empty bbox", coco(bbox=[]), f"{OF_COCO}: [] are not four"),
    Case(
        "COCO, two categories of one id", coco(categories=[{"id": 1, "name": "a"}] * 2), "two categories have the id 1"
    ),
    Case("COCO, no categories", coco(categories=[]), 'has no list "categories"'),
    Case(
        "COCO, no pictures",
        broken(coco(), "instances.json", b'{"images": [], "annotations": [], "categories": [{}]}'),
        'has no entry in "images"',
    ),
    Case("VOC, a point", voc("5 5 5 5"), f'{OF_VOC}, "cell" [5, 5, 5, 5], has no width'),
    Case("VOC, a box outside", voc("1 2 90 12"), f"{OF_VOC}"),
    Case("VOC, an edge that is a word", voc("1 2 wide 12"), "are not four finite numbers"),
    Case("VOC, an edge that is missing", voc("1 2 11"), "are not four finite numbers"),
    Case("VOC, no name", voc(name=""), f"{OF_VOC}: the label is"),
    Case("VOC, half an XML", voc(text="<annotation><object>"), '2.xml, row 1, field "label": it is not valid XML'),
    Case("VOC, another XML", voc(text="<html></html>"), 'it holds "html", not "annotation"'),
    Case("VOC, another size", voc(text=annotation("1 2 9 9", "cell", (80, 60))), "said to be 80 x 60 pixels"),
    Case("VOC, a listed picture without annotation", voc(more="3"), "3.xml, row 1"),
    Case(
        "VOC, a picture that is not there", broken(voc(), "JPEGImages/2.png", None), 'field "image": there is no such'
    ),
    Case("YOLO, a class too many", yolo("2 0.5 0.5 0.2 0.2"), "Do the numbers count from 1?"),
    Case("YOLO, a class that is a word", yolo("cell 0.5 0.5 0.2 0.2"), 'line 1, "cell 0.5'),
    Case("YOLO, pixels", yolo("0 20 15 10 10"), "line 1 has pixels where shares"),
    Case("YOLO, a box outside", yolo("0 0.9 0.5 0.6 0.2"), f'{OF_YOLO}, "cell"'),
    Case("YOLO, no size", yolo("0 0.5 0.5 0 0.2"), "has no width or no height"),
    Case("YOLO, four numbers", yolo("0 0.5 0.5 0.2"), "is not a class and four shares"),
    Case("YOLO, not a number", yolo("0 nan 0.5 0.2 0.2"), "are not four finite numbers"),
    Case(
        "YOLO, labels of no picture", yolo("", files={"labels/3.txt": "0 .5 .5 .1 .1"}), "3.txt, row 1: there is no pic"
    ),
    Case("YOLO, classes without names", broken(yolo(""), "classes.txt", None), "nothing names their classes"),
    Case(
        "YOLO, names out of order", yolo("", files={"data.yaml": "names: {1: cell, 2: nucleus}"}), '"names" is no list'
    ),
    Case("YOLO, half a YAML", yolo("", files={"data.yaml": "names: [cell"}), "is not valid YAML"),
    Case(
        "YOLO, a folder that is not there", yolo("", files={"data.yaml": "names: [a, b]\ntrain: img"}), "no such folder"
    ),
    Case(
        "no box anywhere",
        broken(rows([]), "metadata.jsonl", b'{"file_name": "a.png", "objects": {"bbox": []}}'),
        "no training row has a box",
    ),
)
