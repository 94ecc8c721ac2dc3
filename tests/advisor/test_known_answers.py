"""Advice on data whose answer is known: a baseline wins, nothing can be learnt, pretraining does not help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import known
import pytest

import families
import headstart
from families import Family
from headstart.advising import Advice

pytestmark = pytest.mark.usefixtures("few_rounds")


def advised(data: Path, model: Path, folder: Path, **given: Any) -> Advice:
    return headstart.advise(data, out=folder / "advice", candidates=f"dir:{model}", precision="float32", **given)


def test_where_pairs_of_letters_decide_the_baseline_is_enough(family: Family, tmp_path: Path) -> None:
    data = families.csv_of(tmp_path / "languages.csv", known.languages(240))

    found = advised(data, family("bert"), tmp_path, epochs=1)

    assert found.facts["verdict"]["kind"] == "baseline"
    assert found.sentence.startswith(
        "The simple baseline is enough: TF-IDF + logistic regression; expect accuracy 0.99"
    )
    assert found.facts["worth"]["statement"]["kind"] == "baseline"


def test_where_labels_are_thrown_with_a_coin_there_is_no_signal(family: Family, tmp_path: Path) -> None:
    data = families.csv_of(tmp_path / "chances.csv", known.chances(4000))

    found = advised(data, family("bert"), tmp_path, epochs=1, batch_size=128)

    assert found.facts["verdict"]["kind"] == "no-signal"
    assert found.facts["verdict"]["taken"] is None
    assert found.sentence.startswith("No signal in these labels: the best of ")
    assert found.facts["worth"]["missing"] == "no way is better than guessing"


def test_where_fresh_weights_learn_as_well_pretraining_does_not_help(family: Family, tmp_path: Path) -> None:
    data = known.stripes(tmp_path / "stripes", 300)

    # enough epochs for both to learn all there is: before that, chance decides which of two trainings is ahead
    found = advised(data, family("resnet"), tmp_path, epochs=8, lr=5e-3)

    assert found.facts["verdict"]["kind"] == "scratch"
    assert found.sentence.startswith("Pretraining does not help here: ")
    by_name = {one["name"]: one["score"]["value"] for one in found.facts["standings"]}
    assert by_name["resnet, from fresh weights"] > by_name["pixels + logistic regression"] + 0.3
