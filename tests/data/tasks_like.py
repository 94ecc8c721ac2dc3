"""Two sets of fields as tasks declare them, so that the data layer is tested without any task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from headstart.contracts import Field, Rows
from headstart.data.read import Found

LABEL = Field("label", "label", "its class", ("category", "class", "stars"))
TEXT = (Field("text", "text", "the text", ("sentence", "review")), LABEL)
IMAGE = (Field("image", "image", "the file", ("file_name", "path")), LABEL)
CANDIDATES = {"images": IMAGE, "texts": TEXT}

GOOD = "text,label\nfine thing,pos\npoor thing,neg\ngreat day,pos\nsad day,neg\n"


def write(path: Path, content: str | bytes) -> Path:
    """The path, now a file of that content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows_of(pairs: Sequence[tuple[str, str]], name: str = "rows.csv") -> Rows:
    """Rows of text and label."""
    texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
    kind = pa.large_string()
    columns = {"text": pa.array(texts, kind), "label": pa.array(labels, kind)}
    places = {"file": pa.array([name] * len(pairs), kind), "row": pa.array(range(1, len(pairs) + 1), pa.int64())}
    return Rows(pa.table({**columns, **places}))


def found_of(**splits: Sequence[tuple[str, str]]) -> Found:
    """As if these pairs of text and label had been read."""
    rows: Mapping[str, Rows] = {split: rows_of(pairs, f"{split}.csv") for split, pairs in splits.items()}
    return Found("texts", TEXT, rows, (), "file", (), "", "rows.csv")
