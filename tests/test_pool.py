"""One vector of many states, by hand."""

from __future__ import annotations

import pytest
import torch

from headstart import pool

TOKENS = torch.tensor([[[1.0, -5.0], [3.0, -7.0], [99.0, 99.0]]])
MASK = torch.tensor([[1, 1, 0]])


@pytest.mark.parametrize(("kind", "expected"), [("mean", [2, -6]), ("max", [3, -5]), ("cls", [1, -5])])
def test_only_real_tokens_count(kind: str, expected: list[float]) -> None:
    assert pool.of(kind, TOKENS, MASK).tolist() == [expected]


@pytest.mark.parametrize(("kind", "expected"), [("mean", 2.5), ("max", 4)])
def test_of_a_map_all_places_count(kind: str, expected: float) -> None:
    assert pool.of(kind, torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), None).tolist() == [[expected]]


@pytest.mark.parametrize("kind", ["mean", "max", "cls"])
def test_one_vector_stays_as_it_is(kind: str) -> None:
    assert pool.of(kind, torch.tensor([[1.0, 2.0]]), None).tolist() == [[1, 2]]


@pytest.mark.parametrize("kind", ["mean", "max", "cls"])
def test_half_precision_comes_out_as_fp32(kind: str) -> None:
    assert pool.of(kind, TOKENS.bfloat16(), MASK).dtype == torch.float32
