"""Masks of dropout, drawn several times as fast on a processor: sixteen random bits a number instead of a real number.

Torch's generator starts each, so a seed gives the same masks again; other masks than torch's own, equally likely.
"""

# B rows, H heads, T tokens, D width of a head

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.kernels import LEARNING

LEVELS = 2**16
"""A share is rounded to one of so many, far below what anybody can tell."""

SHORT = {torch.float32: 48, torch.bfloat16: 256}
"""Up to so many tokens, products and a softmax learn faster than torch's blockwise kernel (decision log)."""


@contextlib.contextmanager
def fast(network: nn.Module) -> Iterator[None]:
    """Lets the network draw its masks so while the block lasts: its dropout layers, and attention of transformers."""
    layers = [part for part in network.modules() if type(part) is nn.Dropout]
    found = {id(part.config): part.config for part in network.modules() if hasattr(part, "config")}
    configs: list[Any] = [one for one in found.values() if getattr(one, "_attn_implementation", None) == "sdpa"]
    if configs:
        _register()
    for layer in layers:
        layer.__class__ = Dropout
    for config in configs:
        config._attn_implementation = LEARNING
    try:
        yield
    finally:
        for layer in layers:
            layer.__class__ = nn.Dropout
        for config in configs:
            config._attn_implementation = "sdpa"


class Dropout(nn.Dropout):
    """torch's layer with masks from `kept`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """The input with a share of its numbers zero and the others scaled up; as it is outside learning mode."""
        return dropped(input, self.p) if self.training else input


def dropped(states: torch.Tensor, share: float) -> torch.Tensor:
    """The states with that share of them zero, the others scaled up so that the mean stays.

    Source: Srivastava et al., JMLR 2014, in the inverted form.
    """
    if states.device.type != "cpu" or not 0 < share < 1:
        return nn.functional.dropout(states, share)
    left, factor = thinned(states, share)
    return left * factor


def thinned(states: torch.Tensor, share: float) -> tuple[torch.Tensor, float]:
    """The states with that share of them zero, and the factor by which the others are to be scaled up."""
    level = round(share * LEVELS)
    left: torch.Tensor = _Masked.apply(states, kept(states.shape, level))  # type: ignore[no-untyped-call]
    return left, LEVELS / (LEVELS - level)


class _Masked(torch.autograd.Function):
    """A product with zeros and ones that keeps only these for the way back, and not the other factor."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(mask)
        return states * mask

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        (mask,) = ctx.saved_tensors
        return gradient * mask, None


def kept(shape: torch.Size, level: int) -> torch.Tensor:
    """1 for each number that stays; 0 with probability level / LEVELS. Of int8, by which torch multiplies faster."""
    size = shape.numel()
    dice = np.random.Generator(np.random.SFC64(int(torch.randint(2**62, ()))))
    bits = torch.from_numpy(dice.integers(2**64 - 1, size=-(-size // 4), dtype=np.uint64, endpoint=True))
    return (bits.view(torch.int16)[:size].view(shape) >= level - LEVELS // 2).view(torch.int8)


def _register() -> None:
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(LEARNING, attention)
    AttentionMaskInterface.register(LEARNING, sdpa_mask)


def attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """Attention that leaves out some of its weights while learning; torch's own kernel where it leaves out none.

    On a processor that kernel's way back is slow where rows are short: there it is by products all the same.

    Args:
        module: The attention layer that asks.
        query: Shape (B, H, T, D); `key` and `value` alike.
        key: See `query`.
        value: See `query`.
        attention_mask: True where a token may be seen, or numbers to add to the scores; None where all may be seen.
        scaling: Factor on the scores, by default 1/√D.
        dropout: Share of the weights to leave out.
        **rest: Whatever else transformers passes on.

    Returns:
        Shape (B, T, H, D), and None for the weights.

    Source: Vaswani et al. 2017, equation 1.
    """
    # a layer that does not say so is causal, by transformers' convention
    is_causal = rest.get("is_causal") or getattr(module, "is_causal", True)
    is_long = dropout == 0 and (not query.requires_grad or query.shape[2] > SHORT.get(query.dtype, 0))
    if is_long or query.device.type != "cpu" or is_causal or query.shape != key.shape:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        given: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **rest
        )
        return given
    # factors go to the small side of a product, and the mask in place: each further pass over T x T numbers costs as
    # much as the product itself
    scores = (query * (query.shape[-1] ** -0.5 if scaling is None else scaling)) @ key.transpose(-1, -2)
    if attention_mask is not None and attention_mask.dtype == torch.bool:
        scores.masked_fill_(~attention_mask, torch.finfo(scores.dtype).min)
    elif attention_mask is not None:
        scores += attention_mask
    weights, factor = scores.softmax(-1).to(value.dtype), 1.0
    if dropout:
        weights, factor = thinned(weights, dropout)
    return (weights @ value * factor).transpose(1, 2).contiguous(), None
