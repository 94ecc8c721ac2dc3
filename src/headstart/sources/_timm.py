"""What is particular to model folders in timm's own format; transformers opens them through its timm wrapper."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from headstart import cut, stack
from headstart.contracts import Inputs
from headstart.errors import UnsafeModel, need
from headstart.sources import _folder
from headstart.sources.modules import mended_torchvision
from headstart.sources.safety import model_folder

if TYPE_CHECKING:
    import torch
    from torch import nn

PLAIN_NAME = re.compile(r"\w+(\.\w+)?")
FETCHES = ("checkpoint_path", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")
"""Arguments with which timm would read or fetch other weights than those in the folder."""


def package() -> ModuleType:
    """timm itself.

    Raises:
        MissingExtra: It is not installed.
    """
    mended_torchvision.mend()
    return need("timm", extra="timm")


def verify(folder: Path) -> None:
    """Makes sure that a folder of timm's is one model of timm's, with its own weights; others pass.

    Raises:
        MissingExtra: It is a folder of timm's, and timm is not installed.
        UnsafeModel: Its config sends timm elsewhere for the architecture or the weights.
    """
    if not _folder.is_timm(folder):
        return
    config = model_folder.read_json(folder / "config.json")
    name = str(config.get("architecture"))
    # timm takes "hf-hub:org/name" and "local-dir:path" for architectures too
    if PLAIN_NAME.fullmatch(name) is None:
        raise UnsafeModel(
            f'{folder / "config.json"}: "architecture" is "{name}", no name of timm\'s. Use another model.'
        )
    for key in FETCHES:
        if key in (config.get("model_args") or {}):
            raise UnsafeModel(
                f'{folder / "config.json"}: "model_args" has "{key}", which can fetch. Use another model.'
            )
    package()


def overrides(folder: Path) -> dict[str, Any]:
    """What of a timm folder's config transformers must be told otherwise: timm notes the number of classes twice."""
    arguments = _folder.config(folder).get("model_args") if _folder.is_timm(folder) else None
    if not isinstance(arguments, dict) or "num_classes" not in arguments:
        return {}
    return {"model_args": {name: value for name, value in arguments.items() if name != "num_classes"}}


def states(module: nn.Module, inputs: Inputs) -> tuple[torch.Tensor, ...]:
    """What enters the lowest block and what each gives; only the pixels and the features where no blocks are found."""
    base: Any = stack.base_of(module)
    if stack.is_cut_at_the_ends_only(module):
        pixels = inputs.tensors["pixel_values"]
        return pixels, _channels_first(base, base.forward_features(pixels))
    return tuple(_channels_first(base, state) for state in cut.states(module, inputs))


def _channels_first(base: Any, state: torch.Tensor) -> torch.Tensor:
    """A map as (B, D, H, W): Swin and its kin keep the channels last, and say so."""
    is_last = getattr(base, "output_fmt", "NCHW") == "NHWC" and state.ndim == 4
    return state.permute(0, 3, 1, 2) if is_last else state


def is_wrapped(module: nn.Module) -> bool:
    """Whether a module of transformers is its wrapper around one of timm's."""
    return getattr(getattr(module, "config", None), "model_type", "") == "timm_wrapper"
