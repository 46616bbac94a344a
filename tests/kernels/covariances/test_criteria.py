"""Closed criteria and boundaries: references, published laws, brute-force points of the boundary, isotropic limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from scoreshock.conventions import Status
from scoreshock.kernels.covariances import criteria, fields
from scoreshock.kernels.covariances.components import components, covariance, from_covariances
from scoreshock.kernels.covariances.shared_pair import secular_root, snr, time_of_snr
from scoreshock.kernels.gaussian.geometry import decompose
from scoreshock.kernels.speciation import criteria as isotropic_criteria
from tests.kernels.covariances.draws import drawn, isotropic, rotated, scaled, shared_and_repeated, shared_pair
from tests.reference import cases, check, identify, means_of, weights_of

pytestmark = pytest.mark.filterwarnings("error")

TILTED = components([[-2.0, -1.0], [2.0, 1.0]], [0.3, 0.7], 0.0, [[4.0, 0.25]])


@pytest.mark.parametrize("case", cases("shared_pair"), ids=identify)
def test_reference_pairs(case):
    check(case, "R", snr(shared_pair(case), np.array(case["inputs"]["taus"])))
    for own in (False, True):
        c = shared_pair(case, own)
        check(case, "tau_boundary", criteria.boundary(c).tau)
        check(case, "tau_boundary_normal", criteria.boundary_normal(c).tau)


@pytest.mark.parametrize("case", cases("general_exact"), ids=identify)
def test_reference_leading(case):
    matrices = np.array(case["inputs"]["covariances"])
    c = from_covariances(means_of(case), weights_of(case), matrices)
    assert criteria.leading(c).status == Status.not_applicable
    if (matrices == matrices[0]).all():
        tau, status = criteria.leading(from_covariances(means_of(case), weights_of(case), matrices[:1]))
        check(case, "leading", tau if status == Status.ok else None)


def test_both_boundaries_of_the_example_in_the_theory():
    for c in (TILTED, TILTED._replace(eigenvalues=TILTED.eigenvalues.repeat(2, axis=0))):
        assert round(float(criteria.boundary(c).tau), 4) == 1.2049
        assert round(float(criteria.boundary_normal(c).tau), 4) == 0.7484


@pytest.mark.parametrize("k", [2, 3, 5])
def test_isotropic_components_have_the_isotropic_criteria(k):
    rng = np.random.default_rng(k)
    means, weights = rng.standard_normal((k, 3)), rng.dirichlet(np.full(k, 5.0))
    c, spectrum = isotropic(means, weights, 0.2), decompose(means, weights)
    expected = isotropic_criteria.leading(spectrum, np.array(0.2))
    np.testing.assert_allclose(criteria.leading(c), expected, rtol=1e-12)
    np.testing.assert_allclose(criteria.spectral(c), isotropic_criteria.spectral(spectrum, np.array(0.2)), rtol=1e-12)
    for own in (False, True):
        one = isotropic(means, weights, 0.2, own)
        expected = isotropic_criteria.boundary(means, weights, np.array(0.2))
        np.testing.assert_allclose(criteria.boundary(one), expected, rtol=1e-9)


def densest_boundary_point(c, tau, starts=5):
    """The densest point at which both components are as probable, by SLSQP from many starts."""
    rng = np.random.default_rng(0)
    odds = {"type": "eq", "fun": lambda x: np.diff(np.log(fields.responsibilities(x, c, tau)))[0]}
    tries = (
        minimize(
            lambda x: -fields.log_density(x, c, tau),
            2 * rng.standard_normal(c.means.shape[-1]),
            constraints=odds,
            method="SLSQP",
            options={"ftol": 1e-15, "maxiter": 500},
        )
        for _ in range(starts)
    )
    return min((one for one in tries if one.success and abs(odds["fun"](one.x)) < 1e-8), key=lambda one: one.fun).x


@pytest.mark.slow
@pytest.mark.parametrize(("n", "seed"), [(1, 0), (2, 0), (2, 1), (3, 0)])
def test_boundary_is_neutral_at_its_densest_point(n, seed):
    c = drawn(2, n, seed)._replace(means=1.3 * drawn(2, n, seed).means)
    tau, status = criteria.boundary(c)
    assert status == Status.ok
    x = densest_boundary_point(c, tau)
    assert abs(np.linalg.eigvalsh(fields.score_jacobian(x, c, tau))[-1]) < 1e-6
    tau, status = criteria.boundary_normal(c)
    if status == Status.ok:
        x = densest_boundary_point(c, tau)
        noisy = covariance(c) + 2 * tau * np.eye(n)
        g = np.linalg.solve(noisy, (c.means - x)[..., None])[..., 0]
        normal = (g[1] - g[0]) / np.linalg.norm(g[1] - g[0])
        assert abs(normal @ fields.score_jacobian(x, c, tau) @ normal) < 1e-6


@pytest.mark.parametrize("d", [4, 100, 10000])
def test_concentric_classes_part_as_the_law_in_the_theory(d):
    """``d ln(v2/v1)(v2 - v1) = 2 (v1 + v2)``, a growth as ln(d)/4 in the time of the Ornstein-Uhlenbeck process."""

    def law(tau):
        v1, v2 = 1 + 2 * tau, 3 + 2 * tau
        return d * np.log(v2 / v1) * (v2 - v1) - 2 * (v1 + v2)

    expected = brentq(law, 1e-9, 1e6, xtol=1e-13, rtol=1e-13)
    one = components(np.zeros((2, 1)), [0.5, 0.5], [1.0, 3.0])
    for criterion in (criteria.boundary, criteria.boundary_normal):
        assert criterion(one, dimension=d).tau == pytest.approx(expected, rel=1e-10)
    if d == 4:
        assert criteria.boundary(components(np.zeros((2, 4)), [0.5, 0.5], [1.0, 3.0])).tau == pytest.approx(
            expected, rel=1e-10
        )


def test_units_and_turns_do_not_matter():
    c = drawn(2, 3, 0)
    for criterion in (criteria.boundary, criteria.boundary_normal):
        tau = criterion(c).tau
        assert criterion(rotated(c)).tau == pytest.approx(tau, rel=1e-9, nan_ok=True)
        for unit in (1e-60, 100.0, 1e60):
            assert criterion(scaled(c, unit)).tau == pytest.approx(unit**2 * tau, rel=1e-9, nan_ok=True)
        swapped = c._replace(
            means=c.means[::-1], weights=c.weights[::-1], eigenvalues=c.eigenvalues[::-1], directions=c.directions[::-1]
        )
        assert criterion(swapped).tau == pytest.approx(tau, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("criterion", [criteria.boundary, criteria.boundary_normal])
def test_one_covariance_given_twice_has_the_same_boundary(criterion):
    one, twice = (criterion(c) for c in shared_and_repeated(2, 3, (20,)))
    assert (one.status == Status.ok).any()
    np.testing.assert_array_equal(one.status == Status.ok, twice.status == Status.ok)
    ok = one.status == Status.ok
    np.testing.assert_allclose(one.tau[ok], twice.tau[ok], rtol=1e-11)


def test_spectral_takes_the_whole_covariance():
    c = drawn(3, 4)
    offset = c.means - c.weights @ c.means
    whole = np.einsum("k,ki,kj->ij", c.weights, offset, offset) + np.einsum("k,kij->ij", c.weights, covariance(c))
    expected = (np.linalg.eigvalsh(whole)[-1] - 1) / 2
    assert criteria.spectral(c).tau == pytest.approx(expected, rel=1e-12)
    assert criteria.spectral(c, 7.66).tau == pytest.approx(3.33)
    low = components([[-0.1, 0, 0, 0], [0.1, 0, 0, 0]], [0.5, 0.5], 5.0)
    assert criteria.spectral(low).tau == pytest.approx(0.5 * (5.01 - 1))


def test_leading_of_several_components():
    c = drawn(4, 3)
    one = c._replace(eigenvalues=c.eigenvalues[:1], directions=c.directions[:1])
    offset = c.means - c.weights @ c.means
    between = np.einsum("k,ki,kj->ij", c.weights, offset, offset)
    tau, status = criteria.leading(one)
    assert tau == pytest.approx(0.5 * np.linalg.eigvalsh(between - covariance(one)[0])[-1], rel=1e-11)
    assert status == (Status.ok if tau > 0 else Status.below_data_variance)


def test_statuses():
    assert criteria.boundary(drawn(3, 2)).status == Status.not_applicable
    close = components([[-0.1, 0.0], [0.1, 0.0]], [0.5, 0.5], 1.0)
    for criterion in (criteria.leading, criteria.boundary):
        tau, status = criterion(close)
        assert tau == pytest.approx(-0.495)
        assert status == Status.below_data_variance
    equal = components(np.zeros((2, 2)), [0.5, 0.5], 1.0)
    same = components(np.zeros((2, 2)), [0.5, 0.5], [1.0, 1.0])
    for criterion, c in ((criteria.leading, equal), (criteria.boundary, equal), (criteria.boundary, same)):
        tau, status = criterion(c)
        assert np.isnan(tau)
        assert status == Status.no_transition
    assert criteria.spectral(equal).status == Status.no_transition
    one_wins = components(np.zeros((2, 1)), [0.999, 0.001], [1.0, 1.1])
    assert criteria.boundary(one_wins).status == Status.no_real_root
    broken = components([[-1.0], [np.inf]], [0.5, 0.5], [1.0, 2.0])
    assert criteria.boundary(broken).status == Status.failed


def test_levels_of_the_snr():
    levels = np.array([0.01, 1.0, 4.9, 5.1, 1e3])
    tau, status = time_of_snr(TILTED, levels)
    np.testing.assert_array_equal(status == Status.ok, levels < 5)
    np.testing.assert_allclose(snr(TILTED, tau), levels, rtol=1e-12)
    expected = brentq(lambda x: 1 / (2 + x) + 4 / (0.5 + x) - 1, 0, 10, xtol=1e-14)
    np.testing.assert_allclose(secular_root(np.array([[1.0], [4.0]]), np.array([[2.0], [0.5]]), np.ones(1)), expected)


def test_a_pair_has_the_bits_it_has_alone():
    c = drawn(2, 2, size=(4, 3))
    for criterion in (criteria.boundary, criteria.boundary_normal):
        whole = criterion(c).tau.ravel()
        for i in (0, 5, 11):
            np.testing.assert_array_equal(criterion(c.flat().take(i)).tau, whole[i])
