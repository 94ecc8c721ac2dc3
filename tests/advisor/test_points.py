"""What stands for rows where states are scored: words, ends of answers, regions; drawn alike and averaged right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

import families
from headstart import plug
from headstart.advisor import points
from headstart.contracts import Rows, States, Strategy
from headstart.progress import silent
from headstart.settings import FitSettings
from headstart.sources import dir as folders
from headstart.train.job import Job

TEXT = f"the {families.GOOD[0]} day was {families.BAD[0]} it"
AT = TEXT.index(families.GOOD[0])


def job(task_name: str, rows: Rows, family: families.Family) -> Job:
    task: Any = plug.load("tasks", task_name)
    settings = FitSettings()
    strategy: Strategy = plug.load("strategies", "frozen")
    recipe = settings.recipe(strategy.recipe(settings, task), len(rows))
    backbone = folders.load(str(family("bert")), revision=None, offline=True)
    return Job(task, task.learn(rows), backbone, rows, None, settings, recipe, silent)


def named() -> Rows:
    spans = json.dumps([{"start": AT, "end": AT + len(families.GOOD[0]), "label": "GOOD"}])
    return Rows(pa.table({"text": [TEXT, "it was the day"], "label": [spans, "[]"]}))


def test_words_are_averaged_over_their_own_tokens(family: families.Family) -> None:
    at = job("token-classification", named(), family)
    found = points.of(at)
    encoded = at.encoded(at.train)
    inputs = encoded.take([0])
    assert inputs.where is not None
    with torch.no_grad():
        states = at.backbone.states(at.backbone.module, inputs).layers
    covers = (inputs.where[0][:, 0] >= AT) & (inputs.where[0][:, 1] <= AT + len(families.GOOD[0]))
    covers &= inputs.where[0][:, 1] > inputs.where[0][:, 0]
    expected = np.concatenate([state[0][covers].mean(dim=0).numpy() for state in states])
    (entity,) = found.features_PW[found.truth == 1]
    np.testing.assert_allclose(entity, expected, atol=1e-5)


def test_words_outside_are_at_most_three_times_those_within(family: families.Family) -> None:
    found = points.of(job("token-classification", named(), family))
    assert np.bincount(found.truth).tolist() == [3, 1]


def test_ends_of_answers_stand_against_other_tokens(family: families.Family) -> None:
    answer = json.dumps([{"text": families.GOOD[0], "start": AT}])
    rows = Rows(pa.table({"question": ["what", "what"], "context": [TEXT, "it was"], "label": [answer, "[]"]}))
    found = points.of(job("question-answering", rows, family))
    assert np.bincount(found.truth)[1:].tolist() == [1, 1]
    assert np.bincount(found.truth)[0] <= 6
    assert len(found.features_PW) == len(found.truth)


@pytest.mark.parametrize(
    ("counts", "per", "expected"),
    [
        ((1000, 20, 30), "token", (150, 20, 30)),
        ((10, 200, 5), "token", (10, 45, 5)),
        ((9000, 700, 10), "place", (666, 666, 10)),
        ((5000, 4000), "token", (None, None)),
    ],
    ids=["mostly nothing", "mostly something", "places", "more than are scored"],
)
def test_the_commonest_is_held_down_and_places_are_balanced(
    counts: tuple[int, ...], per: str, expected: tuple[int | None, ...]
) -> None:
    classes = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    kept = points.thinned(classes, per=per, seed=0)
    assert np.array_equal(kept, np.unique(kept))
    assert len(kept) <= points.MOST
    assert np.array_equal(kept, points.thinned(classes, per=per, seed=0))
    for number, (ours, wanted) in enumerate(zip(np.bincount(classes[kept]), expected, strict=True)):
        assert wanted is None or ours == wanted, number


def test_a_region_is_the_mean_over_the_cells_it_touches() -> None:
    state = torch.arange(32.0).reshape(1, 2, 4, 4)
    found = points._of_point(States((state,)), 0, np.array([0.5, 0.0, 1.0, 0.3]))
    np.testing.assert_allclose(found, state[0, :, 0:2, 2:4].mean(dim=(1, 2)))


def test_patches_in_a_row_are_a_map_behind_what_belongs_to_none() -> None:
    grid = torch.arange(18.0).reshape(9, 2)
    state = torch.cat([torch.full((1, 2), -99.0), grid])[None]
    found = points._of_point(States((state,)), 0, np.array([0.0, 0.0, 0.2, 0.2]))
    np.testing.assert_allclose(found, grid[0])
    everything = points._of_point(States((state,)), 0, np.array([0.0, 0.0, 1.0, 1.0]))
    np.testing.assert_allclose(everything, grid.mean(dim=0))


def test_labels_of_a_row_stand_together(family: families.Family, tmp_path: Path) -> None:
    rows = Rows(pa.table({"text": ["fine", "dull", "fine dull"], "label": ['["a"]', '["b"]', '["a", "b"]']}))
    found = points.of(job("multi-label-text-classification", rows, family))
    assert found.truth.tolist() == [[1, 0], [0, 1], [1, 1]]
