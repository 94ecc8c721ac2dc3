"""What was measured, kept on disk by all that decides it: advice that was interrupted pays for nothing twice."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class Ledger:
    """Measurements in a file, written anew after each of them.

    Args:
        path: Where; read if it is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else {}

    def once(self, what: str, measure: Callable[[], Mapping[str, Any]], **ingredients: Any) -> dict[str, Any]:
        """The measurement with these ingredients: from the file, or made now; JSON types only.

        Args:
            what: Is measured.
            measure: Measures it.
            **ingredients: All that decides the outcome.
        """
        key = json.dumps([what, ingredients], sort_keys=True)
        if key not in self.entries:
            began = time.monotonic()
            found = dict(measure())
            self.entries[key] = {"found": found, "seconds": time.monotonic() - began}
            self._write()
        known: dict[str, Any] = self.entries[key]["found"]
        return known

    @property
    def seconds(self) -> float:
        """What all of it took."""
        return sum(self.seconds_by_kind.values())

    @property
    def seconds_by_kind(self) -> dict[str, float]:
        """What was measured, and what all of that took."""
        found: dict[str, float] = {}
        for key, entry in self.entries.items():
            what = json.loads(key)[0]
            found[what] = found.get(what, 0.0) + float(entry["seconds"])
        return found

    def least(self, what: str) -> float:
        """The fewest seconds that one such measurement took; 0 before the first."""
        return min(
            (float(entry["seconds"]) for key, entry in self.entries.items() if json.loads(key)[0] == what), default=0.0
        )

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.entries), encoding="utf-8")
        os.replace(fresh, self.path)
