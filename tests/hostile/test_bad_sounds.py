"""Every malformed recording or transcript of the table ends in one clear error that names file, row and field."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_data import Case
from bad_sounds import CASES

from headstart import plug
from headstart.data.check import accept, check
from headstart.data.read import read
from headstart.errors import DataError

CANDIDATES = {name: plug.load("tasks", name).fields for name in ("text-classification", "automatic-speech-recognition")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_malformed_recordings_are_refused_in_words(case: Case, tmp_path: Path) -> None:
    data = case.build(tmp_path)

    with pytest.raises(DataError) as refused:
        accept(check(read(data, candidates=CANDIDATES, task="automatic-speech-recognition")), skip_bad_rows=False)

    assert case.says in str(refused.value)
