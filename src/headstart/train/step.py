"""How one training step is taken: on which device, in which arithmetic. What moves is the strategies' business."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from headstart import features
from headstart.device import device, has_bfloat16
from headstart.progress import Note

WORTH = 1.1
"""bfloat16 is taken when it is at least this much faster; less is within the noise of so short a measurement."""
MEASURED_SECONDS = 0.3


@dataclass(frozen=True)
class Precision:
    """The arithmetic of a run and why it was taken; `ratio` is float32 time over bfloat16 time, where measured."""

    dtype: str
    why: str
    ratio: float | None = None

    def note(self) -> Note:
        """What to tell the user."""
        return Note(self.why)


@contextlib.contextmanager
def arithmetic(dtype: str) -> Iterator[None]:
    """Mixed precision: weights stay fp32, products run in `dtype`."""
    with torch.autocast(device(), dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
        yield


def precision(asked: str, work: Callable[[str], object], *, known: Sequence[str] | None = None) -> Precision:
    """The arithmetic to use, measured on the run's own work when the user left it open.

    Args:
        asked: "auto", "float32" or "bfloat16".
        work: Does a representative piece of the run in the given arithmetic; called a few times.
        known: Names the work and the model; the outcome is then kept for this machine, so that the same run takes the
            same arithmetic when it is repeated.
    """
    if asked != "auto":
        return Precision(asked, f"{asked} was asked for.")
    if not has_bfloat16():
        return Precision("float32", "There is no bfloat16 arithmetic on this machine: float32 is used.")
    memory = None if known is None else _memory(known)
    if memory is not None and memory.is_file():
        return _told(float(memory.read_text()), "measured earlier")
    ratio = _measured(work)
    if memory is not None:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(str(ratio))
    return _told(ratio, "measured")


def _memory(known: Sequence[str]) -> Path:
    """The file that keeps what was measured for this work of this model on this machine."""
    ingredients = [*known, torch.__version__, platform.node(), torch.get_num_threads()]
    key = hashlib.sha256(json.dumps(ingredients).encode()).hexdigest()[:32]
    return features.cache_root() / "precision" / key


def _told(ratio: float, when: str) -> Precision:
    dtype = "bfloat16" if ratio >= WORTH else "float32"
    return Precision(dtype, f"bfloat16 {when} {ratio:.1f} times as fast as float32 here: {dtype} is used.", ratio)


def _measured(work: Callable[[str], object]) -> float:
    """How many times as fast bfloat16 is; the two take turns, so that a disturbance meets both, and the best counts."""
    best = {"float32": math.inf, "bfloat16": math.inf}
    for dtype in best:
        work(dtype)
    end = time.perf_counter() + MEASURED_SECONDS
    while math.isinf(best["bfloat16"]) or time.perf_counter() < end:
        for dtype in best:
            start = time.perf_counter()
            work(dtype)
            best[dtype] = min(best[dtype], time.perf_counter() - start)
    return best["float32"] / best["bfloat16"]


def measured_precision() -> Precision:
    """What a matrix product alone says about bfloat16 on this machine; for `headstart doctor`."""
    return precision("auto", product)


def product(dtype: str) -> None:
    """A product of two large matrices in the given arithmetic."""
    halves = torch.ones(1024, 1024, dtype=getattr(torch, dtype), device=device())
    halves @ halves
