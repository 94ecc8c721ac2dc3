"""How a problem in the data is worded and listed, so that every part of the data layer speaks with one voice.

Finding problems is the work of `read` and `check`; nothing here looks at data.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headstart.contracts import Problem, Severity

SHOWN = 20
"""How many problems a message lists; more than a screenful is not read."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with one value, before it is known where the value stands."""

    kind: str
    said: str
    severity: Severity = "error"


def at_row(fault: Fault, *, file: str, row: int, field: str | None = None) -> Problem:
    """The fault as a problem whose message opens with file, row and field."""
    where = f"{file}, row {row}" + (f', field "{field}"' if field is not None else "")
    return Problem(fault.severity, fault.kind, f"{where}: {fault.said}", file, row, field)


def quoted(names: Iterable[object]) -> str:
    """The names in quotes, separated by commas, at most ten of them; "none" where there are none."""
    shown = list(names)
    tail = f" and {len(shown) - 10} more" if len(shown) > 10 else ""
    return ", ".join(f'"{short(name)}"' for name in shown[:10]) + tail or "none"


def short(value: object, limit: int = 60) -> str:
    """The value as one line of at most `limit` characters."""
    text = " ".join(str(value).split()).encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like a mistyped one, or None."""
    by_fold = {one.casefold(): one for one in known}
    found = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def listing(problems: Sequence[Problem]) -> str:
    """The first 20 messages, one a line, and how many more there are."""
    lines = [f"  {problem.message}" for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        lines.append(f"  … and {len(problems) - SHOWN:,} more")
    return "\n".join(lines)
