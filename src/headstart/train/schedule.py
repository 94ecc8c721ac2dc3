"""The learning rate over the steps of a run, as pure functions of how many are done."""

from __future__ import annotations

import math


def rate(kind: str, done: int, num_steps: int, warmup: float) -> float:
    """Factor on the peak learning rate: up in a line for the warm-up, then down to zero.

    Args:
        kind: "linear", or "cosine" for half a wave.
        done: Steps taken so far.
        num_steps: Of the whole run.
        warmup: Share of them in which the rate rises.

    Source: linear as in Devlin et al. 2019; cosine after Loshchilov and Hutter 2017, equation 5, without restarts.
    """
    rising = max(1.0, warmup * num_steps)
    left = max(0.0, (num_steps - done) / max(1.0, num_steps - rising))
    if kind == "cosine":
        left = (1 - math.cos(math.pi * min(1.0, left))) / 2
    return min((done + 1) / rising, left)
