"""Features of known make for the tests of the scores: overlapping clouds, off centre and of mixed scale."""

# N rows, D width

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

SHAPES = [(20, 5), (20, 300), (130, 130), (400, 30), (500, 700), (3000, 40)]
every_shape = pytest.mark.parametrize(("num", "width"), SHAPES, ids=lambda value: str(value))


def clouds(num: int, width: int, num_classes: int = 3, *, apart: float = 0.5, seed: int = 0) -> tuple[Any, Any]:
    """Features (N, D) whose columns differ tenfold in scale, and classes (N,), the first twice as frequent."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.arange(num) % (num_classes + 1) % num_classes)
    centres = apart * rng.normal(size=(num_classes, width))
    return (centres[classes] + rng.normal(size=(num, width))) * np.logspace(-0.5, 0.5, width) + 3, classes
