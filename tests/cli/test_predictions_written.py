"""Predictions in a file hold what was predicted, whatever the format, and a file is never half there or overwritten."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from pyarrow import parquet

from headstart.cli._write import flat, write, writer_for
from headstart.errors import OutputError

RECORDS = [
    {"text": 'a "quoted", text', "label": "neg", "probabilities": {"neg": 0.75, "pos": 0.25}},
    {"text": "two\nlines", "label": "pos", "probabilities": {"neg": 0.5, "pos": 0.5}},
]


def test_a_record_becomes_one_flat_row() -> None:
    assert flat(RECORDS[0]) == {"text": 'a "quoted", text', "label": "neg", "p:neg": 0.75, "p:pos": 0.25}


def test_jsonl_gives_the_records_back(tmp_path: Path) -> None:
    write(RECORDS, tmp_path / "p.jsonl")
    assert [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()] == RECORDS


def test_csv_gives_the_rows_back(tmp_path: Path) -> None:
    write(RECORDS, tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{name: str(value) for name, value in flat(record).items()} for record in RECORDS]


def test_parquet_gives_the_rows_back(tmp_path: Path) -> None:
    write(RECORDS, tmp_path / "p.parquet")
    assert parquet.read_table(tmp_path / "p.parquet").to_pylist() == [flat(record) for record in RECORDS]


def test_nothing_but_the_file_is_left(tmp_path: Path) -> None:
    write(RECORDS, tmp_path / "p.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["p.jsonl"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write([{"text": "a lone surrogate \ud800"}], tmp_path / "p.csv")
    assert list(tmp_path.iterdir()) == []


REFUSED = {
    "another extension": "p.xlsx",
    "no extension": "p",
    "a file that is there": "there.csv",
    "no folder": "no/p.csv",
}


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED.keys())
def test_a_place_that_will_not_do_is_refused_before_the_work(tmp_path: Path, name: str) -> None:
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(OutputError):
        writer_for(tmp_path / name)
    assert (tmp_path / "there.csv").read_text() == "mine"
