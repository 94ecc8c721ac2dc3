"""How much of what this machine can do goes into learning: one epoch of `full` on SST-2, and the best product here.

Usage: python bench/learning_work.py [--repeats N]
Writes bench/results/learning-work.json and the table beside it, learning-work.md. A product is measured before and
after each run, and the best of all counts.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

import products
import sst2
import torch

from headstart import record
from headstart.device import has_bfloat16
from headstart.encoding.encoder import load_backbone

RESULTS = Path(__file__).resolve().parent / "results"


def work() -> float:
    """FLOPs of one epoch: forward and backward of the training rows, a backward pass being two, and validation."""
    backbone = load_backbone(sst2.MINILM, offline=True).backbone
    train, dev = (backbone.prepare(sst2.rows(split)[0]).lengths.astype(float) for split in ("train", "dev"))
    return 3 * products.flops(backbone.module, train) + products.flops(backbone.module, dev)


def measured(dtype: str, repeats: int, flops: float) -> dict[str, Any]:
    """GFLOP/s of the stage that trains, from its first trial step to its last validation, beside the best product."""
    kind, best, seconds = getattr(torch, dtype), 0.0, []
    for _ in range(repeats):
        best = max(best, products.square(kind), products.packed(kind))
        _, facts = sst2.fitted("--strategy", "full", "--epochs", "1", "--precision", dtype)
        seconds.append(facts["seconds"]["train"])
        best = max(best, products.square(kind), products.packed(kind))
        print(dtype, seconds[-1], round(best), file=sys.stderr, flush=True)
    return {"dtype": dtype, "seconds": seconds, "gflops": flops / min(seconds) / 1e9, "best_product_gflops": best}


def table(results: list[dict[str, Any]]) -> str:
    """The results as Markdown."""
    lines = [
        "| SST-2, MiniLM-L6, full, one epoch | seconds | useful work | best product known here |",
        "|---|---|---|---|",
    ]
    for row in results:
        share = f"{row['best_product_gflops']:.0f} GFLOP/s: **{row['gflops'] / row['best_product_gflops']:.0%}**"
        lines.append(f"| {row['dtype']} | {min(row['seconds']):.0f} | {row['gflops']:.0f} GFLOP/s | {share} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures each arithmetic that this machine has, and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=2)
    given = parser.parse_args()
    sst2.need_data()
    flops = work()
    results = [measured(dtype, given.repeats, flops) for dtype in ("float32", "bfloat16")[: 1 + has_bfloat16()]]
    facts = {"date": datetime.date.today().isoformat(), "machine": record.machine(), "versions": record.versions()}
    path = RESULTS / "learning-work.json"
    path.write_text(json.dumps({**facts, "flops": flops, "results": results}, indent=1) + "\n")
    (RESULTS / "learning-work.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
