"""How much of what this machine can do goes into learning: steps of `full`, and the best product here.

Usage: python bench/learning_work.py [--repeats N]
Writes bench/results/learning-work.json and the table beside it, learning-work.md. Two networks: MiniLM on the short
sentences of SST-2, and one of BERT base's size, with random weights, on rows of 128 tokens; batches of 32. A product is
measured before and after each run, and the best of all counts.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import products
import sst2
import torch

from headstart import record
from headstart.device import has_bfloat16
from headstart.encoding.encoder import load_backbone

RESULTS = Path(__file__).resolve().parent / "results"
ROWS, TOKENS = 640, 128
"""Rows that the larger network learns, and the tokens of each."""


@dataclass(frozen=True)
class Subject:
    """What learns from which files, by which words of a command, and what a step takes: FLOPs, padding not counted."""

    name: str
    files: Mapping[str, Path]
    words: tuple[str, ...]
    flops: float


@dataclass(frozen=True)
class Figures:
    """What a subject did in one arithmetic, and the best product of that arithmetic."""

    name: str
    dtype: str
    steps_per_second: float
    gflops: float
    best_product_gflops: float


def small() -> Subject:
    """MiniLM on SST-2."""
    backbone = load_backbone(sst2.MINILM, offline=True).backbone
    lengths = backbone.prepare(sst2.rows("train")[0]).lengths.astype(float)
    words = ("--model", sst2.MINILM, "--strategy", "full")
    return Subject("MiniLM-L6, SST-2", sst2.FILES, words, _a_step(backbone.module, lengths))


def large(folder: Path) -> Subject:
    """A network of BERT base's size that has not learnt anything, on sentences of SST-2 joined into long rows."""
    model = f"dir:{sst2.bert_base(folder / 'model')}"
    files = {split: folder / path.name for split, path in sst2.FILES.items()}
    for split, path in files.items():
        path.write_text("".join(f"{text}\t{label}\n" for text, label in _long(split)), encoding="utf-8")
    backbone = load_backbone(model, offline=True).backbone
    lengths = backbone.prepare([text for text, _ in _long("train")], max_length=TOKENS).lengths.astype(float)
    words = ("--model", model, "--strategy", "scratch", "--max-length", str(TOKENS))
    return Subject(f"BERT base, {TOKENS} tokens a row", files, words, _a_step(backbone.module, lengths))


def _long(split: str) -> list[tuple[str, int]]:
    """Rows of ten sentences each, with the label of the first."""
    texts, labels = sst2.rows(split)
    starts = range(0, len(texts) - 9, 10)[: ROWS if split == "train" else 8]
    return [(" ".join(texts[start : start + 10]), labels[start]) for start in starts]


def _a_step(module: Any, lengths: Any) -> float:
    """Forward and backward of an average batch of 32, a backward pass being two."""
    return 3 * products.flops(module, lengths) * 32 / len(lengths)


def measured(subject: Subject, dtype: str, repeats: int) -> Figures:
    """The fastest of some runs of one epoch, from its first step to its last."""
    kind, best, pace = getattr(torch, dtype), 0.0, 0.0
    for _ in range(repeats):
        best = max(best, products.square(kind), products.packed(kind))
        with sst2.run_of(subject.files, *subject.words, "--epochs", "1", "--precision", dtype) as out:
            pace = max(pace, _pace(out / "events.jsonl"))
        best = max(best, products.square(kind), products.packed(kind))
        print(subject.name, dtype, round(pace, 2), round(best), file=sys.stderr, flush=True)
    return Figures(subject.name, dtype, pace, pace * subject.flops / 1e9, best)


def _pace(events: Path) -> float:
    """Steps a second of a training."""
    told = map(json.loads, events.read_text().splitlines())
    steps = [event for event in told if event["event"] == "advance" and event["stage"] == "train"]
    first, last = steps[0], steps[-1]
    return float((last["done"] - first["done"]) / (last["seconds"] - first["seconds"]))


def table(results: list[Figures]) -> str:
    """The results as Markdown."""
    lines = [
        "| full training, batches of 32 | arithmetic | steps a second | useful work | best product known here |",
        "|---|---|---|---|---|",
    ]
    for row in results:
        share = f"{row.best_product_gflops:.0f} GFLOP/s: **{row.gflops / row.best_product_gflops:.0%}**"
        lines.append(f"| {row.name} | {row.dtype} | {row.steps_per_second:.2f} | {row.gflops:.0f} GFLOP/s | {share} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures each arithmetic that this machine has, and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=2)
    given = parser.parse_args()
    sst2.need_data()
    with tempfile.TemporaryDirectory() as folder:
        subjects = small(), large(Path(folder))
        kinds = ("float32", "bfloat16")[: 1 + has_bfloat16()]
        results = [measured(subject, dtype, given.repeats) for subject in subjects for dtype in kinds]
    facts = {"date": datetime.date.today().isoformat(), "machine": record.machine(), "versions": record.versions()}
    path = RESULTS / "learning-work.json"
    path.write_text(json.dumps({**facts, "results": list(map(asdict, results))}, indent=1) + "\n")
    (RESULTS / "learning-work.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
