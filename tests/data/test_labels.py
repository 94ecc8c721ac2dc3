"""Several classes of a row are read alike in every form they are written in, and only where they are meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from headstart import run
from headstart.data.check import accept, check
from headstart.data.read import Found
from headstart.data.split import split
from headstart.data.truths import labels
from headstart.errors import DataError, SettingError
from headstart.settings import FitSettings

TEXTS = ["it broke", "pay me", "it broke, pay me", "thanks"]
NAMES = [["bug"], ["bill"], ["bug", "bill"], []]
ROWS = ['["bug"]', '["bill"]', '["bill", "bug"]', "[]"]


def found(data: Any, **settings: Any) -> Found:
    return run.find(data, FitSettings(**settings))


def table(values: list[Any], name: str = "labels") -> list[dict[str, Any]]:
    return [{"text": text, name: value} for text, value in zip(TEXTS, values, strict=True)]


BOTH = list(zip(TEXTS, NAMES, strict=True))
FORMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "lists": (table(NAMES), {}),
    "lists under label": (table(NAMES, "label"), {}),
    "tuples": (table([tuple(one) for one in NAMES]), {}),
    "JSON": (table([json.dumps(one) for one in NAMES]), {}),
    "as Python writes lists": (table([str(one) for one in NAMES]), {}),
    "a data frame": (pd.DataFrame(table(NAMES)), {}),
    "a sign between": (table([";".join(one) for one in NAMES]), {"separator": ";"}),
    "a sign and spaces": (table([" | ".join(one) for one in NAMES]), {"separator": "|"}),
    "a sign at the end": (table([";".join([*one, ""]) for one in NAMES]), {"separator": ";"}),
    "0 and 1": (
        [{"text": text, "bug": int("bug" in one), "bill": int("bill" in one)} for text, one in BOTH],
        {"multi_label": True},
    ),
    "true and false, as asked": (
        [{"said": text, "bug": "bug" in one, "bill": "bill" in one, "seen": True} for text, one in BOTH],
        {"columns": "text=said,label=bug+bill", "multi_label": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_means_the_same(form: str) -> None:
    data, settings = FORMS[form]
    one = found(data, **settings)
    assert one.task == "multi-label-text-classification"
    assert one.splits["train"].column("label") == ROWS
    assert one.splits["train"].column("text") == TEXTS
    assert not one.problems


def test_text_and_label_are_one_class_as_ever() -> None:
    assert found(table(["a", "b", "a", "b"], "label")).task == "text-classification"


def test_a_task_by_name_takes_lists_for_several_classes() -> None:
    assert found(table(NAMES), task="text-classification").task == "multi-label-text-classification"


def test_empty_lists_beside_tags_or_spans_stay_entities() -> None:
    spans = [[{"start": 0, "end": 2, "label": "A"}], [], [], []]
    assert found(table(spans, "label")).task == "token-classification"


def test_several_classes_of_another_task_are_refused_by_name() -> None:
    with pytest.raises(SettingError, match="token-classification has none"):
        found(table(NAMES), task="token-classification", multi_label=True)


@pytest.mark.parametrize("sign", labels.SEPARATORS)
def test_a_sign_that_nobody_named_is_asked_for(sign: str) -> None:
    with pytest.raises(DataError, match=rf'a "{sign if sign != "|" else "[|]"}" seems to stand between'):
        found(table([sign.join(one) for one in (["a", "b"], ["b"], ["a"], ["b", "a"])]), multi_label=True)


def test_names_with_commas_are_names_where_cutting_them_makes_no_fewer() -> None:
    whole = ["cold, wet", "hot", "mild, dry", "hot"]
    assert labels.loads(found(table(whole), multi_label=True).splits["train"].column("label")[0]) == ["cold, wet"]


def test_a_few_of_every_label_are_held_out() -> None:
    rows = [{"text": f"text {at}", "labels": ["common", *(["rare"] if at % 20 == 0 else [])]} for at in range(200)]
    splits = split(accept(check(found(rows)), skip_bad_rows=False), validation_size=None, test_size=0.2, seed=0)
    assert splits.test is not None
    assert sum("rare" in value for value in splits.test.column("label")) == 2


def test_what_is_noteworthy_of_labels_is_said() -> None:
    kinds = {problem.kind: problem.severity for problem in check(found(table(NAMES))).problems}
    assert kinds == {"rows-without-labels": "note", "rare-label": "warning"}


def test_classes_of_a_check_are_labels_with_their_rows() -> None:
    assert check(found(table(NAMES))).classes == {"bill": {"train": 2}, "bug": {"train": 2}}


def test_a_test_file_in_columns_of_0_and_1_is_read_as_the_training_file(tmp_path: Path) -> None:
    data, _ = FORMS["0 and 1"]
    for name in ("train", "test"):
        pd.DataFrame(data).to_csv(tmp_path / f"{name}.csv", index=False)
    one = found(str(tmp_path / "train.csv"), test=str(tmp_path / "test.csv"), multi_label=True)
    assert one.splits["test"].column("label") == ROWS
