"""What was measured is kept: nothing is measured twice, whatever interrupts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headstart.advisor.ledger import Ledger


def never() -> Mapping[str, Any]:
    raise AssertionError("measured again")


def test_the_same_is_measured_once_also_by_the_next_who_opens_the_file(tmp_path: Path) -> None:
    path = tmp_path / "advice" / "checkpoint.json"
    Ledger(path).once("arm", lambda: {"hits": [1.0, 0.0]}, seed=0, changes={"top": 2, "model": "a"})

    again = Ledger(path).once("arm", never, changes={"model": "a", "top": 2}, seed=0)

    assert again == {"hits": [1.0, 0.0]}


@pytest.mark.parametrize("other", [{"what": "point"}, {"seed": 1}, {"until": 2}], ids=str)
def test_whatever_decides_it_makes_another_measurement(other: dict[str, Any], tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "checkpoint.json")
    asked: dict[str, Any] = {"what": "arm", "seed": 0, "until": 1}
    ledger.once(**asked, measure=lambda: {"value": 1})

    assert ledger.once(**{**asked, **other}, measure=lambda: {"value": 2}) == {"value": 2}


def test_a_measurement_that_fails_is_not_kept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "checkpoint.json")
    with pytest.raises(AssertionError, match="measured again"):
        ledger.once("arm", never, seed=0)

    assert Ledger(ledger.path).once("arm", lambda: {"value": 1}, seed=0) == {"value": 1}


def test_a_write_that_was_cut_off_leaves_what_was_there(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "checkpoint.json")
    ledger.once("arm", lambda: {"value": 1}, seed=0)
    ledger.path.with_suffix(".new").write_text('{"half')

    assert Ledger(ledger.path).once("arm", never, seed=0) == {"value": 1}


def test_time_is_told_in_all_and_by_what_was_measured(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "checkpoint.json")
    for what, seed in (("arm", 0), ("arm", 1), ("point", 0)):
        ledger.once(what, dict, seed=seed)
    for entry, seconds in zip(ledger.entries.values(), (2.0, 3.0, 4.0), strict=True):
        entry["seconds"] = seconds

    assert (ledger.seconds, ledger.seconds_by_kind) == (9.0, {"arm": 5.0, "point": 4.0})
    assert (ledger.least("arm"), ledger.least("baselines")) == (2.0, 0.0)
