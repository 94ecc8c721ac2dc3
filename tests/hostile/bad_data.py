"""Malformed data, each made by one small function in an empty folder, with what must be said of it.

The table serves every way in: the data layer here, the command line in its own tests.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Build = Callable[[Path], Path]


class Case(NamedTuple):
    """A readable id, what makes the data and returns the path to pass, and a part of the message that must come."""

    id: str
    build: Build
    says: str
    columns: str | None = None


def text_file(name: str, content: str | bytes) -> Build:
    """A file of that content."""

    def build(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return build


def csv(content: str | bytes) -> Build:
    """rows.csv of that content."""
    return text_file("rows.csv", content)


def tsv(content: str) -> Build:
    """rows.tsv of that content."""
    return text_file("rows.tsv", content)


def jsonl(content: str) -> Build:
    """rows.jsonl of that content."""
    return text_file("rows.jsonl", content)


def folder_of(*builds: Build) -> Build:
    """A folder "data" in which these were built."""

    def build(folder: Path) -> Path:
        (folder / "data").mkdir()
        for one in builds:
            one(folder / "data")
        return folder / "data"

    return build


def parquet(**columns: list[object]) -> Build:
    """rows.parquet with these columns."""

    def build(folder: Path) -> Path:
        pq.write_table(pa.table(columns), folder / "rows.parquet")
        return folder / "rows.parquet"

    return build


def image(name: str, size: tuple[int, int] = (16, 16), shade: int = 0) -> Build:
    """A striped picture; its extension is its format."""

    def build(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.new("RGB", size, (shade, 90, 200 - shade))
        picture.paste((255 - shade, shade, 40), (shade % size[0], 0, size[0], size[1] // 2))
        picture.save(path)
        return path

    return build


def cut(build: Build, share: float) -> Build:
    """What `build` makes, less the last part of its bytes."""

    def shorter(folder: Path) -> Path:
        path = build(folder)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        return path

    return shorter


def claimed_png(name: str, width: int, height: int) -> Build:
    """A PNG of a few bytes whose header claims this size."""

    def piece(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = piece(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return text_file(name, b"\x89PNG\r\n\x1a\n" + header + piece(b"IDAT", zlib.compress(b"\0")) + piece(b"IEND", b""))


def pictures(*more: Build) -> Build:
    """A folder with two classes of three good pictures each, and more."""
    good = [
        image(f"{name}/{at}.png", shade=40 * at + add) for name, add in (("cat", 0), ("dog", 20)) for at in range(3)
    ]
    return folder_of(*good, *more)


def missing(folder: Path) -> Path:
    """A path where nothing is, near one where something is."""
    text_file("reviews.csv", GOOD)(folder)
    return folder / "review.csv"


GOOD = "text,label\nfine thing,pos\npoor thing,neg\ngreat day,pos\nsad day,neg\n"
ROW = '{"text": "a b", "label": 1}\n'
MANY_BAD = "text,label\n" + "good,pos\nbad,neg\n" * 5 + ",pos\n" * 25

CASES = [
    Case("no such file", missing, "review.csv. Did you mean"),
    Case("empty file", csv(""), "rows.csv is empty"),
    Case("file of blank lines", csv("\n\n \n"), "rows.csv is empty"),
    Case("byte order mark alone", csv(b"\xef\xbb\xbf"), "rows.csv is empty"),
    Case("header alone", csv("text,label\n"), "rows.csv holds a header and no rows"),
    Case("unknown extension", text_file("rows.xlsx", "x"), 'rows.xlsx has an extension that is not one of ".csv"'),
    Case("json that is not jsonl", text_file("rows.json", '{"text": "a"}\n{"text": "b"}\n'), "call it .jsonl"),
    Case("json of no rows", text_file("rows.json", "[]"), "is no list of JSON objects"),
    Case("renamed from nothing", csv(GOOD), 'no column "labels" for "label"', "text=text,label=labels"),
    Case("label column missing", csv("text\nfine thing\npoor thing\n"), 'rows.csv has no column for "label"'),
    Case("neither column", csv("a,b,c\nred one,2,x\nred two,3,y\n"), "rows.csv fits no task"),
    Case("label column misspelt", csv("text,lable,note\ngood,a,x y\nbad,b,y z\n"), 'Did you mean "lable"?'),
    Case("column named twice", csv("text,text,label\na,b,c\n"), 'more than one column named "text"'),
    Case("too many names for a header-less file", csv("good thing,1\nbad thing,0\n"), "has 2 columns", "id,text,label"),
    Case("header-less and unclear", tsv("0\t1\n1\t0\n0\t0\n"), "Pass --columns text,label"),
    Case("columns half renamed", csv(GOOD), "is not a list", "text=text,label"),
    Case("row too short", csv(GOOD + "alone\n"), "rows.csv, row 5: it has 1 cells where 2"),
    Case("row too long", csv(GOOD + "a,b,c\n"), "rows.csv, row 5: it has 3 cells where 2"),
    Case("short row in TSV", tsv(GOOD.replace(",", "\t") + "alone\n"), "rows.tsv, row 5: it has 1"),
    Case("quotes out of order", csv(GOOD + '"so" so,pos\n'), "row 5: its quotes are out of order"),
    Case("quote never closed", csv(GOOD + '"so,pos\nmore,neg\n'), "a quote is opened and not closed"),
    Case("repeated header", csv(GOOD + "text,label\n"), "row 5: it repeats the header"),
    Case("Latin-1 row", csv(GOOD.encode() + b"caf\xe9,pos\n"), "rows.csv, row 5: it is not valid UTF-8"),
    Case("UTF-16 file", csv(GOOD.encode("utf-16")), "rows.csv is not UTF-8"),
    Case("UTF-16 without its mark", csv(GOOD.encode("utf-16-le")), "rows.csv is not UTF-8"),
    Case("binary file", csv(b"PK\x03\x04" + bytes(range(1, 200))), "rows.csv holds binary data"),
    Case("NUL byte", csv(GOOD.encode() + b"a\0b,pos\n"), "rows.csv, row 5: it holds a NUL byte"),
    Case("empty text", csv(GOOD + ",pos\n"), 'row 5, field "text": the text is empty'),
    Case("text of spaces", csv(GOOD + '"  ",pos\n'), 'row 5, field "text": the text is empty'),
    Case("NaN text", csv(GOOD + "nan,pos\n"), 'row 5, field "text": the text is "nan"'),
    Case("empty label", csv(GOOD + "a word,\n"), 'row 5, field "label": the label is empty'),
    Case("twenty-five bad rows", csv(MANY_BAD), "The data has 25 errors"),
    Case("more than twenty are counted", csv(MANY_BAD), "… and 5 more"),
    Case("class spelt by another case", csv(GOOD + "odd,Neg\n"), 'row 5, field "label": "Neg" is written "neg" in 2'),
    Case("class with a space", csv(GOOD + "odd,neg \n"), '"neg " is written "neg" in 2 other rows'),
    Case("one class", csv("text,label\na b,pos\nc d,pos\n"), 'every training row has the label "pos"'),
    Case("line that is not JSON", jsonl(ROW + "{oops\n"), "rows.jsonl, row 2: it is not valid JSON"),
    Case("JSON array as row", jsonl(ROW + "[1]\n"), "row 2: it is a JSON list"),
    Case("bottomless JSON", jsonl(ROW + "[" * 100_000 + "\n"), "row 2: it is not valid JSON"),
    Case("row without the field", jsonl(ROW + '{"text": "c"}\n'), 'field "label": the label is missing'),
    Case("null text", jsonl(ROW + '{"text": null, "label": 0}\n'), 'row 2, field "text": the text is empty'),
    Case(
        "half a character",
        jsonl(ROW + '{"text": "\\ud800", "label": 0}\n'),
        'row 2, field "text": it holds half a character',
    ),
    Case("no JSON object at all", jsonl("[1]\n[2]\n"), "has no line that is a JSON object"),
    Case(
        "numbers as text",
        parquet(text=[1, 2], label=["a", "b"]),
        'rows.parquet, row 1, field "text": "1" is of type int',
    ),
    Case(
        "NaN label in Parquet",
        parquet(text=["a b", "c d"], label=[1.0, float("nan")]),
        'row 2, field "label": the label is empty',
    ),
    Case("damaged Parquet", cut(parquet(text=["a b"], label=["x"]), 0.5), "rows.parquet is no readable Parquet file"),
    Case("Parquet without rows", parquet(text=[], label=[]), "rows.parquet has no rows"),
    Case("folder of nothing known", folder_of(text_file("read.me", "x")), "neither images nor data files"),
    Case("empty folder", folder_of(), "neither images nor data files"),
    Case("test split alone", folder_of(text_file("test.csv", GOOD)), 'nothing named "train"'),
    Case(
        "two train files",
        folder_of(text_file("train.csv", GOOD), text_file("train.tsv", GOOD)),
        "more than one train split",
    ),
    Case("several unnamed files", folder_of(text_file("a.csv", GOOD), text_file("b.csv", GOOD)), "Pass one of them"),
    Case(
        "class unseen in training",
        folder_of(text_file("train.csv", GOOD), text_file("test.csv", "text,label\nx y,nag\n")),
        'no training row is of class "nag". Did you mean "neg"?',
    ),
    Case("images without classes", folder_of(image("a.png"), image("b.png")), "holds 2 images and no classes"),
    Case(
        "class folder without images", pictures(text_file("bird/notes.txt", "x")), 'class folder "bird" holds no images'
    ),
    Case("zero-byte image", pictures(text_file("cat/none.jpg", "")), "none.jpg: the file holds no bytes"),
    Case(
        "text called image", pictures(text_file("cat/words.jpg", "not a picture")), "words.jpg: its bytes are no image"
    ),
    Case("JPEG cut short", pictures(cut(image("cat/half.jpg", (64, 64)), 0.6)), "half.jpg: it is damaged or cut short"),
    Case("PNG cut short", pictures(cut(image("cat/half.png", (64, 64)), 0.6)), "half.png: it is damaged or cut short"),
    Case(
        "image of enormous size",
        pictures(claimed_png("cat/huge.png", 9_000, 9_000)),
        "huge.png: it has 9,000 x 9,000 pixels",
    ),
    Case(
        "decompression bomb",
        pictures(claimed_png("cat/bomb.png", 60_000, 60_000)),
        "bomb.png: it has 3,600,000,000 pixels",
    ),
    Case(
        "listed image not there",
        folder_of(text_file("metadata.csv", "file_name,label\na.png,x\nb.png,y\n"), image("a.png")),
        'metadata.csv, row 2, field "image"',
    ),
]
