"""Which weights beside a backbone's own are those of a head, told by name; the rest of loading is seen from outside."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

import pytest
import torch
import transformers

import families
import stacks
from headstart.sources import _loading
from headstart.sources import dir as folders


def heads(family: str) -> Iterator[tuple[str, list[str]]]:
    """Every task class of a family in transformers, with the names of the weights that its bare model has not."""
    prefix, options, _ = stacks.FAMILIES[family]
    config = getattr(transformers, f"{prefix}Config")(**options)
    bare = getattr(transformers, f"{prefix}Model")
    module = importlib.import_module(bare.__module__)
    with torch.device("meta"):
        known = set(bare(config).state_dict())
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if "For" in name and issubclass(kind, transformers.PreTrainedModel) and kind.__module__ == module.__name__:
                names = kind(config).state_dict()
                base = f"{kind.base_model_prefix}."
                yield name, [one for one in names if one.removeprefix(base) not in known]


@pytest.mark.parametrize("family", stacks.FAMILIES)
def test_no_head_of_any_task_is_taken_for_a_stranger(family: str) -> None:
    for name, weights in heads(family):
        strangers = [one for one in weights if not _loading.is_of_a_head(one)]
        assert strangers == [], name


@pytest.mark.parametrize("name", ["timm_model.fc.weight", "timm_model.head.fc.bias", "timm_model.classifier.weight"])
def test_a_head_of_timm_is_one_too(name: str) -> None:
    assert _loading.is_of_a_head(name)


@pytest.mark.parametrize(
    "name",
    [
        "payload.weight",
        "timm_model.payload.weight",
        "encoder.layer.9.output.dense.bias",
        "bert.encoder.layer.0.attention.self.query.lora_A.weight",
        "module.embeddings.word_embeddings.weight",
        "weight",
        "",
    ],
)
def test_what_is_of_no_head_is_a_stranger(name: str) -> None:
    assert not _loading.is_of_a_head(name)


def test_a_model_first_asked_for_in_inference_mode_can_still_be_trained(family: families.Family) -> None:
    backbone = folders.load(str(family("bert")), revision=None, offline=True)
    with torch.inference_mode():
        module = backbone.module
        task = backbone.task_module("AutoModelForSequenceClassification", ["a", "b"])
    assert not any(parameter.is_inference() for one in (module, task) for parameter in one.parameters())
    assert len(backbone.widths) == 3
