"""How well a model's features suit a task, told from the features and classes alone, and no model trained.

Pure functions of arrays; where the features come from, and what is decided from the scores, is the advisor's business.
"""

from __future__ import annotations

from headstart.estimates.candidates import fused, probability_of_best, ranks, size_prior
from headstart.estimates.decomposition import Decomposed, centred, decomposed
from headstart.estimates.evidence import logme
from headstart.estimates.left_out import LeftOut
from headstart.estimates.neighbours import nearest
from headstart.estimates.ridge import loo_ridge
from headstart.estimates.separation import hscore
from headstart.estimates.source_head import leep, nce
from headstart.estimates.whole import Estimates, of

__all__ = [
    "Decomposed",
    "Estimates",
    "LeftOut",
    "centred",
    "decomposed",
    "fused",
    "hscore",
    "leep",
    "logme",
    "loo_ridge",
    "nce",
    "nearest",
    "of",
    "probability_of_best",
    "ranks",
    "size_prior",
]
