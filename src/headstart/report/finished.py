"""The files of a finished run, read and checked for what the page tells from them.

A folder that lacks one of them is not a finished run, and is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.errors import OutputError
from headstart.report.mistakes import Mistake, worst

TOLD = {
    "run.json": (
        "headstart",
        "created",
        "task",
        "data",
        "settings",
        "model",
        "boundary",
        "num_blocks",
        "reading",
        "precision",
        "parameters",
        "seconds",
        "versions",
        "machine",
        "notes",
        "warnings",
        "learning",
    ),
    "scores.json": ("split", "rows", "primary", "metrics", "baselines", "gain", "verdict"),
    "check.json": ("splits", "classes", "problems", "facts"),
}
"""What each file must hold; scores of a task that has no classes may lack the rest."""


@dataclass(frozen=True)
class Finished:
    """What a run folder says: three JSON files, the worst mistakes, how many rows were left out, the model's size."""

    run: Mapping[str, Any]
    scores: Mapping[str, Any]
    check: Mapping[str, Any]
    mistakes: list[Mistake]
    num_mistakes: int
    num_rejected: int
    num_bytes: int


def read(run: Path) -> Finished:
    """Everything the page tells.

    Args:
        run: A run folder.

    Raises:
        OutputError: A file is missing or damaged, so this is not a finished run.
    """
    told, scores, check = (_json(run, name) for name in TOLD)
    for name in ("events.jsonl", "predictions.parquet"):
        if not (run / name).is_file():
            raise _unfinished(run, f"it has no {name}")
    mistakes, num_mistakes = _mistakes(run)
    return Finished(
        told,
        scores,
        check,
        mistakes=mistakes,
        num_mistakes=num_mistakes,
        num_rejected=_num_lines(run / "rejected.jsonl"),
        num_bytes=sum(file.stat().st_size for file in (run / "model").glob("*.safetensors")),
    )


def _json(run: Path, name: str) -> dict[str, Any]:
    try:
        told = json.loads((run / name).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _unfinished(run, f"it has no {name}") from error
    except ValueError as error:
        raise _unfinished(run, f"its {name} is not JSON ({error})") from error
    missing = [key for key in TOLD[name] if not isinstance(told, dict) or key not in told]
    if missing:
        raise _unfinished(run, f'its {name} lacks "{missing[0]}"')
    return dict(told)


def _mistakes(run: Path) -> tuple[list[Mistake], int]:
    import pyarrow as pa

    try:
        return worst(run / "predictions.parquet")
    except pa.ArrowInvalid as error:
        raise _unfinished(run, f"its predictions.parquet cannot be read ({error})") from error


def _num_lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def _unfinished(run: Path, why: str) -> OutputError:
    return OutputError(
        f'"{run}" is not a finished run: {why}. Give the folder a finished `headstart fit` wrote, or run the fit again.'
    )
