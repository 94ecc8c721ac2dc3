"""The page of an advice, from its advice.json alone: the verdict first, then every figure that it rests on.

The layout is in `advice.html`; nothing is decided here that is not in the file.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headstart.errors import OutputError
from headstart.report import layout, page, plots, trade
from headstart.report import words as say
from headstart.report.by_rows import learning_curves
from headstart.report.page import Card

ADVICE = "advice.json"
KEYS = (
    *("headstart", "created", "task", "primary", "data", "folder", "rows", "left_out", "verdict", "standings", "worth"),
    *("pareto", "ranking", "scores", "judged", "asked", "budget", "spent", "spent_on", "notes", "warnings", "machine"),
    "versions",
)
"""What an advice.json must hold."""
STEPS = {"baselines": "baselines", "arm": "the race", "point": "learning curves"}
"""What the time was measured for, in the words of the page."""
Facts = Mapping[str, Any]


def write(folder: Path) -> Path:
    """The page `advice.html`, written into the folder in one step.

    Args:
        folder: What `headstart advise` wrote; an earlier page in it is replaced.

    Raises:
        OutputError: It holds no advice, or cannot be written to.
    """
    return page.put(folder / "advice.html", html(read(folder)))


def read(folder: Path) -> dict[str, Any]:
    """What advice.json says.

    Raises:
        OutputError: It is missing or damaged.
    """
    try:
        facts = json.loads((folder / ADVICE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _no_advice(folder, f"its {ADVICE} cannot be read ({error})") from error
    missing = [key for key in KEYS if not isinstance(facts, dict) or key not in facts]
    if missing:
        raise _no_advice(folder, f'its {ADVICE} lacks "{missing[0]}"')
    return dict(facts)


def _no_advice(folder: Path, why: str) -> OutputError:
    return OutputError(f'"{folder}" is no advice: {why}. Give a folder of headstart advise, or ask for it again.')


def html(facts: Facts) -> str:
    """The page as text."""
    return layout.filled("advice.html", told(facts))


def told(facts: Facts) -> dict[str, Any]:
    """What the layout puts in its places."""
    verdict, found = facts["verdict"], ways(facts)
    headline, _, rest = verdict["sentence"].partition(": ")
    return {
        **facts,
        "headline": headline,
        "rest": rest,
        "next": following(facts),
        "cards": cards(facts),
        "ways": found,
        "not_tried": verdict["not_tried"],
        "comparison": plots.comparison(facts["primary"], {_short(way): way["score"] for way in found}),
        "trade": trade.trade([{**way, "name": _without_owner(way["name"])} for way in found], metric=facts["primary"]),
        "curves": _curves(facts),
        "more": facts["worth"]["more"],
        "most": _most(facts),
        "depths": depths(facts),
        "own_classes": {one["model"]: own for one in facts["scores"] if (own := one.get("own_classes"))},
        "steps": steps(facts),
        "command": command(facts),
        "notes": list(dict.fromkeys(facts["notes"])),
    }


def ways(facts: Facts) -> list[dict[str, Any]]:
    """Every way that was tried, numbered, the one that is taken first, then the best first."""
    taken = facts["verdict"]["taken"]
    name = None if taken is None else taken["name"]
    order = sorted(facts["standings"], key=lambda one: (one["name"] != name, -one["score"]["value"]))
    return [
        {
            **one,
            "number": number,
            "is_taken": one["name"] == name,
            "is_dominated": one["answering"] is not None and one["name"] not in facts["pareto"],
            "why": facts["verdict"]["why_not"].get(one["name"], ""),
        }
        for number, one in enumerate(order, 1)
    ]


def _short(way: Facts) -> str:
    """Its number and its name; who published the model is left to the table, where there is room."""
    return f"{way['number']} {_without_owner(way['name'])}"


def _without_owner(name: str) -> str:
    return re.sub(r"^[\w.-]+/", "", name)


def depths(facts: Facts) -> dict[str, list[Facts]]:
    """Model -> how it was scored at each depth."""
    found: dict[str, list[Facts]] = {}
    for one in facts["scores"]:
        found.setdefault(one["model"], []).append(one)
    return found


def following(facts: Facts) -> str:
    """The command that follows from the verdict; empty where no command does."""
    taken = facts["verdict"]["taken"]
    data = "DATA" if facts["data"] is None else shlex.quote(facts["data"])
    if taken is not None and taken["settings"]:
        return f"headstart fit {data} --advice {shlex.quote(facts['folder'])}"
    return f"headstart check {data}" if facts["verdict"]["kind"] == "no-signal" else ""


def command(facts: Facts) -> str:
    """The command that asks for the same advice again."""
    asked = {name: given for name, given in facts["asked"].items() if name not in ("candidates", "license", "budget")}
    wishes = {"candidates": ",".join(facts["asked"]["candidates"]) or None, "license": facts["asked"]["license"]}
    budget = {"budget": None if facts["budget"] is None else f"{facts['budget']:g}s"}
    changed = {name: given for name, given in asked.items() if given is not None and say.is_changed(name, given)}
    given = {name: value for name, value in {**wishes, **budget, **changed}.items() if value is not None}
    options = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f" {shlex.quote(str(value))}")
        for name, value in given.items()
    ]
    data = "DATA" if facts["data"] is None else shlex.quote(facts["data"])
    return " ".join(["headstart advise", data, *options])


def cards(facts: Facts) -> list[Card]:
    """The key figures: what to expect, what it was compared with, what an answer costs, and what was spent."""
    taken, standings = facts["verdict"]["taken"], facts["standings"]
    best = standings[0] if taken is None else taken
    rivals = [one for one in standings if one["kind"] != best["kind"]]
    expected = facts["verdict"]["expected"] or best["score"]
    found = [
        Card("best of all ways" if taken is None else f"expected {say.metric(facts['primary'])}", *_sure(expected)),
        *[Card(f"best other: {one['name']}", *_sure(one["score"])) for one in rivals[:1]],
    ]
    if best["answering"] is not None:
        often = f"95 of 100 within\n{say.milliseconds(best['answering']['p95_ms'])}"
        found.append(Card("one answer", say.milliseconds(best["answering"]["p50_ms"]), often))
        blocks = f"{best['blocks']} block" + "s" * (best["blocks"] != 1)
        found.append(Card("weights", say.mib(round(best["mib"] * 2**20)), blocks))
    of = "" if facts["budget"] is None else f"of a budget of\n{say.duration(facts['budget'])}"
    return [*found, Card("spent on this advice", say.duration(facts["spent"]), of)]


def _sure(score: Facts) -> tuple[str, str]:
    return say.figure(score["value"]), f"95 % interval\n{say.interval(score)}"


def _curves(facts: Facts) -> str:
    """The curves, the pretrained model first and fresh weights second, whose crossing is drawn."""
    found, said = facts["worth"]["curves"], facts["worth"]["statement"]
    kinds = [kind for kind in ("pretrained", "scratch", "baseline") if kind in found]
    shown = [{**found[kind], "name": _without_owner(found[kind]["name"])} for kind in kinds]
    return learning_curves(shown, metric=facts["primary"], crossing=None if said is None else said["scratch"])


def _most(facts: Facts) -> int | None:
    """The most rows that the curve of the pretrained model was measured at."""
    found = facts["worth"]["curves"].get("pretrained")
    return None if found is None else found["rows"][-1]


def steps(facts: Facts) -> Sequence[tuple[str, float]]:
    """What the time went into."""
    known = [(name, facts["spent_on"].get(kind, 0.0)) for kind, name in STEPS.items()]
    rest = facts["spent"] - sum(seconds for _, seconds in known)
    return [*known, ("reading, checking and scoring", max(0.0, rest))]
