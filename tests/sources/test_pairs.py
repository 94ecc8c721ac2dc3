"""A pair of texts is tokenised as its tokenizer does it whole, and of a long second one nothing is lost."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import families
from headstart.sources import dir as folders
from headstart.sources.items.text_pairs import EncodedPairs

PAIRS = [("what is dull?", "the film was very dull"), ("who?", "a kind, warm day with one clear view"), ("a", "b")]
FAMILIES = ("bert", "roberta", "distilbert")


@pytest.fixture(params=FAMILIES)
def tokenizer(request: pytest.FixtureRequest, family: families.Family) -> Any:
    return folders.load(str(family(request.param)), revision=None, offline=True).processor  # type: ignore[attr-defined]


def test_a_pair_is_tokenised_as_a_whole_would_be(tokenizer: Any) -> None:
    batch = EncodedPairs.of(tokenizer, PAIRS, limit=64).take([0, 1, 2])
    firsts, seconds = map(list, zip(*PAIRS, strict=True))
    whole = tokenizer(firsts, seconds, padding=True, return_tensors="pt", padding_side="right")
    assert {name: batch.tensors[name].tolist() for name in whole} == {name: whole[name].tolist() for name in whole}


def test_tokens_cover_the_second_text_alone(tokenizer: Any) -> None:
    batch = EncodedPairs.of(tokenizer, PAIRS, limit=64).take([1])
    assert batch.where is not None
    covered = [PAIRS[1][1][start:end] for start, end in batch.where[0] if end > start]
    assert "".join(covered).replace(" ", "") == PAIRS[1][1].replace(" ", "")


def test_the_windows_of_a_long_text_overlap_and_leave_nothing_out(tokenizer: Any) -> None:
    text = " ".join(f"dull {number}" for number in range(60))
    encoded = EncodedPairs.of(tokenizer, [PAIRS[0], ("what?", text)], limit=48)
    assert encoded.owners[0] == 0
    assert set(encoded.owners[1:]) == {1}
    assert encoded.lengths.max() <= 48
    windows = encoded.take(np.arange(1, len(encoded.owners))).where
    assert windows is not None
    seen = [{int(place) for start, end in where for place in range(start, end)} for where in windows]
    assert set().union(*seen) >= {place for place, mark in enumerate(text) if mark != " "}
    assert all(before & after for before, after in pairwise(seen))


def test_every_window_has_the_whole_question(tokenizer: Any) -> None:
    encoded = EncodedPairs.of(tokenizer, [("what is dull?", "warm day " * 60)], limit=48)
    rows = encoded.take(np.arange(len(encoded.owners))).tensors["input_ids"]
    around = tokenizer("what is dull?", "")["input_ids"]
    begin = around[: len(around) - 1]
    assert len(rows) > 1
    assert all(row[: len(begin)].tolist() == begin for row in rows)


def test_of_a_question_longer_than_half_a_row_the_middle_is_left_out(tokenizer: Any) -> None:
    encoded = EncodedPairs.of(tokenizer, [("why " * 100, "warm day"), PAIRS[0]], limit=32)
    assert encoded.lengths.max() <= 32
    assert encoded.truncated == 1
    assert encoded.lost == len(tokenizer("why " * 100, add_special_tokens=False)["input_ids"]) - 16


def test_no_pairs_are_no_rows(tokenizer: Any) -> None:
    assert len(EncodedPairs.of(tokenizer, [], limit=32).lengths) == 0
