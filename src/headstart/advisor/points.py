"""What a model's states are scored by: whole rows, or words, frames and regions that a task says stand for them.

Which these are is the task's business (`Task.points`); here some of them are drawn, and the states averaged over each.
"""

# N rows, P points, D width, W sum of the widths of all hidden states

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from headstart import batches, kernels, windows
from headstart.contracts import Encoded, Points, States
from headstart.device import device
from headstart.errors import DataError
from headstart.settings import WINDOWS
from headstart.train import vectors
from headstart.train.job import Job

if TYPE_CHECKING:
    from headstart.contracts import Indices

MOST = 2000
"""Points that are scored; more of them change a ranking no further than chance does."""
MOST_ROWS = 600
"""Rows whose parts are looked at; they have many points each."""
TIMES = 3
"""The commonest class of words or frames has at most so many times the points of all others."""
ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class Scorable:
    """Every hidden state of some points side by side, shape (P, W), and the truth of each.

    The truth is a class number, shape (P,), or 1 where a point has a label, shape (P, C).
    """

    features_PW: npt.NDArray[np.float32]
    truth: npt.NDArray[Any]


def of(job: Job) -> Scorable:
    """The points of the training rows, drawn where there are many.

    Raises:
        DataError: They have none.
    """
    if job.task.per == "row":
        truth = job.task.points(job.train, job.learned).truth
        rows = some_of(len(truth), seed=job.settings.seed)
        return Scorable(vectors.pooled(job)[rows], truth[rows])
    rows = some_of(len(job.train), seed=job.settings.seed, most=MOST_ROWS)
    # points are told by token, also where the model writes
    encoded = job.encoded(job.train.take(rows), long=WINDOWS if job.writing is not None else None)
    owners = rows[windows.owners(encoded)]
    # a picture that is read in many tiles, or a long text, is looked at in some of them
    looked = np.array_split(some_of(len(owners), seed=job.settings.seed, most=MOST_ROWS), _num_parts(len(owners)))
    told = [job.task.points(job.train.take(owners[part]), job.learned, encoded.take(part).where) for part in looked]
    truth = np.concatenate([points.truth for points in told])
    if not len(truth):
        raise DataError("The rows show nothing that a model could be scored by: no part of any has a class. Add some.")
    chosen = thinned(truth, per=job.task.per, seed=job.settings.seed)
    return _averaged(job, encoded, looked, told, chosen)


def _num_parts(num_rows: int) -> int:
    return -(-min(num_rows, MOST_ROWS) // ROWS_AT_ONCE)


def some_of(num: int, *, seed: int, most: int = MOST) -> Indices:
    """At most so many of them, in order."""
    return np.sort(np.random.default_rng(seed).permutation(num)[:most])


def thinned(classes_P: npt.NDArray[np.int64], *, per: str, seed: int) -> Indices:
    """Which points are scored, in order: of places as many of each class, of others the commonest class held down.

    Args:
        classes_P: Of all points.
        per: What answers belong to.
        seed: Of the draw.

    Source: words outside of entities at most three times those within, and pixels balanced by class, as is usual where
    such scores are compared (Tan et al., CVPR 2021, "OTCE").
    """
    counts = np.bincount(classes_P)
    most = counts.copy()
    if per == "place":
        most = np.minimum(counts, max(1, MOST // max(1, int((counts > 0).sum()))))
    else:
        common = int(counts.argmax())
        most[common] = min(counts[common], max(1, TIMES * (counts.sum() - counts[common])))
    order = np.random.default_rng(seed).permutation(len(classes_P))
    kept = [order[classes_P[order] == one][:limit] for one, limit in enumerate(most.tolist())]
    return some_of_these(np.concatenate(kept), seed=seed)


def some_of_these(points: Indices, *, seed: int) -> Indices:
    """At most `MOST` of these, in order."""
    return np.sort(points[some_of(len(points), seed=seed)])


def _averaged(job: Job, encoded: Encoded, looked: list[Indices], told: list[Points], chosen: Indices) -> Scorable:
    """The states of the chosen points, a pass over the rows that have any."""
    module = kernels.tuned(job.backbone.module.eval().to(device()))
    features, truth, before = list[Any](), list[Any](), 0
    for part, points in zip(looked, told, strict=True):
        mine = chosen[(chosen >= before) & (chosen < before + len(points.truth))] - before
        before += len(points.truth)
        if not len(mine):
            continue
        rows, at = np.unique(points.owners[mine], return_inverse=True)
        inputs = batches.placed(encoded.take(part[rows]))
        with torch.inference_mode():
            states = job.backbone.states(module, inputs)
        assert points.places is not None, "points within rows lie somewhere in them"
        features += [_of_point(states, int(row), points.places[one]) for row, one in zip(at, mine, strict=True)]
        truth.append(points.truth[mine])
    return Scorable(np.stack(features).astype(np.float32), np.concatenate(truth))


def _of_point(states: States, row: int, place: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Every state averaged over a place, side by side, shape (W,)."""
    found = [(_of_span if len(place) == 2 else _of_region)(layer[row], place) for layer in states.layers]
    return np.concatenate([one.float().cpu().numpy() for one in found])


def _of_span(state_TD: torch.Tensor, place: npt.NDArray[Any]) -> torch.Tensor:
    """The mean over positions [first, after)."""
    first, after = (int(end) for end in place)
    return state_TD[first:after].mean(dim=0)


def _of_region(state: torch.Tensor, place: npt.NDArray[Any]) -> torch.Tensor:
    """The mean over the cells of a map, (D, H, W), that a region touches: left, top, right, bottom as shares of it."""
    if state.ndim == 2:  # patches in a row, behind states that belong to no patch
        side = int(len(state) ** 0.5)
        state = state[-(side**2) :].T.reshape(-1, side, side)
    height, width = state.shape[1:]
    left, top = (min(int(share * size), size - 1) for share, size in zip(place[:2], (width, height), strict=True))
    right, bottom = (max(1, int(np.ceil(share * size))) for share, size in zip(place[2:], (width, height), strict=True))
    return state[:, top : max(bottom, top + 1), left : max(right, left + 1)].mean(dim=(1, 2))
