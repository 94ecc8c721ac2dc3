"""The drawings of how a model was learnt or chosen: by epoch, by reading, by strength of regularisation.

Pure functions from the entries of run.json's "learning" to SVG; what has nothing to draw is an empty string.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from headstart.report import words as say
from headstart.report.plots import NOTHING, TEXT, WIDTH, horizontals
from headstart.report.svg import Scale, dot, drawing, fitted, line, polyline, ticks, words

Entries = Sequence[Mapping[str, Any]]
LEFT_OUT = "leave_one_out_"
"""How figures of rows that were left out are called; what follows is the measure."""
PANEL = 160.0
"""Height of one panel with its title."""
FIRST = 26.0
"""Where the first panel begins; its title stands above."""


@dataclass(frozen=True)
class Curve:
    """Points of one thing that was followed; the chosen curve is drawn in the accent, its chosen point in a ring."""

    name: str
    points: tuple[tuple[float, float], ...]
    is_chosen: bool = True
    ringed: int | None = None


def learning(entries: Entries, metric: str) -> Markup:
    """The validation metric by epoch with the best one ringed, and the training loss below it."""
    steps = [entry for entry in entries if "epoch" in entry]
    judged = [(float(step["epoch"]), step["validation"][metric]) for step in steps if metric in step["validation"]]
    losses = [(float(step["epoch"]), step["loss"]) for step in steps if math.isfinite(step["loss"])]
    best = max(range(len(judged)), key=lambda index: judged[index][1], default=None)
    panels = {
        f"validation {say.metric(metric)}": [Curve("", tuple(judged), ringed=best)] if judged else [],
        "training loss": [Curve("", tuple(losses))] if losses else [],
    }
    return _stacked(panels, axis="epoch", tick=lambda epoch: f"{epoch:g}")


def selection(entries: Entries, chosen: str) -> Markup:
    """Cross-validated accuracy and loss over the strength of the regularisation, a curve for each reading tried."""
    tried = [entry for entry in entries if "strength" in entry]
    readings = sorted({entry["reading"] for entry in tried}, key=lambda reading: (reading == chosen, reading))
    panels = {
        f"cross-validated {say.metric(metric)}": [
            _by_strength(tried, reading, metric, is_chosen=reading == chosen) for reading in readings
        ]
        for metric in ("accuracy", "log_loss")
        if tried and metric in tried[0]
    }
    return _stacked(panels, axis="strength C: larger follows the training rows more closely", tick=_power)


def _by_strength(tried: Entries, reading: str, metric: str, *, is_chosen: bool) -> Curve:
    """A reading's curve; its strength is the one with the lowest loss, in whichever panel it is drawn."""
    ours = sorted((entry for entry in tried if entry["reading"] == reading), key=lambda entry: float(entry["strength"]))
    points = tuple((math.log10(max(entry["strength"], 1e-12)), float(entry[metric])) for entry in ours)
    lowest = min(range(len(ours)), key=lambda index: ours[index].get("log_loss", -ours[index]["accuracy"]))
    return Curve(say.reading(reading), points, is_chosen, ringed=lowest if is_chosen else None)


def _power(exponent: float) -> str:
    return f"{10.0**exponent:.1g}"


def screening(entries: Entries, chosen: str) -> Markup:
    """How well every place in the model that could be read did, each row left out, the chosen one in the accent."""
    name = next((key for entry in entries for key in entry if key.startswith(LEFT_OUT)), LEFT_OUT)
    screened = [entry for entry in entries if name in entry]
    if not screened:
        return NOTHING
    values, measure = [float(entry[name]) for entry in screened], f"leave-one-out {name.removeprefix(LEFT_OUT)}"
    marks = ticks(min(values), max(values), about=4)
    x, bottom = Scale(marks[0], marks[-1], 164, WIDTH - 54), 24.0 * len(screened) + 8
    parts = [line((x(mark), 0), (x(mark), bottom), "grid") for mark in marks]
    parts += [words((x(mark), bottom + 17), f"{mark:g}", "tick", anchor="middle") for mark in marks]
    for index, (entry, value) in enumerate(zip(screened, values, strict=True)):
        kind, y = "ours" if entry["reading"] == chosen else "other", 24.0 * index + 20
        parts.append(words((2, y), fitted(say.reading(entry["reading"]), TEXT, 150), f"name {kind}"))
        parts += [
            line((x(marks[0]), y - 4), (x(value), y - 4), f"stem {kind}"),
            dot((x(value), y - 4), 5, f"mark {kind}"),
        ]
        parts.append(words((WIDTH - 2, y), say.figure(value), f"name {kind}", anchor="end"))
    parts.append(words((WIDTH / 2, bottom + 40), measure, "label", anchor="middle"))
    told = "; ".join(
        f"{say.reading(entry['reading'])} {say.figure(value)}" for entry, value in zip(screened, values, strict=True)
    )
    return drawing(WIDTH, bottom + 48, parts, label=f"{measure.capitalize()} by reading: {told}")


def _stacked(panels: Mapping[str, Sequence[Curve]], *, axis: str, tick: Callable[[float], str]) -> Markup:
    """Panels above one another over one axis, ticks where there are points; empty panels are left out."""
    shown = {title: curves for title, curves in panels.items() if curves}
    places = sorted({place for curves in shown.values() for curve in curves for place, _ in curve.points})
    if not shown:
        return NOTHING
    slack = (places[-1] - places[0]) * 0.05 or 0.5
    x, height = Scale(places[0] - slack, places[-1] + slack, 52, WIDTH - 14), FIRST + PANEL * len(shown) - 30
    parts = [
        part
        for index, (title, curves) in enumerate(shown.items())
        for part in _panel(x, FIRST + PANEL * index, title, curves)
    ]
    parts += [words((x(at), height + 16), tick(at), "tick", anchor="middle") for at in _thinned(places)]
    parts.append(words(((x.start + x.end) / 2, height + 39), axis, "label", anchor="middle"))
    told = "; ".join(f"{title}: {', '.join(map(_told, curves))}" for title, curves in shown.items())
    return drawing(WIDTH, height + 47, parts, label=told)


def _panel(x: Scale, top: float, title: str, curves: Sequence[Curve]) -> list[Markup]:
    """Curves in a frame of their own, 120 units high, its title above."""
    values = [value for curve in curves for _, value in curve.points]
    marks = ticks(min(values), max(values), about=3)
    y = Scale(marks[0], marks[-1], top + 122, top + 8)
    parts = [words((2, top - 10), title, "label"), *horizontals(x, y, marks)]
    return parts + [part for curve in curves for part in _drawn(x, y, curve)]


def _drawn(x: Scale, y: Scale, curve: Curve) -> list[Markup]:
    kind = "ours" if curve.is_chosen else "other"
    points = [(x(place), y(value)) for place, value in curve.points]
    tips = [f"{curve.name} {say.figure(value)}".strip() for _, value in curve.points]
    dots = [dot(point, 3, f"mark {kind}", tip=tip) for point, tip in zip(points, tips, strict=True)]
    ring = [] if curve.ringed is None else [dot(points[curve.ringed], 6.5, "ring ours", tip=tips[curve.ringed])]
    return [polyline(points, f"curve {kind}"), *dots, *ring]


def _told(curve: Curve) -> str:
    return f"{curve.name} {' '.join(say.figure(value) for _, value in curve.points)}".strip()


def _thinned(places: Sequence[float], room: int = 10) -> list[float]:
    """At most `room` of the places, evenly spaced, so that their labels do not run into each other."""
    return list(places[:: math.ceil(len(places) / room)])
