"""Answers questions about notices: learns from sixty-seven, which is too few, says so, and shows its best answers."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import headstart

NOTICES = Path(__file__).parent / "notices" / "notices.json"
NOTICE = "The choir meets on Thursdays in the hall behind the mill. Its new conductor is Lena Moss."
QUESTIONS = ("When does the choir meet?", "Who is the conductor?")


def main(model: str | None = None) -> None:
    """Trains the best model on this machine unless another is named, and asks it."""
    with tempfile.TemporaryDirectory() as folder:
        run = headstart.fit(
            NOTICES, out=Path(folder) / "run", model=model, strategy="full", epochs=2, batch_size=16, offline=True
        )
        print(run.scores["verdict"])
        answers = headstart.load(run.folder).predict([(question, NOTICE) for question in QUESTIONS])
    for question, answer in zip(QUESTIONS, answers, strict=True):
        best = [f'"{one["text"]}" ({one["confidence"]:.2f})' for one in answer["answers"][:3]]
        print(f"{question}  {answer['answer'] or 'no answer'};  best: {', '.join(best)}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
