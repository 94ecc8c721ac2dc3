"""Python for model cards that goes on where a backbone's own ends: from states or vectors to logits, in plain torch."""

# in the code made here: B rows, T tokens, D width of a state

from __future__ import annotations

import json
from collections.abc import Sequence

from headstart.contracts import Modality
from headstart.heads.form import PARTS, Form
from headstart.heads.layers import SPANS


def code(
    form: Form,
    opening: str,
    groups: Sequence[Sequence[int]],
    names: Sequence[str],
    modality: Modality,
    *,
    after: str = "",
) -> str:
    """The whole of it.

    Args:
        form: The head.
        opening: The backbone's own, of which the last line makes vectors of states.
        groups: Of the layers that are read.
        names: The classes.
        modality: What the model reads; only texts come with a mask.
        after: What becomes of `logits` before answers are made of them.
    """
    is_padded = modality == "text"
    features = _states(form, groups[0][0], is_padded) if form.reads_states else _vectors(form, groups, is_padded)
    kept = opening if form.pool == "mean" else "".join(opening.splitlines(keepends=True)[:-1])
    named = f"names = {json.dumps(list(names), ensure_ascii=False)}\n"
    return kept + _LOADED + features + _top(form) + after + named


def _vectors(form: Form, groups: Sequence[Sequence[int]], is_padded: bool) -> str:
    """The reading of one vector a layer."""
    made = "vectors = states  # of each token\n" if form.is_by_token else ""
    if form.pool == "cls":
        made = "vectors = [state[:, 0] for state in states]\n"
    if form.pool == "max" and is_padded:
        made = 'unreal = inputs["attention_mask"][..., None] == 0\n'
        made += 'vectors = [state.masked_fill(unreal, float("-inf")).amax(1) for state in states]\n'
    elif form.pool == "max":
        made = "vectors = [state.amax((2, 3)) if state.ndim == 4 else state.amax(1) for state in states]\n"
    return made + _READING.format(groups=[list(group) for group in groups])


def _states(form: Form, layer: int, is_padded: bool) -> str:
    """The states of one layer gathered into `features`."""
    if form.is_of_map:
        return _GRID.format(layer=layer) + _NORM + _OVER_MAP
    real = 'inputs["attention_mask"]' if is_padded else "torch.ones(state.shape[:2])"
    opened = _TOKENS.format(layer=layer) + _NORM + f"mask = {real}\n"
    if form.kind == "conv":
        return opened + _ALONG_TOKENS.format(spans=list(enumerate(SPANS)))
    return opened + (_PARTS.format(parts=PARTS) if form.kind == "attention-pool" else _QUERY)


def _top(form: Form) -> str:
    place = "top." if form.reads_states else ""
    if form.kind == "mlp":
        return _MLP.format(place=place)
    return _LINEAR.format(place=f"{place}{0 if form.kind == 'linear' else 1}")


_LOADED = """
from safetensors.torch import load_file

head = load_file(folder + "/head.safetensors")
"""
_READING = """groups = {groups}  # each group of layers is averaged, the averages stand side by side
features = torch.cat([torch.stack([vectors[layer] for layer in group]).mean(0) for group in groups], dim=-1)
"""
_TOKENS = """state = states[{layer}]
state = state.flatten(2).transpose(1, 2) if state.ndim == 4 else state
"""
_GRID = """state = states[{layer}]
if state.ndim == 3:  # patches in a row, behind states that belong to no patch
    side = int(state.shape[1] ** 0.5)
    state = state[:, -(side**2) :].unflatten(1, (side, side)).permute(0, 3, 1, 2)
state = state.permute(0, 2, 3, 1)
"""
_NORM = """state = torch.nn.functional.layer_norm(state, state.shape[-1:], head["norm.weight"], head["norm.bias"])
"""
_OVER_MAP = """weight, bias = head["gather.convolution.weight"], head["gather.convolution.bias"]
features = torch.conv2d(state.permute(0, 3, 1, 2), weight, bias, padding=1).relu().mean((2, 3))
"""
_ALONG_TOKENS = """state, features = (state * mask[..., None]).transpose(1, 2), []
for i, span in {spans}:
    padded = torch.nn.functional.pad(state, ((span - 1) // 2, span // 2))
    found = torch.conv1d(padded, head[f"gather.spans.{{i}}.weight"], head[f"gather.spans.{{i}}.bias"]).relu()
    features.append((found * mask[:, None]).amax(2))
features = torch.cat(features, dim=1)
"""
_QUERY = """scores = state @ head["gather.query"] / state.shape[2] ** 0.5
weights = scores.masked_fill(mask == 0, float("-inf")).softmax(1)
features = (weights[..., None] * state).sum(1)
"""
_PARTS = """keys = state @ head["gather.keys.weight"].T + head["gather.keys.bias"]
values = state @ head["gather.values.weight"].T + head["gather.values.bias"]
query = head["gather.query"]  # {parts} parts, each with a query of its own
scores = (keys.unflatten(2, query.shape) * query).sum(3) / query.shape[1] ** 0.5
weights = scores.masked_fill(mask[..., None] == 0, float("-inf")).softmax(1)
features = (weights[..., None] * values.unflatten(2, query.shape)).sum(1).flatten(1)
"""
_LINEAR = """logits = features @ head["{place}.weight"].T + head["{place}.bias"]
"""
_MLP = """hidden = torch.nn.functional.gelu(features @ head["{place}0.weight"].T + head["{place}0.bias"])
logits = hidden @ head["{place}3.weight"].T + head["{place}3.bias"]
"""
