"""Masks while they are learnt and found: classes and their values, targets, the loss, and tiles made one again.

For the task that answers for every pixel; no plug-in.
"""

# B rows, C classes, S pixels on a side of an input, H and W of a picture, h and w of a map

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from headstart.data.truths import masks
from headstart.data.truths.masks import Mask

if TYPE_CHECKING:
    import torch

IGNORED = -1
"""The target of a pixel that is neither learnt nor judged: padding, and what belongs to no class."""
DICE = 1.0
"""Weight of the overlap of whole classes beside the cross entropy of single pixels."""
BAND = 2**23
"""Numbers of a picture's logits at full size that are in memory at once."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shown:
    """The classes of the training masks, by the order of their values, and what files have for them."""

    names: tuple[str, ...]
    values: tuple[str, ...]

    @cached_property
    def number(self) -> Mapping[str, int]:
        """Name -> its place among the outputs."""
        return {name: number for number, name in enumerate(self.names)}

    @property
    def named(self) -> Mapping[int, tuple[str, str]]:
        """Place among the outputs -> name and value."""
        return dict(enumerate(zip(self.names, self.values, strict=True)))


def shown(values: Sequence[str]) -> Shown:
    """The classes that masks of rows have."""
    found = {region.label: region.value for value in values for region in masks.loads(value).regions}
    names = sorted(found, key=lambda name: (masks.by_value(found[name]), name))
    return Shown(tuple(names), tuple(found[name] for name in names))


def target(mask: Mask, learned: Shown, where: Floats) -> npt.NDArray[np.int16]:
    """The class number at the middle of every pixel of an input, `IGNORED` beyond the picture, shape (S, S)."""
    left, top, right, bottom, *_, wide, high = where.tolist()
    numbers_HW: npt.NDArray[np.int16] = masks.numbers(mask, learned.number, rest=IGNORED)
    down = np.floor(top + (bottom - top) * (np.arange(int(high)) + 0.5) / high).astype(np.int64)
    across = np.floor(left + (right - left) * (np.arange(int(wide)) + 0.5) / wide).astype(np.int64)
    height, width = numbers_HW.shape
    found: npt.NDArray[np.int16] = numbers_HW[np.clip(down, 0, height - 1)[:, None], np.clip(across, 0, width - 1)]
    found[(down < 0) | (down >= height)] = IGNORED
    found[:, (across < 0) | (across >= width)] = IGNORED
    return found


def loss(
    output_BChw: torch.Tensor, targets_BSS: torch.Tensor, *, weights: torch.Tensor | None, smoothing: float
) -> torch.Tensor:
    """Cross entropy of each row in nats, summed over its pixels, and as many times how far the classes are from
    overlapping with what is predicted of them; shape (B,). Each weighed by class.

    Of a class with the probabilities p and the truth t of its pixels that is 1 - 2 Σ p t / (Σ p + Σ t), averaged over
    the classes that are there, so that a small one counts as much as a large one.

    Source: Milletari et al., "V-Net", 3DV 2016, section 3, without the squares in the denominator.
    """
    from torch.nn.functional import cross_entropy, interpolate, one_hot

    logits = interpolate(output_BChw.float(), size=targets_BSS.shape[1:], mode="bilinear", align_corners=False)
    targets = targets_BSS.long()
    heavy = None if weights is None else weights.to(logits.device)
    is_counted = targets != IGNORED
    each = cross_entropy(logits, targets, heavy, ignore_index=IGNORED, reduction="none", label_smoothing=smoothing)
    true_BCSS = one_hot(targets.clamp(min=0), logits.shape[1]).movedim(3, 1) * is_counted[:, None]
    likely_BCSS = logits.softmax(dim=1) * is_counted[:, None]
    common, both = (likely_BCSS * true_BCSS).sum((2, 3)), (likely_BCSS + true_BCSS).sum((2, 3))
    is_there = true_BCSS.amax((2, 3)) > 0
    apart = (1 - 2 * common / both.clamp(min=1e-6)) * is_there * (1 if heavy is None else heavy)
    overlap = apart.sum(dim=1) / is_there.sum(dim=1).clamp(min=1)
    found: torch.Tensor = each.sum((1, 2)) + DICE * is_counted.sum((1, 2)) * overlap
    return found


def merged(outputs_NChw: torch.Tensor, where_N8: Floats) -> tuple[npt.NDArray[np.int16], float]:
    """Of every pixel of a picture the likeliest class, shape (H, W), and how likely that is on average.

    Where tiles overlap their logits are averaged, each with more weight the further from its edge.

    Args:
        outputs_NChw: Logits of the tiles, whose places lie upon each other where the tiles overlap.
        where_N8: What each tile covers.
    """
    canvas, cells = _canvas(outputs_NChw, where_N8)
    width, height = int(where_N8[0, 4]), int(where_N8[0, 5])
    rows, columns = _between(height, cells[1], canvas.shape[1]), _between(width, cells[0], canvas.shape[2])
    found = np.empty((height, width), dtype=np.int16)
    sure = 0.0
    for start, stop in _bands(height, width * canvas.shape[0]):
        part = _taken(_taken(canvas, 1, [one[start:stop] for one in rows]), 2, columns)
        likely = part.softmax(dim=0).max(dim=0)
        found[start:stop] = likely.indices.numpy()
        sure += float(likely.values.double().sum())
    return found, sure / (height * width)


def _canvas(outputs_NChw: torch.Tensor, where_N8: Floats) -> tuple[torch.Tensor, tuple[float, float]]:
    """The logits of the whole picture, shape (C, rows, columns), and a place's width and height in its pixels."""
    import torch

    num, classes, high, wide = outputs_NChw.shape
    cell = (where_N8[0, 2] - where_N8[0, 0]) / wide, (where_N8[0, 3] - where_N8[0, 1]) / high
    if num == 1:
        return outputs_NChw[0].float(), cell
    corners = np.rint(where_N8[:, :2] / np.array(cell)).astype(np.int64)
    across, down = int(corners[:, 0].max()) + wide, int(corners[:, 1].max()) + high
    total, weight = torch.zeros(classes, down, across), torch.zeros(down, across)
    tent_hw = _tent(high)[:, None] * _tent(wide)
    for logits, (left, top) in zip(outputs_NChw, corners.tolist(), strict=True):
        total[:, top : top + high, left : left + wide] += logits * tent_hw
        weight[top : top + high, left : left + wide] += tent_hw
    return total / weight, cell


def _tent(length: int) -> torch.Tensor:
    """Weights along a side that rise to its middle."""
    import torch

    steps = torch.arange(length) + 0.5
    return torch.minimum(steps, length - steps)


def _between(length: int, cell: float, num: int) -> list[torch.Tensor]:
    """For every pixel along a side the two places it lies between, and how near it is to the second."""
    import torch

    at = ((torch.arange(length) + 0.5) / cell - 0.5).clamp(0, num - 1)
    first = at.floor().long()
    return [first, (first + 1).clamp(max=num - 1), at - first]


def _taken(values: torch.Tensor, axis: int, at: Sequence[torch.Tensor]) -> torch.Tensor:
    """The values along an axis at places between two, by straight lines."""
    first, second, share = at
    share = share.view(-1, *[1] * (values.ndim - 1 - axis))
    return values.index_select(axis, first) * (1 - share) + values.index_select(axis, second) * share


def _bands(height: int, a_row: int) -> Iterator[tuple[int, int]]:
    """Rows of pixels that are looked at together."""
    step = max(1, BAND // a_row)
    for start in range(0, height, step):
        yield start, min(height, start + step)


def counts(truth: Mask, found: Mask, learned: Shown) -> list[list[int]]:
    """Of each true class the pixels by predicted class, of those pixels that are judged, shape (C, C)."""
    num = len(learned.names)
    true, told = (masks.numbers(mask, learned.number, rest=IGNORED) for mask in (truth, found))
    is_judged = (true != IGNORED) & (told != IGNORED)
    pairs = true[is_judged].astype(np.int64) * num + told[is_judged]
    return [list(map(int, row)) for row in np.bincount(pairs, minlength=num**2).reshape(num, num)]


def overlaps(counts_CC: npt.NDArray[Any]) -> Floats:
    """Of each class the shared pixels over those of truth and prediction together, nan where it has none, (..., C)."""
    shared = np.diagonal(counts_CC, axis1=-2, axis2=-1).astype(np.float64)
    union = counts_CC.sum(axis=-1) + counts_CC.sum(axis=-2) - shared
    return np.where(union > 0, shared / np.maximum(union, 1), np.nan)


def mean_overlap(counts_NCC: Any) -> float:
    """Mean intersection over union: of all pictures' pixels together, averaged over the classes that occur."""
    each = overlaps(np.asarray(counts_NCC).sum(axis=0))
    return float(np.nanmean(each)) if not np.isnan(each).all() else 0.0
