"""Every malformed input of the table ends in one clear error that names file, row and field."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_data import Case
from bad_entities import CASES

from headstart.data.check import accept, check
from headstart.data.read import read
from headstart.errors import DataError
from headstart.tasks import text_classification, token_classification

CANDIDATES = {"text-classification": text_classification.fields, "token-classification": token_classification.fields}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_malformed_entities_are_refused_in_words(case: Case, tmp_path: Path) -> None:
    data = case.build(tmp_path)

    with pytest.raises(DataError) as refused:
        accept(check(read(data, candidates=CANDIDATES)), skip_bad_rows=False)

    assert case.says in str(refused.value)


def test_bad_rows_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.conll"
    path.write_text("Ada\tB-PER\n\nBob\tPER\n\nran\tO\nBob\n\nEve\tB-PER\n")
    accepted = accept(check(read(path, candidates=CANDIDATES)), skip_bad_rows=True)
    assert accepted.splits["train"].column("text") == ["Ada", "Eve"]
    assert [(row["row"], row["kind"]) for row in accepted.rejected] == [(3, "tag-without-prefix"), (5, "ragged-line")]
