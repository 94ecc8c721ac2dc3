"""An anatomy agrees with the family's own config, adds up, counts what paper and pencil count, and leaves no trace."""

# T tokens, D width, F inner width, N blocks

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace
from typing import Any

import pytest
import specimens
import torch
from torch import nn

import stacks
from headstart import anatomy
from headstart.anatomy import Anatomy, Part

# torch says so of WavLM's own call; every other warning is an error
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")

AFTER = ("bert", "roberta", "xlm-roberta", "distilbert", "electra", "deberta-v2", "wav2vec2", "hubert", "wavlm")
BEFORE = ("modernbert", "vit", "dinov2", "swin", "wav2vec2-masked", "whisper")
TRANSFORMERS = (*AFTER, *BEFORE)


@pytest.fixture(scope="module")
def looked_at() -> Any:
    """Gives the anatomy of a family by its name; each is taken once."""
    found: dict[str, Anatomy] = {}

    def look(name: str) -> Anatomy:
        if name not in found:
            found[name] = anatomy.of(specimens.family(name))
        return found[name]

    return look


def beside(found: Anatomy) -> list[Part]:
    """The stem and what follows the blocks."""
    assert found.stem is not None
    assert found.top is not None
    return [found.stem, found.top]


@pytest.mark.parametrize("name", stacks.FAMILIES)
def test_parameters_of_the_parts_add_up_to_those_of_the_model(name: str, looked_at: Any) -> None:
    found, total = looked_at(name), sum(parameter.numel() for parameter in stacks.model(name).parameters())

    assert found.parameters == total
    assert sum(part.parameters * part.count for part in (*found.blocks, *beside(found))) == total


@pytest.mark.parametrize("name", stacks.FAMILIES)
def test_layers_of_stem_and_top_account_for_all_their_parameters(name: str, looked_at: Any) -> None:
    for part in beside(looked_at(name)):
        assert sum(layer.parameters * layer.count for layer in part.layers) == part.parameters


@pytest.mark.parametrize("name", stacks.FAMILIES)
def test_every_block_is_told_once_from_the_lowest_up(name: str, looked_at: Any) -> None:
    numbers = [number for part in looked_at(name).blocks for number in range(part.first, part.last + 1)]

    assert numbers == list(range(1, len(specimens.family(name).blocks) + 1))


def sizes(config: Any, stage: int) -> tuple[int, int, int]:
    """Heads, width and inner width by the family's own config; Swin doubles its width from stage to stage."""
    if config.model_type == "swin":
        width = config.embed_dim * 2**stage
        return config.num_heads[stage], width, int(config.mlp_ratio * width)
    inner = next(
        getattr(config, key)
        for key in ("mlp_ratio", "encoder_ffn_dim", "intermediate_size", "hidden_dim")
        if hasattr(config, key)
    )
    width = config.hidden_size
    return config.num_attention_heads, width, inner if inner > 8 else inner * width


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_heads_and_widths_are_those_of_the_familys_config(name: str, looked_at: Any) -> None:
    for stage, part in enumerate(looked_at(name).blocks):
        heads, width, inner = sizes(stacks.model(name).config, stage)
        (unit,) = part.units
        told = unit.attention
        assert (told.heads, told.head_width, unit.feed_forward.inner) == (heads, width // heads, inner)
        assert {told.query, told.key, told.value, told.output} == {(width, width)}


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_norms_stand_where_the_family_puts_them(name: str, looked_at: Any) -> None:
    places = {unit.norm_place for part in looked_at(name).blocks for unit in part.units}

    assert places == {"before" if name in BEFORE else "after"}


def test_one_matrix_for_q_k_and_v_and_a_gate_are_seen(looked_at: Any) -> None:
    (unit,) = looked_at("modernbert").blocks[-1].units

    assert (unit.attention.is_fused, unit.feed_forward.is_gated, unit.activation) == (True, True, "GELU")


def test_a_block_that_differs_is_told_apart(looked_at: Any) -> None:
    # the first block of ModernBERT has no norm before its attention, the first of WavLM holds the positions of all
    assert [(part.first, part.last) for part in looked_at("modernbert").blocks] == [(1, 1), (2, 3)]
    assert [(part.first, part.last) for part in looked_at("wavlm").blocks] == [(1, 1), (2, 3)]
    assert [(part.first, part.last) for part in looked_at("bert").blocks] == [(1, 3)]


def test_torchs_own_attention_is_seen() -> None:
    layer = nn.TransformerEncoderLayer(32, nhead=4, dim_feedforward=48, batch_first=True)
    (unit,) = [anatomy.layers.unit_of(layer)]

    assert unit.attention is not None
    assert unit.feed_forward is not None
    assert (unit.attention.heads, unit.attention.output, unit.feed_forward.inner) == (4, (32, 32), 48)


def test_stages_of_a_resnet_are_its_kernels(looked_at: Any) -> None:
    _, upper = looked_at("resnet").blocks
    told = [[(one.kernel, one.shape, one.stride, one.count) for one in unit.layers] for unit in upper.units]

    first = [((1, 1), (8, 16), 2, 1), ((3, 3), (8, 16), 2, 1), ((3, 3), (16, 16), 1, 1)]
    assert told == [first, [((3, 3), (16, 16), 1, 2)]]
    assert upper.output == (16, 4, 4)


def test_a_convnext_unit_is_a_depthwise_kernel_and_a_feed_forward(looked_at: Any) -> None:
    (unit,) = looked_at("convnext").blocks[1].units

    assert [(one.kernel, one.groups) for one in unit.layers] == [((7, 7), 16)]
    assert (unit.count, unit.feed_forward.inner, unit.attention) == (2, 4 * 16, None)


def test_pooling_after_the_blocks_is_seen_though_it_has_no_weights(looked_at: Any) -> None:
    assert [layer.kind for layer in looked_at("resnet").top.layers] == ["AdaptiveAvgPool2d"]


# --------------------------------------------------------------------------------------------------------- work


def test_operations_of_a_bert_are_those_of_the_formula(looked_at: Any) -> None:
    T, D, F, N = 9, 32, 48, 3
    work = looked_at("bert").work

    # a product of m by k with k by n takes 2mkn; a block has four of D by D, two of D by F, and two among the tokens
    assert work.linear == N * T * 2 * (4 * D * D + 2 * D * F) + 2 * D * D  # the last for the pooler, of one token
    assert work.products == N * T * 4 * T * D
    assert (work.unit, work.size, work.convolution) == ("token", T, 0)


def test_operations_of_a_resnet_are_those_of_its_kernels(looked_at: Any) -> None:
    found = looked_at("resnet")

    # 2 · kernel · channels in · channels out · pixels out
    stem, low = 2 * 49 * 3 * 8 * 16**2, 2 * (2 * 9 * 8 * 8 * 8**2)
    high = (2 * 1 * 8 * 16 + 2 * 9 * 8 * 16 + 3 * (2 * 9 * 16 * 16)) * 4**2
    assert [part.flops for part in found.blocks] == [low, high]
    assert found.work.total == found.work.convolution == stem + low + high


# ------------------------------------------------------------------------------------------------------- the rest


@pytest.mark.parametrize("name", ["bert", "resnet", "wav2vec2", "modernbert"])
def test_a_model_that_was_looked_at_is_as_it_was(name: str) -> None:
    backbone = specimens.family(name)
    # transformers leaves hooks of its own on a model that was asked for hidden states
    backbone.states(backbone.module, backbone.items.take([0]))
    before = state_of(backbone.module)
    anatomy.of(backbone)
    anatomy.training_memory(backbone, 1, batch_size=2)

    weights, *rest = state_of(backbone.module)
    assert tuple(rest) == before[1:]
    assert all(torch.equal(value, before[0][key]) for key, value in weights.items())


def state_of(module: nn.Module) -> tuple[dict[str, torch.Tensor], list[Any], list[bool]]:
    """Weights and statistics; mode and hooks of every part; what is trained."""
    weights = {key: value.clone() for key, value in module.state_dict().items()}
    parts = [(part.training, len(part._forward_hooks), len(part._forward_pre_hooks)) for part in module.modules()]
    return weights, parts, [parameter.requires_grad for parameter in module.parameters()]


@pytest.mark.parametrize("name", ["bert", "swin", "mobilenet"])
def test_an_anatomy_survives_json(name: str, looked_at: Any) -> None:
    told = looked_at(name).to_json()

    assert json.loads(json.dumps(told))["blocks"][0]["parameters"] == looked_at(name).blocks[0].parameters
    assert told["num_bytes"] == {
        "float32": 4 * told["parameters"],
        "bfloat16": 2 * told["parameters"],
        "int8": told["parameters"],
    }


class Tangle(nn.Module):
    """A model whose blocks stand where nobody looks."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.two(self.one(numbers))
        return output


def test_a_model_whose_blocks_are_not_found_is_one_block() -> None:
    found = anatomy.of(specimens.products(Tangle()))

    assert (found.is_cut_at_the_ends_only, found.num_blocks) == (True, 1)
    assert [(part.parameters, part.units) for part in found.blocks] == [(40, ())]


@dataclasses.dataclass
class Sealed(specimens.Specimen):
    """A backbone that can only be read, as a SavedModel of TensorFlow."""

    @property
    def blocks(self) -> tuple[nn.Module, ...]:
        return ()


def test_of_a_model_without_blocks_what_can_be_known_is_told() -> None:
    sealed: Any = Sealed(nn.Identity(), specimens.Items({}), "image", widths=(128,))
    found = anatomy.of(sealed)

    assert (found.model, found.license, found.widths, found.parameters) == ("dir:some", "mit", (128,), 0)
    assert (found.blocks, found.work, found.stem) == ((), None, None)


class RowOfLayers(nn.Module):
    """A VGG of two stages: all its layers in one row, and a classifier of two classes."""

    def __init__(self) -> None:
        super().__init__()
        low = (nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        high = (nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.features = nn.Sequential(*low, *high)
        self.classifier = nn.Linear(8, 2)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(self.features(pixels).mean(dim=(2, 3)))
        return logits


def test_stages_of_a_vgg_are_runs_of_its_layers() -> None:
    items = specimens.Items({"pixels": torch.ones(1, 3, 8, 8)})
    vgg: Any = specimens.Specimen(RowOfLayers(), items, "image", read=lambda net, tensors: net(**tensors))
    found = anatomy.of(vgg)

    told = [[(one.kind, one.shape) for unit in part.units for one in unit.layers] for part in found.blocks]
    assert told == [
        [("Conv2d", (3, 4)), ("MaxPool2d", ())],
        [("Conv2d", (4, 8)), ("Conv2d", (8, 8)), ("MaxPool2d", ())],
    ]
    # 2 · 9 · channels in · channels out · pixels
    assert [part.flops for part in found.blocks] == [2 * 9 * 3 * 4 * 64, 2 * 9 * (4 * 8 + 8 * 8) * 16]
    assert [part.output for part in found.blocks] == [(4, 4, 4), (8, 2, 2)]


@pytest.mark.parametrize(
    ("processor", "frames", "said"),
    [
        (SimpleNamespace(sampling_rate=16_000, n_samples=480_000), 1500, "30 seconds of sound"),
        (SimpleNamespace(sampling_rate=16_000), 49, "10 seconds of sound"),
        (SimpleNamespace(sampling_rate=16_000), 1500, "1 second of sound"),
    ],
    ids=["as much as Whisper always reads", "ten seconds of the usual frames", "fewer of many frames"],
)
def test_a_recording_is_as_long_as_its_frames_allow(processor: Any, frames: int, said: str) -> None:
    backbone = specimens.family("hubert")
    backbone.items = specimens.Items(backbone.items.first, lengths=(frames,))
    backbone.processor = processor

    assert anatomy.trace.sample(backbone).words == said
