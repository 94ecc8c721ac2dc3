"""Two processes under `torchrun` learn what one learns: rows are shared out, and the outcome is one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import families
import headstart
import launched
from headstart.contracts import Inputs
from headstart.errors import MismatchError
from headstart.train import gradient, shard
from launched import STOPPED

PLAIN: dict[str, Any] = {"strategy": "full", "epochs": 2, "lr": 1e-3, "precision": "float32", "batch_size": 16}
FITS: dict[str, dict[str, Any]] = {"joined": {}, "spread": {"shard": True}}
"""Whole runs."""
LEARNS: dict[str, dict[str, Any]] = {
    "in pieces": {"shard": True, "micro_batch": 3, "gradient_checkpointing": True, "soup": 2},
    "top": {"shard": True, "strategy": "top", "top": 1},
    "our head": {"shard": True, "head": "mlp", "head_dropout": 0.0, "ema": 0.0},
    "undisturbed": {"shard": True, "checkpoint_steps": 2},
    STOPPED: {"shard": True, "checkpoint_steps": 2},
    "images": {"shard": True, "epochs": 1},
}
"""What is only learnt, without judging or writing."""


@pytest.fixture(scope="module")
def sober(family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model without dropout."""
    return launched.sober(family("bert"), tmp_path_factory.mktemp("sober") / "sober")


@pytest.fixture(scope="module")
def two(sober: Path, family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what two processes did, started once."""
    folder = tmp_path_factory.mktemp("two")
    fit = {"data": str(families.csv_of(folder / "rows.csv", families.reviews(90))), "model": f"dir:{sober}"}
    models = {name: str(family("resnet") if name == "images" else sober) for name in LEARNS}
    families.pictures(family("resnet").parent / launched.PICTURES, 24)
    launched.start(
        folder,
        fits={name: {**fit, **PLAIN, "offline": True, **settings} for name, settings in FITS.items()},
        learns={name: {"model": models[name], **PLAIN, **settings} for name, settings in LEARNS.items()},
        held=str(sober),
    )
    return folder


@pytest.fixture(scope="module")
def alone(sober: Path, two: Path) -> Path:
    """The run folder of the same fit by one process."""
    settings = {**PLAIN, "shard": True}
    return headstart.fit(two / "rows.csv", out=two / "alone", model=f"dir:{sober}", **settings).folder


@pytest.mark.parametrize("name", list(FITS))
def test_two_processes_make_the_run_that_one_makes(name: str, two: Path, alone: Path) -> None:
    one, both = (json.loads((run / "run.json").read_text())["learning"] for run in (alone, two / name))
    assert [epoch["loss"] for epoch in both] == pytest.approx([epoch["loss"] for epoch in one], rel=1e-3)
    weights, found = (load_file(run / "model" / "model.safetensors") for run in (alone, two / name))
    for key, tensor in weights.items():
        torch.testing.assert_close(found[key], tensor, atol=2e-3, rtol=0)
    assert list(two.glob("*.partial")) == []


def test_processes_part_before_they_end(two: Path) -> None:
    told = [json.loads((two / f"ended-{rank}.json").read_text()) for rank in (0, 1)]
    assert told == [{"has_parted": True}] * 2


@pytest.mark.parametrize("name", ["in pieces", "top", "our head", "undisturbed"])
def test_two_processes_learn_what_one_learns(name: str, two: Path, sober: Path) -> None:
    launched.alike(two, name, launched.learnt(name, str(sober), **{**PLAIN, **LEARNS[name]}))


def test_what_is_spread_and_goes_on_ends_with_the_same_weights_to_the_bit(two: Path) -> None:
    went_on, undisturbed = (load_file(two / f"{name}.safetensors") for name in (STOPPED, "undisturbed"))
    assert all(torch.equal(went_on[name], tensor) for name, tensor in undisturbed.items())


def test_each_process_holds_half_of_all_that_learning_takes(two: Path) -> None:
    held = [json.loads((two / f"held-{rank}.json").read_text()) for rank in (0, 1)]
    for share in held:
        assert share["left"] == 0
        assert share["after"] == share["before"]
        for what, times in {"weights": 1, "average": 1, "moments": 2}.items():
            assert 2 * share[what] == times * share["before"]


def test_plain_transformers_opens_what_a_spread_run_saved(two: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder, texts = two / "spread" / "model", [text for text, _ in families.reviews(4)]
    plain = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = plain(**AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")).logits
    ours = torch.from_numpy(headstart.load(folder).predict_proba(texts)).float()
    torch.testing.assert_close(ours, logits.softmax(-1), atol=1e-5, rtol=0)


def test_what_is_spread_has_the_running_statistics_of_images(two: Path, family: families.Family) -> None:
    before = load_file(family("resnet") / "model.safetensors")
    after = load_file(two / "images.safetensors")
    moved = [name for name in before if name.endswith("running_mean")]
    assert moved
    assert not any(torch.equal(after[f"module.resnet.{name}"], before[name]) for name in moved)


def test_shard_with_one_process_is_said_to_play_no_part(alone: Path) -> None:
    warnings = json.loads((alone / "run.json").read_text())["warnings"]
    assert any("--shard plays no part with one process" in said for said in warnings)


def test_a_single_number_cannot_be_shared_out() -> None:
    network = torch.nn.Linear(2, 2)
    network.factor = torch.nn.Parameter(torch.tensor(1.0))
    with pytest.raises(MismatchError, match='"factor" is a single number'):
        shard.verify(network)


@pytest.mark.parametrize("num_rows", [1, 7, 8], ids=["fewer rows than processes", "an odd number", "an even number"])
def test_each_row_of_a_batch_is_seen_by_one_process(num_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    net, seen = torch.nn.Linear(1, 1, bias=False), []
    points = torch.arange(1.0, 9.0)[:, None]

    def take(rows: np.ndarray, epoch: int) -> tuple[Inputs, torch.Tensor]:
        return Inputs({"points": points[rows]}), torch.zeros(len(rows))

    class Net(torch.nn.Module):
        def forward(self, inputs: Inputs) -> torch.Tensor:
            seen.append(inputs.tensors["points"])
            return net(inputs.tensors["points"])

    lesson = gradient.Lesson(np.ones(8, dtype=np.int64), take, lambda output, _: output[:, 0], lambda _: {})
    grads = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in "01":
        net.zero_grad()
        monkeypatch.setenv("RANK", rank)
        gradient.add(Net(), lesson, np.arange(num_rows), 1, dtype="float32", piece=8)
        grads.append(float(net.weight.grad))
    # torch averages the gradients over the processes
    assert np.mean(grads) == pytest.approx(float(points[:num_rows].mean()))
    # a process without a row of its own takes part with one that weighs nothing
    spare = [1.0] if num_rows == 1 else []
    assert sorted(torch.cat(seen)[:, 0].tolist()) == sorted([*points[:num_rows, 0].tolist(), *spare])
