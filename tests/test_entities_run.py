"""From tagged words to a model folder that finds entities, in headstart and in plain transformers alike."""

from __future__ import annotations

import itertools
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
from headstart import answering, network, windows
from headstart.cli import main
from headstart.errors import MismatchError, SettingError
from headstart.network import Headed, Whole
from headstart.run import Run
from headstart.sources import dir as folders
from headstart.train import states

LONG = "the fine film was very poor with a great book and it was awful the day the staff was kind " * 4
"""Some eighty tokens, of which the tiny model reads 24."""


def sentences(folder: Path) -> Path:
    """Sentences in which good words are of one label and bad ones, with the plain word before them, of another."""
    lines = []
    for at, (good, bad) in enumerate(zip(families.GOOD * 4, families.BAD * 4, strict=True)):
        lines += [f"the\tO\n{good}\tB-GOOD\n{families.PLAIN[2 + at % 4]}\tO\n"]
        lines += [f"{families.PLAIN[at % 3]}\tB-BAD\n{bad}\tI-BAD\nwas\tO\n"] if at % 3 else ["it\tO\nwas\tO\n"]
        lines += ["\n"]
    path = folder / "words.conll"
    path.write_text("".join(lines))
    return path


WAYS: dict[str, dict[str, Any]] = {
    "frozen": {"lr": 0.05},
    "frozen, mlp": {"head": "mlp", "lr": 0.01},
    "frozen, last layer": {"read": "classifier", "lr": 0.05},
    "frozen, not kept": {"cache": False, "lr": 0.05, "epochs": 2},
    "frozen, two layers": {"read": "1-2", "lr": 0.05},
    "top": {"strategy": "top", "top": 1, "lr": 0.02, "epochs": 20},
    "full": {"strategy": "full", "lr": 0.01},
    "full, own head": {"strategy": "full", "head": "mlp", "lr": 0.01, "epochs": 2},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, family: families.Family) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("entities")
    data = sentences(folder)
    asked = {"model": f"dir:{family('bert')}", "precision": "float32", "epochs": 12, "batch_size": 8, "ema": 0.0}
    return {
        name: headstart.fit(data, out=folder / name.replace(", ", "-"), **{**asked, **given})
        for name, given in WAYS.items()
    }


@pytest.mark.parametrize("way", WAYS)
def test_a_fit_learns_entities_and_loads_again_to_the_bit(way: str, runs: dict[str, Run]) -> None:
    run = runs[way]
    texts = ["the fine book", LONG]
    assert run.scores["primary"] == "entity_f1"
    assert run.scores["metrics"]["entity_f1"]["value"] > (0.0 if WAYS[way].get("epochs") == 2 else 0.5)
    ours, theirs = run.model.answers(texts).output, headstart.load(run.folder).answers(texts).output
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("way", WAYS)
def test_the_cards_python_finds_the_same_entities(
    way: str, runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, texts = runs[way].folder / "model", [LONG, "the fine book", "superb staff, a grim day."]
    card = (folder / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0]
    lines = [f"items = {texts!r}" if line.startswith("items = ") else line for line in code.splitlines()]
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}

    exec("\n".join(lines), names)

    expected = runs[way].model.predict(texts)
    without = [[{k: v for k, v in one.items() if k != "score"} for one in row["entities"]] for row in expected]
    assert names["answers"] == without
    assert sum(map(len, without)) > 0
    for ours, theirs in zip(runs[way].model.answers(texts).output, names["logits"], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("way", ["top", "full", "frozen, last layer"])
def test_the_folder_opens_in_transformers_own_class_with_names(way: str, runs: dict[str, Run]) -> None:
    assert isinstance(runs[way].model.network, Whole)
    opened = transformers.AutoModelForTokenClassification.from_pretrained(runs[way].folder / "model")
    assert opened.config.id2label == {0: "O", 1: "B-BAD", 2: "I-BAD", 3: "B-GOOD", 4: "I-GOOD"}


@pytest.mark.parametrize(
    ("way", "reading"),
    [("frozen", "classifier"), ("frozen, mlp", "layer 2"), ("frozen, two layers", "layers 1 to 2")],
)
def test_what_a_frozen_head_reads_is_told(way: str, reading: str, runs: dict[str, Run]) -> None:
    assert json.loads((runs[way].folder / "run.json").read_text())["reading"] == reading
    assert isinstance(runs[way].model.network, Whole if reading == "classifier" else Headed)


@pytest.mark.parametrize(
    ("num_states", "expected"),
    [(2, ((1,),)), (3, ((2,),)), (4, ((3,),)), (5, ((3,), (4,))), (7, ((4,), (5,), (6,))),
     (13, ((7, 8), (9, 10), (11, 12)))],
)  # fmt: skip
def test_a_frozen_head_reads_the_upper_half_in_three_parts(num_states: int, expected: Any) -> None:
    assert states.upper_half(num_states).groups == expected


def test_predictions_are_written_beside_the_truth(runs: dict[str, Run]) -> None:
    rows = parquet.read_table(runs["full"].folder / "predictions.parquet").to_pylist()
    for row in rows:
        found = json.loads(row["prediction"])
        assert row["correct"] == (found == json.loads(row["label"]))
        assert 0 < row["confidence"] <= 1


def test_the_page_shows_entities_found_beside_those_that_are_there(runs: dict[str, Run]) -> None:
    run = runs["frozen, not kept"]
    page = (run.folder / "report.html").read_text()
    assert "<b>found</b>" in page
    assert "<b>true</b>" in page
    assert "entity F1" in page
    assert 'class="number">Entities</th>' in page


def test_scores_have_their_own_baselines_and_a_gain_by_rows(runs: dict[str, Run]) -> None:
    scores = runs["full"].scores
    assert set(scores["baselines"]) == {"gazetteer", "word shapes + linear model"}
    gain = scores["gain"]
    ours, theirs = scores["metrics"]["entity_f1"], scores["baselines"][gain["over"]]["entity_f1"]
    assert gain["value"] == pytest.approx(ours["value"] - theirs["value"])
    assert gain["low"] <= gain["value"] <= gain["high"]


# ---------------------------------------------------------------------------------------------------- long documents


def covered_by(encoded: Any, row: int) -> Any:
    """What each token of a window covers."""
    return encoded.take([row]).where[0]


def test_tokens_of_windows_are_merged_once_each(family: families.Family) -> None:
    backbone = folders.load(str(family("bert")), revision=None, offline=True)
    texts = ["the film", LONG]
    encoded = backbone.prepare(texts, where=True, long="windows")
    covered = [covered_by(encoded, row) for row in range(len(encoded.lengths))]
    _, where = windows.merged([(where[:, :1], where) for where in covered], encoded)
    whole = backbone.processor(texts, return_offsets_mapping=True, verbose=False)["offset_mapping"]  # type: ignore[attr-defined]
    assert [row.tolist() for row in where] == [[list(pair) for pair in row if pair != (0, 0)] for row in whole]


def test_a_token_is_taken_from_the_window_in_which_it_stands_further_inside(family: families.Family) -> None:
    backbone = folders.load(str(family("bert")), revision=None, offline=True)
    encoded = backbone.prepare([LONG], where=True, long="windows")
    place = [min(number, int(length) - 1 - number) for length in encoded.lengths for number in range(int(length))]
    ends = np.cumsum(encoded.lengths)
    values = np.split(np.array(place)[:, None], ends[:-1])
    parts = [(value, covered_by(encoded, row)) for row, value in enumerate(values)]
    ((merged,), _) = windows.merged(parts, encoded)
    # the text itself begins and ends there; everywhere else a quarter of a window is shared
    assert merged[4:-4].min() >= 2


def test_where_a_text_is_cut_changes_nothing_in_short_ones(family: families.Family) -> None:
    backbone = folders.load(str(family("bert")), revision=None, offline=True)
    whole = Whole(backbone.task_module("AutoModelForTokenClassification", ("O", "B-A", "I-A")).eval())
    with torch.no_grad():
        found = answering.of(whole, backbone.prepare(["fine film"], where=True, long="windows"), "token")
        alone = network.Whole(whole.module)(backbone.prepare(["fine film"]).take([0]))[0, 1:-1]
    torch.testing.assert_close(found.output[0], alone, atol=1e-5, rtol=1e-5)


def test_a_document_of_twenty_thousand_words_goes_through(runs: dict[str, Run]) -> None:
    plain = " ".join(families.PLAIN)
    text = " ".join([f"{plain} fine"] * 1250)
    assert len(text.split()) == 20_000
    (answer,) = runs["full"].model.predict([text])
    found = [(one["start"], one["end"]) for one in answer["entities"]]
    assert found
    # each once, in order and apart, whatever windows it stands in
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(found))
    assert all(one["text"] == text[one["start"] : one["end"]] for one in answer["entities"])


def test_no_texts_have_no_answers(runs: dict[str, Run]) -> None:
    assert runs["full"].model.predict([]) == []
    assert runs["full"].model.predict([" "]) == [{"entities": []}]


# ------------------------------------------------------------------------------------------------------ command line


def test_predict_gives_entities_and_a_page_that_marks_them(
    runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.txt").write_text("the fine film\nthe <b>great</b> book\n")
    page = tmp_path / "new.html"
    given = ["predict", str(runs["full"].folder), str(tmp_path / "new.txt")]
    assert main([*given, "--html", str(page), "--out", str(tmp_path / "new.csv")]) == 0
    assert "&lt;" in page.read_text()
    assert "<mark" in page.read_text()
    assert "<b>great" not in page.read_text()
    capsys.readouterr()
    assert main(given) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [set(json.loads(line)) for line in lines] == [{"text", "entities"}] * 2


def test_evaluate_judges_other_tagged_words(
    runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = sentences(tmp_path)
    assert main(["evaluate", str(runs["full"].folder), str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["entity_f1"]["value"] > 0.5


def test_evaluate_refuses_labels_the_model_does_not_have(runs: dict[str, Run], tmp_path: Path) -> None:
    (tmp_path / "other.conll").write_text("fine\tB-CITY\n\n")
    with pytest.raises(MismatchError, match='"B-CITY", which the model does not know'):
        headstart.evaluate(runs["full"].folder, tmp_path / "other.conll")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"head": "conv"}, "--head conv makes one vector of all tokens"),
        ({"pool": "max"}, "--pool max makes one"),
    ],
)
def test_heads_that_make_one_vector_are_refused(
    given: dict[str, Any], said: str, family: families.Family, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=said):
        headstart.fit(sentences(tmp_path), model=f"dir:{family('bert')}", out=tmp_path / "run", **given)


def test_a_page_of_entities_is_refused_where_there_are_none(
    family: families.Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *map(",".join, families.reviews(24))]))
    run = headstart.fit(tmp_path / "rows.csv", model=f"dir:{family('bert')}", out=tmp_path / "run")
    (tmp_path / "new.txt").write_text("fine\n")
    given = ["predict", str(run.folder), str(tmp_path / "new.txt"), "--html", str(tmp_path / "page.html")]
    assert main(given) != 0
    assert "--html marks entities and answers in texts, and this model finds none" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_tagged_words_and_lists_of_words_are_answered_as_their_text(
    runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.conll").write_text("the\tO\nfine\tO\nbook\tO\n\n")
    (tmp_path / "new.jsonl").write_text('{"tokens": ["the", "fine", "book"]}\n')
    (tmp_path / "new.txt").write_text("the fine book\n")
    answers = []
    for name in ("new.conll", "new.jsonl", "new.txt"):
        assert main(["predict", str(runs["full"].folder), str(tmp_path / name)]) == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1] == answers[2]
