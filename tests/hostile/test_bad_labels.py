"""Every malformed list of labels of the table ends in one clear error that names file, row and field."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_labels import CASES, Case

from headstart import run
from headstart.data.check import accept, check
from headstart.errors import HeadstartError
from headstart.settings import FitSettings


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_malformed_labels_are_refused_in_words(case: Case, tmp_path: Path) -> None:
    data = case.build(tmp_path)

    with pytest.raises(HeadstartError) as refused:
        accept(check(run.find(str(data), FitSettings(**case.settings))), skip_bad_rows=False)

    assert case.says in str(refused.value)
