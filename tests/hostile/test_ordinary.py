"""No ordinary folder is refused, and each encodes as its undressed model does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from ordinary import ORDINARY, Ordinary
from traps import TRAPS

import families
from headstart.contracts import Backbone
from headstart.sources import dir as folders

TEXTS = ["a lovely day", "the book was dull and the room was cold"]


def encoded(folder: Path) -> tuple[Backbone, torch.Tensor]:
    """The backbone, and its pooled states of two items."""
    backbone = folders.load(str(folder), revision=None, offline=True)
    items: list[Any] = (
        [*TEXTS] if backbone.modality == "text" else [families.picture((9, 99, 180), seed=i) for i in (0, 1)]
    )
    with torch.inference_mode():
        return backbone, backbone.pooled(backbone.module, backbone.prepare(items).take([0, 1]))


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
@pytest.mark.parametrize("ordinary", ORDINARY, ids=lambda ordinary: ordinary.id)
def test_an_ordinary_folder_loads_and_encodes(ordinary: Ordinary, family: families.Family, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(family(ordinary.family), tmp_path / "model"))
    folder = ordinary.dress(folder) or folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    backbone, pooled = encoded(folder)

    assert not backbone.ref.ran_code
    # half precision keeps 8 bits of each weight
    bound = 0.05 if ordinary.id == "half precision" else 0.0
    torch.testing.assert_close(pooled, encoded(family(ordinary.family))[1], atol=bound, rtol=0)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_there_are_ordinary_folders_enough() -> None:
    assert len({ordinary.id for ordinary in ORDINARY}) == len(ORDINARY) >= 40
    assert not {ordinary.id for ordinary in ORDINARY} & {trap.id for trap in TRAPS}
