"""A network whose head is ours while the backbone below it moves too, or is run anew in each epoch."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
from torch import nn

from headstart import batches, stack
from headstart.contracts import Encoded, Strategy
from headstart.device import device
from headstart.errors import SettingError
from headstart.heads import form, layers
from headstart.network import Headed
from headstart.progress import Note
from headstart.readings import Reading, one_layer, readings
from headstart.train.job import Job
from headstart.train.states import seen


def read_as_made(job: Job, strategy: Strategy) -> Job:
    """The job with a row read as the model was trained to make one vector of it, where its files say how.

    Only where nothing else is asked of the head: the ecosystem's class would read what the model never learnt to sum a
    row up in, such as the first token of a model that averages.
    """
    pooling, asked = job.backbone.pooling, job.settings
    is_open = (asked.head, asked.pool, asked.read) == ("linear", "auto", "auto")
    takes_it = job.task.per == "row" and job.writing is None and "pool" not in strategy.unused(asked, job.task)
    if pooling is None or not is_open or not takes_it or (pooling == "cls" and not job.backbone.has_cls):
        return job
    job.listener(Note(f"A row is read as the model was trained to: --pool {pooling}."))
    return dataclasses.replace(job, settings=dataclasses.replace(asked, pool=pooling))


def headed(job: Job, boundary: int, encoded: Encoded, strategy: Strategy) -> Headed:
    """A copy of the backbone with a fresh head; what is below the boundary, or not read by the head, does not learn.

    Args:
        job: What to learn from.
        boundary: From the strategy.
        encoded: Rows to try it on.
        strategy: Says what learns above the boundary.

    Raises:
        SettingError: The head would read nothing that learns.
        MismatchError: The model does not give what the head reads.
    """
    reading = _reading(job)
    _verify(job, reading, boundary)
    is_image = job.backbone.modality == "image"
    made = form.asked(job.settings, reading.width(job.backbone.widths), is_of_map=is_image, is_by_token=job.is_by_token)
    if made.reads_states:
        seen(job.backbone, reading, encoded)
    module = adapted(job, boundary, strategy)
    built = layers.build(made, len(job.names))
    whole = Headed(job.backbone, reading, built, made, module=module, boundary=boundary).to(device())
    leave_out(whole, encoded)
    return whole


def adapted(job: Job, boundary: int, strategy: Strategy) -> nn.Module:
    """A copy of the backbone in which above the boundary learns what the strategy says."""
    module = copy.deepcopy(job.backbone.module)
    stack.freeze(module, boundary)
    return strategy.adapt(module, boundary, job.settings)


def _reading(job: Job) -> Reading:
    """What the head reads: as asked, by default the last layer."""
    widths = job.backbone.widths
    if job.settings.reads_states or job.settings.read in ("auto", "classifier"):
        return one_layer(job.settings.read, widths)
    return readings(job.settings.read, widths)[0]


def _verify(job: Job, reading: Reading, boundary: int) -> None:
    highest = reading.layers[-1]
    # a family that does not tell its stem's output counts its blocks from 0
    block = highest + 1 - (len(job.backbone.widths) - len(job.backbone.blocks))
    if block < boundary <= len(job.backbone.blocks):
        raise SettingError(
            f"--read {job.settings.read} --top {job.settings.top}: the head would read below the blocks that are "
            f"trained. Read a higher layer, or train more blocks."
        )


def leave_out(whole: Headed, encoded: Encoded) -> None:
    """Stops the training of what the answer does not depend on: blocks above the layer read, and poolers."""
    inputs = batches.placed(encoded.take(np.argsort(encoded.lengths)[[0, -1]]))
    whole.eval()(inputs).sum().backward()
    for parameter in whole.parameters():
        parameter.requires_grad_(parameter.grad is not None)
        parameter.grad = None
