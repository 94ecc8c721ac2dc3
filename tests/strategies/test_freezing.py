"""--freeze comes to the strategy and the number of blocks that its words mean, and contradicts no other setting."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import families
import stacks
from headstart import plug, run, stack
from headstart.errors import HeadstartError, MismatchError, SettingError
from headstart.settings import FitSettings
from headstart.strategies import _freezing


def backbone(name: str = "bert") -> Any:
    """A tiny model of a family: BERT has three blocks."""
    module = stacks.model(name)
    return SimpleNamespace(module=module, blocks=stack.blocks_of(module), ref="hf:x")


def boundary(freeze: str, name: str = "bert") -> int:
    """Where the strategy that it comes to draws the line."""
    model = backbone(name)
    settings = _freezing.settled(FitSettings(freeze=freeze), model)
    drawn: int = plug.load("strategies", settings.strategy).apply(model, settings)
    return drawn


MEANS = {
    "none": ("full", None, 0),
    "embeddings": ("top", 3, 1),
    "0": ("top", 3, 1),
    "1": ("top", 2, 2),
    "2": ("top", 1, 3),
    "3": ("frozen", None, 4),
    "all": ("frozen", None, 4),
    "embeddings.word_embeddings": ("top", 3, 1),
    "encoder.layer.0": ("top", 2, 2),
    "encoder.layer.1.attention.self": ("top", 1, 3),
    "encoder.layer.1.output.dense.weight": ("top", 1, 3),
    "encoder": ("frozen", None, 4),
    "pooler": ("frozen", None, 4),
}


@pytest.mark.parametrize("freeze", MEANS)
def test_plain_words_come_to_a_strategy_and_its_boundary(freeze: str) -> None:
    settings = _freezing.settled(FitSettings(freeze=freeze), backbone())
    assert (settings.strategy, settings.top, boundary(freeze)) == MEANS[freeze]


@pytest.mark.parametrize(
    ("family", "freeze", "expected"),
    [
        ("resnet", "embedder", 1),
        ("resnet", "encoder.stages.0", 2),
        ("distilbert", "transformer.layer.1", 3),
        ("vit", "layers.0", 2),
        ("wav2vec2", "feature_extractor", 1),
        ("wav2vec2", "encoder.layers.0", 2),
    ],
)
def test_names_are_those_of_the_family(family: str, freeze: str, expected: int) -> None:
    assert boundary(freeze, family) == expected


def test_without_it_the_settings_stay() -> None:
    settings = FitSettings(strategy="top", top=1)
    assert _freezing.settled(settings, backbone()) is settings


def test_settled_settings_settle_to_themselves() -> None:
    settings = _freezing.settled(FitSettings(freeze="1"), backbone())
    assert _freezing.settled(settings, backbone()) == settings


def test_adapters_go_with_frozen_blocks_below() -> None:
    settings = _freezing.settled(FitSettings(freeze="1", strategy="lora"), backbone())
    assert (settings.strategy, settings.top) == ("lora", 2)


def test_fresh_weights_go_with_nothing_frozen() -> None:
    assert _freezing.settled(FitSettings(freeze="none", strategy="scratch"), backbone()).strategy == "scratch"


REFUSED = {
    "a mistyped name": ({"freeze": "encoder.layr.1"}, r'no part of the model\. Did you mean "encoder\.layer\.1'),
    "a mistyped word": ({"freeze": "embedings"}, 'Did you mean "embeddings"'),
    "half a name": ({"freeze": "encoder.lay"}, "no part of the model"),
    "nothing like it": (
        {"freeze": "§"},
        r"Give none, all, embeddings, 0 to 3 blocks, or a name such as encoder\.layer",
    ),
    "too many blocks": ({"freeze": "4"}, r'--freeze 4: "hf:x" has 3 blocks\. Give 0 to 3'),
    "full with blocks frozen": (
        {"freeze": "2", "strategy": "full"},
        "--freeze 2 goes with --strategy top or lora, not with full",
    ),
    "top with all frozen": ({"freeze": "all", "strategy": "top"}, "goes with --strategy frozen, not with top"),
    "adapters with nothing frozen": (
        {"freeze": "none", "strategy": "lora"},
        "--strategy full or scratch, not with lora",
    ),
    "another number": ({"freeze": "2", "top": 2}, "comes to --top 1 with this model, not to --top 2"),
}


@pytest.mark.parametrize(("given", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_meant_is_refused_in_words(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        _freezing.settled(FitSettings(**given), backbone())


@pytest.mark.parametrize("freeze", ["none", "embeddings", "encoder"])
def test_a_model_without_blocks_takes_only_all(freeze: str) -> None:
    solid: Any = SimpleNamespace(blocks=(), module=None, ref="tfhub:x")
    assert _freezing.settled(FitSettings(freeze="all"), solid).strategy == "frozen"
    with pytest.raises(MismatchError, match=r'"tfhub:x" has no .* Give --freeze all'):
        _freezing.settled(FitSettings(freeze=freeze), solid)


@pytest.fixture(scope="module")
def frozen_run(family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with --freeze."""
    root = tmp_path_factory.mktemp("freeze")
    data = families.csv_of(root / "reviews.csv", families.reviews(40))
    settings = FitSettings(model=f"dir:{family('bert')}", freeze="encoder.layer.0", epochs=1, precision="float32")
    return run.fit(str(data), settings, out=root / "run").folder


def test_a_run_records_what_was_asked_and_what_it_came_to(frozen_run: Path) -> None:
    facts = json.loads((frozen_run / "run.json").read_text())
    settings = facts["settings"]
    assert (settings["freeze"], settings["strategy"], settings["top"]) == ("encoder.layer.0", "top", 1)
    assert facts["boundary"] == 2
    assert "--freeze encoder.layer.0 comes to --strategy top --top 1 with this model." in facts["notes"]


LIKE = {
    "nothing": ([], ("encoder.layer.0", "top", None)),
    "another part": (["--freeze", "none"], ("none", "frozen", None)),
    "a strategy": (["--strategy", "full"], (None, "full", 1)),
    "a number": (["--top", "2"], (None, "top", 2)),
}


@pytest.mark.parametrize(("words", "expected"), LIKE.values(), ids=LIKE.keys())
def test_a_run_can_be_repeated_with_another_word(
    words: list[str], expected: tuple[Any, ...], frozen_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from headstart.cli import main

    assert main(["fit", "--like", str(frozen_run), "--dry-run", *words]) == 0
    found = FitSettings(**json.loads(capsys.readouterr().out)["settings"])
    assert (found.freeze, found.strategy, found.top) == expected


def test_a_part_that_is_not_there_is_said_before_any_work(family: families.Family, tmp_path: Path) -> None:
    data = families.csv_of(tmp_path / "reviews.csv", families.reviews(40))
    settings = FitSettings(model=f"dir:{family('bert')}", freeze="encoder.layer.7")
    with pytest.raises(HeadstartError, match="no part of the model"):
        run.fit(str(data), settings, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
