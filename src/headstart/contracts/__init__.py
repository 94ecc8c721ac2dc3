"""The protocols plug-ins fulfil, and the values that cross between rooms. Names and shapes only: nothing here computes.

A plug-in is a module whose functions carry these names; a module satisfies a protocol as an object does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.contracts.data import SPLITS, Field, FieldKind, Modality, Problem, Rows, Severity, Splits
from headstart.contracts.models import (
    Backbone,
    Device,
    Encoded,
    Frame,
    Hidden,
    Inputs,
    Listed,
    Ref,
    Source,
    Speller,
    States,
    Writing,
)
from headstart.contracts.tasks import (
    Learned,
    Per,
    PlaceTask,
    Points,
    Prediction,
    ReadAt,
    Strategy,
    Task,
    Where,
    WrittenTask,
)

if TYPE_CHECKING:
    from headstart.contracts.data import Indices

__all__ = [
    "SPLITS",
    "Backbone",
    "Device",
    "Encoded",
    "Field",
    "FieldKind",
    "Frame",
    "Hidden",
    "Indices",
    "Inputs",
    "Learned",
    "Listed",
    "Modality",
    "Per",
    "PlaceTask",
    "Points",
    "Prediction",
    "Problem",
    "ReadAt",
    "Ref",
    "Rows",
    "Severity",
    "Source",
    "Speller",
    "Splits",
    "States",
    "Strategy",
    "Task",
    "Where",
    "Writing",
    "WrittenTask",
]
