"""One vector of many states: how a row's tokens, frames or map become one. Computes on whatever tensors it is given."""

# B rows, T tokens, D width, H and W of a map

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def of(kind: str, state: torch.Tensor, mask_BT: torch.Tensor | None) -> torch.Tensor:
    """One vector of a row's states, in fp32, shape (B, D).

    Args:
        kind: "mean", "max", or "cls" for the first of them.
        state: Shape (B, T, D) or (B, D, H, W); one vector each, shape (B, D), stays as it is.
        mask_BT: 1 where a token is real; None where all are.
    """
    if kind == "mean" or state.ndim == 2:
        return mean(state, mask_BT)
    if kind == "max":
        return largest(state, mask_BT)
    assert state.ndim == 3, "a map has no first state; a model that says it has one gives tokens"
    return state[:, 0].float()


def largest(state: torch.Tensor, mask_BT: torch.Tensor | None) -> torch.Tensor:
    """The largest value of each number over real tokens or over a map, in fp32; as `mean` otherwise."""
    if state.ndim == 4:
        return state.amax((2, 3)).float()
    kept_BTD = state if mask_BT is None else state.masked_fill(mask_BT.unsqueeze(-1) == 0, float("-inf"))
    return kept_BTD.amax(1).float()


def mean(state: torch.Tensor, mask_BT: torch.Tensor | None) -> torch.Tensor:
    """The average over real tokens or over a map, in fp32, shape (B, D).

    Args:
        state: Shape (B, T, D) or (B, D, H, W); one vector each, shape (B, D), stays as it is.
        mask_BT: 1 where a token is real; None where all are.
    """
    import torch

    if state.ndim == 2:
        return state.float()
    if state.ndim == 4:
        return state.mean(dim=(2, 3), dtype=torch.float32)
    if mask_BT is None:
        return state.mean(dim=1, dtype=torch.float32)
    kept_BTD = state * mask_BT.unsqueeze(-1).to(state.dtype)
    return kept_BTD.sum(dim=1, dtype=torch.float32) / mask_BT.sum(dim=1, keepdim=True)
