"""The first stage: what a model's features foretell at each depth, from one pass over the rows and no training."""

# P points, N rows, D width, W sum of the widths of all hidden states

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from headstart import estimates
from headstart.advisor import own_classes, points
from headstart.advisor.own_classes import OwnClasses
from headstart.device import cores
from headstart.estimates import Estimates
from headstart.readings import Reading
from headstart.train.job import Job

Found = TypeVar("Found")

COMBINED = ("logme", "hscore", "loo_ridge", "nearest")
"""Scores whose ranks are averaged; the prior of size is shown beside them."""
AT_ONCE = 8
"""Layers scored at a time at most: each holds its features in float64 and a block of similarities."""


@dataclass(frozen=True)
class Scored:
    """A model up to a depth: the reference, how many blocks run, the one layer a head reads, and its scores.

    Of a model as a whole that came with classes of its own, also what those foretell.
    """

    ref: str
    name: str
    blocks: int
    reading: str
    parameters: int
    estimates: Estimates
    own: OwnClasses | None = None

    def to_json(self) -> dict[str, Any]:
        """Every score of it, with the interval of the left-out accuracy."""
        low, high = self.estimates.ridge.interval
        return {
            "model": self.ref,
            "blocks": self.blocks,
            "reads": f"layer {self.reading}",
            "parameters": self.parameters,
            "prior": estimates.size_prior(self.parameters) if self.parameters else None,
            "scores": self.estimates.scores,
            "own_classes": None if self.own is None else asdict(self.own),
            "accuracy": {"value": self.estimates.ridge.accuracy, "low": low, "high": high, "method": "Wilson score"},
        }


def of(job: Job, ref: str) -> list[Scored]:
    """The model at every depth, from one block to all.

    Args:
        job: With all rows there are to learn from, and the model; its features are kept for the fit that follows.
        ref: What the model is called by.
    """
    widths, blocks = job.backbone.widths, job.backbone.blocks
    found_points = points.of(job)
    layers = range(1, len(widths)) if len(widths) > 1 else range(1)
    read = [np.asarray(Reading(((layer,),)).of(found_points.features_PW, widths)) for layer in layers]
    found = side_by_side(lambda each_PD: estimates.of(each_PD, found_points.truth), read)
    of_layer = dict(zip(layers, found, strict=True))
    sizes = _parameters(job.backbone.module, blocks)
    scored = []
    for depth in layers:
        reads = highest_as_good(of_layer, depth)
        size = sizes[min(depth, len(sizes) - 1)]
        scored.append(Scored(ref, job.backbone.ref.name, min(depth, len(blocks)), str(reads), size, of_layer[reads]))
    return [*scored[:-1], replace(scored[-1], own=own_classes.of(job))]


def side_by_side(judge: Callable[[npt.NDArray[Any]], Found], layers: Sequence[npt.NDArray[Any]]) -> list[Found]:
    """What is found of each layer's features, of as many layers at a time as there are cores.

    A layer has a core to itself: threads that share its products wait for each other, and for what one of them does
    alone. A single layer has all cores.

    Args:
        judge: Scores one layer.
        layers: What each gives for the points, shapes (P, D); the widths may differ.
    """
    if len(layers) == 1:
        return [judge(layers[0])]
    with threadpool_limits(1), ThreadPoolExecutor(min(AT_ONCE, cores())) as pool:
        return list(pool.map(judge, layers))


def highest_as_good(of_layer: Mapping[int, Estimates], depth: int) -> int:
    """Which layer a head reads that may read up to this depth: the highest, unless a lower one is surely better.

    The best of many layers on few rows is often there by chance, and far from the best on others.
    """
    best = max((layer for layer in of_layer if layer <= depth), key=lambda layer: of_layer[layer].ridge.accuracy)
    is_as_good = of_layer[depth].ridge.accuracy >= of_layer[best].ridge.interval[0]
    return depth if is_as_good else best


def best(depths: Sequence[Scored]) -> Scored:
    """The model at the depth that foretells best; of equal ones the lowest."""
    return max(depths, key=lambda one: one.estimates.left_out)


def _parameters(module: Any, blocks: Sequence[Any]) -> list[int]:
    """How many numbers the stem has, and the stem with one block, with two, and so on."""
    of_blocks = [sum(parameter.numel() for parameter in block.parameters()) for block in blocks]
    stem = sum(parameter.numel() for parameter in module.parameters()) - sum(of_blocks)
    return [stem + sum(of_blocks[:depth]) for depth in range(len(blocks) + 1)]


def ranking(wholes: Sequence[Scored], *, seed: int) -> list[dict[str, Any]]:
    """The models, the best first: mean rank over the scores, and how probably each is the best.

    Args:
        wholes: Each model at its best depth, all scored on the same rows.
        seed: Of the bootstrap.
    """
    scores: Mapping[str, list[float]] = {name: [one.estimates.scores[name] for one in wholes] for name in COMBINED}
    fused = estimates.fused(scores)
    chance = estimates.probability_of_best(np.stack([one.estimates.ridge.hits_N for one in wholes]), seed=seed)
    order = sorted(range(len(wholes)), key=lambda at: (fused[at], -chance[at]))
    return [
        {"model": wholes[at].ref, "mean_rank": float(fused[at]), "probability_of_best": float(chance[at])}
        for at in order
    ]
