"""How much each token of a text looks at each other one. Drawn by `report.attention`."""

# T tokens

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from headstart import batches
from headstart.contracts import Backbone
from headstart.encoding.parts import Floats
from headstart.errors import MismatchError


def of(backbone: Backbone, text: str) -> tuple[list[str], Floats]:
    """The attention weights of every layer and head over one text.

    Args:
        backbone: Reads texts, and is of a family that gives its weights.
        text: Cut at what the model reads.

    Returns:
        The text of each token, special ones by their name, and weights of shape (layers, heads, T, T); a row is one
        token's and sums to 1.

    Raises:
        MismatchError: The model reads no text, or its family does not give its weights.
    """
    if backbone.modality != "text":
        raise MismatchError(f'"{backbone.ref}" reads {backbone.modality}; attention is drawn over texts.')
    inputs = batches.placed(backbone.prepare([text], where=True).take([0]))
    module: Any = copy.deepcopy(backbone.module).to(inputs.tensors["input_ids"].device)
    # only the plain form of attention keeps its weights
    module.set_attn_implementation("eager")
    with torch.inference_mode():
        weights = module(**inputs.tensors, output_attentions=True).attentions
    if not weights or weights[0] is None:
        raise MismatchError(f'"{backbone.ref}" does not give its attention weights. Choose another model.')
    assert inputs.where is not None, "it was asked for"
    processor: Any = getattr(backbone, "processor")  # noqa: B009 - a text backbone has one, the contract does not say so
    names = processor.convert_ids_to_tokens(inputs.tensors["input_ids"][0].tolist())
    tokens = [text[start:end] or name for name, (start, end) in zip(names, inputs.where[0], strict=True)]
    return tokens, np.stack([layer[0].float().cpu().numpy() for layer in weights])
