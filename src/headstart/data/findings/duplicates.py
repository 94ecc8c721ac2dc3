"""Which rows are the same, or nearly: a group number for each row, so that what belongs together can be kept together.

Exact means equal but for case and spaces (text) or equal bytes (images); near, that 80 % of words and word pairs are
shared, or that grey miniatures look alike. Both are found by sorting hashes, never by comparing all pairs.
"""

# N rows, S shingles (words and word pairs) of all rows, P permutations, B bands

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Keys = npt.NDArray[np.uint64]
Pairs = npt.NDArray[np.int64]

NEAR = 0.8
"""Share of common words and word pairs from which two texts count as near duplicates."""

MAX_GREY = 6.0
"""Mean difference of grey levels, of 255, up to which two miniatures show the same picture, saved again."""

MAX_FLIPS = 3
"""Of the 64 brighter-or-darker signs of a miniature, how many may differ; 4 bands find all pairs up to 3."""

_ROWS_AT_ONCE = 20_000  # must stay below 65,536: rows and hashes share 64 bits in `_lowest`
_MAX_SHINGLES = 128  # of a row: the lowest hashes stand for a long text as well as all of them
_NUM_BANDS, _BAND_SIZE = 8, 4  # finds 98 % of pairs that share 80 %, and nearly all that share more
_NEIGHBOURS = 4  # compared within a run of equal band hashes; runs of thousands would be quadratic otherwise
# scripts written without spaces count by the character: kana, Chinese, Thai to Khmer
_PLAIN = re.compile(r"\w+")
_WORDS = re.compile(r"[぀-ヿ㐀-鿿฀-໿ក-៿]|[^\W぀-ヿ㐀-鿿฀-໿ក-៿]+")


def text_keys(texts: pa.ChunkedArray) -> Keys:
    """A hash of each text that is blind to case and to the amount of space, shape (N,)."""
    rows = (text for batch in _batches(texts) for text in batch)
    return np.fromiter((_hash(" ".join(text.casefold().split())) for text in rows), np.uint64, len(texts))


def image_keys(digests: Sequence[bytes]) -> Keys:
    """The start of each digest as a number, shape (N,)."""
    return np.fromiter((int.from_bytes(digest[:8], "little") for digest in digests), np.uint64, len(digests))


def near_texts(texts: pa.ChunkedArray) -> Pairs:
    """Pairs of rows whose words and word pairs overlap by 80 % or more, shape (pairs, 2).

    Source: Broder 1997, min-wise hashing, with banding; every candidate pair is then judged by the exact overlap.
    """
    words = _WordHashes()
    bands = [_text_bands(batch, words) for batch in _batches(texts)]
    if not bands:
        return np.empty((0, 2), np.int64)
    pairs = _candidates(np.concatenate(bands))
    rows, at = np.unique(pairs, return_inverse=True)
    shingles = [frozenset(_shingles([text], words)[0].tolist()) for text in texts.take(rows).to_pylist()]
    ones, others = at.reshape(pairs.shape).T
    overlaps = [_overlap(shingles[one], shingles[other]) for one, other in zip(ones, others, strict=True)]
    return np.asarray(pairs[np.asarray(overlaps) >= NEAR])


def near_images(thumbs_NHW: npt.NDArray[np.uint8]) -> Pairs:
    """Pairs of rows whose grey miniatures look alike, shape (pairs, 2).

    Source: the difference hash (each pixel brighter than its left neighbour or not), judged by grey levels as well
    because an even surface gives every picture the same signs.
    """
    if len(thumbs_NHW) == 0:
        return np.empty((0, 2), np.int64)
    signs = np.packbits(thumbs_NHW[:, :, 1:] > thumbs_NHW[:, :, :-1], axis=2).reshape(len(thumbs_NHW), 8)
    grey = thumbs_NHW.astype(np.float32)
    pairs = _candidates(signs.view(np.uint16).astype(np.uint64))
    one, other = pairs[:, 0], pairs[:, 1]
    flips = np.bitwise_count(signs[one] ^ signs[other]).sum(axis=1)
    apart = np.abs(grey[one] - grey[other]).mean(axis=(1, 2))
    return np.asarray(pairs[(flips <= MAX_FLIPS) & (apart <= MAX_GREY)])


def groups(keys: Keys, pairs: Pairs) -> Keys:
    """The group of each row: rows with one key, and rows joined by pairs, share the lowest key among them.

    Named by content and not by position, so that the order of the rows changes no group.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    distinct, of_row = np.unique(keys, return_inverse=True)
    ends = of_row[pairs]
    links = coo_matrix((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(len(distinct), len(distinct)))
    count, component = connected_components(links, directed=False)
    lowest = np.full(count, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(lowest, component, distinct)
    return np.asarray(lowest[component][of_row])


def _batches(texts: pa.ChunkedArray) -> Iterator[list[str]]:
    for start in range(0, len(texts), _ROWS_AT_ONCE):
        yield texts.slice(start, _ROWS_AT_ONCE).to_pylist()


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


class _WordHashes(dict[str, int]):
    """Word -> hash, each computed once; Python's own hash changes with every process."""

    def __missing__(self, word: str) -> int:
        self[word] = value = _hash(word)
        return value


def _shingles(texts: Sequence[str], words: _WordHashes) -> tuple[Keys, Pairs]:
    """The hashes of words and of word pairs, shape (S,), and the row of each, shape (S,)."""
    found = [_PLAIN.findall(text.lower()) if text.isascii() else _WORDS.findall(text.casefold()) for text in texts]
    lengths = np.fromiter(map(len, found), np.int64, len(found))
    hashes = np.fromiter(map(words.__getitem__, chain.from_iterable(found)), np.uint64, int(lengths.sum()))
    row = np.repeat(np.arange(len(texts)), lengths)
    is_pair = row[1:] == row[:-1]
    # the odd factor makes the order of two words count: "not good" is not "good not"
    pairs = _mixed(hashes[:-1] * np.uint64(3) + hashes[1:])[is_pair]
    return np.concatenate([hashes, pairs]), np.concatenate([row, row[1:][is_pair]])


def _text_bands(texts: Sequence[str], words: _WordHashes) -> Keys:
    """A hash for each band of each row's signature, shape (N, B); without words, hashes that meet no other's."""
    shingles, row = _lowest(*_shingles(texts, words))
    present, starts = np.unique(row, return_index=True)
    signature = np.empty((len(texts), _NUM_BANDS * _BAND_SIZE), np.uint64)
    signature[:] = text_keys(pa.chunked_array([texts], pa.large_string()))[:, None]
    # The hashes are mixed already, so multiplying by an odd number reorders them well enough for a minimum.
    factors = np.random.default_rng(0).integers(1, 2**63, signature.shape[1], dtype=np.uint64) | np.uint64(1)
    for at, factor in enumerate(factors):
        if len(present):
            signature[present, at] = np.minimum.reduceat(shingles * factor, starts)
    return _bands(signature)


def _lowest(shingles: Keys, row: Pairs) -> tuple[Keys, Pairs]:
    """The lowest hashes of each row, and the row of each; sorted by row."""
    # Row and hash in one number, since sorting one array is several times as fast as sorting by two.
    both = np.sort((row.astype(np.uint64) << np.uint64(48)) | (shingles >> np.uint64(16)))
    row = (both >> np.uint64(48)).astype(np.int64)
    starts = np.searchsorted(row, np.arange(int(row.max(initial=0)) + 1))
    is_low = np.arange(len(row)) - starts[row] < _MAX_SHINGLES
    return (both << np.uint64(16))[is_low], row[is_low]


def _bands(signature: Keys) -> Keys:
    bands = signature.reshape(len(signature), _NUM_BANDS, _BAND_SIZE)
    hashed = bands[:, :, 0]
    for at in range(1, _BAND_SIZE):
        hashed = _mixed(hashed * np.uint64(3) + bands[:, :, at])
    return hashed


def _mixed(values: Keys) -> Keys:
    """The finisher of SplitMix64: every input bit moves every output bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _candidates(bands: Keys) -> Pairs:
    """Pairs of rows that agree in some band, near neighbours in the sorted order only, shape (pairs, 2)."""
    found = []
    for band in bands.T:
        order = np.argsort(band, kind="stable")
        for step in range(1, _NEIGHBOURS + 1):
            is_equal = band[order[step:]] == band[order[:-step]]
            found.append(np.stack([order[:-step][is_equal], order[step:][is_equal]], axis=1))
    return np.asarray(np.unique(np.sort(np.concatenate(found), axis=1), axis=0))


def _overlap(one: frozenset[int], other: frozenset[int]) -> float:
    """Jaccard's share: common to both, of all that either has."""
    return len(one & other) / max(1, len(one | other))
