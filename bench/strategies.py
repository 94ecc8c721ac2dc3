"""Every strategy on SST-2 with the offline MiniLM: accuracy over three seeds, time and memory, one table.

Usage: python bench/strategies.py [--seeds N] [NAME ...]
Writes bench/results/strategies.json and the table beside it, strategies.md. Needs peft for `lora`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

import sst2

from headstart import record

RESULTS = Path(__file__).resolve().parent / "results"
STRATEGIES = {
    "frozen": ["--strategy", "frozen"],
    **{f"top {num}": ["--strategy", "top", "--top", str(num)] for num in range(1, 6)},
    "gradual": ["--strategy", "gradual"],
    "lora": ["--strategy", "lora"],
    "full": ["--strategy", "full"],
    "scratch": ["--strategy", "scratch"],
}


def measured(name: str, seeds: int) -> dict[str, Any]:
    """One run with several seeds, an empty cache of features and the test rows scored once for each seed."""
    scores, facts = sst2.fitted("--seeds", str(seeds), *STRATEGIES[name])
    accuracy, several = scores["metrics"]["accuracy"], scores["seeds"]
    values = [accuracy["value"]] if several is None else several["values"]
    return {
        "name": name,
        "date": datetime.date.today().isoformat(),
        "values": values,
        "median": accuracy["value"] if several is None else several["median"],
        "taken": {figure: accuracy[figure] for figure in ("value", "low", "high")},
        "seconds_a_seed": facts["cost"]["actual"]["seconds"] / len(values),
        "peak_mib": facts["cost"]["actual"]["peak_mib"],
        "trained": facts["parameters"]["trained"],
        "precision": facts["precision"],
        "baselines": {method: figures["accuracy"] for method, figures in scores["baselines"].items()},
    }


def table(results: list[dict[str, Any]]) -> str:
    """The results as Markdown; the interval is that of the seed best on validation."""
    lines = [
        "| SST-2, MiniLM-L6 | trained | median accuracy | over the seeds | interval of one | a seed takes | memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for found in results:
        taken, low, high = found["taken"], min(found["values"]), max(found["values"])
        used = f"{found['seconds_a_seed']:.0f} s | {found['peak_mib']:,.0f} MiB"
        lines.append(
            f"| {found['name']} | {found['trained']:,} | {found['median']:.3f} | {low:.3f} to {high:.3f} "
            f"| {taken['low']:.3f} to {taken['high']:.3f} | {used} |"
        )
    for method, figure in results[-1]["baselines"].items():
        lines.append(f"| {method} | | {figure['value']:.3f} | | {figure['low']:.3f} to {figure['high']:.3f} | | |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures what was asked for and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(STRATEGIES), metavar="NAME", help=", ".join(STRATEGIES))
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    sst2.need_data()
    path = RESULTS / "strategies.json"
    known = {found["name"]: found for found in json.loads(path.read_text())["results"]} if path.exists() else {}
    for name in given.names:
        known[name] = measured(name, given.seeds)
        print(known[name], file=sys.stderr, flush=True)
        facts = {"machine": record.machine(), "versions": record.versions()}
        # written after each, so that an interruption loses one
        results = [known[each] for each in STRATEGIES if each in known]
        path.write_text(json.dumps({**facts, "results": results}, indent=1) + "\n")
        (RESULTS / "strategies.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
