"""Learning curves as a file holds them, made by hand: 100 to 1,600 rows measured, drawn on to 6,400."""

from __future__ import annotations

from typing import Any

ROWS = [100, 200, 400, 800, 1600]
CROSSING = {"kind": "crosses", "low": 210.0, "rows": 314.0, "high": 395.0}
OPEN = {"kind": "open", "low": 2345.0, "rows": None, "high": None}
LEVEL = {"kind": "level", "low": None, "rows": None, "high": None}


def curve(name: str, start: float, step: float) -> dict[str, Any]:
    """A score that gains `step` with each doubling, two seeds 0.02 apart around it."""
    return {
        "name": name,
        "rows": ROWS,
        "scores": [[start + step * at - 0.01, start + step * at + 0.01] for at in range(5)],
        "fit": [
            {"rows": 100.0 * 2**at, "value": score, "low": score - 0.03, "high": score + 0.03}
            for at in range(7)
            for score in [start + step * at]
        ],
    }


def three(name: str = "pretrained") -> list[dict[str, Any]]:
    """A pretrained model, fresh weights and a baseline."""
    return [curve(name, 0.7, 0.02), curve("from scratch", 0.5, 0.07), curve("TF-IDF", 0.55, 0.02)]
