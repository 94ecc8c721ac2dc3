"""Classes that a model came with, and what they foretell of the new ones."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_arms import frozen_job

from families import Family
from headstart.advisor import own_classes, scores
from headstart.network import classifier_of
from headstart.sources import dir as folders
from headstart.train.job import Job

ROWS = 60


def job(model: Path, place: Path) -> Job:
    """What a head on the whole frozen model would learn from reviews of two kinds."""
    return frozen_job(model, place, num_train=ROWS)


def with_classifier(folder: Path, place: Path, classes: int, **config: Any) -> Any:
    """A copy of a tiny model's folder, and its task model with so many classes, which the caller changes and saves."""
    shutil.copytree(folder, place)
    module: Any = folders.load(str(folder), revision=None, offline=True).task_module(
        "AutoModelForSequenceClassification", [str(number) for number in range(classes)]
    )
    for name, value in config.items():
        setattr(module.config, name, value)
    module.save_pretrained(place)
    return module


@pytest.fixture
def taught(family: Family, tmp_path: Path) -> Path:
    """A tiny BERT with three classes: the first two are those of the reviews, by least squares; the third is rare."""
    bare = job(family("bert"), tmp_path / "bare")
    module = with_classifier(family("bert"), tmp_path / "taught", 3)
    with torch.no_grad():
        states = module.bert(**bare.encoded(bare.train).take(np.arange(ROWS)).tensors).pooler_output
        truth = bare.targets(np.arange(ROWS))
        signs = torch.stack([1.0 - 2 * truth, 2.0 * truth - 1, torch.full((ROWS,), -1.0)], dim=1)
        found = torch.linalg.lstsq(torch.cat([states, torch.ones(ROWS, 1)], dim=1), signs).solution
        classifier_of(module).weight.copy_(8 * found[:-1].T)
        classifier_of(module).bias.copy_(8 * found[-1])
    module.save_pretrained(tmp_path / "taught")
    return tmp_path / "taught"


def test_classes_that_are_the_new_ones_foretell_them(taught: Path, tmp_path: Path) -> None:
    found = own_classes.of(job(taught, tmp_path / "told"))

    assert found is not None
    assert found.classes == 3
    assert found.entropy == pytest.approx(math.log(2), abs=0.01)
    assert -0.3 < found.leep <= 0
    assert -0.3 < found.nce <= 0


def test_classes_by_chance_foretell_next_to_nothing(family: Family, tmp_path: Path) -> None:
    with_classifier(family("bert"), tmp_path / "by chance", 3)

    found = own_classes.of(job(tmp_path / "by chance", tmp_path / "told"))

    assert found is not None
    # fresh weights of a tiny standard deviation give every row nearly the same probabilities
    assert found.leep == pytest.approx(-found.entropy, abs=0.02)


def test_they_stand_beside_the_scores_of_the_whole_model_alone(taught: Path, tmp_path: Path) -> None:
    shown = [one.to_json()["own_classes"] for one in scores.of(job(taught, tmp_path / "told"), "dir:taught")]

    assert shown[:-1] == [None] * (len(shown) - 1)
    assert shown[-1] == json.loads(json.dumps(shown[-1]))
    assert set(shown[-1]) == {"classes", "leep", "nce", "entropy"}


@pytest.mark.parametrize("problem", ["multi_label_classification", "regression"])
def test_outputs_that_are_no_classes_of_one_row_are_not_asked(problem: str, family: Family, tmp_path: Path) -> None:
    with_classifier(family("bert"), tmp_path / "other", 3, problem_type=problem)

    assert own_classes.of(job(tmp_path / "other", tmp_path / "told")) is None


def test_a_bare_or_a_shorter_model_has_none(family: Family, taught: Path, tmp_path: Path) -> None:
    assert own_classes.of(job(family("bert"), tmp_path / "told")) is None
    shorter = folders.load(str(taught), revision=None, offline=True).shortened(1)
    assert shorter.as_trained("AutoModelForSequenceClassification") is None
