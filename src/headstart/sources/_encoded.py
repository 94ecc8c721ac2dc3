"""Items as a model reads them, kept compact until a batch is taken: flat token ids, or images still in their files."""

# B rows, T tokens

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Inputs
from headstart.data.images import open_image
from headstart.errors import MismatchError

if TYPE_CHECKING:
    from headstart.contracts import Indices

Int32s = np.ndarray[Any, np.dtype[np.int32]]

CHUNK = 10_000
TOKENS_PER_IMAGE = 128
"""What an image counts in a batch's token budget: 32 images for 4,096 tokens keep memory within bounds."""


@dataclass(frozen=True)
class EncodedTexts:
    """Token ids of all rows end to end; row i is `ids[starts[i]:starts[i + 1]]`, and so its `offsets`, if kept."""

    ids: Int32s
    starts: Indices
    pad_id: int
    truncated: int
    offsets: Int32s | None = None

    @staticmethod
    def of(tokenizer: Any, texts: Sequence[str], *, limit: int | None, where: bool = False) -> EncodedTexts:
        """Tokenises texts, cutting each at `limit` tokens, if there is one, and counting how many were cut.

        Raises:
            MismatchError: `where` was asked of a tokenizer that does not know which characters a token covers.
        """
        ids: list[Int32s] = []
        offsets: list[Int32s] = []
        lengths: list[int] = []
        cut = 0
        for start in range(0, len(texts), CHUNK):
            encoded = _tokenised(tokenizer, list(texts[start : start + CHUNK]), limit, where=where)
            rows = encoded["input_ids"]
            offsets += [np.asarray(row, dtype=np.int32) for row in encoded.get("offset_mapping", ())]
            # a row that fills the model was perhaps cut, or is just that long
            full = [start + i for i, row in enumerate(rows) if len(row) == limit]
            cut += _count_cut(tokenizer, [texts[i] for i in full], limit)
            lengths += map(len, rows)
            ids.append(np.concatenate([np.asarray(row, dtype=np.int32) for row in rows]))
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        flat = np.concatenate(ids) if ids else np.zeros(0, dtype=np.int32)
        pad = tokenizer.pad_token_id
        covered = np.concatenate(offsets) if offsets else None
        return EncodedTexts(flat, starts, pad_id=0 if pad is None else pad, truncated=cut, offsets=covered)

    @property
    def lengths(self) -> Indices:
        """Tokens of each row, special tokens included, shape (N,)."""
        return np.diff(self.starts)

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """A batch padded on the right; no mask where nothing is padded, which lets attention take its fast path."""
        import torch

        rows = [self.ids[self.starts[i] : self.starts[i + 1]] for i in indices]
        longest = max(map(len, rows))
        ids_BT = np.full((len(rows), longest), self.pad_id, dtype=np.int64)
        mask_BT = np.zeros((len(rows), longest), dtype=np.int64)
        for target, mask, row in zip(ids_BT, mask_BT, rows, strict=True):
            target[: len(row)] = row
            mask[: len(row)] = 1
        tensors = {"input_ids": torch.from_numpy(ids_BT)}
        if not mask_BT.all():
            tensors["attention_mask"] = torch.from_numpy(mask_BT)
        kept = self.offsets
        where = None if kept is None else [kept[self.starts[i] : self.starts[i + 1]] for i in indices]
        return Inputs(tensors, where)


def _tokenised(tokenizer: Any, texts: list[str], limit: int | None, *, where: bool = False) -> Any:
    if where and not tokenizer.is_fast:
        raise MismatchError("This tokenizer does not say which characters a token covers. Use a model with a fast one.")
    # without `verbose=False` every text longer than the model would be warned of, though cutting it is what we do next
    asked = {"truncation": limit is not None, "max_length": limit, "verbose": False}
    return tokenizer(texts, **asked, return_offsets_mapping=True) if where else tokenizer(texts, **asked)


def _count_cut(tokenizer: Any, texts: list[str], limit: int | None) -> int:
    """How many of the texts that fill the model have more tokens than it reads."""
    if not texts or limit is None:
        return 0
    return sum(len(row) > limit for row in _tokenised(tokenizer, texts, limit + 1)["input_ids"])


@dataclass(frozen=True)
class EncodedImages:
    """Images opened, resized and normalised batch by batch; all come out the same size."""

    processor: Any
    items: tuple[Any, ...]
    truncated: int = 0

    @cached_property
    def lengths(self) -> Indices:
        """All images cost the same."""
        return np.full(len(self.items), TOKENS_PER_IMAGE, dtype=np.int64)

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """Pixels of a batch, shape (B, 3, H, W)."""
        images = [opened(self.items[int(i)]) for i in indices]
        return Inputs({"pixel_values": self.processor(images=images, return_tensors="pt")["pixel_values"]})


def opened(item: Any) -> Any:
    """The picture of a file, of a file's bytes, of a Pillow image or of a uint8 array (H, W) or (H, W, 3)."""
    from PIL import Image

    if isinstance(item, str | Path | bytes):
        return open_image(item)
    return (item if isinstance(item, Image.Image) else Image.fromarray(np.asarray(item))).convert("RGB")
