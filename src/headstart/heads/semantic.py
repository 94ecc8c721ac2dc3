"""The layers that say of every place of a picture what it shows, on a feature pyramid; how they learn is no matter."""

# B rows, C classes, W width of the pyramid, H and W of a map

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from headstart.heads.form import Form
from headstart.heads.pyramid import Pyramid, convolution, resized

PRIOR_STD = 0.01
"""Of the weights of the last layer, so that training starts from nearly even chances."""


class Decoder(nn.Module):
    """A pyramid whose maps are added up at the finest of them, a last look around, and a score a class.

    Source: the semantic branch of Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019, section 3.1; maps
    are enlarged in one step, since they were smoothed within the pyramid.
    """

    def __init__(self, form: Form, num_classes: int) -> None:
        super().__init__()
        self.pyramid = Pyramid(form.widths, form.strides, form.inner, form.strides)
        self.around = convolution(form.inner, form.inner, 3)
        self.dropout = nn.Dropout2d(form.dropout)
        self.scores = nn.Conv2d(form.inner, num_classes, 1)
        nn.init.normal_(self.scores.weight, std=PRIOR_STD)
        nn.init.zeros_(self.scores.bias)  # type: ignore[arg-type]

    def forward(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Logits, shape (B, C, H, W), at the stride of the finest map."""
        levels = self.pyramid(maps)
        side = levels[0].shape[-1]
        together = torch.stack([resized(level, side) for level in levels]).sum(dim=0)
        logits: torch.Tensor = self.scores(self.dropout(self.around(together)))
        return logits
