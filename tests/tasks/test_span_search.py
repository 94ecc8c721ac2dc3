"""The best spans are those a search through all of them finds, and none of them is impossible."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.tasks.spans import span_search
from headstart.tasks.spans.span_search import Span


def by_trying_all(start: np.ndarray, end: np.ndarray, most: int, longest: int) -> list[Span]:
    """Every span there is, the slow way."""
    found = [
        Span(first, last, float(start[first] + end[last]))
        for first in range(len(start))
        for last in range(first, min(first + longest, len(start)))
    ]
    return sorted(found, key=lambda span: (-span.score, span.first, span.last))[:most]


@pytest.mark.parametrize("seed", range(40))
def test_the_best_spans_are_found(seed: int) -> None:
    generator = np.random.default_rng(seed)
    T = int(generator.integers(1, 30))
    # whole numbers, so that there are ties
    start, end = generator.integers(-5, 6, (2, T)).astype(float)
    most, longest = int(generator.integers(1, 25)), int(generator.integers(1, 12))
    found = span_search.best(start, end, most=most, longest=longest)
    assert found == by_trying_all(start, end, most, longest)


def test_a_span_does_not_end_before_it_starts() -> None:
    start, end = np.array([0.0, 0.0, 9.0]), np.array([9.0, 0.0, 0.0])
    (found,) = span_search.best(start, end, most=1, longest=3)
    assert found == Span(0, 0, 9.0)


def test_without_tokens_there_is_no_span() -> None:
    assert span_search.best(np.zeros(0), np.zeros(0), most=5, longest=3) == []
