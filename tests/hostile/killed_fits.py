"""Kills fits: a process that has imported everything once starts each from a copy of itself and ends it at its moment.

Run as a script with a file of rows, a model folder, and a folder to work in; `test_killed.py` judges what it leaves.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from headstart import run
from headstart.settings import FitSettings

SEED = 7
FROZEN: dict[str, Any] = {}
FULL = {"strategy": "full", "epochs": 8, "lr": 1e-3, "batch_size": 8, "checkpoint_steps": 3}
KINDS = {"frozen": (FROZEN, 8), "full": (FULL, 7), "writing": (FROZEN, 5)}
"""Settings, and how many moments; those of "writing" all lie in the short time in which the model folder is written."""

WRITING = 0.02
"""Seconds in which a model folder is written."""
STUCK = 60.0
"""Seconds after which a fit that should take one will not end any more."""


def fit(rows: Path, model: Path, place: Path, kind: str) -> None:
    """A fit whose run folder and cache of features are in `place`; goes on where one that was killed had saved."""
    os.environ["HEADSTART_CACHE"] = str(place / "cache")
    settings = FitSettings(model=f"dir:{model}", precision="float32", **KINDS[kind][0])
    run.fit(rows, settings, out=place / "run")


def fit_apart(
    rows: Path, model: Path, place: Path, kind: str, *, sign: Path | None = None, seconds: float = STUCK
) -> int | None:
    """The exit code of a fit in a process of its own, killed so long after its start, or after `sign` appeared."""
    process = get_context("fork").Process(target=fit, args=(rows, model, place, kind))
    process.start()
    while sign is not None and not sign.exists() and process.is_alive():
        process.join(0.001)
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode


def moments(kind: str) -> list[float]:
    """Random moments between 0, the start, and 1, the end; one in each equal part."""
    rng, num = random.Random(f"{kind} {SEED}"), KINDS[kind][1]
    return [(part + rng.random()) / num for part in range(num)]


def main(rows: Path, model: Path, root: Path) -> None:
    """Works in `root/KIND/whole` and, for each moment, in `root/KIND/N`; copies what a kill left to `left` there."""
    told = []
    for kind in KINDS:
        fit(rows, model, root / kind / "whole", kind)
        seconds = timed(rows, model, root / kind / "timed", kind)[1]
        for number, moment in enumerate(moments(kind)):
            place = root / kind / str(number)
            place.mkdir()
            sign = place / "run.partial" / "model" if kind == "writing" else None
            after = moment * (WRITING if kind == "writing" else seconds)
            killed = fit_apart(rows, model, place, kind, sign=sign, seconds=after)
            shutil.copytree(place, place / "left", ignore=shutil.ignore_patterns("cache", "left"))
            # a fit that was done before its moment stays; one that was not is measured anew, as the machine changes
            again, seconds = (0, seconds) if (place / "run").exists() else timed(rows, model, place, kind)
            told.append({"place": str(place), "killed": killed, "again": again})
    (root / "attempts.json").write_text(json.dumps(told))


def timed(rows: Path, model: Path, place: Path, kind: str) -> tuple[int | None, float]:
    """The exit code of a fit that nobody disturbs, and how long it took."""
    start = time.perf_counter()
    return fit_apart(rows, model, place, kind), time.perf_counter() - start


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
