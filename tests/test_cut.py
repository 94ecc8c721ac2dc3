"""A pass that is cut and taken up again gives what the whole pass gives, to the bit, wherever it is cut."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import stacks
from headstart import cut, stack
from headstart.contracts import Inputs


def _first(output: Any) -> torch.Tensor:
    """The main output of a family's model."""
    return output if isinstance(output, torch.Tensor) else output[0]


# torch's complaint over how WavLM's own code masks
@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
@pytest.mark.parametrize("name", stacks.FAMILIES)
def test_a_pass_cut_anywhere_equals_the_whole_to_the_bit(name: str) -> None:
    module, inputs = stacks.model(name), stacks.batch(name)
    with torch.inference_mode():
        whole = _first(module(**inputs.tensors))
        parts = [
            _first(cut.upper(module, cut.lower(module, inputs, upto=k)))
            for k in range(len(stack.blocks_of(module)) + 1)
        ]
    assert len(parts) > 2, "the family has at least two blocks"
    assert [float((part - whole).abs().max()) for part in parts] == [0.0] * len(parts)


@pytest.mark.parametrize("name", ["bert", "vit", "resnet", "wav2vec2"])
def test_the_upper_part_reads_the_state_and_nothing_below_it(name: str) -> None:
    module, inputs = stacks.model(name), stacks.batch(name)
    with torch.inference_mode():
        hidden = cut.lower(module, inputs, upto=1)
        other = Inputs({key: _disturbed(tensor) for key, tensor in inputs.tensors.items()})
        kept = cut.upper(module, cut.Hidden(hidden.state, 1, other, hidden.passed, hidden.shapes))
        whole = module(**inputs.tensors)
    assert torch.equal(_first(kept), _first(whole))


def _disturbed(tensor: torch.Tensor) -> torch.Tensor:
    """Other numbers in the same places; a mask stays, for the upper part does read it."""
    if tensor.is_floating_point():
        return tensor + 1
    return tensor if tensor.max() <= 1 else tensor.flip(0)


def test_gradients_reach_the_blocks_above_the_cut_and_none_below() -> None:
    module, inputs = stacks.model("bert"), stacks.batch("bert")
    with torch.no_grad():
        hidden = cut.lower(module, inputs, upto=2)
    _first(cut.upper(module, hidden)).square().sum().backward()
    depth = stack.depths(module)
    moved = {depth[name] for name, parameter in module.named_parameters() if parameter.grad is not None}
    module.zero_grad(set_to_none=True)
    assert moved == {3}


def test_a_changed_state_changes_the_output() -> None:
    module, inputs = stacks.model("bert"), stacks.batch("bert")
    with torch.inference_mode():
        hidden = cut.lower(module, inputs, upto=1)
        other = cut.Hidden(hidden.state * 2, 1, inputs, hidden.passed, hidden.shapes)
        assert not torch.equal(_first(cut.upper(module, hidden)), _first(cut.upper(module, other)))


def test_the_model_is_left_as_it_was() -> None:
    module, inputs = stacks.model("bert"), stacks.batch("bert")
    before = list(module.modules())
    with torch.inference_mode():
        cut.upper(module, cut.lower(module, inputs, upto=1))
    assert list(module.modules()) == before


def test_a_model_without_known_blocks_is_cut_at_its_ends() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    inputs = Inputs({"input": torch.randn(2, 4)})
    parts = [cut.upper(module, cut.lower(module, inputs, upto=k)) for k in (0, 1)]
    assert stack.is_cut_at_the_ends_only(module)
    assert all(torch.equal(part, module(**inputs.tensors)) for part in parts)


def test_what_enters_and_leaves_each_block_is_what_the_family_calls_its_hidden_states() -> None:
    module, inputs = stacks.model("bert"), stacks.batch("bert")
    with torch.inference_mode():
        theirs = module(**inputs.tensors, output_hidden_states=True).hidden_states
        ours = cut.states(module, inputs)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    "name", ["bert", "roberta", "distilbert", "electra", "modernbert", "deberta-v2", "vit", "resnet"]
)
def test_a_pass_goes_on_from_kept_states_of_other_batches(name: str) -> None:
    module, inputs = stacks.model(name), stacks.batch(name)
    two = Inputs({key: tensor[:2] for key, tensor in inputs.tensors.items()})
    with torch.inference_mode():
        whole = _first(module(**two.tensors))
        for k in range(len(stack.blocks_of(module)) + 1):
            form = cut.lower(module, inputs, upto=k)
            given = _first(cut.resume(module, cut.lower(module, two, upto=k).state, two, form))
            torch.testing.assert_close(given, whole, atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
def test_what_hands_on_more_than_its_state_is_told_from_what_does_not() -> None:
    can = {}
    for name in ("bert", "wavlm", "swin"):
        module, inputs = stacks.model(name), stacks.batch(name)
        can[name] = cut.can_resume(module, inputs, cut.lower(module, inputs, upto=2 if name != "swin" else 1))
    assert can["bert"]
    assert not can["wavlm"]
