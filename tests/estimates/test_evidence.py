"""LogME against the exact Gaussian density, MacKay's fixed point, and the published code's error."""

# N rows, D width, C classes

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from clouds import clouds, every_shape
from scipy.linalg import helmert
from scipy.stats import Covariance, multivariate_normal

from headstart import estimates
from headstart.estimates.evidence import FLOOR, evidence


def columns(classes: Any) -> Any:
    """One-hot classes, centred, shape (N, C)."""
    onehot_NC = np.eye(int(classes.max()) + 1)[classes]
    return onehot_NC - onehot_NC.mean(axis=0)


def density(features_ND: Any, target_N: Any, alpha: float, beta: float) -> float:
    """The log density of a centred column under N(0, FFᵀ/α + I/β).

    Centred columns lie in the N − 1 dimensions at right angles to the constant one, where alone the density exists;
    Helmert's rows are an orthonormal basis of them.
    """
    basis = helmert(len(target_N))
    inside = basis @ features_ND
    factor = np.linalg.cholesky(inside @ inside.T / alpha + np.eye(len(inside)) / beta)
    return float(multivariate_normal.logpdf(basis @ target_N, cov=Covariance.from_cholesky(factor)))


def published(features_ND: Any, classes: Any) -> float:
    """LogME as it is published and used: nothing centred, and D directions counted where min(N, D) are measured.

    After You et al., "Ranking and Tuning Pre-trained Models" (JMLR 2022), algorithm 3, with the absolute guards of the
    authors' code; every class weighs the same.
    """
    num, width = features_ND.shape
    left, singular, _ = np.linalg.svd(features_ND, full_matrices=False)
    square, found = singular**2, []
    for is_class in np.eye(int(classes.max()) + 1)[classes].T:
        energy, alpha, beta, ratio = (left.T @ is_class) ** 2, 1.0, 1.0, 0.0
        for _ in range(11):
            if abs(alpha / beta - ratio) <= 1e-3 * ratio:
                break
            ratio = alpha / beta
            known = (square / (square + ratio)).sum()
            length = (square * energy / (square + ratio) ** 2).sum()
            unexplained = (energy / (1 + square / ratio) ** 2).sum() + is_class.sum() - energy.sum()
            alpha, beta = known / (length + 1e-5), (num - known) / (unexplained + 1e-5)
        logs = width * np.log(alpha) + num * np.log(beta / (2 * np.pi)) - np.log(alpha + beta * square).sum()
        found.append((logs - beta * unexplained - alpha * length) / 2 / num)
    return float(np.mean(found))


def same_information(width: int) -> tuple[Any, Any]:
    """80 rows in 32 directions, then turned into a wider space: the distances between rows are those of width 32."""
    rng = np.random.default_rng(0)
    classes = np.arange(80) % 4
    points = 0.6 * rng.normal(size=(4, 32))[classes] + rng.normal(size=(80, 32))
    turn, _ = np.linalg.qr(rng.normal(size=(width, 32)))
    # rows of about length one, as encoders give them
    return (points - points.mean(axis=0)) @ turn.T / np.sqrt(32), classes


@every_shape
def test_the_evidence_is_the_density_of_the_columns_at_the_precisions_found(num: int, width: int) -> None:
    points, classes = clouds(num, width)
    features, target_NC = estimates.centred(points), columns(classes)
    found = evidence(estimates.decomposed(features), target_NC)

    exact = [
        density(features, *given) for given in zip(target_NC.T[:1], found.alpha_C[:1], found.beta_C[:1], strict=True)
    ]

    # the decomposition is exact to 1e-9 of the largest direction, and a determinant adds up N logarithms
    np.testing.assert_allclose(found.log_C[:1], exact, rtol=1e-7)


@pytest.mark.parametrize(("num", "width"), [(20, 5), (60, 100), (400, 30)])
def test_no_other_precisions_give_more_evidence(num: int, width: int) -> None:
    points, classes = clouds(num, width)
    features, target_NC = estimates.centred(points), columns(classes)
    found = evidence(estimates.decomposed(features), target_NC)

    steps = np.exp([-3, -1, -0.1, 0, 0.1, 1, 3])
    tried = [
        density(features, target_NC[:, 0], found.alpha_C[0] * one, found.beta_C[0] * other)
        for one in steps
        for other in steps
    ]

    # the parabola's top is within 1e-5 nats of the true one
    assert max(tried) <= found.log_C[0] + 1e-5


# in 20 rows of 300 columns no noise at all is best, and the search ends at its floor
@pytest.mark.parametrize(("num", "width"), [(20, 5), (130, 130), (400, 30), (500, 700), (3000, 40)])
def test_the_precisions_found_are_mackays_fixed_point(num: int, width: int) -> None:
    points, classes = clouds(num, width, apart=1.0)
    parts, target_NC = estimates.decomposed(estimates.centred(points)), columns(classes)
    found = evidence(parts, target_NC)

    energy_KC, square = parts.projected(target_NC) ** 2, parts.square_K[:, None]
    shrink = square / (square + found.alpha_C / found.beta_C)
    known = shrink.sum(axis=0)
    length = (energy_KC * shrink**2 / square).sum(axis=0)
    unexplained = (target_NC**2).sum(axis=0) - (energy_KC * shrink * (2 - shrink)).sum(axis=0)

    # at a maximum the ratio is known to a few per thousand where the evidence is known to 1e-6
    np.testing.assert_allclose(found.alpha_C, known / length, rtol=5e-3)
    np.testing.assert_allclose(found.beta_C, (num - 1 - known) / unexplained, rtol=5e-3)


def test_logme_is_what_the_features_add_to_the_classes_shares() -> None:
    points, classes = clouds(90, 12)
    features, target_NC = estimates.centred(points), columns(classes)
    parts = estimates.decomposed(features)
    found, shares = evidence(parts, target_NC), np.bincount(classes) / 90

    # a constant model's best noise has the variance of the column itself
    variance_C = shares * (1 - shares) * 90 / 89
    gain_C = found.log_C / 89 + 0.5 * np.log(2 * np.pi * variance_C) + 0.5

    assert estimates.logme(parts, classes) == pytest.approx(shares @ gain_C)


@pytest.mark.parametrize("width", [32, 128, 1024])
def test_the_same_information_has_the_same_evidence_in_any_width(width: int) -> None:
    (narrow, classes), (wide, _) = same_information(32), same_information(width)
    ours, theirs = (estimates.of(points, classes).logme for points in (wide, narrow))
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_the_published_score_grows_by_every_direction_that_no_row_reaches() -> None:
    narrow, wide, widest = (published(*same_information(width)) for width in (32, 128, 1024))
    # 80 directions are measured; each further one adds the same ½ ln α a row, of nothing
    assert (widest - wide) / (wide - narrow) == pytest.approx((1024 - 128) / (128 - 80))
    assert widest > narrow + 10


def test_features_of_chance_are_worth_nothing() -> None:
    rng = np.random.default_rng(0)
    scores = [estimates.of(rng.normal(size=(300, width)), rng.integers(0, 3, 300)).logme for width in (4, 300, 2000)]
    assert scores == pytest.approx([0, 0, 0], abs=0.01)


def test_exact_classes_have_a_finite_score() -> None:
    classes = np.arange(40) % 2
    score = estimates.of(np.outer(classes, np.ones(8)), classes).logme
    # nothing but the floor is left to explain, and one direction of 39 was spent on it
    assert score == pytest.approx(-0.5 * np.log(FLOOR), rel=0.1)


def test_a_rare_class_weighs_as_little_as_it_is_frequent() -> None:
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 1, 2], [95, 95, 10])
    column = (classes == 2) + rng.normal(0, 0.1, 200)
    rare = estimates.of(column[:, None], classes).logme
    frequent = estimates.of(((classes == 1) + rng.normal(0, 0.1, 200))[:, None], classes).logme
    assert 0 < 4 * rare < frequent
