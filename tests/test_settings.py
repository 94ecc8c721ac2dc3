"""Every setting can be given on the command line, and the library receives exactly what was given."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.cli import main
from headstart.cli._options import field_docs, settings_of
from headstart.errors import SettingError
from headstart.settings import FitSettings, Recipe

FIELDS = {entry.name: entry for entry in dataclasses.fields(FitSettings)}


def other_than(entry: dataclasses.Field[Any]) -> Any:
    """A value of the field's type that is not its default."""
    if "options" in entry.metadata:
        return next(option for option in entry.metadata["options"] if option != entry.default)
    if "names" in entry.metadata:
        return ",".join(entry.metadata["names"][:2])
    if "words" in entry.metadata:
        return "0.5"
    kind = str(entry.type).split(" |")[0]
    return {"bool": not entry.default, "int": 7, "float": 0.25, "str": "something"}[kind]


def given(entry: dataclasses.Field[Any], value: Any) -> list[str]:
    """The words on the command line that set the field."""
    flag = entry.name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", str(value)]


def received(words: list[str], capsys: pytest.CaptureFixture[str]) -> FitSettings:
    """The settings that the library would get."""
    assert main(["fit", "rows.csv", "--dry-run", *words]) == 0
    return FitSettings(**json.loads(capsys.readouterr().out)["settings"])


@pytest.mark.parametrize("name", FIELDS)
def test_a_setting_reaches_the_library(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    value = other_than(FIELDS[name])
    assert received(given(FIELDS[name], value), capsys) == dataclasses.replace(FitSettings(), **{name: value})


def test_all_settings_together_reach_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    values = {name: other_than(entry) for name, entry in FIELDS.items()}
    words = [word for name, entry in FIELDS.items() for word in given(entry, values[name])]
    assert received(words, capsys) == FitSettings(**values)


def test_without_options_the_library_gets_its_own_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert received([], capsys) == FitSettings()


@pytest.mark.parametrize("zero", ["patience", "seed", "weight_decay", "warmup"])
def test_an_explicit_zero_survives(zero: str) -> None:
    assert getattr(settings_of({zero: 0}), zero) == 0


UNUSABLE = {
    "a choice there is not": ({"head": "tree"}, '--head "tree": give linear or mlp'),
    "a name there is not": ({"augment": "crop, flop"}, '--augment "crop, flop": give .* Did you mean "flip"'),
    "what stands alone among others": (
        {"augment": "auto,flip"},
        '--augment "auto,flip": give auto or none, or some of',
    ),
    "neither a word nor a factor": ({"image_scale": "0"}, '--image-scale "0": give auto, fit or a factor above 0'),
    "no name": ({"augment": ""}, '--augment "": give auto'),
    "a word for a number": ({"epochs": "3"}, "--epochs 3: give a whole number, 1 or more"),
    "half an epoch": ({"epochs": 2.5}, "--epochs 2.5: give a whole number"),
    "a switch for a number": ({"batch_size": True}, "--batch-size True: give a whole number"),
    "no number": ({"lr": float("nan")}, "--lr nan: give a number above 0"),
    "nothing where something must be": ({"test_size": None}, "--test-size None: give a share"),
}


@pytest.mark.parametrize(("given", "said"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_value_that_cannot_be_used_is_refused_before_any_work(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        FitSettings(**given)


def test_numbers_of_numpy_are_numbers() -> None:
    assert FitSettings(seed=np.int64(3), lr=np.float32(0.5)).seed == 3


def test_every_setting_says_what_it_is() -> None:
    assert set(field_docs()) == set(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_help_shows_the_option_and_its_default(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--help"]) == 0
    shown, default = " ".join(capsys.readouterr().out.split()), FIELDS[name].default
    is_said = default is not None and not isinstance(default, bool)
    assert f"--{name.replace('_', '-')}" in shown
    assert not is_said or f"[default: {default}]" in shown


def test_a_value_of_the_wrong_type_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "rows.csv", "--seed", "many"]) == 2
    assert "'many' is not a valid integer" in capsys.readouterr().err


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """What --like reads of a finished run."""
    settings = dataclasses.asdict(FitSettings(seed=5, epochs=9, test_size=0.3))
    model = {"source": "hf", "name": "some/model", "revision": "abc"}
    text = json.dumps({"settings": settings, "model": model, "data": {"asked": "rows.csv"}})
    (tmp_path / "run.json").write_text(text)
    return tmp_path


def repeated(earlier: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What a repetition would be run with."""
    assert main(["fit", "--like", str(earlier), "--dry-run", *words]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_like_repeats_the_data_and_the_settings(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = repeated(earlier, [], capsys)
    assert found["data"] == "rows.csv"
    assert (found["settings"]["seed"], found["settings"]["test_size"]) == (5, 0.3)


def test_like_pins_the_model_that_was_used(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = repeated(earlier, [], capsys)["settings"]
    assert (settings["model"], settings["revision"]) == ("hf:some/model", "abc")


def test_given_options_override_like(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = repeated(earlier, ["other.csv", "--seed", "0"], capsys)
    assert (found["data"], found["settings"]["seed"], found["settings"]["test_size"]) == ("other.csv", 0, 0.3)


def test_another_model_does_not_inherit_the_revision(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = repeated(earlier, ["--model", "other/model"], capsys)["settings"]
    assert (settings["model"], settings["revision"]) == ("other/model", None)


def test_what_was_given_for_another_strategy_is_kept(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert repeated(earlier, ["--strategy", "full"], capsys)["settings"]["epochs"] == 9


def test_like_refuses_what_is_no_finished_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--like", str(tmp_path / "nothing")]) == 1
    assert "--like takes the folder of a finished run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("num_rows", "epochs", "patience"),
    [(80, 67, 34), (800, 8, 4), (1600, 4, 2), (10_000, 4, 2)],
    ids=["very few", "few", "just enough", "many"],
)
def test_few_rows_are_gone_over_more_often_and_with_more_patience(num_rows: int, epochs: int, patience: int) -> None:
    found = FitSettings().recipe(Recipe(epochs=4, lr=1e-3, patience=2, least_steps=200), num_rows)
    assert (found.epochs, found.patience, found.lr) == (epochs, patience, 1e-3)


@pytest.mark.parametrize(("num_classes", "epochs"), [(2, 8), (50, 8), (77, 13)], ids=["few", "just", "many"])
def test_many_classes_are_gone_over_more_often(num_classes: int, epochs: int) -> None:
    own = Recipe(epochs=4, lr=1e-3, patience=2, least_steps=200, steps_a_class=4)
    assert FitSettings().recipe(own, 800, num_classes).epochs == epochs


def test_who_says_how_many_epochs_gets_so_many() -> None:
    found = FitSettings(epochs=3).recipe(Recipe(epochs=4, lr=1e-3, patience=2, least_steps=200), 80)
    assert (found.epochs, found.patience) == (3, 2)
