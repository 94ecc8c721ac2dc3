"""What several processes do together, for all tests of it in one start: `torchrun` runs this file with a folder.

FOLDER/asked.json says what: `fits` by name, of which each makes the run FOLDER/NAME, and `learns`, of which each leaves
FOLDER/NAME.json with the losses and NAME.safetensors with the weights. What each process held is in held-RANK.json.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file, save_file

import families
import headstart
from headstart import launch, plug
from headstart.contracts import Rows
from headstart.errors import Stopped
from headstart.network import Whole
from headstart.progress import Advance, Event, silent
from headstart.settings import FitSettings
from headstart.sources import dir as folders
from headstart.train import learn, shard
from headstart.train.checkpoint import Checkpoints
from headstart.train.learner import Learner

PICTURES = "pictures of launched"
"""Folder of images beside the model that reads them."""
STOPPED = "stopped"
"""The learning of this name is asked to stop after some steps, and then goes on."""


def stop_at(event: Event) -> None:
    """A listener that asks to stop in the middle of the second epoch."""
    if isinstance(event, Advance) and event.stage == "train" and event.done == 5:
        os.kill(os.getpid(), signal.SIGTERM)


def slow_to_write(seconds: float) -> None:
    """From now on a checkpoint takes the first process so long that one that did not wait would find the one before."""
    at_once = Checkpoints.list

    def later(checkpoints: Checkpoints, facts: Any, *names: str) -> None:
        time.sleep(seconds)
        at_once(checkpoints, facts, *names)

    Checkpoints.list = later  # type: ignore[method-assign]


def learnt(name: str, model: str, kept: Path | None = None, **given: Any) -> learn.Learnt:
    """A network after two epochs of 48 reviews, or of 24 images where that is what the model reads."""
    settings = FitSettings(**given)
    backbone = folders.load(model, revision=None, offline=True)
    task: Any = plug.load("tasks", f"{backbone.modality}-classification")
    rows = _texts() if backbone.modality == "text" else _images(Path(model).parent / PICTURES)
    strategy: Any = plug.load("strategies", settings.strategy)
    recipe = settings.recipe(strategy.recipe(settings, task), len(rows))
    stages = strategy.stages(backbone, settings)

    def once(listener: Any) -> learn.Learnt:
        torch.manual_seed(0)
        around = learn.Around(kept)
        return learn.learn(
            learn.Job(task, task.learn(rows), backbone, rows, rows, settings, recipe, listener, around),
            stages,
            strategy,
        )

    if name != STOPPED:
        return once(silent)
    slow_to_write(0.3)
    try:
        once(stop_at if launch.is_first() else silent)
    except Stopped:
        return once(silent)
    raise AssertionError("it was asked to stop")


def sober(model: Path, folder: Path) -> Path:
    """A copy of a tiny BERT without dropout, so that who computes a row makes no difference."""
    shutil.copytree(model, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "classifier_dropout": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def alike(folder: Path, name: str, one: learn.Learnt) -> None:
    """What two processes learnt is what one did, up to sums that were taken in another order."""
    losses = json.loads((folder / f"{name}.json").read_text())
    assert losses == pytest.approx([epoch["loss"] for epoch in one.history], rel=1e-3)
    found = load_file(folder / f"{name}.safetensors")
    for key, tensor in one.network.state_dict().items():
        torch.testing.assert_close(found[key], tensor, atol=2e-3, rtol=0)


def _texts() -> Rows:
    texts, labels = zip(*families.reviews(48), strict=True)
    return Rows(pa.table({"text": texts, "label": labels}))


def _images(folder: Path) -> Rows:
    """All of the folder, which whoever starts several processes has made before."""
    files = sorted(folder.rglob("*.png"))
    return Rows(pa.table({"image": list(map(str, files)), "label": [file.parent.name for file in files]}))


def held(model: str) -> dict[str, int]:
    """How many numbers this process holds of a network that is spread, and of the one it was made from."""
    backbone = folders.load(model, revision=None, offline=True)
    network = Whole(backbone.task_module("AutoModelForSequenceClassification", ("neg", "pos")))
    before = sum(parameter.numel() for parameter in network.parameters())
    with shard.learning(network, is_wanted=True) as (spread, twin):
        learner = Learner(
            spread, [{"params": list(spread.parameters()), "lr": 1e-3}], FitSettings(), piece=8, twin=twin
        )
        for parameter in spread.parameters():
            parameter.grad = parameter.detach().clone()
        learner.move(1.0, 1, num_steps=9)
        moments = [state[name] for state in learner.optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")]
        meanwhile = {
            "weights": sum(shard.own(parameter).numel() for parameter in spread.parameters()),
            "average": sum(shard.own(parameter).numel() for parameter in learner.average.network.parameters()),
            "moments": sum(shard.own(moment).numel() for moment in moments),
            "left": sum(parameter.numel() for parameter in network.parameters()),
        }
    return {**meanwhile, "before": before, "after": sum(parameter.numel() for parameter in network.parameters())}


def start(folder: Path, **asked: Any) -> None:
    """Two processes that do what is asked, and leave what came of it in the folder."""
    (folder / "asked.json").write_text(json.dumps({"fits": {}, "learns": {}, "held": None, **asked}))
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HEADSTART_CACHE": str(folder / "cache")}
    words = [sys.executable, *launcher, __file__, str(folder)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def main(folder: Path) -> None:
    """Everything that was asked, one after the other; last of all, whether the processes have parted."""
    ended = folder / f"ended-{launch.rank()}.json"
    atexit.register(lambda: ended.write_text(json.dumps({"has_parted": not torch.distributed.is_initialized()})))
    launch.join()
    asked = json.loads((folder / "asked.json").read_text())
    for name, settings in asked["fits"].items():
        headstart.fit(settings.pop("data"), out=folder / name, **settings)
    for name, settings in asked["learns"].items():
        found = learnt(name, settings.pop("model"), folder / "kept" / name, **settings)
        if launch.is_first():
            (folder / f"{name}.json").write_text(json.dumps([epoch["loss"] for epoch in found.history]))
            save_file(found.network.state_dict(), folder / f"{name}.safetensors")
    if asked["held"] is not None:
        (folder / f"held-{launch.rank()}.json").write_text(json.dumps(held(asked["held"])))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
