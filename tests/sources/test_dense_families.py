"""Families that end in masks themselves: a tiny member of each learns a step, is saved, and opens in its own class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import headstart
from headstart import model
from headstart.network import Whole
from headstart.sources import dir as folders
from test_segmentation_run import shapes

MAPS: dict[str, Any] = {"hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1]}
STAGES = [f"stage{number}" for number in (1, 2, 3, 4)]


def segformer() -> Any:
    sizes: dict[str, Any] = {"hidden_sizes": [8, 16], "num_attention_heads": [1, 2], "mlp_ratios": [2, 2]}
    parts = {"depths": [1, 1], "sr_ratios": [2, 1], "patch_sizes": [7, 3], "strides": [4, 2]}
    config = transformers.SegformerConfig(num_encoder_blocks=2, decoder_hidden_size=16, **sizes, **parts)
    return transformers.SegformerForSemanticSegmentation(config)


def upernet() -> Any:
    backbone = transformers.ConvNextConfig(**MAPS, out_features=STAGES)
    sizes = {"hidden_size": 16, "pool_scales": [1, 2], "auxiliary_channels": 8, "auxiliary_in_channels": 16}
    return transformers.UperNetForSemanticSegmentation(transformers.UperNetConfig(backbone_config=backbone, **sizes))


def mask2former() -> Any:
    backbone = transformers.SwinConfig(
        image_size=64, embed_dim=8, depths=[1] * 4, num_heads=[1] * 4, window_size=2, out_features=STAGES
    )
    sizes: dict[str, Any] = {"feature_size": 32, "mask_feature_size": 32, "hidden_dim": 32, "num_queries": 5}
    layers = {"encoder_layers": 1, "decoder_layers": 2, "num_attention_heads": 2, "dim_feedforward": 16}
    config = transformers.Mask2FormerConfig(backbone_config=backbone, encoder_feedforward_dim=16, **sizes, **layers)
    return transformers.Mask2FormerForUniversalSegmentation(config)


FAMILIES = {
    "SegFormer": (segformer, "AutoModelForSemanticSegmentation"),
    "UPerNet": (upernet, "AutoModelForSemanticSegmentation"),
    "Mask2Former": (mask2former, "AutoModelForUniversalSegmentation"),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_of_masks_learns_and_opens_in_its_own_class(name: str, tmp_path: Path) -> None:
    made, own_class = FAMILIES[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made().save_pretrained(tmp_path / "tiny")
    transformers.ViTImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(tmp_path / "tiny")
    assert folders.load(str(tmp_path / "tiny"), revision=None, offline=True).offers(own_class)
    data = shapes(tmp_path / "data", 8)
    how = {"strategy": "full", "epochs": 1, "batch_size": 4, "image_size": 64, "precision": "float32"}
    run = headstart.fit(data, model=str(tmp_path / "tiny"), out=tmp_path / "run", image_scale="1", **how)

    trained = run.model.network
    assert isinstance(trained, Whole)
    opened = getattr(transformers, own_class).from_pretrained(run.folder / "model").eval()
    assert opened.config.num_labels == 2
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, theirs = trained.module.eval()(pixel_values=pixels), opened(pixel_values=pixels)
    for key in ("logits", "class_queries_logits", "masks_queries_logits"):
        if key in theirs:
            # weights that lie elsewhere in memory may change the last bit of a product
            torch.testing.assert_close(ours[key], theirs[key], rtol=1e-5, atol=1e-6)
    picture = str(data / "images" / "0.png")
    assert model.load(run.folder).predict([picture]) == run.model.predict([picture])
