"""The first stage: a model at every depth from one pass, and which model is ahead."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from made_arms import frozen_job, scored

from families import Family
from headstart import estimates
from headstart.advisor import points, scores
from headstart.network import pooled


def test_each_depth_is_scored_by_its_own_states_and_costs_its_own_numbers(family: Family, tmp_path: Path) -> None:
    found = frozen_job(family("bert"), tmp_path, num_train=60)
    depths = scores.of(found, "dir:bert")

    module = found.backbone.module
    states_NW = pooled(found.backbone, module, found.encoded(found.train).take(range(60)), "mean").detach().numpy()
    classes = found.targets(np.arange(60)).numpy()
    for depth, one in enumerate(depths, 1):
        assert one.blocks == depth
        # a model cut there has no numbers beyond, and gives the same states: the width is 32, the first are the stem's
        cut = found.backbone.shortened(depth).module
        pooler = sum(each.numel() for each in module.pooler.parameters())
        assert one.parameters == sum(each.numel() for each in cut.parameters()) + pooler * (cut.pooler is None)
        at = int(one.reading)
        own = estimates.of(states_NW[:, 32 * at : 32 * (at + 1)], classes)
        assert at <= depth
        assert one.estimates.ridge.accuracy == pytest.approx(own.ridge.accuracy, abs=0.02)


def test_layers_side_by_side_have_the_scores_that_each_has_alone_in_their_order() -> None:
    rng = np.random.default_rng(0)
    classes = np.arange(90) % 3
    layers = [
        rng.normal(size=(90, width)) + np.eye(width)[classes] * apart for width, apart in ((8, 0), (120, 2), (20, 1))
    ]

    together = scores.side_by_side(lambda each: estimates.of(each, classes), layers)

    for one, layer in zip(together, layers, strict=True):
        assert one.scores == pytest.approx(estimates.of(layer, classes).scores)
    (alone,) = scores.side_by_side(lambda each: estimates.of(each, classes), layers[1:2])
    assert alone.scores == pytest.approx(together[1].scores)


def test_of_many_rows_only_some_are_scored_and_always_the_same() -> None:
    rows = points.some_of(3 * points.MOST, seed=0)

    assert len(rows) == points.MOST
    assert len(set(rows.tolist())) == points.MOST
    assert np.array_equal(rows, points.some_of(3 * points.MOST, seed=0))
    assert np.array_equal(points.some_of(50, seed=0), np.arange(50))


@pytest.mark.parametrize(
    ("accuracies", "order", "mean_ranks"),
    [([0.7, 0.9, 0.5], ["m1", "m0", "m2"], [1, 2, 3]), ([0.9, 0.9], ["m0", "m1"], [1.5, 1.5])],
    ids=["one is ahead in all scores", "two are alike"],
)
def test_models_are_ranked_by_their_mean_rank(
    accuracies: Sequence[float], order: list[str], mean_ranks: list[float]
) -> None:
    wholes = [scored([accuracy], ref=f"m{at}")[0] for at, accuracy in enumerate(accuracies)]

    found = scores.ranking(wholes, seed=0)

    assert [one["model"] for one in found] == order
    assert [one["mean_rank"] for one in found] == mean_ranks
    assert sum(one["probability_of_best"] for one in found) == pytest.approx(1)


def test_a_model_that_is_best_by_its_scores_alone_has_its_chance_from_its_hits() -> None:
    ahead, behind = scored([0.6], ref="ahead")[0], scored([0.9], ref="behind")[0]
    lifted = dataclasses.replace(ahead, estimates=dataclasses.replace(ahead.estimates, logme=9.0, hscore=9.0))

    found = {one["model"]: one["probability_of_best"] for one in scores.ranking([lifted, behind], seed=0)}

    assert found == {"ahead": 0.0, "behind": 1.0}


@pytest.mark.parametrize(
    ("accuracies", "depth", "reads"),
    [([0.5, 0.9, 0.88], 3, 3), ([0.5, 0.95, 0.5], 3, 2), ([0.5, 0.95, 0.5], 1, 1), ([0.9, 0.9], 2, 2)],
    ids=["a lower one is better by chance", "a lower one is surely better", "nothing above the depth", "alike"],
)
def test_a_head_reads_the_highest_layer_unless_a_lower_one_is_surely_better(
    accuracies: Sequence[float], depth: int, reads: int
) -> None:
    of_layer = {layer: one.estimates for layer, one in enumerate(scored(accuracies), 1)}

    assert scores.highest_as_good(of_layer, depth) == reads
