"""Where the stem, the blocks and the top of every tiny family are, and what freezing below a boundary stops."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

import families
from headstart import stack
from headstart.sources import dir as folders

# stem, lowest block, top: a parameter that lies there, by the family's own names
PLACES = {
    "bert": ("embeddings.word_embeddings.weight", "encoder.layer.0.output.dense.weight", "pooler.dense.weight"),
    "roberta": ("embeddings.word_embeddings.weight", "encoder.layer.0.output.dense.weight", "pooler.dense.weight"),
    "distilbert": ("embeddings.word_embeddings.weight", "transformer.layer.0.ffn.lin1.weight", None),
    "resnet": ("embedder.embedder.convolution.weight", "encoder.stages.0.layers.0.layer.0.convolution.weight", None),
    "mobilenet": ("conv_stem.convolution.weight", "layer.0.convolution.weight", None),
    "vit": ("embeddings.cls_token", "layers.0.layernorm_before.weight", "layernorm.weight"),
    "convnext": ("embeddings.patch_embeddings.weight", "encoder.stages.0.layers.0.dwconv.weight", "layernorm.weight"),
}
BLOCKS = {name: 26 if name == "mobilenet" else 2 for name in PLACES}


def module_of(family: families.Family, name: str) -> Any:
    return folders.load(str(family(name)), revision=None, offline=True).module


@pytest.mark.parametrize("name", PLACES)
def test_the_blocks_of_a_family_are_found(name: str, family: families.Family) -> None:
    assert len(stack.blocks_of(module_of(family, name))) == BLOCKS[name]


@pytest.mark.parametrize("name", PLACES)
def test_each_parameter_stands_at_its_depth(name: str, family: families.Family) -> None:
    depth = stack.depths(module_of(family, name))
    stem, lowest, top = PLACES[name]
    assert depth[stem] == 0
    assert depth[lowest] == 1
    assert top is None or depth[top] == BLOCKS[name] + 1


@pytest.mark.parametrize("name", PLACES)
def test_the_same_depths_hold_inside_a_task_model(name: str, family: families.Family) -> None:
    backbone = folders.load(str(family(name)), revision=None, offline=True)
    auto = "AutoModelForSequenceClassification" if name in families.TEXT else "AutoModelForImageClassification"
    task_module = backbone.task_module(auto, ("a", "b"))
    bare, inside = stack.depths(backbone.module), stack.depths(task_module)
    prefix = f"{task_module.base_model_prefix}."
    common = {inner: depth for inner, depth in bare.items() if prefix + inner in inside}
    assert {inner: inside[prefix + inner] for inner in common} == common
    assert {depth for inner, depth in inside.items() if not inner.startswith(prefix)} == {BLOCKS[name] + 1}


@pytest.mark.parametrize("boundary", range(4))
def test_freezing_stops_exactly_what_lies_below(boundary: int, family: families.Family) -> None:
    module = module_of(family, "bert")
    stack.freeze(module, boundary)
    depth = stack.depths(module)
    assert {name: p.requires_grad for name, p in module.named_parameters()} == {
        name: depth[name] >= boundary for name in depth
    }


def test_freezing_again_lower_lets_parameters_move_again(family: families.Family) -> None:
    module = module_of(family, "bert")
    stack.freeze(module, 3)
    stack.freeze(module, 0)
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_a_model_whose_blocks_are_elsewhere_is_one_block() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert stack.blocks_of(module) == [module]
    assert set(stack.depths(module).values()) == {1}


def _rows(*parts: nn.Module) -> nn.Module:
    """A module that keeps its layers in one row, as VGG does."""
    module = nn.Module()
    module.features = nn.Sequential(*parts)
    return module


def test_the_stages_of_a_long_row_end_with_each_pooling() -> None:
    module = _rows(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(1, 1, 1), nn.AvgPool2d(2), nn.Flatten())
    assert [len(list(stage.children())) for stage in stack.blocks_of(module)] == [3, 2, 1]


def test_of_a_row_of_blocks_the_blocks_are_taken_and_no_layers_between_them() -> None:
    one, other = (nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU()) for _ in range(2))
    module = _rows(nn.Conv2d(1, 1, 1), one, nn.MaxPool2d(2), other, nn.BatchNorm2d(1))
    assert stack.blocks_of(module) == [one, other]
    assert set(stack.depths(module).values()) == {0, 1, 2, 3}


@pytest.mark.parametrize("names", [("layer1", "layer2"), ("stage2", "stage3", "stage4"), ("s1", "s2")])
def test_numbered_stages_are_found_in_their_order(names: tuple[str, ...]) -> None:
    module = nn.Module()
    for name in ("stem", *names, "head"):
        module.add_module(name, nn.Linear(1, 1))
    assert stack.blocks_of(module) == [module.get_submodule(name) for name in names]
