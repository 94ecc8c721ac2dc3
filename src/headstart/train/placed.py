"""A network for places in pictures: a task's own layers on several maps of a backbone, or the ecosystem's class."""

# B rows, D width, S pixels on a side of an input

from __future__ import annotations

from typing import cast

import torch

from headstart import batches
from headstart.contracts import Backbone, Encoded, PlaceTask, Strategy
from headstart.device import device
from headstart.errors import MismatchError
from headstart.heads import form
from headstart.heads.layers import grid_of
from headstart.network import Headed
from headstart.readings import Reading
from headstart.train import own
from headstart.train.job import Job

FINEST, COARSEST = 4, 32
"""Strides of the maps that are read: finer ones know little more than colours, coarser ones not where anything is."""


PIXELS = 2**20
"""Of the inputs that are learnt from at once where nobody says how many rows: about a GiB with a small model."""


def piece(job: Job) -> int:
    """Rows that are in memory at once."""
    assert job.frame is not None, "pictures whose places matter have a frame"
    fitting = max(1, PIXELS // job.frame.size**2)
    return job.settings.micro_batch or min(job.settings.batch_size, fitting)


def headed(job: Job, boundary: int, encoded: Encoded, strategy: Strategy) -> Headed:
    """A copy of the backbone under fresh layers of the task; what is below the boundary does not learn.

    Args:
        job: What to learn from.
        boundary: From the strategy.
        encoded: Rows to try it on.
        strategy: Says what is trained above the boundary.

    Raises:
        MismatchError: The model gives no maps of pictures.
    """
    reading, widths, strides = maps_of(job.backbone, encoded)
    made = form.of_maps(job.settings, widths, strides)
    module = own.adapted(job, boundary, strategy)
    built = cast(PlaceTask, job.task).layers(made, len(job.names))
    # a few pictures at a time say little of all, and fresh weights have no statistics to keep
    keeps = job.settings.strategy != "scratch"
    whole = Headed(job.backbone, reading, built, made, module=module, boundary=boundary, keeps_statistics=keeps)
    own.leave_out(whole.to(device()), encoded)
    return whole


def maps_of(backbone: Backbone, encoded: Encoded) -> tuple[Reading, list[int], list[int]]:
    """Which hidden states are read, the finest first: of each stride the highest; with their widths and strides.

    Raises:
        MismatchError: None is a map of a picture.
    """
    inputs = batches.placed(encoded.take([0]))
    with torch.no_grad():
        states = backbone.states(backbone.module.to(device()).eval(), inputs).layers
    side = inputs.tensors["pixel_values"].shape[-1]
    found: dict[int, tuple[int, int]] = {}
    for layer, state in enumerate(states):
        if state.ndim < 3:
            raise MismatchError(f'"{backbone.ref}" gives one vector for a picture and no map. Choose another model.')
        grid = grid_of(state)
        found[round(side / grid.shape[1])] = layer, grid.shape[3]
    usual = [stride for stride in sorted(found) if FINEST <= stride <= COARSEST]
    strides = usual or [min(found, key=lambda stride: abs(stride - FINEST))]
    layers = tuple((found[stride][0],) for stride in strides)
    return Reading(layers), [found[stride][1] for stride in strides], strides
