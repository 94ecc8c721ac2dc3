"""How results look on stdout: aligned columns, scores and JSON. Pure text; nothing here prints or computes a figure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from headstart.spoken import metric


def as_json(value: Any) -> str:
    """One JSON object on one line, for another program."""
    return json.dumps(value, ensure_ascii=False, default=str)


def columns(rows: Sequence[Sequence[str]], *, indent: str = "") -> list[str]:
    """The rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [indent + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def scores(found: Mapping[str, Any]) -> list[str]:
    """The verdict, then the primary metric with its interval over what each trivial baseline reaches."""
    primary = found["primary"]
    measured = [(f"{found['split']} {metric(primary)}", found["metrics"][primary])]
    baselines = [(name, metrics[primary]) for name, metrics in found.get("baselines", {}).items()]
    lines = columns([(name, *_figure(figure)) for name, figure in measured + baselines], indent="  ")
    if several := found.get("seeds"):
        low, high = several["range"]
        lines.append(f"  {len(several['values'])} seeds: median {several['median']:.4f}, from {low:.4f} to {high:.4f}")
    return [*([found["verdict"], ""] if found.get("verdict") else []), *lines, f"  on {found['rows']} rows"]


def places(named: Mapping[str, object]) -> list[str]:
    """Where to look: a name and a path a line."""
    return columns([(name, str(path)) for name, path in named.items()], indent="  ")


def _figure(figure: Mapping[str, float]) -> tuple[str, str]:
    low, high = figure.get("low"), figure.get("high")
    interval = "" if low is None or high is None else f"95 % interval {low:.4f} to {high:.4f}"
    return f"{figure['value']:.4f}", interval
