"""The decomposition against NumPy's singular values."""

from __future__ import annotations

import numpy as np
import pytest
from clouds import clouds, every_shape

from headstart import estimates


@every_shape
def test_the_extents_are_numpys_singular_values(num: int, width: int) -> None:
    features = estimates.centred(clouds(num, width)[0])
    theirs = np.linalg.svd(features, compute_uv=False)[::-1] ** 2
    # centring takes one direction from as many rows as columns, or fewer
    found = estimates.decomposed(features).square_K
    assert len(found) == min(num - 1, width)
    np.testing.assert_allclose(found, theirs[-len(found) :], rtol=1e-6)


@every_shape
def test_the_left_vectors_are_orthonormal_and_span_the_features(num: int, width: int) -> None:
    features = estimates.centred(clouds(num, width)[0])
    left = estimates.decomposed(features).left
    np.testing.assert_allclose(left.T @ left, np.eye(left.shape[1]), atol=1e-9)
    np.testing.assert_allclose(left @ (left.T @ features), features, atol=1e-8)


@every_shape
def test_columns_are_projected_as_by_the_left_vectors(num: int, width: int) -> None:
    points, classes = clouds(num, width)
    parts = estimates.decomposed(estimates.centred(points))
    onehot = np.eye(3)[classes]
    np.testing.assert_allclose(parts.projected(onehot), parts.left.T @ onehot, atol=1e-8)


@pytest.mark.parametrize(("num", "width"), [(50, 12), (12, 50)], ids=["tall", "wide"])
def test_directions_of_rounding_are_left_out(num: int, width: int) -> None:
    rng = np.random.default_rng(0)
    features = estimates.centred(rng.normal(size=(num, 3)) @ rng.normal(size=(3, width)))
    assert len(estimates.decomposed(features).square_K) == 3
