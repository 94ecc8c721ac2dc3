"""The main job twice, on data that ships with it: reviews as text, scikit-learn's handwritten digits as images.

Usage: python examples/demo.py [FOLDER]   (the runs go into FOLDER, by default runs/demo)
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from headstart.cli import main

REVIEWS = Path(__file__).resolve().parent / "reviews" / "reviews.csv"


def write_digits(folder: Path) -> Path:
    """scikit-learn's 1,797 handwritten digits as PNG files, one folder a class."""
    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        # ink is 16 and paper 0: as on paper, dark on white
        Image.fromarray((255 - pixels * (255 / 16)).astype(np.uint8)).save(place / f"{number:04d}.png")
    return folder


def demo(folder: Path) -> int:
    """Both runs, from the command line's own entry point; the exit code of the first that fails, or 0."""
    shutil.rmtree(folder, ignore_errors=True)
    digits = write_digits(folder / "digits")
    for title, data, out in (
        ("Reviews: is a text positive or negative?", REVIEWS, folder / "reviews-run"),
        ("Digits: which digit is in the picture?", digits, folder / "digits-run"),
    ):
        print(f"\n== {title}\n", flush=True)
        code = main(["fit", str(data), "--out", str(out), "--offline"])
        if code:
            return code
    print(
        f"\nThe page of each run opens in any browser. Try the model:\n  headstart predict {folder / 'reviews-run'} -"
    )
    return 0


if __name__ == "__main__":
    sys.exit(demo(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs") / "demo"))
