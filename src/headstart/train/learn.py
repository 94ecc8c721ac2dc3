"""From boundaries to a trained network: a head on features where no block moves, else the loop on all above it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from headstart.contracts import Strategy
from headstart.settings import Recipe
from headstart.train import head, hearing, states, whole
from headstart.train.frames import frame
from headstart.train.job import NOWHERE, Around, Job, Learnt

__all__ = ["NOWHERE", "Around", "Job", "Learnt", "frame", "learn", "to_write"]

RATE = 3e-5
"""Peak rate of a decoder that was trained before: a fortieth of the rate of its pretraining, as is usual of Whisper."""


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


def to_write(recipe: Recipe, strategy: str) -> Recipe:
    """A strategy's recipe for a model that writes: its decoder has learnt to, so that nothing is to be found anew.

    Args:
        recipe: For models that answer for frames, under fresh outputs.
        strategy: Adapters start from nothing, and so does "scratch".
    """
    if strategy in ("lora", "scratch"):
        return recipe
    return dataclasses.replace(recipe, epochs=min(recipe.epochs, 10), lr=RATE, patience=3)
