"""What the classes that a model came with foretell of the new ones, where it came with any; shown beside its scores."""

# N rows, Z classes of the model's own

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart import answering, estimates
from headstart.advisor import points
from headstart.network import Whole
from headstart.train.job import Job

MOST = 200
"""Rows that the model is asked about: it is run once more for them."""


@dataclass(frozen=True)
class OwnClasses:
    """LEEP and NCE, in nats a row, and between what they lie: 0 where the model's classes tell the new ones apart, and
    minus the entropy of these where they tell nothing."""

    classes: int
    leep: float
    nce: float
    entropy: float


def of(job: Job) -> OwnClasses | None:
    """How well they foretell the classes of the training rows; None where a row has not just one, or the model none.

    Args:
        job: With all rows there are to learn from, and the model.
    """
    if job.task.per != "row":
        return None
    truth_N = job.task.points(job.train, job.learned).truth
    module = job.backbone.as_trained(job.task.auto_class) if truth_N.ndim == 1 else None
    if module is None:
        return None
    rows = points.some_of(len(truth_N), seed=job.settings.seed, most=MOST)
    logits_NZ = answering.by_row(Whole(module), job.encoded(job.train.take(rows)))
    likely_NZ = logits_NZ.double().softmax(dim=1).numpy()
    shares = np.bincount(truth_N[rows]) / len(rows)
    return OwnClasses(
        classes=likely_NZ.shape[1],
        leep=estimates.leep(likely_NZ, truth_N[rows]),
        nce=estimates.nce(likely_NZ, truth_N[rows]),
        entropy=-float((shares[shares > 0] * np.log(shares[shares > 0])).sum()),
    )
