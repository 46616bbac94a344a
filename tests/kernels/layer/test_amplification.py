"""Amplification exponents against references, quadrature of an independent kind, limits and statuses."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import decompose
from scoreshock.kernels.layer import amplification
from tests import reference
from tests.kernels.gaussian.test_geometry import draw

PAIR = np.array([[-1.0], [1.0]])
HALF = np.array([0.5, 0.5])
ZERO = np.array(0.0)
TRIPLE = np.array([[-1.0], [0.0], [1.0]])


def jacobian(means: np.ndarray, weights: np.ndarray, x: np.ndarray, v: float) -> np.ndarray:
    """Score Jacobian of the mixture at x from its definition."""
    logit = np.log(weights) - ((x - means) ** 2).sum(axis=1) / (2 * v)
    r = np.exp(logit - logit.max())
    r /= r.sum()
    offset = means - r @ means
    return offset.T @ (r[:, None] * offset) / v**2 - np.eye(means.shape[1]) / v


def rate_at_mean(means: np.ndarray, weights: np.ndarray, v: float) -> float:
    return np.linalg.eigvalsh(jacobian(means, weights, weights @ means, v))[-1]


def roots_by_scan(means: np.ndarray, weights: np.ndarray, low: float) -> np.ndarray:
    grid = np.geomspace(low, np.ptp(means) ** 2, 2000)
    sign = np.sign([rate_at_mean(means, weights, v) for v in grid])
    changes = np.flatnonzero(np.diff(sign))
    return np.array([brentq(lambda v: rate_at_mean(means, weights, v), *grid[i : i + 2], xtol=1e-15) for i in changes])


def positive_integral(means: np.ndarray, weights: np.ndarray, low: float, roots: np.ndarray) -> float:
    """Integral over tau of the positive part of the rate, by adaptive quadrature in v."""
    edges = np.concatenate([[low], roots[roots > low]])
    pieces = pairwise(edges)
    return sum(
        quad(lambda v: max(rate_at_mean(means, weights, v), 0.0) / 2, *p, epsabs=1e-13, epsrel=1e-13, limit=200)[0]
        for p in pieces
    )


@pytest.mark.parametrize("case", reference.cases("amplification"), ids=reference.identify)
def test_pair_meets_the_references(case):
    a, variance, tau = (case["inputs"][name] for name in ("a", "sigma0", "tau_min"))
    variance = variance**2
    for weights in (HALF, np.array([0.9, 0.1])):
        result = amplification.pair_exponent(PAIR * a, weights, np.array(variance), np.array(tau))
        reference.check(case, "Lambda", result.exponent)
        reference.check(case, "Lambda", result.exponent_quadrature)
        reference.check(case, "snr", result.snr)
        reference.check(case, "log10_factor", result.log10_factor)
    reference.check(case, "lyapunov_at_tau_min", amplification.growth_rate(PAIR * a, HALF, np.array(variance), tau))
    reference.check(case, "Lambda_without_constant", result.exponent + 0.5)


@pytest.mark.parametrize(("sigma", "tau"), [(1 - 1e-9, 0.0), (0.5, 0.375 - 1e-9), (0.25, 0.46875 - 5e-10)])
def test_exponent_near_one_keeps_its_digits(sigma, tau):
    """R - 1 near 2e-9: Lambda = u^2/4 - u^3/6 with u in rational arithmetic, to 1e-10."""
    v = Fraction(sigma) ** 2 + 2 * Fraction(tau)
    u = float((1 - v) / v)
    assert 0.9e-9 < u < 2.1e-9
    result = amplification.pair_exponent(PAIR, HALF, np.array(sigma**2), np.array(tau))
    assert result.exponent == pytest.approx(u**2 / 4 - u**3 / 6, rel=1e-10)
    assert result.exponent_quadrature == pytest.approx(u**2 / 4, abs=1e-15)


@pytest.mark.parametrize("u", [1e-12, 1e-6, 0.01, 0.0999999, 0.1000001, 0.5, 30.0, 1e12])
def test_exponent_of_excess_is_the_integral_that_defines_it(u):
    """Lambda = (1/2) integral of s/(1+s) ds from 0 to u."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    s = u * (nodes + 1) / 2
    if u <= 1:
        assert amplification.exponent_of_excess(np.array(u)) == pytest.approx(
            (weights * s / (1 + s)).sum() * u / 4, rel=1e-13
        )
    else:
        assert amplification.exponent_of_excess(np.array(u)) == pytest.approx((u - np.log1p(u)) / 2, rel=1e-14)


@given(
    r=st.floats(-5, 12),
    weight=st.floats(1e-300, 0.5),
    variance=st.floats(0.0, 1.0),
    scale=st.sampled_from([1e-100, 1.0, 1e100]),
)
def test_quadrature_on_the_boundary_equals_the_closed_form_for_any_weights(r, weight, variance, scale):
    v_min = 10.0**-r
    tau = v_min * (1 - variance) / 2 * scale**2
    result = amplification.pair_exponent(
        PAIR * scale, np.array([weight, 1 - weight]), np.array(v_min * variance * scale**2), np.array(tau)
    )
    assert result.exponent_quadrature == pytest.approx(result.exponent, rel=1e-12, abs=1e-13)


def test_enormous_signal_to_noise_ratio_is_integrated_in_panels():
    result = amplification.pair_exponent(PAIR, HALF, np.array([1e-30, 1e-100, 1e-290]), ZERO)
    np.testing.assert_allclose(result.exponent_quadrature, result.exponent, rtol=1e-12)


def test_boundary_rate_is_the_normal_curvature_of_the_mixture():
    """n'Hn at the boundary point, with the Jacobian from its definition."""
    weights, v, a = np.array([0.3, 0.7]), 0.37, np.hypot(0.7, 1.1)
    means = np.array([[0.2, -0.5], [1.6, 1.7]])
    normal = (means[1] - means[0]) / (2 * a)
    x = means.mean(axis=0) - v / (2 * a) * np.log(weights[1] / weights[0]) * normal
    expected = normal @ jacobian(means, weights, x, v) @ normal
    assert amplification.growth_rate(means, weights, np.array(0.17), np.array(0.1)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("means", "weights", "low"),
    [
        (TRIPLE, np.array([0.42, 0.16, 0.42]), 0.02),
        (TRIPLE, np.array([0.37, 0.26, 0.37]), 1e-3),
        (
            np.array([[-0.2], [0.2], [-4.0], [4.0], [-0.01], [0.01]]),
            np.array([0.05, 0.05, 0.449, 0.449, 0.001, 0.001]),
            1e-3,
        ),
        (np.array([[0.0, 1.1], [-1.3, -0.5], [1.3, -0.6]]), np.array([0.3, 0.36, 0.34]), 0.3),
        (np.eye(4) * 2 + [0, 0.1, 0.2, 0.3], np.array([0.24, 0.26, 0.25, 0.25]), 0.3),
    ],
)
def test_rate_integral_at_the_mean_agrees_with_adaptive_quadrature(means, weights, low):
    roots = roots_by_scan(means, weights, low / 10)
    assert roots.size
    padded = np.append(roots, [np.nan, np.nan])
    for v_min in (low, 2.1 * low):
        result = amplification.mean_exponent(means, weights, np.array(low / 2), np.array((v_min - low / 2) / 2), padded)
        expected = positive_integral(means, weights, v_min, roots)
        assert result.exponent_quadrature == pytest.approx(expected, rel=1e-11, abs=1e-11)
        assert result.quadrature_status == Status.ok


def test_the_closed_form_is_that_of_a_pair_alone():
    weights = np.array([0.3, 0.4, 0.3])
    result = amplification.mean_exponent(TRIPLE, weights, np.array(0.1), np.array([0.0, 0.1]), np.full(5, np.nan))
    assert result.amplification_status.tolist() == [Status.not_applicable] * 2
    assert np.isnan([result.exponent, result.snr]).all()
    assert (result.exponent_quadrature.tolist(), result.log10_factor.tolist()) == ([0.0, 0.0], [0.0, 0.0])
    assert np.all(result.quadrature_status == Status.no_real_root)


def test_of_a_regular_simplex_it_is_that_of_a_pair():
    """Gamma does not depend on v, so a^2 = lambda_1 = s^2/k is exact in (55); it is also the only root."""
    for k in (3, 5):
        means, weights = np.eye(k) * 3, np.full(k, 1 / k)
        result = amplification.mean_exponent(means, weights, np.array(0.01), ZERO, np.array([9 / k]))
        ratio = 900 / k
        assert result.exponent_quadrature == pytest.approx((ratio - 1 - np.log(ratio)) / 2, rel=1e-12)
        assert result.log10_factor == pytest.approx(float(result.exponent_quadrature) * np.log10(np.e), rel=1e-15)


def test_kink_where_eigenvalues_cross_leaves_all_digits():
    """Isosceles triangle: the largest eigenvalue changes from one symmetry class to the other between the roots."""
    means, weights = np.array([[0.0, 1.2], [-1.0, -0.5], [1.0, -0.5]]), np.full(3, 1 / 3)
    roots = roots_by_scan(means, weights, 0.005)
    result = amplification.mean_exponent(means, weights, np.array(0.05), ZERO, roots)
    expected = positive_integral(means, weights, 0.05, roots)
    assert result.exponent_quadrature == pytest.approx(expected, rel=1e-10)
    assert abs(result.exponent_quadrature - expected) <= result.exponent_quadrature_error + 1e-13 < 1e-9
    assert result.quadrature_status == Status.ok


def test_many_weights_on_another_branch_are_integrated_on_it():
    """Weights .04 .04 .21 .21 .25 .25 at +-3 e1, +-.8 e2, +-.8 e2: lambda_1 = .72, the only root .6398 lies across."""
    means = np.array([[3.0, 0], [-3, 0], [0, 0.8], [0, -0.8], [0, 0.8], [0, -0.8]])
    weights = np.array([0.04, 0.04, 0.21, 0.21, 0.25, 0.25])
    roots = roots_by_scan(means, weights, 0.1)
    np.testing.assert_allclose(roots, [0.6398], atol=2e-4)
    result = amplification.mean_exponent(means, weights, np.array(0.2), ZERO, roots)
    assert result.exponent_quadrature == pytest.approx(positive_integral(means, weights, 0.2, roots), rel=1e-12)


@given(seed=st.integers(0, 10**6), k=st.integers(3, 5), n=st.integers(1, 4))
def test_growth_rate_at_the_mean_is_the_largest_eigenvalue_of_the_jacobian(seed, k, n):
    means, weights = draw(seed, k, n)
    rate = amplification.growth_rate(means, weights, np.array(0.2), np.array([0.0, 0.3, 5.0]))
    expected = [rate_at_mean(means, weights, v) for v in (0.2, 0.8, 10.2)]
    np.testing.assert_allclose(rate, expected, rtol=1e-9, atol=1e-11)


def test_each_status_has_its_case():
    result = amplification.pair_exponent(
        PAIR * np.array([1.0, 1.0, 1.0, 0.0, 0.0])[:, None, None],
        HALF,
        np.array([0.5, 1.0, 0.0, 0.5, 0.0]),
        np.array([0.4, 0.0, 0.0, 0.0, 0.0]),
    )
    expected = [Status.ok, Status.below_data_variance, Status.singular, Status.no_transition, Status.singular]
    assert result.amplification_status.tolist() == expected
    assert result.quadrature_status.tolist() == expected
    for value in (result.exponent, result.exponent_quadrature, result.log10_factor):
        np.testing.assert_array_equal(value, [0.0, 0.0, np.nan, 0.0, np.nan])
    np.testing.assert_allclose(result.snr, [1 / 1.3, 1.0, np.nan, 0.0, np.nan], atol=1e-16)
    many = amplification.pair_exponent(TRIPLE, np.full(3, 1 / 3), ZERO, np.ones(2))
    assert many.amplification_status.tolist() == [Status.not_applicable] * 2
    assert np.isnan(many.exponent).all()
    equal = amplification.mean_exponent(np.ones((3, 2)), np.full(3, 1 / 3), np.array([0.0, 1.0]), ZERO, np.full(5, np.nan))
    assert equal.quadrature_status.tolist() == [Status.singular, Status.no_transition]
    rate, status = amplification.growth(PAIR, HALF, np.array([0.0, 1.0]), ZERO)
    assert np.isnan(rate[0])
    assert status.tolist() == [Status.singular, Status.ok]
    assert np.isnan(amplification.growth_rate(TRIPLE, np.full(3, 1 / 3), ZERO, ZERO))
    assert np.isnan(amplification.growth_rate(PAIR, HALF, ZERO, ZERO))


def test_no_point_raises_a_warning():
    variance = np.array([0.0, 1e-300, 1.0, 1e12])
    with np.errstate(all="raise", under="ignore"):
        amplification.pair_exponent(PAIR, np.array([1e-300, 1.0]), variance, np.array([[0.0], [1e12]]))
        amplification.mean_exponent(TRIPLE, np.full(3, 1 / 3), variance[1:], np.array([[0.0], [1e12]]), np.array([0.5]))
        amplification.growth_rate(PAIR, HALF, np.array([0.0, 1e-12]), ZERO)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n"), [(2, 1), (2, 4), (3, 1), (3, 2), (5, 4)])
def test_a_point_alone_has_the_bits_that_it_has_in_a_batch(k, n):
    means, weights = draw(5, k, n, (61,))
    variance = np.geomspace(1e-3, 0.5, 4)[:, None]
    tau = np.array([0.0, 0.01])[:, None, None]
    eigenvalue = decompose(means, weights).eigenvalues[:, 0]
    levels = np.stack([0.2 * eigenvalue, 0.5 * eigenvalue, eigenvalue, np.full(61, np.nan)], axis=-1)
    levels[::5] = np.nan

    def both(means, weights, variance, tau, levels):
        pair = amplification.pair_exponent(means, weights, variance, tau)
        rate = amplification.growth_rate(means, weights, variance, tau)
        return (*pair, *amplification.mean_exponent(means, weights, variance, tau, levels), rate)

    whole = both(means, weights, variance, tau, levels)
    for i in range(0, 61, 6):
        for j, t in ((0, 0), (3, 1), (2, 0)):
            alone = both(means[i], weights[i], variance[j, 0], tau[t, 0, 0], levels[i])
            for a, b in zip(whole, alone, strict=True):
                assert a.shape == (2, 4, 61)
                assert np.array_equal(a[t, j, i], b, equal_nan=True)
