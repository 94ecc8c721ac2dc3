"""Hidden states averaged to one vector each: over real tokens, or over a map."""

# B rows, T tokens, D width

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.contracts import States

if TYPE_CHECKING:
    import torch


def averages(states: States) -> list[torch.Tensor]:
    """The mean of each hidden state, fp32, shape (B, D) each."""
    return [_average(state, states.mask_BT) for state in states.layers]


def _average(state: torch.Tensor, mask_BT: torch.Tensor | None) -> torch.Tensor:
    """The mean over real tokens (B, T, D) or over a map (B, D, H, W); what is a vector already stays as it is."""
    import torch

    if state.ndim == 2:
        return state.float()
    if state.ndim == 4:
        return state.mean(dim=(2, 3), dtype=torch.float32)
    if mask_BT is None:
        return state.mean(dim=1, dtype=torch.float32)
    kept_BTD = state * mask_BT.unsqueeze(-1).to(state.dtype)
    return kept_BTD.sum(dim=1, dtype=torch.float32) / mask_BT.sum(dim=1, keepdim=True)
