"""Tiny members of transformers' detector families with random weights, each as `save_pretrained` writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

QUERIES = 12
MAPS = {"embedding_size": 8, "hidden_sizes": [8, 12, 16, 24], "depths": [1, 1, 1, 1], "layer_type": "basic"}
LAYERS = {"encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
INNER = {"encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "num_queries": QUERIES}


def _resnet(*stages: str) -> dict[str, Any]:
    from transformers import ResNetConfig

    own = ResNetConfig(**MAPS, out_features=list(stages))
    return {"use_timm_backbone": False, "use_pretrained_backbone": False, "backbone": None, "backbone_config": own}


def _of_three_maps() -> dict[str, Any]:
    """What RT-DETR and those after it have in common."""
    sizes = {"d_model": 16, "encoder_hidden_dim": 16, "hidden_expansion": 1.0, "num_denoising": 0}
    widths = {"encoder_in_channels": [12, 16, 24], "decoder_in_channels": [16, 16, 16]}
    return {**LAYERS, **INNER, **sizes, **widths}


def _rt_resnet() -> Any:
    from transformers import RTDetrResNetConfig

    return RTDetrResNetConfig(**MAPS, out_features=["stage2", "stage3", "stage4"])


def _hgnet() -> Any:
    from transformers import HGNetV2Config

    return HGNetV2Config(
        embedding_size=8,
        hidden_sizes=[8, 12, 16, 24],
        depths=[1] * 4,
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 8, 12, 16],
        stage_mid_channels=[8] * 4,
        stage_out_channels=[8, 12, 16, 24],
        stage_num_blocks=[1] * 4,
        stage_numb_of_layers=[1] * 4,
        stage_downsample=[False, True, True, True],
        stage_light_block=[False] * 4,
        stage_kernel_size=[3] * 4,
        out_features=["stage2", "stage3", "stage4"],
    )


def _detr(name: str, **more: Any) -> Any:
    import transformers as t

    stages = ("stage2", "stage3", "stage4") if name == "DeformableDetr" else ("stage4",)
    config = getattr(t, f"{name}Config")(**{**_resnet(*stages), **LAYERS, **INNER, "d_model": 16, **more})
    return getattr(t, f"{name}ForObjectDetection")(config)


def _yolos() -> Any:
    import transformers as t

    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    config = t.YolosConfig(
        **sizes, image_size=[64, 64], num_detection_tokens=QUERIES, use_mid_position_embeddings=False
    )
    return t.YolosForObjectDetection(config)


def _rt_detr(name: str) -> Any:
    import transformers as t

    config = getattr(t, f"{name}Config")(backbone_config=_rt_resnet(), **_of_three_maps())
    return getattr(t, f"{name}ForObjectDetection")(config)


def _d_fine() -> Any:
    import transformers as t

    return t.DFineForObjectDetection(t.DFineConfig(backbone_config=_hgnet(), eval_size=None, **_of_three_maps()))


_MADE: dict[str, Callable[[], Any]] = {
    "detr": lambda: _detr("Detr"),
    "conditional_detr": lambda: _detr("ConditionalDetr"),
    "deformable_detr": lambda: _detr("DeformableDetr", d_model=32, num_feature_levels=3),
    "yolos": _yolos,
    "rt_detr": lambda: _rt_detr("RTDetr"),
    "rt_detr_v2": lambda: _rt_detr("RTDetrV2"),
    "d_fine": _d_fine,
}
NAMES = tuple(_MADE)


def make(name: str, folder: Path) -> None:
    """Writes a tiny model with an image processor."""
    import torch
    from transformers import DetrImageProcessorPil
    from transformers.utils import logging

    logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _MADE[name]().save_pretrained(folder)
    DetrImageProcessorPil().save_pretrained(folder)
