"""The labelled many-mode quantities: sweeps, statuses, chunked results, and criteria against the density."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.quantities import cascade, many_modes, modes


def triangle(**options):
    return ss.families.polygon(**({"separation": 1.0, "variance": 0.0} | options))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000))
def test_condition_is_the_covariance_of_the_definition_and_the_proposition_holds(seed):
    rng = np.random.default_rng(seed)
    k, n = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    means, weights = rng.standard_normal((k, n)), rng.dirichlet(np.ones(k)) + 1e-3
    weights /= weights.sum()
    result = many_modes.covariance_condition(ss.mixture(means, weights, 0.1))
    centred = means - weights @ means
    leading = np.linalg.eigh((weights[:, None] * centred).T @ centred)[1][:, -1]
    y = (centred @ leading) ** 2
    across = (centred**2).sum(1) - y
    covariance = weights @ ((across - weights @ across) * (y - weights @ y))
    c = -weights @ (((centred**2).sum(1) - weights @ (centred**2).sum(1)) * y)
    scale = (centred**2).sum(1).max() ** 2
    np.testing.assert_allclose(result.perpendicular_covariance, covariance, atol=1e-12 * scale)
    np.testing.assert_allclose(result.covariance_coefficient, c, atol=1e-12 * scale)
    assert int(result.proposition_holds) == (1 if result.condition_holds else -1)
    if abs(c) > 1e-10 * scale:
        assert int(result.covariance_sign) == np.sign(c)


@pytest.mark.parametrize("degrees", [0.0, 17.0, 45.0])
def test_condition_takes_the_leading_direction_of_the_layer_however_a_square_is_turned(degrees):
    """Between its two halves all four squares y² are a²/2; towards a vertex their variance would be a⁴/4."""
    square = ss.families.polygon(1.0, vertices=4, angles=(degrees + np.array([0.0, 90.0, 180.0, 270.0])).tolist())
    result = many_modes.covariance_condition(square).squeeze()
    assert abs(float(result.perpendicular_covariance)) < 1e-15


def test_condition_knows_lines_and_spheres():
    line = many_modes.covariance_condition(ss.families.custom(means=[[0, 0], [1, 2], [3, 6]])).squeeze()
    assert (int(line.collinear), int(line.condition_holds), float(line.perpendicular_covariance)) == (1, 1, 0.0)
    assert (int(line.covariance_sign), int(line.equal_distances)) == (-1, 0)
    sphere = many_modes.covariance_condition(triangle()).squeeze()
    assert (int(sphere.equal_distances), int(sphere.covariance_sign), int(sphere.collinear)) == (1, 0, 0)
    assert int(sphere.proposition_holds) != 0


def test_coefficient_can_be_positive_where_the_condition_fails():
    # Near the mean along e1, far across it: distances fall as y^2 grows.
    means = np.array([[1.0, 0, 0], [-1.0, 0, 0], [0, 0.9, 0.9], [0, -0.9, 0.9], [0, 0.9, -0.9], [0, -0.9, -0.9]])
    weights = np.array([0.25, 0.25, 0.125, 0.125, 0.125, 0.125])
    result = many_modes.covariance_condition(ss.mixture(means, weights, 0.1))
    assert float(result.covariance_coefficient) > 0
    flags = (int(result[name]) for name in ("covariance_sign", "condition_holds", "proposition_holds"))
    assert tuple(flags) == (1, 0, -1)


def test_triangle_against_its_density():
    mixture = triangle(separation=[1.0, 2.0])
    result = many_modes.against_density(mixture)
    v = (2 * result.tau_density / mixture.separation**2).squeeze()
    np.testing.assert_allclose(v, 0.54632, atol=5e-6)
    assert (result.density_scanned == 1).all()
    assert (result.modes_before_last == 4).all()
    exact = result.sel(criterion="exact").squeeze()
    np.testing.assert_allclose(exact.density_difference_relative, 0.5 / v - 1, rtol=1e-9)
    assert (exact.modes_at == 4).all()
    assert (result.density_difference_status.sel(criterion=["boundary", "merging"]) == Status.not_applicable).all()


def test_criteria_of_a_pair_against_its_density():
    pair = ss.families.pair(separation=2.0, variance=0.25, weight=[0.5, 0.6, 0.8])
    result = many_modes.against_density(pair).squeeze()
    assert result.criterion.identical(ss.speciation(pair).criterion)
    np.testing.assert_array_equal(result.density_difference.sel(criterion="merging"), 0)
    np.testing.assert_array_equal(result.density_difference.sel(criterion="exact", weight=0.5), 0)
    # The criterion at the weighted mean has no solution where the density still splits in two.
    lost = result.sel(criterion="exact", weight=0.8)
    assert (int(lost.density_difference_status), int(lost.modes_at), int(lost.density_status)) == (
        Status.no_real_root,
        -1,
        Status.ok,
    )
    assert (result.modes_at.sel(criterion="boundary") == [1, 1, 1]).all()
    assert (result.modes_at.sel(criterion="spectral") >= 1).all()


@pytest.mark.slow
def test_nan_stands_only_beside_a_status():
    mixture = ss.families.collinear(separation=[0.1, 2.0], variance=[0.1, 1.0], positions=[-1.0, -0.2, 0.5, 1.3])
    result = many_modes.against_density(mixture)
    assert (result.density_difference.isnull() == (result.density_difference_status != Status.ok)).all()
    levels = cascade.exact_cascade(mixture)
    assert (levels.tau_eigenmode_root.isnull() == (levels.eigenmode_root_status != Status.ok)).all()
    assert (levels.eigenmode_status != Status.ok).where(levels.tau_eigenmode.isnull(), True).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "quantity",
    [
        cascade.exact_cascade,
        many_modes.covariance_condition,
        modes.last_merging,
        many_modes.against_density,
        lambda mixture: modes.mode_count(mixture, [0.05, 0.2]),
    ],
)
def test_chunked_results_are_the_same_to_the_bit_and_described(quantity):
    mixture = triangle(separation=np.linspace(0.8, 1.3, 4), variance=0.05, radii=[1.0, 0.8, 1.1])
    eager, lazy = quantity(mixture), quantity(mixture.chunk(separation=3))
    assert all(lazy[name].chunks for name in eager.data_vars)
    xr.testing.assert_identical(eager, lazy.compute())
    for name, array in eager.data_vars.items():
        assert array.attrs["long_name"]
        assert ("flag_values" in array.attrs) == name.endswith("status")


def test_refusals_name_what_is_allowed():
    with pytest.raises(ValueError, match="feature: the mixture has 2; allowed: 1 feature"):
        modes.merging_tree(triangle())
    with pytest.raises(ValueError, match="places = 0 is not allowed"):
        modes.mode_count(triangle(), 0.1, places=0)
    with pytest.raises(ValueError, match="places = 0 is not allowed"):
        cascade.exact_cascade(triangle(), places=0)
    with pytest.raises(ValueError, match="at least 2 components"):
        modes.last_merging(ss.mixture(np.zeros((1, 2)), [1.0], 0.1))
