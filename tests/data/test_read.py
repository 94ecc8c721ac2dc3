"""Whatever the format, the same rows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tasks_like import CANDIDATES, GOOD, write

from headstart.data.part import CHUNK_ROWS
from headstart.data.read import Found, read
from headstart.errors import DataError

TEXTS, LABELS = ["a, b", 'say "so"', "line\nbreak", "naïve 汉字"], ["1", "0", "1", "0"]


def _read(data: Any, **more: Any) -> Found:
    return read(data, candidates=CANDIDATES, **more)


def _frame() -> pd.DataFrame:
    return pd.DataFrame({"text": TEXTS, "label": LABELS})


def _in_form(form: str, folder: Path) -> Any:
    frame, path = _frame(), folder / f"rows.{form}"
    records: list[dict[str, Any]] = frame.to_dict("records")
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "jsonl":
        write(path, "\n".join(map(json.dumps, records)))
    elif form == "parquet":
        frame.to_parquet(path)
    else:
        return {"frame": frame, "table": pa.Table.from_pandas(frame), "list": records}[form]
    return path


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "frame", "table", "list"])
def test_every_form_gives_the_same_rows_and_fingerprint(form: str, tmp_path: Path) -> None:
    found = _read(_in_form(form, tmp_path))

    rows = found.splits["train"]
    assert (rows.column("text"), rows.column("label"), rows.column("row")) == (TEXTS, LABELS, [1, 2, 3, 4])
    assert found.sha256 == _read(_frame()).sha256


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([1, 0], ["1", "0"]), ([1.0, 0.0], ["1", "0"]), ([True, False], ["True", "False"]), ([1.5, 2.0], ["1.5", "2"])],
    ids=["integers", "whole floats", "truth values", "fractions"],
)
def test_labels_of_any_type_become_strings(labels: list[Any], expected: list[str], tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a b", "c d"], "label": labels}), tmp_path / "rows.parquet")

    assert _read(tmp_path / "rows.parquet").splits["train"].column("label") == expected


def test_a_lone_quote_in_tsv_is_text_and_a_quoted_cell_is_unquoted(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.tsv", 'text\tlabel\n"so it goes\tx\n"said ""so"""\ty\n5" disk\tx\n')

    assert _read(path).splits["train"].column("text") == ['"so it goes', 'said "so"', '5" disk']


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf" + GOOD.encode(), GOOD.replace("\n", "\r\n").encode(), GOOD.replace(",", ";").encode()],
    ids=["byte order mark", "Windows line ends", "semicolons"],
)
def test_csv_as_other_programs_write_it(content: bytes, tmp_path: Path) -> None:
    assert _read(write(tmp_path / "rows.csv", content)).sha256 == _read(write(tmp_path / "plain.csv", GOOD)).sha256


def test_row_numbers_go_on_across_chunks_and_bad_rows(tmp_path: Path) -> None:
    body = "".join(f"some words {at},{at % 2}\n" for at in range(1, CHUNK_ROWS + 2))
    found = _read(write(tmp_path / "rows.csv", "text,label\n" + body + "alone\nlast one,1\n"))

    assert found.splits["train"].column("row")[-2:] == [CHUNK_ROWS + 1, CHUNK_ROWS + 3]
    assert [problem.row for problem in found.problems] == [CHUNK_ROWS + 2]


@pytest.mark.parametrize("name", ["validation", "valid", "val", "dev"])
@pytest.mark.parametrize("form", ["{}.csv", "{}/rows.csv"], ids=["files", "folders"])
def test_splits_are_found_by_name(name: str, form: str, tmp_path: Path) -> None:
    for split in ("train", name, "test"):
        write(tmp_path / form.format(split), GOOD)

    found = _read(tmp_path)

    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 4, "validation": 4, "test": 4}
    assert found.layout == "folder with splits"


def test_numbered_pieces_are_one_split(tmp_path: Path) -> None:
    for at in range(2):
        write(tmp_path / f"train-0000{at}-of-00002.csv", GOOD)

    assert len(_read(tmp_path).splits["train"]) == 8


def test_a_test_file_given_apart_wins(tmp_path: Path) -> None:
    write(tmp_path / "data/train.csv", GOOD)
    write(tmp_path / "data/test.csv", GOOD)
    other = write(tmp_path / "other.jsonl", '{"label": "pos", "text": "another"}')

    assert _read(tmp_path / "data", test=other).splits["test"].column("text") == ["another"]


def test_files_are_named_as_the_user_named_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "sub/rows.csv", GOOD + ",pos\n")
    monkeypatch.chdir(tmp_path)

    found = _read("sub/rows.csv")

    assert set(found.splits["train"].column("file")) == {"sub/rows.csv"}
    assert found.problems[0].message.startswith('sub/rows.csv, row 5, field "text": ')


def _picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)


@pytest.mark.parametrize("above", ["", "train/", "images/"], ids=["plain", "in a split", "one level down"])
def test_images_get_their_class_from_their_folder(above: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cat/a.png", "cat/more/b.jpg", "dog/c.png"):
        _picture(tmp_path / "data" / above / name)
    monkeypatch.chdir(tmp_path)

    rows = _read("data").splits["train"]

    assert rows.column("label") == ["cat", "cat", "dog"]
    assert rows.column("image")[0] == os.path.join("data", f"{above}cat/a.png")
    assert all(os.path.exists(image) for image in rows.column("image"))


def test_listed_images_are_looked_for_beside_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _picture(tmp_path / "data/deep/a.png")
    write(tmp_path / "data/metadata.csv", "file_name,label\ndeep/a.png,x\n")
    monkeypatch.chdir(tmp_path)

    assert _read("data").splits["train"].column("image") == ["data/deep/a.png"]


def test_files_that_are_no_images_are_left_out_and_said(tmp_path: Path) -> None:
    _picture(tmp_path / "cat/a.png")
    _picture(tmp_path / "dog/b.png")
    write(tmp_path / "cat/notes.txt", "x")

    assert 'left out: "notes.txt"' in _read(tmp_path).said[1]


def test_the_fingerprint_changes_with_content_alone(tmp_path: Path) -> None:
    first = _read(write(tmp_path / "rows.csv", GOOD))
    moved = _read(write(tmp_path / "elsewhere/other.csv", GOOD))
    changed = _read(write(tmp_path / "changed.csv", GOOD.replace("poor", "pool")))

    assert first.sha256 == moved.sha256 != changed.sha256


def test_the_fingerprint_sees_where_one_text_ends_and_the_next_begins() -> None:
    one = [{"text": "ab", "label": "x"}, {"text": "c", "label": "x"}]
    other = [{"text": "a", "label": "x"}, {"text": "bc", "label": "x"}]

    assert _read(one).sha256 != _read(other).sha256


def test_a_hub_id_offline_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r'"nobody/nothing" is no file.*Run once without --offline'):
        _read("nobody/nothing", offline=True)


def test_rows_of_a_list_that_are_no_dicts_are_named() -> None:
    found = _read([{"text": "a b", "label": 1}] * 1000 + ["stray"])

    assert found.problems[0].message == "list, row 1001: it is a str, not a dict."


def test_real_header_less_tsv_is_understood(shared: Path) -> None:
    found = _read(shared / "data/text-classification/sst2")

    assert {split: len(rows) for split, rows in found.splits.items()} == {
        "train": 6920,
        "validation": 872,
        "test": 1821,
    }
    assert not found.problems


def test_real_csv_with_line_breaks_is_read_as_pandas_reads_it(shared: Path) -> None:
    folder = shared / "data/text-classification/banking77"

    assert _read(folder).splits["train"].column("text") == pd.read_csv(folder / "train.csv")["text"].tolist()
