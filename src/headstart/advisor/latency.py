"""What answering costs on this machine: measured on a trained model with real items, a short run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.model import Model

SINGLES = 30
"""Most items answered one by one."""
MANY = 256
"""Most items answered together."""
FEWEST = 10
"""Items answered either way, however long they take."""
SECONDS = 2.0
"""What either way may take beyond that."""


def measured(model: Model, items: Sequence[Any]) -> dict[str, float]:
    """Milliseconds for one item, median and 95th percentile, and items a second when there are many.

    Args:
        model: Ready to answer.
        items: What it is to answer; the first are used.
    """
    model.answers(items[:1])  # the first pass sets things up
    one_by_one: list[float] = []
    while len(one_by_one) < min(SINGLES, len(items)) and (len(one_by_one) < FEWEST or sum(one_by_one) < SECONDS):
        one_by_one.append(_seconds(model, [items[len(one_by_one)]]))
    p50, p95 = np.percentile(one_by_one, [50, 95])
    many = list(items[: max(FEWEST, min(MANY, int(SECONDS / p50)))])
    rate = len(many) / _seconds(model, many)
    return {"p50_ms": float(p50) * 1000, "p95_ms": float(p95) * 1000, "items_per_second": rate}


def _seconds(model: Model, items: Sequence[Any]) -> float:
    began = time.perf_counter()
    model.answers(items)
    return time.perf_counter() - began
