"""Connectionist temporal classification: targets, and the loss of each recording.

Source: Graves et al., "Connectionist Temporal Classification", ICML 2006, equation 12.
"""

# B rows, T frames, L letters of the longest transcript, C outputs

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from headstart.contracts import Points, Where
from headstart.tasks.speech.spelling import Spelling

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

IGNORED = -100.0
FRAMES, NOTHING, FIRST = 0, 1, 2
"""Where a row of targets holds how many frames its recording has, which output is the blank, and its letters from."""


def targets(texts: Sequence[str], spelling: Spelling, where: Where) -> torch.Tensor:
    """Frames, blank and letters of each row, shape (B, 2 + L); real numbers, for letters are no classes to weigh.

    A row that cannot be spelled, or has fewer frames than its letters need, has no letters: nothing is learnt of it.
    """
    import torch

    spelled = [_possible(spelling.ids(text), len(covered)) for text, covered in zip(texts, where, strict=True)]
    found = torch.full((len(texts), FIRST + max(map(len, spelled), default=0)), IGNORED)
    for row, (ids, covered) in enumerate(zip(spelled, where, strict=True)):
        found[row, FRAMES], found[row, NOTHING] = len(covered), spelling.blank
        found[row, FIRST : FIRST + len(ids)] = torch.tensor(ids, dtype=found.dtype)
    return found


def _possible(ids: list[int] | None, num_frames: int) -> list[int]:
    """The letters; none where there is no room for them, a blank standing between two that are alike."""
    if ids is None:
        return []
    needed = len(ids) + sum(one == other for one, other in pairwise(ids))
    return ids if needed <= num_frames else []


def shares(targets: npt.NDArray[np.float32]) -> Points:
    """The letters of rows, each over an equal share of their frames: no alignment is known before anything is learnt.

    Args:
        targets: From `targets`.
    """
    truth, owners, places = list[int](), list[int](), list[tuple[int, int]]()
    for row, (frames, _, *ids) in enumerate(targets.astype(int).tolist()):
        said = [one for one in ids if one >= 0]
        ends = np.linspace(0, frames, len(said) + 1)
        truth += said
        owners += [row] * len(said)
        places += [(int(first), max(int(first) + 1, int(after))) for first, after in pairwise(ends)]
    return Points(np.array(truth, np.int64), np.array(owners, np.int64), np.array(places, np.int64).reshape(-1, 2))


def counted(targets: torch.Tensor) -> torch.Tensor:
    """Letters of each row."""
    return (targets[:, FIRST:] >= 0).sum(dim=1)


def loss(
    output: torch.Tensor, targets: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """Minus the log probability of each row's transcript over all its alignments, in nats, shape (B,).

    Args:
        output: Logits, shape (B, T, C); frames beyond those of a row may hold anything.
        targets: From `targets`.
        weights: How heavily each output weighs, shape (C,); a row weighs as its letters do on average.
        smoothing: Share of the loss that instead is the cross entropy to an even spread, of a frame on average, times
            the letters.
    """
    import torch
    from torch.nn import functional

    log_probs_BTC = output.float().log_softmax(dim=-1)
    frames_B, letters_B = targets[:, FRAMES].long(), counted(targets)
    ids_BL = targets[:, FIRST:].long().clamp(min=0)
    each_B = functional.ctc_loss(
        log_probs_BTC.transpose(0, 1),
        ids_BL,
        frames_B,
        letters_B,
        blank=int(targets[0, NOTHING]),
        reduction="none",
        zero_infinity=True,
    )
    each_B = each_B * (letters_B > 0)
    heavy_B = 1.0 if weights is None else _weight(weights.to(output.device), ids_BL, letters_B)
    if not smoothing:
        return each_B * heavy_B
    is_real_BT = torch.arange(output.shape[1], device=output.device) < frames_B[:, None]
    spread_B = -(log_probs_BTC.mean(dim=-1) * is_real_BT).sum(dim=1) / frames_B.clamp(min=1)
    return ((1 - smoothing) * each_B + smoothing * spread_B * letters_B) * heavy_B


def _weight(weights_C: torch.Tensor, ids_BL: torch.Tensor, letters_B: torch.Tensor) -> torch.Tensor:
    """The mean weight of each row's letters, shape (B,)."""
    import torch

    is_letter_BL = torch.arange(ids_BL.shape[1], device=ids_BL.device) < letters_B[:, None]
    return (weights_C[ids_BL] * is_letter_BL).sum(dim=1) / letters_B.clamp(min=1)
