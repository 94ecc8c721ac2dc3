"""What predict is given becomes items: lines, a column, images; and what cannot be used is refused by name."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from headstart.cli._items import Item, read_items
from headstart.contracts import Field
from headstart.errors import DataError

TEXT = Field("text", "text", "the text", aliases=("review",))
IMAGE = Field("image", "image", "the image", aliases=("file_name",))


def texts(*places: Path | str, columns: str | None = None) -> list[Item]:
    return read_items([str(place) for place in places], (TEXT,), task="text-classification", columns=columns)


def images(*places: Path) -> list[Item]:
    return read_items([str(place) for place in places], (IMAGE,), task="image-classification", columns=None)


FILES = {
    "lines": ("new.txt", b"one\n\n  \ntwo\n", None),
    "lines with a byte order mark": ("new.txt", b"\xef\xbb\xbfone\r\ntwo", None),
    "a column by name": ("new.csv", b"id,text\n1,one\n2,two\n", None),
    "a column by alias": ("new.tsv", b"review\tstars\none\t5\ntwo\t1\n", None),
    "a column that is named": ("new.csv", b"a,b\nx,one\ny,two\n", "text=b"),
    "objects": ("new.jsonl", b'{"text": "one"}\n{"text": "two"}\n', None),
}


@pytest.mark.parametrize(("name", "content", "columns"), FILES.values(), ids=FILES.keys())
def test_a_file_gives_its_texts(tmp_path: Path, name: str, content: bytes, columns: str | None) -> None:
    (tmp_path / name).write_bytes(content)
    assert texts(tmp_path / name, columns=columns) == ["one", "two"]


def test_several_places_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.txt").write_text(f"{name}\n")
    assert texts(tmp_path / "b.txt", tmp_path / "a.txt") == ["b", "a"]


def test_a_dash_reads_lines_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("één\ntwee\n".encode())))
    assert texts("-") == ["één", "twee"]


def test_a_folder_gives_its_images_sorted_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name in ("b.png", "inner/a.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    assert images(tmp_path) == [str(tmp_path / "b.png"), str(tmp_path / "inner" / "a.jpg")]


def test_an_image_file_is_an_item(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert images(tmp_path / "a.png") == [str(tmp_path / "a.png")]


REFUSED = {
    "a file that is not there": ("gone.txt", None, "There is no file or folder"),
    "an empty file": ("new.txt", b"", "nothing to predict"),
    "another encoding": ("new.txt", "één".encode("latin-1"), "is not UTF-8 text"),
    "no such column": ("new.csv", b"a,b\nx,y\nz,w\n", 'no column for "text"'),
    "a row without text": ("new.csv", b"text,id\none,1\n,2\n", "row 2"),
}


@pytest.mark.parametrize(("name", "content", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_used_is_refused(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        texts(tmp_path / name)
