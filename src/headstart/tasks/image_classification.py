"""One class for each image."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.contracts import Field, Modality, Prediction, ReadAt, Rows
from headstart.tasks.classes import single
from headstart.tasks.classes.single import (
    Classes,
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
    settled,
    snippet,
    to_json,
)

__all__ = [
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
    "names",
    "output",
    "per",
    "points",
    "settled",
    "snippet",
    "to_json",
]

aliases = ("image-labeling",)
modality: Modality = "image"
fields = (
    Field("image", "image", "the file of the image", aliases=("file_name", "image_path", "path", "filename")),
    Field("label", "label", "its class", aliases=("category", "class", "target")),
)
primary = "accuracy"
auto_class = "AutoModelForImageClassification"
# image families end in pooling and one linear layer, which is just what a linear head on frozen features is
read_at: ReadAt = "classifier"

SIDE = 32
"""Pixels on a side of the thumbnails that the pixel baseline reads."""


def items(rows: Rows) -> list[Any]:
    """The files."""
    return rows.column("image")


def baselines(train: Rows, test: Rows, learned: Classes, *, seed: int) -> dict[str, list[Prediction]]:
    """The majority class, and logistic regression on the pixels of small thumbnails."""
    seen, unseen = scaled_pixels(items(train), items(test))
    return {
        "majority class": single.majority(train, test, learned),
        "pixels + logistic regression": single.linear(seen, train, unseen, learned, strength=0.01),
    }


def scaled_pixels(files: list[Any], others: list[Any]) -> tuple[Any, Any]:
    """Thumbnails as rows of numbers around 0, shape (N, 3·SIDE²), of files to learn from and of others."""
    seen, unseen = _pixels(files), _pixels(others)
    mean, scale = seen.mean(axis=0), seen.std() + 1e-6
    return (seen - mean) / scale, (unseen - mean) / scale


def _pixels(files: list[Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Thumbnails as rows of numbers, shape (N, 3·SIDE²)."""
    from headstart.data.images import open_image

    thumbnails = [np.asarray(open_image(file).resize((SIDE, SIDE))) for file in files]
    return np.stack(thumbnails).reshape(len(files), -1).astype(np.float32)
