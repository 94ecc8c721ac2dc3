"""Folders that headstart saved of models from other sources than transformers: which they are, and how they open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.contracts import Backbone, Ref
from headstart.errors import ModelError, UnsafeModel
from headstart.sources import _entry, _folder, _hubconf, _safety
from headstart.sources._pixels import Pixels

if TYPE_CHECKING:
    from headstart.sources import _plain


def opened(folder: Path, *, trust: bool) -> Backbone | None:
    """The backbone of such a folder; None where it is one of transformers.

    Raises:
        UnsafeModel: It needs code that came with the model, and `trust` was not given.
    """
    written = _folder.config(folder)
    origin = written.get("headstart")
    if isinstance(origin, dict) and origin.get("source") == "torchhub":
        return _module(folder, origin, written.get("label_names") or [], trust=trust)
    if isinstance(origin, dict) and origin.get("source") == "tfhub":
        return _saved_model(folder, origin)
    return None


def _saved_model(folder: Path, origin: dict[str, Any]) -> Backbone:
    from headstart.sources import _tensorflow

    ref = Ref(asked=str(folder), source="dir", name=folder.name, license=_folder.card_license(folder))
    size = {name: origin.get(name) for name in ("height", "width")} if origin.get("modality") == "image" else {}
    return _tensorflow.backbone_of(folder / _tensorflow.INSIDE, ref, size)


def _module(folder: Path, origin: dict[str, Any], names: list[str], *, trust: bool) -> Backbone:
    from headstart.sources import _modules

    try:
        where = {name: origin[name] for name in ("source", "repo", "revision", "entry", "args", "kwargs", "code")}
        pixels = Pixels.of(origin["input"])
        classifier = origin["classifier"]
    except KeyError as error:
        raise ModelError(
            f"{folder / 'config.json'} is damaged: it has no {error}. Copy the model folder again."
        ) from error
    entry = _entry.Entry(where["repo"], where["entry"], where["revision"], tuple(where["args"]), dict(where["kwargs"]))
    if not trust:
        raise UnsafeModel(f'"{folder}" is made by the code of "{entry.repo}". Read its hubconf.py, then give --trust.')
    _safety.verify(folder)
    plain = _filled(folder, entry, classifier, names, where["code"], pixels)
    ref = Ref(
        asked=str(folder),
        source="dir",
        name=folder.name,
        sha256={**where["code"], **_safety.fingerprints(folder)},
        license=_folder.card_license(folder),
        ran_code=True,
    )
    return _modules.ModuleBackbone(ref, plain, pixels, where)


def _filled(
    folder: Path, entry: _entry.Entry, classifier: str | None, names: list[str], code: dict[str, str], pixels: Pixels
) -> _plain.Plain:
    """The module built by the same code as when it was saved, with the saved weights."""
    from safetensors.torch import load_file

    from headstart.sources import _plain

    repository = _hubconf.folder_of(entry, offline=True)
    now = _hubconf.fingerprints(repository)
    changed = sorted(name for name in {*code, *now} if code.get(name) != now.get(name))
    if changed:
        raise UnsafeModel(
            f'"{changed[0]}" of "{entry.repo}" is not what it was when "{folder}" was saved. Restore that version.'
        )
    bare = _plain.Plain(_hubconf.build(repository, entry, pretrained=False, offline=True).float().eval(), classifier)
    module = _plain.renewed(bare, names, size=pixels.size) if names else bare
    try:
        _plain.fill(module, load_file(folder / "model.safetensors"))
    except RuntimeError as error:
        raise ModelError(f'The weights in "{folder}" do not fit the module: {str(error).splitlines()[-1]}') from error
    return module.eval()
