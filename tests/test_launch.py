"""Two processes under `torchrun` learn what one learns: rows are shared out, and the outcome is one run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import families
from headstart.contracts import Inputs
from headstart.train import gradient

WORDS = ["--strategy", "full", "--epochs", "3", "--lr", "1e-3", "--precision", "float32", "--batch-size", "16"]
NUMBERS = ["--validation-size", "0.2"]


@pytest.fixture
def sober(family: families.Family, tmp_path: Path) -> Path:
    """A tiny model without dropout, so that who computes a row makes no difference."""
    folder = shutil.copytree(family("bert"), tmp_path / "sober")
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "classifier_dropout": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def fitted(model: Path, place: Path, *launcher: str) -> Path:
    """The run folder of a fit in processes of its own."""
    rows = families.csv_of(place.parent / "rows.csv", families.reviews(90))
    words = ["fit", str(rows), "--model", f"dir:{model}", "--out", str(place), *WORDS, *NUMBERS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HEADSTART_CACHE": str(place.parent / "cache")}
    done = subprocess.run(
        [sys.executable, *launcher, "-m", "headstart", *words], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return place


def test_two_processes_learn_what_one_learns(sober: Path, tmp_path: Path) -> None:
    one = fitted(sober, tmp_path / "one")
    two = fitted(sober, tmp_path / "two", "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone")
    first, second = (json.loads((run / "run.json").read_text())["learning"] for run in (one, two))
    # the sums are taken in another order
    assert [epoch["loss"] for epoch in second] == pytest.approx([epoch["loss"] for epoch in first], rel=1e-3)
    weights = [load_file(run / "model" / "model.safetensors") for run in (one, two)]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, atol=2e-3, rtol=0)
    assert list(tmp_path.glob("*.partial")) == []


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
