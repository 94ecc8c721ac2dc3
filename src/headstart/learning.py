"""From splits to a model: learnt once, or with several seeds of which one is taken and all are told."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from headstart import launch, plug, score
from headstart.contracts import Backbone, Splits, Strategy, Task
from headstart.model import Model
from headstart.progress import Listener, Note, Stage
from headstart.settings import FitSettings
from headstart.train import learn as training
from headstart.train.learn import NOWHERE, Around, Learnt

Learning = Callable[[FitSettings, Around], tuple[Model, Learnt]]


@dataclass(frozen=True)
class Ready:
    """All that learning starts from, apart from the settings."""

    task_name: str
    backbone: Backbone
    splits: Splits
    stages: Sequence[int]


def learn(
    ready: Ready, settings: FitSettings, listener: Listener, around: Around
) -> tuple[Model, Learnt, dict[str, Any] | None]:
    """The model to take, and for several seeds how all of them did."""
    rows = ready.splits.test

    def learning(chosen: FitSettings, place: Around) -> tuple[Model, Learnt]:
        return once(ready, chosen, listener, place)

    def measure(model: Model) -> float:
        assert rows is not None, "a test split is always given or held out"
        return score.primary(model.task, model.learned, model.predict(model.task.items(rows)), rows)

    return over(settings, around, learning, measure=measure, listener=listener)


def once(ready: Ready, settings: FitSettings, listener: Listener, around: Around = NOWHERE) -> tuple[Model, Learnt]:
    """The model learnt from the splits, everything random in it drawn from the settings' seed."""
    task: Task = plug.load("tasks", ready.task_name)
    learned = task.meets(task.learn(ready.splits.train), ready.splits.train, ready.backbone, settings)
    strategy: Strategy = plug.load("strategies", settings.strategy)
    recipe = training.recipe(task, ready.backbone, strategy, settings, ready.splits.train)
    rows = ready.splits.train, ready.splits.validation
    frame = training.frame(task, ready.backbone, ready.splits.train, settings)
    job = training.Job(task, learned, ready.backbone, *rows, settings, recipe, listener, around, frame)
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        learnt = training.learn(job, ready.stages, strategy)
    network = learnt.network.eval()
    model = Model(ready.task_name, learned, ready.backbone, network, settings.max_length, job.long, frame)
    return _settled(model, ready.splits, learnt), learnt


def _settled(model: Model, splits: Splits, learnt: Learnt) -> Model:
    """With what can only be set once the network answers rows that it has not learnt from."""
    task, rows = model.task, splits.validation
    if learnt.left_out is not None:
        # all training rows, each answered by a fit that had not seen it, are more than the validation rows
        rows, output = splits.train, torch.from_numpy(learnt.left_out)
        found = task.settled(model.learned, lambda: task.decode(output, model.learned), rows)
    elif rows is not None:
        found = task.settled(model.learned, lambda: model.predict(task.items(rows)), rows)
    else:
        return model
    return dataclasses.replace(model, learned=found)


def over(
    settings: FitSettings, around: Around, learn: Learning, *, measure: Callable[[Model], float], listener: Listener
) -> tuple[Model, Learnt, dict[str, Any] | None]:
    """The model of the seed that did best on validation, and what all of them reached on the test rows.

    Args:
        settings: How many seeds, and the first.
        around: What each of the trainings stands in; each has its share of the time and a place of its own.
        learn: Learns with these settings.
        measure: The primary metric on the test rows. Nothing is chosen by it.
        listener: Hears which seed is at work.

    Returns:
        The model, how it was learnt, and for several seeds "seeds", "values" on the test rows in their order, "median",
        "range" and the seed "taken"; None for one.
    """
    if settings.seeds == 1:
        return (*learn(settings, around), None)
    seeds = list(range(settings.seed, settings.seed + settings.seeds))
    best: tuple[Model, Learnt, int] | None = None
    values = []
    for number, seed in enumerate(seeds):
        listener(Stage("seed", f"{seed}, {number + 1} of {len(seeds)}"))
        kept = None if around.kept is None else around.kept / f"seed-{seed}"
        place = dataclasses.replace(around, kept=kept, share=1 / (len(seeds) - number))
        fitted, learnt = learn(dataclasses.replace(settings, seed=seed), place)
        values.append(measure(fitted) if launch.is_first() else 0.0)
        if best is None or learnt.validation > best[1].validation:
            best = fitted, learnt, seed
    assert best is not None, "there is at least one seed"
    listener(Note(f"Seed {best[2]} did best on validation: its model is taken."))
    told = {"seeds": seeds, "values": values, "median": statistics.median(values), "taken": best[2]}
    return best[0], best[1], {**told, "range": [min(values), max(values)]}
