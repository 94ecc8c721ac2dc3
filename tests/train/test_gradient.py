"""How the channels of pictures lie in memory while a network learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from headstart.contracts import Inputs
from headstart.train import gradient
from headstart.train.gradient import Lesson

PICTURES = torch.randn(4, 12, 14, 14, generator=torch.Generator().manual_seed(0))


class Looking(nn.Module):
    """A convolution and the mean of what it gives, which sees how its pictures lie."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.lay_together = layer, set[bool]()

    def forward(self, inputs: Inputs) -> torch.Tensor:
        pictures = inputs.tensors["pixel_values"]
        self.lay_together.add(pictures.is_contiguous(memory_format=torch.channels_last))
        return torch.as_tensor(self.layer(pictures).mean((2, 3)))


def frozen(layer: nn.Module) -> nn.Module:
    return layer.requires_grad_(False)


LAYERS = {
    "three pixels wide": (nn.Conv2d(12, 8, 3, stride=2), True),
    "every pixel": (nn.Conv2d(12, 8, 1), True),
    "channels enough": (nn.Sequential(nn.Conv2d(12, 16, 1), nn.Conv2d(16, 8, 1, stride=2)), True),
    "not learnt": (nn.Sequential(nn.Conv2d(12, 12, 1), frozen(nn.Conv2d(12, 8, 1, stride=2))), True),
    "every other pixel, few channels": (nn.Conv2d(12, 8, 1, stride=2), False),
    "every other column, few channels": (nn.Conv2d(12, 8, 1, stride=(1, 2)), False),
}


@pytest.mark.parametrize(("layer", "expected"), LAYERS.values(), ids=LAYERS.keys())
def test_channels_lie_together_but_where_that_is_learnt_wrongly(layer: nn.Module, expected: bool) -> None:
    network = Looking(layer)
    lesson = Lesson(
        np.ones(4, np.int64),
        lambda rows, _: (Inputs({"pixel_values": PICTURES[rows]}), torch.zeros(len(rows))),
        lambda output, _: output.square().sum(1),
        lambda _: {},
    )

    gradient.add(network, lesson, np.arange(4), 1, dtype="float32", piece=4)

    assert network.lay_together == {expected}
