"""Finds people and places: learns from sixty sentences, says what that was worth, and marks a new sentence."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import headstart

LETTERS = Path(__file__).parent / "letters" / "letters.jsonl"
NEW = "Henrietta took the night train from Lyon to Naples with her cousin Paolo."


def main(model: str | None = None) -> None:
    """Fits a head on a frozen model, the best one on this machine unless another is named, and asks it."""
    with tempfile.TemporaryDirectory() as folder:
        run = headstart.fit(LETTERS, out=Path(folder) / "run", model=model, offline=True)
        print(run.scores["verdict"])
        (answer,) = headstart.load(run.folder).predict([NEW])
    print(NEW)
    for one in answer["entities"]:
        print(f"{one['start']:3} to {one['end']:2}  {one['label']:6}  {one['text']}  ({one['score']:.2f})")


if __name__ == "__main__":
    main(*sys.argv[1:2])
