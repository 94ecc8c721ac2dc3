"""A model folder as transformers may see it: without keys for code that name none, and with converted weights.

Made in the cache, out of links and small files, only where the folder itself will not do; the folder is never changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from headstart.cache import cache_root
from headstart.sources.safety import configs


def view(folder: Path, fingerprints: Mapping[str, str], weights: Mapping[str, Path | str], *, clean: bool) -> Path:
    """A folder that holds what the model folder does, but for some of it.

    Args:
        folder: A model folder that was looked through.
        fingerprints: The digests of its files; they and its place name the view.
        weights: By the name it should have, a file of weights that stands elsewhere, or what it should hold.
        clean: Whether to leave keys for code out of its JSON files.

    Returns:
        A folder in the cache, its last part called as the model folder is.
    """
    folder = folder.resolve()
    key = hashlib.sha256(json.dumps([str(folder), dict(fingerprints), sorted(weights), clean]).encode()).hexdigest()
    place = cache_root() / "views" / key[:32]
    if not (place / folder.name).is_dir():
        place.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=place))
        _fill(partial, folder, weights, clean=clean)
        try:
            os.rename(partial, place / folder.name)
        except OSError:
            # another process was faster, with the same
            shutil.rmtree(partial)
    return place / folder.name


def _fill(view: Path, folder: Path, weights: Mapping[str, Path | str], *, clean: bool) -> None:
    for path in folder.iterdir():
        is_config = path.suffix == ".json" and path.name not in configs.DATA
        if path.name in weights or path.name.startswith("."):
            continue
        if clean and is_config and not path.name.endswith(".index.json"):
            (view / path.name).write_text(json.dumps(configs.cleaned(configs.read_json(path))), encoding="utf-8")
        else:
            _link(view / path.name, path)
    for name, given in weights.items():
        if isinstance(given, str):
            (view / name).write_text(given, encoding="utf-8")
        else:
            _link(view / name, given)


def _link(link: Path, path: Path) -> None:
    """A link where the system lets us make one, else a copy."""
    try:
        link.symlink_to(path.resolve())
    except OSError:
        (shutil.copytree if path.is_dir() else shutil.copy)(path, link)
