"""Heads of ours on models that have their maps the other way round: saved, loaded, and run by the card's own Python."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foreign
from headstart import model
from headstart.heads import layers
from headstart.heads.form import Form
from headstart.network import Headed
from headstart.readings import Reading
from headstart.sources import _ref
from headstart.tasks.classes.single import Classes

SWIN: dict[str, Any] = {"name": "swin_tiny_patch4_window7_224", "img_size": 32, "window_size": 4, "embed_dim": 24}
VIT: dict[str, Any] = {"name": "test_vit", "img_size": 32}
HEADS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "max of Swin's maps": (SWIN, {"kind": "linear", "pool": "max"}),
    "convolution over Swin's maps": (SWIN, {"kind": "conv", "pool": None, "is_of_map": True}),
    "attention over Swin's maps": (SWIN, {"kind": "attention-pool", "pool": None}),
    "convolution over patches": (VIT, {"kind": "conv", "pool": None, "is_of_map": True}),
    "learnt average where no blocks are known": ({"name": "dla46_c"}, {"kind": "linear", "pool": "attention"}),
}


@pytest.mark.parametrize("name", HEADS)
def test_the_cards_python_gives_the_loaded_models_logits(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    architecture, head = HEADS[name]
    foreign.timm_folder(tmp_path / "base", **architecture)
    backbone = _ref.load(f"timm:{tmp_path / 'base'}")
    reading = Reading(((len(backbone.widths) - 1,),))
    form = Form(width=reading.width(backbone.widths), inner=16, **head)
    headed = Headed(backbone, reading, layers.build(form, 2).eval(), form)
    made = model.Model("image-classification", Classes(("blue", "red")), backbone, headed)
    made.save(tmp_path / "model")
    (tmp_path / "use.py").write_text(model.usage(made), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "model")
    image = _red()

    used = runpy.run_path("../use.py")

    np.testing.assert_allclose(used["logits"].numpy(), made.logits([image]), atol=1e-5, rtol=1e-5)
    assert np.array_equal(model.load(tmp_path / "model").logits([image]), made.logits([image]))


def _red() -> Any:
    """The picture in the card."""
    from PIL import Image

    return Image.new("RGB", (64, 64), "red")
