"""Modules of PyTorch Hub repositories: made with trust only, filled key for key, cut, learnt from, saved uncoded."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import families
import foreign
import headstart
import parity
from headstart import cut, network, stack
from headstart.contracts import Inputs
from headstart.encoding.encoder import load_backbone
from headstart.errors import HeadstartError, MismatchError, ModelError, ModelNotFound, SettingError, UnsafeModel
from headstart.sources import _ref, torchhub
from headstart.sources.modules import entries, hub_code

TASK = "AutoModelForImageClassification"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return foreign.repository(tmp_path_factory.mktemp("hub") / "cifar")


@pytest.fixture(scope="module")
def weights(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as data-parallel training leaves it."""
    net: Any = load(f"{repository}:resnet20").plain.net
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    numbers = torch.Generator().manual_seed(5)

    def drawn(tensor: torch.Tensor) -> torch.Tensor:
        """Above 0, and of a convolution so small that sums over its window stay as large as what goes in."""
        window = tensor[0].numel() if tensor.ndim == 4 else 1
        return ((0.1 + torch.rand(tensor.shape, generator=numbers)) / window).to(tensor.dtype)

    save_file({f"module.{name}": drawn(tensor) for name, tensor in net.state_dict().items()}, path)
    return path


def load(name: str, **given: Any) -> Any:
    return torchhub.load(name, revision=None, offline=True, trust=True, **given)


def batch(backbone: Any) -> Inputs:
    """Three images as the model reads them."""
    images = [families.picture((60 * i, 90, 120), seed=i).resize((30 + 9 * i, 40)) for i in range(3)]
    return Inputs(backbone.prepare(images).take([0, 1, 2]).tensors)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b:net", entries.Entry("a/b", "net")),
        ("a/b@v1:net", entries.Entry("a/b", "net", "v1")),
        ("a/b:net:x:3:k=v:n=2", entries.Entry("a/b", "net", None, ("x", 3), {"k": "v", "n": 2})),
        (
            "a/b:net:pretrained=false?size=32",
            entries.Entry("a/b", "net", None, (), {"pretrained": False}, {"size": "32"}),
        ),
    ],
    ids=str,
)
def test_a_reference_names_repository_entry_and_arguments(text: str, expected: entries.Entry) -> None:
    assert entries.parse(text) == expected


@pytest.mark.parametrize("text", ["", "net", "a/b", "a/b:", ":net", "a/b/c:net", "./nowhere:net", "/no/where:net"])
def test_a_reference_without_repository_or_entry_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ModelNotFound, match="Give REPO:ENTRY"):
        entries.parse(text)


def test_without_trust_no_code_of_the_repository_runs(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(UnsafeModel, match="then give --trust"):
        torchhub.load(f"{tmp_path}:net", revision=None, offline=True)
    assert not (tmp_path / "ran").exists()


def test_that_code_ran_is_written_down(repository: Path) -> None:
    ref = load(f"{repository}:resnet20").ref
    assert ref.ran_code
    assert set(ref.sha256) == {"hubconf.py", "cifar_resnet.py", "model.safetensors"}
    assert str(ref) == "torchhub:cifar:resnet20"


def test_a_checkpoint_fills_the_module_key_for_key(repository: Path, weights: Path) -> None:
    net = load(f"{repository}:resnet20?weights={weights}").plain.net
    given = load_file(weights)
    state = net.state_dict()
    assert {f"module.{name}" for name in state} == set(given)
    assert all(torch.equal(state[name.removeprefix("module.")], tensor) for name, tensor in given.items())


def test_the_real_resnet_20_loads_key_for_key_and_knows_its_classes(repository: Path, shared: Path) -> None:
    checkpoint = shared / "weights" / "resnet-cifar10" / "resnet20-12fca82f.th"
    net = load(f"{repository}:resnet20?weights={checkpoint}").plain.net
    given = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    state = net.state_dict()
    missing = {f"module.{name}" for name in state if not name.endswith("num_batches_tracked")} ^ set(given)
    assert not {name for name in missing if not name.endswith("num_batches_tracked")}
    assert all(torch.equal(state[name.removeprefix("module.")], tensor) for name, tensor in given.items())


@pytest.mark.parametrize("strategy", ["frozen", "full"])
def test_the_real_resnet_20_learns_sign_language_digits(
    strategy: str, repository: Path, shared: Path, tmp_path: Path
) -> None:
    digits = shared / "data" / "image-classification" / "sign_language_digits" / "images"
    rows = [
        {"image": str(path), "label": f"digit {folder.name}"}
        for folder in sorted(digits.iterdir())[:3]
        for path in sorted(folder.iterdir())[:30]
    ]
    checkpoint = shared / "weights" / "resnet-cifar10" / "resnet20-12fca82f.th"
    settings: dict[str, Any] = {"epochs": 6, "lr": 2e-3, "ema": 0.0} if strategy == "full" else {}
    name = f"torchhub:{repository}:resnet20?weights={checkpoint}"
    run = headstart.fit(rows, out=tmp_path / "run", model=name, trust=True, strategy=strategy, **settings)
    # three classes of eighteen rows: far above chance, and no more is claimed
    assert run.scores["metrics"]["accuracy"]["value"] >= 0.5
    items = [row["image"] for row in rows[::9]]
    again = headstart.load(tmp_path / "run", trust=True)
    assert np.array_equal(again.logits(items), run.model.logits(items))


@pytest.mark.parametrize("damage", ["missing", "extra", "shape"])
def test_a_checkpoint_that_does_not_fit_is_refused(
    damage: str, repository: Path, weights: Path, tmp_path: Path
) -> None:
    tensors = load_file(weights)
    if damage == "missing":
        del tensors["module.conv1.weight"]
    elif damage == "extra":
        tensors["module.more"] = torch.ones(1)
    else:
        tensors["module.linear.weight"] = torch.ones(3, 3)
    save_file(tensors, tmp_path / "bad.safetensors")
    with pytest.raises(ModelError, match=r"do not fit the module: .+\. Give its own\."):
        load(f"{repository}:resnet20?weights={tmp_path / 'bad.safetensors'}")


def test_states_are_those_of_the_modules_own_code(repository: Path, weights: Path) -> None:
    backbone = load(f"{repository}:resnet20?weights={weights}")
    inputs, net = batch(backbone), backbone.plain.net
    with torch.inference_mode():
        state = nn.functional.relu(net.bn1(net.conv1(inputs.tensors["pixel_values"])))
        theirs = [state] + [state := stage(state) for stage in (net.layer1, net.layer2, net.layer3)]
        ours = backbone.states(backbone.module, inputs).layers
        pooled = backbone.pooled(backbone.module, inputs)
    assert [float((one - other).abs().max()) for one, other in zip(ours, theirs, strict=True)] == [0.0] * 4
    torch.testing.assert_close(pooled, torch.cat([state.mean((2, 3)) for state in theirs], dim=1), atol=0, rtol=0)


def test_encoding_equals_the_modules_own_code(repository: Path, weights: Path) -> None:
    encoder = load_backbone(f"torchhub:{repository}:resnet20?weights={weights}", offline=True, trust=True)
    backbone: Any = encoder.backbone
    images = [families.picture((60 * i, 90, 120), seed=i) for i in range(3)]
    inputs = backbone.prepare(images).take([0, 1, 2])
    net, seen = backbone.plain.net, []
    hook = net.layer3.register_forward_hook(lambda module, given, output: seen.append(output))
    with torch.inference_mode():
        net(inputs.tensors["pixel_values"])
        hook.remove()
        same_batch = backbone.states(backbone.module, inputs).layers[-1]
    ours = torch.as_tensor(encoder.encode(images).hidden)
    differences = [float((one - seen[0]).abs().max()) for one in (ours, same_batch)]
    parity.put("resnet-20 (PyTorch Hub)", differences)
    # outputs of size one, and sums in another order
    assert differences[0] <= 1e-5 * float(seen[0].abs().max().clamp(min=1))
    assert differences[1] == 0


def test_maps_with_their_channels_last_are_averaged_over_the_map(repository: Path, weights: Path) -> None:
    usual, swapped = (load(f"{repository}:{name}?size=32&weights={path}") for name, path in _alike(repository, weights))
    inputs = batch(usual)
    with torch.inference_mode():
        ours, theirs = (one.pooled(one.module, inputs) for one in (swapped, usual))
    assert swapped.widths == usual.widths
    # the same sums over memory that lies otherwise
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def _alike(repository: Path, weights: Path) -> list[tuple[str, Path]]:
    """Two entries with the same weights; those of the second are named otherwise, its stages beginning with a turn."""
    tensors = load_file(weights)
    turned = {re.sub(r"(layer\d)\.(\d)", lambda m: f"{m[1]}.{int(m[2]) + 1}", name): tensors[name] for name in tensors}
    path = weights.with_name("turned.safetensors")
    save_file(turned, path)
    return [("resnet20", weights), ("swapped", path)]


@pytest.mark.parametrize("entry", ["resnet20", "swapped"])
def test_the_python_of_the_card_gives_the_same_vectors(entry: str, repository: Path, tmp_path: Path) -> None:
    backbone = load(f"{repository}:{entry}?size=32")
    backbone.save(backbone.module, tmp_path)
    images = [families.picture(shade, seed=7) for shade in families.SHADES.values()]
    code = backbone.usage(None, max_length=None).replace('folder = "."', f'folder = "{tmp_path}"')
    names: dict[str, Any] = {"given": images}
    exec(code.replace("items = [", "items = given or ["), names)
    with torch.inference_mode():
        ours = backbone.pooled(backbone.module, backbone.prepare(images).take([0, 1]))
    torch.testing.assert_close(torch.cat(names["vectors"], dim=1), ours, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("upto", range(4))
def test_a_pass_cut_anywhere_equals_the_whole_to_the_bit(upto: int, repository: Path, weights: Path) -> None:
    backbone = load(f"{repository}:resnet20?weights={weights}")
    inputs = batch(backbone)
    with torch.inference_mode():
        whole = backbone.module(**inputs.tensors)
        part = cut.upper(backbone.module, cut.lower(backbone.module, inputs, upto=upto))
    assert torch.equal(part, whole)


@pytest.mark.parametrize("entry", ["resnet20", "features"])
@pytest.mark.parametrize("strategy", ["frozen", "full"])
def test_what_was_fitted_answers_alike_from_its_folder_and_by_its_card(
    entry: str, strategy: str, repository: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 8} if strategy == "full" else {}
    name = f"torchhub:{repository}:{entry}" + (":pretrained=false" if entry == "features" else "")
    photos = families.pictures(tmp_path / "photos", 40)
    run = headstart.fit(
        photos, out=tmp_path / "run", model=name, trust=True, strategy=strategy, precision="float32", **settings
    )
    images = [families.picture(shade, seed=7) for shade in families.SHADES.values()]
    ours = run.model.logits(images)
    assert np.array_equal(headstart.load(tmp_path / "run", trust=True).logits(images), ours)
    code = (tmp_path / "run" / "model" / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    code = code.replace('folder = "."', f'folder = "{tmp_path / "run" / "model"}"').replace(
        "items = [", "items = given or ["
    )
    names: dict[str, Any] = {"given": images}
    exec(code, names)
    # the bound of the project for one folder opened in two ways
    np.testing.assert_allclose(names["logits"].numpy(), ours, atol=1e-5, rtol=0)
    assert names["labels"] == [answer["label"] for answer in run.model.predict(images)]
    assert str(repository) not in (tmp_path / "run" / "model" / "README.md").read_text()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["model"]["ran_code"] is True


def test_the_command_line_asks_for_trust_and_takes_it(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from headstart.cli import main

    photos = families.pictures(tmp_path / "photos", 40)
    fit = ["fit", str(photos), "--model", f"torchhub:{repository}:resnet20", "--out", str(tmp_path / "run")]
    picture = str(photos / "red" / "0.png")
    assert main(fit) == 1
    assert "--trust" in capsys.readouterr().err
    assert main([*fit, "--trust"]) == 0
    assert main(["predict", str(tmp_path / "run"), picture]) == 1
    assert main(["predict", str(tmp_path / "run"), picture, "--trust"]) == 0
    assert main(["evaluate", str(tmp_path / "run"), str(photos), "--trust"]) == 0


def test_a_saved_folder_holds_no_code_and_needs_trust(repository: Path, tmp_path: Path) -> None:
    backbone = load(f"{repository}:resnet20")
    backbone.save(backbone.task_module(TASK, ("a", "b")), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    with pytest.raises(UnsafeModel, match="then give --trust"):
        _ref.load(f"dir:{tmp_path}")
    again: Any = _ref.load(f"dir:{tmp_path}", trust=True)
    assert again.task_module(TASK, None).config.id2label == {0: "a", 1: "b"}
    assert again.ref.ran_code


def test_a_repository_that_changed_since_is_refused(tmp_path: Path) -> None:
    repository = foreign.repository(tmp_path / "repository")
    saved = tmp_path / "saved"
    saved.mkdir()
    backbone = load(f"{repository}:resnet20")
    backbone.save(backbone.module, saved)
    (repository / "cifar_resnet.py").write_text(foreign.RESNET + "\n# more\n")
    with pytest.raises(UnsafeModel, match=r'"cifar_resnet.py" of .* is not what it was'):
        _ref.load(f"dir:{saved}", trust=True)


def test_of_two_repositories_with_like_named_files_each_gets_its_own(tmp_path: Path) -> None:
    one, other = (foreign.repository(tmp_path / name) for name in ("one", "other"))
    (other / "cifar_resnet.py").write_text(foreign.RESNET.replace("16", "8").replace("32", "16").replace("64", "32"))
    assert [load(f"{folder}:resnet20").widths[-1] for folder in (one, other, one)] == [64, 32, 64]


@pytest.mark.parametrize("name", [None, ("a", "b", "c")])
def test_a_classifier_is_the_modules_own_or_a_fresh_one(name: Any, repository: Path) -> None:
    backbone = load(f"{repository}:resnet20")
    layer = network.classifier_of(backbone.task_module(TASK, name))
    assert (layer.in_features, layer.out_features) == (64, 10 if name is None else 3)
    assert backbone.plain.net.linear.out_features == 10, "what was loaded stays as it was"


def test_features_get_a_layer_on_top(repository: Path) -> None:
    module: Any = load(f"{repository}:features:pretrained=false").task_module(TASK, ("a", "b"))
    assert network.classifier_of(module) is module.head
    assert stack.depths(module)["head.weight"] == 4


def test_pretrained_weights_are_asked_for_where_the_entry_has_some(repository: Path) -> None:
    with pytest.raises(ModelError, match="asked for its pretrained weights"):
        load(f"{repository}:features")


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("nothing", ModelNotFound, r"Give one of features, fetched, model, resnet20, rows, swapped, text\."),
        ("model:bert-base-uncased", MismatchError, r"Write hf:bert-base-uncased\."),
        ("text", MismatchError, "makes a str, not a module"),
        ("rows", MismatchError, "gives nothing for one image of 224x224 pixels"),
        ("fetched", ModelNotFound, r'"https://example.org/net-01234567.pth" is not in .* network is off limits'),
        ("resnet20:1:2:3", ModelError, "takes from 0 to 1 positional"),
        ("resnet20?depth=3", SettingError, 'no option "depth"'),
        ("resnet20?size=0", SettingError, 'Give "size"'),
        ("resnet20?mean=1,2", SettingError, "three numbers"),
        ("resnet20?weights=/no/where.pt", ModelNotFound, "There is no checkpoint"),
    ],
)
def test_what_cannot_be_made_says_what_to_give(
    name: str, error: type[HeadstartError], says: str, repository: Path
) -> None:
    with pytest.raises(error, match=says):
        load(f"{repository}:{name}")


def test_packages_that_the_repository_needs_are_named(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text('dependencies = ["nobody_has_this"]\n')
    with pytest.raises(ModelError, match="pip install nobody_has_this"):
        load(f"{tmp_path}:net")


def test_a_folder_without_hubconf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"has no hubconf\.py"):
        load(f"{tmp_path}:net")


def test_only_images_can_be_learnt(repository: Path) -> None:
    backbone = load(f"{repository}:resnet20")
    with pytest.raises(MismatchError, match="image classification only"):
        backbone.task_module("AutoModelForSequenceClassification", ("a", "b"))
    with pytest.raises(MismatchError, match="reads images, not texts"):
        backbone.count_tokens(["a"])


def test_images_are_read_as_module_and_reference_say(repository: Path) -> None:
    reads = load(f"{repository}:resnet20?mean=0.5,0.5,0.5").pixels
    assert (reads.size, reads.resize, reads.mean) == (32, 32, (0.5, 0.5, 0.5))
    assert load(f"{repository}:resnet20?size=40&resize=48").pixels.resize == 48


def test_images_are_encoded_as_their_last_map_averaged(repository: Path, weights: Path) -> None:
    name = f"{repository}:resnet20?weights={weights}"
    images = [families.picture(shade, seed=7) for shade in families.SHADES.values()]
    ours = headstart.load_backbone(f"torchhub:{name}", trust=True).encode(images).mean
    backbone = load(name)
    with torch.inference_mode():
        theirs = backbone.states(backbone.module, backbone.prepare(images).take([0, 1])).layers[-1].mean((2, 3))
    assert np.isfinite(ours).all()
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5, rtol=1e-5)


def test_how_images_are_read_belongs_to_the_digest(repository: Path) -> None:
    digests = {load(f"{repository}:resnet20{query}").digest() for query in ("", "", "?size=40", "?mean=0.5,0.5,0.5")}
    assert len(digests) == 3


@pytest.fixture
def cached() -> Iterator[Path]:
    """A repository in PyTorch's cache, with a checkpoint of one of its entries."""
    folder = foreign.repository(hub_code.hub_folder() / "some-one_the_net_v1.0")
    (hub_code.hub_folder() / "checkpoints").mkdir(exist_ok=True)
    for name in ("resnet20-0123abcd.pth", "other-0123abcd.pth", "resnet20.txt"):
        (hub_code.hub_folder() / "checkpoints" / name).write_bytes(b"0" * 2**20)
    yield folder
    shutil.rmtree(hub_code.hub_folder())


def test_offline_a_repository_comes_from_pytorchs_cache(cached: Path) -> None:
    assert load("some-one/the_net@v1.0:resnet20").ref.revision == "v1.0"
    found = torchhub.load("some-one/the_net:resnet20", revision="v1.0", offline=True, trust=True)
    assert str(found.ref) == "torchhub:some-one/the_net:resnet20@v1.0"
    with pytest.raises(ModelNotFound, match="network is off limits"):
        load("some-one/the_net:resnet20")


def test_what_is_in_pytorchs_cache_is_listed(cached: Path) -> None:
    (line,) = torchhub.listed()
    assert line.ref == "torchhub:some-one/the_net@v1.0:resnet20"
    assert (line.mib, line.modality, line.is_available) == (1.0, "image", True)
    assert "--trust" in line.about


def test_a_folder_has_no_revisions(repository: Path) -> None:
    with pytest.raises(SettingError, match="has no revisions"):
        torchhub.load(f"{repository}:resnet20", revision="v1", offline=True, trust=True)


def test_the_hubs_variable_for_offline_speaks_for_every_source() -> None:
    with pytest.raises(ModelNotFound, match="network is off limits"):
        _ref.load("torchhub:nobody/nothing:net", trust=True)


def test_without_network_a_repository_cannot_be_fetched() -> None:
    with pytest.raises(ModelNotFound, match="GitHub did not give"):
        torchhub.load("nobody/nothing:net", revision=None, offline=False, trust=True)


@pytest.mark.parametrize("damage", ["origin", "weights"])
def test_a_damaged_folder_is_refused(damage: str, repository: Path, tmp_path: Path) -> None:
    backbone = load(f"{repository}:resnet20")
    backbone.save(backbone.module, tmp_path)
    if damage == "origin":
        written = json.loads((tmp_path / "config.json").read_text())
        del written["headstart"]["entry"]
        (tmp_path / "config.json").write_text(json.dumps(written))
    else:
        save_file({"more": torch.ones(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="damaged" if damage == "origin" else "do not fit"):
        _ref.load(f"dir:{tmp_path}", trust=True)
