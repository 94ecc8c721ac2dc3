"""What every strategy must hold to, as named checks; a third party runs them over its own with `check_strategy`."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import torch
from torch import nn

import families
from headstart import contracts, plug, stack
from headstart.contracts import Backbone, Rows
from headstart.network import Whole
from headstart.progress import silent
from headstart.settings import FitSettings, Recipe
from headstart.sources import dir as folders
from headstart.train import learn

MODELS = ("bert", "resnet")
TASKS = {"text": "text-classification", "image": "image-classification"}
SETTINGS = FitSettings(precision="float32", epochs=2, batch_size=8)
OTHER: dict[str, Any] = {
    "epochs": 1,
    "micro_batch": 3,
    "schedule": "cosine",
    "soup": 2,
    "label_smoothing": 0.3,
    "checkpoint_steps": 1,
    "batch_size": 4,
    "lr": 0.1,
    "layer_decay": 0.5,
    "weight_decay": 0.5,
    "warmup": 0.5,
    "ema": 0.5,
    "patience": 1,
    "validation_size": 0.4,
    "head": "mlp",
    "head_width": 9,
    "head_dropout": 0.5,
    "pool": "max",
    "read": "1",
    "max_length": 5,
    "top": 1,
    "unfreeze": 2,
    "price_per_hour": 2.0,
    "cache": False,
    "lora_rank": 2,
    "lora_alpha": 1.0,
    "lora_dropout": 0.5,
    "augment": "flip",
    "gradient_checkpointing": True,
    "shard": True,
}
"""Another value than that of SETTINGS for every setting that some strategy may have no use for."""


@dataclass(frozen=True)
class Bench:
    """A strategy and a tiny model with rows to try it on."""

    strategy: Any
    backbone: Backbone
    rows: Rows


def bench(strategy: Any, model: str, family: families.Family) -> Bench:
    """What the checks need."""
    backbone = folders.load(str(family(model)), revision=None, offline=True)
    if backbone.modality == "text":
        texts, labels = zip(*families.reviews(16), strict=True)
        return Bench(strategy, backbone, Rows(pa.table({"text": texts, "label": labels})))
    files = sorted(families.pictures(family(model).parent / "pictures", 16).rglob("*.png"))
    columns = {"image": [str(file) for file in files], "label": [file.parent.name for file in files]}
    return Bench(strategy, backbone, Rows(pa.table(columns)))


def _task(bench: Bench) -> Any:
    """The task that its rows are for."""
    return plug.load("tasks", TASKS[bench.backbone.modality])


def _trained(bench: Bench, settings: FitSettings = SETTINGS) -> learn.Learnt:
    """A network after two short epochs under the strategy."""
    task = _task(bench)
    recipe = settings.recipe(Recipe(epochs=2, lr=1e-3, patience=2), len(bench.rows))
    job = learn.Job(task, task.learn(bench.rows), bench.backbone, bench.rows, bench.rows, settings, recipe, silent)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return learn.learn(job, bench.strategy.stages(bench.backbone, settings), bench.strategy)


def _pretrained(bench: Bench) -> dict[str, torch.Tensor]:
    """The weights and statistics of the backbone before training, by name within the bare model."""
    fresh = folders.load(str(bench.backbone.folder), revision=None, offline=True)  # type: ignore[attr-defined]
    return dict(fresh.module.state_dict())


def _moved(bench: Bench, trained: nn.Module) -> set[str]:
    """The names of the backbone's tensors that training changed."""
    after = stack.base_of(trained).state_dict()
    return {name for name, before in _pretrained(bench).items() if not torch.equal(before, after[name])}


def _with_gradient(trained: nn.Module) -> set[str]:
    """The names of the backbone's parameters that are trained themselves."""
    return {name for name, parameter in stack.base_of(trained).named_parameters() if parameter.requires_grad}


def _below(bench: Bench, boundary: int) -> set[str]:
    depth = stack.depths(bench.backbone.module)
    return {name for name, height in depth.items() if height < boundary}


# --------------------------------------------------------------------------------------------------------- checks


def has_every_name_of_the_protocol(bench: Bench) -> None:
    wanted = {name for name, value in vars(contracts.Strategy).items() if inspect.isfunction(value)}
    missing = {name for name in wanted if not name.startswith("_") and not hasattr(bench.strategy, name)}
    assert not missing


def recipe_is_sane(bench: Bench) -> None:
    for task in map(functools.partial(plug.load, "tasks"), plug.names("tasks")):
        recipe = bench.strategy.recipe(SETTINGS, task)
        assert recipe.epochs >= 1
        assert 0 < recipe.lr < 1
        assert recipe.patience >= 1


def boundary_lies_within_the_stack(bench: Bench) -> None:
    assert 0 <= bench.strategy.apply(bench.backbone, SETTINGS) <= len(bench.backbone.blocks) + 1


def stages_end_at_the_boundary_and_never_rise(bench: Bench) -> None:
    stages = bench.strategy.stages(bench.backbone, SETTINGS)
    assert stages[-1] == bench.strategy.apply(bench.backbone, SETTINGS)
    assert list(stages) == sorted(set(stages), reverse=True)


def asks_for_validation_rows_where_blocks_move(bench: Bench) -> None:
    moves = bench.strategy.apply(bench.backbone, SETTINGS) <= len(bench.backbone.blocks)
    of_few, of_many = (bench.strategy.needs_validation(SETTINGS, _task(bench), num_rows) for num_rows in (2, 10**6))
    assert isinstance(of_few, bool)
    assert of_many or not moves


def nothing_below_the_boundary_moves(bench: Bench) -> None:
    boundary = bench.strategy.apply(bench.backbone, SETTINGS)
    moved = _moved(bench, _trained(bench).network.module)  # type: ignore[arg-type]
    assert not moved & _below(bench, boundary)


def everything_above_the_boundary_moves(bench: Bench) -> None:
    boundary = bench.strategy.apply(bench.backbone, SETTINGS)
    if boundary > len(bench.backbone.blocks):
        return  # only a head is above it, which no pretrained model has
    module = bench.backbone.task_module(_task(bench).auto_class, ("a", "b"))
    stack.freeze(module, boundary)
    given = _with_gradient(bench.strategy.adapt(module, boundary, SETTINGS))
    moved = _moved(bench, _trained(bench).network.module)  # type: ignore[arg-type]
    height = stack.depths(bench.backbone.module)
    assert given & set(height) <= moved
    # where only adapters beside them are trained, the weights of a block move when it is settled
    assert {height[name] for name in moved & set(height)} == {depth for depth in height.values() if depth >= boundary}


def what_is_saved_has_the_weights_of_the_task_model(bench: Bench) -> None:
    trained = _trained(bench).network
    if not isinstance(trained, Whole):
        return  # a head of ours beside the backbone
    task = _task(bench)
    usual = bench.backbone.task_module(task.auto_class, task.names(task.learn(bench.rows)))
    assert set(trained.module.state_dict()) == set(usual.state_dict())


def settings_said_to_be_unused_change_nothing(bench: Bench) -> None:
    unused = bench.strategy.unused(SETTINGS, _task(bench))
    assert unused <= set(OTHER), "a setting that every fit needs, or none at all"
    settings = dataclasses.replace(SETTINGS, **{name: OTHER[name] for name in unused})
    first, second = (_trained(bench, given).network.state_dict() for given in (SETTINGS, settings))
    assert all(torch.equal(first[name], second[name]) for name in first)


Check = Callable[[Bench], None]
CHECKS: tuple[Check, ...] = (
    has_every_name_of_the_protocol,
    recipe_is_sane,
    boundary_lies_within_the_stack,
    stages_end_at_the_boundary_and_never_rise,
    asks_for_validation_rows_where_blocks_move,
    nothing_below_the_boundary_moves,
    everything_above_the_boundary_moves,
    what_is_saved_has_the_weights_of_the_task_model,
    settings_said_to_be_unused_change_nothing,
)


def check_strategy(strategy: Any, family: families.Family) -> None:
    """Runs every check over one strategy on every tiny model; the first that fails raises AssertionError."""
    for model in MODELS:
        for check in CHECKS:
            check(bench(strategy, model, family))
