"""What `encode` gives is what the family's own transformers code gives, one row a family in docs/parity.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import encoding_peers
import parity
import stacks
from headstart.encoding.encoder import Encoder, load_backbone

TOLERANCE = 1e-5
"""Of float32; sums are taken in another order where batches and kernels differ."""
# torch's complaint over how WavLM's own code masks
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parity")


def _encoder(name: str, root: Path) -> Encoder:
    folder = root / name
    return load_backbone(f"dir:{folder if folder.exists() else encoding_peers.saved(name, folder)}")


def _difference(ours: Any, theirs: torch.Tensor, mask: Any) -> float:
    """The largest, over real tokens only: what stands at padding means nothing."""
    apart = np.abs(ours - theirs.numpy())
    return float(apart.max() if mask is None else apart[np.asarray(mask, dtype=bool)].max())


@pytest.mark.parametrize("name", stacks.FAMILIES)
def test_encoding_equals_the_familys_own_code(name: str, root: Path) -> None:
    encoder, items = _encoder(name, root), encoding_peers.items(name)
    theirs, mask = encoding_peers.theirs(name, root / name)
    ours = encoder.encode(items)
    assert ours.hidden.shape == tuple(theirs.shape)
    inputs = encoder.backbone.prepare(items).take(range(len(items)))
    with torch.inference_mode():
        same_batch = encoder.backbone.states(encoder.backbone.module, inputs).layers[-1]
    differences = [
        _difference(ours.hidden, theirs, ours.mask if mask is None else mask),
        _difference(same_batch.numpy(), theirs, mask),
    ]
    parity.put(name, differences)
    assert differences[0] <= TOLERANCE
    assert differences[1] == 0


@pytest.mark.parametrize("name", [*stacks.FAMILIES, "vgg (timm)", "resnet (timm)", "resnet-20 (PyTorch Hub)"])
def test_the_table_in_the_docs_has_a_row_for_the_family(name: str) -> None:
    assert name in parity.families()
