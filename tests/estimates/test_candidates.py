"""Ranks against SciPy's, and the probability of being best against a slow bootstrap and the normal distribution."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from headstart import estimates


def slow_probability(hits_MN: Any, *, draws: int = 4000, seed: int = 1) -> Any:
    """Rows drawn one set at a time, the winners sharing each."""
    rng, won = np.random.default_rng(seed), np.zeros(len(hits_MN))
    for _ in range(draws):
        hits = hits_MN[:, rng.integers(0, hits_MN.shape[1], hits_MN.shape[1])].sum(axis=1)
        won += (hits == hits.max()) / (hits == hits.max()).sum()
    return won / draws


@pytest.mark.parametrize("values", [[0.3, 0.1, 0.7], [1.0, 1.0, 0.0, 1.0], [5.0]], ids=["distinct", "tied", "one"])
def test_ranks_are_scipys_of_the_values_from_the_top(values: list[float]) -> None:
    assert estimates.ranks(values).tolist() == rankdata([-value for value in values]).tolist()


def test_the_fused_rank_is_the_mean_over_the_scores() -> None:
    # ranks 1, 2, 3 and 2.5, 1, 2.5
    found = estimates.fused({"logme": [0.9, 0.5, 0.1], "hscore": [2.0, 3.0, 2.0]})
    assert found.tolist() == [1.75, 1.5, 2.75]


def test_a_score_far_off_counts_no_more_than_its_place() -> None:
    near, far = ({"one": [3.0, 2.0, 1.0], "other": [1.0, 2.0, top]} for top in (3.0, 3e9))
    assert estimates.fused(near).tolist() == estimates.fused(far).tolist()


def test_ten_times_as_many_parameters_are_one_more() -> None:
    assert estimates.size_prior(220_000_000) == pytest.approx(estimates.size_prior(22_000_000) + 1)


def test_the_probability_of_being_best_is_that_of_a_slow_bootstrap() -> None:
    rng = np.random.default_rng(0)
    hard = rng.normal(size=120)
    hits = np.stack([hard + rng.normal(0, 0.7, 120) < bound for bound in (0.5, 0.55, 0.4, 0.6)])
    found = estimates.probability_of_best(hits, seed=0)
    # both are drawn: four standard errors of their difference are at most 0.055
    np.testing.assert_allclose(found, slow_probability(hits), atol=0.055)
    assert found.sum() == pytest.approx(1)


def test_two_candidates_are_told_apart_by_the_rows_where_they_differ() -> None:
    hits = np.ones((2, 1000), bool)
    hits[0, :30], hits[1, 30:50] = False, False
    # 30 rows for one and 20 for the other: a difference of 10 with a deviation of about √50, ties half to each
    expected = norm.cdf(10 / sqrt(50 - 0.1))
    assert estimates.probability_of_best(hits, seed=0)[1] == pytest.approx(expected, abs=0.03)


def test_candidates_that_hit_the_same_rows_share_the_probability() -> None:
    hits = np.random.default_rng(0).random(50) < 0.7
    assert estimates.probability_of_best(np.stack([hits, hits]), seed=0).tolist() == [0.5, 0.5]


def test_the_same_seed_gives_the_same_probability() -> None:
    hits = np.random.default_rng(0).random((3, 80)) < 0.7
    first, second = (estimates.probability_of_best(hits, seed=4).tolist() for _ in range(2))
    assert first == second
