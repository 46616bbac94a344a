"""Closed-form criteria against references, known limits and symmetries; every status is reached."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import decompose
from scoreshock.kernels.speciation import criteria
from tests import reference
from tests.kernels.gaussian.test_geometry import draw

PAIR = np.array([[-1.0], [1.0]])
HALF = np.array([0.5, 0.5])
THREE = np.array([[-1.0], [0.0], [1.0]])
BY_NAME = {
    "leading": lambda g, _, variance: criteria.leading(g, variance),
    "first": criteria.first,
    "quadratic": criteria.quadratic,
    "spectral": lambda g, _, variance: criteria.spectral(g, variance),
}


def simplex(k: int) -> np.ndarray:
    return np.eye(k)


@pytest.mark.parametrize("case", reference.cases("corrections"), ids=reference.identify)
def test_leading_first_and_quadratic_meet_the_references(case):
    means, weights, variance = reference.means_of(case), reference.weights_of(case), case["inputs"]["sigma0"] ** 2
    g = decompose(means, weights)
    reference.check(case, "lambda1", g.eigenvalues[0])
    reference.check(case, "Dbar", weights @ g.distances)
    reference.check(case, "C", criteria.correction_coefficient(g, weights))
    reference.check(case, "tau_leading", criteria.leading(g, variance)[0])
    reference.check(case, "tau_first", criteria.first(g, weights, variance)[0])
    tau, status = criteria.quadratic(g, weights, variance)
    reference.check(case, "tau_quadratic", tau)
    reference.check(case, "quadratic_real", bool(status != Status.no_real_root))


@pytest.mark.parametrize("case", reference.cases("corrections_degenerate"), ids=reference.identify)
def test_degenerate_leading_eigenvalue_takes_the_largest_coefficient(case):
    means, weights, variance = reference.means_of(case), reference.weights_of(case), case["inputs"]["sigma0"] ** 2
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((2, 2)))[0]
    for m in (means, means @ turn, np.concatenate([means, np.zeros((4, 3))], axis=1)):
        g = decompose(m, weights)
        reference.check(case, "lambda1", g.eigenvalues[0])
        reference.check(case, "C", criteria.correction_coefficient(g, weights))
        reference.check(case, "tau_leading", criteria.leading(g, variance)[0])
        reference.check(case, "tau_first", criteria.first(g, weights, variance)[0])


@pytest.mark.parametrize("name", ["leading", "first", "quadratic"])
@pytest.mark.parametrize("means", [PAIR, simplex(3), simplex(5) * 1e100, simplex(4) * 1e-100])
def test_criteria_agree_where_all_distances_are_equal(name, means):
    """Corollary 9.3; the regular simplex with unit edges sqrt(2) has lambda = 1/k."""
    k = len(means)
    g, weights = decompose(means, np.full(k, 1 / k)), np.full(k, 1 / k)
    expected = 1.0 if means is PAIR else means.max() ** 2 / k
    tau, status = BY_NAME[name](g, weights, np.array(0.0))
    assert tau == pytest.approx(expected / 2, rel=1e-12)
    assert status == Status.ok


@given(seed=st.integers(0, 10**6), k=st.integers(2, 6), n=st.integers(1, 6))
def test_coefficient_is_minus_the_covariance_of_distance_and_squared_coordinate(seed, k, n):
    means, weights = draw(seed, k, n)
    g = decompose(means, weights)
    y2 = g.coordinates[:, 0] ** 2
    covariance = weights @ (g.distances * y2) - (weights @ g.distances) * (weights @ y2)
    assert criteria.correction_coefficient(g, weights) == pytest.approx(-covariance, abs=1e-12)


@given(seed=st.integers(0, 10**6), k=st.integers(2, 5), n=st.integers(1, 4), scale=st.sampled_from([1e-100, 0.3, 1e100]))
def test_criteria_scale_with_the_square_and_ignore_order_rotation_and_origin(seed, k, n, scale):
    means, weights = draw(seed, k, n)
    rng = np.random.default_rng(seed)
    order = rng.permutation(k)
    moved = (means @ np.linalg.qr(rng.standard_normal((n, n)))[0] + rng.standard_normal(n))[order] * scale
    g, other = decompose(means, weights), decompose(moved, weights[order])
    for name in ("leading", "first", "quadratic"):
        tau, status = BY_NAME[name](g, weights, np.array(0.1))
        tau_moved, status_moved = BY_NAME[name](other, weights[order], np.array(0.1 * scale**2))
        np.testing.assert_allclose(tau_moved / scale / scale, tau, rtol=1e-6, atol=1e-9)
        assert status == status_moved


def test_three_equal_weights_on_a_line_have_a_vanishing_discriminant():
    """There lambda_1^2 + 2C is identically zero, so v* = lambda_1/2 whatever rounding says."""
    rng = np.random.default_rng(0)
    means = np.concatenate([THREE[None], rng.standard_normal((500, 3, 1)) * 10.0 ** rng.uniform(-5, 5, (500, 1, 1))])
    weights = np.full(3, 1 / 3)
    g = decompose(means, weights)
    tau, status = criteria.quadratic(g, weights, np.array(0.0))
    assert np.all(status == Status.ok)
    np.testing.assert_allclose(tau, g.eigenvalues[:, 0] / 4, rtol=1e-6)


def test_boundary_is_the_squared_half_distance_for_any_weights():
    weights = np.array([[0.5, 0.5], [0.3, 0.7], [1e-300, 1.0]])
    tau, status = criteria.boundary(np.array([[0.0, 0.0], [6.0, 8.0]]), weights, np.array(1.0))
    np.testing.assert_allclose(tau, [12.0] * 3, rtol=1e-15)
    assert np.all(status == Status.ok)
    tau, status = criteria.boundary(THREE, np.full(3, 1 / 3), np.zeros(4))
    assert np.isnan(tau).all()
    assert np.all(status == Status.not_applicable)
    assert tau.shape == (4,)


@pytest.mark.parametrize(("total", "log_time"), [(7.66, 1.02), (16.72, 1.41)])
def test_spectral_time_matches_published_values(total, log_time):
    """Biroli et al. (2024): t_S = ln(Lambda)/2 of MNIST and CIFAR; tau is the same time of the variance-exploding clock."""
    g = decompose(PAIR * np.sqrt(total - 1), HALF)
    tau, status = criteria.spectral(g, np.array(1.0))
    assert status == Status.ok
    assert np.log1p(2 * tau) / 2 == pytest.approx(log_time, abs=0.005)


def test_cascade_gives_each_level_its_time():
    means = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    tau, status = criteria.cascade(decompose(means, np.full(4, 0.25)), np.array([0.0, 1.0]))
    np.testing.assert_allclose(tau, [[2.25, 0.25], [1.75, -0.25]], rtol=1e-14)
    assert status.tolist() == [[Status.ok, Status.ok], [Status.ok, Status.below_data_variance]]
    flat = criteria.cascade(decompose(np.outer([-1.0, 0, 1, 2], [1.0, 2.0, 2.0]), np.full(4, 0.25)), np.array(0.0))
    assert flat[1].tolist() == [Status.ok, Status.no_transition, Status.no_transition]
    assert np.isnan(flat[0][1:]).all()


@pytest.mark.parametrize("name", list(BY_NAME))
def test_equal_means_are_no_transition(name):
    weights = np.full(3, 1 / 3)
    tau, status = BY_NAME[name](decompose(np.ones((3, 2)), weights), weights, np.array([0.0, 4.0]))
    assert np.isnan(tau).all()
    assert np.all(status == Status.no_transition)


def test_each_status_has_its_case():
    g = decompose(PAIR, HALF)
    assert criteria.leading(g, np.array(1.0))[1] == Status.below_data_variance
    assert criteria.leading(g, np.array(3.0))[0] == -1.0
    assert criteria.boundary(PAIR, HALF, np.array(2.0))[1] == Status.below_data_variance
    assert criteria.boundary(PAIR * 0, HALF, np.array(2.0))[1] == Status.no_transition
    tau, status = criteria.spectral(decompose(PAIR / 2, HALF), np.array(0.25))
    assert (tau, status) == (-0.25, Status.no_transition)
    tau, status = criteria.spectral(g, np.array(0.25), np.array([3.0, 0.5, np.nan]))
    np.testing.assert_array_equal(tau, [1.0, -0.25, np.nan])
    assert status.tolist() == [Status.ok, Status.no_transition, Status.not_applicable]
    minority = decompose(PAIR, np.array([0.1, 0.9]))
    assert criteria.quadratic(minority, np.array([0.1, 0.9]), np.array(0.0))[1] == Status.no_real_root
    tau, status = criteria.first(minority, np.array([0.1, 0.9]), np.array(0.0))
    assert status == Status.below_data_variance
    assert tau == pytest.approx(0.36 / 2 - 0.36 * 0.64 * 4 / (4 * 0.36), rel=1e-13)


def test_tiny_weights_give_the_limit_and_no_warning():
    """First order of a pair: v* = 4 w w' + c_1 with c_1 = -2 (w' - w)^2, which tends to -2."""
    weights = np.array([1e-300, 1.0])
    g = decompose(PAIR, weights)
    with np.errstate(all="raise", under="ignore"):
        assert criteria.first(g, weights, np.array(0.0))[0] == pytest.approx(-1.0, rel=1e-14)
        assert criteria.quadratic(g, weights, np.array(0.0))[1] == Status.no_real_root
        assert criteria.leading(g, np.array(0.0))[0] == pytest.approx(2e-300, rel=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 2), (5, 3), (4, 9)])
def test_a_point_alone_has_the_bits_that_it_has_in_a_batch(k, n):
    means, weights = draw(11, k, n, (23,))
    means[::4, :, :] = np.concatenate([np.eye(k), np.zeros((k, 9))], axis=1)[:, :n]
    weights[::4] = 1 / k
    variance = np.linspace(0, 1, 7)[:, None]
    for name, criterion in BY_NAME.items():
        tau, status = criterion(decompose(means, weights), weights, variance)
        assert tau.shape == status.shape == (7, 23)
        assert status.dtype == np.int8
        for i in range(23):
            alone = criterion(decompose(means[i], weights[i]), weights[i], variance[3, 0])
            assert np.array_equal(tau[3, i], alone[0], equal_nan=True), name
            assert status[3, i] == alone[1]
