"""timm's models, VGG and ResNet above all: loaded from a folder, equal to timm's own code, cut, learnt from, saved."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import families
import foreign
import headstart
import parity
from headstart import cut, network, stack
from headstart.contracts import Inputs
from headstart.encoding.encoder import load_backbone
from headstart.errors import HeadstartError, MissingExtra, ModelNotFound, UnsafeModel
from headstart.settings import FitSettings
from headstart.sources import _ref, timm
from headstart.strategies import scratch

# a VGG of 17 M numbers where the usual one has 129 M: its two widest layers narrowed, all else as it is
VGG: dict[str, Any] = {"name": "vgg11", "mlp_ratio": 1 / 16}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "vgg": VGG,
    "vgg with norms": {"name": "vgg11_bn", "mlp_ratio": 1 / 16},
    "resnet": {"name": "resnet10t"},
    "vit": {"name": "test_vit", "img_size": 32},
    "convnext": {"name": "test_convnext"},
    "efficientnet": {"name": "test_efficientnet"},
    "densenet": {"name": "densenet121"},
    "regnet": {"name": "regnetx_002"},
    "without known blocks": {"name": "dla46_c"},
    "swin": {"name": "swin_tiny_patch4_window7_224", "img_size": 32, "window_size": 4, "embed_dim": 24},
}
BLOCKS = {
    "vgg": 5,
    "vgg with norms": 5,
    "resnet": 4,
    "vit": 6,
    "convnext": 4,
    "efficientnet": 5,
    "densenet": 9,
    "without known blocks": 1,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Gives folder and timm's own model of an architecture; each is made once."""
    root, models = tmp_path_factory.mktemp("timm"), {}

    def folder(name: str) -> tuple[Path, Any]:
        if name not in models:
            models[name] = foreign.timm_folder(root / name, **ARCHITECTURES[name])
        return root / name, models[name]

    return folder


def batch(backbone: Any) -> Inputs:
    """Three images as the model reads them."""
    return Inputs(
        backbone.prepare([families.picture((60 * i, 90, 120), seed=i) for i in range(3)]).take([0, 1, 2]).tensors
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_states_and_features_are_those_of_timm_itself(name: str, made: Any) -> None:
    folder, model = made(name)
    backbone: Any = _ref.load(f"timm:{folder}")
    inputs = batch(backbone)
    with torch.inference_mode():
        features = model.forward_features(inputs.tensors["pixel_values"])
        ours = backbone.module(**inputs.tensors).last_hidden_state
    assert len(backbone.blocks) == BLOCKS.get(name, 4)
    # both run timm's own code on the same numbers
    assert float((ours - features).abs().max()) == 0.0


@pytest.mark.parametrize("name", ["vgg", "resnet"])
def test_encoding_equals_timms_own_code(name: str, made: Any) -> None:
    folder, model = made(name)
    encoder = load_backbone(f"timm:{folder}")
    images = [families.picture((60 * i, 90, 120), seed=i) for i in range(3)]
    inputs = encoder.backbone.prepare(images).take([0, 1, 2])
    with torch.inference_mode():
        theirs = model.forward_features(inputs.tensors["pixel_values"])
        same_batch = encoder.backbone.states(encoder.backbone.module, inputs).layers[-1]
    ours = torch.as_tensor(encoder.encode(images).hidden)
    differences = [float((one - theirs).abs().max()) for one in (ours, same_batch)]
    parity.put(f"{name} (timm)", differences)
    assert differences[0] <= 1e-5
    assert differences[1] == 0


@pytest.mark.parametrize("name", ["vgg", "resnet"])
def test_every_hidden_state_is_timms_own_intermediate(name: str, made: Any) -> None:
    folder, model = made(name)
    backbone: Any = _ref.load(f"timm:{folder}")
    inputs = batch(backbone)
    with torch.inference_mode():
        theirs = model.forward_intermediates(inputs.tensors["pixel_values"], intermediates_only=True)
        ours = backbone.states(backbone.module, inputs).layers
    if name == "vgg":  # timm takes them below each pooling, our stages end with it
        theirs = [torch.nn.functional.max_pool2d(state, 2) for state in theirs[:5]]
        ours = ours[1:]
    else:  # timm's first is the stem's above its pooling
        theirs, ours = theirs[1:], ours[1:]
    assert [float((one - other).abs().max()) for one, other in zip(ours, theirs, strict=True)] == [0.0] * len(ours)


# of the others, layers of their own stand between the last block and the features
@pytest.mark.parametrize("name", ["vgg", "vgg with norms", "resnet", "regnet", "without known blocks"])
def test_what_is_encoded_is_timms_own_features_averaged(name: str, made: Any) -> None:
    folder, model = made(name)
    images = [families.picture((60 * i, 90, 120), seed=i) for i in range(3)]
    encoded = headstart.load_backbone(f"timm:{folder}").encode(images)
    backbone: Any = _ref.load(f"timm:{folder}")
    with torch.inference_mode():
        last = model.forward_features(backbone.prepare(images).take([0, 1, 2]).tensors["pixel_values"])
    np.testing.assert_allclose(encoded.mean, last.mean((2, 3)).numpy(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_pass_cut_anywhere_equals_the_whole_to_the_bit(name: str, made: Any) -> None:
    backbone: Any = _ref.load(f"timm:{made(name)[0]}")
    inputs = batch(backbone)
    with torch.inference_mode():
        whole = backbone.module(**inputs.tensors).last_hidden_state
        parts = [
            cut.upper(backbone.module, cut.lower(backbone.module, inputs, upto=k)).last_hidden_state
            for k in range(len(backbone.blocks) + 1)
        ]
    assert [float((part - whole).abs().max()) for part in parts] == [0.0] * len(parts)


@pytest.mark.parametrize(("name", "width"), [("vgg", 4096), ("resnet", 512), ("vit", 64)])
def test_the_classifier_is_the_one_inside_timms_model(name: str, width: int, made: Any) -> None:
    module = _ref.load(f"timm:{made(name)[0]}").task_module("AutoModelForImageClassification", ("a", "b", "c"))
    layer = network.classifier_of(module)
    assert (layer.in_features, layer.out_features) == (width, 3)


@pytest.mark.parametrize("name", ["vgg", "resnet"])
@pytest.mark.parametrize("strategy", ["frozen", "full"])
def test_what_was_fitted_opens_in_transformers_with_the_same_logits(
    name: str, strategy: str, made: Any, tmp_path: Path
) -> None:
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    photos = families.pictures(tmp_path / "photos", 40)
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 8} if strategy == "full" else {}
    run = headstart.fit(
        photos, out=tmp_path / "run", model=f"timm:{made(name)[0]}", strategy=strategy, precision="float32", **settings
    )
    images = [families.picture(shade, seed=7) for shade in families.SHADES.values()]
    opened = AutoModelForImageClassification.from_pretrained(tmp_path / "run" / "model").eval()
    processor = AutoImageProcessor.from_pretrained(tmp_path / "run" / "model")
    with torch.inference_mode():
        theirs = opened(**processor(images=images, return_tensors="pt")).logits.numpy()
    # the bound of the project for one folder opened in two ways; beyond 10 it is below float32's last digits
    np.testing.assert_allclose(theirs, run.model.logits(images), atol=1e-5, rtol=1e-6)
    np.testing.assert_allclose(headstart.load(tmp_path / "run").logits(images), run.model.logits(images), atol=1e-5)
    assert [opened.config.id2label[i] for i in range(2)] == ["blue", "red"]
    if strategy == "frozen":
        assert run.scores["metrics"]["accuracy"]["value"] >= 0.75, "red and blue are easily told apart"
    else:
        learnt = json.loads((tmp_path / "run" / "run.json").read_text())["parameters"]
        assert learnt["trained"] == learnt["total"]


def test_the_command_line_takes_a_timm_model(made: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from headstart.cli import main

    photos = families.pictures(tmp_path / "photos", 40)
    assert main(["fit", str(photos), "--model", f"timm:{made('vgg')[0]}", "--out", str(tmp_path / "run")]) == 0
    assert "test accuracy" in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "run"), str(photos / "red" / "0.png")]) == 0


def test_a_folder_that_transformers_wrapper_saved_loads_again(made: Any, tmp_path: Path) -> None:
    backbone: Any = _ref.load(f"timm:{made('resnet')[0]}")
    backbone.save(backbone.task_module("AutoModelForImageClassification", ("a", "b")), tmp_path / "saved")
    for scheme in ("timm", "dir"):
        again: Any = _ref.load(f"{scheme}:{tmp_path / 'saved'}")
        assert again.widths == backbone.widths
        assert again.task_module("AutoModelForImageClassification", None).config.id2label == {0: "a", 1: "b"}


def test_a_model_of_the_hub_comes_from_its_cache(made: Any) -> None:
    from huggingface_hub import constants

    repo = Path(constants.HF_HUB_CACHE) / "models--timm--resnet10t.c3_in1k"
    shutil.copytree(made("resnet")[0], repo / "snapshots" / families.COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(families.COMMIT)
    try:
        refs = [_ref.load(name, offline=True).ref for name in ("timm:resnet10t.c3_in1k", "timm:resnet10t")]
        lines = [line.ref for line in _ref.listed()]
    finally:
        shutil.rmtree(repo)
    assert [(ref.source, ref.name, ref.revision) for ref in refs] == [
        ("timm", "timm/resnet10t.c3_in1k", families.COMMIT)
    ] * 2
    assert "timm:resnet10t.c3_in1k" in lines
    assert "hf:timm/resnet10t.c3_in1k" not in lines


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("resnet51", "Did you mean"),
        ("vgg16", "network is off limits"),
        ("nobody/nothing", "network is off limits"),
    ],
)
def test_what_is_not_there_is_refused_with_a_remedy(name: str, says: str) -> None:
    foreign.timm()
    with pytest.raises(ModelNotFound, match=says):
        timm.load(name, revision=None, offline=True)


def test_a_folder_of_transformers_is_pointed_elsewhere(family: families.Family) -> None:
    foreign.timm()
    with pytest.raises(ModelNotFound, match="Give dir:"):
        timm.load(str(family("resnet")), revision=None, offline=True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"architecture": "hf-hub:org/name"}, '"architecture" is "hf-hub:org/name"'),
        ({"architecture": "local-dir:/elsewhere"}, '"architecture"'),
        ({"model_args": {"checkpoint_path": "/tmp/x.pth"}}, '"checkpoint_path"'),
        ({"model_args": {"pretrained": True}}, '"pretrained"'),
    ],
    ids=str,
)
@pytest.mark.parametrize("scheme", ["timm", "dir"])
def test_a_config_that_sends_timm_elsewhere_is_refused(
    scheme: str, change: dict[str, Any], says: str, made: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(made("resnet")[0], folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(UnsafeModel, match=says):
        _ref.load(f"{scheme}:{folder}")


def test_weights_that_leave_gaps_are_refused(made: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "gaps"
    shutil.copytree(made("resnet")[0], folder)
    tensors = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in tensors.items() if k != "layer2.0.conv1.weight"}, folder / "model.safetensors")
    backbone: Any = _ref.load(f"timm:{folder}")
    with pytest.raises(HeadstartError, match=r"layer2\.0\.conv1\.weight"):
        _ = backbone.module


def test_without_timm_the_message_installs_it(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    folder = made("resnet")[0]
    monkeypatch.setitem(sys.modules, "timm", None)
    for scheme in ("timm", "dir"):
        with pytest.raises(MissingExtra, match=r'pip install "headstart\[timm\]"'):
            _ref.load(f"{scheme}:{folder}")


def test_freezing_the_lower_blocks_leaves_the_classifier_free(made: Any) -> None:
    module: Any = _ref.load(f"timm:{made('vgg')[0]}").task_module("AutoModelForImageClassification", ("a", "b"))
    depth = stack.depths(module)
    assert depth["timm_model.features.0.weight"] == 1
    assert depth["timm_model.pre_logits.fc1.weight"] == 6
    assert depth["timm_model.head.fc.weight"] == 6


def test_the_pixels_of_a_bare_module_are_those_of_torchvision() -> None:
    foreign.timm()
    from torchvision import transforms

    from headstart.sources.items.pixels import MEAN, STD, Pixels

    for reads in (Pixels(), Pixels.of({"size": 32}), Pixels(96, 110, (0.5, 0.4, 0.3), (0.1, 0.2, 0.3))):
        steps = [
            transforms.Resize(reads.resize, transforms.InterpolationMode.BILINEAR),
            transforms.CenterCrop(reads.size),
            transforms.ToTensor(),
            transforms.Normalize(reads.mean, reads.std),
        ]
        for size in ((60, 40), (41, 300), (224, 224), (33, 33)):
            image = families.picture((60, 90, 120), seed=1).resize(size)
            ours = reads([image])["pixel_values"][0]
            # one multiplication in another order
            torch.testing.assert_close(ours, transforms.Compose(steps)(image), atol=1e-6, rtol=0)
    assert dataclasses.astuple(Pixels())[2:] == (MEAN, STD)


def test_fresh_weights_are_drawn_as_timm_draws_them(made: Any) -> None:
    folder, _ = made("vgg")
    module = _ref.load(f"timm:{folder}").task_module("AutoModelForImageClassification", ("a", "b"))
    layer: Any = stack.base_of(scratch.adapt(module, 0, FitSettings())).get_submodule("features.0")
    # kaiming_normal_ with fan_out: 64 maps of 3 by 3; 1,728 numbers come within 5 % of it
    assert float(layer.weight.detach().std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.1)
