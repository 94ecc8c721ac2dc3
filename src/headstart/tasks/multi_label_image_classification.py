"""Any number of classes for each image: what is to be seen in it."""

from __future__ import annotations

from headstart.contracts import Field, Prediction, Rows
from headstart.tasks import image_classification
from headstart.tasks.classes import several
from headstart.tasks.classes.several import (
    Labels,
    collate,
    columns,
    config,
    counted,
    decode,
    figure,
    from_json,
    learn,
    loss,
    meets,
    metrics,
    names,
    output,
    per,
    points,
    primary,
    settled,
    snippet,
    to_json,
)
from headstart.tasks.image_classification import auto_class, items, modality, read_at

__all__ = [
    "auto_class",
    "baselines",
    "collate",
    "columns",
    "config",
    "counted",
    "decode",
    "figure",
    "from_json",
    "items",
    "learn",
    "loss",
    "meets",
    "metrics",
    "modality",
    "names",
    "output",
    "per",
    "points",
    "primary",
    "read_at",
    "settled",
    "snippet",
    "to_json",
]

aliases = ("image-classification", "image-labeling")
fields = (
    image_classification.fields[0],
    Field(
        "label",
        "labels",
        "its classes, in a list",
        aliases=("labels", "categories", "classes", "tags", "category", "class", "target"),
    ),
)


def baselines(train: Rows, test: Rows, learned: Labels, *, seed: int) -> dict[str, list[Prediction]]:
    """The commonest labels, and logistic regression on the pixels of small thumbnails, one for each label."""
    seen, unseen = image_classification.scaled_pixels(items(train), items(test))
    return {
        "commonest labels": several.commonest(train, test, learned),
        "pixels + logistic regression": several.linear(seen, train, unseen, learned, strength=0.01),
    }
