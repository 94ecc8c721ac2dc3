"""What a head reads of the hidden states, and that answers come in the rows' order whatever the batches are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import families
from headstart import answering, network
from headstart.contracts import Backbone
from headstart.errors import MismatchError, SettingError
from headstart.network import Headed, Reading, Whole
from headstart.sources import dir as folders

# two rows, three hidden states of widths 1, 2 and 2
POOLED = [[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0]]
WIDTHS = (1, 2, 2)


@pytest.fixture
def backbone(family: families.Family) -> Backbone:
    return folders.load(str(family("bert")), revision=None, offline=True)


@pytest.mark.parametrize("kind", [np.array, torch.tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading(((0,),)), [[1], [6]]),
        (Reading(((2,),)), [[4, 5], [9, 10]]),
        (Reading(((1, 2),)), [[3, 4], [8, 9]]),
        (Reading(((0,), (2,))), [[1, 4, 5], [6, 9, 10]]),
        (Reading(((0,), (1, 2))), [[1, 3, 4], [6, 8, 9]]),
    ],
    ids=str,
)
def test_a_reading_takes_its_layers(kind: Any, reading: Reading, expected: list[list[float]]) -> None:
    assert reading.of(kind(POOLED), WIDTHS).tolist() == expected


@pytest.mark.parametrize(
    ("read", "widths", "expected"),
    [
        ("auto", (8, 8, 8), [((1,),), ((2,),), ((1, 2),)]),
        ("auto", (8, 8, 8, 8), [((1,),), ((2,),), ((3,),), ((1, 2, 3),), ((2, 3),), ((1,), (2,), (3,))]),
        ("auto", (8, 8), [((1,),)]),
        ("auto", (8,), [((0,),)]),
        ("auto", (8, 16, 32), [((1,),), ((2,),)]),
        ("mean", (8, 8, 8), [((1, 2),)]),
        ("0", (8, 8, 8), [((0,),)]),
        ("1-2", (8, 16, 32), [((1,), (2,))]),
    ],
)
def test_the_readings_to_choose_among(read: str, widths: tuple[int, ...], expected: list[Any]) -> None:
    assert [reading.groups for reading in network.readings(read, widths)] == expected


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (((3,),), "layer 3"),
        (((1, 2, 3),), "mean of layers 1-3"),
        (((1,), (2,), (3,)), "layers 1 to 3"),
        (((1, 2), (3, 4), (5,)), "means of layers 1-2, 3-4, 5"),
    ],
)
def test_a_reading_says_what_it_reads(groups: Any, said: str) -> None:
    assert str(Reading(groups)) == said


@pytest.mark.parametrize("read", ["all", "-1", "3", "1-3", "2-1", "1-", "1-x", ""])
def test_a_reading_the_model_cannot_give_is_refused(read: str) -> None:
    with pytest.raises(SettingError, match=f'--read "{read}"'):
        network.readings(read, (8, 8, 8))


@pytest.mark.parametrize("name", [*families.TEXT, *families.IMAGE])
def test_the_classifier_of_a_family_is_its_last_linear_layer(name: str, family: families.Family) -> None:
    auto = "AutoModelForSequenceClassification" if name in families.TEXT else "AutoModelForImageClassification"
    module = folders.load(str(family(name)), revision=None, offline=True).task_module(auto, ("a", "b", "c"))
    assert network.classifier_of(module).out_features == 3


def test_a_model_that_ends_otherwise_says_what_to_do(backbone: Backbone) -> None:
    with pytest.raises(MismatchError, match=r"BertModel does not end in a linear classifier\. Read hidden layers"):
        network.classifier_of(backbone.module)


def test_answers_come_in_the_order_of_the_rows(backbone: Backbone) -> None:
    texts = [text for text, _ in families.reviews(30)]
    headed = Headed(backbone, Reading(((1,), (2,))), nn.Linear(64, 3))
    alone = torch.cat([answering.by_row(headed, backbone.prepare([text])) for text in texts])
    # batches of other shapes sum in another order
    torch.testing.assert_close(answering.by_row(headed, backbone.prepare(texts)), alone, atol=1e-5, rtol=0)


def test_answers_are_the_same_to_the_bit_on_one_thread_and_on_two(backbone: Backbone) -> None:
    encoded = backbone.prepare([text for text, _ in families.reviews(60)])
    whole = Whole(backbone.task_module("AutoModelForSequenceClassification", ("a", "b")))
    with families.threads(1):
        one = answering.by_row(whole, encoded)
    with families.threads(2):
        assert torch.equal(answering.by_row(whole, encoded), one)


def test_whoever_answers_is_left_in_evaluation_mode(backbone: Backbone) -> None:
    whole = Whole(backbone.task_module("AutoModelForSequenceClassification", ("a", "b"))).train()
    answering.by_row(whole, backbone.prepare(["fine"]))
    assert not any(part.training for part in whole.modules())


def test_half_precision_answers_in_fp32_and_nearly_the_same(backbone: Backbone) -> None:
    whole = Whole(backbone.task_module("AutoModelForSequenceClassification", ("a", "b")))
    encoded = backbone.prepare(["fine", "the dull film"])
    half = answering.by_row(whole, encoded, dtype="bfloat16")
    assert half.dtype == torch.float32
    # bfloat16 keeps 8 bits of a number
    torch.testing.assert_close(half, answering.by_row(whole, encoded), atol=0.05, rtol=0.05)


def test_set_linear_puts_weights_in_place() -> None:
    layer = nn.Linear(2, 2)
    network.set_linear(layer, np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0]))
    assert layer(torch.ones(1, 2)).tolist() == [[8.0, 13.0]]
