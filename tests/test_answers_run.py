"""From questions about texts to a model folder that answers them, in headstart and in plain transformers alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from pyarrow import parquet

import families
import headstart
from headstart.cli import main
from headstart.data.truths import answers as written
from headstart.errors import DataError, MismatchError
from headstart.network import Headed
from headstart.run import Run

LONG = f"{'the film and it ' * 20}superb {'the film and it ' * 20}"
"""Some hundred and sixty tokens, of which the tiny model reads 24 at a time."""


def asked(folder: Path) -> Path:
    """Texts with a good word and a bad one, and a question after each; of every fourth text neither is there."""
    paragraphs = []
    for at, (good, bad) in enumerate(zip(families.GOOD * 10, families.BAD * 10, strict=True)):
        plain = families.PLAIN[at % 4]
        context = f"the {good} film and {plain} {bad} book" if at % 2 else f"{plain} {bad} film of the {good} book"
        context = f"{'the film and it ' * (at % 3)}{f'{plain} book' if at % 4 == 3 else context}{' and it' * (at % 5)}"
        qas = [question(kind, word, context) for kind, word in (("fine", good), ("poor", bad))]
        paragraphs.append({"context": f"{context} {at % 9}", "qas": qas})
    path = folder / "asked.json"
    path.write_text(json.dumps({"version": "2.0", "data": [{"title": "t", "paragraphs": paragraphs}]}))
    return path


def question(kind: str, word: str, context: str) -> dict[str, Any]:
    """In the form of SQuAD 2.0."""
    given = [{"text": word, "answer_start": context.index(word)}] if word in context else []
    return {"id": kind, "question": kind, "is_impossible": not given, "answers": given}


WAYS: dict[str, dict[str, Any]] = {
    "frozen": {"lr": 0.05},
    "frozen, mlp": {"head": "mlp", "lr": 0.01},
    "top": {"strategy": "top", "top": 1, "lr": 0.02},
    "full": {"strategy": "full", "lr": 0.01},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, family: families.Family) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("answers")
    data = asked(folder)
    given = {"model": f"dir:{family('bert')}", "precision": "float32", "epochs": 15, "patience": 15}
    given |= {"batch_size": 8, "ema": 0.0}
    return {
        name: headstart.fit(data, out=folder / name.replace(", ", "-"), **{**given, **more})
        for name, more in WAYS.items()
    }


QUESTIONS = [("fine", "the superb film and a dull book"), ("poor", LONG), ("fine", LONG), ("poor " * 40, "a dull day")]


@pytest.mark.parametrize("way", WAYS)
def test_a_fit_learns_to_answer_and_loads_again_to_the_bit(way: str, runs: dict[str, Run]) -> None:
    run = runs[way]
    assert run.scores["primary"] == "f1"
    assert run.scores["metrics"]["f1"]["value"] > (0.6 if "strategy" in WAYS[way] else 0.4)
    assert run.model.learned.may_be_silent
    again = headstart.load(run.folder)
    assert again.learned == run.model.learned
    ours, theirs = run.model.answers(QUESTIONS).output, again.answers(QUESTIONS).output
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("way", WAYS)
def test_the_cards_python_gives_the_same_answers(
    way: str, runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runs[way].folder / "model"
    code = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    lines = [f"items = {QUESTIONS!r}" if line.startswith("items = ") else line for line in code.splitlines()]
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}

    exec("\n".join(lines), names)

    expected = runs[way].model.predict(QUESTIONS)
    assert names["answers"] == [{name: row[name] for name in ("answer", "start", "end")} for row in expected]
    for ours, theirs in zip(runs[way].model.answers(QUESTIONS).output, names["logits"], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("way", ["top", "full"])
def test_the_folder_opens_in_transformers_own_class(way: str, runs: dict[str, Run]) -> None:
    assert not isinstance(runs[way].model.network, Headed)
    opened, told = transformers.AutoModelForQuestionAnswering.from_pretrained(
        runs[way].folder / "model", output_loading_info=True
    )
    assert not told["missing_keys"]
    inputs = runs[way].model.backbone.prepare(QUESTIONS[:1]).take([0])
    with torch.no_grad():
        theirs, ours = opened.eval()(**inputs.tensors).start_logits, runs[way].model.network(inputs)[..., 0]
    torch.testing.assert_close(theirs - theirs[:, :1], ours, atol=1e-5, rtol=1e-5)


def test_an_answer_is_found_wherever_it_stands_in_a_long_text(runs: dict[str, Run]) -> None:
    (answer,) = runs["full"].model.predict([("fine", LONG)])
    assert answer["answer"] == "superb"
    assert LONG[answer["start"] : answer["end"]] == "superb"


def test_what_a_text_does_not_say_is_not_answered(runs: dict[str, Run]) -> None:
    (answer,) = runs["full"].model.predict([("poor", "the film and a book")])
    assert (answer["answer"], answer["start"]) == ("", None)


def test_a_document_of_twenty_thousand_words_goes_through(runs: dict[str, Run]) -> None:
    plain = " ".join(families.PLAIN)
    text = f"{f'{plain} ' * 800}superb {f'{plain} ' * 600}"
    assert len(text.split()) > 20_000
    (answer,) = runs["full"].model.predict([("fine", text)])
    assert len(answer["answers"]) == 5
    assert all(one["text"] == text[one["start"] : one["end"]] for one in answer["answers"])


def test_answers_have_places_and_shares(runs: dict[str, Run]) -> None:
    (answer,) = runs["full"].model.predict(QUESTIONS[:1])
    shares = [one["confidence"] for one in answer["answers"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1
    places = [(one["start"], one["end"]) for one in answer["answers"]]
    assert len(set(places)) == len(places)


def test_no_questions_have_no_answers(runs: dict[str, Run]) -> None:
    assert runs["full"].model.predict([]) == []


def test_predictions_are_written_beside_the_truth(runs: dict[str, Run]) -> None:
    rows = parquet.read_table(runs["full"].folder / "predictions.parquet").to_pylist()
    for row in rows:
        found = [one["text"] for one in written.loads(row["prediction"])]
        assert found == ([row["answer"]] if row["answer"] else [])
        assert row["correct"] == (row["answer"] in ([one["text"] for one in written.loads(row["label"])] or [""]))


def test_questions_on_one_text_stay_in_one_split(runs: dict[str, Run]) -> None:
    rows = parquet.read_table(runs["full"].folder / "predictions.parquet").to_pylist()
    contexts = [row["context"] for row in rows]
    assert all(contexts.count(context) % 2 == 0 for context in contexts)


def test_the_page_and_the_card_show_answers_in_their_texts(runs: dict[str, Run]) -> None:
    run = runs["frozen"]
    assert any(not row["correct"] for row in parquet.read_table(run.folder / "predictions.parquet").to_pylist())
    page = (run.folder / "report.html").read_text()
    assert "<b>found</b>" in page
    assert "<b>true</b>" in page
    assert "exact match" in page
    card = (run.folder / "model" / "README.md").read_text()
    assert "pieces of the text it is given" in card
    assert "0 classes" not in card


def test_scores_have_baselines_that_need_no_model(runs: dict[str, Run]) -> None:
    assert set(runs["full"].scores["baselines"]) == {
        "the most similar sentence",
        "a name or number in it",
        "no answer to anything",
    }


# ------------------------------------------------------------------------------------------------------ command line


def test_predict_answers_lines_of_json_and_marks_a_page(
    runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [json.dumps({"question": "fine", "context": "the superb <film> and a dull book"})]
    (tmp_path / "new.jsonl").write_text("\n".join(lines))
    run, page = str(runs["full"].folder), tmp_path / "new.html"
    assert main(["predict", run, str(tmp_path / "new.jsonl"), "--html", str(page)]) == 0
    assert "<mark" in page.read_text()
    assert "&lt;film" in page.read_text()
    capsys.readouterr()
    assert main(["predict", run, str(tmp_path / "new.jsonl")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["context"] == "the superb <film> and a dull book"
    assert found["answer"] in ("superb", "dull")
    assert found["context"][found["start"] : found["end"]] == found["answer"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("new.txt", "where is it?", 'line 1 is no JSON object. Write {"question": "…", "context": "…"}'),
        ("new.jsonl", '{"question": "fine"}', 'no column for "context"'),
        ("new.csv", "question,context\nfine,\n", 'field "context": the text is empty'),
    ],
)
def test_items_that_lack_a_part_are_refused(
    name: str, content: str, said: str, runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(content)
    assert main(["predict", str(runs["full"].folder), str(tmp_path / name)]) != 0
    assert said in capsys.readouterr().err


def test_evaluate_judges_other_questions(
    runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = asked(tmp_path)
    assert main(["evaluate", str(runs["full"].folder), str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["f1"]["value"] > 0.85


def test_data_without_any_answer_is_refused(family: families.Family, tmp_path: Path) -> None:
    rows = [{"question": f"q {n}", "context": f"text {n}", "answers": []} for n in range(30)]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    with pytest.raises(DataError, match="no training row has an answer"):
        headstart.fit(tmp_path / "rows.json", model=f"dir:{family('bert')}", out=tmp_path / "run")


def test_there_are_no_classes_to_weigh(family: families.Family, tmp_path: Path) -> None:
    with pytest.raises(MismatchError, match="--class-weights weighs classes, and this task has none"):
        headstart.fit(asked(tmp_path), model=f"dir:{family('bert')}", out=tmp_path / "run", class_weights="auto")
