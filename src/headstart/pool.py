"""One vector of many states: how a row's tokens, frames or map become one. Computes on whatever tensors it is given."""

# B rows, T tokens, D width, H and W of a map

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def mean(state: torch.Tensor, mask_BT: torch.Tensor | None) -> torch.Tensor:
    """The average over real tokens or over a map, in fp32, shape (B, D).

    Args:
        state: Shape (B, T, D) or (B, D, H, W).
        mask_BT: 1 where a token is real; None where all are.
    """
    import torch

    if state.ndim == 4:
        return state.mean(dim=(2, 3), dtype=torch.float32)
    if mask_BT is None:
        return state.mean(dim=1, dtype=torch.float32)
    kept_BTD = state * mask_BT.unsqueeze(-1).to(state.dtype)
    return kept_BTD.sum(dim=1, dtype=torch.float32) / mask_BT.sum(dim=1, keepdim=True)
