"""Decisions, clocks and collapse of components with covariances: brute force, isotropic results, identities, draws."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import sqrtm
from scipy.optimize import brentq
from scipy.special import entr
from scipy.stats import multivariate_normal, norm, ortho_group

from scoreshock.conventions import Status
from scoreshock.kernels.information.classes import Method
from scoreshock.kernels.information.clocks import clock_levels
from scoreshock.kernels.information.collapse import collapse
from scoreshock.kernels.information.covariances import Along, Covariances, differing
from scoreshock.kernels.information.decisions import class_decisions, decision_windows

NUMBERS = ("class_entropy", "one_minus_cloning", "class_information_density", "mmse", "mmse_of_class")
SINGLES = tuple((i,) for i in range(12))
TAU = np.array([0.02, 0.3, 2.0, 30.0])
WEIGHTS = np.array([0.5, 0.2, 0.3])
DRAWN = Method("monte-carlo", 1 << 14, 3)


def drawn(k: int, n: int, seed: int, shared: bool = False) -> tuple[np.ndarray, np.ndarray, Along]:
    """Means, covariance matrices and the same as variances along directions, of random components."""
    rng = np.random.default_rng(seed)
    roots = rng.standard_normal((1 if shared else k, n, n)) / np.sqrt(n)
    matrices = 0.2 * roots @ roots.swapaxes(1, 2) + 0.05 * np.eye(n)
    values, vectors = np.linalg.eigh(matrices)
    return rng.standard_normal((k, n)), matrices, Along(values, vectors.swapaxes(1, 2))


def of(means: np.ndarray, along: Along, tau: np.ndarray, method: Method = Method(), groups=None):  # noqa: B008
    """Decisions of components whose directions are all listed."""
    k, n = means.shape
    weights = WEIGHTS[:k] / WEIGHTS[:k].sum()
    return class_decisions(means, weights, np.zeros(k), tau, np.array(n), groups or SINGLES[:k], method, along)


@pytest.mark.parametrize("tau", [0.0, 0.05, 1.0])
def test_two_gaussians_of_different_variance_on_a_line_are_adaptive_quadratures(tau):
    means, variance, weights = np.array([-0.3, 0.8]), np.array([0.04, 0.9]), np.array([0.35, 0.65])
    noise = 2 * tau
    v = variance + noise

    def parts(x):
        p = weights * norm.pdf(x, means, np.sqrt(v))
        return p.sum(), p / p.sum()

    def entropy(x):
        p, r = parts(x)
        return p * entr(r).sum()

    def doubt(x):
        p, r = parts(x)
        return p * (r * r[::-1]).sum()

    def spread(x):
        p, r = parts(x)
        denoised = means + variance / v * (x - means)
        return p * (r @ (denoised - r @ denoised) ** 2)

    def expectation(function):
        edges = np.sort(np.concatenate([m + s * np.arange(-10, 11, 2) for m, s in zip(means, np.sqrt(v), strict=True)]))
        return sum(quad(function, a, b, epsabs=1e-13, epsrel=1e-11, limit=200)[0] for a, b in pairwise(edges))

    found = class_decisions(
        means[:, None], weights, np.zeros(2), np.array(tau), np.array(1), SINGLES[:2], along=Along(variance[:, None])
    )
    assert found.decisions_status == Status.ok
    between, within = expectation(spread), weights @ (noise * variance / v)
    assert found.class_entropy == pytest.approx(expectation(entropy), rel=1e-9)
    assert found.one_minus_cloning == pytest.approx(expectation(doubt), rel=1e-9)
    assert found.class_information_density == pytest.approx(between / 2, rel=1e-9, abs=1e-15)
    assert found.mmse == pytest.approx(between + within, rel=1e-9, abs=1e-15)
    assert found.mmse_of_class == pytest.approx(within, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_isotropic_covariances_are_the_isotropic_result(shared):
    means = np.random.default_rng(1).standard_normal((3, 2))
    turn = ortho_group.rvs(2, random_state=0)
    variance = np.full(3, 0.1) if shared else np.array([0.1, 0.3, 0.15])
    isotropic = class_decisions(means, WEIGHTS, variance, TAU, np.array(2), SINGLES[:3])
    along = (
        Along(variance[:1, None] * np.ones(2), turn[None]) if shared else Along(variance[:, None] * np.ones(2), turn[None])
    )
    for each in (along, Along(variance[:, None] * np.ones(2))):
        found = of(means, each, TAU)
        assert (found.decisions_status == isotropic.decisions_status).all()
        for name in NUMBERS:
            np.testing.assert_allclose(getattr(found, name), getattr(isotropic, name), rtol=1e-9, err_msg=name)


@pytest.mark.slow
def test_listed_directions_are_those_of_the_whole_matrix_and_outside_counts_the_radius():
    means, variance = np.array([[-1.0], [0.2], [1.5]]), np.array([0.05, 0.3, 0.12])
    isotropic = class_decisions(means, WEIGHTS, variance, TAU, np.array(5), SINGLES[:3])
    listed = class_decisions(
        means, WEIGHTS, variance, TAU, np.array(5), SINGLES[:3], along=Along(variance[:, None], np.ones((3, 1, 1)))
    )
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(listed, name), getattr(isotropic, name), rtol=1e-9, err_msg=name)


@pytest.mark.slow
def test_few_directions_and_a_floor_are_the_matrices_that_they_stand_for():
    means = np.random.default_rng(5).standard_normal((3, 3))
    u, floor = ortho_group.rvs(3, random_state=1), np.array([0.1, 0.2, 0.15])
    low = Along(np.array([[0.5], [0.8], [0.2]]), u[:, None])
    matrices = [f * np.eye(3) + (e - f) * np.outer(d, d) for f, e, d in zip(floor, low.eigenvalues[:, 0], u, strict=True)]
    values, vectors = np.linalg.eigh(matrices)
    arguments = TAU, np.array(3), SINGLES[:3]
    few = class_decisions(means, WEIGHTS, floor, *arguments, DRAWN, low)
    whole = class_decisions(means, WEIGHTS, np.zeros(3), *arguments, DRAWN, Along(values, vectors.swapaxes(1, 2)))
    exact = class_decisions(means, WEIGHTS, floor, *arguments, Method("quadrature"), low)
    for name in ("class_entropy", "one_minus_cloning", "class_information_density", "mmse"):
        error = getattr(few, f"{name}_error")
        assert (np.abs(getattr(few, name) - getattr(exact, name)) < 4 * error).all()
        assert (np.abs(getattr(few, name) - getattr(whole, name)) < 6 * error).all()


@pytest.mark.parametrize("shared", [True, False])
def test_a_rotation_and_an_offset_change_nothing(shared):
    means, _, along = drawn(3, 2, 2, shared)
    turn = ortho_group.rvs(2, random_state=4)
    turned = Along(along.eigenvalues, along.directions @ turn)
    one, other = of(means, along, TAU), of(means @ turn + 3.0, turned, TAU)
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("tau", TAU)
def test_one_covariance_is_unit_variance_after_whitening(tau):
    means, matrices, along = drawn(3, 5, 3, shared=True)
    white = means @ np.linalg.inv(sqrtm(matrices[0] + 2 * tau * np.eye(5))).real
    found = of(means, along, np.array(tau))
    unit = class_decisions(white, WEIGHTS, np.ones(3), np.array(0.0), np.array(5), SINGLES[:3])
    for name in ("class_entropy", "one_minus_cloning"):
        assert getattr(found, name) == pytest.approx(getattr(unit, name), rel=1e-9)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("groups", [SINGLES[:3], ((0, 2), (1,))])
def test_class_entropy_falls_in_gamma_at_the_information_density(shared, groups):
    means, _, along = drawn(3, 2, 6, shared)
    h, gamma = 1e-3, 1.3
    found = of(means, along, 0.5 / (gamma + h * np.array([-1.0, -0.5, 0.0, 0.5, 1.0])), groups=groups)
    entropy = found.class_entropy
    slope = (8 * (entropy[3] - entropy[1]) - (entropy[4] - entropy[0])) / (6 * h)
    assert (found.decisions_status == Status.ok).all()
    assert slope == pytest.approx(-found.class_information_density[2], rel=1e-9)
    assert found.mmse[2] - found.mmse_of_class[2] == pytest.approx(2 * found.class_information_density[2], rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_information_density_of_separated_components_adds_up_to_the_entropy_of_the_weights(shared):
    """Of flat components, which have no variance across, along parallel lines and along lines of their own."""
    means = np.array([[0.0, 0.0], [0.0, 5.0], [0.0, 12.0]])
    turn = np.stack([[[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]] for a in ((0.3,) if shared else (0.1, 0.3, -0.2))])
    along = Along(np.tile([0.4, 0.0], (len(turn), 1)), turn)
    log_gamma = np.linspace(np.log(1e-7), np.log(20.0), 161)
    rate = of(means, along, 0.5 / np.exp(log_gamma)).class_information_density
    total = np.trapezoid(rate * np.exp(log_gamma), log_gamma) + 1e-7 * rate[0]
    assert total == pytest.approx(-(WEIGHTS * np.log(WEIGHTS)).sum(), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_draws_agree_with_quadrature_within_their_standard_error(shared):
    means, _, along = drawn(3, 2, 7, shared)
    exact, errors = of(means, along, TAU), []
    for seed in range(6):
        found = of(means, along, TAU, Method("monte-carlo", 1600, seed))
        for name in ("class_entropy", "one_minus_cloning", "class_information_density", "mmse"):
            error = getattr(found, f"{name}_error")
            assert (error > 0).all()
            errors.append((getattr(found, name) - getattr(exact, name)) / error)
    assert np.abs(errors).max() < 5
    assert 0.7 < np.sqrt(np.mean(np.square(errors))) < 1.5


def by_definition(means: np.ndarray, matrices: np.ndarray, tau: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Class entropy and one minus cloning of draws and densities of SciPy, and their standard errors."""
    k, n = means.shape
    rng, noisy = np.random.default_rng(0), [matrix + 2 * tau * np.eye(n) for matrix in matrices]
    member = rng.choice(k, count, p=WEIGHTS[:k])
    x = np.stack([rng.multivariate_normal(means[j], noisy[j]) for j in member])
    logs = np.stack([np.log(WEIGHTS[j]) + multivariate_normal.logpdf(x, means[j], noisy[j]) for j in range(k)])
    r = np.exp(logs - logs.max(axis=0))
    r /= r.sum(axis=0)
    values = np.stack([-(r * np.log(np.maximum(r, 1e-300))).sum(axis=0), 1 - (r * r).sum(axis=0)])
    return values.mean(axis=1), values.std(axis=1) / np.sqrt(count)


@pytest.mark.slow
@pytest.mark.parametrize("tau", [0.01, 0.3])
@pytest.mark.parametrize("shared", [True, False])
def test_many_dimensions_are_as_densities_of_scipy_say(tau, shared):
    means, matrices, along = drawn(3, 6, 8, shared)
    if shared:
        matrices = np.broadcast_to(matrices, (3, 6, 6))
    expected, error = by_definition(means, matrices, tau, 4000)
    found = of(means, along, np.array(tau), DRAWN)
    for value, own, name in zip(expected, error, ("class_entropy", "one_minus_cloning"), strict=True):
        assert abs(getattr(found, name) - value) < 4 * np.hypot(own, getattr(found, f"{name}_error"))


@pytest.mark.slow
def test_a_window_ends_where_the_share_remains():
    means, _, along = drawn(3, 2, 9)
    share = np.array([0.3, 0.5, 0.95])
    found = decision_windows(means, WEIGHTS, np.zeros(3), share, SINGLES[:3], np.array(2), along=along)
    assert (found.status == Status.ok).all()
    entropy = of(means, along, found.sigma**2 / 2).class_entropy
    np.testing.assert_allclose(entropy, share * -(WEIGHTS * np.log(WEIGHTS)).sum(), rtol=1e-9)


@pytest.mark.slow
def test_equal_components_never_part_whatever_their_covariance():
    rows = np.stack([np.eye(2)] * 2)
    along, pair = Along(np.tile([0.1, 0.4], (2, 1)), rows), (np.zeros((2, 2)), np.full(2, 0.5), np.zeros(2))
    found = decision_windows(*pair, np.array([0.5]), SINGLES[:2], np.array(2), along=along)
    assert found.status.tolist() == [Status.no_transition]
    apart = Along(np.array([[1e-4, 0.4], [0.4, 1e-4]]), rows)
    found = decision_windows(*pair, np.array([0.5]), SINGLES[:2], np.array(2), along=apart)
    assert found.status.tolist() == [Status.ok]
    eigenvalues, member = np.array([[0.1, 0.4], [0.1, 0.4], [0.2, 0.4]]), np.array([[0, 0], [1, 2]])
    assert differing(Covariances(eigenvalues, None), np.zeros((2, 2)), member).tolist() == [0.0, 0.4]


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_clocks_run_as_the_mean_squared_error_says(shared):
    means, _, along = drawn(2, 2, 10, shared)
    weights = WEIGHTS[:2] / WEIGHTS[:2].sum()
    ends = np.array(0.05), np.array(8.0)
    found = clock_levels(means, weights, np.zeros(2), np.array(2), *ends, 4, Method(), along)

    def rate(sigma, power):
        return float(of(means, along, np.array(sigma**2 / 2)).mmse) / sigma**power

    for power, levels, total in (
        (3, found.sigma_entropic, found.entropic_total),
        (2, found.sigma_rescaled, found.rescaled_total),
    ):
        steps = [quad(rate, b, a, (power,), epsrel=1e-8)[0] for a, b in pairwise(levels)]
        np.testing.assert_allclose(steps, total / 4, rtol=1e-7)


def test_collapse_of_one_gaussian_is_where_its_information_is_the_logarithm():
    variances = np.array([0.5, 2.0, 0.03])
    found = collapse(
        np.zeros((1, 3)), np.ones(1), np.zeros(1), np.array(3), np.array(500), Method(), along=Along(variances[None])
    )
    square = brentq(lambda q: 0.5 * np.log1p(variances / q).sum() - np.log(500), 1e-9, 10, xtol=1e-15)
    assert found.sigma_collapse == pytest.approx(np.sqrt(square), rel=1e-9)


def test_collapse_of_separated_components_adds_the_entropy_of_the_weights():
    variances = np.array([[0.5, 2.0], [1.0, 0.1]])
    means = np.array([[0.0, 0.0], [500.0, 0.0]])
    found = collapse(means, np.full(2, 0.5), np.zeros(2), np.array(2), np.array(500), Method(), along=Along(variances))

    def information(q):
        return np.log(2) + 0.25 * np.log1p(variances / q).sum() - np.log(500)

    assert found.sigma_collapse == pytest.approx(np.sqrt(brentq(information, 1e-9, 10, xtol=1e-15)), rel=1e-7)


@pytest.mark.slow
def test_a_point_is_the_same_alone_and_among_others():
    for shared in (True, False):
        means, _, along = drawn(3, 4, 11, shared)
        method = Method("monte-carlo", 64, 1)
        together = of(means, along, TAU, method)
        for i, tau in enumerate(TAU):
            alone = of(means, along, np.array(tau), method)
            assert [float(field) for field in alone] == [float(field[i]) for field in together]
