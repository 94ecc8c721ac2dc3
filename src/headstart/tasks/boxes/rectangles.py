"""Arithmetic of boxes with edges along the axes: how much two overlap, and the best of those that overlap too much."""

# N and M boxes; the last axis of four is for the left, top, right and bottom edge

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

Floats = np.ndarray[Any, np.dtype[np.float64]]


def area(boxes_N4: Any) -> Any:
    """Of each box, NumPy or torch, 0 where an edge is beyond its opposite."""
    return (boxes_N4[..., 2] - boxes_N4[..., 0]).clip(min=0) * (boxes_N4[..., 3] - boxes_N4[..., 1]).clip(min=0)


def shared(ours_N4: Floats, theirs_M4: Floats) -> Floats:
    """The area that each of ours shares with each of theirs, shape (N, M)."""
    low = np.maximum(ours_N4[:, None, :2], theirs_M4[None, :, :2])
    high = np.minimum(ours_N4[:, None, 2:], theirs_M4[None, :, 2:])
    sides = (high - low).clip(min=0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def overlap(ours_N4: Floats, theirs_M4: Floats) -> Floats:
    """Intersection over union, shape (N, M)."""
    both = shared(ours_N4, theirs_M4)
    union = area(ours_N4)[:, None] + area(theirs_M4)[None] - both
    return np.asarray(both / np.maximum(union, 1e-12))


def agreement(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Intersection over union, and its generalisation that still falls where boxes lie apart; shapes broadcast.

    Source: Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019, algorithm 1.
    """
    import torch

    sides = torch.minimum(ours[..., 2:], theirs[..., 2:]) - torch.maximum(ours[..., :2], theirs[..., :2])
    both = sides.clamp(min=0).prod(dim=-1)
    union = (area(ours) + area(theirs) - both).clamp(min=1e-9)
    around = torch.maximum(ours[..., 2:], theirs[..., 2:]) - torch.minimum(ours[..., :2], theirs[..., :2])
    hull = around.clamp(min=0).prod(dim=-1).clamp(min=1e-9)
    iou = both / union
    return iou, iou - (hull - union) / hull


def best(
    boxes_N4: Floats, scores_N: Floats, labels_N: Any, *, most: float, pieces_N: Any = None, within: float = 1.0
) -> list[int]:
    """The boxes that are left when, from the best on, each takes out those of its label that overlap it too much.

    Args:
        boxes_N4: Their edges.
        scores_N: How sure each is; of two alike the earlier goes first.
        labels_N: Boxes of different labels do not touch each other.
        most: Intersection over union from which the worse of two goes.
        pieces_N: In which tile of a picture each was found; of boxes from two, which may each show a part of one thing,
            the worse also goes where more than `within` of the smaller is shared.
        within: See there.

    Returns:
        Their numbers, the best first.
    """
    order = np.argsort(-scores_N, kind="stable")
    labels, pieces = np.asarray(labels_N)[order], None if pieces_N is None else np.asarray(pieces_N)[order]
    boxes = boxes_N4[order]
    both = shared(boxes, boxes)
    sizes = area(boxes)
    is_near = both / np.maximum(sizes[:, None] + sizes[None] - both, 1e-12) >= most
    if pieces is not None:
        is_part = both / np.maximum(np.minimum(sizes[:, None], sizes[None]), 1e-12) > within
        is_near |= is_part & (pieces[:, None] != pieces[None])
    is_near &= labels[:, None] == labels[None]
    is_left = np.ones(len(order), bool)
    for at in range(len(order)):
        if is_left[at]:
            is_left[at + 1 :] &= ~is_near[at, at + 1 :]
    return [int(number) for number in order[is_left]]
