"""The last layer of a family's classifier, and that answers come in the rows' order whatever the batches are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import families
from headstart import answering, network
from headstart.contracts import Backbone
from headstart.errors import MismatchError
from headstart.network import Headed, Whole
from headstart.readings import Reading
from headstart.sources import dir as folders


@pytest.fixture
def backbone(family: families.Family) -> Backbone:
    return folders.load(str(family("bert")), revision=None, offline=True)


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
