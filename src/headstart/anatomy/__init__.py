"""What a loaded model is made of and what it costs: told by the live modules and one real pass, never by its name.

Facts only: how they are shown is the command line's and the report's business.
"""

from __future__ import annotations

from headstart.anatomy.facts import Anatomy, Attention, FeedForward, File, Layer, Part, TrainingMemory, Unit, Work
from headstart.anatomy.memory import training_memory
from headstart.anatomy.whole import of

__all__ = [
    "Anatomy",
    "Attention",
    "FeedForward",
    "File",
    "Layer",
    "Part",
    "TrainingMemory",
    "Unit",
    "Work",
    "of",
    "training_memory",
]
