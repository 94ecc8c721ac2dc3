"""Curves with intervals: what they hold, what more rows bring, and what cannot be judged."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_curves import SIZES, Law, by_hand, draw

from headstart.advisor import curves, measured
from headstart.errors import SettingError

LAWS = {"ours": Law(0.1, 0.3, -0.5), "theirs": Law(0.1, 0.5, -0.5)}
FITTED = curves.fit(draw(LAWS, np.random.default_rng(0), relative=0.03, answers=True), seed=1)


def test_the_same_seed_gives_the_same_curve() -> None:
    found = draw(LAWS, np.random.default_rng(0), relative=0.03, answers=True)

    again = curves.fit(found, seed=1)

    assert again["ours"].laws.floor_R.tobytes() == FITTED["ours"].laws.floor_R.tobytes()
    assert curves.fit(found, seed=2)["ours"].laws.floor_R.tobytes() != again["ours"].laws.floor_R.tobytes()


def test_an_interval_grows_where_nothing_was_measured() -> None:
    widths = [one.high - one.low for one in curves.errors(FITTED["theirs"], np.array([3200.0, 6400, 12800]))]

    assert widths == sorted(widths)


def test_points_that_follow_no_power_law_widen_the_interval() -> None:
    smooth = np.array([0.30, 0.24, 0.20, 0.17, 0.15])[:, None] + np.array([-0.002, 0, 0.002])
    rough = smooth + np.array([0, 0.03, -0.03, 0.03, 0])[:, None]

    found = {name: measured.errors(SIZES, one, num_test=10**6) for name, one in (("a", smooth), ("b", rough))}
    at = {name: curves.errors(curve, np.array([800.0]))[0] for name, curve in curves.fit(found).items()}

    assert at["b"].high - at["b"].low > 5 * (at["a"].high - at["a"].low)


def test_points_that_tell_nothing_of_the_exponent_leave_it_as_uncertain_as_it_was() -> None:
    noisy = measured.errors(SIZES, np.tile([0.01, 0.5, 0.99], (5, 1)), num_test=100)

    exponents = curves.fit({"one": noisy})["one"].laws.exponent_R

    # the prior: -0.5 ± 0.25, cut off at -1.2 and -0.1
    assert np.quantile(exponents, [0.16, 0.5, 0.84]) == pytest.approx([-0.75, -0.5, -0.25], abs=0.06)


def test_more_rows_bring_the_difference_of_the_scores() -> None:
    curve = by_hand(*[(0.1, 0.2, -0.5)] * 20)

    found = curves.growth(curve, 4)

    # 0.1 + 0.2 at 1,600 rows; four times as many halve the drop
    assert (found.rows, found.score.value, found.gain.value) == pytest.approx((6400, 0.8, 0.1))


def test_the_slope_is_that_of_one_doubling() -> None:
    assert curves.slope(by_hand(*[(0.1, 0.2, -0.5)] * 20), 1600).low == pytest.approx(-0.1 * np.log(2))


def test_the_interval_leaves_a_twentieth_of_the_copies_at_either_end() -> None:
    one = curves.estimates(np.arange(1, 101, dtype=np.float64)[:, None])[0]

    assert (one.low, one.value, one.high) == (5, 50, 95)


def test_a_figure_that_some_copies_never_reach_is_a_number_or_infinite() -> None:
    some = np.array([1.0] * 93 + [np.inf] * 7)[:, None]

    assert curves.estimates(some) == [curves.Estimate(1.0, 1.0, np.inf)]


def test_a_curve_is_told_in_values_a_file_can_hold() -> None:
    told = json.loads(json.dumps(curves.told("a model", FITTED["ours"])))

    assert (told["name"], told["rows"]) == ("a model", list(SIZES))
    assert [len(seeds) for seeds in told["scores"]] == [3] * 5
    assert told["fit"][0]["rows"] == pytest.approx(200)
    assert told["fit"][-1]["rows"] == pytest.approx(4 * 3200)
    assert all(0 <= one["low"] <= one["value"] <= one["high"] <= 1 for one in told["fit"])


@pytest.mark.parametrize(("num_sizes", "num_seeds"), [(4, 3), (5, 1)], ids=["four sizes", "one seed"])
def test_what_cannot_be_judged_is_refused(num_sizes: int, num_seeds: int) -> None:
    with pytest.raises(SettingError, match="cannot be judged"):
        measured.errors(SIZES[:num_sizes], np.full((num_sizes, num_seeds), 0.2), num_test=100)


def test_a_method_that_is_never_wrong_has_a_curve() -> None:
    never = {"ours": measured.outcomes(SIZES, np.zeros((5, 3, 50), dtype=bool))}

    assert 0 < curves.errors(curves.fit(never)["ours"], np.array([3200.0]))[0].high < 0.1
