"""The same frozen module on kernels that are faster on this machine: other routines, the same numbers up to rounding.

Only how products and attention are computed is exchanged here; what a module computes is its family's business.
"""

# B rows, H heads, T tokens, D width of a head

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import torch
from torch import nn

from headstart import stack
from headstart.device import device, has_bfloat16

SHORT = 64
"""Up to this many tokens, attention by batched products beats torch's blockwise kernel in bfloat16 (decision log)."""
LANES = 16
"""Numbers that a processor's vectors hold in float32; the softmax of fewer goes number by number (decision log)."""
FEED_FORWARD = (
    ("dense", "intermediate_act_fn"),
    ("intermediate_dense", "intermediate_act_fn"),
    ("lin1", "activation"),
    ("fc1", "activation_fn"),
    ("fc1", "act"),
)
"""Where families keep a linear layer and the activation that directly follows it, so that one routine does both."""
ATTENTION = "headstart_short"
LEARNING = "headstart_learning"
"""The attention of a network while it learns, of which a copy may answer meanwhile."""
Behind = tuple[str, list[Any], str]
PLAIN: Behind = ("none", [], "")
WITH_GELU: Behind = ("gelu", [], "none")
"""What oneDNN does right behind a product: nothing, or the activation, with its arguments and its form."""


def tuned(module: nn.Module, dtype: str = "float32", *, sums: str | None = None) -> nn.Module:
    """A copy in evaluation mode for computing without gradients; the module itself is not changed.

    Args:
        module: Anything that runs, its weights in float32, which the copy shares, packed ones beside them.
        dtype: Of products, "float32" or "bfloat16".
        sums: Of all the rest, by default the same, for which weights are copied. "float32" beside products in bfloat16
            is for use under `torch.autocast` alone.
    """
    if (sums or dtype) != "float32":
        module = copy.deepcopy(module).to(getattr(torch, dtype))
    module = module.eval()
    if device() != "cpu" or not _has_onednn():
        return module
    return _Copying(getattr(torch, dtype), _attention_for(dtype)).remade(module)


@dataclass(frozen=True)
class _Copying:
    """A shallow copy of a tree with its linear layers packed; a part that stands in two places stays one part."""

    kind: torch.dtype
    attention: str | None
    made: dict[int, Any] = field(default_factory=dict)

    def remade(self, module: nn.Module) -> nn.Module:
        """What stands for a module, made once."""
        if id(module) not in self.made:
            packed = PackedLinear(module, PLAIN, self.kind) if _can_be_packed(module, self.kind) else None
            self.made[id(module)] = self._rebuilt(module) if packed is None else packed
        remade: nn.Module = self.made[id(module)]
        return remade

    def _rebuilt(self, module: nn.Module) -> nn.Module:
        fused = self._fused_activation(module)
        children = {
            name: self.remade(child)
            for name, child in module._modules.items()
            if child is not None and name not in fused
        }
        twin = stack.twin(module, {**children, **fused})
        self._exchange_attention(twin)
        return twin

    def _fused_activation(self, module: nn.Module) -> dict[str, nn.Module]:
        """The children to put in place of a linear layer and the activation directly behind it."""
        for linear, activation in FEED_FORWARD:
            layer, behind = module._modules.get(linear), module._modules.get(activation)
            if layer is not None and _can_be_packed(layer, self.kind) and behind is not None and _is_gelu(behind):
                return {linear: PackedLinear(layer, WITH_GELU, self.kind), activation: nn.Identity()}
        return {}

    def _exchange_attention(self, twin: nn.Module) -> None:
        """Lets a transformers module look up our attention; its config is copied, since others share it."""
        config = twin.__dict__.get("config")
        if self.attention is None or getattr(config, "_attn_implementation", None) not in ("sdpa", LEARNING):
            return
        if id(config) not in self.made:
            self.made[id(config)] = copy.copy(config)
            self.made[id(config)]._attn_implementation = self.attention
        twin.__dict__["config"] = self.made[id(config)]


class PackedLinear(nn.Module):
    """A linear layer by oneDNN with its weights laid out beforehand, the activation behind it done in the same pass.

    torch's own layer takes MKL for float32, which on AMD processors runs at about half of what the machine can do.
    """

    def __init__(self, layer: nn.Linear, behind: Behind, kind: torch.dtype) -> None:
        super().__init__()
        # not registered: a copy has no parameters of its own, but code that looks at the layer's weight finds it
        self.__dict__.update(weight=layer.weight, bias=layer.bias)
        self.in_features, self.out_features = layer.in_features, layer.out_features
        packed = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach().to(kind), None)
        added = None if layer.bias is None else layer.bias.detach().to(kind)
        self.__dict__.update(packed=packed, added=added, behind=behind)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """What the layer gives, and the activation behind it."""
        packed, added, behind = (self.__dict__[name] for name in ("packed", "added", "behind"))
        states = states.to(packed.dtype)
        output: torch.Tensor = torch.ops.mkldnn._linear_pointwise(states, packed, added, *behind)
        return output


def _has_onednn() -> bool:
    """Whether this torch was built with oneDNN and has the two routines by which torch.compile uses it."""
    is_built = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return is_built and all(hasattr(torch.ops.mkldnn, name) for name in ("_linear_pointwise", "_reorder_linear_weight"))


def _can_be_packed(module: nn.Module, kind: torch.dtype) -> TypeGuard[nn.Linear]:
    """Whether it is torch's own linear layer, nobody listens to it, and oneDNN takes products of this type here."""
    has_hooks = bool(module._forward_hooks or module._forward_pre_hooks)
    if type(module) is not nn.Linear or has_hooks:
        return False
    return module.weight.dtype in (kind, torch.float32) and (kind == torch.float32 or has_bfloat16())


def _is_gelu(activation: nn.Module) -> bool:
    """Whether it is the exact form, by the error function; torch's own layer or transformers' wrapper of it."""
    if isinstance(activation, nn.GELU):
        return activation.approximate == "none"
    return type(activation).__name__ == "GELUActivation" and getattr(activation, "act", None) is nn.functional.gelu


def _attention_for(dtype: str) -> str | None:
    """The name of our attention in transformers' table; in float32 torch's own is as fast at every length."""
    if dtype != "bfloat16":
        return None
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(ATTENTION, short_attention)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    return ATTENTION


def short_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of short rows by two batched products and a softmax; of longer ones by torch's own kernel.

    Args:
        module: The attention layer that asks.
        query: Shape (B, H, T, D); `key` and `value` alike.
        key: See `query`.
        value: See `query`.
        attention_mask: True where a token may be seen, or numbers to add to the scores, shape (B, 1, T, T) or broadcast
            to it; None where all may be seen.
        scaling: Factor on the scores, by default 1/√D.
        **rest: Whatever else transformers passes on.

    Returns:
        Shape (B, T, H, D), and None for the weights.

    Source: Vaswani et al. 2017, equation 1.
    """
    B, H, T, D = key.shape
    # a layer that does not say so is causal, by transformers' convention
    is_causal = rest.get("is_causal") or getattr(module, "is_causal", True)
    if T > SHORT or is_causal or query.shape != key.shape or query.dtype != torch.bfloat16 or torch.is_grad_enabled():
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        given: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **rest
        )
        return given
    seen = max(T, LANES)
    queries, keys, values = (_in_rows(states, rows) for states, rows in ((query, T), (key, seen), (value, seen)))
    factor = D**-0.5 if scaling is None else scaling
    scores = torch.baddbmm(queries.new_empty(1, 1, 1), queries, keys.transpose(1, 2), beta=0, alpha=factor)
    if attention_mask is not None:
        _mask(scores.view(B, H, T, seen)[..., :T], attention_mask)
    scores[..., T:] = -torch.inf
    # torch's softmax over bfloat16 rows that do not fill its vectors of 32 goes number by number
    weights = scores.softmax(-1) if seen % 32 == 0 else scores.float().softmax(-1).to(scores.dtype)
    return torch.bmm(weights, values).view(B, H, T, D).transpose(1, 2).contiguous(), None


def _in_rows(states_BHTD: torch.Tensor, rows: int) -> torch.Tensor:
    """Heads of all rows one after another, shape (BH, `rows`, D), with zeros for tokens that are not there."""
    B, H, T, D = states_BHTD.shape
    filled = states_BHTD if rows == T else nn.functional.pad(states_BHTD, (0, 0, 0, rows - T))
    return filled.reshape(B * H, rows, D)


def _mask(scores_BHTT: torch.Tensor, mask: torch.Tensor) -> None:
    """Lowers, in place, the scores of what may not be seen; -inf would be no number where a row sees nothing."""
    if mask.dtype == torch.bool:
        scores_BHTT.masked_fill_(~mask, torch.finfo(scores_BHTT.dtype).min)
    else:
        scores_BHTT.add_(mask)
