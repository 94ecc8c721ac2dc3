"""Between torch and TensorFlow: how a SavedModel is called, and batches of texts and images on their way there.

Both ways go through NumPy on the processor; no gradient passes.
"""

# B rows, D width, S bytes of the longest text, H height, W width

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Inputs, Modality
from headstart.errors import MismatchError, ModelError, SettingError, need
from headstart.sources.items.compact import TOKENS_PER_IMAGE, opened

if TYPE_CHECKING:
    from torch import nn

    from headstart.contracts import Indices

SIDE = 224
"""Of images whose size the model leaves open and the reference does not say."""
BYTES_PER_TOKEN = 4


def tensorflow() -> ModuleType:
    """TensorFlow, with as many threads as torch, on the processor, and silent.

    Raises:
        MissingExtra: It is not installed.
    """
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    import torch

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet_import():
        found = need("tensorflow", extra="tfhub")
        found.config.threading.set_intra_op_parallelism_threads(torch.get_num_threads())
        found.config.threading.set_inter_op_parallelism_threads(1)
        found.config.set_visible_devices([], "GPU")
        # the processor's kernels announce themselves at the first operation, whatever the log level
        found.constant(0.0)
    return found


@contextlib.contextmanager
def _quiet_import() -> Iterator[None]:
    """Sends what native code writes to standard error while it loads to nowhere."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@dataclass(frozen=True)
class Called:
    """How a SavedModel is called: itself, or one of its signatures by the name of its input; and with what."""

    folder: Path
    modality: Modality
    signature: str | None = None
    argument: str | None = None
    output: str | None = None
    height: int = 0
    width: int = 0

    def to_json(self) -> dict[str, Any]:
        """All but where it lies."""
        return {name: value for name, value in asdict(self).items() if name != "folder"}

    def module(self) -> nn.Module:
        """A module without parameters; the SavedModel behind it is loaded now."""
        from headstart.sources.saved_models.bridge import Bridge

        tf, loaded = tensorflow(), loaded_from(self.folder)
        function = loaded if self.signature is None else loaded.signatures[self.signature]

        def run(rows: Any) -> np.ndarray[Any, Any]:
            given = tf.constant(rows)
            answer = function(given) if self.argument is None else function(**{self.argument: given})
            answer = answer if self.output is None else answer[self.output]
            return np.asarray(answer.numpy(), dtype=np.float32).reshape(len(rows), -1)

        return Bridge(run, loaded).eval()


def loaded_from(folder: Path) -> Any:
    """The object in a SavedModel.

    Raises:
        ModelError: TensorFlow cannot load it.
    """
    try:
        return tensorflow().saved_model.load(str(folder))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200].rstrip(".: ")
        raise ModelError(
            f'TensorFlow cannot load "{folder}": {reason}. Is it complete, and of TensorFlow 2?'
        ) from error


def called(folder: Path, options: Mapping[str, Any]) -> Called:
    """How a SavedModel wants to be called: as reusable ones are, itself with one tensor, or else by a signature.

    Raises:
        MismatchError: With none of its functions one text or one image gives one vector.
        SettingError: An option is unknown, or not what the model reads.
    """
    loaded = loaded_from(folder)
    own: Any = getattr(loaded, "__call__", None)  # noqa: B004 - the function itself, not whether it can be called
    ways: list[tuple[str | None, Any]] = [(None, function) for function in getattr(own, "concrete_functions", ())]
    ways += [(name, loaded.signatures[name]) for name in ("serving_default", "default") if name in loaded.signatures]
    for signature, function in ways:
        if (found := _way(folder, signature, function, options)) is not None:
            return found
    raise MismatchError(
        f'"{folder}" is not called with one text or one image a row, or gives no vector for it. '
        f"Use a SavedModel with the common interface for text or image features."
    )


def _way(folder: Path, signature: str | None, function: Any, options: Mapping[str, Any]) -> Called | None:
    """A way to call the model, if this function is one."""
    positional, named = function.structured_input_signature
    specs = [(None, spec) for spec in positional] if signature is None else list(named.items())
    tensors = [(name, spec) for name, spec in specs if hasattr(spec, "dtype")]
    if len(tensors) != 1:
        return None
    argument, spec = tensors[0]
    kind, rank = spec.dtype.name, spec.shape.rank
    outputs = function.structured_outputs
    output = None
    if isinstance(outputs, Mapping):
        output = next((name for name in ("default", "pooled_output") if name in outputs), next(iter(sorted(outputs))))
        outputs = outputs[output]
    if not hasattr(outputs, "dtype") or not outputs.dtype.is_floating:
        return None
    if kind == "string" and rank in (None, 1):
        if options:
            raise SettingError(f'"{folder}" reads texts and takes no options. Leave ?{next(iter(options))}= out.')
        return Called(folder, "text", signature, argument, output)
    if kind == "float32" and rank == 4:
        height, width = _size(folder, spec.shape.as_list()[1:3], options)
        return Called(folder, "image", signature, argument, output, height, width)
    return None


def _size(folder: Path, said: Sequence[int | None], options: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of the images, by the model, else by the options."""
    try:
        side = int(options.get("size", SIDE))
        asked = [int(options.get(name, side)) for name in ("height", "width")]
    except ValueError as error:
        raise SettingError(f"{dict(options)} is no size of images. Give ?size=NUMBER.") from error
    fits = all(ours == theirs for ours, theirs in zip(asked, said, strict=True) if theirs is not None)
    if set(options) - {"size", "height", "width"} or (options and not fits) or min(asked) < 1:
        raise SettingError(f'{dict(options)} is not how "{folder}" reads images. Give ?size=NUMBER, or leave it out.')
    height, width = (theirs or ours for ours, theirs in zip(asked, said, strict=True))
    return height, width


@dataclass(frozen=True)
class Strings:
    """Texts as UTF-8."""

    items: tuple[str, ...]
    truncated: int = 0
    lost: int = 0

    @cached_property
    def lengths(self) -> Indices:
        """What each is likely to cost, in tokens of the usual length."""
        return np.array([len(text) // BYTES_PER_TOKEN + 1 for text in self.items], dtype=np.int64)

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """The bytes of each row side by side, shape (B, S), and how many are its own, shape (B,)."""
        import torch

        rows = [self.items[int(i)].encode("utf-8", errors="replace") for i in indices]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        codes_BS = np.zeros((len(rows), max(1, int(lengths.max()))), dtype=np.uint8)
        for codes, row in zip(codes_BS, rows, strict=True):
            codes[: len(row)] = np.frombuffer(row, dtype=np.uint8)
        return Inputs({"codes": torch.from_numpy(codes_BS), "lengths": torch.from_numpy(lengths)})


@dataclass(frozen=True)
class Pictures:
    """Images brought to one size batch by batch; as bytes, so that no arithmetic in between changes them."""

    items: tuple[Any, ...]
    height: int
    width: int
    truncated: int = 0
    lost: int = 0

    @cached_property
    def lengths(self) -> Indices:
        """All images cost the same."""
        return np.full(len(self.items), TOKENS_PER_IMAGE, dtype=np.int64)

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """Pixels of a batch, 0 … 255, shape (B, H, W, 3)."""
        import torch
        from PIL import Image

        size = (self.width, self.height)
        images = [opened(self.items[int(i)]).resize(size, Image.Resampling.BILINEAR) for i in indices]
        return Inputs({"pixels": torch.from_numpy(np.stack([np.asarray(image) for image in images]))})
