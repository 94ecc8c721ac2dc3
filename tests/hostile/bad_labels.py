"""Malformed lists of labels, each made by one small function in an empty folder, with what must be said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from bad_data import Build, text_file


class Case(NamedTuple):
    """Bad data, the settings it is read with, and what the refusal must say."""

    id: str
    build: Build
    says: str
    settings: Mapping[str, Any] = {}


def lists(value: Any, **more: Any) -> Build:
    """rows.jsonl with two good rows and between them one whose labels are these."""
    rows = [{"text": "one", "labels": ["a", "b"]}, {"text": "two", "labels": value, **more}]
    rows.append({"text": "three", "labels": ["b"]})
    return text_file("rows.jsonl", "\n".join(map(json.dumps, rows)))


def cells(*values: str) -> Build:
    """rows.csv with a text and a label in each row."""
    return text_file("rows.csv", "text,label\n" + "".join(f"text {at},{one}\n" for at, one in enumerate(values)))


def flags(*rows: str) -> Build:
    """rows.csv with two columns of flags."""
    return text_file("rows.csv", "text,rude,odd\n" + "".join(f"text {at},{row}\n" for at, row in enumerate(rows)))


def later(train: str, test: str) -> Build:
    """A folder with a training and a test file."""

    def build(folder: Any) -> Any:
        for name, content in (("train", train), ("test", test)):
            (folder / f"{name}.csv").write_text(content)
        return folder

    return build


ROW = 'rows.jsonl, row 2, field "label": '
SEMI = {"separator": ";"}
MULTI = {"multi_label": True}
TEXTS = {"task": "text-classification"}
CASES: tuple[Case, ...] = (
    Case("a label twice", lists(["a", "a"]), f'{ROW}"a" stands there twice'),
    Case("an empty label", lists(["a", " "]), f"{ROW}one of the labels is empty"),
    Case("a label that is nothing", lists(["a", None]), f'{ROW}"None" is of type NoneType'),
    Case("a list in a list", lists([["a"]]), f"{ROW}\"['a']\" is of type list", {**TEXTS, **MULTI}),
    Case("an object in a list", lists([{"name": "a"}]), "is of type dict", {**TEXTS, **MULTI}),
    Case("an object in place of a list", lists({"a": 1}), f"{ROW}\"{{'a': 1}}\" is no list"),
    Case("a text in place of a list", lists("a, b"), f'{ROW}"a, b" is no list. Write a list of labels'),
    Case("a number in place of a list", lists(3), f'{ROW}"3" is no list'),
    Case("a NUL byte in a label", lists(["a\0"]), f"{ROW}one of the labels holds a NUL byte"),
    Case("half a character in a label", lists(["\ud800"]), f"{ROW}it holds half a character"),
    Case(
        "no labels field in a row",
        text_file("rows.jsonl", '{"text": "a", "labels": ["x"]}\n{"text": "b"}\n{"text": "c", "labels": ["y"]}'),
        f"{ROW}the label is missing. Write []",
    ),
    Case("no label in any row", text_file("rows.jsonl", '{"text": "a", "labels": []}'), "no training row has", MULTI),
    Case("a label twice in a cell", cells("a;b", "a;a"), 'row 2, field "label": "a" stands there twice', SEMI),
    Case("an unnamed sign", cells("a;b", "b;c", "a", "c;a"), 'a ";" seems to stand between labels', MULTI),
    Case(
        "a list cut short",
        cells('"[""a"""', '"[""a"", ""b""]"'),
        'row 1, field "label"',
        {"task": "text-classification"},
    ),
    Case("spelled in two ways", cells(*["bug;odd"] * 3, "Bug"), '"Bug" is written "bug" elsewhere', SEMI),
    Case("a flag of 2", flags("0,1", "1,0", "1,2"), "no column", MULTI),
    Case(
        "a flag of 2, as asked",
        flags("0,1", "1,0", "1,2"),
        'rows.csv, row 3, field "label": column "odd" has "2", and 0 or 1 was expected',
        {"columns": "label=rude+odd", **MULTI},
    ),
    Case("an empty flag, as asked", flags("0,1", "1,"), 'column "odd" has ""', {"columns": "label=rude+odd", **MULTI}),
    Case(
        "a column that is not there", flags("0,1", "1,0"), 'no column "rude+od"', {"columns": "label=rude+od", **MULTI}
    ),
    Case("no flag set anywhere", flags("0,0", "0,0"), "no training row has a label", MULTI),
    Case(
        "a test label that is new",
        later("text,label\na,x;y\nb,y\n", "text,label\nc,x;z\n"),
        'row 1, field "label": no training row has the label "z"',
        SEMI,
    ),
    Case(
        "test flags that lack a label",
        later("text,rude,odd\na,0,1\nb,1,0\n", "text,rude\nc,1\n"),
        'no column "odd", which is a label in training',
        MULTI,
    ),
    Case("another task", cells("a", "b"), "question-answering has none", {"task": "question-answering", **MULTI}),
)
