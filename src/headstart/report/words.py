"""Figures, names and commands as a person reads them; pure functions from values to text.

The page and the model card share them, so that the same figure never reads differently in the two places.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headstart.settings import OF_THE_LOOP, FitSettings
from headstart.spoken import metric as metric

# An absolute path, or one that climbs out of its folder; in quotes it may hold spaces; "//" begins no path but a link.
_QUOTED_PATH = re.compile(r"""(?<=["'])(?:~|\.\.|[A-Za-z]:)?[\\/](?!/)(?:[^"'\n]*[\\/])?([^"'\\/\n]+)(?=["'])""")
_BARE_PATH = re.compile(r'(?<![\w/.~])(?:~|\.\.|[A-Za-z]:)?[\\/](?!/)(?:[^\s"\']*[\\/])?([^\s"\'\\/]+)')


def figure(value: float | None, *, signed: bool = False) -> str:
    """A measured value with three decimals and a true minus sign."""
    if value is None:
        return "–"
    return format(value, "+.3f" if signed else ".3f").replace("-", "−")


def interval(measured: Mapping[str, Any], *, signed: bool = False) -> str:
    """ "0.824 to 0.857", or nothing where no interval was measured."""
    if measured.get("low") is None or measured.get("high") is None:
        return ""
    return f"{figure(measured['low'], signed=signed)} to {figure(measured['high'], signed=signed)}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: "0.4 s", "38 s", "3 min 12 s", "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def milliseconds(time: float) -> str:
    """A time to three digits: "4.27 ms"; whole ones from 100 on."""
    return f"{time:.3g} ms" if time < 100 else f"{time:,.0f} ms"


def amount(count: int) -> str:
    """A large count in three digits: 22713216 is "22.7 M"."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if count >= size:
            return f"{count / (1000 if unit == 'k' else size):.3g} {unit}"
    return f"{count:,}"


def mib(num_bytes: int) -> str:
    """A size in MiB, one decimal below 100."""
    size = num_bytes / 2**20
    return f"{size:.1f} MiB" if size < 100 else f"{size:,.0f} MiB"


def moment(iso: str) -> str:
    """A time of day to the minute, with its zone where the run wrote one: "2025-11-23 18:00 UTC"."""
    then = datetime.fromisoformat(iso)
    return f"{then:%Y-%m-%d %H:%M} {then.tzname() or ''}".strip()


def reading(name: str) -> str:
    """Where features are read, in words: a lone number is a layer."""
    return f"layer {name}" if name.isdigit() else name


def plain(slug: str) -> str:
    """A stable slug or field name as words: "train.near-duplicates" is "train near duplicates"."""
    return re.sub(r"[-_.]", " ", slug)


def value(thing: Any) -> str:
    """A setting or a fact as text."""
    if thing is None:
        return "not given"
    if isinstance(thing, bool):
        return "yes" if thing else "no"
    if isinstance(thing, float):
        return f"{thing:.4g}"
    return ", ".join(map(value, thing)) if isinstance(thing, (list, tuple)) else str(thing)


def shortened(text: str, length: int) -> str:
    """The text on one line, at most that many characters, the cut shown."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def standing(gain: Mapping[str, Any]) -> str:
    """ "better", "worse" or "level": only an interval that lies wholly on one side of 0 is a win or a loss."""
    if gain["low"] > 0:
        return "better"
    return "worse" if gain["high"] < 0 else "level"


def without_paths(text: str) -> str:
    """The text with every path on this machine cut down to the name of its file; links are left alone."""
    return _BARE_PATH.sub(r"\1", _QUOTED_PATH.sub(r"\1", text))


def is_changed(name: str, setting: Any) -> bool:
    """Whether a setting differs from its default; one that no longer exists counts as changed."""
    defaults = {field.name: field.default for field in dataclasses.fields(FitSettings)}
    return name not in defaults or bool(setting != defaults[name])


def telling(run: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decided how this run went and are not at their defaults.

    Settings of the training loop tell nothing of a run that had no epochs, whatever they were set to.

    Args:
        run: The contents of run.json.
    """
    has_epochs = any("epoch" in entry for entry in run["learning"])
    return {
        name: given
        for name, given in run["settings"].items()
        if is_changed(name, given) and (has_epochs or name not in OF_THE_LOOP)
    }


def command(run: Mapping[str, Any]) -> str:
    """The command line that asks for the same fit again, with only what was not left at its default.

    The model and its revision are the ones the run settled on, so that the command does not depend on what
    else is installed.

    Args:
        run: The contents of run.json.
    """
    settings = telling(run)
    if run["model"]["source"] != "dir":
        settings["model"] = f"{run['model']['source']}:{run['model']['name']}"
    if run["model"]["revision"] is not None:
        settings["revision"] = run["model"]["revision"]
    options = [_option(name, given) for name, given in settings.items() if given is not None and given is not False]
    return " ".join(["headstart fit", shlex.quote(str(run["data"]["asked"])), *options])


def _option(name: str, given: Any) -> str:
    flag = f"--{name.replace('_', '-')}"
    return flag if given is True else f"{flag} {shlex.quote(str(given))}"


QUANTITIES = {"kilojoules": "{:,.1f} kJ", "money": "{:,.4g}"}
OF = {"peak_mib": " of memory", "disk_mib": " on disk", "money": " in money"}


def quantity(kind: str, value: float | None) -> str:
    """One figure of a cost with its unit: "1,204 MiB"; a dash where it is not known."""
    if value is None:
        return "–"
    if kind.endswith("mib"):
        return mib(round(value * 2**20))
    return duration(value) if kind == "seconds" else QUANTITIES[kind].format(value)


def cost(found: Mapping[str, float | None]) -> str:
    """A cost in one line: "2 min 10 s, 1,204 MiB of memory, 92 MiB on disk"; what is not known is left out."""
    known = {kind: value for kind, value in found.items() if value is not None}
    return ", ".join(quantity(kind, value) + OF.get(kind, "") for kind, value in known.items())
