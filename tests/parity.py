"""The table of docs/parity.md: the tests that hold each family to its own code put their rows into it when asked.

`make docs` asks, by naming the file in the variable PARITY.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

TABLE = Path(__file__).parents[1] / "docs" / "parity.md"
HEAD = """# Parity

Largest difference between hidden states of the last layer by headstart and by the family's own code, float32, tiny
models with random weights, over the real tokens of padded batches. Written by `make docs` from the tests that hold it
to 1e-5 and 0.

| family | `encode`, batches and kernels of its own | the same batch |
| --- | --- | --- |
"""


def put(name: str, differences: list[float]) -> None:
    """Puts a family's row in its place, where the table is being written."""
    if table := os.environ.get("PARITY"):
        path = Path(table)
        rows = {**families(path), name: f"| {name} | {' | '.join(map(_figure, differences))} |"}
        path.write_text(HEAD + "\n".join(rows.values()) + "\n", encoding="utf-8")


def families(path: Path = TABLE) -> dict[str, str]:
    """Family -> its row in the table."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return {found[1]: found[0] for found in re.finditer(r"^\| ([\w-]+(?: \([\w ]+\))?) \| [0-9].*\|$", text, re.M)}


def _figure(value: float) -> str:
    return f"{value:.1e}" if value else "0"
