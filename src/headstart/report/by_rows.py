"""The drawing of learning curves: how the score grows with the rows, each way to learn a curve with its interval.

Pure functions from the plain values of curves and of their crossing to SVG; which is better is not decided here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from headstart.report import words as say
from headstart.report.plots import NOTHING, TEXT, WIDTH, horizontals
from headstart.report.svg import Scale, area, dot, drawing, fitted, line, polyline, ticks, width_of, words

Values = Mapping[str, Any]
KINDS = ("ours", "theirs", "other")
"""The looks of the curves, in their order."""
TALL = 250.0


def learning_curves(curves: Sequence[Values], *, metric: str, crossing: Values | None = None) -> Markup:
    """The score by the rows learnt from: points for seeds and their mean, a line and a 90 % interval for the curve.

    Args:
        curves: At most three, ours first: "name"; "rows", and "scores" of each a list over seeds; "fit", a list of
            rows, value, low and high that goes on beyond the rows measured.
        metric: Its name.
        crossing: Of the first two: "kind", "low", "rows" and "high", in numbers of rows.
    """
    if not curves:
        return NOTHING
    top = 34.0 + 20 * _num_lines(curves)
    marks = _marks(curves)
    x, y = _across(curves), Scale(marks[0], marks[-1], top + TALL, top)
    last = max(one["rows"][-1] for one in curves)
    parts = [words((2, 12), say.metric(metric), "label"), *_legend(curves), *horizontals(x, y, marks)]
    parts += [words((x(math.log(at)), y.start + 17), f"{at:,}", "tick", anchor="middle") for at in _places(x)]
    parts.append(words(((x.start + x.end) / 2, y.start + 39), "labelled rows to learn from", "label", anchor="middle"))
    parts += _beyond(x, y, last) + _swap(x, y, crossing)
    for one, kind in reversed(list(zip(curves, KINDS, strict=False))):  # ours is drawn last, above the others
        parts += _curve(x, y, one, kind)
    told = "; ".join(_told(one) for one in curves)
    return drawing(WIDTH, y.start + 47, parts, label=f"{say.metric(metric)} by rows to learn from: {told}")


def _across(curves: Sequence[Values]) -> Scale:
    """The logarithm of the rows, from the fewest measured to the most that any curve reaches."""
    rows = [at["rows"] for one in curves for at in one["fit"]]
    slack = 0.02 * math.log(max(rows) / min(rows))
    return Scale(math.log(min(rows)) - slack, math.log(max(rows)) + slack, 48, WIDTH - 14)


def _marks(curves: Sequence[Values]) -> list[float]:
    """Round scores that enclose points and intervals, as far as these are scores at all."""
    scores = [end for one in curves for at in one["fit"] for end in (at["low"], at["high"])]
    scores += [score for one in curves for seeds in one["scores"] for score in seeds]
    return ticks(max(0.0, min(scores)), min(1.0, max(scores)))


def _places(x: Scale) -> list[int]:
    """Round numbers of rows along the axis, 1, 2 and 5 times powers of ten, or only the powers where those are many."""
    low, high = math.exp(x.low), math.exp(x.high)
    powers = [10**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    fine = [factor * power for power in powers for factor in (1, 2, 5) if low <= factor * power <= high]
    return fine if len(fine) <= 8 else [power for power in powers if low <= power <= high]


def _legend(curves: Sequence[Values]) -> list[Markup]:
    """The names with their colours, in as many lines as they need."""
    parts = []
    for one, kind, (left, row) in zip(curves, KINDS, _slots(curves), strict=False):
        at = 32 + 20.0 * row
        parts += [
            line((left, at - 4), (left + 18, at - 4), f"curve {kind}"),
            dot((left + 9, at - 4), 3.5, f"mark {kind}"),
        ]
        parts.append(words((left + 24, at), fitted(one["name"], TEXT, WIDTH - 40), f"name {kind}"))
    return parts


def _slots(curves: Sequence[Values]) -> list[tuple[float, int]]:
    """Where each name of the legend begins, and in which line."""
    slots, left, row = [], 2.0, 0
    for one in curves:
        room = 24 + min(width_of(one["name"], TEXT), WIDTH - 40) + 16
        if left > 2 and left + room - 16 > WIDTH:
            left, row = 2.0, row + 1
        slots.append((left, row))
        left += room
    return slots


def _num_lines(curves: Sequence[Values]) -> int:
    return _slots(curves)[-1][1] + 1


def _beyond(x: Scale, y: Scale, last: int) -> list[Markup]:
    """Where the measurements end."""
    at = x(math.log(last))
    label = words(((at + x.end) / 2, y.start - 8), "not measured", "far", anchor="middle")
    return [line((at, y.start), (at, y.end), "far"), *([label] if x.end - at > 90 else [])]


def _swap(x: Scale, y: Scale, crossing: Values | None) -> list[Markup]:
    """Where the order of the first two swaps, or from where on it is not known."""
    if crossing is None or crossing["low"] is None:
        return []
    is_known = crossing["high"] is not None
    left, right = x(math.log(crossing["low"])), x(math.log(crossing["high"])) if is_known else x.end
    parts = [area([(left, y.start), (left, y.end), (right, y.end), (right, y.start)], "band swap")]
    text = f"order not clear beyond {_rows(crossing['low'])}"
    if is_known:
        middle = x(math.log(crossing["rows"]))
        parts.append(line((middle, y.start), (middle, y.end), "swap"))
        text = f"cross at {_rows(crossing['rows'])} ({_rows(crossing['low'])} to {_rows(crossing['high'])})"
    # beside the band, on the side that has room
    fits = right + 8 + width_of(text, TEXT) < x.end
    at, anchor = (right + 6, "start") if fits else (left - 6, "end")
    return [*parts, words((at, y.start - 26), text, "swap", anchor=anchor)]


def _curve(x: Scale, y: Scale, one: Values, kind: str) -> list[Markup]:
    """The interval, the line, dashed where nothing was measured, and the points."""

    def at(rows: float, score: float) -> tuple[float, float]:
        return x(math.log(rows)), y(min(1.0, max(0.0, score)))

    fit, last = one["fit"], one["rows"][-1]
    edge = [at(place["rows"], place["high"]) for place in fit] + [
        at(place["rows"], place["low"]) for place in fit[::-1]
    ]
    drawn = [place for place in fit if place["rows"] <= last * 1.001]
    carried = fit[len(drawn) - 1 :]
    parts = [area(edge, f"band {kind}")]
    for places, look in ((drawn, f"curve {kind}"), (carried, f"curve {kind} carried")):
        parts.append(polyline([at(place["rows"], place["value"]) for place in places], look))
    for rows, seeds in zip(one["rows"], one["scores"], strict=True):
        mean = sum(seeds) / len(seeds)
        parts += [dot(at(rows, score), 2, f"mark {kind} seed") for score in seeds]
        parts.append(dot(at(rows, mean), 3.5, f"mark {kind}", tip=f"{one['name']}, {rows:,} rows: {say.figure(mean)}"))
    return parts


def _told(one: Values) -> str:
    """The curve read out: its mean score at each size."""
    pairs = zip(one["rows"], one["scores"], strict=True)
    return f"{one['name']} " + ", ".join(
        f"{say.figure(sum(seeds) / len(seeds))} with {rows:,}" for rows, seeds in pairs
    )


def _rows(count: float) -> str:
    """Rows with two digits, as more are not known: "1,300"."""
    return f"{int(float(f'{count:.1e}')):,}"
