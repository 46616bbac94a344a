"""The correction series against references, contour integrals, explicit low orders and exact roots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import decompose
from scoreshock.kernels.numerics.batching import core_first
from scoreshock.kernels.speciation import criteria, series
from tests import reference
from tests.kernels.gaussian.test_geometry import draw

ZERO = np.array(0.0)


def polygon(k: int, turn: float = 0.3) -> np.ndarray:
    angle = turn + 2 * np.pi * np.arange(k) / k
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def taylor(function, order: int, radius: float, points: int = 128) -> np.ndarray:
    """Taylor coefficients at zero of an analytic function, by the trapezoidal rule on a circle."""
    y = radius * np.exp(2j * np.pi * np.arange(points) / points)
    return (np.fft.fft([function(z) for z in y]).real / points)[: order + 1] / radius ** np.arange(order + 1)


def covariance(means: np.ndarray, weights: np.ndarray, y: complex) -> np.ndarray:
    """Gamma at v = 1/y (complex y) from its definition."""
    offset = means - weights @ means
    r = weights * np.exp(-y * (offset**2).sum(axis=1) / 2)
    r = r / r.sum()
    mean = r @ offset
    return offset.T @ (r[:, None] * offset) - np.outer(mean, mean)


def top_branch(means: np.ndarray, weights: np.ndarray):
    """The eigenvalue of Gamma(1/y) that continues the largest one at y = 0."""
    vector = np.linalg.eigh(covariance(means, weights, 0.0).real)[1][:, -1]

    def branch(y: complex) -> complex:
        values, vectors = np.linalg.eig(covariance(means, weights, y))
        return values[np.argmax(np.abs(vector @ vectors))]

    return branch


def corrections(means, weights, variance, order):
    return series.corrections(decompose(means, weights), weights, variance, order)


def lambda_series(means: np.ndarray, weights: np.ndarray, order: int) -> np.ndarray:
    return corrections(means, weights, ZERO, order).lambda_series


@pytest.mark.parametrize("case", reference.cases("corrections"), ids=reference.identify)
def test_series_meets_the_references(case):
    means, weights, variance = reference.means_of(case), reference.weights_of(case), case["inputs"]["sigma0"] ** 2
    result = corrections(means, weights, variance, case["inputs"]["order"])
    reference.check(case, "lambda_series", result.lambda_series)
    reference.check(case, "second_order_coeff", result.lambda_series[2])
    reference.check(case, "s2_series", result.coefficient)
    reference.check(case, "s2_partial_sums", variance + 2 * result.tau)
    for order, name in enumerate(("tau_leading", "tau_first", "tau_second")):
        reference.check(case, name, result.tau[order])


@pytest.mark.parametrize("case", reference.cases("corrections_degenerate"), ids=reference.identify)
def test_degenerate_series_starts_with_the_references(case):
    means, weights, variance = reference.means_of(case), reference.weights_of(case), case["inputs"]["sigma0"] ** 2
    result = corrections(means, weights, variance, 4)
    reference.check(case, "lambda1", result.lambda_series[0])
    reference.check(case, "C", 2 * result.lambda_series[1])
    reference.check(case, "tau_leading", result.tau[0])
    reference.check(case, "tau_first", result.tau[1])


@pytest.mark.parametrize(
    "case", [c for c in reference.cases("mean_jacobian") if "J_coeff_s2^-4" in c["expected"]], ids=reference.identify
)
def test_covariance_series_holds_the_jacobian_coefficients(case):
    """J = -I/v + G_0/v^2 + G_1/v^3 + G_2/v^4: (88) and the next order, rotated back to the means' own coordinates."""
    means, weights = reference.means_of(case), reference.weights_of(case)
    g = decompose(means, weights)
    values, d = (core_first(a, 1, ()) for a in (g.eigenvalues, g.distances))
    gamma = series.covariance_series(values, weights[:, None], d, core_first(g.coordinates, 2, ()), 2)[..., 0]
    turn = np.linalg.lstsq(means - weights @ means, g.coordinates, rcond=None)[0]
    for n, name in enumerate(("Sigma_B", "J_coeff_s2^-3", "J_coeff_s2^-4")):
        reference.check(case, name, turn @ gamma[n] @ turn.T)


@pytest.mark.parametrize("seed", range(6))
def test_eigenvalue_series_is_the_taylor_series_of_the_branch(seed):
    means, weights = draw(seed, 4, 3)
    means[:, 0] *= 3
    result = lambda_series(means, weights, 12)
    expected = taylor(top_branch(means, weights), 12, 0.05)
    np.testing.assert_allclose(result * 0.05 ** np.arange(13), expected * 0.05 ** np.arange(13), atol=1e-13)


@given(seed=st.integers(0, 10**6), k=st.integers(3, 6), n=st.integers(2, 4))
def test_second_coefficient_is_that_of_second_order_perturbation_theory(seed, k, n):
    means, weights = draw(seed, k, n)
    offset = means - weights @ means
    d = (offset**2).sum(axis=1)
    mean_d = weights @ d

    def moment(f):
        return offset.T @ ((weights * f)[:, None] * offset)

    values, vectors = np.linalg.eigh(moment(np.ones(k)))
    b = mean_d * moment(np.ones(k)) - moment(d)
    v = (weights * d) @ offset
    a_2 = (moment(d**2) - 2 * mean_d * moment(d) + (2 * mean_d**2 - weights @ d**2) * moment(np.ones(k))) / 8
    a_2 -= np.outer(v, v) / 4
    first = vectors[:, -1]
    mixed = sum((vectors[:, j] @ b @ first) ** 2 / (4 * (values[-1] - values[j])) for j in range(n - 1))
    expected = first @ a_2 @ first + mixed
    scale = abs(mixed) + np.abs(a_2).sum()
    assert lambda_series(means, weights, 2)[2] == pytest.approx(expected, abs=1e-9 * scale * (1 + scale))


def test_order_zero_and_one_are_the_criteria_to_the_last_bit():
    means, weights = draw(0, 4, 3, (50,))
    means[::5], weights[::5] = np.eye(4)[:, :3] * 3.7, 0.25
    g = decompose(means, weights)
    result = corrections(means, weights, np.array(0.3), 3)
    for order, (tau, status) in enumerate([criteria.leading(g, np.array(0.3)), criteria.first(g, weights, np.array(0.3))]):
        assert np.array_equal(result.tau[:, order], tau)
        assert np.array_equal(result.status[:, order], status)


@pytest.mark.parametrize(
    ("means", "weights"),
    [
        (np.eye(3), np.full(3, 1 / 3)),
        (np.eye(6) * 1e-70, np.full(6, 1 / 6)),
        (polygon(3), np.full(3, 1 / 3)),
        (polygon(7) * 1e60, np.full(7, 1 / 7)),
        (np.array([[-2.0], [2.0]]), np.array([0.5, 0.5])),
    ],
)
def test_equal_distances_make_every_correction_vanish(means, weights):
    result = corrections(means, weights, ZERO, 20)
    leading = result.coefficient[0]
    assert np.all(np.abs(result.coefficient[1:]) <= 1e-15 * leading)
    assert np.all(result.status == Status.ok)
    assert result.smallest_term == 1


@pytest.mark.parametrize("k", [3, 4, 5, 6])
@pytest.mark.parametrize("centre", [0.05, 0.2, 0.6])
def test_symmetry_that_keeps_the_tie_for_ever_gives_the_common_eigenvalue(k, centre):
    """Polygon and centre: Gamma is isotropic at every v, with eigenvalue (1/2) of its trace."""
    means = np.concatenate([polygon(k), np.zeros((1, 2))])
    weights = np.append(np.full(k, (1 - centre) / k), centre)
    expected = taylor(lambda y: np.trace(covariance(means, weights, y)) / 2, 12, 0.5)
    np.testing.assert_allclose(lambda_series(means, weights, 12), expected, atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0])
def test_tie_that_second_order_breaks_takes_the_larger_branch(angle):
    """Sums of w x^2 and w x^4 agree along two axes, those of w x^6 do not: the first axis wins at order two."""
    axis = np.sqrt([1.0, 1.0, 3.0, 3.0])[:, None] * [[1], [-1], [1], [-1]]
    along = np.concatenate([axis, np.zeros((3, 1))])
    across = np.concatenate([np.zeros((4, 1)), [[np.sqrt(2.5)], [-np.sqrt(2.5)], [0.0]]])
    weights = np.array([0.05, 0.05, 0.05, 0.05, 0.08, 0.08, 0.64])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    means = np.concatenate([along, across], axis=1)
    expected = taylor(lambda y: covariance(means, weights, y)[0, 0], 10, 0.5)
    other = taylor(lambda y: covariance(means, weights, y)[1, 1], 10, 0.5)
    np.testing.assert_allclose(expected[:2], other[:2], atol=1e-14)
    assert expected[2] > other[2] + 0.01
    np.testing.assert_allclose(lambda_series(means @ turn, weights, 10), expected, atol=1e-9)


def test_convergent_series_reaches_the_exact_root():
    means, weights = np.array([[-1.0], [0.0], [1.0]]), np.array([0.45, 0.1, 0.45])
    result = corrections(means, weights, ZERO, 40)

    def excess(v):
        return covariance(means, weights, 1 / v)[0, 0] - v

    assert 2 * result.tau[-1] == pytest.approx(brentq(excess, 0.5, 1.0, xtol=1e-15), abs=1e-12)
    assert np.all(np.diff(np.abs(result.coefficient[1:20])) < 0)


def test_two_components_diverge_where_no_root_exists():
    """No root for a minority weight below 0.3533: terms stop shrinking; above it they shrink on."""
    weights = np.array([[0.2, 0.8], [0.45, 0.55]])
    result = corrections(np.array([[-1.0], [1.0]]), weights, ZERO, 20)
    assert result.smallest_term[0] < 10
    assert result.smallest_term[1] == 20


@given(seed=st.integers(0, 10**6), k=st.integers(2, 4), n=st.integers(1, 3), scale=st.sampled_from([1e-100, 7.0, 1e100]))
@settings(max_examples=40)
def test_terms_scale_with_the_square_and_ignore_order_rotation_and_origin(seed, k, n, scale):
    means, weights = draw(seed, k, n)
    rng = np.random.default_rng(seed)
    order = rng.permutation(k)
    moved = (means @ np.linalg.qr(rng.standard_normal((n, n)))[0] + rng.standard_normal(n))[order] * scale
    result = corrections(means, weights, ZERO, 5)
    other = corrections(moved, weights[order], ZERO, 5)
    size = np.maximum.accumulate(np.abs(result.coefficient))
    gap = np.diff(np.append(decompose(means, weights).eigenvalues, 0.0))[0]
    tolerance = 1e-9 if abs(gap) > 1e-2 else 1e-3
    assert np.all(np.abs(other.coefficient / scale / scale - result.coefficient) <= tolerance * size)


def test_statuses_of_partial_sums():
    weights = np.array([0.2, 0.8])
    pair = np.array([[-1.0], [1.0]])
    result = corrections(pair, weights, np.array([0.0, 0.7, 1.0]), 2)
    assert result.status[:, 0].tolist() == [Status.ok, Status.below_data_variance, Status.below_data_variance]
    assert np.all(result.status[:, 1:] == Status.below_data_variance)
    assert np.all(np.isfinite(result.tau))
    equal = corrections(pair * 0, weights, np.array([0.5]), 2)
    assert np.all(equal.status == Status.no_transition)
    assert np.isnan(equal.tau).all()
    assert np.isnan(equal.coefficient).all()
    assert equal.smallest_term.tolist() == [-1]


def test_terms_beyond_floating_point_are_diverged():
    """A pair of weights (w, 1): c_1 -> -2, c_2 ~ -1/w, and c_4 ~ w^-3 cannot be represented for w = 1e-200."""
    result = corrections(np.array([[-1.0], [1.0]]), np.array([1e-200, 1.0]), ZERO, 6)
    assert result.coefficient[1] == pytest.approx(-2.0)
    assert np.isfinite(result.coefficient[2])
    assert result.status[1:].tolist() == [Status.below_data_variance] * 2 + [Status.diverged] * 4
    assert np.isnan(result.tau[3:]).all()


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n"), [(2, 1), (2, 3), (3, 2), (4, 3), (5, 8)])
def test_a_point_alone_has_the_bits_that_it_has_in_a_batch(k, n, monkeypatch):
    """Degenerate, equal and general points side by side, and blocks of any width."""
    means, weights = draw(3, k, n, (150,))
    means[::7], weights[::7] = np.concatenate([np.eye(k), np.zeros((k, 9))], axis=1)[:, :n], 1 / k
    means[::11] = 1.0
    if (k, n) == (5, 8):
        means[::5], weights[::5] = np.concatenate([polygon(4), np.zeros((1, 2))]) @ np.eye(2, n), 0.2
    variance = np.array([[0.1], [0.2]])
    whole = corrections(means, weights, variance, 6)
    monkeypatch.setattr(series, "BLOCK", 1)
    for a, b in zip(whole, corrections(means, weights, variance, 6), strict=True):
        assert np.array_equal(a, b, equal_nan=True)
    for i in range(0, 150, 3):
        alone = corrections(means[i], weights[i], variance[1, 0], 6)
        for a, b in zip(whole, alone, strict=True):
            assert np.array_equal(a[1, i], b, equal_nan=True)


@pytest.mark.parametrize("order", [0, 1])
def test_lowest_orders_have_their_own_length(order):
    result = corrections(*draw(0, 3, 2), ZERO, order)
    assert result.tau.shape == result.coefficient.shape == result.status.shape == (order + 1,)
