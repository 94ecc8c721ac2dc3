"""When written tokens are heard: the cheapest way through a matrix, and the attention that it is made of."""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

import families
from headstart import alignment
from headstart.contracts import Inputs
from headstart.sources import dir as folders
from headstart.writer import TAUGHT, Writer


def slow_path(cost_NT: Any) -> list[int]:
    """By every way there is, from the end."""

    @functools.cache
    def best(n: int, t: int) -> tuple[float, tuple[tuple[int, int], ...]]:
        if (n, t) == (0, 0):
            return float(cost_NT[0, 0]), ((0, 0),)
        before = [(n - 1, t - 1), (n - 1, t), (n, t - 1)]
        cost, way = min(best(*place) for place in before if min(place) >= 0)
        return cost + float(cost_NT[n, t]), (*way, (n, t))

    way = best(cost_NT.shape[0] - 1, cost_NT.shape[1] - 1)[1]
    return [min(t for m, t in way if m == n) for n in range(cost_NT.shape[0])]


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 1), (4, 4), (7, 4), (4, 12)])
def test_the_cheapest_way_is_found(shape: tuple[int, int]) -> None:
    cost_NT = np.random.default_rng(sum(shape)).normal(size=shape)

    assert alignment.path(cost_NT).tolist() == slow_path(cost_NT)


def looked(edges: list[int], *, heads: int = 2, noise: float = 1.0) -> torch.Tensor:
    """Scores of heads of which each token looks at its frames, over noise and a frame that all look at."""
    scores = noise * torch.randn(heads, len(edges) - 1, edges[-1], generator=torch.Generator().manual_seed(0))
    scores[:, :, 0] += 6
    for token, (first, after) in enumerate(pairwise(edges)):
        scores[:, token, first:after] += 4
    return scores


def test_tokens_begin_where_they_look() -> None:
    edges = [0, 12, 20, 21 + 12, 60, 80]

    found = alignment.starts([looked(edges), looked(edges, heads=1)], edges[-1])

    np.testing.assert_allclose(found, edges[:-1], atol=2)


def test_what_lies_behind_the_recording_is_not_looked_at() -> None:
    edges = [0, 10, 20, 30]
    scores = torch.cat([looked(edges), torch.full((2, 3, 50), 9.0)], dim=2)

    np.testing.assert_allclose(alignment.starts([scores], 30), edges[:-1], atol=2)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_few_frames_are_enough(frames: int) -> None:
    scores = torch.randn(2, 3, frames, generator=torch.Generator().manual_seed(0))

    found = alignment.starts([scores], frames)

    assert sorted(found) == found.tolist()
    assert 0 <= found.min() <= found.max() < frames


@pytest.mark.parametrize("name", ["whisper", "moonshine"])
def test_the_attention_is_that_of_the_family(name: str, family: families.Family) -> None:
    backbone = folders.load(str(family(name)), revision=None, offline=True)
    module: Any = backbone.task_module("AutoModelForSpeechSeq2Seq", None)
    inputs = backbone.prepare([np.sin(np.arange(9000) * 0.1).astype(np.float32)]).take([0]).tensors
    twin, seen = alignment.looking(module)
    ids = torch.tensor([[1, 5, 7, 9]])

    with torch.no_grad():
        given = twin(**inputs, decoder_input_ids=ids).logits
        module.set_attn_implementation("eager")
        theirs = module(**inputs, decoder_input_ids=ids, output_attentions=True)

    assert len(seen) == 1
    torch.testing.assert_close(seen[0].softmax(dim=-1), theirs.cross_attentions[-1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(given, theirs.logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["whisper", "moonshine"])
def test_words_follow_each_other_within_their_recording(name: str, family: families.Family) -> None:
    backbone = folders.load(str(family(name)), revision=None, offline=True)
    assert backbone.speller is not None
    writing = backbone.speller.writing(None)
    assert writing is not None
    whole = Writer(backbone.task_module("AutoModelForSpeechSeq2Seq", None), writing).eval()
    sounds = [np.sin(np.arange(size) * 0.1).astype(np.float32) for size in (14_000, 7000)]
    inputs = backbone.prepare(sounds).take([0, 1])

    with torch.no_grad():
        told = whole(inputs)
        assert whole(Inputs({**inputs.tensors, TAUGHT: torch.tensor([[5, 6], [7, -100]])})).shape[:2] == (2, 2)

    for row in told[:, 0]:
        num = int((row[0] >= 0).sum())
        begin, end = row[2, :num], row[3, :num]
        assert (begin[1:] == end[:-1]).all()
        assert (begin <= end).all()
        assert begin[0] >= 0
        assert end[-1] == 1
