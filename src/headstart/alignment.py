"""When each written token is heard: the decoder looks at the frames of what it is writing, and time only goes on.

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, and `timing.py` of its code;
here all heads of the upper half of the decoder count, where that has a list of heads for each checkpoint.
"""

# B rows, H heads, N tokens, T frames, D width

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from headstart import stand_ins

FILTER = 7
"""Frames of which the middle value is taken, as in the code named above."""
STEP = 1e-3
"""Differences of costs smaller than this are rounding, and decide nothing."""
ATTENTION = "encoder_attn"
"""How the layers of a decoder call the part that looks at what the encoder gives."""


class Looking(stand_ins.Around):
    """Runs an attention from tokens to frames, and keeps where each token looked."""

    def __init__(self, part: nn.Module, seen: list[torch.Tensor]) -> None:
        super().__init__(part)
        self.seen = seen

    def forward(self, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """What the part gives; keeps the products of queries and keys, shape (B, H, N, T), before any mask."""
        part: Any = self.part
        memory = kwargs.get("key_value_states", args[0] if args else None)
        assert memory is not None, "an attention to the encoder is given what that gave"
        queries, keys = (_by_head(one, part.head_dim) for one in (part.q_proj(hidden_states), part.k_proj(memory)))
        keys = keys.repeat_interleave(queries.shape[1] // keys.shape[1], dim=1)
        self.seen.append((queries @ keys.transpose(2, 3)).float() * part.head_dim**-0.5)
        return part(hidden_states, *args, **kwargs)


def _by_head(states_BNW: torch.Tensor, width: int) -> torch.Tensor:
    """Shape (B, H, N, D)."""
    return states_BNW.view(*states_BNW.shape[:2], -1, width).transpose(1, 2)


def looking(module: nn.Module) -> tuple[nn.Module, list[torch.Tensor]]:
    """The same model, and a list that fills with where its decoder's upper half looks when it runs.

    The list stays empty of families whose decoder keeps its attention where we do not look.
    """
    decoder: Any = module.get_decoder()  # type: ignore[operator]
    layers = list(getattr(decoder, "layers", ()))
    found = [part for part in (getattr(layer, ATTENTION, None) for layer in layers[len(layers) // 2 :]) if part]
    seen: list[torch.Tensor] = []
    return stand_ins.exchanged(module, {part: Looking(part, seen) for part in found}), seen


def starts(scores: list[torch.Tensor], num_frames: int) -> Any:
    """The frame at which each token of a row begins, shape (N,).

    Args:
        scores: Of each layer how well tokens and frames fit, shape (H, N, T), before the softmax.
        num_frames: Of the recording, the first ones; what is behind them is padding.
    """
    heads = [head_NT[:, :num_frames] for layer in scores for head_NT in layer]
    # one head after the other: of all together the filter would need hundreds of MiB
    looked_NT = sum((_told_apart(head_NT) for head_NT in heads[1:]), _told_apart(heads[0])) / len(heads)
    return path(np.round(-looked_NT.double().cpu().numpy() / STEP) * STEP)


def _told_apart(scores_NT: torch.Tensor) -> torch.Tensor:
    """Where each token looks more than the others do, smoothed over time: what all look at alike, such as the first
    frame, tells nothing."""
    weights_NT = scores_NT.softmax(dim=-1)
    spread_1T, mean_1T = torch.std_mean(weights_NT, dim=0, keepdim=True, correction=0)
    weights_NT = (weights_NT - mean_1T) / spread_1T.clamp(min=1e-9)
    wide = FILTER // 2
    if weights_NT.shape[1] <= wide:
        return weights_NT
    padded = nn.functional.pad(weights_NT[None], (wide, wide), mode="reflect")[0]
    return padded.unfold(-1, FILTER, 1).median(dim=-1).values


def path(cost_NT: Any) -> Any:
    """The first frame of each token on the cheapest way from the first token and frame to the last ones, shape (N,).

    A step goes to the next frame, to the next token, or to both.

    Source: dynamic time warping, Sakoe and Chiba, IEEE ASSP 26 (1978).
    """
    num_tokens, num_frames = cost_NT.shape
    # one more row and column, from where nothing comes but the first step
    best = np.full((num_tokens + 1, num_frames + 1), np.inf)
    best[0, 0] = 0.0
    step = np.zeros((num_tokens, num_frames), dtype=np.int8)
    for diagonal in range(num_tokens + num_frames - 1):
        n = np.arange(max(0, diagonal - num_frames + 1), min(num_tokens, diagonal + 1))
        t = diagonal - n
        ways = np.stack([best[n, t], best[n, t + 1], best[n + 1, t]])
        step[n, t] = ways.argmin(axis=0)
        best[n + 1, t + 1] = cost_NT[n, t] + ways.min(axis=0)
    first = np.zeros(num_tokens, dtype=np.int64)
    n, t = num_tokens - 1, num_frames - 1
    while n >= 0:
        first[n] = t
        way = step[n, t]
        n, t = n - (way in (0, 1)), t - (way in (0, 2))
    return first
