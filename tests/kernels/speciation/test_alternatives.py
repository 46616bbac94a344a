"""Neighbouring criteria against published values, brute-force quadrature and limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar

from scoreshock.conventions import Status
from scoreshock.kernels.information.decisions import class_decisions
from scoreshock.kernels.speciation import alternatives

PAIR = np.array([[-1.0], [1.0]])
HALF = np.array([0.5, 0.5])
ZERO = np.array(0.0)
LINE = np.array([[-3.0], [-1.0], [0.0], [2.5]]), np.array([0.1, 0.4, 0.3, 0.2])


def averages(means: np.ndarray, weights: np.ndarray, v: float) -> tuple[float, float]:
    """Cloning probability and class entropy by adaptive quadrature of their definitions."""

    def parts(x: float) -> np.ndarray:
        return weights * np.exp(-((x - means[:, 0]) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)

    def surprise(x: float) -> float:
        p = parts(x)
        p = p[p > 0]
        return -(p * np.log(p / p.sum())).sum()

    ends = means.min() - 12 * np.sqrt(v), means.max() + 12 * np.sqrt(v)
    options = {"points": list(means[:, 0]), "epsabs": 1e-13, "epsrel": 1e-12, "limit": 500}
    cloned = quad(lambda x: (parts(x) ** 2).sum() / max(parts(x).sum(), 1e-300), *ends, **options)[0]
    return cloned, quad(surprise, *ends, **options)[0]


def test_default_level_is_the_cloning_of_a_pair_at_its_speciation():
    assert abs(averages(PAIR, HALF, 1.0)[0] - alternatives.LEVEL) < 1e-13


def test_a_pair_is_the_same_in_any_direction():
    turned = np.array([[0.6, 0.8], [-0.6, -0.8]]) + 5
    for function in (alternatives.cloning, alternatives.drift, alternatives.entropic):
        result, expected = function(turned, HALF, np.array(0.09)), function(PAIR, HALF, np.array(0.09))
        assert result[0] == pytest.approx(expected[0], rel=1e-10)


def test_cloning_time_of_an_equal_pair_is_its_speciation_time():
    a = np.array([0.5, 1.0, 30.0, 1e6])
    tau, status = alternatives.cloning(a[:, None, None] * PAIR, HALF, np.array(0.01))
    np.testing.assert_allclose(tau, (a**2 - 0.01) / 2, rtol=1e-12)
    assert not status.any()


def test_cloning_time_is_where_the_level_is_met():
    means, weights = LINE
    for level in (0.4, 0.7, 0.999):
        tau, status = alternatives.cloning(means, weights, np.array(0.01), level)
        assert status == Status.ok
        assert averages(means, weights, 0.01 + 2 * float(tau))[0] == pytest.approx(level, abs=1e-10)


def test_cloning_statuses():
    assert alternatives.cloning(PAIR, np.array([0.1, 0.9]), ZERO)[1] == Status.no_transition
    assert alternatives.cloning(0 * PAIR, HALF, ZERO)[1] == Status.no_transition
    tau, status = alternatives.cloning(PAIR, HALF, np.array(4.0))
    assert (status, round(float(tau), 9)) == (Status.below_data_variance, -1.5)
    triangle = np.array([[0.0, 1], [1, 0], [-1, 0]]), np.ones(3) / 3
    assert alternatives.cloning(*triangle, ZERO)[1] == Status.not_applicable
    assert alternatives.entropic(*triangle, ZERO)[1] == Status.not_applicable


def test_drift_of_unit_point_masses_is_as_published():
    tau, _ = alternatives.drift(PAIR, HALF, ZERO)
    assert 1 / np.sqrt(1 + 2 * tau) == pytest.approx(np.sqrt(np.sqrt(2) - 1), rel=1e-14)


def log_rate(means: np.ndarray, weights: np.ndarray, variance: float, tau: np.ndarray) -> np.ndarray:
    """Rate of the class entropy per ln tau: ``-gamma dH/dgamma`` at ``gamma = 1/(2 tau)``."""
    k = len(weights)
    found = class_decisions(means, weights, np.full(k, variance), tau, np.array(1), tuple((i,) for i in range(k)))
    return found.class_information_density / (2 * tau)


@pytest.mark.parametrize("variance", [0.0, 0.09, 0.9, 1.7, 4.0])
@pytest.mark.parametrize("a", [0.1, 1.0, 7.0])
def test_drift_of_a_pair_solves_its_equation(a, variance):
    tau, status = alternatives.drift(a * PAIR, HALF, np.array(variance))
    v = variance + 2 * tau
    assert (a**2 - v) / v == pytest.approx(-v / (2 * (1 + 2 * tau)), rel=1e-11)
    assert (status == Status.ok) == (tau > 0)


@pytest.mark.slow
def test_drift_of_more_components_is_the_largest_root_at_the_mean():
    means, weights = np.array([[-1.0, 0.2], [1.5, 0], [0, -0.7]]), np.array([0.4, 0.35, 0.25])
    centred = means - weights @ means

    def instability(v: float, variance: float) -> float:
        r = weights * np.exp(-(centred**2).sum(axis=1) / (2 * v))
        r /= r.sum()
        offset = centred - r @ centred
        return np.linalg.eigvalsh(offset.T @ (r[:, None] * offset))[-1] / v - 1 + 0.5 * v / (v + 1 - variance)

    for variance in (0.0, 0.3, 1.0, 2.5):
        tau, status = alternatives.drift(means, weights, np.array(variance))
        grid = np.geomspace(max(variance, 1e-3), 1e3, 4000)
        last = np.flatnonzero([instability(v, variance) > 0 for v in grid])[-1]
        expected = brentq(instability, grid[last], grid[last + 1], args=(variance,), xtol=1e-14)
        assert status == Status.ok
        assert tau == pytest.approx((expected - variance) / 2, rel=1e-10)


def rate_by_sums(a: float, weight: float, v: float, tau: float) -> float:
    """``tau E tr Gamma/v^2`` of a pair, ``Gamma = 4 a^2 r_1 r_2``, on a grid: for weights of any size."""
    x = np.linspace(-a - 30 * np.sqrt(v), a + 30 * np.sqrt(v), 200_001)
    logs = np.log([weight, 1 - weight])[:, None] - (x - np.array([[-a], [a]])) ** 2 / (2 * v)
    product = np.exp(logs.sum(axis=0) - np.logaddexp(*logs)) / np.sqrt(2 * np.pi * v)
    return 4 * a * a * product.sum() * (x[1] - x[0]) * tau / v**2


def test_criteria_of_extreme_pairs_are_found():
    large = alternatives.drift(1e150 * PAIR, HALF, np.array(1.0))
    assert large[0] == pytest.approx(1e300, rel=1e-12)
    for weight in (1e-12, 1e-100):
        weights = np.array([weight, 1 - weight])
        tau, status = alternatives.entropic(1e6 * PAIR, weights, np.array(1.0))
        assert status == Status.ok
        around = [rate_by_sums(1e6, weight, 1 + 2 * tau * factor, tau * factor) for factor in (0.9, 1.0, 1.1)]
        assert np.argmax(around) == 1


def test_drift_statuses():
    assert alternatives.drift(0 * PAIR, HALF, ZERO)[1] == Status.no_transition
    assert alternatives.drift(0.1 * PAIR, HALF, np.array(0.9))[1] == Status.below_data_variance
    narrow = 0.1 * np.array([[-1.0], [0.0], [1.0]]), np.ones(3) / 3
    tau, status = alternatives.drift(*narrow, np.array(0.9))
    assert status == Status.below_data_variance
    assert np.isnan(tau)
    assert alternatives.drift(0 * narrow[0], narrow[1], ZERO)[1] == Status.no_transition


@pytest.mark.slow
@pytest.mark.parametrize("mixture", [(PAIR, HALF), (PAIR, np.array([0.2, 0.8])), LINE])
@pytest.mark.parametrize("variance", [0.0, 0.09, 3.0])
def test_entropy_changes_fastest_per_log_snr_where_brute_force_says(mixture, variance):
    def rise(log_tau: float) -> float:
        tau = np.exp(log_tau)
        step = 1e-2
        high, low = (averages(*mixture, variance + 2 * tau * np.exp(s))[1] for s in (step, -step))
        return -(high - low)

    tau, status = alternatives.entropic(*mixture, np.array(variance))
    at = np.log(tau)
    expected = minimize_scalar(rise, bracket=(at - 0.3, at + 0.05, at + 0.3), tol=1e-5).x
    assert status == Status.ok
    assert at == pytest.approx(expected, abs=1e-3)
    everywhere = np.geomspace(1e-4, 1e4, 300)
    assert log_rate(*mixture, variance, tau) >= log_rate(*mixture, variance, everywhere).max()


def test_entropy_changes_fastest_per_tau_elsewhere():
    tau, status = alternatives.entropic(PAIR, HALF, np.array(0.09), per="tau")
    assert (status, round(float(tau), 3)) == (Status.ok, 0.104)
    assert alternatives.entropic(PAIR, HALF, np.array(1.0), per="tau")[1] == Status.below_data_variance
    assert alternatives.entropic(0 * PAIR, HALF, np.array(1.0))[1] == Status.no_transition


def test_of_two_levels_the_higher_peak_is_found():
    """Two close pairs far apart: each level has its own peak, at scales a thousand times apart."""
    means = np.array([[-10.03], [-9.97], [9.97], [10.03]])
    tau, _ = alternatives.entropic(means, np.array([0.25, 0.25, 0.25, 0.25]), np.array(1e-5))
    grid = np.geomspace(1e-5, 1e4, 600)
    assert log_rate(means, np.ones(4) / 4, 1e-5, tau) >= log_rate(means, np.ones(4) / 4, 1e-5, grid).max()


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.floats(0.02, 0.98), st.floats(1e-3, 1e3))
def test_times_scale_with_the_data_except_the_drift(weight, scale):
    weights = np.array([weight, 1 - weight])
    for function in (lambda *m: alternatives.cloning(*m, 0.98), alternatives.entropic):
        tau, status = function(PAIR, weights, np.array(0.01))
        scaled, same = function(scale * PAIR, weights, np.array(0.01 * scale**2))
        assert status == same
        np.testing.assert_allclose(scaled, tau * scale**2, rtol=1e-9)


@pytest.mark.slow
def test_times_do_not_depend_on_those_beside_them():
    a = np.linspace(0.3, 5, 150)
    means = a[:, None, None] * np.array([[-1.0], [0.2], [1.0]])
    weights = np.array([0.3, 0.3, 0.4])
    for function in (alternatives.cloning, alternatives.drift, alternatives.entropic):
        whole, status = function(means, weights, np.array(0.09))
        for i in (0, 31, 149):
            alone = function(means[i], weights, np.array(0.09))
            assert np.array_equal(alone[0], whole[i], equal_nan=True)
            assert alone[1] == status[i]


@pytest.mark.parametrize(("a", "index"), [(2.0, 55), (4.0, 64), (1.0, 30)])
def test_drift_finds_narrow_windows_of_instability(a, index):
    # In the first two it is unstable in one narrow window of v only.
    c = np.linspace(0.02, 0.9, 120)[index]
    mu, weights = a * np.array([-1.0, 0.0, 1.0]), np.array([(1 - c) / 2, c, (1 - c) / 2])
    v = np.geomspace(1e-4 * a * a, 8 * a * a, 60_000)
    r = weights * np.exp(-(mu**2) / (2 * v[:, None]))
    r /= r.sum(axis=1, keepdims=True)
    unstable = r @ mu**2 / v - 1 + v / (2 * (v + 1)) > 0
    last = np.flatnonzero(unstable)[-1]
    tau, status = alternatives.drift(mu[:, None], weights, ZERO)
    assert status == Status.ok
    assert v[last] <= 2 * tau <= v[last + 1]


@pytest.mark.slow
@pytest.mark.parametrize("k", [3, 4, 6])
@pytest.mark.parametrize("variance", [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 40.0])
def test_drift_of_many_mixtures_is_the_largest_root_of_a_dense_scan(k, variance):
    rng = np.random.default_rng(k)
    means = rng.standard_normal((12, k, 3)) * 10 ** rng.uniform(-1, 1, (12, 1, 1)) * 10 ** rng.uniform(-3, 0, (12, k, 1))
    weights = rng.dirichlet(np.ones(k), 12)
    for mu, w, tau, status in zip(means, weights, *alternatives.drift(means, weights, np.array(variance)), strict=True):
        centred = mu - w @ mu
        distances = (centred**2).sum(axis=1)
        top = max(4 * distances.max(), 4 * variance) * 1.1
        v = np.geomspace(max(variance, 1e-9 * top), top, 5000)
        logits = np.log(w) - distances / (2 * v[:, None])
        r = np.exp(logits - logits.max(axis=1, keepdims=True))
        r /= r.sum(axis=1, keepdims=True)
        offset = centred - (r @ centred)[:, None]
        gamma = np.einsum("vk,vka,vkb->vab", r, offset, offset)
        rate = np.linalg.eigvalsh(gamma)[:, -1] / v - 1 + v / (2 * (v + 1 - variance))
        unstable = np.flatnonzero(rate > 0)
        if len(unstable):
            assert status == Status.ok
            assert v[unstable[-1]] * (1 - 1e-12) <= variance + 2 * tau
        if status == Status.ok:
            assert not (rate[v > (variance + 2 * tau) * (1 + 1e-12)] > 1e-12).any()
        else:
            assert status == Status.below_data_variance


@pytest.mark.parametrize("scale", [1e-150, 1e-10, 1e150])
def test_drift_of_more_components_at_any_scale(scale):
    means, weights, variance = scale * np.array([[-1.0], [0.0], [1.0]]), np.ones(3) / 3, np.array([0.0, 1.0, 3.0])
    tau, status = alternatives.drift(means, weights, variance)
    if scale > 1:
        # Far above one the drift is neutral where Gamma = v/2, whatever sigma0.
        assert (status == Status.ok).all()
        np.testing.assert_allclose(tau, tau[0], rtol=1e-12)
        r = np.exp(-(scale**2) / (4 * tau[0]))
        assert 2 * r / (1 + 2 * r) * scale**2 == pytest.approx(tau[0], rel=1e-12)
    else:
        # What is no mixture is unstable where its own variance exceeds 2 (sigma0^2 - 1).
        assert status.tolist() == [Status.below_data_variance, Status.below_data_variance, Status.ok]
        assert tau[2] == pytest.approx(0.5, rel=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mu", "weights"),
    [
        ([0.0, 1e-5, 1.0], [0.45, 0.45, 0.1]),  # the highest peak is that of the near pair, 1e10 below the other in v
        ([0.0, 1e-12, 1.0], [0.05, 0.05, 0.9]),
        ([0.0, 0.02, 1.0, 1.011], [0.252, 0.252, 0.248, 0.248]),
        ([0.0, 0.02, 1.0, 1.011], [0.248, 0.248, 0.252, 0.252]),
    ],
)
def test_the_highest_of_several_peaks_is_found_at_any_separation_of_scales(mu, weights):
    means, weights = np.array(mu)[:, None], np.array(weights)
    tau, status = alternatives.entropic(means, weights, ZERO)
    least = np.diff(means[:, 0]).min() ** 2
    assert status == Status.ok
    assert log_rate(means, weights, 0.0, tau) >= log_rate(means, weights, 0.0, np.geomspace(least / 1e3, 10, 1500)).max()


def test_components_of_one_mean_never_part_and_keep_the_cloning_probability_below_a_level():
    # As v goes to 0 the probability is .1 + 2 * .45**2/.9 = .55.
    arguments = np.array([[-1.0], [1.0], [1.0]]), np.array([0.1, 0.45, 0.45]), np.array(0.25)
    tau, status = alternatives.cloning(*arguments)
    assert np.isnan(tau)
    assert status == Status.no_transition
    tau, status = alternatives.cloning(*arguments, level=0.5)
    assert status in (Status.ok, Status.below_data_variance)
    v = 0.25 + 2 * float(tau)
    assert averages(*arguments[:2], v)[0] == pytest.approx(0.5, abs=1e-9)
