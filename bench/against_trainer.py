"""headstart against transformers' Trainer on SST-2 with the same model: whole processes, the two sides in turn.

Usage: python bench/against_trainer.py [--repeats N] [frozen] [full]
Writes bench/results/against-trainer.json and the table beside it, against-trainer.md, which the README quotes.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sst2
import trainer_peer

from headstart import record

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
EXTRA = {"frozen": [], "full": ["--epochs", "1"]}
WHAT = {
    "frozen": "backbone frozen (Trainer: 3 epochs, batch 32, lr 1e-3)",
    "full": "everything trained, 1 epoch, batch 32 (Trainer: lr 5e-5)",
}


def ours(strategy: str) -> float:
    """Test accuracy of `headstart fit`, with baselines, intervals, report and an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        files = {name: str(sst2.SST2 / f"{name}.tsv") for name in ("train", "dev", "test")}
        command = [
            *(sys.executable, "-m", "headstart", "fit", files["train"], "--validation", files["dev"]),
            *("--test", files["test"], "--columns", sst2.COLUMNS, "--model", sst2.MINILM, "--offline"),
            *("--strategy", strategy, "--batch-size", str(trainer_peer.BATCH_SIZE), "--out", str(out), "--json"),
        ]
        environment = {**os.environ, "HEADSTART_CACHE": str(Path(folder) / "cache")}
        subprocess.run([*command, *EXTRA[strategy]], check=True, env=environment, capture_output=True)
        scores = json.loads((out / "scores.json").read_text())
    return float(scores["metrics"]["accuracy"]["value"])


def theirs(strategy: str) -> float:
    """Test accuracy of the Trainer."""
    command = [sys.executable, str(HERE / "trainer_peer.py"), strategy]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1])["accuracy"])


def timed(side: Callable[[str], float], strategy: str) -> dict[str, float]:
    """Wall time of the whole process and the accuracy it reached."""
    start = time.perf_counter()
    accuracy = side(strategy)
    return {"seconds": round(time.perf_counter() - start, 2), "accuracy": accuracy}


def compare(strategy: str, repeats: int) -> dict[str, Any]:
    """Both sides in turn, `repeats` times."""
    pairs = []
    for _ in range(repeats):
        pairs.append({"headstart": timed(ours, strategy), "trainer": timed(theirs, strategy)})
        print(strategy, pairs[-1], file=sys.stderr, flush=True)
    ratios = [pair["trainer"]["seconds"] / pair["headstart"]["seconds"] for pair in pairs]
    return {"strategy": strategy, "pairs": pairs, "ratio": statistics.median(ratios)}


def table(results: list[dict[str, Any]]) -> str:
    """The results as Markdown, medians over the repeats."""
    lines = ["| SST-2, MiniLM-L6 | headstart | transformers Trainer | faster | accuracy |", "|---|---|---|---|---|"]
    for result in results:
        seconds, accuracy = (
            {
                side: statistics.median(pair[side][figure] for pair in result["pairs"])
                for side in ("headstart", "trainer")
            }
            for figure in ("seconds", "accuracy")
        )
        lines.append(
            f"| {WHAT[result['strategy']]} | {seconds['headstart']:.1f} s | {seconds['trainer']:.1f} s "
            f"| {result['ratio']:.1f}× | {accuracy['headstart']:.3f} against {accuracy['trainer']:.3f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures what was asked for and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strategies", nargs="*", default=list(EXTRA), help="frozen, full; both by default")
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    sst2.need_data()
    results = [compare(strategy, given.repeats) for strategy in given.strategies]
    facts = {
        "date": datetime.date.today().isoformat(),
        "machine": record.machine(),
        "versions": record.versions(),
        "results": results,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "against-trainer.json").write_text(json.dumps(facts, indent=1) + "\n")
    (RESULTS / "against-trainer.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
