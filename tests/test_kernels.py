"""The same module on faster kernels gives the same numbers up to rounding, and the module itself stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import stacks
from headstart import batches, kernels
from headstart.train import step

# five units in the last place of an output of size one, after a few layers
EXACT = 5e-6
# a bfloat16 number has 8 bits, and up to 26 layers of them went into an output
HALF = 0.05
# torch's complaint over how WavLM's own code masks
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")


def _output(module: nn.Module, tensors: Any) -> torch.Tensor:
    with torch.inference_mode():
        output: torch.Tensor = module(**tensors)[0].float()
        return output


@pytest.mark.parametrize("name", stacks.FAMILIES)
def test_a_tuned_module_gives_the_same_in_float32(name: str) -> None:
    module, inputs = stacks.model(name), stacks.batch(name)
    plain, tuned = (_output(one, inputs.tensors) for one in (module, kernels.tuned(module)))
    torch.testing.assert_close(tuned, plain, atol=EXACT, rtol=EXACT)


@pytest.mark.parametrize("name", [name for name in stacks.FAMILIES if stacks.FAMILIES[name][2] in ("text", "image")])
def test_a_tuned_module_stays_within_a_few_hundredths_in_bfloat16(name: str) -> None:
    module, inputs = stacks.model(name), stacks.batch(name)
    tuned = kernels.tuned(module, "bfloat16")
    plain, half = _output(module, inputs.tensors), _output(tuned, batches.placed(inputs, "bfloat16").tensors)
    assert float((half - plain).norm()) <= HALF * float(plain.norm())


@pytest.mark.parametrize("name", stacks.FAMILIES)
def test_products_alone_can_be_in_bfloat16_whatever_the_family(name: str) -> None:
    module, inputs = stacks.model(name), stacks.batch(name)
    tuned = kernels.tuned(module, "bfloat16", sums="float32")
    with step.arithmetic("bfloat16"):
        mixed = _output(tuned, inputs.tensors)
    plain = _output(module, inputs.tensors)
    assert {parameter.dtype for parameter in tuned.parameters()} <= {torch.float32}
    assert 0 < float((mixed - plain).norm()) <= HALF * float(plain.norm())


def test_without_bfloat16_arithmetic_its_weights_are_not_packed(bfloat16_here: Callable[[bool], None]) -> None:
    bfloat16_here(False)
    half, exact = (kernels.tuned(stacks.model("bert"), dtype) for dtype in ("bfloat16", "float32"))
    packed = [any(isinstance(part, kernels.PackedLinear) for part in module.modules()) for module in (half, exact)]
    assert packed == [False, True]


@pytest.mark.parametrize("name", ["bert", "distilbert", "vit", "wav2vec2"])
def test_the_linear_layers_and_the_activations_behind_them_are_exchanged(name: str) -> None:
    tuned = kernels.tuned(stacks.model(name))
    layers = [part for part in tuned.modules() if isinstance(part, kernels.PackedLinear)]
    assert not any(type(part) is nn.Linear for part in tuned.modules())
    assert any(layer.behind == kernels.WITH_GELU for layer in layers)


def test_an_approximate_activation_is_left_alone() -> None:
    class Mlp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.act = nn.Linear(4, 4), nn.GELU(approximate="tanh")

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            activated: torch.Tensor = self.act(self.fc1(states))
            return activated

    torch.manual_seed(0)
    module, states = Mlp(), torch.randn(3, 4)
    torch.testing.assert_close(kernels.tuned(module)(states), module(states), atol=EXACT, rtol=EXACT)


def test_the_module_is_left_as_it_was() -> None:
    module = stacks.model("bert")
    before = list(module.modules()), module.config._attn_implementation
    kernels.tuned(module, "bfloat16")
    assert (list(module.modules()), module.config._attn_implementation) == before
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float32}


def test_a_part_that_stands_in_two_places_stays_one_part() -> None:
    shared = nn.Linear(3, 3)
    tuned = kernels.tuned(nn.Sequential(shared, nn.ReLU(), shared))
    assert tuned[0] is tuned[2]  # type: ignore[index]


class _Layer(nn.Module):
    """What asks for attention: a layer that sees both ways."""

    is_causal = False


@pytest.mark.parametrize("tokens", [1, 5, 24, 32, 64, 65])
@pytest.mark.parametrize("is_padded", [False, True], ids=["all real", "padded"])
def test_short_attention_is_torchs_own_attention(tokens: int, is_padded: bool) -> None:
    torch.manual_seed(tokens)
    query, key, value = (torch.randn(2, 3, tokens, 8).to(torch.bfloat16) for _ in range(3))
    kept = torch.arange(tokens) < torch.tensor([[tokens], [max(1, tokens // 2)]])
    mask = kept[:, None, None, :].expand(2, 1, tokens, tokens) if is_padded else None
    with torch.inference_mode():
        ours, _ = kernels.short_attention(_Layer(), query, key, value, mask, scaling=0.3)
        theirs = nn.functional.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), attn_mask=mask, scale=0.3
        )
    # scores and weights are rounded to 8 bits
    torch.testing.assert_close(ours.float(), theirs.transpose(1, 2), atol=0.03, rtol=0.02)
