"""Families of mixtures against their hand formulas, and what a study may ask of them."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from scoreshock.densities import families
from scoreshock.densities.families import build


def eigenvalues(dataset: xr.Dataset) -> np.ndarray:
    """Of the between-class covariance, largest first, from its definition."""
    means, weights = dataset.component_mean.values, dataset.component_weight.values
    centred = means - weights @ means
    return np.linalg.eigvalsh((weights[:, None] * centred).T @ centred)[::-1]


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[..., :, None, :] - points[..., None, :, :], axis=-1)


def test_pair_stands_at_minus_and_plus_separation():
    dataset = families.pair(separation=[1.0, 2.5], weight=0.6)
    assert dataset.component_mean.values.tolist() == [[[-1.0], [1.0]], [[-2.5], [2.5]]]
    assert dataset.component_weight.values.tolist() == [0.4, 0.6]


@pytest.mark.slow
@given(st.floats(0.01, 50.0), st.floats(0.01, 0.99))
def test_pair_has_the_eigenvalue_of_its_weights(separation, weight):
    dataset = families.pair(separation, weight=weight)
    assert eigenvalues(dataset)[0] == pytest.approx(weight * (1 - weight) * (2 * separation) ** 2, rel=1e-12)


def test_pair_variables_carry_only_the_axes_they_depend_on():
    dataset = families.pair(separation=[1.0, 2.0], variance=[0.5, 1.0], weight=[0.3, 0.5], dimension=[1, 10**6])
    assert dataset.component_mean.dims == ("separation", "component", "feature")
    assert dataset.component_weight.dims == ("weight", "component")
    assert dataset.component_variance.dims == ("variance",)
    assert dataset.ambient_dimension.dims == ("dimension",)
    for axis in ("separation", "variance", "weight", "dimension"):
        assert dataset[axis].attrs["long_name"]


def test_per_coordinate_scaling_grows_as_the_root_of_the_dimension():
    dataset = families.pair(separation=0.5, dimension=[1, 4, 10**6], scaling="per-coordinate")
    assert dataset.component_mean.dims == ("dimension", "component", "feature")
    assert dataset.component_mean.sel(component=1, feature=0).values.tolist() == [0.5, 1.0, 500.0]


def test_a_data_array_axis_keeps_its_own_dimension():
    dataset = families.pair(
        separation=xr.DataArray([1.0, 2.0], dims="model"), variance=xr.DataArray([1.0, 2.0], dims="model")
    )
    assert dataset.component_mean.dims == ("model", "component", "feature")
    assert dataset.component_variance.dims == ("model",)


@pytest.mark.parametrize("family", ["pair", "simplex", "hierarchy", "random"])
def test_axes_along_a_component_or_of_unequal_labels_are_refused(family):
    with pytest.raises(ValueError, match="separation has the dimension 'component'; allowed: sweep dimensions"):
        build(family, {"separation": xr.DataArray([1.0, 2.0], dims="component")})
    separation = xr.DataArray([1.0, 2.0], dims="model", coords={"model": [0, 1]})
    dimension = xr.DataArray([20, 30], dims="model", coords={"model": [1, 2]})
    for scaling in ("fixed", "per-coordinate"):
        with pytest.raises(ValueError, match="model"):
            build(family, {"separation": separation, "dimension": dimension}, {"scaling": scaling})


def test_a_tiny_weight_survives():
    assert families.pair(1.0, weight=1e-300).component_weight.values.tolist() == [1.0, 1e-300]


def test_collinear_marks_the_middle_and_the_others_keep_their_ratio():
    dataset = families.collinear(2.0, weight=[0.1, 0.7], positions=[-1, 0, 3], weights=[1, 5, 3])
    assert dataset.component_mean.values.ravel().tolist() == [-2.0, 0.0, 6.0]
    np.testing.assert_allclose(dataset.component_weight.values, [[0.225, 0.1, 0.675], [0.075, 0.7, 0.225]], rtol=1e-15)


def test_collinear_without_weight_keeps_its_weights():
    dataset = families.collinear(1.0, weights=[1, 2, 1])
    assert dataset.component_weight.values.tolist() == [0.25, 0.5, 0.25]
    assert dataset.component_weight.dims == ("component",)


@pytest.mark.parametrize("vertices", [3, 4, 7])
def test_regular_polygon_is_isotropic_with_half_the_squared_radius(vertices):
    np.testing.assert_allclose(eigenvalues(families.polygon(3.0, vertices=vertices)), [4.5, 4.5], rtol=1e-14)


def test_polygon_takes_radii_and_angles():
    dataset = families.polygon(2.0, radii=[1, 2, 0.5], angles=[0, 90, 180], weights=[2, 1, 1])
    np.testing.assert_allclose(dataset.component_mean.values, [[2, 0], [0, 4], [-1, 0]], atol=1e-15)
    assert dataset.component_weight.values.tolist() == [0.5, 0.25, 0.25]


@pytest.mark.parametrize("vertices", [2, 3, 4, 9])
def test_simplex_is_regular_with_equal_eigenvalues(vertices):
    dataset = families.simplex(2.0, vertices=vertices)
    points = dataset.component_mean.values
    assert points.shape == (vertices, vertices - 1)
    assert dataset.ambient_dimension.item() == vertices - 1
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 2.0, rtol=1e-14)
    side = 2.0 * np.sqrt(2 * vertices / (vertices - 1))
    np.testing.assert_allclose(distances(points)[~np.eye(vertices, dtype=bool)], side, rtol=1e-14)
    np.testing.assert_allclose(eigenvalues(dataset), 4.0 / (vertices - 1), rtol=1e-13)


def test_simplex_of_two_is_the_pair():
    assert families.simplex(1.5, vertices=2).component_mean.equals(families.pair(1.5).component_mean)


@pytest.mark.parametrize(("levels", "branching"), [(1, 2), (3, 2), (2, 3)])
def test_hierarchy_cascades_with_the_eigenvalue_of_each_level(levels, branching):
    a, ratio = 3.0, 0.4
    dataset = families.hierarchy(a, ratio=ratio, levels=levels, branching=branching)
    expected = [
        a**2 * ratio ** (2 * level) / (branching**level * (branching - 1))
        for level in range(levels)
        for _ in range(branching**level * (branching - 1))
    ]
    np.testing.assert_allclose(eigenvalues(dataset), expected, rtol=1e-13)


def test_hierarchy_carries_its_ratio_even_with_one_level():
    dataset = families.hierarchy(1.0, ratio=[0.2, 0.5], levels=1)
    assert dataset.component_mean.dims == ("ratio", "component", "feature")
    assert dataset.component_mean.isel(ratio=0, drop=True).equals(dataset.component_mean.isel(ratio=1, drop=True))
