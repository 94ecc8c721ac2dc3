"""What is trained with follows from strategy, task, model and rows, and from what the user says."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from families import Family
from headstart import plug
from headstart.contracts import Rows
from headstart.settings import FitSettings, Recipe
from headstart.sources import dir as folders
from headstart.train import learn


def recipe(family: Family, model: str, num_classes: int = 0, **given: Any) -> Recipe:
    """For a thousand recordings, or as many texts of some classes."""
    settings = FitSettings(**given)
    backbone = folders.load(str(family(model)), revision=None, offline=True)
    task = plug.load("tasks", "text-classification" if num_classes else "automatic-speech-recognition")
    rows = Rows(pa.table({"text": ["a"] * 1000, "label": [str(row % max(1, num_classes)) for row in range(1000)]}))
    return learn.recipe(task, backbone, plug.load("strategies", settings.strategy), settings, rows)


@pytest.mark.parametrize("model", ["whisper", "moonshine"])
def test_a_decoder_that_has_learnt_to_write_moves_little(model: str, family: Family) -> None:
    writes, hears = recipe(family, model, strategy="full"), recipe(family, "hubert", strategy="full")

    assert (writes.epochs, writes.lr, writes.patience) == (learn.EPOCHS, learn.RATE, learn.PATIENCE)
    assert hears.epochs > learn.EPOCHS
    assert hears.lr > learn.RATE


@pytest.mark.parametrize("strategy", ["lora", "scratch"])
def test_what_starts_from_nothing_learns_as_ever(strategy: str, family: Family) -> None:
    assert recipe(family, "whisper", strategy=strategy) == recipe(family, "hubert", strategy=strategy)


@pytest.mark.parametrize(("strategy", "epochs"), [("full", 4), ("top", 4), ("gradual", 4), ("lora", 6)])
def test_many_classes_take_more_epochs(strategy: str, epochs: int, family: Family) -> None:
    few, many = (recipe(family, "bert", num_classes, strategy=strategy) for num_classes in (2, 77))

    assert (few.epochs, many.epochs) == (epochs, 10)
    assert few.classifier_lr == many.classifier_lr > few.lr


def test_what_the_user_gives_is_taken(family: Family) -> None:
    found = recipe(family, "whisper", strategy="full", epochs=30, lr=1e-2)

    assert (found.epochs, found.lr, found.patience) == (30, 1e-2, learn.PATIENCE)
