"""A feature pyramid: from a backbone's maps to maps of one width in which the fine ones know what the coarse ones see.

What stands on the pyramid is a task's own business.
"""

# B rows, D width of a map, W width of the pyramid, H and W of a map

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

GROUPS = 8
"""Most groups of a norm's channels; unlike statistics over a batch, those over groups need no large batches."""


class Pyramid(nn.Module):
    """Each map brought to one width, what the coarser ones see added from the top down, and each smoothed.

    Args:
        widths: Of the maps, the finest first.
        strides: Of the maps: pixels of the input between two places.
        width: Of every map that comes out.
        levels: Strides of the maps that come out, rising; one that no map has is made from the nearest.

    Source: Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017, section 3; with a norm behind each
    convolution, and bilinear enlargement.
    """

    def __init__(self, widths: Sequence[int], strides: Sequence[int], width: int, levels: Sequence[int]) -> None:
        super().__init__()
        self.strides, self.levels = tuple(strides), tuple(levels)
        self.lateral = nn.ModuleList(convolution(of, width, 1) for of in widths)
        self.smooth = nn.ModuleList(convolution(width, width, 3) for _ in levels)

    def forward(self, maps: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """One map a level, shape (B, W, S / level, S / level) each, for inputs of S pixels on a side."""
        sides = [round(maps[0].shape[-1] * self.strides[0] / level) for level in self.levels]
        given = dict(
            zip(self.strides, (part(each) for part, each in zip(self.lateral, maps, strict=True)), strict=True)
        )
        above: torch.Tensor | None = None
        found: list[torch.Tensor] = []
        for level, side in reversed(list(zip(self.levels, sides, strict=True))):
            own = given.get(level)
            if own is None and above is None:
                own = given[min(self.strides, key=lambda stride: abs(stride - level))]
            parts = [resized(part, side) for part in (own, above) if part is not None]
            above = parts[0] if len(parts) == 1 else parts[0] + parts[1]
            found.insert(0, above)
        return [part(each) for part, each in zip(self.smooth, found, strict=True)]


def convolution(width: int, out: int, size: int) -> nn.Sequential:
    """A convolution that keeps the size of a map, a norm over groups of channels, and a rectifier."""
    layer = nn.Conv2d(width, out, size, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(layer, nn.GroupNorm(groups(out), out), nn.ReLU())


def groups(width: int) -> int:
    """The largest number of groups up to `GROUPS` that so many channels can be parted into, with two or more in each.

    Of a map of one place a group of one channel would be a single number, which has no spread to be divided by.
    """
    return max(number for number in range(1, GROUPS + 1) if number == 1 or (width % number == 0 and width > number))


def resized(map_BDHW: torch.Tensor, side: int) -> torch.Tensor:
    """The map at so many places on a side, in between by straight lines."""
    if map_BDHW.shape[-1] == side:
        return map_BDHW
    return functional.interpolate(map_BDHW, size=(side, side), mode="bilinear", align_corners=False)
