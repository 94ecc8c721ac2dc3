"""What the frozen part says about each row, computed once and kept on disk, row by row.

The key of a cache holds every ingredient that could change a feature; what is read from it equals what was computed.
"""

# N rows, W width of a row's features

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart import batches, kernels
from headstart.cache import cache_root as cache_root
from headstart.contracts import Encoded, Inputs
from headstart.device import device
from headstart.progress import Advance, Listener, Note

if TYPE_CHECKING:
    import torch
    from torch import nn

    from headstart.contracts import Indices

FORMAT = 2
"""Raised whenever features would come out differently from the same ingredients."""

Floats32 = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Extractor:
    """How features come out of a frozen module.

    `read(module, inputs)` gives them, fp32, shape (B, width); `name` says which they are; `digest` identifies the
    weights and the preparation of inputs; `dtype` is the arithmetic, "float32" or "bfloat16".
    """

    module: nn.Module
    read: Callable[[nn.Module, Inputs], torch.Tensor]
    width: int
    name: str
    digest: str
    max_length: int | None = None
    dtype: str = "float32"

    def key(self) -> str:
        """Names the cache: a hash of every ingredient that could change a feature."""
        ingredients = [FORMAT, self.digest, self.name, self.width, self.max_length, self.dtype]
        return hashlib.sha256(json.dumps(ingredients).encode()).hexdigest()[:32]


def row_keys(items: Sequence[Any], *, are_files: bool) -> list[str]:
    """A content hash of each item: of the text, of the bytes of the file, or of the pixels.

    Args:
        items: Texts; or images as paths, as the bytes of a file or as pixels.
        are_files: Whether a string is a path. A text that happens to name a file is still a text.
    """
    return [hashlib.blake2b(_content(item, are_files), digest_size=16).hexdigest() for item in items]


def _content(item: Any, is_file: bool) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, str) and not is_file:
        return item.encode("utf-8", "surrogatepass")
    if isinstance(item, str | Path):
        return Path(item).read_bytes()
    pixels = np.asarray(item)
    return f"{pixels.shape}{pixels.dtype}".encode() + pixels.tobytes()


def of(extractor: Extractor, encoded: Encoded, keys: Sequence[str], *, cache: Path, listener: Listener) -> Floats32:
    """The features of all rows: those seen before from the cache, the others computed and added to it.

    Args:
        extractor: The frozen part.
        encoded: The N rows.
        keys: Their content hashes.
        cache: Folder of all caches.
        listener: Hears how many rows were computed.

    Returns:
        Shape (N, W).
    """
    folder = cache / "features" / extractor.key()
    known = _known(folder)
    # a text that occurs twice is computed once
    missing = np.array(sorted({key: i for i, key in enumerate(keys) if key not in known}.values()), dtype=np.int64)
    if reused := len(keys) - len(missing):
        listener(Note(f"Features of {reused:,} of {len(keys):,} rows were computed before and reused."))
    if len(missing):
        fresh = _compute(extractor, encoded, missing, listener)
        _add(folder, [keys[i] for i in missing], fresh)
        known |= {keys[i]: (fresh, position) for position, i in enumerate(missing)}
    features = np.empty((len(keys), extractor.width), dtype=np.float32)
    for i, key in enumerate(keys):
        shard, position = known[key]
        features[i] = shard[position]
    return features


def _compute(extractor: Extractor, encoded: Encoded, missing: Indices, listener: Listener) -> Floats32:
    """The features of the missing rows, in their order."""
    import torch

    place = device()
    module = kernels.tuned(extractor.module.to(place), extractor.dtype)
    groups = batches.by_length(encoded.lengths[missing])
    out = np.empty((len(missing), extractor.width), dtype=np.float32)

    def read(group: Indices) -> Any:
        with torch.inference_mode():
            inputs = batches.placed(encoded.take(missing[group]), extractor.dtype)
            return extractor.read(module, inputs).float().cpu().numpy()

    done = 0
    for group, rows in zip(groups, batches.spread(read, groups), strict=True):
        out[group] = rows
        done += len(group)
        listener(Advance("features", done, len(missing)))
    return out


def _known(folder: Path) -> dict[str, tuple[Floats32, int]]:
    """Row key -> where its features are. A shard without its list of keys was never finished and does not count."""
    found: dict[str, tuple[Floats32, int]] = {}
    for listing in sorted(folder.glob("*.keys.json")):
        shard = np.load(folder / listing.name.replace(".keys.json", ".npy"), mmap_mode="r")
        found |= {key: (shard, position) for position, key in enumerate(json.loads(listing.read_text()))}
    return found


def _add(folder: Path, keys: list[str], features: Floats32) -> None:
    """Writes one shard: the features first, then the list of keys that makes it count."""
    folder.mkdir(parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    np.save(folder / f"{name}.npy", features)
    partial = folder / f"{name}.partial"
    partial.write_text(json.dumps(keys))
    partial.replace(folder / f"{name}.keys.json")
