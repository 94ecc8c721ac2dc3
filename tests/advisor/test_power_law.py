"""The fit of the power law: exact on exact points, as scipy's solver on noisy ones, and true to its own slopes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from headstart.advisor import power_law
from headstart.advisor.power_law import Laws

ROWS = np.array([100.0, 200, 400, 800, 1600])
NOISY_RS = np.random.default_rng(5).uniform(0.1, 0.5, (200, 5))
LAW = Laws(np.array([0.1]), np.array([0.05]), np.array([-0.5]), np.zeros(1), 1600.0)


def test_points_on_a_law_give_that_law() -> None:
    points = 0.1 + 0.05 * (ROWS / 1600) ** -0.8

    laws = power_law.fit(ROWS, points[None], np.eye(5) * 1e12, np.array([-0.5]))

    assert (laws.floor_R[0], laws.drop_R[0], laws.exponent_R[0]) == pytest.approx((0.1, 0.05, -0.8), abs=1e-6)
    assert laws.misfit_R[0] == pytest.approx(0, abs=0.1)  # 1e12 times what a float leaves of 0


def test_noisy_points_are_fitted_as_scipy_fits_them() -> None:
    root = np.random.default_rng(6).uniform(-10, 30, (5, 5))

    laws = power_law.fit(ROWS, NOISY_RS, root.T @ root, np.full(200, -0.5))

    for points, *law, exponent, misfit in zip(
        NOISY_RS, laws.floor_R, laws.drop_R, laws.exponent_R, laws.misfit_R, strict=True
    ):
        columns = np.stack([np.ones(5), (ROWS / 1600) ** exponent], axis=1)
        theirs, distance = nnls(root @ columns, root @ points)
        assert law == pytest.approx(theirs, abs=1e-8)
        assert misfit == pytest.approx(distance**2, rel=1e-6)


def test_the_noisy_points_reach_both_edges_and_the_inside() -> None:
    laws = power_law.fit(ROWS, NOISY_RS, np.eye(5), np.full(200, -0.5))

    assert 0 < (laws.floor_R == 0).sum() < 200
    assert 0 < (laws.drop_R == 0).sum() < 200


def test_no_other_exponent_fits_better() -> None:
    laws = power_law.fit(ROWS, NOISY_RS[:1], np.eye(5) * 1e4, np.array([-0.5]))

    exponents = np.linspace(-1.2, -0.1, 45)
    distances = [
        nnls(100 * np.stack([np.ones(5), (ROWS / 1600) ** g], axis=1), 100 * NOISY_RS[0])[1] for g in exponents
    ]
    best = np.argmin(np.square(distances) + ((exponents + 0.5) / 0.25) ** 2)
    assert laws.exponent_R[0] == pytest.approx(exponents[best])


def test_points_without_certainty_leave_the_exponent_where_it_was_expected() -> None:
    laws = power_law.fit(ROWS, NOISY_RS[:2], np.eye(5) * 1e-9, np.array([-0.3, -0.9]))

    assert laws.exponent_R == pytest.approx([-0.3, -0.9])


def test_the_slope_is_that_of_the_curve() -> None:
    # 1,600 rows: 0.05 · (-0.5) · ln 2 for each doubling
    assert power_law.slope(LAW, np.array([1600.0]))[0, 0] == pytest.approx(-0.0173287, abs=1e-7)


def test_the_rows_for_an_error_are_where_the_curve_has_it() -> None:
    # 0.1 + 0.05 · (400 / 1600)^-0.5 = 0.2
    assert power_law.error(LAW, np.array([400.0]))[0, 0] == pytest.approx(0.2)
    assert power_law.rows_for(LAW, np.array([0.2]))[0] == pytest.approx(400)


def test_an_error_below_the_floor_takes_rows_without_end() -> None:
    assert power_law.rows_for(LAW, np.array([0.1]))[0] == np.inf


def test_a_flat_curve_has_what_it_has_without_any_rows() -> None:
    flat = Laws(np.array([0.1]), np.zeros(1), np.array([-0.5]), np.zeros(1), 1600.0)

    assert power_law.rows_for(flat, np.array([0.2]))[0] == 0
    assert power_law.rows_for(flat, np.array([0.1]))[0] == np.inf
