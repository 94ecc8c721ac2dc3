"""What masks are held against: answers by methods that look at single pixels, or at nothing."""

# N pixels, F features, H height, W width

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from headstart.data.images import open_image
from headstart.data.truths import masks
from headstart.data.truths.masks import Mask
from headstart.tasks.pixels.painted import IGNORED, Shown

SAMPLE = 20_000
"""Pixels of all training pictures that colours are learnt from."""
AROUND = (3, 9)
"""Sides of the squares whose mean colour a pixel is seen with, besides its own."""
AT_ONCE = 2**20
"""Pixels that are answered together."""
Floats32 = npt.NDArray[np.float32]


def commonest(known: Sequence[Mask], sizes: Sequence[tuple[int, int]], learned: Shown) -> list[Mask]:
    """The class with the most pixels, everywhere."""
    totals = np.zeros(len(learned.names), dtype=np.int64)
    for mask in known:
        for region in mask.regions:
            totals[learned.number[region.label]] += masks.area(region)
    number = int(totals.argmax())
    return [masks.of_numbers(np.full(size, number), learned.named) for size in sizes]


def by_colour(
    pictures: Sequence[Any], known: Sequence[Mask], unseen: Sequence[Any], learned: Shown, *, seed: int
) -> list[Mask]:
    """Logistic regression from the colours of a pixel and its surroundings to its class."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    generator = np.random.default_rng(seed)
    parts = [
        _sample(*pair, learned, max(1, SAMPLE // len(pictures)), generator)
        for pair in zip(pictures, known, strict=True)
    ]
    features, classes = (np.concatenate(one) for one in zip(*parts, strict=True))
    if len(np.unique(classes)) < 2:
        return commonest(known, [_size(picture) for picture in unseen], learned)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, tol=1e-3))
    with threadpool_limits(1):
        model.fit(features, classes)
        return [_answered(model, picture, learned) for picture in unseen]


def _sample(
    picture: Any, mask: Mask, learned: Shown, num: int, generator: np.random.Generator
) -> tuple[Floats32, npt.NDArray[np.int16]]:
    numbers = masks.numbers(mask, learned.number, rest=IGNORED).ravel()
    some = generator.permutation(np.flatnonzero(numbers != IGNORED))[:num]
    return _colours(picture).reshape(len(numbers), -1)[some], numbers[some]


def _answered(model: Any, picture: Any, learned: Shown) -> Mask:
    colours = _colours(picture)
    rows = max(1, AT_ONCE // colours.shape[1])
    bands = [colours[start : start + rows] for start in range(0, len(colours), rows)]
    found = [model.predict(band.reshape(-1, band.shape[2])).reshape(band.shape[:2]) for band in bands]
    return masks.of_numbers(np.concatenate(found), learned.named)


def _size(picture: Any) -> tuple[int, int]:
    width, height = open_image(picture).size
    return height, width


def _colours(picture: Any) -> Floats32:
    """Of every pixel its colour, those around it, and the squares of all, shape (H, W, F)."""
    from PIL import ImageFilter

    image = open_image(picture)
    seen = [image, *(image.filter(ImageFilter.BoxBlur(side // 2)) for side in AROUND)]
    plain = np.concatenate([np.asarray(one, dtype=np.float32) / 255 for one in seen], axis=2)
    return np.concatenate([plain, plain**2], axis=2)
