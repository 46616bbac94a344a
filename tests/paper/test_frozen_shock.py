"""Proposition 5.4: the background-subtracted layer is a Burgers shock at frozen time only."""

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.paper.frozen_shock import frozen_shock, shock_at_frozen_time


def test_the_shock_is_stationary_at_frozen_tau_and_does_not_solve_burgers():
    x = np.linspace(-5, 5, 1001)[:, None]
    tau = np.array([0.0, 1e-3, 0.2, 0.455, 10.0, 1e6])
    result = shock_at_frozen_time(x, 1.0, 0.09, tau)
    assert result.stationary_residual.max() < 1e-14
    assert result.full_residual.max() < 1e-14
    assert result.transformation_residual.max() < 1e-14
    apart = np.abs(x[:, 0]) > 0.01
    assert result.frozen_burgers_residual[apart].min() > 0.05


def test_velocity_and_its_rate_against_differences():
    x, h, tau, a, variance = 0.3, 1e-5, 0.2, 1.0, 0.09

    def u(x, tau):
        v = variance + 2 * tau
        return -2 * a / v * np.tanh(a * x / v)

    result = shock_at_frozen_time(x, a, variance, tau)
    assert abs(result.velocity / u(x, tau) - 1) < 1e-14
    u_tau = (u(x, tau + h) - u(x, tau - h)) / (2 * h)
    u_x = (u(x + h, tau) - u(x - h, tau)) / (2 * h)
    terms = np.abs([u_tau, u(x, tau) * u_x])
    assert abs(result.frozen_burgers_residual - abs(u_tau) / terms.max()) < 1e-6


def test_of_labelled_pairs_of_equal_weights():
    result = frozen_shock(ss.families.pair(separation=[1.0, 2.0], variance=0.09), np.linspace(-2, 2, 41), 0.2)
    assert result.velocity.dims == ("separation", "x")
    assert max(result.stationary_residual.max(), result.full_residual.max(), result.transformation_residual.max()) < 1e-14
    with pytest.raises(ValueError, match="equal weights"):
        frozen_shock(ss.families.pair(separation=1.0, variance=0.09, weight=0.7), np.array([0.1]))
    assert result.frozen_burgers_residual.where(np.abs(result.x) > 0.01).min() > 0.01
