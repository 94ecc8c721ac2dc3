"""What every task must hold to, as named checks; a third party runs them over its own task with `check_task`."""

# B rows, T tokens, C classes

from __future__ import annotations

import copy
import inspect
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import samples
import torch

import families
from headstart import answering, contracts, score
from headstart.answering import Answers
from headstart.contracts import Backbone, Encoded, Inputs, Rows
from headstart.heads import form
from headstart.model import Model, load
from headstart.network import Headed, class_of
from headstart.progress import silent
from headstart.settings import PAUSES, WINDOWS, FitSettings, Recipe
from headstart.sources import dir as folders
from headstart.train import groups, loop, placed
from headstart.writer import Network, taught, whole_of, writing_of

NAMES, ROWS = samples.NAMES, samples.ROWS
MODELS = {"text": "bert", "image": "resnet", "audio": "hubert"}
"""The tiny model a task of each modality is tried on."""
FRAME = contracts.Frame(2 * families.SIDE, 2.0)
"""How pictures are read whose places matter."""
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
    steps: int = STEPS
    """In which it learns its rows."""


def bench(name: str, task: Any, family: families.Family, place: Path, model: str | None = None) -> Bench:
    """What the checks need, made from what the task says of itself; `model` is another than the usual one."""
    backbone = folders.load(str(family(model or MODELS[task.modality])), revision=None, offline=True)
    return Bench(name, task, samples.rows_of(task, place), backbone, place)


def _learned(bench: Bench) -> Any:
    return bench.task.learn(bench.rows)


def _encoded(bench: Bench, rows: Rows) -> Encoded:
    """Rows as the tiny model reads them."""
    per, items = bench.task.per, bench.task.items(rows)
    return bench.backbone.prepare(items, where=per != "row", long=_long(bench), frame=FRAME if per == "place" else None)


def _long(bench: Bench) -> str:
    """What is read of long rows."""
    if _writes(bench):
        return PAUSES
    return WINDOWS if bench.task.per == "token" else "cut"


def _writes(bench: Bench) -> bool:
    """Whether the model writes one token after the other."""
    return writing_of(bench.task, _learned(bench)) is not None


def _batch(bench: Bench, rows: Rows) -> tuple[Inputs, torch.Tensor]:
    """Those rows as a batch, with their targets; none is longer than the model reads."""
    inputs = _encoded(bench, rows).take(range(len(rows)))
    return inputs, bench.task.collate(rows, _learned(bench), inputs.where)


def _output(bench: Bench, targets: torch.Tensor) -> torch.Tensor:
    """The output of a network that is sure and right."""
    return samples.truth_of(bench.task).perfect(targets, len(bench.task.names(_learned(bench))))


def _perfect(bench: Bench) -> list[Any]:
    """The answers of a network that is sure and right."""
    learned, items = _learned(bench), bench.task.items(bench.rows)
    if bench.task.per == "row":
        return list(bench.task.decode(_output(bench, bench.task.collate(bench.rows, learned)), learned, items))
    inputs, targets = _batch(bench, bench.rows)
    return _decoded(bench, _together(bench, _output(bench, targets), inputs), bench.rows)


def _together(bench: Bench, output: torch.Tensor, inputs: Inputs) -> Answers:
    """The output of all rows at once as that of each item; no item is in several windows or tiles."""
    if inputs.where is None:
        return Answers(output)
    if bench.task.per == "place":
        return Answers([row[None] for row in output], [where[None] for where in inputs.where])
    parts = [(row[: len(where)], where) for row, where in zip(output, inputs.where, strict=True)]
    return answering.merged(parts, _encoded(bench, bench.rows))


def _whole(bench: Bench) -> Network:
    names = bench.task.names(_learned(bench))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if bench.task.per == "place":
            return _on_maps(bench, len(names)).eval()
        own_class = class_of(bench.task, bench.backbone)
        assert own_class is not None, "a task that answers for no places has one"
        return whole_of(bench.task, _learned(bench), bench.backbone.task_module(own_class, names)).eval()


def _on_maps(bench: Bench, num_classes: int) -> Headed:
    """A copy of the tiny model under the task's own layers."""
    reading, widths, strides = placed.maps_of(bench.backbone, _encoded(bench, bench.rows))
    made = form.of_maps(FitSettings(head_width=16), widths, strides)
    module = copy.deepcopy(bench.backbone.module)
    return Headed(bench.backbone, reading, bench.task.layers(made, num_classes), made, module=module)


def _parts(network: Network) -> list[dict[str, Any]]:
    """Everything learns, and at one rate."""
    on_top = groups.alike(network.head, lr=LR, weight_decay=0.0) if isinstance(network, Headed) else []
    return groups.layered(network.module, lr=LR, layer_decay=1.0, weight_decay=0.0) + on_top


def _answers(bench: Bench, whole: Network, rows: Rows) -> list[Any]:
    """Decoded predictions of the rows given together."""
    return _decoded(bench, answering.of(whole, _encoded(bench, rows), bench.task.per), rows)


def _decoded(bench: Bench, found: Answers, rows: Rows) -> list[Any]:
    return list(bench.task.decode(found.output, _learned(bench), bench.task.items(rows), found.where))


def _random(bench: Bench) -> tuple[torch.Tensor, torch.Tensor]:
    """Some output of a network for the rows, and their targets."""
    _, targets = _batch(bench, bench.rows)
    # what is learnt by are the chances of each token, which a model that writes keeps to itself when it answers
    is_written = _writes(bench)
    num_names = len(bench.task.names(_learned(bench)))
    shape = (*targets.shape, num_names) if is_written else _output(bench, targets).shape
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)), targets


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
    if bench.task.per == "place":
        wanted |= {"auto_classes", "layers"}
    missing = {name for name in wanted if not name.startswith("_") and not hasattr(bench.task, name)}
    assert not missing


def fields_are_documented(bench: Bench) -> None:
    assert bench.task.fields
    assert all(field.help.strip() for field in bench.task.fields)


def learns_from_the_rows_it_is_given_alone(bench: Bench) -> None:
    first = bench.rows.take([0, 3, 6])
    assert bench.task.learn(first) != _learned(bench)
    assert set(bench.task.names(bench.task.learn(first))) <= set(bench.task.names(_learned(bench)))


def what_is_learnt_does_not_depend_on_the_order_of_rows(bench: Bench) -> None:
    assert bench.task.learn(bench.rows.take(range(ROWS)[::-1])) == _learned(bench)


def what_is_learnt_survives_json(bench: Bench) -> None:
    text = json.dumps(bench.task.to_json(_learned(bench)))
    assert bench.task.from_json(json.loads(text)) == _learned(bench)


def a_perfect_output_scores_one(bench: Bench) -> None:
    metrics = bench.task.metrics(_perfect(bench), bench.rows, _learned(bench))["metrics"]
    assert metrics[bench.task.primary]["value"] == 1.0


def decoded_answers_are_the_rows_own_labels(bench: Bench) -> None:
    told = samples.truth_of(bench.task).told
    assert [told(answer) for answer in _perfect(bench)] == bench.rows.column("label")


def columns_say_of_each_row_whether_it_is_right(bench: Bench) -> None:
    found = bench.task.columns(_perfect(bench), bench.rows, _learned(bench))
    assert {"prediction", "confidence", "correct"} <= set(found)
    assert all(len(values) == ROWS for values in found.values())
    assert found["prediction"] == bench.rows.column("label")
    assert found["correct"] == [True] * ROWS


def the_figure_of_all_counts_is_the_primary_metric(bench: Bench) -> None:
    answers = _answers(bench, _whole(bench), bench.rows)
    found = bench.task.metrics(answers, bench.rows, _learned(bench))
    assert json.loads(json.dumps(found["counts"])) == found["counts"]
    figure = bench.task.figure(score.counted(found["counts"]))
    np.testing.assert_allclose(figure, found["metrics"][bench.task.primary]["value"])


def loss_is_one_finite_number_a_row(bench: Bench) -> None:
    output, targets = _random(bench)
    loss = bench.task.loss(torch.zeros_like(output), targets)
    assert loss.shape == (ROWS,)
    assert torch.isfinite(loss).all()


def loss_is_the_sum_over_as_many_targets_as_are_counted(bench: Bench) -> None:
    output, targets = _random(bench)
    truth, num_classes = samples.truth_of(bench.task), len(bench.task.names(_learned(bench)))
    counted = bench.task.counted(targets)
    assert counted.tolist() == truth.num(targets).tolist()
    assert (counted > 0).all()
    expected = counted * truth.unknowing(targets, num_classes)
    np.testing.assert_allclose(bench.task.loss(torch.zeros_like(output), targets), expected, rtol=1e-5)


def loss_weighs_each_class_and_spreads_targets(bench: Bench) -> None:
    output, targets = _random(bench)
    plain, twice = bench.task.loss(output, targets), torch.full((len(bench.task.names(_learned(bench))),), 2.0)
    torch.testing.assert_close(bench.task.loss(output, targets, weights=twice), 2 * plain)
    assert not torch.allclose(bench.task.loss(output, targets, smoothing=0.5), plain)


def loss_of_a_row_does_not_depend_on_the_others(bench: Bench) -> None:
    output, targets = _random(bench)
    alone = [float(bench.task.loss(output[i : i + 1], targets[i : i + 1])) for i in range(ROWS)]
    np.testing.assert_allclose(bench.task.loss(output, targets).tolist(), alone, rtol=1e-6)


def eight_rows_are_learnt_in_a_few_steps(bench: Bench) -> None:
    whole = _whole(bench)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        lesson = loop.Lesson(
            _encoded(bench, bench.rows).lengths,
            lambda rows, _: _of_all(bench, rows),
            bench.task.loss,
            _later_is_better(),
            bench.task.counted(_batch(bench, bench.rows)[1]).numpy(),
        )
        plan = loop.Plan(
            _parts,
            FitSettings(batch_size=ROWS, ema=0.0),
            Recipe(epochs=bench.steps, lr=LR, patience=bench.steps),
            "float32",
        )
        history = loop.train(whole, lesson, plan, silent)
    learnt = bench.task.metrics(_answers(bench, whole, bench.rows), bench.rows, _learned(bench))["metrics"]
    assert history[-1].loss < 0.7 * history[0].loss
    assert learnt[bench.task.primary]["value"] > samples.truth_of(bench.task).learnt


def _of_all(bench: Bench, rows: Sequence[int]) -> tuple[Inputs, torch.Tensor]:
    """Some of the rows, with targets by what was learnt from all."""
    some = bench.rows.take(rows)
    inputs = _encoded(bench, some).take(range(len(rows)))
    targets = bench.task.collate(some, _learned(bench), inputs.where)
    return (taught(inputs, targets) if _writes(bench) else inputs), targets


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
        inputs = _encoded(bench, bench.rows).take(range(ROWS))
        output = whole(inputs)
    together = _together(bench, output, inputs)
    _assert_alike(_decoded(bench, together, bench.rows), alone)


def baselines_answer_every_row(bench: Bench) -> None:
    learned, test = _learned(bench), bench.rows.take([0, 1, 2, 4, 5])
    baselines = bench.task.baselines(bench.rows, test, learned, seed=0)
    assert baselines
    for answers in baselines.values():
        assert 0 <= bench.task.metrics(answers, test, learned)["metrics"][bench.task.primary]["value"] <= 1


def points_lie_within_their_rows(bench: Bench) -> None:
    inputs, targets = _batch(bench, bench.rows)
    if _writes(bench):  # points are told by token whatever is written
        items = bench.task.items(bench.rows)
        inputs = bench.backbone.prepare(items, where=True, long=WINDOWS).take(range(ROWS))
    points = bench.task.points(bench.rows, _learned(bench), inputs.where)
    assert len(points.truth) == len(points.owners) > 0
    assert set(points.owners.tolist()) <= set(range(ROWS))
    if points.places is None:
        assert points.owners.tolist() == list(range(ROWS))
        np.testing.assert_array_equal(points.truth, targets)
        return
    assert inputs.where is not None, "asked for"
    assert points.places.shape in ((len(points.truth), 2), (len(points.truth), 4))
    ends = [len(inputs.where[owner]) if points.places.shape[1] == 2 else 1 for owner in points.owners]
    first, after = np.split(points.places, 2, axis=1)
    assert ((first >= 0) & (first < after) & (after <= np.array(ends)[:, None])).all()
    assert len(np.unique(points.truth)) > 1


def a_saved_model_answers_to_the_bit(bench: Bench) -> None:
    items, long = bench.task.items(bench.rows), _long(bench)
    frame = FRAME if bench.task.per == "place" else None
    model = Model(bench.name, _learned(bench), bench.backbone, _whole(bench), long=long, frame=frame)
    model.save(bench.place / "model")
    ours, theirs = model.answers(items).output, load(bench.place / "model").answers(items).output
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


Check = Callable[[Bench], None]
CHECKS: tuple[Check, ...] = (
    has_every_name_of_the_protocol,
    fields_are_documented,
    learns_from_the_rows_it_is_given_alone,
    what_is_learnt_does_not_depend_on_the_order_of_rows,
    what_is_learnt_survives_json,
    a_perfect_output_scores_one,
    decoded_answers_are_the_rows_own_labels,
    columns_say_of_each_row_whether_it_is_right,
    the_figure_of_all_counts_is_the_primary_metric,
    loss_is_one_finite_number_a_row,
    loss_is_the_sum_over_as_many_targets_as_are_counted,
    loss_of_a_row_does_not_depend_on_the_others,
    loss_weighs_each_class_and_spreads_targets,
    eight_rows_are_learnt_in_a_few_steps,
    predictions_are_json,
    predictions_do_not_change_with_the_order_of_rows,
    predictions_do_not_change_with_padding_and_company,
    baselines_answer_every_row,
    points_lie_within_their_rows,
    a_saved_model_answers_to_the_bit,
)


def check_task(name: str, task: Any, family: families.Family, place: Path) -> None:
    """Runs every check over one task; the first that fails raises AssertionError."""
    tried = bench(name, task, family, place)
    for check in CHECKS:
        check(tried)
