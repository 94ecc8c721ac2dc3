"""What each family's own code gives for the items our encoder is given, from a folder that `save_pretrained` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

import families
import stacks

TEXTS = ["fine", "the film was very dull", "a kind, warm day with one clear view", "poor meal"]


def saved(name: str, folder: Path) -> Path:
    """A tiny member of the family as a model folder, with what prepares its items beside it."""
    module: Any = stacks.whole(name)
    module.save_pretrained(folder)
    _processor(name).save_pretrained(folder)
    return folder


def _processor(name: str) -> Any:
    import transformers as t

    kind = stacks.FAMILIES[name][2]
    if kind == "text":
        tokens = families.tokenizer("roberta" if "roberta" in name else "bert")
        tokens.model_max_length = 64
        return tokens
    if kind == "image":
        return families.processor()
    if kind == "spectrum":
        return t.WhisperFeatureExtractor(feature_size=16, chunk_length=1)
    return t.Wav2Vec2FeatureExtractor(return_attention_mask=kind == "padded sound")


def items(name: str) -> list[Any]:
    """Items of different lengths, as a user would give them."""
    kind = stacks.FAMILIES[name][2]
    if kind == "text":
        return TEXTS
    if kind == "image":
        return [families.picture((60 * i, 90, 120), seed=i).resize((20 + 9 * i, 31)) for i in range(4)]
    random = np.random.default_rng(0)
    lengths = [4000] * 3 if kind == "sound" else [4000, 2500, 3100]
    return [random.normal(0, 0.1, length).astype(np.float32) for length in lengths]


def theirs(name: str, folder: Path) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Hidden states of all items in one batch by transformers alone, and the mask of what is real where it has one."""
    import transformers as t

    kind = stacks.FAMILIES[name][2]
    module: Any = t.AutoModel.from_pretrained(folder).eval()
    for parameter in module.parameters():
        # mapped from the file they lie at any address, on which the last bit of a product depends
        parameter.data = parameter.data.clone()
    if kind == "text":
        batch = t.AutoTokenizer.from_pretrained(folder)(items(name), padding=True, return_tensors="pt")
    elif kind == "image":
        batch = t.AutoImageProcessor.from_pretrained(folder)(items(name), return_tensors="pt")
    else:
        extractor = t.AutoFeatureExtractor.from_pretrained(folder)
        padding = "max_length" if kind == "spectrum" else True
        batch = extractor(items(name), sampling_rate=16000, padding=padding, return_tensors="pt")
    module = module.get_encoder() if kind == "spectrum" else module
    batch.pop("token_type_ids", None)
    with torch.inference_mode():
        output = module(**batch, output_hidden_states=True)
    return output.hidden_states[-1], batch.get("attention_mask") if kind == "text" else None
