"""Learning rates and decay by depth, computed by hand for models of two blocks."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import families
from headstart import stack
from headstart.sources import dir as folders
from headstart.train import groups


def task_module(family: families.Family, name: str) -> Any:
    auto = "AutoModelForSequenceClassification" if name in families.TEXT else "AutoModelForImageClassification"
    return folders.load(str(family(name)), revision=None, offline=True).task_module(auto, ("a", "b"))


def rates(module: Any, made: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Learning rate and weight decay of each parameter."""
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    return {names[id(p)]: (group["lr"], group["weight_decay"]) for group in made for p in group["params"]}


def made_of(module: Any) -> list[dict[str, Any]]:
    """The groups where the layer that names the classes has ten times the rate of the highest block."""
    return groups.layered(module, lr=1.0, layer_decay=0.5, weight_decay=0.1, classifier_lr=10.0)


def test_each_depth_learns_more_slowly_than_the_one_above(family: families.Family) -> None:
    module = task_module(family, "bert")
    found = rates(module, groups.layered(module, lr=1.0, layer_decay=0.5, weight_decay=0.1))

    assert found["classifier.weight"] == (1.0, 0.1)
    assert found["bert.pooler.dense.weight"] == (1.0, 0.1)
    assert found["bert.encoder.layer.1.output.dense.weight"] == (0.5, 0.1)
    assert found["bert.encoder.layer.0.output.dense.weight"] == (0.25, 0.1)
    assert found["bert.embeddings.word_embeddings.weight"] == (0.125, 0.1)


@pytest.mark.parametrize(
    ("name", "layer"),
    [("bert", "classifier"), ("roberta", "classifier.out_proj"), ("distilbert", "classifier"), ("vit", "classifier")],
)
def test_the_layer_that_names_the_classes_has_a_rate_of_its_own(name: str, layer: str, family: families.Family) -> None:
    module = task_module(family, name)
    found = rates(module, made_of(module))

    assert {each for each, (rate, _) in found.items() if rate == 10.0} == {f"{layer}.weight", f"{layer}.bias"}


@pytest.mark.parametrize("name", ["bert.encoder.layer.1.output.LayerNorm.weight", "classifier.bias"])
def test_norms_and_biases_are_not_decayed(name: str, family: families.Family) -> None:
    module = task_module(family, "bert")
    assert rates(module, groups.layered(module, lr=1.0, layer_decay=0.5, weight_decay=0.1))[name][1] == 0


@pytest.mark.parametrize("name", [*families.TEXT, *families.IMAGE])
def test_every_parameter_is_in_exactly_one_group(name: str, family: families.Family) -> None:
    module = task_module(family, name)
    made = groups.layered(module, lr=1.0, layer_decay=0.9, weight_decay=0.1)
    together = [id(parameter) for group in made for parameter in group["params"]]
    assert sorted(together) == sorted(id(parameter) for parameter in module.parameters())


def test_a_bare_model_names_no_classes(family: families.Family) -> None:
    module = stack.base_of(task_module(family, "bert"))
    assert stack.classifier_of(module) is None
    assert max(rate for rate, _ in rates(module, made_of(module)).values()) == 1.0


def test_a_head_learns_at_one_rate_and_its_matrices_are_decayed() -> None:
    head = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LayerNorm(3))
    found = rates(head, groups.alike(head, lr=1.0, weight_decay=0.1))
    assert found == {"0.weight": (1.0, 0.1), "0.bias": (1.0, 0), "1.weight": (1.0, 0), "1.bias": (1.0, 0)}


def test_frozen_parameters_are_in_no_group(family: families.Family) -> None:
    module = task_module(family, "bert")
    stack.freeze(module, 2)
    found = rates(module, groups.layered(module, lr=1.0, layer_decay=0.5, weight_decay=0.1))
    assert {name for name in found if "embeddings" in name or "layer.0" in name} == set()
    assert found["bert.encoder.layer.1.output.dense.weight"] == (0.5, 0.1)
