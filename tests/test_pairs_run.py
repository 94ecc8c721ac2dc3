"""Pairs of texts: told from single ones by their columns, read by the tokenizer as pairs, answered alike anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import families
import headstart
from headstart import run as runs_of
from headstart.cli import main
from headstart.data.check import check
from headstart.errors import DataError, HeadstartError
from headstart.progress import Event, Warned
from headstart.run import Run
from headstart.settings import FitSettings
from headstart.sources import dir as folders

LONG = ("fine " * 30, "dull " * 12)


def premises(path: Path) -> Path:
    """40 pairs; whether the second has the good word of the first decides the class."""
    rows = []
    for at in range(40):
        good = families.GOOD[at // 2 % 4]
        other = good if at % 2 else families.BAD[at // 2 % 4]
        rows.append(
            {"premise": f"the {good} day {at}", "hypothesis": f"it was {other}", "label": ("no", "yes")[at % 2]}
        )
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, family: families.Family) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("pairs")
    data = premises(folder / "pairs.jsonl")
    asked = {"model": f"dir:{family('bert')}", "precision": "float32", "batch_size": 8, "max_length": 12}
    ways: dict[str, dict[str, Any]] = {"frozen": {}, "full": {"strategy": "full", "epochs": 2}}
    return {name: headstart.fit(data, out=folder / name, **asked, **given) for name, given in ways.items()}


def task_of(names: str, **settings: Any) -> str:
    rows = [dict.fromkeys(names.split(","), "") | {"label": ("a", "b")[at % 2]} for at in range(8)]
    for at, row in enumerate(rows):
        row |= {name: f"{name} {at} in words" for name in row if name != "label"}
    return runs_of.find(rows, FitSettings(**settings)).task


@pytest.mark.parametrize(
    ("columns", "task"),
    [
        ("text,label", "text-classification"),
        ("sentence,label", "text-classification"),
        ("text,notes,label", "text-classification"),
        ("text,text_pair,label", "text-pair-classification"),
        ("sentence1,sentence2,label", "text-pair-classification"),
        ("premise,hypothesis,label", "text-pair-classification"),
        ("question1,question2,label", "text-pair-classification"),
        ("idx,sentence1,sentence2,label", "text-pair-classification"),
    ],
)
def test_columns_tell_pairs_from_single_texts(columns: str, task: str) -> None:
    assert task_of(columns) == task
    assert task_of(columns, task="text-classification") == task


def test_columns_of_other_names_are_a_pair_where_said() -> None:
    asked = {"columns": "text=question,text_pair=answer", "task": "text-classification"}
    assert task_of("question,answer,label", **asked) == "text-pair-classification"


def test_a_task_of_pairs_by_name_asks_for_the_second_text() -> None:
    with pytest.raises(DataError, match='no column for "text_pair"'):
        task_of("text,label", task="text-pair-classification")


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_pair_is_read_as_the_tokenizer_reads_it(name: str, family: families.Family) -> None:
    backbone = folders.load(str(family(name)), revision=None, offline=True)
    pairs = [("fine day", "it was dull"), LONG, ("a", "b")]
    encoded = backbone.prepare(pairs, max_length=12, long="longest-first")
    ours = encoded.take(range(3)).tensors
    firsts, seconds = zip(*pairs, strict=True)
    cut = {"truncation": "longest_first", "max_length": 12, "padding": True, "return_tensors": "pt"}
    theirs = backbone.processor(list(firsts), list(seconds), **cut)  # type: ignore[attr-defined]
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    whole = [len(backbone.processor(*pair, verbose=False)["input_ids"]) for pair in pairs]  # type: ignore[attr-defined]
    assert encoded.truncated == sum(length > 12 for length in whole)
    assert encoded.lost == sum(max(0, length - 12) for length in whole)


def test_both_texts_of_a_cut_pair_keep_some_tokens(family: families.Family) -> None:
    backbone = folders.load(str(family("bert")), revision=None, offline=True)
    backbone.processor.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]  # type: ignore[attr-defined]
    types = backbone.prepare([LONG], max_length=12).take([0]).tensors["token_type_ids"][0]
    assert types.sum() > 3
    assert (types == 0).sum() > 3


@pytest.mark.parametrize("way", ["frozen", "full"])
def test_a_fit_on_pairs_loads_again_to_the_bit(way: str, runs: dict[str, Run]) -> None:
    run, pairs = runs[way], [("the fine day", "it was fine"), LONG]
    assert run.model.task_name == "text-pair-classification"
    assert run.model.long == "longest-first"
    assert np.array_equal(run.model.logits(pairs), headstart.load(run.folder).logits(pairs))
    assert set(run.scores["baselines"]) == {"majority class", "TF-IDF of both + overlap"}


@pytest.mark.parametrize("way", ["frozen", "full"])
def test_the_cards_python_answers_pairs_alike(way: str, runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run, pairs = runs[way], [("the fine day", "it was fine"), LONG]
    card = (run.folder / "model" / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0]
    lines = [f"items = {pairs!r}" if line.startswith("items = ") else line for line in code.splitlines()]
    monkeypatch.chdir(run.folder / "model")
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    np.testing.assert_allclose(names["logits"].numpy(), run.model.logits(pairs), atol=1e-5)
    assert names["labels"] == [answer["label"] for answer in run.model.predict(pairs)]
    assert "pipeline_tag: text-classification" in card
    assert "the end of the longer text is not read" in card


def test_the_whole_model_opens_in_transformers_own_class(runs: dict[str, Run]) -> None:
    opened = transformers.AutoModelForSequenceClassification.from_pretrained(runs["full"].folder / "model")
    assert opened.config.id2label == {0: "no", 1: "yes"}


def test_which_text_is_first_matters(runs: dict[str, Run]) -> None:
    one, other = runs["full"].model.logits([("fine day", "it was"), ("it was", "fine day")])
    assert not np.allclose(one, other)


def test_predict_reads_pairs_from_tables_and_lines(
    runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.csv").write_text("premise,hypothesis\nthe fine day,it was fine\n")
    (tmp_path / "new.txt").write_text('{"premise": "the fine day", "hypothesis": "it was fine"}\n')
    answers = []
    for name in ("new.csv", "new.txt"):
        assert main(["predict", str(runs["frozen"].folder), str(tmp_path / name)]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0] == answers[1]
    assert (answers[0]["text"], answers[0]["text_pair"]) == ("the fine day", "it was fine")
    (tmp_path / "half.csv").write_text("premise\nthe fine day\n")
    assert main(["predict", str(runs["frozen"].folder), str(tmp_path / "half.csv")]) == 1
    assert 'no column for "text_pair"' in capsys.readouterr().err


def test_a_setting_for_long_texts_plays_no_part(family: families.Family, tmp_path: Path) -> None:
    heard: list[Event] = []
    asked = {"model": f"dir:{family('bert')}", "precision": "float32", "long": "chunks"}
    headstart.fit(premises(tmp_path / "pairs.jsonl"), out=tmp_path / "run", listener=heard.append, **asked)
    assert any(isinstance(one, Warned) and "--long plays no part" in one.text for one in heard)


def rows(*pairs: tuple[str, str, str]) -> list[dict[str, str]]:
    return [dict(zip(("sentence1", "sentence2", "label"), pair, strict=True)) for pair in pairs]


def test_rows_are_alike_where_both_texts_are() -> None:
    data = rows(("a b", "c", "x"), ("a", "b c", "y"), ("A  b", "c", "x"), ("a b", "d", "y"))
    checked = check(runs_of.find(data, FitSettings()))
    assert checked.facts["train.duplicates.exact"] == 1
    assert "conflicting-labels" not in {problem.kind for problem in checked.problems}


def test_the_same_pair_in_both_splits_is_leakage() -> None:
    data = rows(("a b", "c", "x"), ("d", "e f", "y"))
    found = runs_of.find(data, FitSettings(test=rows(("a b", "c", "x"), ("a b", "g", "y"))))  # type: ignore[arg-type]
    assert check(found).facts["test.in.train.exact"] == 1


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"premise": "", "hypothesis": "b", "label": "x"}, 'row 2, field "text": the text is empty'),
        ({"premise": "a", "hypothesis": None, "label": "x"}, 'row 2, field "text_pair": the text is empty'),
        ({"premise": "a", "label": "x"}, 'row 2, field "text_pair": the text is missing'),
        ({"premise": "a", "hypothesis": 7, "label": "x"}, 'row 2, field "text_pair": "7" is of type int'),
        ({"premise": "a", "hypothesis": "b\0", "label": "x"}, 'field "text_pair": it holds a NUL byte'),
    ],
    ids=["no first", "nothing second", "no second", "a number second", "a NUL byte"],
)
def test_malformed_pairs_are_refused_by_row_and_field(bad: dict[str, Any], says: str) -> None:
    good = {"premise": "one", "hypothesis": "two", "label": "y"}
    with pytest.raises(HeadstartError, match=says):
        headstart.fit([good, bad, good], out="nowhere")
