"""Windows of long texts become their texts again: means, keys, targets, answers, features, scores."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

import families
from headstart import answering, plug, windows
from headstart.contracts import Backbone, Encoded, Inputs, Rows
from headstart.network import Whole
from headstart.progress import silent
from headstart.settings import FitSettings, Recipe
from headstart.sources import dir as folders
from headstart.strategies import frozen, top
from headstart.train import job, learn
from headstart.windows import Windows

OWNERS = np.array([0, 0, 0, 1, 2, 2])
LONG = [f"{word} " * num for word, num in (("fine", 50), ("dull", 3), ("great", 30), ("awful", 70))]


@dataclasses.dataclass(frozen=True)
class Blank:
    """So many rows of nothing."""

    num: int
    truncated: int = 0
    lost: int = 0

    @property
    def lengths(self) -> Any:
        return np.ones(self.num, dtype=np.int64)

    def take(self, indices: Any) -> Inputs:
        return Inputs({"input_ids": torch.zeros(len(indices), 1)})


SPLIT: Encoded = Windows(Blank(6), OWNERS)


@pytest.fixture
def bert(family: families.Family) -> Backbone:
    return folders.load(str(family("bert")), revision=None, offline=True)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))


def test_the_mean_is_that_of_each_items_windows() -> None:
    values = np.array([[1, 2], [3, 4], [8, 0], [5, 5], [1, 0], [2, 9]], dtype=np.float32)
    expected = [[4, 2], [5, 5], [1.5, 4.5]]
    assert windows.mean(values, SPLIT).tolist() == expected
    assert windows.mean(torch.from_numpy(values), SPLIT).tolist() == expected


def test_the_mean_leaves_values_as_they_are() -> None:
    values = np.ones((6, 2), dtype=np.float32)
    windows.mean(values, SPLIT)
    assert (values == 1).all()
    assert windows.mean(values, Blank(6)) is values


def test_the_first_window_has_the_key_of_its_item() -> None:
    assert windows.keys(["a", "b", "c"], SPLIT) == ["a", "a-1", "a-2", "b", "c", "c-1"]
    assert windows.keys(["a", "b"], Blank(2)) == ["a", "b"]


def test_what_became_of_long_items_is_told() -> None:
    assert windows.told(SPLIT) == {"truncated": 0, "tokens_lost": 0, "split": 2, "rows": 6}
    assert windows.told(Blank(3, truncated=1, lost=9)) == {"truncated": 1, "tokens_lost": 9, "split": 0, "rows": 3}


def test_rows_in_another_form_keep_their_owners() -> None:
    assert windows.owners(windows.over(Blank(6), SPLIT)).tolist() == OWNERS.tolist()
    assert windows.over(Blank(6), Blank(6)) == Blank(6)


def test_the_answer_to_a_text_is_the_mean_of_its_windows_answers(bert: Backbone) -> None:
    whole = Whole(bert.task_module("AutoModelForSequenceClassification", ("a", "b"))).eval()
    encoded = bert.prepare(LONG, long="chunks")
    with torch.inference_mode():
        alone = [whole(encoded.take([row]))[0] for row in range(len(encoded.lengths))]
    of = windows.owners(encoded).tolist()
    expected = [torch.stack([row for row, item in zip(alone, of, strict=True) if item == n]).mean(0) for n in range(4)]
    # batches have other shapes, so sums come in another order
    torch.testing.assert_close(answering.by_row(whole, encoded), torch.stack(expected), atol=1e-5, rtol=0)


def made(bert: Backbone, **settings: Any) -> job.Job:
    """A job on long and short texts of two classes."""
    texts, labels = zip(*families.reviews(24), strict=True)
    longer = [text if number % 3 else f"{text} " * 6 for number, text in enumerate(texts)]
    rows = Rows(pa.table({"text": longer, "label": labels}))
    task = plug.load("tasks", "text-classification")
    chosen = FitSettings(**{"precision": "float32", "batch_size": 8, "long": "chunks", **settings})
    recipe = Recipe(epochs=2, lr=1e-3, patience=2)
    return job.Job(task, task.learn(rows), bert, rows, rows, chosen, recipe, silent)


def test_every_window_learns_its_texts_class(bert: Backbone) -> None:
    one = made(bert)
    encoded = one.encoded(one.train)
    of = windows.owners(encoded)
    assert len(of) > 24
    rows = np.arange(len(of))[::-1]
    _, targets = one.lesson(encoded, lambda _: {}).take(rows, 1)
    assert targets.tolist() == one.targets(of[rows]).tolist()


WAYS: dict[str, dict[str, Any]] = {
    "linear": {},
    "classifier": {"read": "classifier"},
    "mlp": {"head": "mlp"},
    "conv": {"head": "conv", "head_width": 8},
    "attention-pool, moving": {"head": "attention-pool", "strategy": "top", "top": 1},
    "max": {"pool": "max"},
    "conv, full": {"head": "conv", "head_width": 8, "strategy": "full"},
    "top, kept": {"strategy": "top", "top": 1},
    "full": {"strategy": "full"},
    "gradual": {"strategy": "gradual"},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_learning_takes_windows_and_answers_for_texts(way: str, bert: Backbone) -> None:
    one = made(bert, **WAYS[way])
    torch.manual_seed(0)
    strategy = plug.load("strategies", one.settings.strategy)
    learnt = learn.learn(one, strategy.stages(bert, one.settings), strategy)
    assert learnt.long["split"] == 8
    assert answering.by_row(learnt.network, one.encoded(one.train)).shape == (24, 2)


def test_a_linear_head_is_solved_for_on_the_means_of_windows(bert: Backbone) -> None:
    one = made(bert, read="1")
    learnt = learn.learn(one, (3,), frozen)
    encoded, trained = one.encoded(one.train), learnt.network
    with torch.inference_mode():
        pooled = torch.cat([bert.pooled(bert.module, encoded.take([row])) for row in range(len(encoded.lengths))])
        means = windows.mean(pooled, encoded)
        expected = trained.head(trained.reading.of(means, bert.widths))  # type: ignore[operator,union-attr]
    # a linear answer to a mean is the mean of the answers, but for rounding
    torch.testing.assert_close(answering.by_row(trained, encoded), expected, atol=1e-4, rtol=1e-4)


def test_kept_states_of_windows_come_to_the_same_answers(bert: Backbone) -> None:
    answers = []
    for cache in (True, False):
        one = made(bert, strategy="top", top=1, cache=cache)
        torch.manual_seed(0)
        learnt = learn.learn(one, (2,), top)
        answers.append(answering.by_row(learnt.network, one.encoded(one.train)))
    torch.testing.assert_close(*answers, atol=1e-4, rtol=1e-3)
