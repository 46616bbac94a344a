"""Growth of score errors: closed form against references and quadrature, bound against actual errors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from scoreshock.conventions import Status
from scoreshock.kernels.flow import growth, sampling
from scoreshock.kernels.flow.trajectory import Profile
from tests import reference

HALF = np.array([0.5, 0.5])


def pair(a: float) -> np.ndarray:
    return np.array([[-a], [a]])


def at_centre(a: float, variance: float, tau_min: float, tau0: float) -> growth.CentreGrowth:
    return growth.centre_growth(*(np.array(float(value)) for value in (a, variance, tau_min, tau0)))


def log_error_by_quadrature(a: float, variance: float, tau_min: float, tau0: float) -> float:
    """``ln int exp(int s_x)`` in ``t = ln(y/v)``, with the integrand's peak taken out, on panels that crowd there."""
    v = variance + 2 * tau_min
    end = np.log1p(2 * (tau0 - tau_min) / v)

    def exponent(t: float) -> float:
        return t / 2 - a**2 / 2 / v * np.expm1(-t)

    edges = [0.0, *(end - np.geomspace(1, 1e-8, 30)[1:] * end), end]
    parts = [
        quad(lambda t: v / 2 * np.exp(exponent(t) - exponent(end)), low, high, epsabs=0, epsrel=1e-11)[0]
        for low, high in pairwise(edges)
    ]
    return np.log(sum(parts)) + exponent(end)


@pytest.mark.parametrize("case", reference.cases("gronwall_center"), ids=reference.identify)
def test_centre_meets_the_references(case):
    a, sigma, tau_min, tau0, bias = (case["inputs"][name] for name in ("a", "sigma0", "tau_min", "tau0", "bias"))
    result = at_centre(a, sigma**2, tau_min, tau0)
    reference.check(case, "log_e_over_bias", result.log_error)
    reference.check(case, "e_linear", bias * np.exp(result.log_error))
    reference.check(case, "log_growth_tau0_to_taumin", result.log_growth)
    bound = growth.flow_growth(np.zeros(1), pair(a), HALF, np.array(sigma**2), np.array([tau0, tau_min]))
    assert (abs(bound.log_bound[-1] - result.log_error) < 1e-8) == case["expected"]["bound_equals_linear"]


@pytest.mark.parametrize("case", reference.cases("gronwall_nonlinear"), ids=reference.identify)
def test_nonlinear_error_meets_the_references(case):
    a, sigma, tau_min, tau0, bias = (case["inputs"][name] for name in ("a", "sigma0", "tau_min", "tau0", "bias"))
    mixture = pair(a), HALF, np.array(sigma**2)
    result = growth.error_growth(np.zeros(1), *mixture, np.array([tau0, tau_min]), np.array([bias]), sampling.everywhere)
    linear = bias * np.exp(at_centre(a, sigma**2, tau_min, tau0).log_error)
    reference.check(case, "x_end", result.trajectory_difference[-1, 0])
    reference.check(case, "e_linear", linear)
    assert (result.trajectory_difference[-1, 0] / linear <= 1) == case["expected"]["ratio_le_1"]
    assert result.difference_precision[-1] < 1e-8


@pytest.mark.parametrize(
    ("a", "variance", "tau_min", "tau0"),
    [
        (1, 1e-4, 0, 5),
        (1, 0.01, 0, 0.1),
        (10, 1e-2, 0, 2e-2),
        (10, 1e-4, 0, 1e-3),
        (100, 1, 0, 100),
        (0, 1, 0, 3),
        (3, 1, 0, 2),
        (1e-3, 1, 1, 1e12),
        (50, 1, 0, 0.5),
        (0.7, 0.5, 0, 1e-5),
    ],
)
def test_closed_form_is_the_quadrature_from_cancelling_to_overflowing(a, variance, tau_min, tau0):
    expected = log_error_by_quadrature(a, variance, tau_min, tau0)
    assert at_centre(a, variance, tau_min, tau0).log_error == pytest.approx(expected, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize(
    ("R", "log_error", "log_growth"),
    [
        (1, 1.19519189947311616, -0.744402181853730727),
        (2, 1.38442883759752559, -0.569880266480759117),
        (10, 4.5813688771410098, 2.64293479108432052),
        (50, 23.7709473407028592, 21.8417967498567687),
        (100, 48.4236469654601697, 46.4956725603923387),
        (200, 98.0767096618962616, 96.1493238202143781),
        (500, 247.618345965193737, 245.691313412290943),
        (1000, 497.271699580847891, 495.344784816011782),
        (2000, 996.925089590319381, 994.998233724231901),
    ],
)
def test_bound_and_closed_form_at_the_centre_from_no_growth_to_overflow(R, log_error, log_growth):
    """a = 1, sigma0^2 = 1/R, tau from 5 to 0: section 6 in 60 + R/1.5 digits by mpmath."""
    variance = 1 / R
    closed = at_centre(1, variance, 0, 5)
    assert closed.log_error == pytest.approx(log_error, rel=1e-14, abs=1e-13)
    assert closed.log_growth == pytest.approx(log_growth, rel=1e-14, abs=1e-13)
    bound = growth.flow_growth(np.zeros(1), pair(1), HALF, np.array(variance), np.array([5.0, 0.0]))
    for each, expected in ((bound.log_bound, log_error), (bound.log_growth, log_growth)):
        assert abs(each[-1] - expected) <= min(bound.growth_error[-1], 1e-8)
    assert not bound.growth_status.any()


@pytest.mark.slow
@pytest.mark.parametrize("R", [1e4, 1e5])
def test_bound_at_the_centre_is_the_closed_form_far_beyond_overflow(R):
    bound = growth.flow_growth(np.zeros(1), pair(1), HALF, np.array(1 / R), np.array([5.0, 0.0]))
    assert bound.log_bound[-1] == pytest.approx(at_centre(1, 1 / R, 0, 5).log_error, rel=0, abs=1e-8)


@pytest.mark.parametrize("tau", [1e-15, 1e-9])
def test_bound_over_a_tiny_interval_is_the_interval(tau):
    bound = growth.flow_growth(np.zeros(1), pair(1), HALF, np.array(1.0), np.array([tau, 0.0]))
    assert np.exp(bound.log_bound[-1]) == pytest.approx(tau, rel=1e-8)


@pytest.mark.slow
def test_growth_on_a_trajectory_that_rounding_decides_is_unresolved():
    mixture = pair(1), np.array([0.3, 0.7]), np.array(0.002)
    start = sampling.probability_flow(np.array([-0.001 * np.log(0.7 / 0.3)]), *mixture, np.array([0.0, 2.0])).trajectory[-1]
    result = growth.flow_growth(start, *mixture, np.array([2.0, 1.0, 0.0]))
    assert result.growth_status.tolist() == [Status.ok, Status.ok, Status.unresolved]
    actual = growth.error_growth(start, *mixture, np.array([2.0, 1.0, 0.0]), np.array([0.01]), sampling.everywhere)
    assert actual.trajectory_status.tolist() == [Status.ok, Status.ok, Status.unresolved]
    assert actual.trajectory_difference_status.tolist() == [Status.ok, Status.ok, Status.unresolved]


def test_bound_of_rising_times_is_not_applicable():
    result = growth.flow_growth(np.zeros(1), pair(1), HALF, np.array(0.1), np.array([0.0, 1.0]))
    assert (result.growth_status == Status.not_applicable).all()
    assert np.isnan(result.log_bound).all()


@pytest.mark.slow
@pytest.mark.parametrize("bias", [0.01, 1e-5, -1e-8])
def test_difference_of_trajectories_keeps_its_relative_digits(bias):
    """Against an adaptive solver for both at 1e-13; what that leaves of the difference bounds the check."""
    means, weights, variance = np.array([[-1.0, 0.3], [0.8, -0.5], [0.1, 1.2]]), np.array([0.2, 0.5, 0.3]), 0.1

    def flows(minus_tau: float, y: np.ndarray) -> np.ndarray:
        v, slopes = variance - 2 * minus_tau, []
        for x, wrong in ((y[:2], 0.0), (y[2:], bias)):
            r = weights * np.exp(-((x - means) ** 2).sum(axis=1) / (2 * v))
            slopes.append((r @ means / r.sum() - x) / v + wrong)
        return np.concatenate(slopes)

    solved = solve_ivp(flows, (-1.5, 0.0), [0.2, 0.1, 0.2, 0.1], method="DOP853", rtol=1e-13, atol=1e-15).y[:, -1]
    result = growth.error_growth(
        np.array([0.2, 0.1]), means, weights, np.array(variance), np.array([1.5, 0.0]), np.full(2, bias), sampling.everywhere
    )
    expected, size = solved[2:] - solved[:2], np.abs(result.trajectory_difference[-1]).max()
    assert np.abs(result.trajectory_difference[-1] - expected).max() <= 1e-8 * size + 1e-13
    assert np.abs(result.trajectory_difference[-1] - expected).max() <= result.difference_precision[-1] + 1e-13
    assert result.trajectory_difference_status[-1] == Status.ok


def test_the_two_routes_of_the_closed_form_agree_where_they_meet(monkeypatch):
    tau0 = np.linspace(0.3, 2.0, 50)
    result = []
    for short in (0.0, 100.0):
        monkeypatch.setattr(growth, "SHORT", short)
        result.append(growth.centre_growth(np.array(1.0), np.array(0.3), np.array(0.0), tau0).log_error)
    np.testing.assert_allclose(*result, rtol=0, atol=1e-13)


def test_tiny_intervals_give_the_interval():
    for tau in (1e-15, 1e-9):
        assert np.exp(at_centre(1.0, 1.0, 0.0, tau).log_error) == pytest.approx(tau, rel=1e-8)


def test_centre_statuses():
    assert at_centre(1, 0, 0, 1).growth_status == Status.singular
    assert np.isnan(at_centre(1, 0, 0, 1).log_error)
    assert at_centre(1, 1, 2, 1).growth_status == Status.not_applicable
    assert at_centre(1, 1, 1, 1).log_error == -np.inf


def test_growth_along_a_trajectory_is_that_of_a_nearby_start():
    mixture = np.array([[-1.0], [0.4], [1.0]]), np.array([0.3, 0.3, 0.4]), np.array(0.1)
    track = np.array([1.5, 0.3, 0.0])
    result = growth.flow_growth(np.array([0.2]), *mixture, track)
    near = sampling.probability_flow(np.array([[0.2 - 1e-5], [0.2 + 1e-5]]), *mixture, track).trajectory[..., 0]
    np.testing.assert_allclose(np.exp(result.log_growth), np.diff(near, axis=0)[0] / 2e-5, rtol=1e-6)


def test_bound_is_the_linear_comparison_equation():
    """``dB/d(-tau) = mu B + 1`` along the trajectory, by an adaptive solver."""
    means, weights, variance = np.array([[-1.0, 0.3], [0.8, -0.5], [0.1, 1.2]]), np.array([0.2, 0.5, 0.3]), 0.1

    def rate(minus_tau: float, y: np.ndarray) -> np.ndarray:
        v, x = variance - 2 * minus_tau, y[:2]
        r = weights * np.exp(-((x - means) ** 2).sum(axis=1) / (2 * v))
        r /= r.sum()
        offset = means - r @ means
        hessian = offset.T @ (r[:, None] * offset) / v**2 - np.eye(2) / v
        return np.array([*((r @ means - x) / v), np.linalg.eigvalsh(hessian)[-1] * y[2] + 1])

    solved = solve_ivp(rate, (-1.5, 0.0), [0.2, 0.1, 0.0], method="DOP853", rtol=1e-12, atol=1e-14)
    result = growth.flow_growth(np.array([0.2, 0.1]), means, weights, np.array(variance), np.array([1.5, 0.4, 0.0]))
    assert result.log_bound[-1] == pytest.approx(np.log(solved.y[2, -1]), abs=1e-8)
    assert result.log_bound[-1] == pytest.approx(np.log(solved.y[2, -1]), abs=result.growth_error[-1])


@pytest.mark.slow
def test_an_error_in_the_layer_is_what_grows_at_the_centre_and_all_stay_below_the_bound():
    mixture, track = (pair(1.2), HALF, np.array(0.09)), np.array([1.5, 0.05])
    bound = np.exp(growth.flow_growth(np.zeros(1), *mixture, track).log_bound[-1])
    size = {
        position: abs(
            growth.error_growth(np.zeros(1), *mixture, track, np.array([1e-4]), profile).trajectory_difference[-1, 0]
        )
        / 1e-4
        for position, profile in sampling.PROFILES.items()
    }
    assert size["outside"] < 0.01 * size["layer"]
    assert 0.99 * bound < size["layer"] <= size["everywhere"] <= bound * (1 + 1e-6)


@pytest.mark.slow
def test_constant_errors_are_the_worst_of_their_size_on_a_line():
    mixture, track = (pair(1.0), np.array([0.3, 0.7]), np.array(0.09)), np.array([2.0, 0.0])
    x = np.linspace(-2, 2, 21)[:, None]

    def ends(profile: Profile, bias: float) -> np.ndarray:
        return growth.error_growth(x, *mixture, track, np.array([bias]), profile).trajectory_difference[:, -1, 0]

    low, high = ends(sampling.everywhere, -0.05), ends(sampling.everywhere, 0.05)
    for profile in (sampling.in_layer, sampling.outside_layer, lambda x, _mixture, _tau: np.sin(9 * x)):
        other = ends(profile, 0.05)
        assert np.all((low - 1e-9 <= other) & (other <= high + 1e-9))


@pytest.mark.slow
def test_growth_and_difference_do_not_depend_on_those_beside_them(monkeypatch):
    rng = np.random.default_rng(5)
    x, means = rng.normal(size=(2, 20, 2)), rng.normal(size=(2, 1, 3, 2))
    weights, variance, track = rng.dirichlet(np.ones(3), (2, 1)), rng.uniform(0.1, 1, (1, 20)), np.array([2.0, 0.5, 0.0])
    monkeypatch.setattr("scoreshock.kernels.flow.trajectory.PIECE", 32)
    linear = growth.flow_growth(x, means, weights, variance, track, 1e-6)
    actual = growth.error_growth(x, means, weights, variance, track, np.array([0.1, -0.2]), sampling.in_layer, 1e-6)
    monkeypatch.undo()
    alone = x[1, 13], means[1, 0], weights[1, 0], variance[0, 13], track
    for single, many in (
        (growth.flow_growth(*alone, 1e-6), linear),
        (growth.error_growth(*alone, np.array([0.1, -0.2]), sampling.in_layer, 1e-6), actual),
    ):
        assert all(np.array_equal(one, rows[1, 13]) for one, rows in zip(single, many, strict=True))
