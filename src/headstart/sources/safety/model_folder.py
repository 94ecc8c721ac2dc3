"""What is looked at before a model folder is handed to transformers. Nothing here loads a model.

The order matters: kinds of files, then configs, then weights; each part is in a module of its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from headstart.errors import ModelNotFound, UnsafeModel
from headstart.sources.safety import configs, conversion, file_kinds, tensor_files, view
from headstart.sources.safety.configs import CONFIGS as CONFIGS
from headstart.sources.safety.configs import read_json as read_json
from headstart.sources.safety.digests import sha256 as sha256

WEIGHTS = "model.safetensors"
LEGACY = "pytorch_model"
"""How transformers calls pickled weights: pytorch_model.bin, or shards with an index."""
KEPT = (".json", ".txt", ".safetensors", ".model", ".jinja")


@dataclass(frozen=True)
class Vetted:
    """A folder that was looked through: what to hand on, the digests of the original, and whether code will run."""

    folder: Path
    sha256: dict[str, str]
    runs_code: bool


def vet(folder: Path, *, trust: bool = False, scripts: bool = False) -> Vetted:
    """Looks a folder through, and makes of it what transformers can be given.

    Args:
        folder: As `save_pretrained` writes it, with safetensors or with pickled weights.
        trust: Let pass code that comes with the model.
        scripts: Whether Python files may lie in it; without `trust` they are not used.

    Raises:
        ModelNotFound: It has no config.json or no weights.
        UnsafeModel: It could run code, or misleads whoever reads it.
        ModelError: Its weights are damaged.
    """
    names_code = verify(folder, trust=trust, scripts=scripts)
    pickled = [] if has_safetensors(folder) else _pickled(folder)
    code = [path.name for path in folder.glob("*.py")] if names_code else []
    digests = fingerprints(folder, *pickled, *code)
    weights = _converted(folder, pickled)
    clean = _has_idle_keys(folder)
    if weights or clean:
        folder = view.view(folder, digests, weights, clean=clean)
    return Vetted(folder, digests, names_code)


def verify(folder: Path, *, trust: bool = False, scripts: bool = False, is_fresh: bool = False) -> bool:
    """Refuses a folder that could run foreign code, before anything else reads it; one that `is_fresh` has no weights.

    Returns:
        Whether its configs name code, which only `trust` lets pass.

    Raises:
        ModelNotFound: It has no config.json or no weights.
        UnsafeModel: A config names code, or a file is not what it should be.
        ModelError: Its weights are damaged.
    """
    if not (folder / "config.json").is_file():
        raise ModelNotFound(f'"{folder}" has no config.json. Give a model folder as save_pretrained writes it.')
    file_kinds.verify(folder, scripts=scripts or trust)
    names_code = configs.verify(folder, trust=trust)
    tensor_files.verify_all(folder)
    if not is_fresh and not has_safetensors(folder) and not _pickled(folder):
        raise ModelNotFound(f'"{folder}" has a config.json and no model.safetensors. Is the download complete?')
    return names_code


def has_safetensors(folder: Path) -> bool:
    """Whether a folder has weights that transformers would read without unpickling."""
    return (folder / WEIGHTS).is_file() or (folder / tensor_files.INDEX).is_file()


def _pickled(folder: Path) -> list[str]:
    """The names of the pickled weights that transformers would load.

    Raises:
        UnsafeModel: There are pickles, none of them under a name by which one could tell which to take.
        ModelNotFound: An index names a file that is not there.
    """
    index = folder / f"{LEGACY}.bin.index.json"
    if index.is_file():
        shards = sorted(set(tensor_files.weight_map(index).values()))
        if missing := [name for name in shards if not (folder / name).is_file()]:
            raise ModelNotFound(f"{index}: {missing[0]} is not there. Is the download complete?")
        return shards
    found = sorted(path.name for path in folder.iterdir() if path.suffix in conversion.SUFFIXES)
    chosen = [name for name in found if name == f"{LEGACY}.bin"] or found
    if len(chosen) > 1:
        raise UnsafeModel(
            f'"{folder}" has pickled weights only ({", ".join(chosen)}), and none is {LEGACY}.bin. '
            f"Save it as safetensors."
        )
    return chosen


def _converted(folder: Path, names: list[str]) -> dict[str, Path | str]:
    """For each name of a safetensors file that transformers looks for, the converted one; for shards also an index."""
    if not names:
        return {}
    made = {name: conversion.to_safetensors(folder / name) for name in names}
    if len(names) == 1:
        return {WEIGHTS: made[names[0]]}
    files = {name: f"{Path(name).stem}.safetensors" for name in names}
    old = tensor_files.weight_map(folder / f"{LEGACY}.bin.index.json")
    index = json.dumps({"metadata": {}, "weight_map": {tensor: files[name] for tensor, name in old.items()}})
    return {tensor_files.INDEX: index, **{files[name]: path for name, path in made.items()}}


def _has_idle_keys(folder: Path) -> bool:
    """Whether a config has keys for code that do nothing, which transformers may stumble over all the same."""
    paths = [path for path in folder.glob("*.json") if path.name not in configs.DATA]
    contents = [read_json(path) for path in paths if not path.name.endswith(".index.json")]
    return any(configs.cleaned(content) != content for content in contents)


def fingerprints(folder: Path, *more: str) -> dict[str, str]:
    """The digest of every file at the top of a model folder that decides what the model computes, and of some more."""
    paths = [path for path in folder.iterdir() if path.is_file() and (path.suffix in KEPT or path.name in more)]
    return {path.name: sha256(path) for path in sorted(paths)}
