"""Families that answer otherwise beside a longer row, whatever mask they are given: their rows go through one by one.

Their lowest layers average over all time, padding included, as those of wav2vec 2.0 base and Moonshine do.
"""

# B rows, S samples, T frames

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

SOUNDS, MASK = "input_values", "attention_mask"


def is_strict(module: nn.Module) -> bool:
    """Whether the family of this model is one of them."""
    config: Any = getattr(module, "config", None)
    return getattr(config, "feat_extract_norm", None) == "group" or getattr(config, "model_type", None) == "moonshine"


def alone(module: nn.Module, tensors: Mapping[str, torch.Tensor]) -> list[dict[str, torch.Tensor]] | None:
    """Each row of a batch without its padding, to be given one at a time, or all at once where none has any; None where
    all may go together as they are.

    Args:
        module: Whose family decides.
        tensors: A batch by the model's own argument names.
    """
    if SOUNDS not in tensors or not is_strict(module):
        return None
    rest = {name: tensor for name, tensor in tensors.items() if name not in (SOUNDS, MASK)}
    mask_BS, sounds_BS = tensors.get(MASK), tensors[SOUNDS]
    if mask_BS is None or bool(mask_BS.all()):
        return [{SOUNDS: sounds_BS, **rest}]
    lengths = mask_BS.sum(dim=1).tolist()
    return [
        {SOUNDS: sounds_BS[row : row + 1, : int(length)], **{name: one[row : row + 1] for name, one in rest.items()}}
        for row, length in enumerate(lengths)
    ]


def side_by_side(rows: list[torch.Tensor]) -> torch.Tensor:
    """What each row alone gave, shape (1, T, ...) each, as a batch padded with zeros."""
    from torch.nn.utils.rnn import pad_sequence

    return pad_sequence([row[0] for row in rows], batch_first=True)
