"""What keeping the states below the boundary saves: ten epochs on SST-2 with and without, beside full training.

Usage: python bench/cached.py [--epochs N] [--repeats N]
Writes bench/results/cached.json and the table beside it, cached.md. Sides take turns within a repeat; the figures are
seconds from rows to trained weights, features and their writing included.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import sst2

from headstart import record

RESULTS = Path(__file__).resolve().parent / "results"
LEARNING = ("features", "head", "train")
BLOCKS = 6
SIDES = {
    "top 1": ["--strategy", "top", "--top", "1"],
    "top 1, no cache": ["--strategy", "top", "--top", "1", "--no-cache"],
    "top 2": ["--strategy", "top", "--top", "2"],
    "top 2, no cache": ["--strategy", "top", "--top", "2", "--no-cache"],
    "full": ["--strategy", "full"],
}


def learnt(side: str, epochs: int) -> dict[str, float]:
    """Seconds of learning and the test accuracy of one run, with an empty cache and no early stopping."""
    scores, facts = sst2.fitted("--epochs", str(epochs), "--patience", str(epochs), *SIDES[side])
    seconds = sum(facts["seconds"].get(stage, 0) for stage in LEARNING)
    return {"seconds": round(seconds, 1), "accuracy": scores["metrics"]["accuracy"]["value"]}


def possible(top: int, epochs: int) -> tuple[float, float]:
    """How many times faster the arithmetic allows, than without a cache and than full, a backward pass being two."""
    frozen = BLOCKS - top
    kept = frozen + 3 * epochs * top
    return epochs * (frozen + 3 * top) / kept, 3 * epochs * BLOCKS / kept


def table(result: dict[str, Any]) -> str:
    """The result as Markdown, medians over the repeats; beside each ratio what the arithmetic allows."""
    middle = {side: statistics.median(run["seconds"] for run in runs) for side, runs in result["sides"].items()}
    accuracy = {side: statistics.median(run["accuracy"] for run in runs) for side, runs in result["sides"].items()}
    lines = [
        f"| SST-2, MiniLM-L6, {result['epochs']} epochs | seconds | accuracy | than without cache | than full |",
        "|---|---|---|---|---|",
    ]
    for side, seconds in middle.items():
        line = f"| {side} | {seconds:.0f} | {accuracy[side]:.3f} |"
        if f"{side}, no cache" in middle:
            allowed = possible(int(side.split()[1]), result["epochs"])
            ratios = middle[f"{side}, no cache"] / seconds, middle["full"] / seconds
            line += "".join(f" **{r:.1f}×** of {most:.1f} |" for r, most in zip(ratios, allowed, strict=True))
        else:
            line += " | |"
        lines.append(line)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures every side in turn and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    sst2.need_data()
    sides: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(given.repeats):
        for side, runs in sides.items():
            runs.append(learnt(side, given.epochs))
            print(side, runs[-1], file=sys.stderr, flush=True)
    facts = {"date": datetime.date.today().isoformat(), "machine": record.machine(), "versions": record.versions()}
    result = {**facts, "epochs": given.epochs, "sides": sides}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cached.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "cached.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
