"""Near duplicates against the slow and obvious comparison of all pairs."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_digits

from headstart.data.findings.duplicates import groups, near_images, near_texts, text_keys


def _column(texts: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([texts], pa.large_string())


def _overlap(one: str, other: str) -> float:
    def parts(text: str) -> set[str]:
        words = text.split()
        return {*words, *(" ".join(pair) for pair in pairwise(words))}

    return len(parts(one) & parts(other)) / len(parts(one) | parts(other))


def test_texts_found_near_are_those_that_overlap_by_four_fifths() -> None:
    rng = random.Random(1)
    stock = [" ".join(rng.choices(["w" + str(at) for at in range(300)], k=30)) for _ in range(100)]
    varied = [" ".join(word if rng.random() > 0.04 else "new" for word in text.split()) for text in stock]
    texts = [*stock, *varied]
    true = {(a, b) for a in range(200) for b in range(a + 1, 200) if _overlap(texts[a], texts[b]) >= 0.8}

    found = {(a, b) for a, b in near_texts(_column(texts)).tolist()}

    assert found <= true
    assert len(found) >= 0.95 * len(true) > 40  # banding finds 98 % of pairs at the very edge, and more above it


@pytest.mark.parametrize(
    ("one", "other", "are_near"),
    [
        ("How do I find my card?", "how do i find my card", True),
        ("this is a good movie", "this is not a good movie", False),
        ("我喜欢这部电影因为它很有趣", "我喜欢这部电影因为它很有趣。", True),
        ("我喜欢这部电影", "我讨厌那家餐厅", False),
        ("!!!", "???", False),
    ],
    ids=["punctuation", "negation", "Chinese alike", "Chinese apart", "no words"],
)
def test_short_texts_are_near_by_their_words(one: str, other: str, are_near: bool) -> None:
    assert bool(len(near_texts(_column([one, other])))) == are_near


def test_different_drawings_of_small_digits_are_not_near() -> None:
    digits = load_digits().images[:300]
    thumbs = np.pad((digits * 15).astype(np.uint8), ((0, 0), (0, 0), (0, 1)))

    assert len(near_images(thumbs)) == 0


def test_even_surfaces_of_other_shades_are_not_near() -> None:
    thumbs = np.stack([np.full((8, 9), shade, np.uint8) for shade in (0, 2, 100)])

    assert near_images(thumbs).tolist() == [[0, 1]]


def test_groups_join_along_chains() -> None:
    keys = np.array([5, 9, 5, 7, 3], np.uint64)

    assert groups(keys, np.array([[1, 3], [3, 4]])).tolist() == [5, 3, 5, 3, 3]


def test_no_rows_have_no_duplicates() -> None:
    assert len(near_texts(_column([]))) == 0
    assert len(groups(text_keys(_column([])), np.empty((0, 2), np.int64))) == 0
