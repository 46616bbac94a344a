"""Vorticity and its equation on rotational solutions of Burgers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreshock.kernels.burgers import vorticity
from scoreshock.kernels.burgers.differences import derivatives, vorticity_field_terms
from scoreshock.kernels.gaussian import mixture
from tests.reference import cases, check, identify, means_of, weights_of


def linear(case_or_matrix, t):
    """Jacobian of u = S x, S = M (1 + t M)**-1, which solves Burgers exactly."""
    matrix = np.asarray(case_or_matrix, dtype=float)
    return matrix @ np.linalg.inv(np.eye(len(matrix)) + t * matrix)


@pytest.mark.parametrize("case", cases("vorticity_linear"), ids=identify)
def test_linear_flow_stretches_its_vorticity_as_68_says(case):
    inputs = case["inputs"]
    jacobian, x = linear(inputs["M0"], inputs["t"]), np.array(inputs["x"])
    u = jacobian @ x
    check(case, "u", u)
    check(case, "u_t", -jacobian @ u)
    check(case, "omega", vorticity.vorticity(jacobian))
    rate = vorticity.vorticity(-jacobian @ jacobian)
    check(case, "omega_t", rate)
    terms = vorticity.vorticity_terms(u, jacobian, rate, np.zeros((2, 2, 2)), np.zeros((2, 2)), vorticity.BURGERS)
    check(case, "stretching", -terms.stretching_term)
    assert np.abs(terms.residual).max() <= 1e-15
    s_form = vorticity.vorticity_terms(
        -u / 2, -jacobian / 2, -rate / 2, np.zeros((2, 2, 2)), np.zeros((2, 2)), vorticity.SCORE
    )
    np.testing.assert_allclose(s_form.residual, -terms.residual / 2, atol=1e-16)


@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_linear_flow_in_any_dimension(n, seed):
    matrix = np.random.default_rng(seed).uniform(-0.2, 0.2, (n, n))
    jacobian = linear(matrix, 0.5)
    h = 1e-4
    rate = (vorticity.vorticity(linear(matrix, 0.5 + h)) - vorticity.vorticity(linear(matrix, 0.5 - h))) / (2 * h)
    nothing = np.zeros((n, n, n)), np.zeros((n, n))
    terms = vorticity.vorticity_terms(jacobian @ np.ones(n), jacobian, rate, *nothing, vorticity.BURGERS)
    assert np.abs(terms.residual).max() <= 1e-8
    assert not np.allclose(terms.stretching_term, 0)


@pytest.mark.parametrize("case", cases("vorticity_colehopf"), ids=identify)
def test_scalar_carried_by_a_cole_hopf_flow(case):
    """u = (u1(x), u2(x)), u2 a ratio of two heat solutions: omega varies in space and diffuses."""
    expected = case["expected"]
    omega, rate, slope, curvature = (expected[name] for name in ("omega", "omega_t", "omega_x", "omega_xx"))
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    jacobian = np.array([[expected["div_u"], 0.0], [omega, 0.0]])
    gradient = np.stack([turn * slope, np.zeros((2, 2))], axis=-1)
    terms = vorticity.vorticity_terms(expected["u"], jacobian, turn * rate, gradient, turn * curvature, vorticity.BURGERS)
    check(case, "omega", terms.vorticity[0, 1])
    assert terms.residual_relative <= 1e-14
    without = terms.rate_term - terms.diffusion_term - terms.advection_term
    assert np.abs(without).max() > 0.01 * terms.largest_term or case["inputs"]["k"] == 1.0


@pytest.mark.parametrize("case", cases("curl_perturbed"), ids=identify)
def test_rotation_added_to_a_score_is_all_of_its_vorticity(case):
    inputs = case["inputs"]
    arguments = inputs["x"], means_of(case), weights_of(case), inputs["sigma0"] ** 2, inputs["tau"]
    rotation = np.array(inputs["Omega"])
    jacobian = mixture.score_jacobian(*arguments) + rotation
    check(case, "field", mixture.score(*arguments) + rotation @ np.array(inputs["x"]))
    check(case, "jacobian", jacobian)
    check(case, "vorticity", vorticity.vorticity(jacobian))
    check(case, "max_abs_vorticity", np.abs(vorticity.vorticity(jacobian)).max())
    check(case, "max_abs_jacobian", np.abs(jacobian).max())


def test_a_score_has_no_vorticity_to_the_bit():
    rng = np.random.default_rng(3)
    for k, n in ((2, 2), (3, 3), (5, 8)):
        jacobian = mixture.score_jacobian(rng.normal(size=(50, n)), rng.normal(size=(k, n)), np.full(k, 1 / k), 0.1, 0.2)
        assert not vorticity.vorticity(jacobian).any()


def test_nothing_stretches_where_there_is_no_vorticity():
    rng = np.random.default_rng(5)
    jacobian = rng.normal(size=(20, 3, 3))
    jacobian = jacobian + jacobian.swapaxes(-1, -2)
    zero = np.zeros((20, 3, 3))
    terms = vorticity.vorticity_terms(rng.normal(size=(20, 3)), jacobian, zero, np.zeros((20, 3, 3, 3)), zero, 2.0)
    assert np.abs(terms.stretching_term).max() <= 1e-14


@pytest.mark.parametrize("case", cases("vorticity_colehopf"), ids=identify)
def test_vorticity_equation_by_differences_of_a_jacobian(case):
    inputs = case["inputs"]
    means, weights, variance = means_of(case), weights_of(case), inputs["sigma0"] ** 2

    def carried(x, tau):
        """u2 and its slope."""
        grow, fall = (np.exp(-(inputs[name] ** 2) * tau) for name in ("k", "l"))
        a, b, k, ell = inputs["A"], inputs["B"], inputs["k"], inputs["l"]
        theta = a * grow * np.cos(k * x) + b * fall * np.sin(ell * x)
        slope = -a * k * grow * np.sin(k * x) + b * ell * fall * np.cos(ell * x)
        density = np.exp(mixture.log_density(x[..., None], means, weights, variance, tau))
        s = mixture.score(x[..., None], means, weights, variance, tau)[..., 0]
        return theta / density, (slope - theta * s) / density

    def omega(x, tau):
        value = carried(x[..., 0], tau)[1]
        return np.stack([0 * value, value, -value, 0 * value], axis=-1)

    x, tau, expected = np.array([inputs["x"], 0.4]), inputs["tau"], case["expected"]
    result = derivatives(omega, x, tau, 0.2)
    check(case, "omega", result.value[1])
    for got, error, field in (
        (result.rate, result.rate_error, "omega_t"),
        (result.laplacian, result.laplacian_error, "omega_xx"),
        (result.gradient[:, 0], result.gradient_error[:, 0], "omega_x"),
    ):
        assert abs(got[1] - expected[field]) <= error[1] <= 1e-6 * abs(expected[field])
    jacobian = np.array([[expected["div_u"], 0.0], [expected["omega"], 0.0]])
    terms = vorticity_field_terms(np.array(expected["u"]), jacobian, result, vorticity.BURGERS)
    assert np.linalg.norm(terms.residual) <= terms.residual_error
    assert terms.residual_relative <= 1e-8
