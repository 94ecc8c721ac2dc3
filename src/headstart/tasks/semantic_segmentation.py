"""What every pixel of a picture shows: a mask with one class for each, at the size of the picture."""

# B rows, C classes, S pixels on a side of an input

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart import score
from headstart.contracts import Field, Modality, Per, Points, Prediction, ReadAt, Rows, Where
from headstart.data.truths import masks
from headstart.data.truths.masks import Mask, Region
from headstart.tasks.boxes import region_points
from headstart.tasks.classes.single import config, meets
from headstart.tasks.pixels import painted, single_pixels
from headstart.tasks.pixels.mask_snippet import MASKS
from headstart.tasks.pixels.painted import IGNORED, Shown

if TYPE_CHECKING:
    import torch
    from torch import nn

    from headstart.heads.form import Form

__all__ = ["config", "meets"]

aliases = ("segmentation", "image-segmentation")
modality: Modality = "image"
fields = (
    Field("image", "image", "the file of the picture", aliases=("picture", "file_name", "image_path", "path")),
    Field(
        "label",
        "mask",
        "the file of its mask, a number or colour for each pixel",
        aliases=("mask", "masks", "mask_path", "segmentation", "annotation"),
        within="image",
    ),
)
primary = "mean_iou"
auto_class = "AutoModelForSemanticSegmentation"
auto_classes = (auto_class, "AutoModelForUniversalSegmentation")
read_at: ReadAt = "layers"
per: Per = "place"
snippet = MASKS


def learn(rows: Rows) -> Shown:
    """The classes of the training masks."""
    return painted.shown(rows.column("label"))


def names(learned: Shown) -> tuple[str, ...]:
    """The classes by the order of their numbers or colours."""
    return learned.names


def items(rows: Rows) -> list[Any]:
    """The files of the pictures."""
    return rows.column("image")


def layers(form: Form, num_classes: int) -> nn.Module:
    """A decoder on a feature pyramid."""
    from headstart.heads.semantic import Decoder

    return Decoder(form, num_classes)


def output(given: Any) -> torch.Tensor:
    """Logits of the places of a map, shape (B, C, H, W).

    Of models that give masks and say of each how likely it shows which class, the logarithm of how likely a place shows
    a class by all of them; which is how they answer this task.

    Source: Cheng et al., "Per-Pixel Classification is Not All You Need for Semantic Segmentation", NeurIPS 2021,
    section 3.4, semantic inference.
    """
    import torch

    if hasattr(given, "masks_queries_logits"):
        # the last class says that a mask shows nothing
        shares_BQC = given.class_queries_logits.softmax(dim=-1)[..., :-1]
        likely = torch.einsum("bqc,bqhw->bchw", shares_BQC, given.masks_queries_logits.sigmoid())
        return likely.clamp(min=1e-6).log()
    logits: torch.Tensor = given.logits
    return logits


def collate(rows: Rows, learned: Shown, where: Where | None = None) -> torch.Tensor:
    """Class numbers of the pixels of inputs, shape (B, S, S), `IGNORED` where there is none."""
    import torch

    assert where is not None, "masks belong to places, and where says which"
    found = [masks.loads(label) for label in rows.column("label")]
    targets = [painted.target(mask, learned, covered) for mask, covered in zip(found, where, strict=True)]
    return torch.from_numpy(np.stack(targets))


def counted(targets: torch.Tensor) -> torch.Tensor:
    """Pixels of each row that are judged."""
    return (targets != IGNORED).sum(dim=(1, 2))


def loss(
    output: torch.Tensor, targets: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """Cross entropy and overlap of each row, shape (B,); see `painted.loss`."""
    return painted.loss(output, targets, weights=weights, smoothing=smoothing)


def decode(output: Any, learned: Shown, items: Sequence[Any] = (), where: Where | None = None) -> list[Prediction]:
    """The likeliest class of each pixel, at the size of the picture."""
    assert where is not None, "masks belong to places, and where says which"
    found = [painted.merged(*row) for row in zip(output, where, strict=True)]
    return [answer(masks.of_numbers(numbers, learned.named), sure) for numbers, sure in found]


def answer(mask: Mask, sure: float) -> Prediction:
    """The size of the picture, how sure the classes are on average, and of each its share of the pixels and where."""
    height, width = mask.size
    return {
        "width": width,
        "height": height,
        "confidence": min(1.0, sure),
        "regions": [
            {
                "label": region.label,
                "value": region.value,
                "share": masks.area(region) / (width * height),
                "rle": {"size": [height, width], "counts": region.rle},
            }
            for region in mask.regions
        ],
    }


def mask_of(prediction: Prediction) -> Mask:
    """The mask in an answer."""
    regions = [Region(one["label"], one["value"], one["rle"]["counts"]) for one in prediction["regions"]]
    return Mask((prediction["height"], prediction["width"]), tuple(regions))


def settled(learned: Shown, answers: Callable[[], Sequence[Prediction]], rows: Rows) -> Shown:
    """Nothing is left to be set: the likeliest class is the answer."""
    return learned


def metrics(predictions: Sequence[Prediction], rows: Rows, learned: Shown) -> dict[str, Any]:
    """Mean IoU and pixel accuracy with intervals over pictures, the IoU of each class, and who is taken for whom."""
    truth = list(map(masks.loads, rows.column("label")))
    each = [painted.counts(mask, mask_of(found), learned) for mask, found in zip(truth, predictions, strict=True)]
    counts_NCC = np.array(each, dtype=np.float64).reshape(len(each), len(learned.names), len(learned.names))
    total_CC = counts_NCC.sum(axis=0)
    accuracies = {"mean_iou": painted.mean_overlap, "pixel_accuracy": _accuracy}
    precision, recall, f1 = score.per_class(total_CC)
    overlap = np.nan_to_num(painted.overlaps(total_CC))
    return {
        "metrics": {name: _with_interval(figure, counts_NCC) for name, figure in accuracies.items()},
        "per_class": {
            name: {
                "iou": float(overlap[number]),
                "precision": float(precision[number]),
                "recall": float(recall[number]),
                "f1": float(f1[number]),
                "support": int(total_CC[number].sum()),
            }
            for number, name in enumerate(learned.names)
        },
        "confusion": {"names": list(learned.names), "counts": total_CC.astype(int).tolist()},
        "counts": each,
    }


def _accuracy(counts_NCC: Any) -> float:
    total = np.asarray(counts_NCC).sum(axis=0)
    return float(np.trace(total) / max(1, total.sum()))


def _with_interval(figure: Callable[[Any], float], counts_NCC: score.Floats) -> dict[str, Any]:
    low, high = score.bootstrap(lambda rows: figure(counts_NCC[rows]), len(counts_NCC), seed=0)
    return {"value": figure(counts_NCC), "low": low, "high": high, "method": "percentile bootstrap"}


figure = painted.mean_overlap


def columns(predictions: Sequence[Prediction], rows: Rows, learned: Shown) -> dict[str, list[Any]]:
    """The mask as the rows have theirs, how sure it is, whether all judged pixels are right, and the picture's IoU."""
    found, truth = list(map(mask_of, predictions)), list(map(masks.loads, rows.column("label")))
    each = [np.array(painted.counts(*pair, learned)) for pair in zip(truth, found, strict=True)]
    return {
        "prediction": list(map(masks.dumps, found)),
        "confidence": [prediction["confidence"] for prediction in predictions],
        "correct": [bool(np.trace(one) == one.sum()) for one in each],
        "mean_iou": [painted.mean_overlap(one[None]) for one in each],
    }


def baselines(train: Rows, test: Rows, learned: Shown, *, seed: int) -> dict[str, list[Prediction]]:
    """The commonest class everywhere, and a linear model on the colours around a pixel."""
    known = list(map(masks.loads, train.column("label")))
    sizes = [masks.loads(label).size for label in test.column("label")]
    ways = {
        "the commonest class": single_pixels.commonest(known, sizes, learned),
        "colours + linear model": single_pixels.by_colour(items(train), known, items(test), learned, seed=seed),
    }
    return {name: [answer(mask, 1.0) for mask in found] for name, found in ways.items()}


def points(rows: Rows, learned: Shown, where: Where | None = None) -> Points:
    """Pixels of the inputs, some of each class."""
    return region_points.of_pixels(collate(rows, learned, where).numpy())


def to_json(learned: Shown) -> Any:
    """Names and values."""
    return {"names": list(learned.names), "values": list(learned.values)}


def from_json(value: Any) -> Shown:
    """As they were saved."""
    return Shown(tuple(value["names"]), tuple(value["values"]))
