"""Labelled vorticity of scores and its equation; the Riccati remark against its counter-example."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.quantities.vorticity import riccati, vorticity, vorticity_residual


def still(x, tau):
    return np.zeros_like(x) * tau[..., None]


def test_a_score_does_not_turn():
    rng = np.random.default_rng(4)
    polygon = ss.families.polygon(separation=xr.DataArray([0.5, 2.0], dims="separation"), variance=0.1)
    points = rng.normal(size=(15, 2))
    exact = vorticity(polygon, points, 0.2)
    assert not exact.vorticity.values.any()
    assert not exact.vorticity_relative.values.any()
    measured = vorticity(polygon, points, 0.2, method="differences")
    assert (measured.vorticity_largest <= measured.vorticity_error).all()
    assert (measured.vorticity_relative <= 1e-8).all()
    assert measured.vorticity.dims == ("separation", "point", "feature", "feature_other")
    equation = vorticity_residual(polygon, points, 0.2)
    assert not equation.residual.values.any()


def test_where_there_is_no_score_there_is_no_vorticity():
    pair = ss.families.pair(separation=1.0, variance=0.0)
    assert np.isnan(vorticity(pair, np.array([0.1]), 0.0).vorticity_relative).all()
    assert vorticity_residual(pair, np.array([0.1]), 0.0).residual_status == Status.singular


def test_the_equation_needs_a_jacobian():
    with pytest.raises(ValueError, match="jacobian = None is not allowed; allowed: a function"):
        vorticity_residual(still, np.zeros(2), 0.1)
    with pytest.raises(ValueError, match="form: 'euler' is not available; allowed: score, burgers"):
        vorticity_residual(still, np.zeros(2), 0.1, form="euler")


def test_riccati_divergence_is_on_the_other_side_of_zero():
    pair = ss.families.pair(separation=2.0, variance=1.0)
    tau = xr.DataArray([1.6, 3.5, 49.5, 1e6], dims="tau")
    result = riccati(pair, tau)
    v = 1 + 2 * tau
    np.testing.assert_array_equal(result.cascade.squeeze("eigenmode"), 1.5)
    np.testing.assert_allclose(1 + 2 * result.tau_divergence.squeeze("eigenmode"), -4 * v / (v - 4), rtol=1e-9)
    assert (result.tau_divergence < 0).all()
    assert (result.divergence_error < -4).all()
    np.testing.assert_allclose(result.divergence_error, result.tau_divergence - 1.5)


def test_riccati_in_the_plane_diverges_at_zero_variance_across_the_pair():
    means = [[-2.0, 0.0], [2.0, 0.0]]
    result = riccati(ss.mixture(means, [0.5, 0.5], 1.0), 3.5)
    np.testing.assert_allclose(result.jacobian_eigenvalue, [-1 / 16, -1 / 8], rtol=1e-15)
    np.testing.assert_allclose(1 + 2 * result.tau_divergence, [-8.0, 0.0], atol=1e-14)
    np.testing.assert_allclose(result.cascade, [1.5, -0.5])
