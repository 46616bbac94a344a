"""Labelled mixtures: what is checked, what a dataset carries, and the isometry to the means' span."""

import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from scoreshock import conventions
from scoreshock.axes import as_axis
from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture, normalised, span


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def test_a_list_of_numbers_is_one_feature():
    dataset = mixture([-1.0, 0.0, 3.0])
    assert dataset.component_mean.dims == ("component", "feature")
    assert dataset.component_mean.values.tolist() == [[-1.0], [0.0], [3.0]]
    assert dataset.component_weight.values.tolist() == [1 / 3] * 3
    assert dataset.component_variance.item() == 1.0
    assert dataset.ambient_dimension.item() == 1
    assert dataset.ambient_dimension.dtype == np.int64


def test_every_variable_is_described():
    dataset = mixture([[0, 1], [2, 3]], variance=[0.5, 1.0, 2.0], dimension=[2, 8])
    for name in dataset.variables:
        for key, value in conventions.attributes(name).items():
            assert dataset[name].attrs[key] == value


def test_variables_carry_only_the_dimensions_they_depend_on():
    scale = xr.DataArray([1.0, 2.0], dims="separation", coords={"separation": [1.0, 2.0]})
    means = scale * xr.DataArray([[-1.0], [1.0]], dims=("component", "feature"))
    share = xr.DataArray([0.2, 0.4, 0.5], dims="weight", coords={"weight": [0.2, 0.4, 0.5]})
    weights = xr.concat([1 - share, share], dim="component")
    dataset = mixture(means, weights, variance=[0.1, 0.2, 0.3], dimension=[1, 7])
    assert dataset.component_mean.dims == ("separation", "component", "feature")
    assert dataset.component_weight.dims == ("weight", "component")
    assert dataset.component_variance.dims == ("variance",)
    assert dataset.ambient_dimension.dims == ("dimension",)


def test_means_without_feature_are_one_feature():
    dataset = mixture(xr.DataArray([[1.0, 2.0, 3.0]], dims=("sample", "component")))
    assert dataset.component_mean.dims == ("sample", "component", "feature")


def test_own_component_labels_are_kept():
    means = xr.DataArray([-1.0, 1.0], dims="component", coords={"component": ["left", "right"]})
    assert mixture(means).component.values.tolist() == ["left", "right"]


@pytest.mark.parametrize("weights", [[0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3], [1e-300, 0.5, 0.5]])
def test_weights_that_sum_to_one_are_kept_bit_for_bit(weights):
    assert mixture([0.0, 1.0, 2.0], weights).component_weight.values.tolist() == weights


def test_weights_are_divided_by_their_sum():
    assert mixture([0.0, 1.0, 2.0], [1, 2, 5]).component_weight.values.tolist() == [0.125, 0.25, 0.625]


def test_huge_weights_do_not_overflow():
    assert mixture([0.0, 1.0], [1.5e308, 1.5e308]).component_weight.values.tolist() == [0.5, 0.5]


@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=6), st.integers(1, 5))
def test_normalising_a_column_does_not_depend_on_its_neighbours(weights, copies):
    column = np.array(weights)
    others = np.stack([column, *(column[::-1] * (j + 2) for j in range(copies))], axis=1)
    assert (normalised(others)[:, 0] == normalised(column)).all()
    assert normalised(column).sum() == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"means": [-1.0, np.nan]}, "means has the value nan at [1]; allowed: finite numbers"),
        ({"means": [[1.0], [1.0, 2.0]]}, "means = [[1.0], [1.0, 2.0]] is not allowed: rows differ in length"),
        ({"means": ["a", "b"]}, "means = ['a', 'b'] is not numeric"),
        ({"means": []}, "means is empty; allowed: at least one number"),
        ({"means": np.zeros((2, 2, 2))}, "means has shape (2, 2, 2); allowed: (components, features)"),
        ({"means": xr.DataArray([1.0], dims="row")}, "means has dimensions ('row',); allowed: (..., component, feature)"),
        ({"means": [-1, 1], "weights": [0.5, 0.0]}, "weights has the value 0.0; allowed: finite numbers > 0"),
        ({"means": [-1, 1], "weights": [1.5, -0.5]}, "weights has the value -0.5; allowed: finite numbers > 0"),
        ({"means": [-1, 1], "weights": [1.0, np.inf]}, "weights has the value inf at [1]; allowed: finite numbers"),
        ({"means": [-1, 1], "weights": [1.0]}, "weights has sizes {'component': 1}; allowed: 2 weights"),
        ({"means": [-1, 1], "weights": [[1.0, 1.0]]}, "weights has shape (1, 2); allowed: (2,)"),
        ({"means": [-1, 1], "weights": [1e-300, 1e300]}, "weights differ by more than a factor 1e308"),
        ({"means": [-1, 1], "variance": -1.0}, "variance = -1.0 is not allowed; allowed: a finite number >= 0"),
        ({"means": [-1, 1], "variance": "1e-3"}, "variance: "),
        ({"means": [-1, 1], "variance": []}, "variance is empty; allowed: at least one value"),
        ({"means": [-1, 1], "variance": [1.0, 2.0, 1.0]}, "variance has the value 1.0 more than once"),
        ({"means": [-1, 1], "variance": [[1.0]]}, "variance has 2 dimensions; allowed: a number, a 1D array"),
        ({"means": [-1, 1], "variance": np.inf}, "variance = inf is not allowed"),
        ({"means": [-1, 1], "dimension": 1.5}, "dimension = 1.5 is not allowed; allowed: a whole number >= 1"),
        ({"means": [[0, 1], [2, 3]], "dimension": 1}, "dimension = 1 is not allowed; allowed: a whole number >= 2"),
        (
            {"means": [-1, 1], "variance": xr.DataArray([1.0, 2.0, 3.0], dims="component")},
            "variance has sizes {'component': 3}; allowed: 2 numbers, one for each component",
        ),
    ],
)
def test_errors_name_the_argument_that_is_not_allowed(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        mixture(**arguments)


def test_axes_that_disagree_are_refused():
    means = xr.DataArray([[1.0, 2.0]], dims=("variance", "component"), coords={"variance": [1.0]})
    with pytest.raises(ValueError, match="disagree on a shared dimension"):
        mixture(means, variance=[2.0])


def test_an_unlabelled_axis_gets_its_own_values_as_coordinate():
    axis = as_axis("separation", xr.DataArray([1.0, 2.0], dims="separation"))
    assert axis.separation.values.tolist() == [1.0, 2.0]


def test_an_axis_along_another_dimension_keeps_it():
    axis = as_axis("separation", xr.DataArray([1.0, 1.0], dims="model"))
    assert axis.dims == ("model",)
    assert not axis.coords


@pytest.mark.parametrize(("k", "d"), [(1, 3), (2, 1), (2, 5), (4, 2), (4, 3), (5, 40), (3, 100_000)])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_span_is_an_exact_isometry(k, d, offset):
    rng = np.random.default_rng(k + d)
    means, weights = rng.normal(size=(k, d)) + offset, rng.dirichlet(np.ones(k))
    result = span(means, weights)
    assert result.means.shape == (k, max(1, min(k - 1, d)))
    np.testing.assert_allclose(distances(result.means), distances(means), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(result.basis @ result.basis.T, np.eye(len(result.basis)), atol=1e-13)
    np.testing.assert_allclose(result.means @ result.basis + result.origin, means, rtol=1e-14, atol=1e-12)
    np.testing.assert_allclose(weights @ result.means, 0.0, atol=1e-12 * np.sqrt(d))


def test_span_of_coinciding_and_collinear_means_is_an_isometry():
    means = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]])
    result = span(means, np.full(3, 1 / 3))
    np.testing.assert_allclose(distances(result.means), distances(means), atol=1e-13)


def test_features_of_the_span_are_the_eigen_directions_of_the_between_class_covariance():
    rng = np.random.default_rng(5)
    means, weights = rng.normal(size=(4, 30)), rng.dirichlet(np.ones(4))
    reduced = span(means, weights).means
    centred = means - weights @ means
    expected = np.linalg.eigvalsh((weights[:, None] * centred).T @ centred)[::-1][:3]
    np.testing.assert_allclose((weights[:, None] * reduced).T @ reduced, np.diag(expected), atol=1e-13)


def test_span_of_a_pair_puts_the_second_component_on_the_positive_side():
    for means in ([[1.0, 1.0], [-1.0, -1.0]], [[-1.0, 0.0], [1.0, 0.0]]):
        assert span(np.array(means), np.array([0.5, 0.5])).means[:, 0].tolist()[1] > 0


@pytest.mark.parametrize(
    "make", [mixture, lambda means, weights, variance: families.custom(1.0, variance, None, means, weights)]
)
def test_a_variance_for_each_component_is_not_taken_for_a_sweep(make):
    with pytest.raises(
        ValueError, match=r"variance = \[0.5, 1.0, 2.0\] has 3 numbers for 3 components; allowed: one number"
    ):
        make([-5.0, 0.0, 5.0], [0.2, 0.3, 0.5], variance=[0.5, 1.0, 2.0])
    sweep = xr.DataArray([0.5, 1.0, 2.0], dims="variance")
    assert make([-5.0, 0.0, 5.0], [0.2, 0.3, 0.5], variance=sweep).component_variance.dims == ("variance",)


def test_an_axis_of_a_study_is_a_sweep_whatever_its_length():
    result = families.build("custom", {"variance": [0.5, 1.0, 2.0]}, {"means": [-5.0, 0.0, 5.0]})
    assert result.component_variance.dims == ("variance",)
