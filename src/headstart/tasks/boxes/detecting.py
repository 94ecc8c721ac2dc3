"""From boxes to what a network is to say of each of its places, and the loss of what it says.

An output has one row for each place: its box, where it is, and a logit for each class. Queries of sets (`sets`) are
in the same form.
"""

# B rows, A places or queries, G boxes of the truth, C classes

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from headstart.contracts import Where
from headstart.data.truths.boxes import Box
from headstart.tasks.boxes import rectangles, sets

if TYPE_CHECKING:
    import torch

EDGES, MIDDLE, STRIDE, KNOWN = slice(0, 4), slice(4, 6), 6, 7
"""Where in an output's row its parts are: the box's edges, the middle of the place, the pixels between two places, all
as shares of the input's side; then the logits begin. A query has no place: its stride is 0 or less, see `sets`."""
LABEL, CROWD, NO_BOX = 0, -1.0, -2.0
"""A target is the number of a class, `CROWD`, or `NO_BOX` where a row has fewer; then the edges of the box."""
BEST = 10
"""Places that learn from each box."""
SHARPNESS = 6.0
"""How much the overlap counts beside the score in choosing them, as in TOOD."""
OF_BOXES = 2.0
"""Weight of the overlap of boxes beside that of classes, as in TOOD."""
LEAST = 0.25
"""Share of a box that must be seen in a view for it to be learnt."""


def targets(boxes: Sequence[Sequence[Box]], names: Sequence[str], where: Where) -> torch.Tensor:
    """Class and edges of each box as shares of the input, shape (B, G, 5).

    Args:
        boxes: Of the whole picture of each row.
        names: Of the classes.
        where: What each input covers of its picture.
    """
    import torch

    number = {name: at for at, name in enumerate(names)}
    rows = [_seen(several, number, covered) for several, covered in zip(boxes, where, strict=True)]
    found = torch.full((len(rows), max([1, *map(len, rows)]), 5), NO_BOX)
    for target, row in zip(found, rows, strict=True):
        if row:
            target[: len(row)] = torch.tensor(row)
    return found


def _seen(boxes: Sequence[Box], number: dict[str, int], covered: Any) -> list[list[float]]:
    """The boxes of which enough lies within the input, cut to it."""
    left, top, right, bottom, wide, high = map(float, covered[:6])
    # what of the input shows the picture; the rest is padding
    across = sorted((edge - left) / (right - left) for edge in (0.0, wide))
    down = sorted((edge - top) / (bottom - top) for edge in (0.0, high))
    found = []
    for box in boxes:
        x = sorted((box.edges[side] - left) / (right - left) for side in (0, 2))
        y = sorted((box.edges[side] - top) / (bottom - top) for side in (1, 3))
        size = (x[1] - x[0]) * (y[1] - y[0])
        x = [min(max(edge, 0.0, across[0]), 1.0, across[1]) for edge in x]
        y = [min(max(edge, 0.0, down[0]), 1.0, down[1]) for edge in y]
        is_seen = (x[1] - x[0]) * (y[1] - y[0]) >= LEAST * size and x[1] > x[0] and y[1] > y[0]
        if is_seen:
            # of a crowd, and of a thing of which little is seen, nothing is learnt
            found.append([CROWD if box.is_crowd else float(number[box.label]), x[0], y[0], x[1], y[1]])
        elif x[1] > x[0] and y[1] > y[0]:
            found.append([CROWD, x[0], y[0], x[1], y[1]])
    return found


def counted(targets_BG5: torch.Tensor) -> torch.Tensor:
    """Boxes of each row, at least one: of an empty picture it is learnt that it is one."""
    return (targets_BG5[..., LABEL] >= 0).sum(dim=1).clamp(min=1)


def loss(
    output: torch.Tensor, targets: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """The loss of each row, shape (B,), summed over its boxes; of queries that of `sets`."""
    import torch

    output = output.float()
    num_classes = output.shape[-1] - KNOWN
    heavy = output.new_ones(num_classes) if weights is None else weights.to(output)[:num_classes]
    pairs = zip(output, targets.to(output), strict=True)
    return torch.stack([_of_row(row)(row, target, heavy, smoothing) for row, target in pairs])


def _of_row(row_A: torch.Tensor) -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float], torch.Tensor]:
    return sets.loss_of_row if is_set(row_A) else _of_places


def is_set(row_A: torch.Tensor) -> bool:
    """Whether an output is of queries, and not of places."""
    return bool((row_A[..., STRIDE] < 0).any())


def _of_places(row_A: torch.Tensor, target_G5: torch.Tensor, heavy_C: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Cross entropy of each place with how well its box fits what it is assigned to, and the overlap of those boxes.

    Source: Feng et al., "TOOD: Task-aligned One-stage Object Detection", ICCV 2021, section 3.2: places are assigned to
    boxes by score and overlap, and the score aims at their aligned product; without its focal weights.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    logits_AC = row_A[:, KNOWN:]
    real_G5 = target_G5[target_G5[:, LABEL] >= 0]
    chosen_A, aim_A = _assigned(row_A.detach(), real_G5)
    (taken,) = torch.nonzero(chosen_A >= 0, as_tuple=True)
    labels = real_G5[chosen_A[taken], LABEL].long()
    aims_AC = torch.zeros_like(logits_AC)
    aims_AC[taken, labels] = aim_A[taken]
    aims_AC = (1 - smoothing) * aims_AC + smoothing / 2
    each_AC = binary_cross_entropy_with_logits(logits_AC, aims_AC, reduction="none") * heavy_C
    each_AC = each_AC * ~_in_a_crowd(row_A, target_G5)[:, None]
    _, fit = rectangles.agreement(row_A[taken, EDGES], real_G5[chosen_A[taken], 1:])
    of_boxes = ((1 - fit) * aim_A[taken] * heavy_C[labels]).sum()
    return (each_AC.sum() + OF_BOXES * of_boxes) / BEST


def _assigned(row_A: torch.Tensor, real_G5: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The box each place learns from, -1 for none, and how well it is to say that it fits, shape (A,) each."""
    import torch

    nobody, nothing = torch.full((len(row_A),), -1, device=row_A.device), row_A.new_zeros(len(row_A))
    if not len(real_G5):
        return nobody, nothing
    iou_GA, _ = rectangles.agreement(row_A[None, :, EDGES], real_G5[:, None, 1:])
    score_GA = row_A[:, KNOWN:].sigmoid().T[real_G5[:, LABEL].long()]
    aligned_GA = score_GA * iou_GA**SHARPNESS
    may_GA = _candidates(row_A, real_G5)
    # places that tie, as all do where nothing overlaps yet, are taken by how near they are
    rank_GA = torch.where(may_GA, aligned_GA + 1e-9 * _nearness(row_A, real_G5), -1.0)
    best = rank_GA.topk(min(BEST, rank_GA.shape[1]), dim=1)
    taken_GA = torch.zeros_like(may_GA).scatter(1, best.indices, best.values > 0)
    # a place that several boxes want goes to the one that it overlaps most
    fits_GA = torch.where(taken_GA, iou_GA + 1e-6, -1.0)
    most_A, chosen_A = fits_GA.max(dim=0)
    chosen_A = torch.where(most_A > 0, chosen_A, nobody)
    is_its_GA = (chosen_A[None] == torch.arange(len(real_G5), device=row_A.device)[:, None]) & taken_GA
    held_GA = torch.where(is_its_GA, aligned_GA, 0.0)
    # of each box the best place aims at the best overlap, and the others at less in proportion
    top_G1 = held_GA.amax(dim=1, keepdim=True).clamp(min=1e-12)
    best_G1 = torch.where(is_its_GA, iou_GA, 0.0).amax(dim=1, keepdim=True)
    return chosen_A, (held_GA / top_G1 * best_G1).sum(dim=0)


def _candidates(row_A: torch.Tensor, real_G5: torch.Tensor) -> torch.Tensor:
    """Places whose middle lies in the box; of a box so small that none does, those that it reaches, shape (G, A)."""
    middle_A2, stride_A1 = row_A[:, MIDDLE], row_A[:, STRIDE, None]
    low_GA2, high_GA2 = middle_A2[None] - real_G5[:, None, 1:3], real_G5[:, None, 3:5] - middle_A2[None]
    is_in_GA = (low_GA2 > 0).all(dim=2) & (high_GA2 > 0).all(dim=2)
    reach_A2 = stride_A1.expand(-1, 2)
    is_near_GA = (low_GA2 > -reach_A2).all(dim=2) & (high_GA2 > -reach_A2).all(dim=2)
    return is_in_GA | (is_near_GA & ~is_in_GA.any(dim=1, keepdim=True))


def _nearness(row_A: torch.Tensor, real_G5: torch.Tensor) -> torch.Tensor:
    """From 0 to 1, highest for places in the middle of the box, shape (G, A)."""
    middle_G2 = (real_G5[:, 1:3] + real_G5[:, 3:5]) / 2
    away_GA = (row_A[None, :, MIDDLE] - middle_G2[:, None]).norm(dim=2)
    near_GA: torch.Tensor = 1 / (1 + away_GA / row_A[:, STRIDE].clamp(min=1e-6))
    return near_GA


def _in_a_crowd(row_A: torch.Tensor, target_G5: torch.Tensor) -> torch.Tensor:
    """Places whose middle lies in a crowd, shape (A,)."""
    crowd_G5 = target_G5[target_G5[:, LABEL] == CROWD]
    low_GA2 = row_A[None, :, MIDDLE] - crowd_G5[:, None, 1:3]
    high_GA2 = crowd_G5[:, None, 3:5] - row_A[None, :, MIDDLE]
    return ((low_GA2 > 0) & (high_GA2 > 0)).all(dim=2).any(dim=0)
