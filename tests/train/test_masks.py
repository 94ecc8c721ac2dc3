"""Masks of dropout are as likely as torch's, follow the seed, and are gone when the learning is over."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

import stacks
from headstart.train import masks


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_asked_for_is_left_out_and_the_mean_stays(share: float) -> None:
    torch.manual_seed(0)
    states = torch.ones(1000, 1000)
    found = masks.dropped(states, share)
    left_out = float((found == 0).float().mean())
    # six standard errors of a million draws
    assert abs(left_out - share) < 6 * math.sqrt(share * (1 - share) / 1e6)
    assert found.unique().tolist() == pytest.approx([0.0, 1 / (1 - share)], rel=1e-4)


def test_neighbours_are_left_out_independently() -> None:
    torch.manual_seed(0)
    kept = masks.kept(torch.Size([10**6]), masks.LEVELS // 2).float() - 0.5
    for distance in (1, 2, 3, 4):
        assert abs(float((kept[:-distance] * kept[distance:]).mean())) < 6 * 0.25 / 1000


def test_a_seed_gives_the_same_masks_again() -> None:
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(masks.kept(torch.Size([7, 3]), 6000))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_gradients_flow_where_numbers_stayed() -> None:
    states = torch.ones(50, requires_grad=True)
    masks.dropped(states, 0.5).sum().backward()  # type: ignore[no-untyped-call]
    again = masks.dropped(states.detach(), 0.0)
    assert states.grad is not None
    assert set(states.grad.tolist()) == {0.0, 2.0}
    assert torch.equal(again, states.detach())


def layer() -> nn.Module:
    one = nn.Module()
    one.is_causal = False  # type: ignore[assignment]
    return one


@pytest.mark.parametrize("kind", [None, "bool", "numbers"])
def test_attention_without_anything_left_out_is_torchs(kind: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    given = [torch.randn(2, 3, 7, 8, requires_grad=True) for _ in range(3)]
    seen = (torch.arange(7) < torch.tensor([[7], [4]]))[:, None, None, :].expand(2, 1, 7, 7)
    mask = {None: None, "bool": seen, "numbers": torch.zeros(2, 1, 7, 7).masked_fill(~seen, -1e9)}[kind]
    # the explicit way, with a share so small that no number is left out
    monkeypatch.setattr(masks, "thinned", lambda states, share: (states, 1.0))
    ours, _ = masks.attention(layer(), *given, mask, scaling=0.3, dropout=0.1)
    theirs = nn.functional.scaled_dot_product_attention(*given, attn_mask=mask, scale=0.3).transpose(1, 2)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    back = torch.randn(ours.shape)
    both = [torch.autograd.grad(output, given, back) for output in (ours, theirs)]
    torch.testing.assert_close(*both, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("tokens", "is_torchs"), [(48, False), (49, True)])
@pytest.mark.parametrize("learns", [False, True])
def test_short_rows_learn_without_torchs_kernel(
    tokens: int, is_torchs: bool, learns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [torch.randn(2, 3, tokens, 8, requires_grad=learns) for _ in range(3)]
    theirs, asked = nn.functional.scaled_dot_product_attention, []
    monkeypatch.setattr(
        nn.functional, "scaled_dot_product_attention", lambda *g, **k: (asked.append(1), theirs(*g, **k))[1]
    )
    ours, _ = masks.attention(layer(), *given, None)
    assert bool(asked) is (is_torchs or not learns)
    torch.testing.assert_close(ours, theirs(*given).transpose(1, 2), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["bert", "vit", "wav2vec2", "deberta-v2"])
def test_a_network_learns_with_them_and_is_left_as_it_was(name: str) -> None:
    module = stacks.model(name)
    before = [type(part) for part in module.modules()], module.config._attn_implementation
    with masks.fast(module):
        outputs = []
        for seed in (0, 0, 1):
            torch.manual_seed(seed)
            np.random.seed(seed)  # wav2vec 2.0 masks spans of sound by NumPy's dice
            outputs.append(module.train()(**stacks.batch(name).tensors)[0].detach())
    module.eval()
    assert torch.equal(outputs[0], outputs[1])
    assert ([type(part) for part in module.modules()], module.config._attn_implementation) == before


def test_outside_learning_mode_nothing_is_left_out() -> None:
    module, inputs = stacks.model("bert"), stacks.batch("bert").tensors
    with torch.no_grad():
        plain = module(**inputs)[0]
        with masks.fast(module):
            assert torch.equal(module(**inputs)[0], plain)
