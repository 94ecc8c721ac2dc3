"""The page of a run: whole, self-contained, safe to open, and honest about what was measured."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from run_folders import (
    check_json,
    epochs,
    finished,
    image_predictions,
    run_json,
    scores_json,
    text_predictions,
)

from headstart.errors import OutputError
from headstart.report import page

VOID = {"meta", "img", "br", "link", "input", "hr"}
HOSTILE = "<script>alert('x')</script>"


class Tree(HTMLParser):
    """Every element with its attributes, the text of the body in order, and the tags that do not match up."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.body: list[str] = []
        self.faults: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if "body" in self.open and data.strip():
            self.body.append(data.strip())

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


def told(folder: Path) -> str:
    return page.write(folder).read_text(encoding="utf-8")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "digit.png"
    Image.new("L", (8, 8), 200).save(path)
    return path


def test_the_page_is_written_into_the_run_folder_and_its_path_returned(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run")

    assert page.write(folder) == folder / "report.html"
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("names", [("neg", "pos"), tuple(f"class {n}" for n in range(77))], ids=["2", "77"])
def test_every_element_is_closed_in_order(tmp_path: Path, names: tuple[str, ...]) -> None:
    folder = finished(tmp_path / "run", scores=scores_json(names), check=check_json(names))

    assert Tree(told(folder)).faults == []


def test_the_verdict_is_the_first_text_of_the_body(tmp_path: Path) -> None:
    tree = Tree(told(finished(tmp_path / "run")))

    assert tree.body[:2] == ["The pretrained model is worth it", "it reaches accuracy 0.900 [0.830, 0.950]."]


def test_a_verdict_without_a_colon_stands_whole(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run", scores=scores_json(verdict="Nothing can be told."))

    assert Tree(told(folder)).body[0] == "Nothing can be told."


def test_nothing_is_fetched_from_elsewhere(tmp_path: Path, picture: Path) -> None:
    text = told(finished(tmp_path / "run", predictions=image_predictions([picture])))
    attributes = [(name, value or "") for _, found in Tree(text).elements for name, value in found.items()]
    fetched = [value for name, value in attributes if name in {"src", "href", "srcset", "data", "action", "poster"}]

    assert all(value.startswith(("#", "data:image/")) for value in fetched)
    assert not re.search(r"@import|url\(|<script|<link", text)


def test_markup_in_texts_and_class_names_stays_text(tmp_path: Path) -> None:
    names = (HOSTILE, "pos")
    folder = finished(
        tmp_path / "run",
        scores=scores_json(names),
        check=check_json(names),
        predictions=text_predictions([HOSTILE, "fine"], names),
    )
    tree = Tree(told(folder))

    assert not list(tree.all("script"))
    assert tree.body.count(HOSTILE) >= 4  # the class table, the counts, the mistake's text and its truth


@pytest.mark.parametrize("broken", ["\ud800", "\u202e", "\x00"], ids=["half a surrogate", "override", "null"])
def test_a_text_no_one_should_have_written_still_gives_a_page(tmp_path: Path, broken: str) -> None:
    folder = finished(tmp_path / "run", run=run_json(warnings=[f"row 3: {broken}"]))

    assert Tree(told(folder)).faults == []


def test_a_wrong_picture_is_embedded_small(tmp_path: Path, picture: Path) -> None:
    text = told(finished(tmp_path / "run", predictions=image_predictions([picture])))
    (image,) = Tree(text).all("img")
    _, _, encoded = str(image["src"]).partition("base64,")

    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (120, 120)
    assert image["alt"] == "digit.png: 3, taken for 5"


def test_a_picture_that_is_gone_is_named(tmp_path: Path) -> None:
    text = told(finished(tmp_path / "run", predictions=image_predictions([tmp_path / "moved.png"])))

    assert "no longer at its place" in text
    assert "moved.png" in text


def test_mistakes_come_most_confident_first(tmp_path: Path) -> None:
    body = Tree(told(finished(tmp_path / "run", predictions=text_predictions(["surest", "less", "right"])))).body

    assert body.index("surest") < body.index("less")
    assert "right" not in body


def test_long_texts_are_shortened(tmp_path: Path) -> None:
    body = Tree(told(finished(tmp_path / "run", predictions=text_predictions(["word " * 400, "fine"])))).body

    assert max(len(text) for text in body if text.startswith("word word")) == 320


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.01, 0.05, "Better than"), (-0.01, 0.05, "Not shown to be better than"), (-0.05, -0.01, "Worse than")],
    ids=["above 0", "around 0", "below 0"],
)
def test_only_an_interval_on_one_side_of_0_is_a_win_or_a_loss(
    tmp_path: Path, low: float, high: float, said: str
) -> None:
    gain = {"over": "majority class", "value": 0.02, "low": low, "high": high, "method": "paired bootstrap"}
    body = Tree(told(finished(tmp_path / "run", scores=scores_json(gain=gain)))).body

    assert f"{said} majority class" in body
    assert not (said.startswith("Not") and any(text.startswith("Better") for text in body))


def test_the_metric_never_stands_without_its_interval(tmp_path: Path) -> None:
    body = Tree(told(finished(tmp_path / "run"))).body

    assert body[body.index("0.900") + 1] == "95 % interval\n0.830 to 0.950"


def test_the_worst_class_comes_first(tmp_path: Path) -> None:
    figures = {"precision": 0.5, "recall": 0.5, "support": 10}
    per_class = {"good": {**figures, "f1": 0.9}, "poor": {**figures, "f1": 0.2}}
    body = Tree(told(finished(tmp_path / "run", scores=scores_json(per_class=per_class)))).body
    table = body[body.index("Classes, worst first") :]

    assert table.index("poor") < table.index("good")


def test_every_drawing_says_in_words_what_it_shows(tmp_path: Path) -> None:
    drawings = list(Tree(told(finished(tmp_path / "run"))).all("svg"))

    assert len(drawings) == 5  # methods, readings, strengths, confusion, reliability
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in drawings)


def test_a_run_by_epochs_shows_its_epochs(tmp_path: Path) -> None:
    run = run_json(learning=epochs(), reading="classifier")
    labels = [drawing["aria-label"] for drawing in Tree(told(finished(tmp_path / "run", run=run))).all("svg")]

    assert "validation accuracy: 0.840 0.880 0.870; training loss: 0.520 0.310 0.220" in labels


def test_every_header_cell_has_a_scope(tmp_path: Path) -> None:
    cells = list(Tree(told(finished(tmp_path / "run"))).all("th"))

    assert cells
    assert all(cell["scope"] in {"row", "col"} for cell in cells)


@pytest.mark.parametrize("name", ["run.json", "scores.json", "check.json", "predictions.parquet", "events.jsonl"])
def test_a_folder_without_one_of_its_files_is_no_finished_run(tmp_path: Path, name: str) -> None:
    folder = finished(tmp_path / "run")
    (folder / name).unlink()

    with pytest.raises(OutputError, match=rf"is not a finished run: it has no {re.escape(name)}"):
        page.write(folder)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("run.json", "{", "its run.json is not JSON"),
        ("scores.json", "{}", 'its scores.json lacks "split"'),
        ("check.json", "[1]", 'its check.json lacks "splits"'),
        ("predictions.parquet", "not parquet", "its predictions.parquet cannot be read"),
    ],
    ids=["cut short", "empty", "a list", "no parquet"],
)
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path: Path, name: str, content: str, why: str) -> None:
    folder = finished(tmp_path / "run")
    (folder / name).write_text(content, encoding="utf-8")

    with pytest.raises(OutputError, match=re.escape(why)):
        page.write(folder)


def test_a_page_that_cannot_be_told_leaves_the_earlier_one_alone(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run")
    before = told(folder)
    (folder / "scores.json").write_text("{", encoding="utf-8")

    with pytest.raises(OutputError):
        page.write(folder)
    assert (folder / "report.html").read_text(encoding="utf-8") == before
    assert not list(folder.glob("*.partial"))


def test_a_reader_of_the_earlier_page_keeps_it_whole(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run")
    before = told(folder)

    with (folder / "report.html").open(encoding="utf-8") as reader:
        page.write(folder)
        assert reader.read() == before


def test_a_page_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run")
    (folder / "report.html").mkdir()

    with pytest.raises(OutputError, match="cannot be written"):
        page.write(folder)
    assert not (folder / "report.html.partial").exists()


@pytest.mark.parametrize("ran_code", [True, False])
def test_code_that_came_with_the_model_is_told_of_where_it_ran(ran_code: bool, tmp_path: Path) -> None:
    model = {**run_json()["model"], "ran_code": ran_code}
    text = page.write(finished(tmp_path / "run", run=run_json(model=model))).read_text()
    assert ("came with code of its own" in text) is ran_code


def test_rows_left_out_are_counted(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run")
    (folder / "rejected.jsonl").write_text('{"row": 1}\n{"row": 2}\n', encoding="utf-8")

    assert "2, listed in rejected.jsonl" in Tree(told(folder)).body


def test_what_was_foreseen_stands_beside_what_was_used(tmp_path: Path) -> None:
    text = told(finished(tmp_path / "run"))
    assert re.search(r"memory</th><td[^>]*>900 MiB</td><td[^>]*>931 MiB</td>", text)
    assert re.search(r"money</th><td[^>]*>–</td><td[^>]*>0.002</td>", text)
    assert "energy</th>" not in text
