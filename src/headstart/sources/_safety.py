"""What is looked at before a model folder is handed to transformers. Nothing here loads a model.

A folder is refused when its config names code to run or fetch, or when its weights are not safetensors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headstart.errors import ModelNotFound, UnsafeModel

RUNS_CODE = ("auto_map", "trust_remote_code", "custom_pipelines", "_attn_implementation", "attn_implementation")
HARMLESS = "_attn_implementation_autoset"
"""A flag that transformers 4 left in many configs; the only key of that beginning that names nothing."""
PICKLED = (".bin", ".pt", ".pth", ".th", ".pkl", ".ckpt")
CONFIGS = ("config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json")


def verify(folder: Path) -> None:
    """Refuses a folder that could run foreign code, before anything else reads it.

    Raises:
        ModelNotFound: It has no config.json or no weights.
        UnsafeModel: A config names code, or the weights are pickled.
    """
    if not (folder / "config.json").is_file():
        raise ModelNotFound(f'"{folder}" has no config.json. Give a model folder as save_pretrained writes it.')
    for name in CONFIGS:
        if (folder / name).is_file():
            _refuse_code(folder / name)
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLED)
        if pickled:
            raise UnsafeModel(f'"{folder}" has pickled weights only ({", ".join(pickled)}). Save it as safetensors.')
        raise ModelNotFound(f'"{folder}" has a config.json and no model.safetensors. Is the download complete?')


def _refuse_code(path: Path) -> None:
    for key in _keys(read_json(path)):
        if key.startswith(RUNS_CODE) and key != HARMLESS:
            raise UnsafeModel(f'{path}: the key "{key}" can run or fetch code; the model is refused. Use another.')


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            # transformers itself writes a null here; only a value can act
            if inner is not None:
                yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def read_json(path: Path) -> Any:
    """The JSON of a file of a model folder.

    Raises:
        ModelNotFound: It is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelNotFound(f"{path} is not valid JSON ({error}). Is the download complete?") from error


def sha256(path: Path) -> str:
    """The hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprints(folder: Path) -> dict[str, str]:
    """The digest of every file at the top of a model folder that decides what the model computes."""
    kept = (".json", ".txt", ".safetensors", ".model")
    return {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.is_file() and path.suffix in kept}
