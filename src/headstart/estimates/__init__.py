"""How well a model's features suit a task, told from the features and classes alone, and no model trained.

Pure functions of arrays; where the features come from, and what is decided from the scores, is the advisor's business.
"""

from __future__ import annotations

from headstart.estimates.decomposition import Decomposed, centred, decomposed
from headstart.estimates.left_out import LeftOut
from headstart.estimates.ridge import loo_ridge

__all__ = ["Decomposed", "LeftOut", "centred", "decomposed", "loo_ridge"]
