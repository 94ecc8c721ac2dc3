"""Layers that say of each place of several maps what thing it is part of and how far that thing reaches.

How places learn which thing is theirs, and how boxes that say the same become one, is the task's own business.
"""

# B rows, W width of the pyramid, A places of all maps, C classes, H and W of a map

from __future__ import annotations

import math

import torch
from torch import nn

from headstart.heads.form import Form
from headstart.heads.pyramid import Pyramid, convolution

LEVELS = (8, 16, 32)
"""Pixels between two places of the maps that are looked at."""
KNOWN = 7
"""Numbers of a place before its logits: the edges of its box, its middle, and the pixels between two places, all as
shares of the input's side."""
RARE = 0.01
"""Which share of places is taken for a thing at first, so that the many that show nothing do not drown the others."""
REACH = 2.0
"""Places from the middle of a thing to its edges at first."""


class Cells(nn.Module):
    """For every place a box and a logit for each class.

    Args:
        form: What maps there are, and how wide the layers are.
        num_classes: C.

    Source: Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", ICCV 2019, equations 1 and 2: distances
    to the four edges, in exponents, with a factor for each map; group norms as there. Without its centre-ness.
    """

    def __init__(self, form: Form, num_classes: int) -> None:
        super().__init__()
        width = form.inner
        self.pyramid = Pyramid(form.widths, form.strides, width, LEVELS)
        self.things = nn.Sequential(convolution(width, width, 3), convolution(width, width, 3))
        self.reaches = nn.Sequential(convolution(width, width, 3), convolution(width, width, 3))
        self.classes = nn.Conv2d(width, num_classes, 3, padding=1)
        self.distances = nn.Conv2d(width, 4, 3, padding=1)
        self.factors = nn.Parameter(torch.ones(len(LEVELS)))
        for layer in (self.classes, self.distances):
            nn.init.normal_(layer.weight, std=0.01)
        assert self.classes.bias is not None, "made with one"
        nn.init.constant_(self.classes.bias, -math.log((1 - RARE) / RARE))
        nn.init.zeros_(self.distances.bias)  # type: ignore[arg-type]

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Shape (B, A, `KNOWN` + C), fp32."""
        found = []
        for number, map_BWHW in enumerate(self.pyramid(maps)):
            logits = self.classes(self.things(map_BWHW)).flatten(2).transpose(1, 2).float()
            raw = self.distances(self.reaches(map_BWHW)).flatten(2).transpose(1, 2).float()
            side = map_BWHW.shape[-1]
            middle_A2 = middles(side).to(raw)
            # exponents beyond these are far outside of any picture
            reach_BA4 = REACH / side * (raw * self.factors[number]).clamp(-6, 6).exp()
            edges = torch.cat([middle_A2 - reach_BA4[..., :2], middle_A2 + reach_BA4[..., 2:]], dim=-1)
            place_A3 = torch.cat([middle_A2, middle_A2.new_full((len(middle_A2), 1), 1 / side)], dim=1)
            found.append(torch.cat([edges, place_A3.expand(len(raw), -1, -1), logits], dim=-1))
        return torch.cat(found, dim=1)


def middles(side: int) -> torch.Tensor:
    """The middles of the places of a map with so many on a side, row by row, as shares of it, shape (side², 2)."""
    along = (torch.arange(side) + 0.5) / side
    down, across = torch.meshgrid(along, along, indexing="ij")
    return torch.stack([across.flatten(), down.flatten()], dim=1)
