"""Fits with any number of labels a row: texts and images, frozen and moved, to folders that answer alike anywhere."""

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
from headstart.network import Whole
from headstart.run import Run

NAMES = {"fine": families.GOOD[0], "poor": families.BAD[0], "cold": families.PLAIN[0]}
WAYS: dict[str, dict[str, Any]] = {
    "frozen": {},
    "frozen, mlp": {"head": "mlp", "lr": 0.01, "epochs": 8},
    "full": {"strategy": "full", "lr": 0.02, "epochs": 8},
    "top": {"strategy": "top", "top": 1, "lr": 0.02, "class_weights": "auto", "label_smoothing": 0.1, "epochs": 2},
}
IMAGES: dict[str, dict[str, Any]] = {
    "frozen": {},
    "full": {"strategy": "full", "augment": "mixup,cutmix", "epochs": 1, "lr": 0.01},
}


def tickets(path: Path) -> Path:
    """48 texts, each with a word for every label that it has and no other of these."""
    sets = [[name for bit, name in enumerate(NAMES) if at >> bit & 1] for at in range(8)] * 6
    rows = [
        {
            "text": " ".join(["the", *(NAMES[name] for name in names), families.PLAIN[3 + at % 4], str(at)]),
            "labels": names,
        }
        for at, names in enumerate(sets)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, family: families.Family) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("labels")
    data = tickets(folder / "tickets.jsonl")
    asked = {"model": f"dir:{family('bert')}", "precision": "float32", "batch_size": 8, "ema": 0.0}
    return {
        name: headstart.fit(data, out=folder / name.replace(", ", "-"), **{**asked, **given})
        for name, given in WAYS.items()
    }


@pytest.fixture(scope="module")
def image_runs(tmp_path_factory: pytest.TempPathFactory, family: families.Family) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("labelled-images")
    lines = []
    for at in range(24):
        families.picture((200 * (at % 2), 200 * (at // 2 % 2), 40), seed=at).save(folder / f"{at}.png")
        names = [name for name, is_there in (("red", at % 2), ("green", at // 2 % 2)) if is_there]
        lines.append(json.dumps({"file_name": f"{at}.png", "labels": names}))
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    asked = {"model": f"dir:{family('resnet')}", "precision": "float32", "batch_size": 8}
    return {
        name: headstart.fit(folder, out=folder.parent / f"image-{name}-{folder.name}", **{**asked, **given})
        for name, given in IMAGES.items()
    }


@pytest.mark.parametrize("way", WAYS)
def test_a_fit_learns_labels_and_loads_again_to_the_bit(way: str, runs: dict[str, Run]) -> None:
    run, texts = runs[way], [f"the {NAMES['fine']} film", "it was"]
    assert run.model.task_name == "multi-label-text-classification"
    assert run.scores["primary"] == "f1_micro"
    if way != "top":
        assert run.scores["metrics"]["f1_micro"]["value"] > 0.7
    again = headstart.load(run.folder)
    assert np.array_equal(run.model.logits(texts), again.logits(texts))
    assert again.predict(texts) == run.model.predict(texts)


@pytest.mark.parametrize("way", ["frozen", "full"])
def test_pictures_have_any_number_of_labels(way: str, image_runs: dict[str, Run]) -> None:
    run = image_runs[way]
    assert run.model.task_name == "multi-label-image-classification"
    assert set(run.model.predict([families.picture((0, 0, 40), seed=0)])[0]["probabilities"]) == {"red", "green"}
    if way == "frozen":
        assert run.scores["metrics"]["f1_micro"]["value"] > 0.8


def used(run: Run, monkeypatch: pytest.MonkeyPatch, items: str) -> dict[str, Any]:
    """What the card's Python leaves, after its items were replaced."""
    card = (run.folder / "model" / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0]
    lines = [f"items = {items}" if line.startswith("items = ") else line for line in code.splitlines()]
    monkeypatch.chdir(run.folder / "model")
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    return names


@pytest.mark.parametrize("way", WAYS)
def test_the_cards_python_tells_the_same_labels(
    way: str, runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"the {NAMES['fine']} film", f"{NAMES['poor']} and {NAMES['cold']}", "it was"]
    found = used(runs[way], monkeypatch, repr(texts))
    assert found["labels"] == [answer["labels"] for answer in runs[way].model.predict(texts)]


def test_the_cards_python_tells_the_same_labels_of_pictures(
    image_runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = families.picture((200, 0, 40), seed=1)
    found = used(image_runs["frozen"], monkeypatch, '[Image.new("RGB", (64, 64), (200, 0, 40))]')
    assert len(found["labels"]) == 1
    assert picture.size


def test_the_folder_says_in_transformers_own_words_that_labels_are_several(
    runs: dict[str, Run], image_runs: dict[str, Run]
) -> None:
    assert isinstance(runs["full"].model.network, Whole)
    folder = runs["full"].folder / "model"
    config = transformers.AutoConfig.from_pretrained(folder)
    assert config.problem_type == "multi_label_classification"
    assert config.id2label == {0: "cold", 1: "fine", 2: "poor"}
    pipeline = transformers.pipeline("text-classification", model=str(folder), top_k=None)
    told = {one["label"]: one["score"] for one in pipeline(["the film"])[0]}
    expected = runs["full"].model.predict(["the film"])[0]["probabilities"]
    assert told == pytest.approx(expected, abs=1e-5)
    opened = transformers.AutoModelForImageClassification.from_pretrained(image_runs["full"].folder / "model")
    assert opened.config.problem_type == "multi_label_classification"


def test_thresholds_are_set_on_rows_that_were_not_learnt_from(runs: dict[str, Run]) -> None:
    for run in runs.values():
        learned = json.loads((run.folder / "model" / "headstart.json").read_text())["learned"]
        assert learned["names"] == ["cold", "fine", "poor"]
        assert learned["thresholds"] != [0.5, 0.5, 0.5]


def test_predictions_the_page_and_the_card_tell_labels(runs: dict[str, Run]) -> None:
    run = runs["top"]
    rows = parquet.read_table(run.folder / "predictions.parquet").to_pylist()
    assert all(row["correct"] == (row["prediction"] == row["label"]) for row in rows)
    assert {"p:cold", "p:fine", "p:poor"} <= set(rows[0])
    page = (run.folder / "report.html").read_text()
    assert "micro F1" in page
    assert 'class="number">Rows</th>' in page
    card = (run.folder / "model" / "README.md").read_text()
    assert "pipeline_tag: text-classification" in card
    assert "It finds nothing else than: cold, fine, poor." in card
    assert "pieces of the text" not in card


def test_predict_and_evaluate_take_texts_and_any_form_of_labels(
    runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.txt").write_text(f"the {NAMES['fine']} film\n")
    (tmp_path / "more.csv").write_text(
        f"text,label\nthe {NAMES['fine']} film,fine\nwas it,\n{NAMES['poor']},poor|fine\n"
    )
    run = str(runs["frozen"].folder)
    assert main(["predict", run, str(tmp_path / "new.txt"), "--out", str(tmp_path / "new.csv")]) == 0
    assert "labels" in (tmp_path / "new.csv").read_text()
    capsys.readouterr()
    assert main(["evaluate", run, str(tmp_path / "more.csv"), "--separator", "|", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["primary"] == "f1_micro"


def test_probabilities_are_of_each_label_by_itself(runs: dict[str, Run]) -> None:
    table = runs["full"].model.predict_proba(["the film", "it was"])
    expected = torch.sigmoid(torch.from_numpy(runs["full"].model.logits(["the film", "it was"])).double())
    np.testing.assert_allclose(table, expected, atol=1e-12)
