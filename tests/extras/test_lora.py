"""Adapters by peft: nothing at first, alone in moving, and in the end a part of the weights."""

from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import strategy_checks
import torch
from torch import nn
from transformers import AutoModel, AutoModelForSpeechSeq2Seq

import families
import stacks
import tones
from headstart import cut, model, plug, run, stack
from headstart.contracts import Inputs
from headstart.errors import MismatchError, MissingExtra, SettingError
from headstart.network import Headed, Whole
from headstart.settings import FitSettings
from headstart.strategies import lora

pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
FAMILIES = sorted(stacks.FAMILIES)
SETTINGS = FitSettings(lora_rank=4)


class Task(nn.Module):
    """A backbone with a fresh linear layer on its pooled state, as the ecosystem's task models have it."""

    base_model_prefix = "backbone"

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = backbone, nn.LazyLinear(3)

    def forward(self, **tensors: torch.Tensor) -> Any:
        state = self.backbone(**tensors).last_hidden_state
        pooled = state.mean((2, 3)) if state.ndim == 4 else state.mean(1)
        return SimpleNamespace(logits=self.head(pooled))


def task(name: str) -> tuple[Task, Inputs]:
    """A task model of the family in evaluation mode, and a batch for it."""
    torch.manual_seed(0)
    made, batch = Task(copy.deepcopy(stacks.model(name))).eval(), stacks.batch(name)
    with torch.no_grad():
        made(**batch.tensors)
    return made, batch


def logits(module: nn.Module, batch: Inputs) -> torch.Tensor:
    with torch.no_grad():
        return Whole(module).eval()(batch)


def adapted(module: nn.Module, boundary: int) -> nn.Module:
    """The module with adapters above the boundary."""
    stack.freeze(module, boundary)
    return lora.adapt(module, boundary, SETTINGS)


def trained(module: nn.Module, batch: Inputs, boundary: int) -> nn.Module:
    """After a few steps of the batch alone."""
    whole = Whole(module, boundary).train()
    moving = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=0.02)
    for _ in range(3):
        nn.functional.cross_entropy(whole(batch), torch.arange(len(batch)) % 3).backward()
        optimizer.step()
        optimizer.zero_grad()
    return module.eval()


def weights(module: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of the pretrained weights and statistics, by the names that they had before."""
    found = stack.base_of(module).state_dict()
    return {name.replace(".base_layer", ""): value.clone() for name, value in found.items() if "lora_" not in name}


@pytest.mark.parametrize("name", FAMILIES)
def test_at_first_the_adapters_change_nothing(name: str) -> None:
    module, batch = task(name)
    before = logits(module, batch)
    # to the bit but for WavLM, where the sum with zeros lies otherwise in memory and is read in another order
    torch.testing.assert_close(logits(adapted(module, 1), batch), before, atol=1e-6 if name == "wavlm" else 0, rtol=0)


@pytest.mark.parametrize("name", FAMILIES)
def test_merged_it_answers_as_it_did_with_adapters(name: str) -> None:
    module, batch = task(name)
    before = logits(module, batch)
    after = logits(trained(adapted(module, 1), batch, 1), batch)
    # sums in another order
    torch.testing.assert_close(logits(lora.settle(module), batch), after, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(after, before, atol=1e-3)


@pytest.mark.parametrize("name", FAMILIES)
def test_no_pretrained_weight_or_statistic_moves_before_it_is_merged(name: str) -> None:
    module, batch = task(name)
    before, top = weights(module), len(stack.blocks_of(module)) + 1
    height = stack.depths(stack.base_of(module))
    after = weights(trained(adapted(module, 1), batch, 1))
    assert all(torch.equal(after[key], before[key]) for key in before if height.get(key, 0) < top)


@pytest.mark.parametrize("name", FAMILIES)
def test_merging_changes_the_adapted_weights_and_nothing_below_the_boundary(name: str) -> None:
    module, batch = task(name)
    before, boundary = weights(module), len(stack.blocks_of(module))
    settled = weights(lora.settle(trained(adapted(module, boundary), batch, boundary)))
    height = stack.depths(stack.base_of(module))
    moved = {height.get(key, boundary) for key in before if not torch.equal(settled[key], before[key])}
    assert boundary in moved
    assert min(moved) == boundary


@pytest.mark.parametrize("name", FAMILIES)
def test_only_adapters_and_what_follows_the_blocks_have_gradients(name: str) -> None:
    module, _ = task(name)
    adapted(module, 2)
    height, top = stack.depths(module), len(stack.blocks_of(module)) + 1
    for key, parameter in module.named_parameters():
        assert parameter.requires_grad == ("lora_" in key or height[key] == top)
        assert "lora_" not in key or height[key] >= 2


@pytest.mark.parametrize("name", FAMILIES)
def test_settled_it_is_the_task_model_again(name: str) -> None:
    module, _ = task(name)
    before, kinds = set(module.state_dict()), [type(part) for part in module.modules()]
    lora.settle(adapted(module, 1))
    assert set(module.state_dict()) == before
    assert [type(part) for part in module.modules()] == kinds
    assert not hasattr(module, "peft_config")


@pytest.mark.parametrize("name", ["bert", "vit", "wav2vec2", "resnet"])
def test_a_pass_can_be_cut_below_the_adapters(name: str) -> None:
    module, batch = task(name)
    boundary = len(stack.blocks_of(module))
    whole = logits(trained(adapted(module, boundary), batch, boundary), batch)
    with torch.no_grad():
        parts = cut.upper(module, cut.lower(module, batch, upto=boundary - 1)).logits
    assert torch.equal(parts, whole)


def test_an_adapter_adds_alpha_over_rank_times_its_product() -> None:
    module, batch = task("bert")
    before = weights(module)["encoder.layer.0.attention.self.query.weight"]
    stack.freeze(module, 1)
    lora.adapt(module, 1, FitSettings(lora_rank=2, lora_alpha=3.0))
    layer: Any = trained(module, batch, 1).get_submodule("backbone.encoder.layer.0.attention.self.query")
    down, up = layer.lora_A["headstart"].weight.detach(), layer.lora_B["headstart"].weight.detach()
    assert (down.shape, up.shape) == ((2, 32), (32, 2))
    lora.settle(module)
    after = weights(module)["encoder.layer.0.attention.self.query.weight"]
    torch.testing.assert_close(after, before + 1.5 * up @ down, atol=1e-6, rtol=0)


def test_layers_with_their_weights_transposed_are_adapted_too() -> None:
    import transformers

    config = transformers.GPT2Config(vocab_size=50, n_positions=16, n_embd=16, n_layer=2, n_head=2)
    torch.manual_seed(0)
    module, batch = Task(transformers.GPT2Model(config)).eval(), Inputs({"input_ids": torch.arange(12).view(2, 6)})
    before = logits(module, batch)
    after = logits(trained(adapted(module, 1), batch, 1), batch)
    torch.testing.assert_close(logits(lora.settle(module), batch), after, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(after, before, atol=1e-3)


def backbone(*blocks: nn.Module) -> Any:
    """Something with these blocks."""
    module = nn.Module()
    module.layers = nn.ModuleList(blocks)
    return SimpleNamespace(blocks=blocks, module=module, ref="hub:x")


@pytest.mark.parametrize(("asked", "boundary"), [(None, 1), (1, 3), (3, 1)])
def test_by_default_all_blocks_have_adapters(asked: int | None, boundary: int) -> None:
    assert lora.apply(backbone(*(nn.Linear(2, 2) for _ in range(3))), FitSettings(top=asked)) == boundary


def test_blocks_without_products_are_refused_in_words() -> None:
    depthwise = nn.Conv2d(4, 4, 3, groups=4)
    with pytest.raises(MismatchError, match=r'"hub:x" have no linear layers .* Use --strategy top or full'):
        lora.apply(backbone(depthwise, nn.LayerNorm(4)), FitSettings())


def test_more_blocks_than_there_are_are_refused() -> None:
    with pytest.raises(SettingError, match="--top 2"):
        lora.apply(backbone(nn.Linear(2, 2)), FitSettings(top=2))


def test_without_peft_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(MissingExtra, match=r'pip install "headstart\[lora\]"'):
        lora.apply(backbone(nn.Linear(2, 2)), FitSettings())


@pytest.mark.parametrize("check", strategy_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", strategy_checks.MODELS)
def test_the_strategy_keeps_the_contract(name: str, check: strategy_checks.Check, family: families.Family) -> None:
    check(strategy_checks.bench(plug.load("strategies", "lora"), name, family))


@pytest.mark.parametrize(
    "given",
    [{"top": 1}, {}, {"top": 1, "pool": "mean"}, {"head": "mlp", "head_width": 8}, {"head": "conv", "head_width": 8}],
    ids=["states kept below", "all blocks", "a head of ours on kept states", "mlp", "conv"],
)
def test_a_run_is_saved_as_a_plain_folder_that_answers_the_same(
    given: dict[str, Any], family: families.Family, tmp_path: Path
) -> None:
    data = families.csv_of(tmp_path / "reviews.csv", families.reviews(60))
    chosen: dict[str, Any] = {"strategy": "lora", "epochs": 2, "precision": "float32", **given}
    done = run.fit(str(data), FitSettings(model=f"dir:{family('bert')}", **chosen), out=tmp_path / "run")
    texts = [text for text, _ in families.reviews(60)]
    loaded = model.load(done.folder)
    assert (loaded.predict_proba(texts) == done.model.predict_proba(texts)).all()
    assert not any("lora" in name for name in loaded.network.state_dict())
    before, after = (AutoModel.from_pretrained(place).state_dict() for place in (family("bert"), done.folder / "model"))
    moved = {name for name in before if not torch.equal(before[name], after[name]) and not name.startswith("pooler")}
    # matrices in the blocks above the boundary, of two blocks
    lowest = 1 if "top" in given else 0
    assert {int(re.fullmatch(r"encoder\.layer\.(\d)\..*weight", name)[1]) for name in moved} == {*range(lowest, 2)}  # type: ignore[index]


def test_few_rows_are_all_learnt_from(family: families.Family, tmp_path: Path) -> None:
    data = families.csv_of(tmp_path / "reviews.csv", families.reviews(40))
    asked = FitSettings(model=f"dir:{family('bert')}", strategy="lora", epochs=1, precision="float32")

    done = run.fit(str(data), asked, out=tmp_path / "run")

    facts = json.loads((done.folder / "run.json").read_text(encoding="utf-8"))
    assert facts["data"]["rows"] == {"train": 32, "validation": 0, "test": 8}


def test_a_sentence_encoder_is_read_as_it_was_trained_to_be(family: families.Family, tmp_path: Path) -> None:
    base = Path(shutil.copytree(family("bert"), tmp_path / "base"))
    (base / "1_Pooling").mkdir()
    (base / "1_Pooling" / "config.json").write_text(
        '{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": true}'
    )
    data = families.csv_of(tmp_path / "reviews.csv", families.reviews(40))
    done = run.fit(str(data), FitSettings(model=f"dir:{base}", strategy="lora", epochs=1), out=tmp_path / "run")
    assert isinstance(done.model.network, Headed)
    assert done.model.network.form.pool == "mean"


@pytest.mark.parametrize("name", ["whisper-of-languages", "moonshine"])
def test_a_decoder_learns_by_adapters_too(name: str, family: families.Family, tmp_path: Path) -> None:
    data = tones.listed(tmp_path / "data", ["a", "b", "c", "a b"] * 4)
    language = "en" if name == "whisper-of-languages" else None
    asked = FitSettings(
        model=str(family(name)), strategy="lora", epochs=1, precision="float32", spoken_language=language
    )
    made = run.fit(str(data), asked, out=tmp_path / "run")

    before, after = (
        AutoModelForSpeechSeq2Seq.from_pretrained(place) for place in (family(name), made.folder / "model")
    )
    theirs = after.state_dict()
    moved = {name for name, tensor in before.state_dict().items() if not torch.equal(tensor, theirs[name])}

    assert {name for name in moved if ".decoder." in name}
    # matrices in the layers and what stands between encoder and decoder, no embedding and no output
    assert all(
        re.search(r"layers\.\d+\..*weight$", name) or name.startswith("model.encoder.layer_norm") for name in moved
    )
    clips = [str(data / "clips" / f"{number}.wav") for number in range(3)]
    assert model.load(made.folder).predict(clips) == made.model.predict(clips)
