"""From boundaries to a trained network: a head on features where no block moves, else the loop on all above it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from headstart.contracts import Backbone, Rows, Strategy, Task
from headstart.settings import FitSettings, Recipe
from headstart.train import head, hearing, states, whole
from headstart.train.frames import frame
from headstart.train.job import NOWHERE, Around, Job, Learnt
from headstart.writer import writes

__all__ = ["NOWHERE", "Around", "Job", "Learnt", "frame", "learn", "recipe"]

RATE = 3e-5
"""Peak rate of a decoder that was trained before: a fortieth of the rate of its pretraining, as is usual of Whisper."""
EPOCHS, PATIENCE = 10, 3
"""Of such a decoder, at most."""


def learn(job: Job, stages: Sequence[int], strategy: Strategy) -> Learnt:
    """The trained network.

    Args:
        job: What to learn from and with.
        stages: Boundaries from the strategy; where the last is above the highest block only a head is learnt.
        strategy: Says what is trained above the boundary.
    """
    if job.backbone.modality == "audio" and job.is_by_token:
        hearing.verify(job.train, job.encoded(job.train), job.settings.max_length or hearing.WINDOW)
    if stages[-1] <= len(job.backbone.blocks) or job.is_by_place or job.writing is not None:
        return whole.learn(job, stages, strategy)
    if not job.settings.reads_states and not job.is_by_token:
        return head.learn(job)
    return states.learn(job) if job.settings.cache else whole.learn(job, stages, strategy)


def recipe(task: Task, backbone: Backbone, strategy: Strategy, settings: FitSettings, rows: Rows) -> Recipe:
    """What is trained with: what the user gave, and for the rest what suits strategy, task, model and these rows."""
    own = strategy.recipe(settings, task)
    # a decoder has learnt to write, so that nothing is to be found anew; adapters and fresh weights start from nothing
    if writes(task, backbone) and settings.strategy not in ("lora", "scratch"):
        own = dataclasses.replace(own, epochs=min(own.epochs, EPOCHS), lr=RATE, patience=PATIENCE)
    return settings.recipe(own, len(rows), len(task.names(task.learn(rows))) if own.steps_a_class else 0)
