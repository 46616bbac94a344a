"""Covariances of components: every form gives back the matrices, and what could be misread is refused."""

import re

import numpy as np
import pytest
import xarray as xr

from scoreshock.densities.component_covariances import mean_variance
from scoreshock.densities.mixtures import mixture

MEANS = [[0.0, 0.0, 0.0], [2.0, 1.0, 0.0]]


def matrices(dataset: xr.Dataset) -> np.ndarray:
    """Covariances (..., k, d, d) of a mixture in its features, by a plain sum over its directions."""
    n = dataset.sizes["feature"]
    each = dataset.component_mean.isel(feature=0, drop=True) * 0
    floor = each + dataset.component_variance
    result = floor * xr.DataArray(np.eye(n), dims=("feature", "feature_other"))
    if "covariance_eigenvalue" in dataset:
        axes = xr.DataArray(np.eye(n), dims=("direction", "feature"))
        lines = dataset.get("covariance_direction", axes).drop_vars(["direction", "feature"], errors="ignore")
        excess = (dataset.covariance_eigenvalue - floor).drop_vars("direction")
        result = result + (excess * lines * lines.rename(feature="feature_other")).sum("direction")
    return result.transpose(..., "component", "feature", "feature_other").values


def drawn(*lead: int) -> np.ndarray:
    rows = np.random.default_rng(sum(lead)).normal(size=(*lead, 5, 3))
    return np.swapaxes(rows, -1, -2) @ rows


@pytest.mark.parametrize("lead", [(), (2,)], ids=["shared", "own"])
def test_matrices_are_those_that_are_given(lead):
    given = drawn(*lead)
    dataset = mixture(MEANS, covariance=given)
    assert ("component" in dataset.covariance_eigenvalue.dims) == bool(lead)
    np.testing.assert_allclose(matrices(dataset), np.broadcast_to(given, (2, 3, 3)), rtol=1e-13, atol=1e-13)
    assert (np.diff(dataset.covariance_eigenvalue) <= 0).all()


def test_a_sweep_of_matrices_keeps_its_dimension_and_the_numbers_of_each():
    given = drawn(4, 2)
    named = xr.DataArray(given, {"angle": [0.0, 1.0, 2.0, 3.0]}, dims=("angle", "component", "feature", "feature_other"))
    dataset = mixture(MEANS, covariance=named)
    assert dataset.covariance_direction.dims == ("angle", "component", "direction", "feature")
    np.testing.assert_allclose(matrices(dataset), given, rtol=1e-13, atol=1e-13)
    one = mixture(MEANS, covariance=given[2])
    assert (dataset.covariance_direction.sel(angle=2.0).values == one.covariance_direction.values).all()


@pytest.mark.parametrize("other", ["feature_2", "feature_", "features"])
def test_a_second_dimension_of_features_has_any_name(other):
    matrix = xr.DataArray(np.diag([3.0, 2.0, 1.0]) + 0.5, dims=(other, "feature"))
    assert mixture(MEANS, covariance=matrix).identical(mixture(MEANS, covariance=matrix.values))
    with pytest.raises(ValueError, match="covariance has sizes"):
        mixture(MEANS, covariance=matrix.expand_dims(feature_other=3))


@pytest.mark.parametrize("own", [False, True])
def test_diagonals_are_named_and_need_no_directions(own):
    values = np.array([[1.0, 4.0, 0.5], [2.0, 0.0, 3.0]])
    named = xr.DataArray(values if own else values[0], dims=("component", "feature")[-1 - own :])
    dataset = mixture(MEANS, covariance=named)
    assert "covariance_direction" not in dataset
    expected = [np.diag(row) for row in (values if own else values[[0, 0]])]
    assert (matrices(dataset) == np.array(expected)).all()


def test_directions_with_the_variance_of_all_others():
    lines = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 2)))[0].T
    floor = xr.DataArray([0.1, 0.2], dims="component")
    dataset = mixture(
        MEANS, variance=floor, covariance={"eigenvalues": [[3.0, 2.0], [1.0, 0.0]], "directions": lines}, dimension=9
    )
    for j, (values, rest) in enumerate([([3.0, 2.0], 0.1), ([1.0, 0.0], 0.2)]):
        expected = rest * np.eye(3) + (lines.T * (np.array(values) - rest)) @ lines
        np.testing.assert_allclose(matrices(dataset)[j], expected, atol=1e-15)
    assert mean_variance(dataset).item() == pytest.approx(((5 + 7 * 0.1) / 9 + (1 + 7 * 0.2) / 9) / 2, rel=1e-14)


def test_rounding_of_a_matrix_is_no_asymmetry_and_no_negative_eigenvalue():
    line = np.array([1.0, 2.0, 3.0])
    rounded = np.outer(line, line) * (1 + 1e-15)
    rounded[0, 1] *= 1 + 1e-12
    dataset = mixture(MEANS, covariance=rounded)
    np.testing.assert_allclose(dataset.covariance_eigenvalue, [14.0, 0.0, 0.0], atol=1e-11)
    assert (dataset.covariance_eigenvalue >= 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"covariance": np.diag([1.0, 1.0, -1.0])}, "covariance has the eigenvalue -1; allowed: positive semidefinite"),
        ({"covariance": [[1, 2, 0], [0, 1, 0], [0, 0, 1]]}, "the entries 2 at [0, 1] and 0 at [1, 0]; allowed: symmetric"),
        (
            {"covariance": np.ones((2, 3))},
            "covariance has shape (2, 3); allowed: (3, 3) or (2, 3, 3), or labelled (diagonals:",
        ),
        ({"covariance": 2.0}, "covariance has shape (); allowed: (3, 3) or (2, 3, 3), or labelled (one variance is"),
        ({"covariance": np.full((3, 3), np.nan)}, "covariance has the value nan at [0, 0]"),
        ({"covariance": "full"}, "covariance = 'full' is not numeric"),
        ({"covariance": np.eye(3), "variance": 1.0}, "variance = 1.0 beside covariance, which has all directions"),
        ({"covariance": np.eye(3), "dimension": 5}, "covariance has 3 of 5 directions; allowed: beside it variance"),
        ({"covariance": xr.DataArray(np.eye(3), dims=("a", "b"))}, "covariance has sizes {'a': 3, 'b': 3}; allowed for 2"),
        ({"covariance": xr.DataArray([1.0, -1.0, 1.0], dims="feature")}, "covariance has the variance -1; allowed"),
        ({"covariance": {"eigenvalues": [1.0, 1.0]}}, "covariance has 2 eigenvalues for 3 features and no directions"),
        ({"covariance": {"eigenvalues": [1.0], "direction": [[1, 0, 0]]}}, "the keys eigenvalues, direction; allowed"),
        (
            {"covariance": {"eigenvalues": [1.0], "directions": [[1.0, 1.0, 0.0]]}, "variance": 1.0},
            "covariance directions have products that are 1 off; allowed: orthonormal rows",
        ),
        (
            {"covariance": {"eigenvalues": [1.0], "directions": [[1.0, 0.0, 0.0]]}},
            "covariance has 1 of 3 directions; allowed: beside it variance",
        ),
        ({"variance": xr.DataArray([1.0, -1.0], dims="component")}, "variance = -1.0 is not allowed"),
    ],
)
def test_errors_name_what_is_wrong_with_a_covariance(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        mixture(MEANS, **arguments)
    assert len(str(caught.value)) <= 300
    assert "\n" not in str(caught.value)
