"""A step of a learner: how far a single gradient can throw the weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from headstart.settings import FitSettings
from headstart.train import learner


def moved(network: nn.Module, factor: float) -> list[torch.Tensor]:
    """The gradients as a step takes them, those before being the parameters times a factor."""
    at_work = learner.Learner(network, [{"params": list(network.parameters()), "lr": 0.0}], FitSettings(), piece=1)
    at_work.optimizer.zero_grad = lambda: None  # type: ignore[method-assign]
    for parameter in network.parameters():
        parameter.grad = parameter.detach() * factor
    at_work.move(1.0, 1.0, num_steps=10)
    return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_a_gradient_is_shortened_to_the_limit_and_not_stretched(factor: float) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3).to(memory_format=torch.channels_last), nn.Linear(8, 50))
    before = torch.cat([parameter.detach().flatten() for parameter in network.parameters()]) * factor
    after = torch.cat([grad.flatten() for grad in moved(network, factor)])
    length = torch.linalg.vector_norm(before)
    assert (length > learner.CLIP) == (factor > 1)
    torch.testing.assert_close(after, before * min(1.0, float(learner.CLIP / length)))
