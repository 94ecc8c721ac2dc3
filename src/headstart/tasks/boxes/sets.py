"""Detectors that answer with a set: each of their queries says one thing or none, and learns what it is matched to.

The ecosystem's own classes (DETR and its kin) give such outputs; layers of ours do not.
"""

# B rows, A queries, Q of one layer, G boxes of the truth, C classes

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.tasks.boxes import rectangles

if TYPE_CHECKING:
    import torch

LAYER, KIND, KNOWN = 4, 6, 7
"""Where in an output's row are the layer it is of, 0 for the last; and, in the place of a stride, of what kind its
logits are. Before them stand the edges of the box, as shares of the input; behind them the logits."""
EACH, ONE = -1.0, -2.0
"""Logits of each class by itself; or of one class or, as the last of them, none."""
OF_ONE = frozenset({"DetrObjectDetectionOutput", "TableTransformerObjectDetectionOutput", "YolosObjectDetectionOutput"})
"""What the families give whose logits are of the second kind."""
OF_CLASS, OF_EDGES, OF_OVERLAP = 2.0, 5.0, 2.0
"""Weights of class, edges and overlap, in matching and in the loss, as in Deformable DETR; the class of `ONE` half."""
ALPHA, GAMMA = 0.25, 2.0
"""Of the focal loss."""
NONE = 0.1
"""Weight of a query that says there is nothing, of which there are many, as in DETR."""


def output(given: Any) -> torch.Tensor:
    """One row for each query of each layer that the family tells of, shape (B, A, `KNOWN` + C), or one logit more."""
    import torch

    kind = ONE if type(given).__name__ in OF_ONE else EACH
    layers = [(given.logits, given.pred_boxes)]
    logits, boxes = getattr(given, "intermediate_logits", None), getattr(given, "intermediate_reference_points", None)
    if logits is not None and boxes is not None and boxes.shape[-1] == 4 and logits.shape[-1] == given.logits.shape[-1]:
        num = min(logits.shape[1], boxes.shape[1])
        layers += [(logits[:, at], boxes[:, at]) for at in range(num - 1)]
    first, where = getattr(given, "enc_topk_logits", None), getattr(given, "enc_topk_bboxes", None)
    if first is not None and where is not None:
        layers.append((first, where))
    rows = []
    for number, (logits_BQC, middle_BQ4) in enumerate(layers):
        size = middle_BQ4[..., 2:] / 2
        edges = torch.cat([middle_BQ4[..., :2] - size, middle_BQ4[..., :2] + size], dim=-1)
        told = edges.new_tensor([number, 0.0, kind]).expand(*edges.shape[:2], 3)
        rows.append(torch.cat([edges, told, logits_BQC], dim=-1).float())
    return torch.cat(rows, dim=1)


def last(row_A: torch.Tensor) -> torch.Tensor:
    """Of all queries of a row those of the last layer, whose answer counts."""
    return row_A[row_A[:, LAYER] == 0]


def scores(row_Q: torch.Tensor) -> torch.Tensor:
    """How sure each query is of each class, shape (Q, C)."""
    logits = row_Q[:, KNOWN:]
    return logits.softmax(dim=1)[:, :-1] if _is_of_one(row_Q) else logits.sigmoid()


def _is_of_one(row: torch.Tensor) -> bool:
    return bool((row[:, KIND] == ONE).any())


def loss_of_row(row_A: torch.Tensor, target_G5: torch.Tensor, heavy_C: torch.Tensor, smoothing: float) -> torch.Tensor:
    """The loss of one row, summed over its boxes and over the layers that were told of.

    Source: Carion et al., "End-to-End Object Detection with Transformers", ECCV 2020, equations 1 and 2, and its loss
    at each layer; for classes by themselves the focal loss of Zhu et al., "Deformable DETR", ICLR 2021.
    """
    import torch

    real_G5 = target_G5[target_G5[:, 0] >= 0]
    layers = torch.unique(row_A[:, LAYER].detach())
    each = [_of_layer(row_A[row_A[:, LAYER] == layer], real_G5, heavy_C, smoothing) for layer in layers]
    return torch.stack(each).sum()


def _of_layer(row_Q: torch.Tensor, real_G5: torch.Tensor, heavy_C: torch.Tensor, smoothing: float) -> torch.Tensor:
    from torch.nn.functional import cross_entropy

    queries, boxes = matched(row_Q.detach(), real_G5)
    labels = real_G5[boxes, 0].long()
    edges, wanted = row_Q[queries, :4], real_G5[boxes, 1:]
    of_edges = (edges - wanted).abs().sum(dim=1)
    of_overlap = 1 - rectangles.agreement(edges, wanted)[1]
    heavy_G = heavy_C[labels]
    placed = ((OF_EDGES * of_edges + OF_OVERLAP * of_overlap) * heavy_G).sum()
    logits = row_Q[:, KNOWN:]
    if _is_of_one(row_Q):
        nothing = logits.shape[1] - 1
        aims = labels.new_full((len(row_Q),), nothing)
        aims[queries] = labels
        # as many classes as there are logits but one have a weight; nothing weighs little
        weights = logits.new_full((logits.shape[1],), NONE * float(heavy_C.mean()))
        weights[:nothing] = heavy_C[:nothing]
        sure = cross_entropy(logits, aims, weights, reduction="none", label_smoothing=smoothing).sum()
        return placed + sure
    return placed + OF_CLASS * _focal(logits, queries, labels, heavy_C, smoothing)


def _focal(
    logits_QC: torch.Tensor, queries: torch.Tensor, labels: torch.Tensor, heavy_C: torch.Tensor, smoothing: float
) -> torch.Tensor:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    aims = torch.zeros_like(logits_QC)
    aims[queries, labels] = 1.0
    rarity = ALPHA * aims + (1 - ALPHA) * (1 - aims)
    miss = (logits_QC.sigmoid() - aims).abs() ** GAMMA
    told = (1 - smoothing) * aims + smoothing / 2
    each = binary_cross_entropy_with_logits(logits_QC, told, reduction="none")
    return (rarity * miss * each * heavy_C).sum()


def matched(row_Q: torch.Tensor, real_G5: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the queries of one layer those that learn a box, and the number of the box each learns.

    The matching of both that costs least together: one query a box, as long as there are enough.
    """
    import torch
    from scipy.optimize import linear_sum_assignment

    labels = real_G5[:, 0].long()
    sure_QG = scores(row_Q)[:, labels]
    if _is_of_one(row_Q):
        of_class = -sure_QG
    else:
        positive = ALPHA * (1 - sure_QG) ** GAMMA * -(sure_QG + 1e-8).log()
        negative = (1 - ALPHA) * sure_QG**GAMMA * -(1 - sure_QG + 1e-8).log()
        of_class = OF_CLASS * (positive - negative)
    of_edges = torch.cdist(row_Q[:, :4], real_G5[:, 1:], p=1)
    of_overlap = -rectangles.agreement(row_Q[:, None, :4], real_G5[None, :, 1:])[1]
    cost = (of_class + OF_EDGES * of_edges + OF_OVERLAP * of_overlap).nan_to_num(1e6)
    queries, boxes = linear_sum_assignment(cost.cpu().double().numpy())
    device = row_Q.device
    return torch.as_tensor(queries, device=device), torch.as_tensor(boxes, device=device)
