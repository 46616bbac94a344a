"""Growth along the boundary of a pair with one covariance: references, the isotropic exponent, another integrator."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from scoreshock.conventions import Status
from scoreshock.kernels.covariances import fields
from scoreshock.kernels.covariances.components import components
from scoreshock.kernels.covariances.criteria import boundary
from scoreshock.kernels.covariances.growth import boundary_growth
from scoreshock.kernels.layer.amplification import pair_closed
from tests.kernels.covariances.draws import drawn, shared_pair
from tests.reference import cases, check, identify

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("shared_pair"), ids=identify)
def test_reference_pairs(case):
    found = boundary_growth(shared_pair(case), case["inputs"]["tau_min"])
    for field in ("rate_integral_lambda_max", "rate_integral_normal", "exponent", "log_growth"):
        check(case, field, getattr(found, field))
    assert (found.exponent_status == Status.ok) == (case["expected"]["exponent"] is not None)
    assert (found.log_growth_status == Status.ok) == (case["expected"]["log_growth"] is not None)


@pytest.mark.slow
def test_isotropic_pair_has_the_closed_exponent_four_times():
    means = np.array([[-1.0, 0.5, 0.0], [1.0, -0.5, 0.3]])
    tau_min = np.array([0.0, 0.01, 0.3, 2.0])
    expected, _ = pair_closed(means, np.array(0.02), tau_min)
    found = boundary_growth(components(means, [0.5, 0.5], 0.02), tau_min)
    for value in (found.rate_integral_lambda_max, found.rate_integral_normal, found.exponent, found.log_growth):
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_flow_of_eight_features_by_scipy():
    c = drawn(2, 8, seed=1, smallest=0.01, spread=0.15)
    m = 0.5 * (c.means[1] - c.means[0])
    c = c._replace(means=np.stack([-m, m]), weights=np.array([0.5, 0.5]))
    c = c._replace(eigenvalues=c.eigenvalues[:1], directions=c.directions[:1])
    found = boundary_growth(c, 0.05)

    def field(tau, y):
        return -(fields.score_jacobian(np.zeros(8), c, tau) @ y.reshape(8, 8)).ravel()

    span = float(boundary(c).tau), 0.05
    flow = solve_ivp(field, span, np.eye(8).ravel(), method="DOP853", rtol=1e-10, atol=1e-12).y[:, -1]
    assert found.log_growth == pytest.approx(np.log(np.linalg.norm(flow.reshape(8, 8), 2)), rel=1e-8)
    largest, _ = quad(lambda t: np.linalg.eigvalsh(fields.score_jacobian(np.zeros(8), c, t))[-1], *span, epsrel=1e-11)
    assert found.rate_integral_lambda_max == pytest.approx(-largest, rel=1e-9)
    assert found.log_growth < found.rate_integral_lambda_max
    assert found.rate_integral_normal < found.rate_integral_lambda_max


@pytest.mark.slow
@pytest.mark.parametrize("s", [(0.0, 1.0), (1e-4, 0.01)])
def test_large_growth_is_that_of_the_eigenvector_in_the_limit(s):
    """One variance far above the other: the flow stays along m's first coordinate, but for its turn from the boundary's."""
    c = components([[-2.0, -1.0], [2.0, 1.0]], [0.5, 0.5], 0.0, [s])
    found = boundary_growth(c, 1e-5)
    assert found.log_growth_status == Status.ok
    assert found.rate_integral_lambda_max > 1e4
    assert 0 < found.rate_integral_lambda_max - found.log_growth < 0.1
    assert found.rate_integral_normal - found.log_growth > 0


def test_unequal_weights_have_rates_only():
    c = components([[-1.0, 0.0], [1.0, 0.0]], [0.3, 0.7], 0.0, [[0.09, 4.0]])
    found = boundary_growth(c, 0.01)
    assert found.rate_integral_lambda_max == pytest.approx(2.94181709)
    assert found.exponent_status == found.log_growth_status == Status.not_applicable
    assert np.isnan(found.exponent)
    assert np.isnan(found.log_growth)


def test_statuses():
    assert boundary_growth(drawn(2, 2), 0.1).rate_status == Status.not_applicable
    close = boundary_growth(components([[-0.1], [0.1]], [0.5, 0.5], 1.0), np.array([0.0, 0.1]))
    np.testing.assert_array_equal(close.rate_status, Status.below_data_variance)
    np.testing.assert_array_equal(close.log_growth, 0)
    equal = boundary_growth(components(np.zeros((2, 2)), [0.5, 0.5], 1.0), 0.0)
    assert equal.rate_status == Status.no_transition
    assert equal.exponent == 0
    point = boundary_growth(components([[-1.0], [1.0]], [0.5, 0.5], 0.0), 0.0)
    assert point.rate_status == Status.singular
    assert np.isnan(point.rate_integral_lambda_max)
    broken = boundary_growth(components([[-1.0], [np.nan]], [0.5, 0.5], 1.0), 0.0)
    assert broken.rate_status == Status.failed


def test_a_pair_has_the_bits_it_has_alone():
    c = components([[-1.0, 0.4], [1.0, -0.4]], [0.5, 0.5], 0.0, np.array([[[0.1, 0.3]], [[0.2, 0.05]]]))
    whole = boundary_growth(c, np.array([0.01, 0.02]))
    alone = boundary_growth(c.flat().take(1), 0.02)
    for many, one in zip(whole, alone, strict=True):
        np.testing.assert_array_equal(many[1], one)
