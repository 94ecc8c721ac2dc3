"""`dir:PATH`: a model folder on this machine, as `save_pretrained` writes it."""

from __future__ import annotations

from pathlib import Path

from headstart.contracts import Backbone, Listed, Ref
from headstart.errors import ModelNotFound, SettingError
from headstart.sources import _folder, _reopened, _transformers
from headstart.sources.safety import model_folder


def load(name: str, *, revision: str | None, offline: bool, trust: bool = False) -> Backbone:
    """The backbone in a folder.

    Raises:
        ModelNotFound: There is no such folder, or no model in it.
        UnsafeModel: Its config or weights could run code.
        SettingError: A revision was asked for; folders have none.
    """
    folder = Path(name).expanduser()
    if revision is not None:
        raise SettingError(f'"{name}" is a folder and has no revisions. Leave --revision out.')
    if not folder.is_dir():
        raise ModelNotFound(f'There is no folder "{name}". Give one that holds config.json and model.safetensors.')
    if (reopened := _reopened.opened(folder, trust=trust)) is not None:
        return reopened
    vetted = model_folder.vet(folder, trust=trust)
    ref = Ref(
        asked=name,
        source="dir",
        name=folder.name,
        sha256=vetted.sha256,
        license=_folder.card_license(folder),
        ran_code=vetted.runs_code,
    )
    return _transformers.backbone_of(vetted.folder, ref)


def listed() -> list[Listed]:
    """Folders are not searched for."""
    return []
