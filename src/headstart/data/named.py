"""Numbered classes of Parquet files by the names that the `datasets` library wrote beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

Names = Mapping[str, Sequence[str]]


def class_names(schema: pa.Schema) -> Names:
    """Column -> the names of its numbers, for columns of classes and of lists of them."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        told = {column: feature.get("feature", feature).get("names") for column, feature in features.items()}
    except (KeyError, ValueError, AttributeError, TypeError):
        return {}
    return {column: names for column, names in told.items() if isinstance(names, list)}


def named_by(names: Sequence[str] | None, value: Any) -> Any:
    """The value with the names of its numbers, where there are any; a number without a name stays."""
    if names is None or value is None:
        return value
    if isinstance(value, list):
        return [named_by(names, one) for one in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value
