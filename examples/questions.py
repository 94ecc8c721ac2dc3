"""Tells whether two questions mean the same: learns from pairs of texts, says what that was worth, and compares two."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import headstart

QUESTIONS = Path(__file__).parent / "questions" / "questions.csv"
NEW = ("Where may I throw away a broken lamp?", "Is there a place for lamps that no longer work?")


def main(model: str | None = None) -> None:
    """Fits a head on a frozen model, the best one on this machine unless another is named, and asks it.

    To hold one text against the other, a whole model that is trained (`strategy="full"`) does better, on more rows.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = headstart.fit(QUESTIONS, out=Path(folder) / "run", model=model, offline=True)
        print(run.scores["verdict"])
        (answer,) = headstart.load(run.folder).predict([NEW])
    print(*NEW, sep="\n")
    print(f"{answer['label']} ({answer['confidence']:.2f})")


if __name__ == "__main__":
    main(*sys.argv[1:2])
