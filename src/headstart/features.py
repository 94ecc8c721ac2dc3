"""What the frozen part says about each row, computed once and kept on disk, row by row.

The key of a cache holds every ingredient that could change a feature; what is read from it equals what was computed.
"""

# N rows, W width of a row's features

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart import batches, kernels, launch, store
from headstart.cache import cache_root as cache_root
from headstart.contracts import Encoded, Inputs
from headstart.device import cores, device
from headstart.progress import Advance, Listener, Note
from headstart.store import Place

if TYPE_CHECKING:
    import torch
    from torch import nn

    from headstart.contracts import Indices

FORMAT = 3
"""Raised whenever features would come out differently from the same ingredients."""

SHARD = 64 * 2**20
"""Bytes of rows that are held before they are written."""
Floats32 = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Extractor:
    """How features come out of a frozen module.

    `read(module, inputs)` gives them, shape (B, width), or a state for each token, shape (B, T, width); `name` says
    which they are; `digest` identifies the weights and the preparation of inputs, but for `max_length` and `long`
    (what is read of longer texts); `dtype` is the arithmetic, "float32" or "bfloat16", and `kept_as` the type on disk.
    """

    module: nn.Module
    read: Callable[[nn.Module, Inputs], torch.Tensor]
    width: int
    name: str
    digest: str
    max_length: int | None = None
    dtype: str = "float32"
    kept_as: str = "float32"
    is_by_token: bool = False
    long: str = "cut"
    of: str | None = None
    """Which model, for people; no ingredient, since the digest is one."""

    def about(self) -> dict[str, Any]:
        """What is kept, for people."""
        names = ("of", "name", "width", "max_length", "long", "dtype", "kept_as", "is_by_token")
        return {name: getattr(self, name) for name in names}

    def key(self) -> str:
        """Names the cache: a hash of every ingredient that could change a feature."""
        kept = [self.kept_as, self.is_by_token, self.long]
        ingredients = [FORMAT, self.digest, self.name, self.width, self.max_length, self.dtype, *kept]
        return hashlib.sha256(json.dumps(ingredients).encode()).hexdigest()[:32]


def row_keys(items: Sequence[Any], *, are_files: bool) -> list[str]:
    """A content hash of each item: of the text, of the bytes of the file, or of the pixels.

    Args:
        items: Texts, or pairs of them; or images as paths, as the bytes of a file or as pixels.
        are_files: Whether a string is a path. A text that happens to name a file is still a text.
    """
    return [hashlib.blake2b(_content(item, are_files), digest_size=16).hexdigest() for item in items]


def _content(item: Any, is_file: bool) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, tuple):
        return b"".join(len(part).to_bytes(8, "big") + part for part in (_content(one, is_file) for one in item))
    if isinstance(item, str) and not is_file:
        return item.encode("utf-8", "surrogatepass")
    if isinstance(item, str | Path):
        return Path(item).read_bytes()
    pixels = np.asarray(item)
    return f"{pixels.shape}{pixels.dtype}".encode() + pixels.tobytes()


def of(extractor: Extractor, encoded: Encoded, keys: Sequence[str], *, cache: Path, listener: Listener) -> Floats32:
    """One vector for each row: those seen before from the cache, the others computed and added to it.

    Args:
        extractor: The frozen part; what it reads has shape (B, W).
        encoded: The N rows.
        keys: Their content hashes.
        cache: Folder of all caches.
        listener: Hears how many rows were computed.

    Returns:
        Shape (N, W).
    """
    kept = keep(extractor, encoded, keys, cache=cache, listener=listener)
    out = np.empty((len(keys), extractor.width), dtype=np.float32)
    for row, place in enumerate(kept.places):
        out[row] = place.read()[0]
    return out


@dataclass(frozen=True)
class Kept:
    """Rows on disk, in order; as many bytes are in memory as are being used."""

    places: tuple[Place, ...]
    dtype: str

    def take(self, rows: Sequence[int] | Indices) -> torch.Tensor:
        """A batch, padded with zeros to its longest row, shape (B, n, ...); where every row has one entry, (B, ...)."""
        import torch

        arrays = [self.places[int(row)].read() for row in rows]
        longest = max(map(len, arrays))
        out = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), dtype=arrays[0].dtype)
        for target, array in zip(out, arrays, strict=True):
            target[: len(array)] = array
        batch = torch.from_numpy(out)
        return batch.view(torch.bfloat16) if self.dtype == "bfloat16" else batch


def keep(extractor: Extractor, encoded: Encoded, keys: Sequence[str], *, cache: Path, listener: Listener) -> Kept:
    """Every row on disk: those seen before as they are, the others computed and added.

    Args:
        extractor: The frozen part.
        encoded: The N rows.
        keys: Their content hashes.
        cache: Folder of all caches.
        listener: Hears how many rows were computed.

    Raises:
        OutputError: There is no room for them.
    """
    folder = cache / "features" / extractor.key()
    with launch.first_goes_first():
        _add_missing(extractor, encoded, keys, folder, listener)
    known = store.known(folder)
    if not known.keys() >= set(keys):
        listener(Note("Features were cleared away while others were computed, and are computed again."))
        return keep(extractor, encoded, keys, cache=cache, listener=listener)
    return Kept(tuple(known[key] for key in keys), extractor.kept_as)


def _add_missing(extractor: Extractor, encoded: Encoded, keys: Sequence[str], folder: Path, listener: Listener) -> None:
    store.note(folder, extractor.about())
    missing = _missing(keys, folder)
    if reused := len(keys) - len(missing):
        listener(Note(f"Features of {reused:,} of {len(keys):,} rows were computed before and reused."))
    if len(missing):
        for rows, arrays in _shards(_computed(extractor, encoded, missing, listener)):
            store.add(folder, [keys[row] for row in rows], arrays)
            store.note(folder, extractor.about())


def _missing(keys: Sequence[str], folder: Path) -> Indices:
    """The rows that are not kept yet; a text that occurs twice counts once."""
    known = store.known(folder)
    return np.array(sorted({key: i for i, key in enumerate(keys) if key not in known}.values()), dtype=np.int64)


def num_tokens_missing(extractor: Extractor, encoded: Encoded, keys: Sequence[str], *, cache: Path) -> int:
    """Tokens of the rows that `of` would compute."""
    return int(encoded.lengths[_missing(keys, cache / "features" / extractor.key())].sum())


def seconds_per_token(extractor: Extractor, encoded: Encoded) -> float:
    """How long the frozen module takes: measured on one batch for each core, from the rows to their features."""
    groups = batches.by_length(encoded.lengths)
    # whole batches of middling rows, on all cores: a small one, or one alone, is no sample of what is to come
    some = groups[max(0, len(groups) // 2 - 1) :][: cores()]
    read = _reader(extractor, encoded)
    read(some[0][:1])  # the first pass sets things up
    start = time.perf_counter()
    for _ in batches.spread(read, some):
        pass
    return (time.perf_counter() - start) / float(sum(encoded.lengths[group].sum() for group in some))


def _reader(extractor: Extractor, encoded: Encoded) -> Callable[[Indices], list[store.Array]]:
    """From some of the rows to their features."""
    import torch

    module = kernels.tuned(extractor.module.to(device()), extractor.dtype)

    def read(rows: Indices) -> list[store.Array]:
        with torch.inference_mode():
            given = extractor.read(module, batches.placed(encoded.take(rows), extractor.dtype))
        return _rows(given, encoded.lengths[rows], extractor)

    return read


def _computed(
    extractor: Extractor, encoded: Encoded, missing: Indices, listener: Listener
) -> Iterator[tuple[int, store.Array]]:
    """The missing rows with their features, shortest rows first."""
    read = _reader(extractor, encoded)
    groups = [missing[group] for group in batches.by_length(encoded.lengths[missing])]
    done = 0
    for group, arrays in zip(groups, batches.spread(read, groups), strict=True):
        yield from zip(group.tolist(), arrays, strict=True)
        done += len(group)
        listener(Advance("features", done, len(missing)))


def _rows(given: torch.Tensor, lengths: Indices, extractor: Extractor) -> list[store.Array]:
    """What was read as one array a row, without its padding; bfloat16 as the bits NumPy has no name for."""
    import torch

    numbers = given.cpu().to(getattr(torch, extractor.kept_as)).contiguous()
    bits = numbers.view(torch.int16) if extractor.kept_as == "bfloat16" else numbers
    array = bits.numpy()
    if not extractor.is_by_token:
        return list(array[:, None])
    return [row[:length] for row, length in zip(array, lengths.tolist(), strict=True)]


def _shards(rows: Iterator[tuple[int, store.Array]]) -> Iterator[tuple[list[int], list[store.Array]]]:
    """Rows in shards of some size: what was computed survives an interruption, and memory does not grow."""
    numbers: list[int] = []
    arrays: list[store.Array] = []
    size = 0
    for number, array in rows:
        numbers.append(number)
        arrays.append(array)
        size += array.nbytes
        if size >= SHARD:
            yield numbers, arrays
            numbers, arrays, size = [], [], 0
    if numbers:
        yield numbers, arrays
