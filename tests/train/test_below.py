"""What the frozen blocks give is computed once and kept, and training above it comes to what it comes to without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

import families
from headstart import answering, features, plug, stack
from headstart.contracts import Rows
from headstart.errors import OutputError
from headstart.network import KEPT, Whole
from headstart.progress import Event, Note, silent
from headstart.settings import FitSettings, Recipe
from headstart.sources import dir as folders
from headstart.strategies import top
from headstart.train import below, job, learn

TASKS = {"bert": "text-classification", "distilbert": "text-classification", "vit": "image-classification"}
TASKS["resnet"] = "image-classification"


def made(model: str, family: families.Family, listener: Any = silent, **settings: Any) -> job.Job:
    """A job on a few rows, in float32 so that both ways can be compared."""
    backbone: Any = folders.load(str(family(model)), revision=None, offline=True)
    task = plug.load("tasks", TASKS[model])
    if backbone.modality == "text":
        texts, labels = zip(*families.reviews(24), strict=True)
        rows = Rows(pa.table({"text": texts, "label": labels}))
    else:
        files = sorted(families.pictures(family(model).parent / "below", 24).rglob("*.png"))
        rows = Rows(pa.table({"image": list(map(str, files)), "label": [file.parent.name for file in files]}))
    chosen = FitSettings(**{"precision": "float32", "batch_size": 8, "strategy": "top", "top": 1, **settings})
    recipe = Recipe(epochs=3, lr=1e-3, patience=3)
    return job.Job(task, task.learn(rows), backbone, rows, rows, chosen, recipe, listener)


def trained(one: job.Job) -> torch.Tensor:
    """What the network answers to its rows after training."""
    torch.manual_seed(0)
    learnt = learn.learn(one, top.stages(one.backbone, one.settings), top)
    return answering.by_row(learnt.network, one.encoded(one.train))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("model", TASKS)
def test_training_on_kept_states_comes_to_the_same_answers(model: str, family: families.Family) -> None:
    kept, anew = (trained(made(model, family, cache=cache)) for cache in (True, False))
    # float32 and sums in another order; not the weights, for AdamW steps by the sign of gradients that are but rounding
    torch.testing.assert_close(kept, anew, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("model", TASKS)
def test_a_second_run_computes_nothing_below_again(model: str, family: families.Family) -> None:
    events: list[Event] = []
    trained(made(model, family))
    trained(made(model, family, events.append))
    said = [event.text for event in events if isinstance(event, Note)]
    assert "Features of 24 of 24 rows were computed before and reused." in said


def test_images_are_not_opened_any_more(family: families.Family) -> None:
    one = made("vit", family)
    rows = below.keep(one, Whole(one.backbone.task_module(one.task.auto_class, one.names), 2), 2, "float32")
    files = [Path(file) for file in one.train.column("image")]
    contents = [file.read_bytes() for file in files]
    try:
        for file in files:
            file.unlink()
        assert KEPT in rows["train"].take([0, 5]).tensors
    finally:
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)


def test_room_is_foreseen_and_said(family: families.Family) -> None:
    events: list[Event] = []
    one = made("bert", family, events.append)
    trained(one)
    shards = (features.cache_root() / "features").rglob("*.npy")
    taken = sum(np.load(shard).nbytes for shard in shards)
    # the same 24 rows are both splits here, and are kept once
    foreseen = 2 * int(one.encoded(one.train).lengths.sum()) * 32 * 4
    assert taken == foreseen / 2
    assert any("takes up to 0 MiB" in event.text for event in events if isinstance(event, Note))


def test_a_full_disk_is_said_before_the_work(family: families.Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(below, "SPARE", 10**18)
    with pytest.raises(OutputError, match="--no-cache"):
        trained(made("bert", family))


def test_frozen_parts_stay_in_evaluation_mode_while_the_rest_learns(family: families.Family) -> None:
    backbone = folders.load(str(family("bert")), revision=None, offline=True)
    whole = Whole(backbone.task_module("AutoModelForSequenceClassification", ["a", "b"]), boundary=2).train()
    base: Any = stack.base_of(whole.module)
    assert not any(part.training for part in [*base.embeddings.modules(), *base.encoder.layer[0].modules()])
    assert all(part.training for part in base.encoder.layer[1].modules())


@pytest.mark.parametrize(
    ("shape", "places"),
    [((2, 64), 1), ((2, 17, 32), 17), ((2, 64, 7, 5), 35), ((2, 7, 7, 64), 49)],
    ids=["one vector", "patches", "a map, its width first", "a map, its width last"],
)
def test_a_kept_picture_costs_what_is_still_computed_of_it(shape: tuple[int, ...], places: int) -> None:
    assert below._places(torch.zeros(shape)) == places


@pytest.mark.parametrize("model", TASKS)
def test_kept_rows_cost_no_more_than_whole_ones(model: str, family: families.Family) -> None:
    one = made(model, family)
    whole = Whole(one.backbone.task_module(one.task.auto_class, one.names), 2)
    kept = below.keep(one, whole, 2, "float32")["train"]
    lengths = one.encoded(one.train).lengths
    is_text = one.backbone.modality == "text"
    assert (kept.lengths == lengths).all() if is_text else (kept.lengths <= lengths).all()
