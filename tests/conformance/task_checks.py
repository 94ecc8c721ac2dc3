"""What every task must hold to, as named checks; a third party runs them over its own task with `check_task`."""

# B rows, C classes

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch.nn.functional import one_hot

import families
from headstart import contracts, network
from headstart.contracts import Backbone, Rows
from headstart.model import Model, load
from headstart.network import Whole
from headstart.progress import silent
from headstart.settings import FitSettings, Recipe
from headstart.sources import dir as folders
from headstart.train import groups, loop

NAMES = ("alpha", "beta", "gamma")
MODELS = {"text": "bert", "image": "resnet"}
"""The tiny model a task of each modality is tried on."""
ROWS = 8
LR = 5e-3
STEPS = 30


@dataclass(frozen=True)
class Bench:
    """A task under its name, with rows of its fields and a tiny model of its modality to try it on."""

    name: str
    task: Any
    rows: Rows
    backbone: Backbone
    place: Path


def bench(name: str, task: Any, family: families.Family, place: Path) -> Bench:
    """What the checks need, made from what the task says of itself."""
    backbone = folders.load(str(family(MODELS[task.modality])), revision=None, offline=True)
    return Bench(name, task, rows_of(task, place), backbone, place)


def rows_of(task: Any, place: Path) -> Rows:
    """Eight rows with the task's fields, three classes among them, each row as far from the others as it can be."""
    return Rows(pa.table({field.name: pa.array(_column(field.kind, place), pa.string()) for field in task.fields}))


def _column(kind: str, place: Path) -> list[str]:
    if kind == "label":
        return [NAMES[i % len(NAMES)] for i in range(ROWS)]
    if kind == "text":
        return [" ".join([families.GOOD[i], families.BAD[i]] * (1 + i % 3)) for i in range(ROWS)]
    files = [place / f"{i}.png" for i in range(ROWS)]
    for i, file in enumerate(files):
        families.picture((200 * (i % 2), 90 * (i % 3), 30 * i), seed=i).save(file)
    return [str(file) for file in files]


def _learned(bench: Bench) -> Any:
    return bench.task.learn(bench.rows)


def _perfect(bench: Bench, learned: Any) -> torch.Tensor:
    """The output of a network that is sure and right."""
    return 30.0 * one_hot(bench.task.collate(bench.rows, learned), len(bench.task.names(learned))).float()


def _whole(bench: Bench) -> Whole:
    names = bench.task.names(_learned(bench))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Whole(bench.backbone.task_module(bench.task.auto_class, names)).eval()


def _answers(bench: Bench, whole: Whole, rows: Rows) -> list[Any]:
    """Decoded predictions of the rows given together."""
    output = network.answers(whole, bench.backbone.prepare(bench.task.items(rows)))
    return list(bench.task.decode(output, _learned(bench)))


def _numbers(prediction: Any) -> list[float]:
    """Every number in a prediction, however deep, in order."""
    if isinstance(prediction, dict):
        return [number for inner in prediction.values() for number in _numbers(inner)]
    if isinstance(prediction, list):
        return [number for inner in prediction for number in _numbers(inner)]
    return [float(prediction)] if isinstance(prediction, int | float) else []


def _assert_alike(ours: list[Any], theirs: list[Any]) -> None:
    """Equal but for rounding: sums are taken in another order when a batch has another shape."""
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(_numbers(one), _numbers(other), atol=1e-5)


# --------------------------------------------------------------------------------------------------------- checks


def has_every_name_of_the_protocol(bench: Bench) -> None:
    wanted = set(contracts.Task.__annotations__) | {n for n, f in vars(contracts.Task).items() if inspect.isfunction(f)}
    missing = {name for name in wanted if not name.startswith("_") and not hasattr(bench.task, name)}
    assert not missing


def fields_are_documented(bench: Bench) -> None:
    assert bench.task.fields
    assert all(field.help.strip() for field in bench.task.fields)


def learns_from_the_rows_it_is_given_alone(bench: Bench) -> None:
    first = bench.rows.take([0, 3, 6])
    assert set(bench.task.names(bench.task.learn(first))) < set(bench.task.names(_learned(bench)))


def what_is_learnt_does_not_depend_on_the_order_of_rows(bench: Bench) -> None:
    assert bench.task.learn(bench.rows.take(range(ROWS)[::-1])) == _learned(bench)


def what_is_learnt_survives_json(bench: Bench) -> None:
    text = json.dumps(bench.task.to_json(_learned(bench)))
    assert bench.task.from_json(json.loads(text)) == _learned(bench)


def a_perfect_output_scores_one(bench: Bench) -> None:
    learned = _learned(bench)
    answers = bench.task.decode(_perfect(bench, learned), learned)
    metrics = bench.task.metrics(answers, bench.rows, learned)["metrics"]
    assert metrics[bench.task.primary]["value"] == 1.0


def decoded_answers_are_the_rows_own_labels(bench: Bench) -> None:
    learned = _learned(bench)
    answers = bench.task.decode(_perfect(bench, learned), learned)
    assert [answer["label"] for answer in answers] == bench.rows.column("label")


def loss_is_one_finite_number_a_row(bench: Bench) -> None:
    learned = _learned(bench)
    loss = bench.task.loss(torch.zeros(ROWS, len(bench.task.names(learned))), bench.task.collate(bench.rows, learned))
    assert loss.shape == (ROWS,)
    assert torch.isfinite(loss).all()


def loss_weighs_each_class_and_spreads_targets(bench: Bench) -> None:
    learned = _learned(bench)
    output = torch.randn(ROWS, len(bench.task.names(learned)), generator=torch.Generator().manual_seed(0))
    targets = bench.task.collate(bench.rows, learned)
    plain, twice = bench.task.loss(output, targets), torch.full((output.shape[1],), 2.0)
    torch.testing.assert_close(bench.task.loss(output, targets, weights=twice), 2 * plain)
    assert not torch.allclose(bench.task.loss(output, targets, smoothing=0.5), plain)


def loss_of_a_row_does_not_depend_on_the_others(bench: Bench) -> None:
    learned = _learned(bench)
    output = torch.randn(ROWS, len(bench.task.names(learned)), generator=torch.Generator().manual_seed(0))
    targets = bench.task.collate(bench.rows, learned)
    alone = [float(bench.task.loss(output[i : i + 1], targets[i : i + 1])) for i in range(ROWS)]
    np.testing.assert_allclose(bench.task.loss(output, targets).tolist(), alone, rtol=1e-6)


def eight_rows_are_learnt_in_thirty_steps(bench: Bench) -> None:
    learned, whole = _learned(bench), _whole(bench)
    encoded = bench.backbone.prepare(bench.task.items(bench.rows))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        lesson = loop.Lesson(
            encoded.lengths,
            lambda rows, _: (encoded.take(rows), bench.task.collate(bench.rows.take(rows), learned)),
            bench.task.loss,
            _later_is_better(),
        )
        plan = loop.Plan(
            lambda network: groups.layered(network.module, lr=LR, layer_decay=1.0, weight_decay=0.0),
            FitSettings(batch_size=ROWS, ema=0.0),
            Recipe(epochs=STEPS, lr=LR, patience=STEPS),
            "float32",
        )
        history = loop.train(whole, lesson, plan, silent)
    learnt = bench.task.metrics(_answers(bench, whole, bench.rows), bench.rows, learned)["metrics"]
    assert history[-1].loss < 0.7 * history[0].loss
    assert learnt[bench.task.primary]["value"] > 0.8


def _later_is_better() -> Callable[[Any], dict[str, float]]:
    """A validation that keeps the last epoch."""
    epochs = itertools.count()
    return lambda _: {"epoch": float(next(epochs))}


def predictions_are_json(bench: Bench) -> None:
    for answer in _answers(bench, _whole(bench), bench.rows):
        assert json.loads(json.dumps(answer)) == answer


def predictions_do_not_change_with_the_order_of_rows(bench: Bench) -> None:
    whole = _whole(bench)
    backwards = _answers(bench, whole, bench.rows.take(range(ROWS)[::-1]))
    _assert_alike(_answers(bench, whole, bench.rows), backwards[::-1])


def predictions_do_not_change_with_padding_and_company(bench: Bench) -> None:
    whole = _whole(bench)
    alone = [_answers(bench, whole, bench.rows.take([i]))[0] for i in range(ROWS)]
    with torch.inference_mode():
        together = whole(bench.backbone.prepare(bench.task.items(bench.rows)).take(range(ROWS)))
    _assert_alike(bench.task.decode(together, _learned(bench)), alone)


def baselines_answer_every_row(bench: Bench) -> None:
    learned, test = _learned(bench), bench.rows.take([0, 1, 2, 4, 5])
    baselines = bench.task.baselines(bench.rows, test, learned, seed=0)
    assert baselines
    for answers in baselines.values():
        assert 0 <= bench.task.metrics(answers, test, learned)["metrics"][bench.task.primary]["value"] <= 1


def a_saved_model_answers_to_the_bit(bench: Bench) -> None:
    items = bench.task.items(bench.rows)
    model = Model(bench.name, _learned(bench), bench.backbone, _whole(bench))
    model.save(bench.place / "model")
    assert np.array_equal(load(bench.place / "model").logits(items), model.logits(items))


Check = Callable[[Bench], None]
CHECKS: tuple[Check, ...] = (
    has_every_name_of_the_protocol,
    fields_are_documented,
    learns_from_the_rows_it_is_given_alone,
    what_is_learnt_does_not_depend_on_the_order_of_rows,
    what_is_learnt_survives_json,
    a_perfect_output_scores_one,
    decoded_answers_are_the_rows_own_labels,
    loss_is_one_finite_number_a_row,
    loss_of_a_row_does_not_depend_on_the_others,
    loss_weighs_each_class_and_spreads_targets,
    eight_rows_are_learnt_in_thirty_steps,
    predictions_are_json,
    predictions_do_not_change_with_the_order_of_rows,
    predictions_do_not_change_with_padding_and_company,
    baselines_answer_every_row,
    a_saved_model_answers_to_the_bit,
)


def check_task(name: str, task: Any, family: families.Family, place: Path) -> None:
    """Runs every check over one task; the first that fails raises AssertionError."""
    tried = bench(name, task, family, place)
    for check in CHECKS:
        check(tried)
