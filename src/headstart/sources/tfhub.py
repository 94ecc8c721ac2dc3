"""`tfhub:HANDLE`: a TF2 SavedModel of Kaggle Models, once TensorFlow Hub; `tfhub:PATH`, one in a local folder.

HANDLE is Kaggle's, OWNER/MODEL/tensorFlow2/VARIATION/VERSION. The model reads texts, or images in [0, 1], and gives a
vector for each; `?size=NUMBER` says how large images are where it leaves that open. It is never trained.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from headstart.contracts import Backbone, Listed, Ref
from headstart.errors import ModelNotFound, SettingError, need
from headstart.sources.saved_models import graphs, saved_model, signatures, tensors

HANDLE = re.compile(r"[\w.-]+/[\w.-]+/tensorflow2/[\w.-]+(/\d+)?", re.IGNORECASE)
FORM = "a folder with a saved_model.pb, or a handle such as google/nnlm/tensorFlow2/en-dim128/1"


def load(name: str, *, revision: str | None, offline: bool, trust: bool = False) -> Backbone:
    """The backbone of a SavedModel, its graphs looked through before TensorFlow loads it.

    Raises:
        MissingExtra: TensorFlow is not installed, or kagglehub where a handle must be fetched.
        ModelNotFound: It is not here, or Kaggle does not have it.
        UnsafeModel: Its graphs can act on files, network or code.
        SettingError: A revision was asked for; a handle ends with its version.
    """
    if revision is not None:
        raise SettingError(f'"{name}" has its version in its handle. Leave --revision out.')
    where, _, query = name.partition("?")
    folder = Path(where).expanduser()
    if not folder.is_dir():
        folder = _of_handle(where, offline=offline)
    is_handle = HANDLE.fullmatch(where) is not None
    ref = Ref(asked=name, source="tfhub", name=where if is_handle else folder.name)
    return saved_model.backbone_of(folder, ref, dict(parse_qsl(query)))


def _of_handle(handle: str, *, offline: bool) -> Path:
    """The folder of a model of Kaggle's, from its cache or from the network."""
    if HANDLE.fullmatch(handle) is None:
        raise ModelNotFound(f'"{handle}" is neither a folder nor a handle of Kaggle Models. Give {FORM}.')
    if (found := _cached(handle)) is not None:
        return found
    if offline:
        raise ModelNotFound(
            f'"{handle}" is not in {cache()} and the network is off limits. Give a folder, or fetch it.'
        )
    tensors.tensorflow()
    fetch: Any = need("kagglehub", extra="tfhub").model_download
    try:
        return Path(fetch(handle))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200].rstrip(".: ")
        raise ModelNotFound(
            f'Kaggle did not give "{handle}": {reason}. Check the handle, and KAGGLE_API_TOKEN.'
        ) from error


def cache() -> Path:
    """Where kagglehub keeps models; KAGGLEHUB_CACHE moves it."""
    return Path(os.environ.get("KAGGLEHUB_CACHE") or Path.home() / ".cache" / "kagglehub") / "models"


def _cached(handle: str) -> Path | None:
    """The folder of a handle in kagglehub's cache; without a version, of the highest there."""
    found = dict(_here())
    same = [path for path, name in found.items() if name.lower() == handle.lower()]
    versions = [path for path, name in found.items() if name.lower().rpartition("/")[0] == handle.lower()]
    return max(same + versions, key=lambda path: int(path.name), default=None)


def _here() -> Iterator[tuple[Path, str]]:
    """Every SavedModel in kagglehub's cache whose download was finished, with its handle."""
    for path in sorted(cache().glob(f"*/*/*/*/*/{graphs.FILE}")):
        folder = path.parent
        name = folder.relative_to(cache()).as_posix()
        if HANDLE.fullmatch(name) and folder.with_name(f"{folder.name}.complete").exists():
            yield folder, name


def listed() -> list[Listed]:
    """SavedModels in kagglehub's cache that say what they read."""
    import importlib.util

    is_here = importlib.util.find_spec("tensorflow") is not None
    lines = []
    for folder, name in _here():
        modality = signatures.modality_of(folder / graphs.FILE)
        if modality is not None:
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            needs = "" if is_here else '; needs pip install "headstart[tfhub]"'
            about = f"in kagglehub's cache on this machine{needs}"
            lines.append(Listed(f"tfhub:{name}", modality, round(size / 2**20, 1), is_here, None, about, rank=20))
    return lines
