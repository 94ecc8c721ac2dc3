"""From a boundary to a trained network: a head on features where no block moves, else the loop on all above it."""

from __future__ import annotations

from headstart.train import head, states, whole
from headstart.train.job import Job, Learnt

__all__ = ["Job", "Learnt", "learn"]


def learn(job: Job, boundary: int) -> Learnt:
    """The trained network.

    Args:
        job: What to learn from and with.
        boundary: From the strategy; above the highest block only a head is learnt.
    """
    if boundary <= len(job.backbone.blocks):
        return whole.learn(job, boundary)
    if not job.settings.reads_states:
        return head.learn(job)
    return states.learn(job) if job.settings.cache else whole.learn(job, boundary)
