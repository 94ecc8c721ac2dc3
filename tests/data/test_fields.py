"""Which task, and which columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from tasks_like import CANDIDATES, GOOD, IMAGE, TEXT, write

from headstart.data.fields import Asked, parse_columns
from headstart.data.read import Found, read
from headstart.errors import DataError, UnknownName


def _read(path: Path, **more: str) -> Found:
    return read(path, candidates=CANDIDATES, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, Asked()),
        ("text,label", Asked(order=("text", "label"))),
        (" text , label ", Asked(order=("text", "label"))),
        ("text=my review,label=stars", Asked(renames={"text": "my review", "label": "stars"})),
    ],
    ids=["nothing", "order", "spaces", "renames"],
)
def test_columns_are_an_order_or_renames(text: str | None, expected: Asked) -> None:
    assert parse_columns(text) == expected


@pytest.mark.parametrize("text", ["", "text,", "text,label=stars", "text,text", "text="], ids=repr)
def test_columns_that_are_neither_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="--columns"):
        parse_columns(text)


@pytest.mark.parametrize(
    "header",
    ["text,label", "Text,LABEL", "sentence,category", "Review,stars", "anything,class", "comment here,Grade"],
    ids=["exact", "case", "aliases", "alias of both", "one string column left", "both by content"],
)
def test_a_header_is_matched_by_name_alias_and_what_is_left(header: str, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", GOOD.replace("text,label", header))

    rows = _read(path).splits["train"]

    assert rows.column("text")[0] == "fine thing"
    assert rows.column("label") == ["pos", "neg", "pos", "neg"]


def test_renames_win_over_names(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "text,label,summary,mood\nlong a,1,short a,sad\nlong b,2,short b,gay\n")

    rows = _read(path, columns="text=summary,label=mood").splits["train"]

    assert rows.column("text") == ["short a", "short b"]
    assert rows.column("label") == ["sad", "gay"]


@pytest.mark.parametrize("columns", [None, "text,label"], ids=["inferred", "named"])
def test_a_header_less_file_keeps_its_first_row(columns: str | None, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.tsv", "a good film\t1\na bad film\t0\nwhat a joy\t1\n")

    found = read(path, candidates=CANDIDATES, columns=columns)

    assert found.splits["train"].column("text") == ["a good film", "a bad film", "what a joy"]
    assert ("has no header" in found.said[0]) == (columns is None)


def test_header_less_test_rows_follow_the_order_of_training(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", "pos,a good film\nneg,a bad film\npos,what a joy\n")
    write(tmp_path / "test.csv", "neg,nothing in it\n")

    assert _read(tmp_path).splits["test"].column("text") == ["nothing in it"]


def test_a_label_called_like_a_field_is_no_header(tmp_path: Path) -> None:
    path = write(
        tmp_path / "rows.tsv", "first words here\treview\nsecond words\tnews\nthird words\treview\nmore words\tnews\n"
    )

    assert len(_read(path).splits["train"]) == 4


def test_order_given_for_a_file_with_a_header_is_not_needed_and_said(tmp_path: Path) -> None:
    found = _read(write(tmp_path / "rows.csv", GOOD), columns="text,label")

    assert len(found.splits["train"]) == 4
    assert "--columns was not needed" in found.said[1]


def test_a_column_of_image_files_makes_it_the_task_for_images(tmp_path: Path) -> None:
    found = _read(write(tmp_path / "rows.csv", "file_name,label\na.png,x\nb.JPG,y\n"))

    assert (found.task, found.fields) == ("images", IMAGE)


def test_captions_beside_images_do_not_make_it_a_task_for_text(tmp_path: Path) -> None:
    found = _read(write(tmp_path / "rows.csv", "image,caption,label\na.png,a cat,x\nb.png,a dog,y\n"))

    assert found.task == "images"


def test_two_tasks_that_fit_equally_are_not_guessed_between(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", GOOD)

    with pytest.raises(DataError, match=r'could be for "one", "two"\. Pass --task'):
        read(path, candidates={"one": TEXT, "two": TEXT})


def test_an_unknown_task_is_named_with_the_closest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match='Did you mean "texts"'):
        _read(write(tmp_path / "rows.csv", GOOD), task="text")


def test_two_columns_that_could_be_the_class_are_not_guessed_between(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "text,lang,mood\na b,en,x\nc d,en,y\ne f,de,x\ng h,de,y\n")

    with pytest.raises(DataError, match='no column for "label"; its columns are "text", "lang", "mood"'):
        _read(path)
