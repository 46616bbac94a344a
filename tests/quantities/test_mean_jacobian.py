"""The Jacobian at the weighted mean and its expansion: sweeps, chunks, convergence, statuses."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.kernels.speciation.series import jacobian_terms


def polygon(**given):
    return ss.families.polygon(**{"separation": np.linspace(0.5, 3, 6), "variance": 0.1, "radii": [1.0, 0.6, 1.3]} | given)


def test_chunks_change_no_bit_and_every_variable_is_described():
    eager, lazy = ss.mean_jacobian(polygon(), [0.1, 2.0]), ss.mean_jacobian(polygon().chunk(separation=2), [0.1, 2.0])
    xr.testing.assert_identical(lazy.compute(), eager)
    assert eager.jacobian_term.dims == ("separation", "order", "feature", "feature_other")
    assert eager.jacobian_through.dims == ("separation", "tau", "order", "feature", "feature_other")
    assert all(array.attrs["long_name"] for array in eager.data_vars.values())


def test_jacobian_is_that_of_the_score_at_the_weighted_mean():
    result = ss.mean_jacobian(polygon(), 0.3)
    mean = (polygon().component_weight * polygon().component_mean).sum("component")
    np.testing.assert_allclose(result.weighted_mean.squeeze(), mean.squeeze(), atol=1e-15)
    at_mean = ss.score_jacobian(polygon(), result.weighted_mean, 0.3)
    np.testing.assert_allclose(result.score_jacobian, at_mean.transpose(*result.score_jacobian.dims), rtol=1e-12, atol=1e-13)


def test_remainder_falls_by_the_next_power_of_the_variance():
    result = ss.mean_jacobian(polygon(separation=1.0), [50.0, 500.0], order=4)
    off = abs(result.jacobian_through - result.score_jacobian).max(["feature", "feature_other"]).squeeze()
    powers = np.log10(off.isel(tau=0) / off.isel(tau=1))
    np.testing.assert_allclose(powers[:3], [3, 4, 5], atol=0.1)


def test_no_term_follows_the_first_where_all_distances_are_equal():
    result = ss.mean_jacobian(ss.families.polygon(separation=[1.0, 2.0], variance=0.1, vertices=3), 0.2, order=5)
    assert np.abs(result.jacobian_term.isel(order=slice(1, None))).max() < 1e-13
    np.testing.assert_allclose(
        result.jacobian_through.isel(order=0), result.score_jacobian.transpose(..., "feature", "feature_other"), atol=1e-13
    )


def test_a_point_alone_has_the_bits_that_it_has_in_a_batch_and_scaling_is_exact():
    rng = np.random.default_rng(0)
    means, weights = rng.standard_normal((20, 4, 3)), rng.dirichlet(np.ones(4), 20)
    whole = jacobian_terms(means, weights, 5)
    for i in range(20):
        assert np.array_equal(jacobian_terms(means[i], weights[i], 5), whole[i])
    for n in range(6):
        scaled = jacobian_terms(np.ldexp(means, 70), weights, 5)[:, n]
        assert np.array_equal(scaled, np.ldexp(whole[:, n], 140 * (n + 1)))


def test_statuses_say_why_a_number_is_missing():
    pair = ss.families.pair(separation=1.0, variance=[0.0, 1e-3], weight=0.7)
    result = ss.mean_jacobian(pair, 0.0, order=40).squeeze()
    assert result.score_status.values.tolist() == [Status.singular, Status.ok]
    assert (result.order_status.isel(variance=0) == Status.singular).all()
    assert (np.isnan(result.jacobian_through) == (result.order_status != Status.ok)).all()
    tiny = ss.mean_jacobian(ss.families.pair(separation=1.0, variance=1e-20, weight=0.7), 0.0, order=40)
    assert set(tiny.order_status.values.ravel()) == {Status.ok, Status.diverged}


def test_errors_name_the_allowed_values():
    for order in (-1, 41, 1.5):
        with pytest.raises(ValueError, match=r"order = .* allowed: a whole number from 0 to 40"):
            ss.mean_jacobian(polygon(), 0.1, order=order)
    with pytest.raises(ValueError, match="at least 2 components"):
        ss.mean_jacobian(ss.mixture(np.zeros((1, 2)), [1.0], 0.1))
