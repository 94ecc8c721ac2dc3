"""The layers of our heads, in torch. Which head it is, `form` says; how it is trained is not decided here."""

# B rows, T tokens, D width of a state, P parts, W width within, C classes, H and W of a map

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from headstart.errors import MismatchError
from headstart.heads.form import PARTS, Form

SPANS = (3, 4, 5)
"""Tokens that the convolutions of a text see at once."""
MOST_BEFORE = 8
"""States before the patches of an image that may stand for something else: one for the whole, and registers."""


def build(form: Form, num_classes: int) -> nn.Module:
    """Fresh layers to the classes: from one vector a row, shape (B, D), or with `form.reads_states` from all states."""
    return OnStates(form, num_classes) if form.reads_states else _top(form, form.width, num_classes)


def _top(form: Form, width: int, num_classes: int) -> nn.Sequential:
    """From one vector to the classes."""
    if form.kind == "mlp":
        hidden = nn.Linear(width, form.inner)
        return nn.Sequential(hidden, nn.GELU(), nn.Dropout(form.dropout), nn.Linear(form.inner, num_classes))
    if form.kind == "linear":
        return nn.Sequential(nn.Linear(width, num_classes))
    return nn.Sequential(nn.Dropout(form.dropout), nn.Linear(width, num_classes))


class OnStates(nn.Module):
    """Every state normed, the states gathered into one vector, and layers from that to the classes.

    The norm spares the head from the few directions in which the states of some families are a hundred times as long.
    """

    def __init__(self, form: Form, num_classes: int) -> None:
        super().__init__()
        self.is_of_map = form.is_of_map
        self.norm = nn.LayerNorm(form.width)
        self.gather, width = _gather(form)
        self.top = _top(form, width, num_classes)

    def forward(self, state: torch.Tensor, mask_BT: torch.Tensor | None = None) -> torch.Tensor:
        """Logits, shape (B, C).

        Args:
            state: Of tokens, shape (B, T, D), or a map, shape (B, D, H, W).
            mask_BT: 1 where a token is real; None where all are.
        """
        logits: torch.Tensor
        if self.is_of_map:
            logits = self.top(self.gather(self.norm(grid_of(state)).permute(0, 3, 1, 2)))
            return logits
        tokens_BTD = state.flatten(2).transpose(1, 2) if state.ndim == 4 else state
        logits = self.top(self.gather(self.norm(tokens_BTD), mask_BT))
        return logits


def _gather(form: Form) -> tuple[nn.Module, int]:
    """What makes one vector of many, and how wide that is."""
    if form.kind == "attention-pool":
        return Parts(form.width, form.inner), form.inner
    if form.kind == "conv" and form.is_of_map:
        return OverMap(form.width, form.inner), form.inner
    if form.kind == "conv":
        return AlongTokens(form.width, form.inner), form.inner * len(SPANS)
    return Query(form.width), form.width


class Query(nn.Module):
    """One learnt query; the average of the states, weighted by softmax(q·h / √D)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # zeros: training starts from the plain average
        self.query = nn.Parameter(torch.zeros(width))

    def forward(self, states_BTD: torch.Tensor, mask_BT: torch.Tensor | None) -> torch.Tensor:
        """Shape (B, D)."""
        scores_BT = states_BTD @ self.query / math.sqrt(len(self.query))
        average_BD: torch.Tensor = (_weights(scores_BT, mask_BT)[..., None] * states_BTD).sum(1)
        return average_BD


class Parts(nn.Module):
    """Attention in several parts by one learnt query: each part weighs keys of its own and averages its own values.

    Source: the pooling head (MAP) of Zhai et al., "Scaling Vision Transformers", 2022, after Lee et al., "Set
    Transformer", 2019, equation 11; without the feed-forward part behind it, for a linear classifier follows.
    """

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.keys, self.values = nn.Linear(width, inner), nn.Linear(width, inner)
        self.query = nn.Parameter(torch.randn(PARTS, inner // PARTS) / math.sqrt(inner // PARTS))

    def forward(self, states_BTD: torch.Tensor, mask_BT: torch.Tensor | None) -> torch.Tensor:
        """Shape (B, W)."""
        keys_BTPW = self.keys(states_BTD).unflatten(2, self.query.shape)
        values_BTPW = self.values(states_BTD).unflatten(2, self.query.shape)
        scores_BTP = (keys_BTPW * self.query).sum(3) / math.sqrt(self.query.shape[1])
        mask_BTP = None if mask_BT is None else mask_BT[..., None]
        averages_BPW: torch.Tensor = (_weights(scores_BTP, mask_BTP)[..., None] * values_BTPW).sum(1)
        return averages_BPW.flatten(1)


def _weights(scores: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """A softmax over the tokens, the second axis; what is no real token weighs nothing."""
    kept = scores if mask is None else scores.masked_fill(mask == 0, -math.inf)
    return kept.softmax(1)


class AlongTokens(nn.Module):
    """Convolutions along the tokens, of several spans, and of each the largest answer anywhere.

    Beyond the row there are zeros, whatever the batch is padded to; an answer counts where its middle is a real token.

    Source: Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014, equations 2 to 4.
    """

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.spans = nn.ModuleList(nn.Conv1d(width, inner, span) for span in SPANS)

    def forward(self, states_BTD: torch.Tensor, mask_BT: torch.Tensor | None) -> torch.Tensor:
        """Shape (B, 3 W)."""
        states_BDT = states_BTD.transpose(1, 2)
        real = 1 if mask_BT is None else mask_BT[:, None].to(states_BDT.dtype)
        states_BDT = states_BDT * real
        answers = []
        for span, convolution in zip(SPANS, self.spans, strict=True):
            padded = functional.pad(states_BDT, ((span - 1) // 2, span // 2))
            # no answer is below zero, so that zero is as good as none
            answers.append((functional.relu(convolution(padded)) * real).amax(2))
        return torch.cat(answers, dim=1)


class OverMap(nn.Module):
    """A 3 x 3 convolution over a map, and the average of its answers."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, inner, 3, padding=1)

    def forward(self, map_BDHW: torch.Tensor) -> torch.Tensor:
        """Shape (B, W)."""
        return functional.relu(self.convolution(map_BDHW)).mean((2, 3))


def grid_of(state: torch.Tensor) -> torch.Tensor:
    """An image's states as a map with the width last, shape (B, H, W, D); of patches in a row those of the square.

    Raises:
        MismatchError: The patches make no square.
    """
    if state.ndim == 4:
        return state.permute(0, 2, 3, 1)
    side = math.isqrt(state.shape[1])
    before = state.shape[1] - side**2
    if before > MOST_BEFORE:
        raise MismatchError(
            f"--head conv: {state.shape[1]} states of an image make no square map. Use --head attention-pool."
        )
    return state[:, before:].reshape(len(state), side, side, -1)
