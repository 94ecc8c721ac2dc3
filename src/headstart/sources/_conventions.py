"""Shares that some families of transformers took over from TensorFlow, where they mean the opposite, put right.

TensorFlow says which share of a running statistic is kept, and which share of the numbers a dropout lets through; torch
says which share is new, and which is dropped. MobileNet V1 came over with a dropout of 0.999 before its classifier, and
so learns nothing at all, V2 with one of 0.8; the statistics of both, and of EfficientNet, are those of the last batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart import stack

if TYPE_CHECKING:
    from torch import nn

USUAL = 0.1
"""Of a running statistic, the share that torch takes from each batch where nobody says otherwise."""
MOST_NEW = 0.5
"""No running statistic is meant to be more than that of the last batch."""
MOST_DROPPED = 0.7
"""No dropout is meant to drop more."""


def righted(module: nn.Module) -> nn.Module:
    """The same module, learning as it was meant to; what it answers is not touched."""
    from torch import nn

    for norm in stack.batch_norms(module):
        if norm.momentum is not None and norm.momentum > MOST_NEW:
            norm.momentum = USUAL
    for part in module.modules():
        if isinstance(part, nn.Dropout) and MOST_DROPPED < part.p < 1:
            part.p = 1 - part.p
    return module
