"""The JSON of a model folder, read by us before transformers reads it. Nothing here looks at weights.

A key that can run or fetch code is refused by name wherever it stands, unless its value is known to do nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headstart.errors import ModelError, ModelNotFound, UnsafeModel

CONFIGS = ("config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json")
DATA = {"tokenizer.json", "vocab.json", "added_tokens.json"}
"""Whose keys are pieces of text; transformers looks for no code in them."""
LARGEST, LARGEST_DATA = 64 * 2**20, 256 * 2**20

RUNS_CODE = re.compile(
    r"auto_map|trust_remote_code"  # files of the repository, or of another
    r"|_?(attn|experts)_implementation\w*|use_kernels?|use_kernel_\w+|(hub_)?kernels|kernel_config\w*"  # from the Hub
    r"|custom_(pipeline|generat|code|module|class|object|func|kernel|op|model|loop)\w*"
    r"|auto_mapping|parent_library|base_model_name_or_path",  # an adapter's library to import, and its other model
    re.IGNORECASE,
)
AUTOSET = "_attn_implementation_autoset"
"""A flag that transformers 4 left in many configs; the only key of that beginning that names nothing."""
BUILT_IN = ("eager", "sdpa")
"""Ways to compute attention that torch itself has; every other may be fetched from the Hub."""

PREPARES = {"preprocessor_config.json", "processor_config.json"}
SIZES = {"size", "crop_size"}
LARGEST_SIDE = 16_384


def verify(folder: Path, *, trust: bool = False) -> bool:
    """Checks every JSON file at the top of a folder.

    Returns:
        Whether one of them names code, which only `trust` lets pass.

    Raises:
        UnsafeModel: One of them names code, or is too large to be a config.
        ModelNotFound: One is not JSON.
        ModelError: Images would be made of no size, or of an absurd one.
    """
    names_code = False
    for path in sorted(folder.glob("*.json")):
        if not path.is_file():
            raise UnsafeModel(f"{path} is a folder, and should be a file. Use another copy of the model.")
        if (size := path.stat().st_size) > (most := LARGEST_DATA if path.name in DATA else LARGEST):
            raise UnsafeModel(f"{path} has {size:,} bytes, more than {most:,}; no config does. Use another model.")
        if path.name in DATA or path.name.endswith(".index.json"):
            continue
        content = read_json(path)
        if found := next(code_keys(content), None):
            if not trust:
                raise UnsafeModel(
                    f'{path}: the key "{found}" can run or fetch code; the model is refused. '
                    f"Use another, or pass --trust if you trust its authors."
                )
            names_code = True
        if path.name in PREPARES:
            _refuse_sizes(path, content)
    return names_code


def code_keys(value: Any) -> Iterator[str]:
    """Every key, however deep, that names code."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if _is_code(str(key)) and not _is_idle(str(key), inner):
                yield str(key)
            yield from code_keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from code_keys(inner)


def cleaned(value: Any) -> Any:
    """The same without the keys for code under which nothing stands."""
    if isinstance(value, dict):
        return {key: cleaned(inner) for key, inner in value.items() if not _is_idle(str(key), inner)}
    return [cleaned(inner) for inner in value] if isinstance(value, list) else value


def _is_code(key: str) -> bool:
    return RUNS_CODE.fullmatch(key) is not None and key != AUTOSET


def _is_idle(key: str, value: Any) -> bool:
    """Whether nothing comes of a key for code: transformers itself writes nulls, and names of what torch has."""
    if not _is_code(key):
        return False
    if "implementation" in key.lower():
        return value is None or value in BUILT_IN
    return value is None or (value is False and key.lower().startswith(("trust", "use_kernel")))


def _refuse_sizes(path: Path, value: Any) -> None:
    """Stops where images would be resized to nothing, or to more than memory holds."""
    for key, number in _sizes(value):
        if not 1 <= number <= LARGEST_SIDE:
            raise ModelError(
                f'{path}: "{key}" is {number}, and an image has 1 to {LARGEST_SIDE:,} pixels a side. '
                f"Use another copy of the model."
            )


def _sizes(value: Any) -> Iterator[tuple[str, float]]:
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key in SIZES:
            sides = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else [inner]
            yield from ((key, side) for side in sides if isinstance(side, int | float))
        elif isinstance(inner, dict):
            yield from _sizes(inner)


def read_json(path: Path) -> Any:
    """The JSON of a file of a model folder.

    Raises:
        ModelNotFound: It is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelNotFound(f"{path} is not valid JSON ({error}). Is the download complete?") from error
