"""The drawings of the page: pure functions from figures to SVG that reads on a phone, in light and in dark.

They draw what the files say and decide nothing; each returns an empty string where there is nothing to draw.
"""

# C classes

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from headstart.report import words as say
from headstart.report.svg import (
    Scale,
    box,
    dot,
    drawing,
    element,
    fitted,
    line,
    ticks,
    width_of,
    words,
)
from headstart.score import wilson

NOTHING = Markup("")
WIDTH = 440.0
"""Of a plot, in units near a CSS pixel: small enough that its text is still legible on a phone."""
TEXT = 13.0
NUMBERED_CLASSES = 12
"""Up to here a confusion matrix has room for its counts."""
MAPPED_CLASSES = 120
"""Beyond this even a heat map is only noise; the page's list of confused pairs remains."""


def comparison(metric: str, measured: Mapping[str, Mapping[str, Any]]) -> Markup:
    """The metric of each method with its 95 % interval, one line a method, the first one ours.

    Args:
        metric: Its name.
        measured: Method -> value, low, high.
    """
    ends = [figure.get(end, figure["value"]) for figure in measured.values() for end in ("low", "high")]
    marks = ticks(min(ends), max(ends))
    x = Scale(marks[0], marks[-1], 12, WIDTH - 12)
    bottom = 58.0 * len(measured) + 2
    parts = [_vertical(x, mark, top=4, bottom=bottom) for mark in marks]
    for index, (name, figure) in enumerate(measured.items()):
        parts += _whisker(x, 28 + 58.0 * index, name, figure, kind="ours" if index == 0 else "other")
    parts.append(words((WIDTH / 2, bottom + 36), say.metric(metric), "label", anchor="middle"))
    told = "; ".join(f"{name} {say.figure(f['value'])} ({say.interval(f)})" for name, f in measured.items())
    return drawing(WIDTH, bottom + 44, parts, label=f"{say.metric(metric)} with 95 % intervals: {told}")


def _vertical(x: Scale, mark: float, *, top: float, bottom: float) -> Markup:
    label = words((x(mark), bottom + 17), f"{mark:g}", "tick", anchor="middle")
    return line((x(mark), top), (x(mark), bottom), "grid") + label


def _whisker(x: Scale, y: float, name: str, figure: Mapping[str, Any], *, kind: str) -> list[Markup]:
    at = x(figure["value"])
    parts = [words((12, y), fitted(name, TEXT, WIDTH - 90), f"name {kind}")]
    parts.append(words((WIDTH - 12, y), say.figure(figure["value"]), f"name {kind}", anchor="end"))
    if say.interval(figure):
        parts.append(line((x(figure["low"]), y + 17), (x(figure["high"]), y + 17), f"whisker {kind}"))
    return [*parts, dot((at, y + 17), 5.5, f"mark {kind}", tip=f"{name} {say.figure(figure['value'])}")]


def horizontals(x: Scale, y: Scale, marks: Sequence[float]) -> list[Markup]:
    """Grid lines across a plot, each with its value at the left."""
    grid = [line((x.start, y(mark)), (x.end, y(mark)), "grid") for mark in marks]
    return grid + [words((x.start - 8, y(mark) + 4), f"{mark:g}", "tick", anchor="end") for mark in marks]


# ----------------------------------------------------------------------------------------------------- confusion


def confusion(names: Sequence[str], counts: Sequence[Sequence[int]]) -> Markup:
    """Truth down, prediction across; a cell is as strong as its share of the row, mistakes in their own colour."""
    if len(names) > MAPPED_CLASSES:
        return NOTHING
    is_small = len(names) <= NUMBERED_CLASSES
    cell = min(84.0, max(44.0, 330.0 / len(names))) if is_small else max(9.0, 480.0 / len(names))
    size = TEXT if is_small else min(TEXT, cell * 0.92)
    margin = min(150.0, max(width_of(name[:80], size) for name in names) + 10)
    left, top = margin + 18, margin * 0.9 + 24
    parts = [part for index, name in enumerate(names) for part in _labels(name, index, cell, (left, top), size, margin)]
    for truth, row in enumerate(counts):
        parts += _cells(names, truth, row, cell=cell, corner=(left, top), is_small=is_small)
    side = cell * len(names)
    parts.append(element("rect", {"x": left, "y": top, "width": side, "height": side, "class": "frame"}))
    parts.append(words((2, 13), "truth ↓, predicted →", "label"))
    right = sum(counts[index][index] for index in range(len(names)))
    label = f"Confusion matrix of {len(names)} classes: {right} of {sum(map(sum, counts))} rows on the diagonal"
    return drawing(left + side + margin * 0.55 + 4, top + side + 4, parts, label=label)


def _labels(
    name: str, index: int, cell: float, corner: tuple[float, float], size: float, margin: float
) -> tuple[Markup, Markup]:
    middle, text = (index + 0.5) * cell, fitted(name, size, margin - 8)
    across = words((corner[0] + middle + size * 0.3, corner[1] - 6), text, "tick", turn=-60, size=size)
    return words((corner[0] - 6, corner[1] + middle + size * 0.35), text, "tick", anchor="end", size=size), across


def _cells(
    names: Sequence[str],
    truth: int,
    row: Sequence[int],
    *,
    cell: float,
    corner: tuple[float, float],
    is_small: bool,
) -> list[Markup]:
    """The cells of one true class that hold rows; empty ones stay paper, which keeps 77 classes small."""
    parts, total = [], sum(row)
    for predicted, count in enumerate(row):
        if count == 0:
            continue
        share, kind = count / total, "hit" if predicted == truth else "miss"
        at = (corner[0] + predicted * cell, corner[1] + truth * cell)
        tip = f"{names[truth]} → {names[predicted]}: {count} of {total}"
        parts.append(box(at, (cell - 1, cell - 1), kind, opacity=0.28 + 0.72 * share, tip=tip))
        if is_small:
            shade = "count strong" if share > 0.5 else "count"
            parts.append(words((at[0] + cell / 2, at[1] + cell / 2 + 5), str(count), shade, anchor="middle"))
    return parts


# --------------------------------------------------------------------------------------------------- reliability


def reliability(bins: Sequence[Mapping[str, Any]]) -> Markup:
    """How often the model is right against how sure it says it is; on the dashed line the two agree."""
    x, y = Scale(0, 1, 48, WIDTH - 14), Scale(0, 1, 306, 28)
    marks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    parts = [*horizontals(x, y, marks), line((x(0), y(0)), (x(1), y(1)), "agree")]
    largest = max((one["count"] for one in bins), default=1)
    for one in bins:
        parts += _bin(x, y, one, largest)
    parts += [words((x(mark), 384), f"{mark:g}", "tick", anchor="middle") for mark in marks]
    parts += [
        words((2, 12), "share that is right", "label"),
        words((WIDTH / 2 + 18, 406), "confidence (bars: rows in each bin)", "label", anchor="middle"),
    ]
    told = "; ".join(f"{say.figure(one['confidence'])} sure, {say.figure(one['accuracy'])} right" for one in bins)
    return drawing(WIDTH, 414, parts, label=f"Reliability by confidence: {told}")


def _bin(x: Scale, y: Scale, one: Mapping[str, Any], largest: int) -> list[Markup]:
    low, high = wilson(round(one["accuracy"] * one["count"]), one["count"])
    at, tall = x(one["confidence"]), max(1.5, 44 * one["count"] / largest)
    tip = f"{one['count']} rows, {say.figure(one['confidence'])} sure, {say.figure(one['accuracy'])} right"
    bar = box((x(one["low"]) + 1, 366 - tall), (x(one["high"]) - x(one["low"]) - 2, tall), "bar", tip=tip)
    return [
        bar,
        line((at, y(low)), (at, y(high)), "whisker ours thin"),
        dot((at, y(one["accuracy"])), 5, "mark ours", tip=tip),
    ]
