"""`torchhub:REPO[@REVISION]:ENTRY[:ARG…][?OPTION=VALUE&…]`: a module that an entry of a PyTorch Hub repository makes.

REPO is `owner/name` on GitHub or a local folder with a hubconf.py. Its code is run, which only `trust` allows.
TORCH_HOME says where PyTorch keeps what it fetches.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.contracts import Backbone, Listed, Ref
from headstart.errors import MismatchError, SettingError, UnsafeModel
from headstart.sources import _folder
from headstart.sources.items.pixels import Pixels
from headstart.sources.modules import entries, hub_code

if TYPE_CHECKING:
    from torch import nn

CHECKPOINT = re.compile(r"(\w+)-[0-9a-f]{8,}\.pth")
"""How PyTorch names the files of pretrained weights: the entry, and the beginning of their digest."""
DECLARES = "headstart_input"
"""The attribute by which a module may say how it reads images, for example {"size": 32}."""


def load(name: str, *, revision: str | None, offline: bool, trust: bool = False) -> Backbone:
    """The backbone around the module.

    Weights are those of `?weights=FILE`, else the pretrained ones where the entry offers them and its arguments do not
    say; else what the entry makes.

    Raises:
        ModelNotFound: There is no such repository, entry or checkpoint, here or where we were allowed to look.
        UnsafeModel: `trust` was not given, so that the repository's code may not run.
        MismatchError: The entry makes no module that reads images.
    """
    entry = entries.parse(name)
    if revision is not None:
        if entry.is_local:
            raise SettingError(f'"{entry.repo}" is a folder and has no revisions. Leave --revision out.')
        entry = dataclasses.replace(entry, revision=revision)
    said = entries.option_pixels(entry.options)
    if not trust:
        raise UnsafeModel(f'"{entry}" is made by the code of "{entry.repo}". Read its hubconf.py, then give --trust.')
    folder = hub_code.folder_of(entry, offline=offline)
    net = hub_code.build(folder, entry, pretrained=True, offline=offline)
    if "weights" in entry.options:
        path = Path(entry.options["weights"]).expanduser()
        hub_code.fill(net, hub_code.tensors_of(path), path)
    return _backbone(net, folder, entry, said, asked=name)


def _backbone(net: nn.Module, folder: Path, entry: entries.Entry, said: dict[str, Any], *, asked: str) -> Backbone:
    from headstart.sources.modules import plain_modules, wrapped

    pixels = Pixels.of({**dict(getattr(net, DECLARES, {})), **said})
    code = hub_code.fingerprints(folder)
    origin = {
        "source": "torchhub",
        "repo": str(folder) if entry.is_local else entry.repo,
        "revision": entry.revision,
        "entry": entry.name,
        "args": list(entry.args),
        "kwargs": entries.called(entry),
        "code": code,
    }
    try:
        plain = plain_modules.plain(net, size=pixels.size)
    except Exception as error:
        raise MismatchError(
            f'"{entry}" makes a module that gives nothing for one image of {pixels.size}x{pixels.size} pixels '
            f"({hub_code.reason(error)}). Say how large they are with ?size=NUMBER, or name another entry."
        ) from error
    digests = {**code, "model.safetensors": plain_modules.fingerprint(net)}
    ref = Ref(
        asked=asked,
        source="torchhub",
        name=str(entry),
        revision=entry.revision,
        sha256=digests,
        license=_folder.card_license(folder),
        ran_code=True,
    )
    return wrapped.ModuleBackbone(ref, plain, pixels, origin)


def listed() -> list[Listed]:
    """Entries of repositories in PyTorch's cache whose checkpoint is there too."""
    return [
        Listed(
            ref=f"torchhub:{owner}/{name}@{revision}:{checkpoint[1]}",
            modality="image",
            mib=round(path.stat().st_size / 2**20, 1),
            is_available=True,
            license=_folder.card_license(folder),
            about="in PyTorch's cache on this machine; runs code of its repository, needs --trust",
        )
        for folder, owner, name, revision in _repositories()
        for path in sorted((hub_code.hub_folder() / "checkpoints").glob("*.pth"))
        if (checkpoint := CHECKPOINT.fullmatch(path.name)) and checkpoint[1] in _words(folder / "hubconf.py")
    ]


def _repositories() -> Iterator[tuple[Path, str, str, str]]:
    """Folders in PyTorch's cache with owner, name and revision; an owner on GitHub has no underscore in its name."""
    for hubconf in sorted(hub_code.hub_folder().glob("*_*_*/hubconf.py")):
        owner, _, rest = hubconf.parent.name.partition("_")
        name, _, revision = rest.rpartition("_")
        yield hubconf.parent, owner, name, revision


def _words(path: Path) -> set[str]:
    return set(re.findall(r"\w+", path.read_text(encoding="utf-8", errors="replace")))
