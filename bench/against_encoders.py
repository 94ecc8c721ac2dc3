"""`encode` against transformers' pipeline and sentence-transformers, and against what this machine can do at most.

Usage: python bench/against_encoders.py [--repeats N]
Writes bench/results/against-encoders.json and the table beside it, against-encoders.md, which the README quotes.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import encode_peers
import numpy as np
import products
import sst2
import torch

from headstart import record
from headstart.device import has_bfloat16
from headstart.encoding.encoder import load_backbone
from headstart.memory import be_frugal

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
FLAT = (1_000, 100_000)
"""Sentences in the short and in the long file whose memory is compared."""
ROUNDS = 6
"""Times that the most a machine can do and what `encode` does are measured, in turn; the best of each counts."""
LEFT_OUT = () if has_bfloat16() else ("headstart-bfloat16",)
"""What this processor would only emulate, a hundred times slower."""


def sides(repeats: int) -> dict[str, Any]:
    """Every side in turn, `repeats` times, each in a process of its own; seconds, and how alike the vectors are."""
    seconds: dict[str, list[float]] = {side: [] for side in encode_peers.SIDES if side not in LEFT_OUT}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for side, taken in seconds.items():
                command = [sys.executable, str(HERE / "encode_peers.py"), side, f"{folder}/{side}.npy"]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                taken.append(json.loads(done.stdout.splitlines()[-1])["seconds"])
                print(side, taken[-1], file=sys.stderr, flush=True)
        vectors = {side: np.load(f"{folder}/{side}.npy") for side in seconds}
    return {
        side: {"seconds": taken, "least_cosine": _least_cosine(vectors[side], vectors["pipeline"])}
        for side, taken in seconds.items()
    }


def _least_cosine(ours: Any, theirs: Any) -> float:
    products = (ours * theirs).sum(axis=1)
    return float((products / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)).min())


def useful_work() -> list[dict[str, Any]]:
    """Of MiniLM, and of a network of BERT base's size with random weights, in each arithmetic this machine has."""
    be_frugal()  # as `headstart encode` does before its first tensor; here the network made below would come first
    with tempfile.TemporaryDirectory() as folder:
        base = f"dir:{sst2.bert_base(Path(folder) / 'model')}"
        subjects = ("MiniLM-L6", sst2.MINILM, 2 * encode_peers.SENTENCES), ("BERT base", base, encode_peers.SENTENCES)
        kinds = ("float32", "bfloat16")[: 1 + has_bfloat16()]
        return [{"model": name, **_work(ref, count, kind)} for name, ref, count in subjects for kind in kinds]


def _work(ref: str, count: int, dtype: str) -> dict[str, Any]:
    """Useful GFLOP/s of `encode` over some of SST-2 at 4,096 tokens a batch, and the best products here meanwhile."""
    texts, kind = sst2.rows("train")[0][:count], getattr(torch, dtype)
    encoder = dataclasses.replace(load_backbone(ref, offline=True, precision=dtype), tokens=4096)
    lengths = encoder.backbone.prepare(texts).lengths.astype(float)
    encoder.encode(texts[:500], states=False)
    best, plain, packed = float("inf"), 0.0, 0.0
    for _ in range(ROUNDS):
        plain, packed = max(plain, products.square(kind)), max(packed, products.packed(kind))
        start = time.perf_counter()
        encoder.encode(texts, states=False)
        best = min(best, time.perf_counter() - start)
    most = {"torch_product_gflops": round(plain), "best_product_gflops": round(max(plain, packed))}
    return {"dtype": dtype, "gflops": round(products.flops(encoder.backbone.module, lengths) / best / 1e9), **most}


def memory() -> list[dict[str, float]]:
    """Peak memory of `headstart encode` on a short and on a long file of sentences of mixed length."""
    sentences = [text for split in ("train", "dev", "test") for text in sst2.rows(split)[0]]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for count in FLAT:
            path, out = Path(folder) / f"{count}.txt", Path(folder) / f"{count}.npz"
            path.write_text("\n".join(_mixed(sentences, count)) + "\n", encoding="utf-8")
            command = ["headstart", "encode", sst2.MINILM, str(path), "--offline", "--out", str(out)]
            start = time.perf_counter()
            peak = _peak_mib([sys.executable, "-m", *command])
            found.append({"sentences": count, "peak_mib": peak, "seconds": round(time.perf_counter() - start, 1)})
            print(found[-1], file=sys.stderr, flush=True)
    return found


def _mixed(sentences: list[str], count: int) -> list[str]:
    """Sentences over and over, every tenth a paragraph of eight, so that long and short rows meet."""
    twice = sentences + sentences
    starts = (i % len(sentences) for i in range(count))
    return [" ".join(twice[start : start + (1 if start % 10 else 8)]) for start in starts]


def _peak_mib(command: list[str]) -> float:
    """Peak resident memory of one process, asked of the system by a child that ran nothing else."""
    ask = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", ask, *command], check=True, capture_output=True, text=True)
    per_unit = 1 if sys.platform == "darwin" else 1024
    return round(int(done.stdout) * per_unit / 2**20, 1)


def table(result: dict[str, Any]) -> str:
    """The result as Markdown; ratios are of medians, every side having run in turn."""
    middle = {side: statistics.median(found["seconds"]) for side, found in result["sides"].items()}
    lines = [
        f"| {encode_peers.SENTENCES:,} SST-2 sentences, MiniLM-L6 | seconds | `encode` is faster | least cosine |",
        "|---|---|---|---|",
    ]
    for side, found in result["sides"].items():
        faster = "" if side == "headstart" else f"**{middle[side] / middle['headstart']:.1f}×**"
        lines.append(f"| {NAMES[side]} | {middle[side]:.2f} | {faster} | {found['least_cosine']:.5f} |")
    columns = "`encode`, batches of 4,096 tokens", "useful work", "torch's product 2048³", "best product known here"
    lines += ["", f"| {' | '.join(columns)} |", "|---|---|---|---|"]
    for row in result["useful_work"]:
        work, plain, most = row["gflops"], row["torch_product_gflops"], row["best_product_gflops"]
        shares = f"{plain} GFLOP/s: **{work / plain:.0%}** | {most} GFLOP/s: **{work / most:.0%}**"
        lines.append(f"| {row['model']}, {row['dtype']} | {work} GFLOP/s | {shares} |")
    lines += ["", "| sentences of mixed length | peak memory | seconds |", "|---|---|---|"]
    for row in result["memory"]:
        lines.append(f"| {row['sentences']:,} | {row['peak_mib']:.0f} MiB | {row['seconds']:.0f} |")
    return "\n".join(lines) + "\n"


NAMES = {
    "headstart": "headstart `encode`",
    "headstart-float32": "the same, `--precision float32`",
    "headstart-bfloat16": "the same, `--precision bfloat16`",
    "pipeline": 'transformers `pipeline("feature-extraction")`, batch 32',
    "sentence-transformers": "sentence-transformers, batch 32",
}


def main() -> None:
    """Measures and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    sst2.need_data()
    facts = {"date": datetime.date.today().isoformat(), "machine": record.machine(), "versions": record.versions()}
    result = {**facts, "sides": sides(given.repeats), "useful_work": useful_work(), "memory": memory()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "against-encoders.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "against-encoders.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
