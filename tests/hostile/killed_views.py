"""Kills a training with dropout and changing images at random moments, resumes it, and compares the weights.

Run as a script with a folder of images, a model folder, a folder to work in and how many times; writes told.json there.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from multiprocessing import get_context
from pathlib import Path

from headstart import folder, run
from headstart.settings import FitSettings

SETTINGS = FitSettings(
    strategy="full",
    epochs=4,
    patience=9,
    lr=1e-3,
    batch_size=8,
    checkpoint_steps=2,
    augment="crop,flip,color,mixup",
    precision="float32",
)
STUCK = 60.0
"""Seconds after which a fit that should take a few will not end any more."""


def fit(images: Path, model: Path, place: Path) -> None:
    """A fit that goes on where one that was killed had saved."""
    os.environ["HEADSTART_CACHE"] = str(place / "cache")
    settings = FitSettings(**{**vars(SETTINGS), "model": f"dir:{model}"})
    run.fit(str(images), settings, out=place / "run")


def apart(images: Path, model: Path, place: Path, *, seconds: float = STUCK) -> bool:
    """Whether a fit in a process of its own ended by itself before it was killed, so long after its start."""
    process = get_context("fork").Process(target=fit, args=(images, model, place))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == 0


def weights(place: Path) -> dict[str, bytes]:
    """The files of the finished model."""
    return {path.name: path.read_bytes() for path in (place / "run" / "model").glob("*.safetensors")}


def main(images: Path, model: Path, root: Path, times: int) -> None:
    """Kills as often as asked, each time in a folder of its own."""
    dice = random.Random(11)
    for place in (root / "whole", root / "timed"):
        place.mkdir(parents=True)
    fit(images, model, root / "whole")
    start = time.perf_counter()
    assert apart(images, model, root / "timed")
    seconds = time.perf_counter() - start
    told = {"times": times, "killed": 0, "resumed": 0, "equal": 0}
    for number in range(times):
        place = root / str(number)
        place.mkdir()
        # moments of the whole run, each part of it as likely
        told["killed"] += not apart(images, model, place, seconds=seconds * (number + dice.random()) / times)
        told["resumed"] += folder.is_resumable(place / "run.partial")
        is_done = (place / "run").exists() or apart(images, model, place)
        told["equal"] += is_done and weights(place) == weights(root / "whole")
    (root / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), times=int(sys.argv[4]))
