"""The drawing of what answers cost and what they are worth: every way by the time of one answer and its score.

A pure function from the entries of advice.json to SVG; which way is dominated was decided before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from headstart.report import words as say
from headstart.report.plots import NOTHING, TEXT, WIDTH, horizontals
from headstart.report.svg import Scale, dot, drawing, fitted, line, ticks, words

Way = Mapping[str, Any]
TOP, BOTTOM = 30.0, 280.0
LARGEST = 11.0
"""Radius of the heaviest model's dot; areas are in proportion to the weights."""
APART = 18.0
"""Between the beginnings of two numbers on one height."""


def trade(ways: Sequence[Way], *, metric: str) -> Markup:
    """The score by the time of an answer, each dot as large as the model; the best of what was not timed is a line.

    Args:
        ways: Of advice.json's "standings", with "number", "is_taken" and "is_dominated".
        metric: Its name.
    """
    timed = [way for way in ways if way["answering"] is not None]
    if not timed:
        return NOTHING
    untimed = sorted((way for way in ways if way["answering"] is None), key=lambda way: -way["score"]["value"])[:1]
    marks = ticks(*_ends([*timed, *untimed]))
    y, x = Scale(marks[0], marks[-1], BOTTOM, TOP), _across([way["answering"]["p50_ms"] for way in timed])
    parts = [words((2, 12), say.metric(metric), "label"), *horizontals(x, y, marks)]
    parts += [words((x(math.log(at)), BOTTOM + 17), f"{at:g}", "tick", anchor="middle") for at in _places(x)]
    parts.append(words(((x.start + x.end) / 2, BOTTOM + 39), "milliseconds for one answer", "label", anchor="middle"))
    parts += [part for way in untimed for part in _level(x, y, way)]
    heaviest, labels = max(way["mib"] for way in timed), list[tuple[float, float]]()
    # small dots are drawn last, or they would lie hidden beneath large ones
    for way in sorted(timed, key=lambda way: (way["is_taken"], -way["mib"])):
        parts += _placed(x, y, way, heaviest, labels)
    told = "; ".join(f"{way['number']} {_told(way)}" for way in ways)
    return drawing(WIDTH, BOTTOM + 47, parts, label=f"{say.metric(metric)} by milliseconds for one answer: {told}")


def _ends(ways: Sequence[Way]) -> tuple[float, float]:
    """The lowest and the highest of all intervals."""
    return min(way["score"]["low"] for way in ways), max(way["score"]["high"] for way in ways)


def _across(times: Sequence[float]) -> Scale:
    """The logarithm of the milliseconds, with room for the numbers beside the dots."""
    low, high = math.log(min(times)), math.log(max(times))
    slack = max(0.35, 0.12 * (high - low))
    return Scale(low - slack, high + slack, 48, WIDTH - 14)


def _places(x: Scale) -> list[float]:
    """Round milliseconds along the axis: 1, 2 and 5 times powers of ten, or even steps where those are few."""
    low, high = math.exp(x.low), math.exp(x.high)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    inside = [at for at in found if low <= at <= high]
    return inside if len(inside) > 2 else [at for at in ticks(low, high, about=4) if low <= at <= high]


def _level(x: Scale, y: Scale, way: Way) -> list[Markup]:
    """A baseline: its score alone is known."""
    at, kind = y(way["score"]["value"]), "ours" if way["is_taken"] else "other"
    name = fitted(f"{way['number']} {way['name']}", TEXT, WIDTH - 80)
    return [
        line((x.start, at), (x.end, at), "agree"),
        words((x.end - 4, at - 6), name, f"name {kind}", anchor="end"),
    ]


def _placed(x: Scale, y: Scale, way: Way, heaviest: float, labels: list[tuple[float, float]]) -> list[Markup]:
    """The dot, its interval and its number, beside those that have their places already."""
    score, kind = way["score"], "ours" if way["is_taken"] else "other"
    at, level = x(math.log(way["answering"]["p50_ms"])), y(score["value"])
    radius = max(3.5, LARGEST * math.sqrt(way["mib"] / heaviest))
    left, low = at + radius + 4, level + 4
    while any(abs(left - other) < APART and abs(low - beside) < TEXT for other, beside in labels):
        left += APART
    labels.append((left, low))
    return [
        line((at, y(score["low"])), (at, y(score["high"])), f"whisker thin {kind}"),
        dot((at, level), radius, f"{'hollow' if way['is_dominated'] else 'mark'} {kind}", tip=_told(way)),
        words((left, low), str(way["number"]), f"name {kind}"),
    ]


def _told(way: Way) -> str:
    score = f"{way['name']} {say.figure(way['score']['value'])}"
    return score if way["answering"] is None else f"{score} in {say.milliseconds(way['answering']['p50_ms'])}"
