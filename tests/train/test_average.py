"""The soup of the best weights: only what does not harm is stirred in."""

from __future__ import annotations

import torch
from torch import nn

from headstart.train import average


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((1, 1), value), "bias": torch.zeros(1)}


def stirred(*values: float, best_at: float) -> tuple[list[int], float]:
    """Which weights are in the soup, and its weight, where a network is the better the nearer its weight is to that."""
    net = nn.Linear(1, 1)
    chosen = average.soup(net, [weights(value) for value in values], lambda net: -abs(net.weight.item() - best_at))
    return chosen, net.weight.item()


def test_weights_whose_mean_is_better_are_averaged() -> None:
    assert stirred(1.0, 3.0, best_at=2.0) == ([0, 1], 2.0)


def test_weights_that_harm_are_left_out() -> None:
    chosen, weight = stirred(1.0, 9.0, 2.0, best_at=1.4)
    assert chosen == [0, 2]
    assert weight == 1.5


def test_one_alone_is_taken_as_it_is() -> None:
    assert stirred(1.0, 9.0, best_at=0.0) == ([0], 1.0)


def test_what_moves_are_the_parameters_that_learn_and_the_statistics() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    net[0].weight.requires_grad_(False)
    names = set(average.moving(net))
    assert "0.weight" not in names
    assert names >= {"0.bias", "1.weight", "1.running_mean", "1.num_batches_tracked"}
