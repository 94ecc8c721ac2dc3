"""Items as a model reads them, kept compact until a batch is taken: flat token ids, or images still in their files."""

# B rows, T tokens

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headstart import memory
from headstart.contracts import Inputs
from headstart.data.images import open_image
from headstart.errors import MismatchError
from headstart.sources.items import long_texts

if TYPE_CHECKING:
    from headstart.contracts import Indices

Int32s = np.ndarray[Any, np.dtype[np.int32]]

CHUNK = 10_000
IN_PARTS = ("chunks", "windows")
"""Ways of reading a longer text of which nothing is lost."""
LONG_CHUNK = 500
"""Texts that are tokenised whole at a time; there may be books among them."""
TOKENS_PER_IMAGE = 128
"""What an image counts in a batch's token budget: 32 images for 4,096 tokens keep memory within bounds."""


class Row(NamedTuple):
    """One text or window: its tokens, and what each covers, where that is kept."""

    ids: Int32s
    offsets: Int32s | None

    def at(self, positions: Indices) -> Row:
        """Some of its tokens."""
        return Row(self.ids[positions], None if self.offsets is None else self.offsets[positions])


@dataclass(frozen=True)
class EncodedTexts:
    """Token ids of all rows end to end; row i is `ids[starts[i]:starts[i + 1]]`, and so its `offsets`, if kept.

    `owners` has the text of each row, for a long one may have become several; `truncated` texts lost `lost` tokens.
    """

    ids: Int32s
    starts: Indices
    pad_id: int
    owners: Indices
    truncated: int = 0
    lost: int = 0
    offsets: Int32s | None = None

    @staticmethod
    @memory.no_garbage()
    def of(
        tokenizer: Any, texts: Sequence[str], *, limit: int | None, where: bool = False, long: str = "cut"
    ) -> EncodedTexts:
        """Tokenises texts, and counts what is lost of those with more than `limit` tokens, if there is a limit.

        Args:
            tokenizer: Of transformers.
            texts: What to encode.
            limit: Most tokens of a row, special ones included.
            where: Whether to keep which characters each token covers.
            long: What is read of a longer text, see `long_texts.kept`; "cut" leaves it to the
                tokenizer.

        Raises:
            MismatchError: `where` was asked of a tokenizer that does not know which characters a token covers.
        """
        frame = long_texts.Frame.of(tokenizer) if long != "cut" else None
        parts, lost = [], []
        for start in range(0, len(texts), CHUNK):
            chunk = list(texts[start : start + CHUNK])
            rows = [[row] for row in _tokenised(tokenizer, chunk, limit, where=where)]
            for number, whole in _longer(tokenizer, chunk, rows, limit, where=where):
                if long not in IN_PARTS:
                    lost.append(len(whole.ids) - len(rows[number][0].ids))
                if frame is not None:
                    kept = long_texts.kept(len(whole.ids), len(rows[number][0].ids), frame, long)
                    rows[number] = [whole.at(positions) for positions in kept]
            parts.append(_end_to_end(rows, first=start))
        pad = 0 if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        ids, lengths, owners, offsets = map(_joined, zip(*parts, strict=True)) if parts else _NOTHING
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        return EncodedTexts(ids, starts, pad, owners, len(lost), sum(lost), offsets if where else None)

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


def _tokenised(tokenizer: Any, texts: list[str], limit: int | None, *, where: bool) -> list[Row]:
    if where and not tokenizer.is_fast:
        raise MismatchError("This tokenizer does not say which characters a token covers. Use a model with a fast one.")
    # without `verbose=False` every text longer than the model would be warned of, though cutting it is what we do next
    asked = {"truncation": limit is not None, "max_length": limit, "verbose": False}
    asked |= {"return_attention_mask": False, "return_token_type_ids": False}
    found = tokenizer(texts, **asked, return_offsets_mapping=True) if where else tokenizer(texts, **asked)
    ids = [np.asarray(row, dtype=np.int32) for row in found["input_ids"]]
    covered = [np.asarray(row, dtype=np.int32) for row in found["offset_mapping"]] if where else [None] * len(ids)
    return [Row(*both) for both in zip(ids, covered, strict=True)]


def _longer(
    tokenizer: Any, texts: list[str], rows: list[list[Row]], limit: int | None, *, where: bool
) -> Iterator[tuple[int, Row]]:
    """The texts with more tokens than the limit by their number, with all their tokens."""
    # a row that fills the model was perhaps cut, or is just that long
    full = [number for number, (row,) in enumerate(rows) if len(row.ids) == limit]
    for start in range(0, len(full), LONG_CHUNK):
        numbers = full[start : start + LONG_CHUNK]
        whole = _tokenised(tokenizer, [texts[number] for number in numbers], None, where=where)
        yield from ((number, row) for number, row in zip(numbers, whole, strict=True) if len(row.ids) > (limit or 0))


def _end_to_end(rows: list[list[Row]], *, first: int) -> tuple[Int32s, Indices, Indices, Int32s]:
    """Token ids, the length of each row, the text of each row, and offsets, if there are any."""
    flat = [row for pieces in rows for row in pieces]
    lengths = np.array([len(row.ids) for row in flat], dtype=np.int64)
    owners = first + np.repeat(np.arange(len(rows)), [len(pieces) for pieces in rows])
    offsets = [row.offsets for row in flat if row.offsets is not None]
    return _joined([row.ids for row in flat]), lengths, owners, _joined(offsets) if offsets else _NOTHING[3]


def _joined(arrays: Sequence[Any]) -> Any:
    return np.concatenate(arrays)


_NOTHING: Any = (
    np.zeros(0, dtype=np.int32),
    np.zeros(0, dtype=np.int64),
    np.zeros(0, dtype=np.int64),
    np.zeros((0, 2), dtype=np.int32),
)


@dataclass(frozen=True)
class EncodedImages:
    """Images opened, resized and normalised batch by batch; all come out the same size.

    `change` makes of a row's number and its picture the picture that is read; where its edges lie in the first is for
    those who ask for places.
    """

    processor: Any
    items: tuple[Any, ...]
    truncated: int = 0
    lost: int = 0
    change: Callable[[int, Any], tuple[Any, Any]] | None = None

    def changed(self, change: Callable[[int, Any], tuple[Any, Any]]) -> EncodedImages:
        """The same rows, each picture changed between being opened and being resized and normalised."""
        return dataclasses.replace(self, change=change)

    @cached_property
    def lengths(self) -> Indices:
        """All images cost the same."""
        return np.full(len(self.items), TOKENS_PER_IMAGE, dtype=np.int64)

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """Pixels of a batch, shape (B, 3, H, W)."""
        images = [opened(self.items[int(i)]) for i in indices]
        if self.change is not None:
            images = [self.change(int(i), image)[0] for i, image in zip(indices, images, strict=True)]
        return Inputs({"pixel_values": self.processor(images=images, return_tensors="pt")["pixel_values"]})


def opened(item: Any) -> Any:
    """The picture of a file, of a file's bytes, of a Pillow image or of a uint8 array (H, W) or (H, W, 3)."""
    from PIL import Image

    if isinstance(item, str | Path | bytes):
        return open_image(item)
    return (item if isinstance(item, Image.Image) else Image.fromarray(np.asarray(item))).convert("RGB")
