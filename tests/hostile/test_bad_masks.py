"""Every malformed mask of the table ends in one clear error that names file, row and field."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_data import Case
from bad_masks import CASES, NAMED, folder, numbers

from headstart import plug
from headstart.data.check import accept, check
from headstart.data.read import read
from headstart.errors import DataError

CANDIDATES = {name: plug.load("tasks", name).fields for name in plug.names("tasks")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_malformed_masks_are_refused_in_words(case: Case, tmp_path: Path) -> None:
    data = case.build(tmp_path)

    with pytest.raises(DataError) as refused:
        accept(check(read(data, candidates=CANDIDATES, task="semantic-segmentation")), skip_bad_rows=False)

    assert case.says in str(refused.value)


def test_good_pictures_are_left_without_the_bad_ones(tmp_path: Path) -> None:
    data = folder(numbers(0, 7), palette=NAMED)(tmp_path)
    accepted = accept(check(read(data, candidates=CANDIDATES)), skip_bad_rows=True)
    assert [Path(row["file"]).name for row in accepted.rejected] == ["1.png"]
    assert len(accepted.splits["train"]) == 2
