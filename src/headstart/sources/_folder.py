"""What can be told of a model folder by its files alone: what it reads, and under which licence it comes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from headstart.contracts import Modality
from headstart.sources.safety.configs import read_json

TOKENIZERS = {"tokenizer.json", "vocab.txt", "tokenizer_config.json", "spiece.model", "sentencepiece.bpe.model"}
POOLS = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean", "pooling_mode_max_tokens": "max"}
"""What sentence-transformers calls the ways that are ours too; its later versions name the way itself."""


def modality_of(folder: Path) -> Modality | None:
    """What a model folder reads, told by the files beside its config; None when it is not a whole model folder.

    A folder of a speech model has a tokenizer too, for what it writes, so the feature extractor is looked for first.
    """
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if "config.json" not in names:
        return None
    prepares = {**_json(folder / "processor_config.json"), **_json(folder / "preprocessor_config.json")}
    if {"feature_extractor_type", "sampling_rate", "feature_extractor"} & set(prepares):
        return "audio"
    if names & TOKENIZERS:
        return "text"
    # timm's own folders have no file for it: how an image is prepared stands in their config
    return "image" if "preprocessor_config.json" in names or is_timm(folder) else None


def has_weights(folder: Path) -> bool:
    """Whether a model folder holds weights; without, it is an architecture that somebody has yet to train."""
    return any(path.suffix == ".safetensors" or path.name == "saved_model.pb" for path in folder.iterdir())


def is_timm(folder: Path) -> bool:
    """Whether a model folder's config.json was written by timm, or by transformers' wrapper around it."""
    written = config(folder)
    return "pretrained_cfg" in written or written.get("model_type") == "timm_wrapper"


def config(folder: Path) -> dict[str, Any]:
    """What config.json holds; nothing where it is absent or damaged."""
    return _json(folder / "config.json")


def generation_config(folder: Path) -> dict[str, Any]:
    """What generation_config.json holds; nothing where it is absent or damaged."""
    return _json(folder / "generation_config.json")


def pooling_of(folder: Path) -> str | None:
    """How a sentence encoder was trained to make one vector of its tokens: "mean", "cls" or "max".

    None where no file says so, and of several ways at once or any other. Source: sentence-transformers' 1_Pooling.

    Raises:
        ModelNotFound: The file is damaged, of which nobody else would tell.
    """
    path = folder / "1_Pooling" / "config.json"
    found = read_json(path) if path.is_file() else None
    written = found if isinstance(found, dict) else {}
    told = {key for key, value in written.items() if key.startswith("pooling_mode_") and value is True}
    ways = [POOLS.get(key) for key in told] or [written.get("pooling_mode")]
    return ways[0] if len(ways) == 1 and ways[0] in POOLS.values() else None


def write_pooling(folder: Path, pooling: str, width: int) -> None:
    """Says beside a saved model how it was trained to make one vector of its tokens, where `pooling_of` looks.

    Args:
        folder: Of the model.
        pooling: "mean", "cls" or "max".
        width: Of the vector.
    """
    (folder / "1_Pooling").mkdir()
    said = {"word_embedding_dimension": width, **{key: way == pooling for key, way in POOLS.items()}}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(said, indent=1), encoding="utf-8")


def _json(path: Path) -> dict[str, Any]:
    """What the file holds; nothing where it is absent or damaged, which is found when the model is loaded."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def card_license(folder: Path) -> str | None:
    """The licence a model card's front matter names."""
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    found = re.search(r"\A---\n.*?^license:\s*([\w.+-]+)\s*$.*?^---", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else None
