"""Entities come out the same however they are written: tagged words in any file, spans of characters, any script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from headstart.contracts import Rows
from headstart.data.read import Found, read
from headstart.data.truths import spans, words
from headstart.tasks import text_classification, token_classification

CANDIDATES = {"text-classification": text_classification.fields, "token-classification": token_classification.fields}
TEXT = "Ada Lovelace ran ."
ADA = [{"start": 0, "end": 12, "label": "PER"}]
WORDS, TAGS = TEXT.split(), ["B-PER", "I-PER", "O", "O"]


def found_in(data: Any, **given: Any) -> Found:
    return read(data, candidates=CANDIDATES, **given)


def pairs(rows: Rows) -> list[tuple[str, Any]]:
    return list(zip(rows.column("text"), map(json.loads, rows.column("label")), strict=True))


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


CONLL = {
    "two columns, tabs": "Ada\tB-PER\nLovelace\tI-PER\nran\tO\n.\tO\n",
    "two columns, spaces": "Ada B-PER\nLovelace I-PER\nran O\n. O\n",
    "blank lines with tabs": "\t\nAda\tB-PER\nLovelace\tI-PER\nran\tO\n.\tO\n\t\n\t\n",
    "CoNLL-2003": "-DOCSTART- -X- -X- O\n\nAda NNP B-NP I-PER\nLovelace NNP I-NP I-PER\nran VBD B-VP O\n. . O O\n\n",
    "numbered, with comments": (
        "# sent_id = 1\n# text = Ada Lovelace ran O .\n1\tAda\tB-PER\t-\tada\n2\tLovelace\tI-PER\t-\tada\n"
        "3-4\tran.\t_\t_\t_\n3\tran\tO\t-\t-\n4\t.\tO\t-\t-\n"
    ),
    "BIOES": "Ada\tB-PER\nLovelace\tE-PER\nran\tO\n.\tO\n",
    "BILOU, Windows lines, no end": "Ada\tB-PER\r\nLovelace\tL-PER\r\nran\tO\r\n.\tO",
    "a byte order mark": "\ufeffAda\tB-PER\nLovelace\tI-PER\nran\tO\n.\tO\n",
}


@pytest.mark.parametrize("content", CONLL.values(), ids=CONLL.keys())
@pytest.mark.parametrize("name", ["rows.conll", "rows.txt", "rows.iob2"])
def test_tagged_words_are_read_from_files_of_many_forms(tmp_path: Path, name: str, content: str) -> None:
    found = found_in(write(tmp_path / name, content))
    assert found.task == "token-classification"
    assert found.problems == ()
    assert pairs(found.splits["train"]) == [(TEXT, ADA)]


def test_text_files_of_tagged_words_are_splits_where_they_are_named_so(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        write(tmp_path / f"{name}.txt", CONLL["CoNLL-2003"])
    write(tmp_path / "notes.txt", "Where this comes from.")
    write(tmp_path / "empty.txt", "")
    found = found_in(tmp_path)
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 1, "validation": 1, "test": 1}


def test_a_word_that_begins_with_a_hash_is_no_comment(tmp_path: Path) -> None:
    found = found_in(write(tmp_path / "rows.conll", "#ada\tB-PER\n#\tO\n\n"))
    assert pairs(found.splits["train"]) == [("#ada #", [{"start": 0, "end": 4, "label": "PER"}])]


def test_a_row_is_numbered_by_the_first_line_of_its_sentence(tmp_path: Path) -> None:
    found = found_in(write(tmp_path / "rows.conll", "# a\nAda\tB-PER\n\n\n# b\nran\tO\n.\tO\n"))
    assert found.splits["train"].column("row") == [2, 6]


def test_what_the_columns_were_taken_for_is_said(tmp_path: Path) -> None:
    found = found_in(write(tmp_path / "rows.conll", CONLL["CoNLL-2003"]))
    assert any("words are column 1 and tags column 4 of 4" in line for line in found.said)


TABLES = {
    "words and tags": {"tokens": WORDS, "ner_tags": TAGS},
    "spans as objects": {"text": TEXT, "spans": ADA},
    "entities of other names": {"text": TEXT, "entities": [{"begin": 0, "stop": 12, "type": "PER", "score": 1}]},
    "spans as triples": {"text": TEXT, "label": [[0, 12, "PER"]]},
}


@pytest.mark.parametrize("row", TABLES.values(), ids=TABLES.keys())
@pytest.mark.parametrize("form", ["jsonl", "dicts", "pandas", "arrow"])
def test_entities_are_read_from_tables(tmp_path: Path, form: str, row: dict[str, Any]) -> None:
    if form == "arrow" and row.get("label"):
        pytest.skip("Arrow has no lists of mixed types")
    data = {
        "jsonl": lambda: write(tmp_path / "rows.jsonl", json.dumps(row)),
        "dicts": lambda: [row],
        "pandas": lambda: pd.DataFrame([row]),
        "arrow": lambda: pa.Table.from_pylist([row]),
    }[form]()
    found = found_in(data)
    assert (found.task, found.problems) == ("token-classification", ())
    assert pairs(found.splits["train"]) == [(TEXT, ADA)]


def test_numbered_tags_take_the_names_a_data_set_has_for_them(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    names = datasets.ClassLabel(names=["O", "B-PER", "I-PER"])
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(names)})
    data = datasets.Dataset.from_list([{"tokens": WORDS, "ner_tags": [1, 2, 0, 0]}], features=features)
    data.to_parquet(str(tmp_path / "rows.parquet"))
    assert pairs(found_in(tmp_path / "rows.parquet").splits["train"]) == [(TEXT, ADA)]


def test_what_was_read_is_read_again_from_its_own_form() -> None:
    row = {"text": TEXT, "label": json.dumps(ADA)}
    assert pairs(found_in([row, row]).splits["train"]) == [(TEXT, ADA)] * 2


def test_classes_beside_a_text_are_no_entities() -> None:
    assert found_in([{"text": "fine", "label": "good"}, {"text": "poor", "label": "bad"}]).task == "text-classification"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["Ada", "ran", "."], "Ada ran ."),
        (["北", "京", "很", "大"], "北京很大"),
        (["东京", "は", "大きい"], "东京は大きい"),
        (["在", "2", "0", "1", "7", "年"], "在2017年"),
        (["我", "爱", "Apple", "Watch", "手", "表"], "我爱Apple Watch手表"),
        (["กรุงเทพ", "ใหญ่"], "กรุงเทพใหญ่"),
        (["한국", "사람"], "한국 사람"),
        (["the", "word", "京", "means"], "the word 京 means"),
    ],
    ids=["English", "Chinese", "Japanese", "digits one by one", "Latin words among", "Thai", "Korean", "one sign"],
)
def test_words_are_joined_as_their_script_is_written(given: list[str], text: str) -> None:
    joined, places = words.joined(given)
    assert joined == text
    assert [joined[start:end] for start, end in places] == given


def test_an_entity_never_ends_within_a_word_that_joining_made() -> None:
    given, tags = ["用", "i", "P", "a", "d", "2", "吧"], ["O", "B-X", "I-X", "I-X", "I-X", "O", "O"]
    text, label = spans.tagged(given, tags)
    assert text == "用iPad 2吧"
    assert spans.loads(label) == [spans.Span(1, 5, "X")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("U.S. isn't", ["U", ".", "S", ".", "isn", "'", "t"]),
        ("北京2017", ["北", "京", "2017"]),
        ("हिन्दी है", ["हिन्दी", "है"]),
        ("café cafe\u0301", ["café", "cafe\u0301"]),
        ("a_b @ada #1", ["a", "_", "b", "@", "ada", "#", "1"]),
        ("  \t", []),
    ],
    ids=["signs", "ideographs", "vowel signs", "accents", "underscores", "spaces"],
)
def test_words_are_runs_of_letters_marks_and_digits(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in words.words(text)] == expected


def test_held_out_rows_have_entities_in_the_same_share() -> None:
    from headstart.data.check import accept, check
    from headstart.data.split import split

    rows = [{"text": f"Ada {n} ran", "spans": [[0, 3, "PER"]] if n % 4 == 0 else []} for n in range(80)]
    accepted = accept(check(found_in(rows)), skip_bad_rows=False)
    test = split(accepted, validation_size=None, test_size=0.2, seed=0).test
    assert test is not None
    assert sum(label != "[]" for label in test.column("label")) == 4
