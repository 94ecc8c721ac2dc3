"""Our scores against transformer-ranker's on the same features: what choosing among models costs after the encoding.

Of one layer, and of several, which ours scores side by side and transformer-ranker in turn.

Usage: python bench/against_ranker.py [--repeats N]
The other side is installed beside us, without what its encoding needs, and found through TRANSFORMER_RANKER:
  pip install --no-deps --target FOLDER transformer-ranker torchmetrics lightning-utilities
  TRANSFORMER_RANKER=FOLDER python bench/against_ranker.py
Writes bench/results/against-ranker.json and the table beside it, against-ranker.md.
"""

# N rows, D width

from __future__ import annotations

import argparse
import datetime
import importlib
import importlib.metadata
import importlib.util
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from headstart import estimates, record
from headstart.advisor import scores

RESULTS = Path(__file__).resolve().parent / "results"
SHAPES = ((3000, 768), (200, 768))
CLASSES = 6
LAYERS = 6
"""Of a model, each with features of its own to score."""
REST = 0.05
"""Seconds before each measurement, in which the threads of the other side stop waiting for work."""
Side = Callable[[Any, Any], Any]


def theirs() -> ModuleType:
    """transformer-ranker's estimators; ends with a plain word, and no failure, where they are not there."""
    sys.path.append(os.environ.get("TRANSFORMER_RANKER", ""))
    found = importlib.util.find_spec("transformer_ranker")
    if found is None or importlib.util.find_spec("torchmetrics") is None:
        print("skipped: transformer-ranker or torchmetrics is not installed. See --help.", file=sys.stderr)
        sys.exit(0)
    # the package itself would import what encodes, and with it versions of transformers that are not ours
    assert found.origin is not None, "an installed package has a file"
    package = ModuleType("ranker")
    package.__path__ = [str(Path(found.origin).parent)]
    sys.modules["ranker"] = package
    return importlib.import_module("ranker.estimators")


def sides(ranker: ModuleType) -> dict[str, tuple[Side, Side]]:
    """Each score from the raw features on both sides, then several together, of which ours share what they can."""

    def judge(*names: str) -> Side:
        return lambda features, classes: [
            getattr(ranker, name)().fit(embeddings=torch.from_numpy(features), labels=torch.from_numpy(classes))
            for name in names
        ]

    def ours(*scores: Side) -> Side:
        def run(features_ND: Any, classes: Any) -> list[Any]:
            parts = estimates.decomposed(estimates.centred(features_ND))
            return [score(parts, classes) for score in scores]

        return run

    def nearest(features_ND: Any, classes: Any) -> Any:
        return estimates.nearest(estimates.centred(features_ND), classes)

    def three(features_ND: Any, classes: Any) -> Any:
        features_ND = estimates.centred(features_ND)
        parts = estimates.decomposed(features_ND)
        scores = estimates.logme(parts, classes), estimates.hscore(parts, classes)
        return *scores, estimates.nearest(features_ND, classes)

    def each_layer(score: Side) -> Side:
        return lambda features, classes: scores.side_by_side(lambda layer: score(layer, classes), [features] * LAYERS)

    def in_turn(score: Side) -> Side:
        return lambda features, classes: [score(features, classes) for _ in range(LAYERS)]

    all_theirs = judge("LogME", "HScore", "NearestNeighbors")
    return {
        "LogME": (ours(estimates.logme), judge("LogME")),
        "H-score": (ours(estimates.hscore), judge("HScore")),
        "nearest neighbours": (nearest, judge("NearestNeighbors")),
        "all three": (three, all_theirs),
        "all three, ours with leave-one-out ridge besides": (estimates.of, all_theirs),
        f"all three, of {LAYERS} layers": (each_layer(three), in_turn(all_theirs)),
        f"all three, of {LAYERS} layers, ours with leave-one-out ridge besides": (
            each_layer(estimates.of),
            in_turn(all_theirs),
        ),
    }


def features(num_rows: int, width: int) -> tuple[Any, Any]:
    """Random float32 features with a little of the classes in them, shape (N, D), and the classes."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, CLASSES, num_rows)
    points = rng.normal(size=(num_rows, width)) + 0.1 * rng.normal(size=(CLASSES, width))[classes]
    return points.astype(np.float32), classes


def measured(ranker: ModuleType, threads: int, shape: tuple[int, int], repeats: int) -> dict[str, dict[str, float]]:
    """Median seconds of both sides of each score, taken in turn, after one turn that is not counted.

    How many times as long theirs take is the median over turns, since the speed of a machine drifts.
    """
    points, classes = features(*shape)
    taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in sides(ranker)}
    torch.set_num_threads(threads)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:threads])
    with threadpool_limits(threads):
        for turn in range(repeats + 1):
            for name, pair in sides(ranker).items():
                for side, seconds in zip(pair, taken[name], strict=True):
                    time.sleep(REST)
                    start = time.perf_counter()
                    side(points, classes)
                    if turn:
                        seconds.append(time.perf_counter() - start)
    os.sched_setaffinity(0, cores)
    return {
        name: {
            "headstart": statistics.median(our),
            "ranker": statistics.median(their),
            "times": statistics.median(b / a for a, b in zip(our, their, strict=True)),
        }
        for name, (our, their) in taken.items()
    }


def apart(ranker: ModuleType, shape: tuple[int, int]) -> float:
    """How far the two H-scores of the same features differ, relative to their size; theirs passes through float32."""
    points, classes = features(*shape)
    our, their = (side(points, classes)[0] for side in sides(ranker)["H-score"])
    return abs(our / their - 1)


def table(result: dict[str, Any]) -> str:
    """The result as Markdown; a column for each number of threads."""
    lines = []
    for found in result["shapes"]:
        threads = sorted(found["seconds"], key=int)
        columns = "".join(
            f" {count} thread{'s' * (count != '1')}: headstart | transformer-ranker |" for count in threads
        )
        lines += [f"| {found['rows']:,} rows, width {found['width']} |{columns}", "|---" * (1 + 2 * len(threads)) + "|"]
        for name in found["seconds"][threads[0]]:
            cells = [found["seconds"][count][name] for count in threads]
            shown = (f"{_ms(c['headstart'])} | {_ms(c['ranker'])}: **{c['times']:.1f}×**" for c in cells)
            lines.append(f"| {name} | {' | '.join(shown)} |")
        lines += ["", f"The H-scores differ by {found['hscores_differ']:.0e} of their size.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds < 0.01 else f"{seconds * 1e3:.0f} ms"


def main() -> None:
    """Measures and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    ranker, cores = theirs(), torch.get_num_threads()
    versions = {**record.versions(), "transformer-ranker": importlib.metadata.version("transformer-ranker")}
    facts = {"date": datetime.date.today().isoformat(), "machine": record.machine(), "versions": versions}
    shapes = [
        {
            "rows": shape[0],
            "width": shape[1],
            "seconds": {str(count): measured(ranker, count, shape, repeats) for count in sorted({1, cores})},
            "hscores_differ": apart(ranker, shape),
        }
        for shape in SHAPES
    ]
    result = {**facts, "classes": CLASSES, "repeats": repeats, "shapes": shapes}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "against-ranker.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "against-ranker.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
