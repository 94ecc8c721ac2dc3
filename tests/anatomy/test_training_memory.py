"""Training memory by hand: four bytes a number, and of each pass what the rules of backpropagation keep."""

from __future__ import annotations

from typing import Any

import pytest
import specimens

from headstart import anatomy
from headstart.errors import MismatchError, SettingError

# torch says so of WavLM's own call; every other warning is an error
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")

# The stem has 40 numbers and each block 72. For its weights a product keeps what it was given, ReLU keeps what it gave,
# which is what the next block was given and counts once. What goes into the model is there anyway. So per row of
# float32: the stem's output, and of each trained block its output, 8 numbers of 4 bytes each.
BY_HAND = {
    0: {"trained": 184, "gradients": 736, "moments": 1472, "per_row": 3 * 32},
    1: {"trained": 144, "gradients": 576, "moments": 1152, "per_row": 3 * 32},
    2: {"trained": 72, "gradients": 288, "moments": 576, "per_row": 2 * 32},
    3: {"trained": 0, "gradients": 0, "moments": 0, "per_row": 0},
}


@pytest.mark.parametrize("boundary", BY_HAND)
def test_a_boundary_costs_what_paper_and_pencil_say(boundary: int) -> None:
    found = anatomy.training_memory(specimens.products(), boundary, batch_size=10)

    assert {name: getattr(found, name) for name in BY_HAND[boundary]} == BY_HAND[boundary]
    assert (found.weights, found.fixed, found.activations) == (184 * 4, 0, 10 * BY_HAND[boundary]["per_row"])
    assert found.total == found.weights + found.gradients + found.moments + found.activations


@pytest.mark.parametrize("name", ["bert", "vit", "resnet", "convnext", "whisper", "wav2vec2-masked"])
def test_a_higher_boundary_keeps_less(name: str) -> None:
    backbone = specimens.family(name)
    found = [anatomy.training_memory(backbone, at, batch_size=8) for at in range(1, len(backbone.blocks) + 2)]

    assert [one.activations for one in found] == sorted((one.activations for one in found), reverse=True)
    assert (found[-1].activations, found[-1].trained) == (0, 0)


def test_a_measurement_that_is_repeated_comes_out_the_same() -> None:
    one, other = (anatomy.training_memory(specimens.family("wavlm"), 1, batch_size=4) for _ in range(2))

    assert one == other


@pytest.mark.parametrize("boundary", [-1, 4])
def test_a_boundary_that_is_not_there_is_refused(boundary: int) -> None:
    with pytest.raises(SettingError, match=rf"--boundary {boundary}: .* has a stem and 2 blocks\. Give 0 .* to 3"):
        anatomy.training_memory(specimens.products(), boundary, batch_size=1)


def test_tokens_of_a_model_that_reads_no_text_are_refused() -> None:
    with pytest.raises(SettingError, match="reads no text"):
        anatomy.training_memory(specimens.family("vit"), 1, batch_size=1, max_length=8)


def test_a_model_that_cannot_be_trained_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed: Any = specimens.products()
    monkeypatch.setattr(specimens.Specimen, "blocks", property(lambda self: ()))

    with pytest.raises(MismatchError, match="cannot be trained"):
        anatomy.training_memory(sealed, 0, batch_size=1)
