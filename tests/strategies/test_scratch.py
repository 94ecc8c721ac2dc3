"""Fresh weights are drawn by the seed, as the family draws them, and nothing of the pretrained ones is left."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import families
from headstart import run
from headstart.errors import MismatchError
from headstart.settings import FitSettings
from headstart.sources import dir as folders
from headstart.sources.modules import plain_modules
from headstart.strategies import scratch

AUTO = {"bert": "AutoModelForSequenceClassification", "vit": "AutoModelForImageClassification"}


def fresh(module: nn.Module, seed: int = 0) -> dict[str, torch.Tensor]:
    """The module's weights after they were drawn with this seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return scratch.adapt(module, 0, FitSettings()).state_dict()


def task_module(name: str, family: families.Family) -> nn.Module:
    return folders.load(str(family(name)), revision=None, offline=True).task_module(AUTO[name], ("a", "b", "c"))


@pytest.mark.parametrize("name", AUTO)
def test_nothing_of_the_pretrained_matrices_is_left(name: str, family: families.Family) -> None:
    module = task_module(name, family)
    before, after = dict(module.state_dict()), fresh(module, seed=9)
    assert set(after) == set(before)
    assert not [key for key, value in before.items() if value.ndim > 1 and torch.equal(after[key], value)]


@pytest.mark.parametrize("name", AUTO)
def test_the_same_seed_draws_the_same_weights_and_another_others(name: str, family: families.Family) -> None:
    first, again, other = (fresh(task_module(name, family), seed) for seed in (0, 0, 1))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_weights_are_as_wide_as_the_family_draws_them(family: families.Family) -> None:
    words = fresh(task_module("bert", family))["bert.embeddings.word_embeddings.weight"]
    # normal with the 0.1 that the config says; 160 · 32 numbers come within 3 % of it
    assert float(words[1:].std()) == pytest.approx(families.WEIGHTS["initializer_range"], rel=0.05)


def plain(*layers: nn.Module) -> plain_modules.Plain:
    """A module of PyTorch's own make, its classifier the last of the layers."""
    return plain_modules.plain(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), *layers), size=8)


ENDS = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def test_a_plain_module_is_drawn_layer_by_layer_with_its_statistics() -> None:
    module = plain(*ENDS)
    module.net[1].running_mean.fill_(5.0)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    after = fresh(module)
    assert not torch.equal(after["net.0.weight"], before["net.0.weight"])
    assert after["net.1.running_mean"].tolist() == [0.0] * 4


class Token(nn.Module):
    """Adds a number of its own, which nobody can draw."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states + self.token


def test_weights_that_can_only_be_loaded_are_refused_in_words() -> None:
    backbone: Any = SimpleNamespace(module=plain(Token(), *ENDS), blocks=[object()], ref="torchhub:x")
    with pytest.raises(MismatchError, match=r'"torchhub:x" has weights in "net\.2" that can only be loaded'):
        scratch.apply(backbone, FitSettings())


@pytest.fixture(scope="module")
def done(family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> run.Run:
    """A run from fresh weights."""
    root = tmp_path_factory.mktemp("scratch")
    data = families.csv_of(root / "reviews.csv", families.reviews(60))
    chosen: dict[str, Any] = {"strategy": "scratch", "epochs": 2, "precision": "float32"}
    return run.fit(str(data), FitSettings(model=f"dir:{family('bert')}", **chosen), out=root / "run")


def test_a_run_from_scratch_trains_everything_and_all_blocks_alike(done: run.Run) -> None:
    facts = json.loads((done.folder / "run.json").read_text())
    assert facts["parameters"]["trained"] == facts["parameters"]["total"]
    assert facts["recipe"]["layer_decay"] == 1.0


def test_nothing_that_is_written_says_a_pretrained_model_was_used(done: run.Run) -> None:
    card = (Path(done.folder) / "model" / "README.md").read_text()
    assert "fresh weights" in card
    assert "pretrained model" not in done.scores["verdict"]
