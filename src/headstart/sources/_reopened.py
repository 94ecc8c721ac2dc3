"""Folders that headstart saved of models from other sources than transformers: which they are, and how they open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.contracts import Backbone, Ref
from headstart.errors import ModelError, UnsafeModel
from headstart.sources import _folder
from headstart.sources.items.pixels import Pixels
from headstart.sources.modules import entries, hub_code
from headstart.sources.safety import model_folder

if TYPE_CHECKING:
    from headstart.sources.modules import plain_modules


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
    from headstart.sources.saved_models import saved_model

    ref = Ref(asked=str(folder), source="dir", name=folder.name, license=_folder.card_license(folder))
    size = {name: origin.get(name) for name in ("height", "width")} if origin.get("modality") == "image" else {}
    return saved_model.backbone_of(folder / saved_model.INSIDE, ref, size)


def _module(folder: Path, origin: dict[str, Any], names: list[str], *, trust: bool) -> Backbone:
    from headstart.sources.modules import wrapped

    try:
        where = {name: origin[name] for name in ("source", "repo", "revision", "entry", "args", "kwargs", "code")}
        pixels = Pixels.of(origin["input"])
        classifier = origin["classifier"]
    except KeyError as error:
        raise ModelError(
            f"{folder / 'config.json'} is damaged: it has no {error}. Copy the model folder again."
        ) from error
    entry = entries.Entry(where["repo"], where["entry"], where["revision"], tuple(where["args"]), dict(where["kwargs"]))
    if not trust:
        raise UnsafeModel(f'"{folder}" is made by the code of "{entry.repo}". Read its hubconf.py, then give --trust.')
    model_folder.verify(folder)
    plain = _filled(folder, entry, classifier, names, where["code"], pixels)
    ref = Ref(
        asked=str(folder),
        source="dir",
        name=folder.name,
        sha256={**where["code"], **model_folder.fingerprints(folder)},
        license=_folder.card_license(folder),
        ran_code=True,
    )
    return wrapped.ModuleBackbone(ref, plain, pixels, where)


def _filled(
    folder: Path, entry: entries.Entry, classifier: str | None, names: list[str], code: dict[str, str], pixels: Pixels
) -> plain_modules.Plain:
    """The module built by the same code as when it was saved, with the saved weights."""
    from safetensors.torch import load_file

    from headstart.sources.modules import plain_modules

    repository = hub_code.folder_of(entry, offline=True)
    now = hub_code.fingerprints(repository)
    changed = sorted(name for name in {*code, *now} if code.get(name) != now.get(name))
    if changed:
        raise UnsafeModel(
            f'"{changed[0]}" of "{entry.repo}" is not what it was when "{folder}" was saved. Restore that version.'
        )
    built = hub_code.build(repository, entry, pretrained=False, offline=True)
    bare = plain_modules.Plain(built.float().eval(), classifier)
    module = plain_modules.renewed(bare, names, size=pixels.size) if names else bare
    try:
        plain_modules.fill(module, load_file(folder / "model.safetensors"))
    except RuntimeError as error:
        raise ModelError(f'The weights in "{folder}" do not fit the module: {str(error).splitlines()[-1]}') from error
    return module.eval()
