"""The layers of heads, each against a slow and plain way to the same numbers; padding changes none of them."""

# B rows, T tokens, D width of a state, W width within, C classes

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from headstart.errors import MismatchError
from headstart.heads import layers
from headstart.heads.form import PARTS, Form

LENGTHS = (7, 2, 1)
ON_TOKENS = {
    "conv": Form("conv", 6, None, 8),
    "attention-pool": Form("attention-pool", 6, None, 16),
    "attention, linear": Form("linear", 6, "attention"),
    "attention, mlp": Form("mlp", 6, "attention", 4),
}


def states() -> tuple[torch.Tensor, torch.Tensor]:
    """Three rows of 7, 2 and 1 tokens, rubbish in the padding."""
    states_BTD = torch.randn(3, 7, 6, generator=torch.Generator().manual_seed(0))
    return states_BTD, (torch.arange(7)[None] < torch.tensor(LENGTHS)[:, None]).long()


def built(form: Form) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = layers.build(form, 3).eval()
        for parameter in head.parameters():
            nn.init.normal_(parameter)
    return head


@pytest.mark.parametrize("name", ON_TOKENS)
def test_padding_does_not_change_an_answer(name: str) -> None:
    head, (states_BTD, mask_BT) = built(ON_TOKENS[name]), states()
    alone = torch.cat([head(states_BTD[row : row + 1, :length]) for row, length in enumerate(LENGTHS)])
    torch.testing.assert_close(head(states_BTD, mask_BT), alone, atol=1e-4, rtol=1e-5)


def test_a_query_that_has_learnt_nothing_takes_the_average() -> None:
    states_BTD, mask_BT = states()
    found = layers.Query(6)(states_BTD, mask_BT)
    expected = [row[:length].mean(0) for row, length in zip(states_BTD, LENGTHS, strict=True)]
    torch.testing.assert_close(found, torch.stack(expected))


def test_a_query_weighs_by_its_product_with_each_state() -> None:
    query = layers.Query(1)
    nn.init.constant_(query.query, torch.log(torch.tensor(3.0)).item())
    # weights softmax(log 3 · (0, 1)) = (1, 3) / 4
    assert query(torch.tensor([[[0.0], [1.0]]]), None).item() == pytest.approx(0.75)


def test_attention_in_parts_is_that_of_torch() -> None:
    ours, theirs = built(ON_TOKENS["attention-pool"]).gather, nn.MultiheadAttention(16, PARTS, kdim=6, vdim=6)
    nn.init.eye_(theirs.q_proj_weight)
    nn.init.eye_(theirs.out_proj.weight)
    theirs.k_proj_weight.data, theirs.v_proj_weight.data = ours.keys.weight.data, ours.values.weight.data
    theirs.in_proj_bias.data = torch.cat([torch.zeros(16), ours.keys.bias, ours.values.bias]).detach()
    states_BTD, mask_BT = states()
    states_TBD = states_BTD.transpose(0, 1)
    query_1BW = ours.query.flatten().expand(1, 3, 16)
    expected, _ = theirs(query_1BW, states_TBD, states_TBD, key_padding_mask=mask_BT == 0)
    torch.testing.assert_close(ours(states_BTD, mask_BT), expected[0], atol=1e-5, rtol=1e-5)


def test_convolutions_take_the_largest_answer_of_any_window() -> None:
    gather, (states_BTD, mask_BT) = built(ON_TOKENS["conv"]).gather, states()
    for row, length in enumerate(LENGTHS):
        expected = []
        for span, convolution in zip(layers.SPANS, gather.spans, strict=True):
            zeros = torch.zeros(span, 6)
            framed = torch.cat([zeros, states_BTD[row, :length], zeros])
            starts = [span + middle - (span - 1) // 2 for middle in range(length)]
            windows = torch.stack([framed[start : start + span].T for start in starts])
            answers = (windows[:, None] * convolution.weight).sum((2, 3)) + convolution.bias
            expected.append(answers.clamp(min=0).amax(0))
        torch.testing.assert_close(gather(states_BTD, mask_BT)[row], torch.cat(expected), atol=1e-5, rtol=1e-5)


def test_a_convolution_over_a_map_sees_the_neighbours_and_averages() -> None:
    gather = layers.OverMap(1, 1)
    nn.init.ones_(gather.convolution.weight)
    nn.init.zeros_(gather.convolution.bias)
    # every place of a 2 x 2 map has all four within its window
    assert gather(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).item() == 10


def test_patches_stand_in_their_places() -> None:
    rows_BTD = torch.tensor([[-1.0, 0, 1, 2, 3]])[..., None]
    assert layers.grid_of(rows_BTD)[0, ..., 0].tolist() == [[0, 1], [2, 3]]


def test_a_map_with_its_width_in_front_is_turned() -> None:
    assert layers.grid_of(torch.zeros(2, 5, 3, 4)).shape == (2, 3, 4, 5)


def test_patches_that_make_no_square_are_refused() -> None:
    with pytest.raises(MismatchError, match=r"--head conv: 140 states .* Use --head attention-pool"):
        layers.grid_of(torch.zeros(1, 140, 4))


@pytest.mark.parametrize("kind", ["conv", "attention-pool"])
def test_heads_read_maps(kind: str) -> None:
    head = built(Form(kind, 6, None, 8, is_of_map=kind == "conv"))
    assert head(torch.randn(2, 6, 4, 5)).shape == (2, 3)


@pytest.mark.parametrize(("kind", "num_layers"), [("linear", 1), ("mlp", 2)])
def test_a_head_goes_from_a_vector_to_the_classes(kind: str, num_layers: int) -> None:
    head = built(Form(kind, 5, inner=7))
    assert sum(isinstance(part, nn.Linear) for part in head) == num_layers
    assert head(torch.ones(2, 5)).shape == (2, 3)


def test_dropout_is_as_large_as_asked_for() -> None:
    forms = (Form(kind, 6, pool, 8, 0.3) for kind, pool in (("mlp", "mean"), ("conv", None), ("attention-pool", None)))
    dropouts = [part.p for form in forms for part in built(form).modules() if isinstance(part, nn.Dropout)]
    assert dropouts == [0.3] * 3
