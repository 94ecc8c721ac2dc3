"""One self-contained page about a finished run, the verdict first.

The words and drawings come from the modules beside this one, the layout from `page.html`; here they meet.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.errors import OutputError
from headstart.report import block, curves, finished, layout, parts, plots, tower
from headstart.report import words as say
from headstart.report.finished import Finished
from headstart.score import wilson

PAIRS = 15
"""How many pairs of confused classes are listed."""
PROBLEMS = 20
COUNTED = {"entity_f1": "Entities", "mean_iou": "Pixels", "map": "Boxes"}
"""What the figures of a class are about, by the primary metric; rows otherwise."""
OVERLAPS = {"mean_iou": ("iou", "IoU"), "map": ("ap", "Average precision")}
"""The figure of a class that its task is judged by, and its heading, where that is not F1."""


def write(run: Path) -> Path:
    """The page `report.html`, written into the run folder in one step: it is there whole or not at all.

    Args:
        run: The folder of a finished run; an earlier page in it is replaced.

    Returns:
        The path of the page.

    Raises:
        OutputError: The folder is not a finished run, or cannot be written to.
    """
    return put(run / "report.html", html(finished.read(run)))


def put(page: Path, text: str) -> Path:
    """Writes a page in one step.

    Raises:
        OutputError: It cannot be written.
    """
    partial = page.with_name(page.name + ".partial")
    try:
        # half a surrogate pair in a text is valid JSON and invalid UTF-8; it becomes a question mark
        partial.write_bytes(text.encode("utf-8", "replace"))
        os.replace(partial, page)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f'"{page}" cannot be written: {error.strerror}. Make the folder writable.') from error
    return page


def html(found: Finished) -> str:
    """The page as text."""
    return layout.filled("page.html", told(found))


def told(found: Finished) -> dict[str, Any]:
    """What the layout puts in its places."""
    run, scores, check = found.run, found.scores, found.check
    headline, _, rest = scores["verdict"].partition(": ")
    return {
        "run": run,
        "scores": scores,
        "check": check,
        "headline": headline,
        "rest": rest,
        "standing": say.standing(scores["gain"]),
        "cards": cards(found),
        "methods": methods(scores),
        "shared_metrics": [
            name for name in scores["metrics"] if all(name in one for one in scores["baselines"].values())
        ],
        "gain": say.figure(scores["gain"]["value"], signed=True),
        "gain_interval": say.interval(scores["gain"], signed=True),
        "stages": _stages(run),
        "spent": spent(run),
        "notes": [
            note for note in dict.fromkeys(run["notes"]) if note not in (run["model"]["why"], run["data"]["how"])
        ],
        "plots": drawings(run, scores),
        "anatomy": anatomy(run),
        "classes": classes(scores),
        "bins": bins(scores),
        "pairs": pairs(scores)[:PAIRS],
        "is_small": len(scores.get("per_class", {})) <= plots.NUMBERED_CLASSES,
        "has_confusion": "confusion" in scores,
        "counted": COUNTED.get(scores["primary"], "Rows"),
        "overlap": OVERLAPS.get(scores["primary"]),
        "mistakes": found.mistakes,
        "num_mistakes": found.num_mistakes,
        "num_rejected": found.num_rejected,
        "counts": class_counts(check),
        "problems": sorted(check["problems"], key=lambda one: ("error", "warning", "note").index(one["severity"])),
        "problems_shown": PROBLEMS,
        "changed": say.telling(run),
        "command": say.command(run),
    }


COSTS = {
    "seconds": "time",
    "peak_mib": "memory",
    "disk_mib": "disk",
    "kilojoules": "energy",
    "money": "money",
}


@dataclass(frozen=True)
class Card:
    """A key figure: what it is, its value, and the line below it."""

    label: str
    value: str
    detail: str


def cards(found: Finished) -> list[Card]:
    """The key figures: metric, best baseline, gain, time, size."""
    run, scores = found.run, found.scores
    gain, primary = scores["gain"], scores["primary"]
    ours, theirs = scores["metrics"][primary], scores["baselines"][gain["over"]][primary]
    slowest, seconds = max(_stages(run).items(), key=lambda stage: stage[1], default=("", 0.0))
    longest = slowest and f"longest: {slowest},\n{say.duration(seconds)}"
    return [
        Card(
            f"{say.metric(primary)} on {scores['rows']:,} {scores['split']} rows",
            say.figure(ours["value"]),
            _sure(ours),
        ),
        Card(f"best baseline: {gain['over']}", say.figure(theirs["value"]), _sure(theirs)),
        Card("gain over it", say.figure(gain["value"], signed=True), _sure(gain, signed=True)),
        Card("time in all", say.duration(run["seconds"]["total"]), longest),
        Card("model", *_size(run["parameters"], found.num_bytes)),
    ]


def _sure(measured: Mapping[str, Any], *, signed: bool = False) -> str:
    between = say.interval(measured, signed=signed)
    return between and f"95 % interval\n{between}"


def _stages(run: Mapping[str, Any]) -> dict[str, float]:
    return {stage: seconds for stage, seconds in run["seconds"].items() if stage != "total"}


def spent(run: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What, how much of it was foreseen before the training, how much was used; nothing of what was not measured."""
    cost = run.get("cost", {})
    foreseen, actual = cost.get("foreseen") or {}, cost.get("actual") or {}
    return [
        (name, say.quantity(kind, foreseen.get(kind)), say.quantity(kind, actual[kind]))
        for kind, name in COSTS.items()
        if actual.get(kind) is not None
    ]


def _size(parameters: Mapping[str, int], num_bytes: int) -> tuple[str, str]:
    counted = f"{say.amount(parameters['total'])} parameters"
    trained = f"{say.amount(parameters['trained'])} trained"
    return (say.mib(num_bytes), f"{counted},\n{trained}") if num_bytes else (counted, trained)


def methods(scores: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Method -> its metrics, ours first, then the baselines from best to worst."""
    best_first = sorted(scores["baselines"].items(), key=lambda one: -one[1][scores["primary"]]["value"])
    return {"this model": scores["metrics"], **dict(best_first)}


def drawings(run: Mapping[str, Any], scores: Mapping[str, Any]) -> dict[str, str]:
    """Name -> SVG, empty where the run has nothing of the kind."""
    primary, learning, chosen = scores["primary"], run["learning"], run["reading"]
    measured = {name: figures[primary] for name, figures in methods(scores).items()}
    return {
        "comparison": plots.comparison(primary, measured),
        "learning": curves.learning(learning, primary),
        "screening": curves.screening(learning, chosen),
        "selection": curves.selection(learning, chosen),
        "confusion": plots.confusion(**scores["confusion"]) if "confusion" in scores else "",
        "reliability": plots.reliability(scores["calibration"]["bins"]) if "calibration" in scores else "",
    }


def anatomy(run: Mapping[str, Any]) -> dict[str, Any]:
    """The pretrained model as it was used: two drawings and its costs; empty where the run did not look at it."""
    found = run.get("anatomy")
    if not found or not found["blocks"]:
        return {}
    cost, counted = parts.work(found["work"])
    return {
        "kind": found["kind"],
        "parameters": found["parameters"],
        "tower": tower.tower(found, run["boundary"]),
        "inside": block.inside(found),
        "facts": {
            "weights": parts.weights(found["num_bytes"]),
            "work": f"{cost}; {counted}",
            "stem": parts.layers(found["stem"]["layers"]),
        },
    }


def classes(scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a class, the worst F1 first; recall comes with the interval that its number of rows allows."""
    rows = [{"name": name, **figures} for name, figures in scores.get("per_class", {}).items()]
    found = [{**row, "interval": _between(row["recall"], row["support"])} for row in rows]
    return sorted(found, key=lambda row: (row["f1"], row["name"]))


def bins(scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The bins of confidence, each share that is right with its interval."""
    found = scores.get("calibration", {"bins": []})["bins"]
    return [{**one, "interval": _between(one["accuracy"], one["count"])} for one in found]


def _between(share: float, total: int) -> dict[str, float]:
    low, high = wilson(round(share * total), total)
    return {"low": low, "high": high}


def pairs(scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The classes taken for one another, most rows first."""
    names, counts = scores.get("confusion", {"names": [], "counts": []}).values()
    found = [
        {"truth": names[truth], "prediction": names[predicted], "count": count, "of": sum(row)}
        for truth, row in enumerate(counts)
        for predicted, count in enumerate(row)
        if count and truth != predicted
    ]
    return sorted(found, key=lambda pair: -int(pair["count"]))


def class_counts(check: Mapping[str, Any]) -> list[tuple[str, Mapping[str, int], int]]:
    """Class, rows in each split, and rows in all; the largest class first."""
    counted = [(name, splits, sum(splits.values())) for name, splits in check["classes"].items()]
    return sorted(counted, key=lambda one: (-one[2], one[0]))
