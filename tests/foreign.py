"""Tiny models of other ecosystems with random weights: a PyTorch Hub repository, a timm folder, TensorFlow SavedModels.

Each is written as its own ecosystem writes it. What needs a package that is not installed skips the test that asked.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WIDTH = 64
"""Of the vectors that the SavedModels give."""
SIDE = 32

HUBCONF = '''"""ResNets for CIFAR-10."""

dependencies = ["torch"]

from cifar_resnet import ResNet as _ResNet


def resnet20(num_classes=10):
    """ResNet-20."""
    net = _ResNet(3, num_classes)
    net.headstart_input = {"size": 32}
    return net


def features(pretrained=False):
    """The same without its classifier."""
    if pretrained:
        raise ValueError("asked for its pretrained weights")
    net = _ResNet(3, 10)
    net.linear = _Nothing()
    net.headstart_input = {"size": 32}
    return net


def swapped():
    """A network whose maps have their channels last between its blocks, as Swin's have."""
    return _ResNet(3, 10, True)


def fetched():
    """A network whose weights are somewhere else."""
    from torch.hub import load_state_dict_from_url

    net = _ResNet(3, 10)
    net.load_state_dict(load_state_dict_from_url("https://example.org/net-01234567.pth"))
    return net


def model(name):
    """A transformers model, as huggingface/pytorch-transformers makes them."""
    from transformers import BertConfig, BertModel

    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9)
    config._name_or_path = name
    return BertModel(config)


def text():
    """No module at all."""
    return "text"


def rows():
    """A module that reads no images."""
    from torch.nn import Linear

    return Linear(5, 2)


from torch.nn import Identity as _Nothing
'''
# what github.com/akamaster/pytorch_resnet_cifar10 describes, written anew: shortcuts of kind A, without parameters
RESNET = """import torch.nn.functional as F
from torch import nn


class Shortcut(nn.Module):
    def forward(self, x):
        more = x.shape[1] // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, more, more))


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut = Shortcut() if before != after else nn.Sequential()

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class Turn(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.axes = (0, 3, 1, 2) if way == 1 else (0, 2, 3, 1)

    def forward(self, x):
        return x.permute(*self.axes)


class ResNet(nn.Module):
    def __init__(self, depth, num_classes, is_swapped=False):
        super().__init__()
        self.is_swapped = is_swapped
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(depth, 16, 16, 1)
        self.layer2 = self._stage(depth, 16, 32, 2)
        self.layer3 = self._stage(depth, 32, 64, 2)
        self.linear = nn.Linear(64, num_classes)

    def _stage(self, depth, before, after, stride):
        first = Block(before, after, stride)
        stage = [first, *[Block(after, after, 1) for _ in range(depth - 1)]]
        return nn.Sequential(*([Turn(1), *stage, Turn(-1)] if self.is_swapped else stage))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        if self.is_swapped:
            x = self.layer3(self.layer2(self.layer1(x.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)
        else:
            x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))
"""


def repository(folder: Path) -> Path:
    """A PyTorch Hub repository with a ResNet-20 for CIFAR-10; made once."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hubconf.py").write_text(HUBCONF)
    (folder / "cifar_resnet.py").write_text(RESNET)
    return folder


def timm() -> Any:
    """The package, or the test is skipped."""
    if importlib.util.find_spec("timm") is None:
        pytest.skip("needs timm, which is not installed; `make test` runs these with its extras")
    from headstart.sources import _timm

    return _timm.package()


def timm_folder(folder: Path, name: str = "test_resnet", *, num_classes: int = 5, **arguments: Any) -> Any:
    """Writes a folder in timm's own format, for images of 32 pixels, and gives the model in it."""
    import torch

    package = timm()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = package.create_model(name, pretrained=False, num_classes=num_classes, **arguments).eval()
    reads = {"input_size": (3, SIDE, SIDE), "fixed_input_size": False, "crop_pct": 1.0}
    model.pretrained_cfg = {**model.pretrained_cfg, **reads}
    package.models.save_for_hf(
        model, folder, model_config={"num_classes": num_classes}, model_args=arguments, safe_serialization=True
    )
    return model


def tensorflow() -> Any:
    """The package, or the test is skipped."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("needs tensorflow, which is not installed; `make test` runs these with its extras")
    from headstart.sources.saved_models import tensors

    return tensors.tensorflow()


def text_model(folder: Path) -> Any:
    """A SavedModel by the interface for text: strings (B,) in, vectors (B, 64) out; it knows words by a vocabulary."""
    import families

    tf = tensorflow()
    words = folder.with_suffix(".txt")
    words.write_text("\n".join([*families.GOOD, *families.BAD, *families.PLAIN]))
    source = tf.lookup.TextFileInitializer(
        tf.saved_model.Asset(str(words)),
        *(tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
    )

    class Words(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.source = source
            self.table = tf.lookup.StaticHashTable(source, 0)
            self.vectors = tf.Variable(tf.random.stateless_normal((64, WIDTH), (1, 2)))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])  # type: ignore[untyped-decorator]
        def __call__(self, texts):  # type: ignore[no-untyped-def]
            ids = tf.ragged.map_flat_values(self.table.lookup, tf.strings.split(texts))
            return tf.reduce_mean(tf.ragged.map_flat_values(lambda at: tf.gather(self.vectors, at), ids), axis=1)

    return _saved(Words(), folder)


def image_model(folder: Path) -> Any:
    """A SavedModel by the interface for images: (B, H, W, 3) in [0, 1] in, vectors (B, 64) out."""
    tf = tensorflow()

    class Edges(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.kernels = tf.Variable(tf.random.stateless_normal((3, 3, 3, WIDTH), (1, 2)))

        @tf.function(input_signature=[tf.TensorSpec([None, SIDE, SIDE, 3], tf.float32)])  # type: ignore[untyped-decorator]
        def __call__(self, images):  # type: ignore[no-untyped-def]
            return tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(images, self.kernels, 2, "SAME")), axis=(1, 2))

    return _saved(Edges(), folder)


def acting_model(folder: Path, act: Callable[[Any, Any], Any]) -> Path:
    """A SavedModel for text that does something else on the way; `act` takes TensorFlow and the texts."""
    tf = tensorflow()

    class Acting(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])  # type: ignore[untyped-decorator]
        def __call__(self, texts):  # type: ignore[no-untyped-def]
            act(tf, texts)
            return tf.ones((tf.shape(texts)[0], WIDTH))

    _saved(Acting(), folder)
    return folder


def _saved(model: Any, folder: Path) -> Any:
    tensorflow().saved_model.save(model, str(folder))
    return model


def known(name: str, place: Path) -> tuple[str, bool] | None:
    """The name of a model made here for a source that lists none, and whether it must be trusted; None for others."""
    if name == "torchhub":
        return f"{repository(place / 'repository')}:resnet20", True
    if name == "timm":
        timm_folder(place / "timm")
        return str(place / "timm"), False
    if name == "tfhub":
        text_model(place / "saved")
        return str(place / "saved"), False
    return None
