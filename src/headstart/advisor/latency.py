"""What answering costs on this machine: measured on a trained model with real items, a short run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.model import Model

SINGLES = 30
"""Items answered one by one."""
MANY = 256
"""Items answered together."""


def measured(model: Model, items: Sequence[Any]) -> dict[str, float]:
    """Milliseconds for one item, median and 95th percentile, and items a second when there are many.

    Args:
        model: Ready to answer.
        items: What it is to answer; the first are used.
    """
    singles, many = list(items[:SINGLES]), list(items[:MANY])
    model.logits(singles[:1])  # the first pass sets things up
    one_by_one = [_seconds(model, [item]) for item in singles]
    p50, p95 = np.percentile(one_by_one, [50, 95]) * 1000
    return {"p50_ms": float(p50), "p95_ms": float(p95), "items_per_second": len(many) / _seconds(model, many)}


def _seconds(model: Model, items: Sequence[Any]) -> float:
    began = time.perf_counter()
    model.logits(items)
    return time.perf_counter() - began
