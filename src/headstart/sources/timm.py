"""`timm:NAME[@revision]`: an image model of timm, from the Hugging Face Hub or its cache; `timm:PATH`, a local folder.

NAME is a model of timm with its weights (`resnet50.a1_in1k`), an architecture (`vgg16`, with the weights timm takes by
default) or a Hub id. A local folder is in timm's own format, as `timm.models.save_for_hf` writes it.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib.util
from pathlib import Path
from typing import Any

from headstart.contracts import Backbone, Listed
from headstart.errors import ModelNotFound
from headstart.sources import _folder, _timm, hf
from headstart.sources import dir as folders

# below the same of transformers, because these need an extra
RANK = 30


def load(name: str, *, revision: str | None, offline: bool, trust: bool = False) -> Backbone:
    """The backbone of a timm model, opened through transformers' wrapper.

    Raises:
        MissingExtra: timm is not installed.
        ModelNotFound: timm has no such model, or the Hub (or, offline, this machine) does not.
        UnsafeModel: Its config or weights could run code.
    """
    _timm.package()
    found: Any
    if Path(name).expanduser().is_dir():
        folder = Path(name).expanduser()
        _refuse_others(folder)
        found = folders.load(name, revision=revision, offline=offline, trust=trust)
    else:
        found = hf.load(_hub_id(name), revision=revision, offline=offline, trust=trust)
        _refuse_others(found.folder)
    backbone: Backbone = dataclasses.replace(found, ref=dataclasses.replace(found.ref, asked=name, source="timm"))
    return backbone


def _refuse_others(folder: Path) -> None:
    if not _folder.is_timm(folder):
        raise ModelNotFound(f'"{folder}" holds no model of timm\'s. Give dir:{folder} if it is one of transformers.')


def _hub_id(name: str) -> str:
    """Where the weights of a model are on the Hub, by timm's own table."""
    if "/" in name:
        return name
    timm = _timm.package()
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models() + timm.list_pretrained(), n=3)
        guess = f" Did you mean {', '.join(close)}?" if close else ""
        raise ModelNotFound(
            f'timm {timm.__version__} has no model "{name}".{guess} Give one that timm.list_models() has.'
        )
    config = timm.get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        raise ModelNotFound(f'timm has no pretrained weights of "{name}" on the Hub. Give timm:PATH of a folder.')
    return str(config.hf_hub_id)


def listed() -> list[Listed]:
    """Models in timm's format that lie in the Hub's cache on this machine."""
    is_here = importlib.util.find_spec("timm") is not None
    return [
        dataclasses.replace(
            model,
            ref=f"timm:{model.ref.removeprefix('hf:').removeprefix('timm/')}",
            is_available=is_here,
            about=model.about if is_here else f'{model.about}; needs pip install "headstart[timm]"',
            rank=RANK,
        )
        for model, folder in hf.cached()
        if _folder.is_timm(folder)
    ]
