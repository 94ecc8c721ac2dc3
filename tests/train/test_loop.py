"""The loop's parts against their formulas, and its promises: the best epoch is kept, breakdowns end in words."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from headstart import batches
from headstart.contracts import Inputs
from headstart.errors import HeadstartError
from headstart.progress import Advance, Event, Note, silent
from headstart.settings import FitSettings, Recipe
from headstart.train import loop


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


def lesson(points: Points) -> loop.Lesson:
    values = points.values
    classes = (values[:, 0] > values[:, 1]).long()
    loss = nn.CrossEntropyLoss(reduction="none")
    return loop.Lesson(points, lambda rows: classes[torch.as_tensor(np.asarray(rows))], loss)


def trained(
    validate: Callable[[nn.Module], Mapping[str, float]],
    *,
    epochs: int = 3,
    patience: int = 9,
    lr: float = 0.05,
    ema: float = 0.0,
    seed: int = 0,
    listener: Callable[[Event], None] = silent,
) -> tuple[Net, list[loop.Epoch]]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = Net()
        history = loop.train(
            net,
            lesson(Points()),
            groups=[{"params": list(net.parameters()), "lr": lr, "weight_decay": 0.0}],
            validate=validate,
            settings=FitSettings(batch_size=8, ema=ema, seed=seed),
            recipe=Recipe(epochs=epochs, lr=lr, patience=patience),
            dtype="float32",
            listener=listener,
        )
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
    assert loop._rate(done, 10, 0.2) == pytest.approx(expected)


def test_without_warm_up_the_rate_begins_at_its_peak() -> None:
    assert [loop._rate(done, 4, 0.0) for done in range(4)] == pytest.approx([1.0, 1.0, 2 / 3, 1 / 3])


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_the_average_follows_its_formula(keep: float) -> None:
    net = Net()
    average, expected = loop.Average(net, keep), net.layers[0].weight.detach().double().clone()
    for step in range(1, 30):
        with torch.no_grad():
            net.layers[0].weight.copy_(torch.full((8, 2), float(step)))
        average.update()
        share = min(keep, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * step

    torch.testing.assert_close(average.network.layers[0].weight.double(), expected, rtol=1e-5, atol=0)


def test_counters_of_the_average_are_copied_not_averaged() -> None:
    net = Net()
    average = loop.Average(net, 0.9)
    net.layers[1].num_batches_tracked += 7
    average.update()
    assert average.network.layers[1].num_batches_tracked == 7


def test_keeping_nothing_makes_the_average_the_network_itself() -> None:
    net = Net()
    assert loop.Average(net, 0.0).network is net


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
    with pytest.raises(HeadstartError, match=r"infinite in epoch 1\. Lower --lr"):
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


def test_the_number_of_batches_is_the_number_the_shuffle_gives() -> None:
    for num_rows in (1, 7, 8, 399, 400, 401, 803):
        points = Points(num_rows)
        order = batches.shuffled(points.lengths, batch_size=8, generator=np.random.default_rng(0))
        assert loop._num_batches(lesson(points), 8) == len(order)
