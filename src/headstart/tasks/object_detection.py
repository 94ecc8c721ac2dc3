"""Things in pictures: of each a box around it, what it is, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.contracts import Field, Modality, Per, Points, Prediction, ReadAt, Rows, Where
from headstart.data.truths.boxes import Box, dumps, loads
from headstart.tasks.boxes import detecting, found_boxes, precision, region_points, usual_boxes
from headstart.tasks.boxes.box_snippet import BOXES
from headstart.tasks.boxes.detecting import counted, loss
from headstart.tasks.boxes.precision import figure
from headstart.tasks.boxes.sets import output
from headstart.tasks.classes.single import config, meets, settled

if TYPE_CHECKING:
    import torch
    from torch import nn

    from headstart.heads.form import Form

__all__ = ["config", "counted", "figure", "loss", "meets", "output", "settled"]

aliases = ("detection",)
modality: Modality = "image"
fields = (
    Field("image", "image", "the picture", aliases=("file_name", "image_path", "path", "filename")),
    Field("label", "boxes", "boxes around the things in it", aliases=("objects", "boxes", "bboxes"), within="image"),
)
primary = "map"
auto_class = "AutoModelForObjectDetection"
auto_classes = (auto_class,)
read_at: ReadAt = "layers"
per: Per = "place"
snippet = BOXES


@dataclass(frozen=True)
class Learned:
    """The classes of the training rows, sorted; their order is the order of the model's outputs."""

    names: tuple[str, ...]


def learn(rows: Rows) -> Learned:
    """The classes of the training rows."""
    return Learned(tuple(sorted({box.label for value in rows.column("label") for box in loads(value)})))


def names(learned: Learned) -> tuple[str, ...]:
    """The classes."""
    return learned.names


def items(rows: Rows) -> list[Any]:
    """The files."""
    return rows.column("image")


def layers(form: Form, num_classes: int) -> nn.Module:
    """Convolutions on a feature pyramid that say of each place what thing it is part of and how far that reaches."""
    from headstart.heads.cells import Cells

    return Cells(form, num_classes)


def collate(rows: Rows, learned: Learned, where: Where | None = None) -> torch.Tensor:
    """Classes and edges of boxes as each input shows them, shape (B, G, 5); see `detecting.targets`."""
    assert where is not None, "boxes are places in pictures, and where says which an input shows"
    return detecting.targets(list(map(loads, rows.column("label"))), learned.names, where)


def decode(output: Any, learned: Learned, items: Sequence[Any] = (), where: Where | None = None) -> list[Prediction]:
    """The boxes of each picture in its own pixels, the surest first."""
    assert where is not None, "boxes are told in pixels of the picture"
    return [found_boxes.answer(*tiles, learned.names) for tiles in zip(output, where, strict=True)]


def metrics(predictions: Sequence[Prediction], rows: Rows, learned: Learned) -> dict[str, Any]:
    """COCO's mean average precision, that at overlaps of 0.5 and of 0.75, and both of each class."""
    truth = list(map(loads, rows.column("label")))
    return precision.metrics(truth, [answer["boxes"] for answer in predictions], learned.names)


def columns(predictions: Sequence[Prediction], rows: Rows, learned: Learned) -> dict[str, list[Any]]:
    """The boxes that are more likely than not as the rows have theirs, the score of the least sure of them, whether
    they are all there is (each with an overlap of at least 0.5), and all boxes with their scores."""
    told = list(map(found_boxes.likely, predictions))
    truth = map(loads, rows.column("label"))
    return {
        "prediction": [dumps([Box(one["label"], tuple(one["box"])) for one in boxes]) for boxes in told],
        "confidence": [min((one["score"] for one in boxes), default=1.0) for boxes in told],
        "correct": [found_boxes.is_all(boxes, real) for boxes, real in zip(told, truth, strict=True)],
        "scored": list(map(found_boxes.dumps, predictions)),
    }


def baselines(train: Rows, test: Rows, learned: Learned, *, seed: int) -> dict[str, list[Prediction]]:
    """The boxes that the training pictures have most often, and spots of the colours that theirs have."""
    return usual_boxes.baselines(train, test, learned.names)


def points(rows: Rows, learned: Learned, where: Where | None = None) -> Points:
    """The boxes with their classes, and as many regions of the same size beside them; see `region_points`."""
    return region_points.of_boxes(collate(rows, learned, where).double().numpy())


def to_json(learned: Learned) -> Any:
    """The class names."""
    return list(learned.names)


def from_json(value: Any) -> Learned:
    """The classes whose names were saved."""
    return Learned(tuple(value))
