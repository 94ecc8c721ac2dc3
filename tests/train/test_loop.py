"""The loop's parts against their formulas, and its promises: the best epoch is kept, breakdowns end in words."""

from __future__ import annotations

import copy
import dataclasses
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from headstart import batches
from headstart.contracts import Inputs
from headstart.errors import HeadstartError, Stopped
from headstart.progress import Advance, Event, Measured, Note, silent
from headstart.settings import FitSettings, Recipe
from headstart.train import average as averages
from headstart.train import gradient, loop, schedule
from headstart.train.checkpoint import Checkpoints
from headstart.train.gradient import Lesson
from headstart.train.learner import Epoch


@dataclass(frozen=True)
class Points:
    """Rows of two numbers, whose class is whether the first is larger."""

    num: int = 32

    truncated: int = 0

    @property
    def values(self) -> torch.Tensor:
        return torch.randn(self.num, 2, generator=torch.Generator().manual_seed(0))

    @property
    def lengths(self) -> Any:
        return np.ones(self.num, dtype=np.int64)

    def take(self, indices: Any) -> Inputs:
        return Inputs({"points": self.values[torch.as_tensor(np.asarray(indices))]})


class Net(nn.Module):
    """The least network the loop can train; counts on dropout, so that order and mode matter."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 2))

    def forward(self, inputs: Inputs) -> torch.Tensor:
        logits: torch.Tensor = self.layers(inputs.tensors["points"])
        return logits


def lesson(
    points: Points, validate: Callable[[nn.Module], Mapping[str, float]] = lambda _: {"accuracy": 0.0}
) -> Lesson:
    values = points.values
    classes = (values[:, 0] > values[:, 1]).long()
    loss = nn.CrossEntropyLoss(reduction="none")
    return Lesson(points.lengths, lambda rows, _: (points.take(rows), classes[torch.as_tensor(rows)]), loss, validate)


def trained(
    validate: Callable[[nn.Module], Mapping[str, float]],
    *,
    epochs: int = 3,
    patience: int = 9,
    lr: float = 0.05,
    listener: Callable[[Event], None] = silent,
    checkpoints: Checkpoints | None = None,
    num_steps: int | None = None,
    until: int | None = None,
    by_heart: float = 0.0,
    **settings: Any,
) -> tuple[Net, list[Epoch]]:
    chosen = FitSettings(**{"batch_size": 8, "ema": 0.0, **settings})
    with torch.random.fork_rng():
        torch.manual_seed(chosen.seed)
        net = Net()

        def groups(network: nn.Module) -> list[dict[str, Any]]:
            return [{"params": list(network.parameters()), "lr": lr, "weight_decay": 0.0}]

        recipe = Recipe(epochs=epochs, lr=lr, patience=patience)
        until_when = {"num_steps": num_steps, "until": until, "by_heart": by_heart}
        plan = loop.Plan(groups, chosen, recipe, "float32", checkpoints=checkpoints, **until_when)
        history = loop.train(net, lesson(Points(), validate), plan, listener)
    return net, history


def told(*values: float) -> Callable[[nn.Module], dict[str, float]]:
    """A validation that gives these values, one an epoch."""
    left = iter(values)
    return lambda _: {"accuracy": next(left)}


@pytest.mark.parametrize(
    ("done", "expected"),
    [(0, 0.5), (1, 1.0), (2, 1.0), (3, 7 / 8), (9, 1 / 8), (10, 0.0)],
    ids=lambda value: str(value),
)
def test_the_rate_rises_for_the_warm_up_and_falls_to_zero(done: int, expected: float) -> None:
    # ten steps, two of them warm-up
    assert schedule.rate("linear", done, 10, 0.2) == pytest.approx(expected)


def test_without_warm_up_the_rate_begins_at_its_peak() -> None:
    assert [schedule.rate("linear", done, 4, 0.0) for done in range(4)] == pytest.approx([1.0, 1.0, 2 / 3, 1 / 3])


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_the_average_follows_its_formula(keep: float) -> None:
    net = Net()
    average, expected = averages.Average(net, keep), net.layers[0].weight.detach().double().clone()
    for step in range(1, 30):
        with torch.no_grad():
            net.layers[0].weight.copy_(torch.full((8, 2), float(step)))
        average.update(step)
        share = min(keep, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * step

    torch.testing.assert_close(average.network.layers[0].weight.double(), expected, rtol=1e-5, atol=0)


def test_counters_of_the_average_are_copied_not_averaged() -> None:
    net = Net()
    average = averages.Average(net, 0.9)
    net.layers[1].num_batches_tracked += 7
    average.update(1)
    assert average.network.layers[1].num_batches_tracked == 7


def test_keeping_nothing_makes_the_average_the_network_itself() -> None:
    net = Net()
    assert averages.Average(net, 0.0).network is net


def test_the_weights_of_the_best_epoch_are_kept() -> None:
    seen: list[dict[str, torch.Tensor]] = []
    values = iter([0.5, 0.9, 0.7])

    def validate(net: nn.Module) -> dict[str, float]:
        seen.append(copy.deepcopy(net.state_dict()))
        return {"accuracy": next(values)}

    net, _ = trained(validate)

    assert all(torch.equal(tensor, seen[1][name]) for name, tensor in net.state_dict().items())


def test_of_two_epochs_alike_the_earlier_counts() -> None:
    _, history = trained(told(0.5, 0.9, 0.9, 0.9), epochs=4, patience=2)
    assert len(history) == 4


@pytest.mark.parametrize(("soup", "taken"), [(1, [3]), (2, [2, 3])])
def test_where_nothing_is_measured_the_last_epochs_count_and_patience_does_not(soup: int, taken: list[int]) -> None:
    seen: list[torch.Tensor] = []

    def validate(net: nn.Module) -> dict[str, float]:
        seen.append(copy.deepcopy(net.state_dict()["layers.0.weight"]))
        return {}

    events: list[Event] = []
    net, history = trained(validate, epochs=4, patience=1, soup=soup, listener=events.append)

    assert len(history) == 4
    expected = torch.stack([seen[number] for number in taken]).mean(dim=0)
    torch.testing.assert_close(net.state_dict()["layers.0.weight"], expected)
    assert not any(isinstance(event, Measured) for event in events)


def test_training_stops_once_two_epochs_show_that_the_rows_are_learnt_by_heart() -> None:
    events: list[Event] = []
    _, history = trained(lambda _: {"accuracy": 0.0}, epochs=40, patience=40, by_heart=0.4, listener=events.append)
    assert 2 < len(history) < 40
    assert [epoch.loss < 0.4 for epoch in history[-3:]] == [False, True, True]
    assert any("learnt by heart" in str(event) for event in events)


def test_training_stops_when_patience_runs_out() -> None:
    events: list[Event] = []
    _, history = trained(told(0.9, 0.8, 0.7, 0.6, 0.5), epochs=5, patience=2, listener=events.append)
    assert len(history) == 3
    assert Note("Stopped after epoch 3: accuracy had not improved for 2 epochs.") in events


def test_every_step_is_told() -> None:
    events: list[Event] = []
    trained(told(1, 2, 3, 4, 5, 6, 7, 8), epochs=8, listener=events.append)
    steps = [event for event in events if isinstance(event, Advance)]
    assert [event.done for event in steps] == list(range(1, 33))
    assert {event.total for event in steps} == {32}


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_same_seed_gives_the_same_weights_to_the_bit(ema: float) -> None:
    first, second = (trained(told(1, 2, 3), ema=ema)[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_seed_gives_other_weights() -> None:
    first, second = (trained(told(1, 2, 3), seed=seed)[0] for seed in (0, 1))
    assert not torch.equal(first.layers[0].weight, second.layers[0].weight)


def test_a_loss_that_breaks_down_at_once_is_an_error_in_words() -> None:
    with pytest.raises(HeadstartError, match=r"infinite in epoch 1, step 2, among training rows .*Lower --lr"):
        trained(told(1, 2, 3), lr=float("inf"))


def test_a_loss_that_breaks_down_later_keeps_the_best_epoch() -> None:
    events: list[Event] = []

    def validate(net: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            net.get_parameter("layers.3.bias").fill_(float("nan"))
        return {"accuracy": 0.5}

    _, history = trained(validate, listener=events.append)

    assert len(history) == 1
    assert any(isinstance(event, Note) and "kept the best epoch" in event.text for event in events)


class Killed(BaseException):
    """Stands for whatever ends a process in the middle of a step."""


def killed_at(step: int) -> Callable[[Event], None]:
    """A listener that ends the run once so many steps are done."""

    def listen(event: Event) -> None:
        if isinstance(event, Advance) and event.done == step:
            raise Killed

    return listen


def judged_by_weights(net: nn.Module) -> dict[str, float]:
    """A validation that depends on the weights, so that going on from wrong ones shows."""
    return {"accuracy": float(net.get_parameter("layers.0.weight").detach().sum())}


@pytest.mark.parametrize("step", [1, 3, 4, 6, 11, 12])
@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("soup", [1, 2])
def test_a_killed_run_goes_on_to_the_same_weights_to_the_bit(step: int, ema: float, soup: int, tmp_path: Path) -> None:
    whole, history = trained(judged_by_weights, ema=ema, soup=soup)
    kept = {"checkpoints": Checkpoints(tmp_path), "checkpoint_steps": 2, "ema": ema, "soup": soup}
    with pytest.raises(Killed):
        trained(judged_by_weights, listener=killed_at(step), **kept)
    net, again = trained(judged_by_weights, **kept)
    assert again == history
    assert all(torch.equal(tensor, whole.state_dict()[name]) for name, tensor in net.state_dict().items())


def test_a_run_killed_while_it_validates_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole, history = trained(judged_by_weights)

    def dies(net: nn.Module) -> dict[str, float]:
        raise Killed

    kept = {"checkpoints": Checkpoints(tmp_path), "checkpoint_steps": 4}
    with pytest.raises(Killed):
        trained(dies, **kept)
    net, again = trained(judged_by_weights, **kept)
    assert again == history
    assert all(torch.equal(tensor, whole.state_dict()[name]) for name, tensor in net.state_dict().items())


def test_a_pause_after_an_epoch_changes_nothing(tmp_path: Path) -> None:
    whole, history = trained(judged_by_weights)
    for until in (1, 2):
        _, paused = trained(judged_by_weights, checkpoints=Checkpoints(tmp_path), until=until)
        assert paused == history[:until]
    net, again = trained(judged_by_weights, checkpoints=Checkpoints(tmp_path))
    assert again == history
    assert all(torch.equal(tensor, whole.state_dict()[name]) for name, tensor in net.state_dict().items())


def test_at_most_one_interval_between_checkpoints_is_lost(tmp_path: Path) -> None:
    kept = {"checkpoints": Checkpoints(tmp_path), "checkpoint_steps": 2}
    with pytest.raises(Killed):
        trained(judged_by_weights, listener=killed_at(7), **kept)
    steps: list[Event] = []
    trained(judged_by_weights, listener=steps.append, **kept)
    assert next(event.done for event in steps if isinstance(event, Advance)) == 7


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    first, _ = trained(judged_by_weights, checkpoints=Checkpoints(tmp_path))
    events: list[Event] = []
    again, _ = trained(judged_by_weights, checkpoints=Checkpoints(tmp_path), listener=events.append)
    assert not any(isinstance(event, Advance) for event in events)
    assert all(torch.equal(tensor, first.state_dict()[name]) for name, tensor in again.state_dict().items())


def test_only_the_last_checkpoint_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        trained(told(0.5, 0.9, 0.1), listener=killed_at(11), checkpoints=Checkpoints(tmp_path), checkpoint_steps=1)
    assert {path.name for path in tmp_path.iterdir()} == {
        "checkpoint.json",
        "epoch-2.safetensors",
        "step-10.safetensors",
    }


def test_a_request_to_stop_saves_first(tmp_path: Path) -> None:
    def press(event: Event) -> None:
        if isinstance(event, Advance) and event.done == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped, match="at step 6 of 12"):
        trained(judged_by_weights, listener=press, checkpoints=Checkpoints(tmp_path))
    net, _ = trained(judged_by_weights, checkpoints=Checkpoints(tmp_path))
    whole, _ = trained(judged_by_weights)
    assert all(torch.equal(tensor, whole.state_dict()[name]) for name, tensor in net.state_dict().items())


def test_pieces_of_a_batch_add_up_to_its_gradient() -> None:
    net = Net().eval()
    found = []
    for piece in (8, 3, 1):
        net.zero_grad()
        loss = gradient.add(net, lesson(Points()), np.arange(8), 1, dtype="float32", piece=piece)
        found.append((loss, net.layers[0].weight.grad.clone()))
    for loss, grad in found[1:]:
        assert loss == pytest.approx(found[0][0], rel=1e-6)
        torch.testing.assert_close(grad, found[0][1], rtol=1e-5, atol=1e-7)


class Noting(Net):
    """Keeps how many rows went through at once."""

    def __init__(self) -> None:
        super().__init__()
        self.passes: list[int] = []

    def forward(self, inputs: Inputs) -> torch.Tensor:
        self.passes.append(len(inputs))
        return super().forward(inputs)


@pytest.mark.parametrize(
    ("place", "tokens", "takes_statistics", "passes"),
    [
        ("cpu", 64, False, [12]),
        ("cpu", 300, False, [6, 6]),
        ("cpu", 500, False, [4, 4, 4]),
        ("cpu", 600, False, [3, 3, 3, 3]),
        ("cpu", 5000, False, [1] * 12),
        ("cpu", 5000, True, [6, 6]),
        ("cuda", 5000, False, [12]),
    ],
)
def test_a_processor_learns_from_as_many_rows_at_once_as_it_is_fast_with(
    place: str, tokens: int, takes_statistics: bool, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradient, "device", lambda: place)
    net, whole = Noting(), lesson(Points())
    net.layers[1].train(takes_statistics)
    # the longest of a batch says how many
    lengths = np.array([tokens] + [3] * (len(whole.lengths) - 1))
    gradient.add(net, dataclasses.replace(whole, lengths=lengths), np.arange(12), 1, dtype="float32", piece=12)
    assert net.passes == passes


class Cramped(Net):
    """Has room for so many rows and no more."""

    def forward(self, inputs: Inputs) -> torch.Tensor:
        if self.training and len(inputs) > 3:
            raise MemoryError
        return super().forward(inputs)


def test_when_memory_runs_out_smaller_pieces_go_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "Net", Cramped)
    events: list[Event] = []
    _, history = trained(told(1, 2, 3), listener=events.append)
    assert len(history) == 3
    said = [event.text for event in events if isinstance(event, Note)]
    assert said == [
        f"Memory ran out at step 1: batches of 8 rows now go through {piece} at a time; the batch size stays."
        for piece in (4, 2)
    ]


def test_memory_too_small_for_one_row_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(Net):
        def forward(self, inputs: Inputs) -> torch.Tensor:
            raise MemoryError

    monkeypatch.setitem(globals(), "Net", Full)
    with pytest.raises(MemoryError):
        trained(told(1, 2, 3))


def test_fewer_steps_than_epochs_make_end_the_run_with_a_validation() -> None:
    events: list[Event] = []
    _, history = trained(told(0.5, 0.6), num_steps=6, listener=events.append)
    assert [epoch.epoch for epoch in history] == [1, 2]
    assert max(event.done for event in events if isinstance(event, Advance)) == 6


def test_the_number_of_batches_is_the_number_the_shuffle_gives() -> None:
    for num_rows in (1, 7, 8, 399, 400, 401, 803):
        lengths = np.ones(num_rows, dtype=np.int64)
        order = batches.shuffled(lengths, batch_size=8, generator=np.random.default_rng(0))
        assert batches.num_shuffled(num_rows, batch_size=8) == len(order)


@pytest.mark.parametrize(("done", "expected"), [(1, 1.0), (6, 0.5), (8, (1 - np.cos(0.3 * np.pi)) / 2), (11, 0.0)])
def test_a_wave_falls_slowly_at_both_ends(done: int, expected: float) -> None:
    # eleven steps, of which one is the warm-up
    assert schedule.rate("cosine", done, 11, 0.0) == pytest.approx(expected)
