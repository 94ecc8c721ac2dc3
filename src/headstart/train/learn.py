"""From a boundary to a trained network: a head on features where no block moves, else the loop on all above it."""

from __future__ import annotations

from headstart.contracts import Strategy
from headstart.train import head, whole
from headstart.train.job import Job, Learnt

__all__ = ["Job", "Learnt", "learn"]


def learn(job: Job, boundary: int, strategy: Strategy) -> Learnt:
    """The trained network.

    Args:
        job: What to learn from and with.
        boundary: From the strategy; above the highest block only a head is learnt.
        strategy: Says what is trained above the boundary.
    """
    if boundary > len(job.backbone.blocks):
        return head.learn(job)
    return whole.learn(job, boundary, strategy)
