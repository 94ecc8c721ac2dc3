"""headstart against transformers' Trainer on SST-2 with the same model: whole processes, the two sides in turn.

Usage: python bench/against_trainer.py [--repeats N] [frozen] [frozen-10] [full]
Writes bench/results/against-trainer.json and the table beside it, against-trainer.md, which the README quotes.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sst2
import trainer_peer

from headstart import record

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
OURS = {
    "frozen": ["--strategy", "frozen"],
    "frozen-10": ["--strategy", "frozen"],
    "full": ["--strategy", "full", "--epochs", "1"],
}
"""What we run against each of the peer's recipes; a head on features that are kept has no epochs."""
WHAT = {
    "frozen": "backbone frozen, Trainer's 3 epochs",
    "frozen-10": "backbone frozen, Trainer's 10 epochs",
    "full": "everything trained, 1 epoch",
}
TIMES = {
    "learning_seconds": "rows to trained weights",
    "process_seconds": "whole process",
}
LEARNING = ("features", "head", "train")
"""The stages of a run that the Trainer's side has as well; checks, baselines and the report are only ours."""


def ours(strategy: str) -> dict[str, float]:
    """`headstart fit` with checks, baselines, intervals, report and an empty cache."""
    batch_size = str(trainer_peer.BATCH_SIZE)
    scores, facts = sst2.fitted("--batch-size", batch_size, *OURS[strategy])
    learning = sum(facts["seconds"].get(stage, 0) for stage in LEARNING)
    return {"learning_seconds": round(learning, 2), "accuracy": scores["metrics"]["accuracy"]["value"]}


def theirs(strategy: str) -> dict[str, float]:
    """The Trainer, training and then scoring the test split."""
    command = [sys.executable, str(HERE / "trainer_peer.py"), strategy]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def timed(side: Callable[[str], dict[str, float]], strategy: str) -> dict[str, float]:
    """What a side reports, with the wall time of its whole process."""
    start = time.perf_counter()
    figures = side(strategy)
    return {"process_seconds": round(time.perf_counter() - start, 2), **figures}


def compare(strategy: str, repeats: int) -> dict[str, Any]:
    """Both sides in turn, `repeats` times."""
    pairs = []
    for _ in range(repeats):
        pairs.append({"headstart": timed(ours, strategy), "trainer": timed(theirs, strategy)})
        print(strategy, pairs[-1], file=sys.stderr, flush=True)
    facts = {"date": datetime.date.today().isoformat(), "machine": record.machine(), "versions": record.versions()}
    return {"strategy": strategy, **facts, "pairs": pairs}


def table(results: list[dict[str, Any]]) -> str:
    """The results as Markdown, headstart beside the Trainer; medians over the repeats, ratios taken pair by pair."""
    names = " | ".join(f"{name} | faster" for name in TIMES.values())
    lines = [f"| SST-2, MiniLM-L6 | {names} | test accuracy |", "|---|---|---|---|---|---|"]
    for result in results:
        cells = [WHAT[result["strategy"]]]
        for figure in TIMES:
            mine, peer = middle(result, "headstart", figure), middle(result, "trainer", figure)
            ratio = statistics.median(pair["trainer"][figure] / pair["headstart"][figure] for pair in result["pairs"])
            cells += [f"{mine:.1f} s, {peer:.1f} s", f"**{ratio:.1f}×**"]
        mine, peer = middle(result, "headstart", "accuracy"), middle(result, "trainer", "accuracy")
        lines.append(f"| {' | '.join([*cells, f'{mine:.3f}, {peer:.3f}'])} |")
    return "\n".join(lines) + "\n"


def middle(result: dict[str, Any], side: str, figure: str) -> float:
    """The median of a figure over the repeats."""
    return statistics.median(pair[side][figure] for pair in result["pairs"])


def main() -> None:
    """Measures what was asked for and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strategies", nargs="*", default=list(OURS), help=f"{', '.join(OURS)}; all by default")
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    sst2.need_data()
    fresh = {strategy: compare(strategy, given.repeats) for strategy in given.strategies}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "against-trainer.json"
    # a strategy that was not measured this time keeps its last measurement, with its own date
    known = {result["strategy"]: result for result in json.loads(path.read_text())} if path.exists() else {}
    results = [found for strategy in OURS if (found := (known | fresh).get(strategy))]
    path.write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "against-trainer.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
