"""Every malformed input of the table ends in one clear error, and the user's files stay as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_data import CASES, Case, parquet

from headstart.contracts import Field
from headstart.data.check import accept, check
from headstart.data.read import read
from headstart.errors import DataError

CANDIDATES = {
    "texts": (Field("text", "text", ""), Field("label", "label", "")),
    "images": (Field("image", "image", "", ("file_name",)), Field("label", "label", "")),
}


def _content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_malformed_data_is_refused_in_words_and_left_untouched(case: Case, tmp_path: Path) -> None:
    data = case.build(tmp_path)
    before = _content(tmp_path)

    with pytest.raises(DataError) as refused:
        accept(check(read(data, candidates=CANDIDATES, columns=case.columns)), skip_bad_rows=False)

    assert case.says in str(refused.value)
    assert "Traceback" not in str(refused.value)
    assert _content(tmp_path) == before


def test_lists_are_no_classes_where_a_row_has_one(tmp_path: Path) -> None:
    data = parquet(text=["a b", "c d"], label=[["x"], ["y"]])(tmp_path)
    with pytest.raises(DataError, match=r'no column for "label" \("label" does not hold values of its kind\)'):
        read(data, candidates=CANDIDATES)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\na b,x\n")
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        pass
    else:
        pytest.skip("this user may read every file")

    with pytest.raises(DataError, match=r"rows\.csv may not be read"):
        read(path, candidates=CANDIDATES)
