"""A tiny member with random weights of every family whose stack we cut, and a batch for each, padded where it pads."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn

from headstart.contracts import Inputs

WIDTH: dict[str, Any] = {
    "hidden_size": 32,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
}
WORDS: dict[str, Any] = {**WIDTH, "vocab_size": 160, "pad_token_id": 1}
PIXELS: dict[str, Any] = {**WIDTH, "image_size": 32, "patch_size": 8}
MAPS: dict[str, Any] = {"hidden_sizes": [8, 16], "depths": [1, 2]}
SOUNDS: dict[str, Any] = {
    **WIDTH,
    "conv_dim": (16, 16),
    "conv_kernel": (10, 3),
    "conv_stride": (5, 4),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}
# family: class, the options of its config, the kind of batch
FAMILIES: dict[str, tuple[str, dict[str, Any], str]] = {
    "bert": ("Bert", WORDS, "text"),
    "roberta": ("Roberta", WORDS, "text"),
    "xlm-roberta": ("XLMRoberta", WORDS, "text"),
    "distilbert": ("DistilBert", {"vocab_size": 160, "dim": 32, "n_heads": 2, "hidden_dim": 48, "n_layers": 3}, "text"),
    "electra": ("Electra", {**WORDS, "embedding_size": 16}, "text"),
    "modernbert": (
        "ModernBert",
        {
            **WORDS,
            "global_attn_every_n_layers": 2,
            "local_attention": 4,
            **dict.fromkeys(("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"), 2),
        },
        "text",
    ),
    "deberta-v2": (
        "DebertaV2",
        {
            **WORDS,
            "relative_attention": True,
            "position_buckets": 8,
            "pos_att_type": ["p2c", "c2p"],
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "conv_kernel_size": 3,
        },
        "text",
    ),
    "vit": ("ViT", PIXELS, "image"),
    "dinov2": ("Dinov2", PIXELS, "image"),
    "swin": (
        "Swin",
        {"image_size": 32, "patch_size": 4, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4},
        "image",
    ),
    "convnext": ("ConvNext", {**MAPS, "num_stages": 2}, "image"),
    "resnet": ("ResNet", {**MAPS, "embedding_size": 8, "layer_type": "basic"}, "image"),
    "mobilenet": ("MobileNetV1", {"depth_multiplier": 0.1, "image_size": 32, "initializer_range": 0.3}, "image"),
    "wav2vec2": ("Wav2Vec2", SOUNDS, "sound"),
    "wav2vec2-masked": (
        "Wav2Vec2",
        {**SOUNDS, "feat_extract_norm": "layer", "do_stable_layer_norm": True},
        "padded sound",
    ),
    "hubert": ("Hubert", {**SOUNDS, "feat_extract_norm": "layer"}, "padded sound"),
    "wavlm": ("WavLM", {**SOUNDS, "feat_extract_norm": "layer"}, "padded sound"),
    "whisper": (
        "Whisper",
        {
            "vocab_size": 50,
            "d_model": 32,
            "encoder_layers": 2,
            "decoder_layers": 1,
            "num_mel_bins": 16,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 48,
            "decoder_ffn_dim": 48,
            "max_source_positions": 50,
            "decoder_start_token_id": 1,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        "spectrum",
    ),
}


def model(name: str) -> nn.Module:
    """The bare model in evaluation mode; of Whisper the encoder."""
    made: Any = whole(name)
    return made.get_encoder() if name == "whisper" else made


@functools.cache
def whole(name: str) -> nn.Module:
    """The family's own base model in evaluation mode."""
    import transformers

    family, options, _ = FAMILIES[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module: Any = getattr(transformers, f"{family}Model")(getattr(transformers, f"{family}Config")(**options))
    return module.eval()


def batch(name: str) -> Inputs:
    """Random inputs of the kind the family reads."""
    random = torch.Generator().manual_seed(1)
    kind = FAMILIES[name][2]
    if kind == "text":
        return Inputs(_tokens(random))
    if kind == "image":
        return Inputs({"pixel_values": torch.randn(2, 3, 32, 32, generator=random)})
    if kind == "spectrum":
        return Inputs({"input_features": torch.randn(2, 16, 100, generator=random)})
    sounds = {"input_values": torch.randn(2, 4000, generator=random)}
    if kind == "sound":
        return Inputs(sounds)
    mask = torch.ones(2, 4000, dtype=torch.long)
    mask[1, 2500:] = 0
    return Inputs({**sounds, "attention_mask": mask})


def _tokens(random: torch.Generator) -> dict[str, torch.Tensor]:
    """Three rows of 9, 6 and 4 tokens."""
    ids = torch.randint(3, 160, (3, 9), generator=random)
    mask = (torch.arange(9)[None] < torch.tensor([9, 6, 4])[:, None]).long()
    return {"input_ids": ids.where(mask == 1, 1), "attention_mask": mask}
