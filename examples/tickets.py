"""Sorts tickets under all they are about: learns several labels a row, says what that was worth, and reads one."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import headstart

TICKETS = Path(__file__).parent / "tickets" / "tickets.jsonl"
NEW = "You billed me twice, and since then my password is not accepted."


def main(model: str | None = None) -> None:
    """Fits a head on a frozen model, the best one on this machine unless another is named, and asks it."""
    with tempfile.TemporaryDirectory() as folder:
        run = headstart.fit(TICKETS, out=Path(folder) / "run", model=model, offline=True)
        print(run.scores["verdict"])
        (answer,) = headstart.load(run.folder).predict([NEW])
    print(NEW)
    print(f"is about: {', '.join(answer['labels']) or 'nothing of that'}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
