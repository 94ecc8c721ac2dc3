"""What `encode` gives is what the family's own transformers code gives, one row a family in docs/parity.md.

The table is written anew by `make docs`, which names it in the variable PARITY.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import encoding_peers
import stacks
from headstart.encoding.encoder import Encoder, load_backbone

TOLERANCE = 1e-5
"""Of float32; sums are taken in another order where batches and kernels differ."""
TABLE = Path(__file__).parents[2] / "docs" / "parity.md"
HEAD = """# Parity

Largest difference between hidden states of the last layer by headstart and by the family's own code, float32, tiny
models with random weights, over the real tokens of padded batches. Written by `make docs` from the tests that hold it
to 1e-5 and 0.

| family | `encode`, batches and kernels of its own | the same batch |
| --- | --- | --- |
"""
# torch's complaint over how WavLM's own code masks
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")


@pytest.fixture(scope="module")
def rows() -> Iterator[dict[str, list[float]]]:
    """Filled by the tests; written down at the end where that was asked for."""
    found: dict[str, list[float]] = {}
    yield found
    if table := os.environ.get("PARITY"):
        lines = [f"| {name} | {' | '.join(map(_figure, values))} |" for name, values in found.items()]
        Path(table).write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parity")


def _figure(value: float) -> str:
    return f"{value:.1e}" if value else "0"


def _encoder(name: str, root: Path) -> Encoder:
    folder = root / name
    return load_backbone(f"dir:{folder if folder.exists() else encoding_peers.saved(name, folder)}")


def _difference(ours: Any, theirs: torch.Tensor, mask: Any) -> float:
    """The largest, over real tokens only: what stands at padding means nothing."""
    apart = np.abs(ours - theirs.numpy())
    return float(apart.max() if mask is None else apart[np.asarray(mask, dtype=bool)].max())


@pytest.mark.parametrize("name", stacks.FAMILIES)
def test_encoding_equals_the_familys_own_code(name: str, root: Path, rows: dict[str, list[float]]) -> None:
    encoder = _encoder(name, root)
    theirs, mask = encoding_peers.theirs(name, root / name)
    ours = encoder.encode(encoding_peers.items(name))
    assert ours.hidden.shape == tuple(theirs.shape)
    rows[name] = [_difference(ours.hidden, theirs, ours.mask if mask is None else mask)]
    assert rows[name][0] <= TOLERANCE


@pytest.mark.parametrize("name", stacks.FAMILIES)
def test_the_same_batch_gives_the_same_to_the_bit(name: str, root: Path, rows: dict[str, list[float]]) -> None:
    backbone, items = _encoder(name, root).backbone, encoding_peers.items(name)
    inputs = backbone.prepare(items).take(range(len(items)))
    with torch.inference_mode():
        ours = backbone.states(backbone.module, inputs).layers[-1]
    theirs, mask = encoding_peers.theirs(name, root / name)
    rows.setdefault(name, []).append(_difference(ours.numpy(), theirs, mask))
    assert rows[name][-1] == 0


@pytest.mark.parametrize("name", stacks.FAMILIES)
def test_the_table_in_the_docs_has_a_row_for_the_family(name: str) -> None:
    assert f"| {name} |" in TABLE.read_text(encoding="utf-8")
