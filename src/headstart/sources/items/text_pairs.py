"""Pairs of texts as rows of tokens: a question and windows of the text it is asked of, or two texts cut to one row.

How rows are kept and padded is the business of `compact`.
"""

# B rows, T tokens

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headstart import memory
from headstart.contracts import Inputs
from headstart.errors import MismatchError
from headstart.sources.items import long_texts
from headstart.sources.items.compact import EncodedTexts, Int32s

if TYPE_CHECKING:
    from headstart.contracts import Indices

CHUNK = 500
"""Texts that are tokenised at a time; there may be books among them."""
TYPES = "token_type_ids"
"""What models call the numbers that tell the first text's tokens from the second's, where they want them."""


@dataclass(frozen=True)
class EncodedPairs:
    """Both texts of a pair in one row, or several that share the first; what tokens cover is of the second alone.

    `types` has the kind of every token, end to end as `texts.ids`, for models that ask for it.
    """

    texts: EncodedTexts
    types: Int32s | None

    @staticmethod
    @memory.no_garbage()
    def of(tokenizer: Any, pairs: Sequence[tuple[str, str]], *, limit: int | None) -> EncodedPairs:
        """Tokenises pairs; of a first text that takes more than half of a row the middle is left out.

        Args:
            tokenizer: Of transformers, a fast one.
            pairs: What to encode.
            limit: Most tokens of a row, special ones included; 0 or None where there is no limit.

        Raises:
            MismatchError: The tokenizer does not know which characters a token covers.
        """
        if not tokenizer.is_fast:
            raise MismatchError(
                "This tokenizer does not say which characters a token covers. Use a model with a fast one."
            )
        frame = _Frame.of(tokenizer)
        firsts = _tokenised(tokenizer, [first for first, _ in pairs])
        seconds = _tokenised(tokenizer, [second for _, second in pairs])
        rows, owners, lost = list[_Row](), list[int](), list[int]()
        for number, (first, second) in enumerate(pairs):
            short = _without_middle(firsts[first], limit // 2) if limit else firsts[first]
            if len(short.ids) < len(firsts[first].ids):
                lost.append(len(firsts[first].ids) - len(short.ids))
            windows = frame.windows(short, seconds[second], limit)
            rows += windows
            owners += [number] * len(windows)
        return _end_to_end(tokenizer, rows, owners, lost)

    @staticmethod
    @memory.no_garbage()
    def cut(tokenizer: Any, pairs: Sequence[tuple[str, str]], *, limit: int | None) -> EncodedPairs:
        """Tokenises pairs, each in one row; what is too much is cut off the end of whichever text is longer.

        Args:
            tokenizer: Of transformers.
            pairs: What to encode.
            limit: Most tokens of a row, special ones included; 0 or None where there is no limit.
        """
        rows, lost = list[_Row](), list[int]()
        for start in range(0, len(pairs), CHUNK):
            chunk = pairs[start : start + CHUNK]
            short = _both(tokenizer, chunk, limit)
            full = [number for number, row in enumerate(short) if limit and len(row.ids) == limit]
            whole = _both(tokenizer, [chunk[number] for number in full], None)
            lost += [len(row.ids) - limit for row in whole if limit and len(row.ids) > limit]
            rows += short
        return _end_to_end(tokenizer, rows, list(range(len(rows))), lost, is_placed=False)

    @property
    def lengths(self) -> Indices:
        """Tokens of each row, shape (N,)."""
        return self.texts.lengths

    @property
    def owners(self) -> Indices:
        """The pair of each row."""
        return self.texts.owners

    @property
    def truncated(self) -> int:
        """Pairs whose first text lost some of it."""
        return self.texts.truncated

    @property
    def lost(self) -> int:
        """Tokens they lost together."""
        return self.texts.lost

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """A batch padded on the right, with the kinds of tokens where the model wants them."""
        import torch

        inputs = self.texts.take(indices)
        if self.types is None:
            return inputs
        types_BT = torch.zeros_like(inputs.tensors["input_ids"])
        for row, i in zip(types_BT, indices, strict=True):
            kept = self.types[self.texts.starts[i] : self.texts.starts[i + 1]]
            row[: len(kept)] = torch.from_numpy(kept.astype(np.int64))
        return Inputs({**inputs.tensors, TYPES: types_BT}, inputs.where)


class _Text(NamedTuple):
    """A text's tokens without special ones, and the characters each covers, shape (T, 2)."""

    ids: Int32s
    offsets: Int32s


class _Row(NamedTuple):
    """A pair, or a window of it: tokens, their kinds, and what those of the second text cover of it."""

    ids: Int32s
    types: Int32s
    offsets: Int32s


@dataclass(frozen=True)
class _Frame:
    """The special tokens before, between and behind two texts, and the kinds of all five parts of a row."""

    before: Int32s
    between: Int32s
    behind: Int32s
    kinds: tuple[int, ...]

    @staticmethod
    def of(tokenizer: Any) -> _Frame:
        """Seen on a short pair, for not every tokenizer can tell."""
        found = tokenizer("a", "a", return_token_type_ids=True)
        ids, kinds = (np.array(found[name], dtype=np.int32) for name in ("input_ids", TYPES))
        texts = np.array([-1 if text is None else text for text in found.sequence_ids(0)])
        (first, *_, end), (start, *_, last) = (np.pad(np.flatnonzero(texts == text), (0, 1), "edge") for text in (0, 1))
        parts = np.split(np.arange(len(ids)), [first, end + 1, start, last + 1])
        # a part without tokens has no kind, and needs none
        return _Frame(
            ids[parts[0]], ids[parts[2]], ids[parts[4]], tuple(int(kinds[part].max(initial=0)) for part in parts)
        )

    def windows(self, first: _Text, second: _Text, limit: int | None) -> list[_Row]:
        """The pair in one row, or the second text in overlapping parts, each beside the whole first."""
        head = np.concatenate([self.before, first.ids, self.between])
        length = len(head) + len(second.ids) + len(self.behind)
        if not limit or length <= limit:
            return [self._row(len(first.ids), head, second)]
        around = long_texts.Frame(len(head), len(self.behind))
        kept = [
            positions[around.before : len(positions) - around.after] - around.before
            for positions in long_texts.kept(length, limit, around, "windows")
        ]
        return [self._row(len(first.ids), head, _Text(second.ids[part], second.offsets[part])) for part in kept]

    def _row(self, num_first: int, head: Int32s, second: _Text) -> _Row:
        sizes = [len(self.before), num_first, len(self.between), len(second.ids), len(self.behind)]
        offsets = np.zeros((sum(sizes), 2), dtype=np.int32)
        offsets[len(head) : len(head) + len(second.ids)] = second.offsets
        kinds = np.repeat(np.array(self.kinds, dtype=np.int32), sizes)
        return _Row(np.concatenate([head, second.ids, self.behind]), kinds, offsets)


def _tokenised(tokenizer: Any, texts: Sequence[str]) -> dict[str, _Text]:
    """Every text once: a question and its like are asked of the same paragraph again and again."""
    distinct = list(dict.fromkeys(texts))
    found = dict[str, _Text]()
    for start in range(0, len(distinct), CHUNK):
        chunk = distinct[start : start + CHUNK]
        # `verbose=False`: texts longer than the model are split next, so nobody need be warned of them
        told = tokenizer(chunk, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        for text, ids, offsets in zip(chunk, told["input_ids"], told["offset_mapping"], strict=True):
            found[text] = _Text(np.array(ids, dtype=np.int32), np.array(offsets, dtype=np.int32).reshape(-1, 2))
    return found


def _without_middle(text: _Text, room: int) -> _Text:
    """Its first and its last tokens, where it has more than there is room for."""
    if len(text.ids) <= room:
        return text
    kept = np.r_[: room - room // 2, len(text.ids) - room // 2 : len(text.ids)]
    return _Text(text.ids[kept], text.offsets[kept])


def _both(tokenizer: Any, pairs: Sequence[tuple[str, str]], limit: int | None) -> list[_Row]:
    """Pairs by the tokenizer itself; what the tokens cover is not asked."""
    if not pairs:
        return []
    firsts, seconds = ([pair[at] for pair in pairs] for at in (0, 1))
    cutting = {"truncation": "longest_first", "max_length": limit} if limit else {}
    told = tokenizer(firsts, seconds, return_token_type_ids=True, verbose=False, **cutting)
    nowhere = np.zeros((0, 2), dtype=np.int32)
    return [
        _Row(np.array(ids, dtype=np.int32), np.array(kinds, dtype=np.int32), nowhere)
        for ids, kinds in zip(told["input_ids"], told[TYPES], strict=True)
    ]


def _end_to_end(
    tokenizer: Any, rows: list[_Row], owners: list[int], lost: list[int], *, is_placed: bool = True
) -> EncodedPairs:
    none = _Row(*(np.zeros(shape, dtype=np.int32) for shape in (0, 0, (0, 2))))
    ids, types, offsets = (np.concatenate(values) for values in zip(none, *rows, strict=True))
    starts = np.concatenate([[0], np.cumsum([len(row.ids) for row in rows], dtype=np.int64)])
    pad = 0 if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    where = offsets if is_placed else None
    texts = EncodedTexts(ids, starts, pad, np.array(owners, dtype=np.int64), len(lost), sum(lost), where)
    return EncodedPairs(texts, types if TYPES in tokenizer.model_input_names else None)
