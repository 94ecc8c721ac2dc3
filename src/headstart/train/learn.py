"""From boundaries to a trained network: a head on features where no block moves, else the loop on all above it."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.contracts import Strategy
from headstart.train import head, hearing, states, whole
from headstart.train.frames import frame
from headstart.train.job import NOWHERE, Around, Job, Learnt

__all__ = ["NOWHERE", "Around", "Job", "Learnt", "frame", "learn"]


def learn(job: Job, stages: Sequence[int], strategy: Strategy) -> Learnt:
    """The trained network.

    Args:
        job: What to learn from and with.
        stages: Boundaries from the strategy; where the last is above the highest block only a head is learnt.
        strategy: Says what is trained above the boundary.
    """
    if job.backbone.modality == "audio" and job.is_by_token:
        hearing.verify(job.train, job.encoded(job.train), job.settings.max_length or hearing.WINDOW)
    if stages[-1] <= len(job.backbone.blocks) or job.is_by_place:
        return whole.learn(job, stages, strategy)
    if not job.settings.reads_states and not job.is_by_token:
        return head.learn(job)
    return states.learn(job) if job.settings.cache else whole.learn(job, stages, strategy)
