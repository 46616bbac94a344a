"""Densities with two wells: quadrature from the core to the tails, the decomposition, and their times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.wells.double_wells import potential, quartic
from scoreshock.kernels.wells.parts import State, Wells, boundary, decomposed, decomposition, quadrature_error, state
from scoreshock.kernels.wells.times import boundary_time, matched_gaussian, merging_time
from tests.reference import cases, check, identify

pytestmark = pytest.mark.filterwarnings("error")

TIMES = [1e-12, 1e-8, 1e-4, 1e-2, 0.27, 1.0, 10.0, 1e3, 1e6]
GRID = np.concatenate([np.linspace(-6, 6, 49), [-1e4, 1e4, -100, 100, 30, -30]])


def wells_of(c: float, b: float, h: float = 0.0) -> Wells:
    return quartic(np.array(c), np.array(b), np.array(h))


def relative(got, expected):
    return np.max(np.abs(got - expected) / np.maximum(1.0, np.abs(expected)))


@pytest.mark.parametrize("case", cases("quartic_state"), ids=identify)
def test_reference_state(case):
    i = case["inputs"]
    wells = wells_of(i["c"], i["b"], i["h"])
    result = state(wells, np.array(i["x"]), np.array(i["tau"]))
    parts = decomposed(result)
    check(case, "split", wells.split[0])
    check(case, "phi", parts.log_ratio)
    check(case, "phi_x", parts.log_ratio_gradient[0])
    check(case, "phi_xx", parts.log_ratio_hessian[0, 0])
    check(case, "phi_tau", parts.log_ratio_rate)
    check(case, "sbar", parts.background[0])
    check(case, "sbar_x", parts.background_jacobian[0, 0])
    check(case, "score", result.score)
    check(case, "score_x", result.score_x)


@pytest.mark.parametrize(("x", "tau"), [(0.3, 0.05), (-2.0, 0.5), (4.0, 2.0), (0.0, 30.0)])
def test_density_of_both_parts_against_adaptive_quadrature(x, tau):
    wells = wells_of(0.7, 1.2, 0.2)
    split, far = wells.split[0], 5.0

    def integrand(y, kernel=True):
        weight = np.exp(-((x - y) ** 2) / (4 * tau)) / np.sqrt(4 * np.pi * tau) if kernel else 1.0
        return np.exp(-0.7 * (y * y - 1.44) ** 2 + 0.2 * y) * weight

    def integral(low, high, *arguments):
        return quad(integrand, low, high, arguments, epsabs=0, epsrel=1e-13, limit=400)[0]

    total = integral(-far, split, False) + integral(split, far, False)
    result = state(wells, np.array(x), np.array(tau)).log_parts
    assert result[0] == pytest.approx(np.log(integral(-far, split) / total), abs=3e-13)
    assert result[1] == pytest.approx(np.log(integral(split, far) / total), abs=3e-13)


@pytest.mark.parametrize(("x", "tau"), [(-40.0, 0.3), (1e4, 1e-3), (25.0, 1e-6), (300.0, 50.0)])
def test_tails_against_dense_sums_about_the_mass(x, tau):
    wells = wells_of(1.0, 1.0)
    sign = np.sign(x)
    position = np.sort(np.roots([4.0, 0.0, -4.0 + 1 / (2 * tau), -abs(x) / (2 * tau)]).real)[-1]
    stiffness = 12 * position**2 - 4 + 1 / (2 * tau)
    d = np.linspace(-40, 40, 40001) / np.sqrt(stiffness)
    # U(y + d) - U(y) and the kernel's exponent, both as differences.
    change = d * (2 * position + d) * (2 * position**2 - 2 + d * (2 * position + d))
    z = position - abs(x)
    e = np.exp(-change - d * (2 * z + d) / (4 * tau))
    result = state(wells, np.array(x), np.array(tau))
    assert float(result.score) == pytest.approx(sign * (z + (d * e).sum() / e.sum()) / (2 * tau), rel=1e-9)
    log_p = np.log(e.sum() * (d[1] - d[0])) - (position**2 - 1) ** 2 - z**2 / (4 * tau) - np.log(4 * np.pi * tau) / 2
    assert float(result.log_density) == pytest.approx(log_p - wells.log_total[0], rel=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0.5, 0.3, 1e-4])
def test_two_gaussians_as_a_potential_are_the_mixture(weight):
    shares, means = np.array([1 - weight, weight]), np.array([[-2.0], [2.0]])

    def log_parts(x):
        return np.log(shares[0]) - (x + 2) ** 2 / 2, np.log(shares[1]) - (x - 2) ** 2 / 2

    def share(x):
        one, two = log_parts(x)
        return np.exp(two - np.logaddexp(one, two))

    result = potential(
        lambda x: -np.logaddexp(*log_parts(x)),
        lambda x: x + 2 - 4 * share(x),
        lambda x: 1 - 16 * share(x) * (1 - share(x)),
    )
    x = np.concatenate([np.linspace(-8, 8, 33), [50.0, -50.0]])
    for tau in (1e-10, 1e-6, 1e-3, 0.1, 1.0, 1e4):
        got = state(result, x, np.array(tau))
        arguments = x[:, None], means, shares, np.array(1.0), np.array(tau)
        assert relative(got.log_density, mixture.log_density(*arguments)) < 1e-12
        assert relative(got.score, mixture.score(*arguments)[:, 0]) < 1e-11
        assert relative(got.score_x, mixture.score_jacobian(*arguments)[:, 0, 0]) < 1e-9
    merged = merging_time(result)
    pair = ss.families.pair(separation=2.0, variance=1.0, weight=weight)
    expected = ss.speciation(pair, criteria=["merging"])
    if expected.status.item() == Status.ok:
        assert float(merged.tau) == pytest.approx(expected.tau_star.item(), rel=1e-9)


def test_a_single_gaussian_has_no_transition_and_its_own_score():
    result = potential(lambda x: x * x / 2, lambda x: x, np.ones_like)
    got = state(result, GRID, np.array(TIMES)[:, None])
    v = 1 + 2 * np.array(TIMES)[:, None]
    assert np.all(got.status == Status.no_transition)
    assert relative(got.score, -GRID / v) < 1e-12
    # U is differenced as a callable: at 1e4 deviations it has lost eight digits.
    assert relative(got.score_x, np.broadcast_to(-1 / v, got.score.shape)) < 5e-10
    assert relative(got.log_density, -(GRID**2) / (2 * v) - np.log(2 * np.pi * v) / 2) < 1e-12
    assert boundary_time(result).layer_status == Status.no_transition
    assert merging_time(result).merging_status == matched_gaussian(result)[1] == Status.no_transition


@pytest.mark.parametrize(
    "parameters", [(1.0, 1.0, 0.0), (1.0, 1.0, 0.1), (0.1, 3.0, 0.1), (50.0, 2.0, 0.5), (1e-3, 0.1, 0.0)]
)
def test_identity_and_log_ratio_equation_hold_from_core_to_tails(parameters):
    wells = wells_of(*parameters)
    result = decomposition(wells, GRID, np.array(TIMES)[:, None])
    assert np.all(result.decomposition_residual < 1e-13)
    assert np.all(result.log_ratio_residual < 1e-12)
    assert np.all(np.isfinite(result.log_ratio))


@pytest.mark.parametrize("tau", [1e-3, 0.05, 0.5, 20.0])
def test_derivatives_of_the_parts_are_those_of_their_logarithms(tau):
    wells = wells_of(1.0, 1.0, 0.1)
    x, step = np.linspace(-3, 3, 25), 2e-3 * np.sqrt(tau)
    result = state(wells, x, np.array(tau))

    def logs(x, tau):
        return state(wells, x, np.array(tau)).log_parts

    def difference(f, h):
        return (45 * (f(h) - f(-h)) - 9 * (f(2 * h) - f(-2 * h)) + f(3 * h) - f(-3 * h)) / (60 * h)

    first = difference(lambda h: logs(x + h, tau), step)
    assert np.max(np.abs(first - result.scores) / (1 + np.abs(result.scores))) < 1e-8
    second = difference(lambda h: state(wells, x + h, np.array(tau)).scores, step)
    assert np.max(np.abs(second - result.score_xs) / (1 / tau + np.abs(result.score_xs))) < 1e-9
    rate = difference(lambda h: logs(x, tau + h), 2e-3 * tau)
    assert np.max(np.abs(rate - result.rates) / (1 / tau + np.abs(result.rates))) < 1e-8
    whole = difference(lambda h: state(wells, x + h, np.array(tau)).score_x, step)
    assert np.max(np.abs(whole - result.score_xx) / (tau**-1.5 + np.abs(result.score_xx))) < 1e-9
    pde = result.score_xx + 2 * result.score * result.score_x
    drift = difference(lambda h: state(wells, x, np.array(tau + h)).score, 2e-3 * tau)
    assert np.max(np.abs(drift - pde) / (tau**-1.5 + np.abs(pde))) < 1e-8
    assert np.max(np.abs(result.score_tau - pde) / (tau**-1.5 + np.abs(pde))) < 1e-11


@pytest.mark.parametrize("c", [1e-4, 1.0, 50.0])
@pytest.mark.parametrize("b", [0.0, 0.01, 1.0, 3.0, 10.0])
def test_a_finer_rule_changes_nothing(c, b):
    wells = wells_of(c, b)
    reach = 2 * b + 2 * c**-0.25
    tau = np.array([1e-6, 1e-3, 1.0, 100.0])[:, None] * (b * b + c**-0.5)
    x = np.linspace(-reach, reach, 41)
    size = np.maximum(1.0, np.abs(state(wells, x, tau).log_parts).max(axis=0))
    assert np.all(quadrature_error(wells, x, tau) / size < 5e-14)


@pytest.mark.slow
def test_points_do_not_depend_on_their_batch():
    rng = np.random.default_rng(3)
    c, b, h = rng.uniform(0.1, 40, 60), rng.uniform(0.1, 3, 60), rng.normal(0, 0.3, 60)
    x, tau = rng.normal(0, 3, 60), 10 ** rng.uniform(-8, 4, 60)
    x[:4], tau[4:8] = [1e4, -1e4, 300, 0], 0
    whole = state(quartic(c, b, h), x, tau)
    one = [state(quartic(c[i], b[i], h[i]), x[i], tau[i]) for i in range(60)]
    for name in State._fields:
        assert np.array_equal(np.stack([getattr(o, name) for o in one], -1), getattr(whole, name), equal_nan=True)
    wells = wells_of(1.0, 1.0, 0.1)
    many = np.linspace(-4, 4, 2500)
    field = state(wells, many, np.array(0.2)).score
    assert np.array_equal(field[::250], state(wells, many[::250], np.array(0.2)).score)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 20), st.floats(0.3, 3), st.floats(-0.5, 0.5), st.floats(-4, 4), st.floats(-5, 2), st.floats(-2, 2))
def test_reflection_is_exact_and_scaling_holds(c, b, h, x, log_tau, log_scale):
    tau, scale = 10**log_tau, 10**log_scale
    result = state(wells_of(c, b, h), np.array(x), np.array(tau))
    mirrored = state(wells_of(c, b, -h), np.array(-x), np.array(tau))
    assert mirrored.log_ratio == -result.log_ratio
    assert mirrored.score == -result.score
    assert mirrored.log_density == result.log_density
    larger = state(wells_of(c / scale**4, b * scale, h / scale), np.array(x * scale), np.array(tau * scale**2))
    size = 1 + abs(float(result.log_density)) + abs(float(result.score))
    assert abs(float(larger.log_density) + np.log(scale) - float(result.log_density)) < 1e-11 * size
    assert abs(float(larger.score) * scale - float(result.score)) < 1e-9 * size


def test_symmetry_is_exact_at_the_centre():
    result = state(quartic(np.array([1.0, 0.3, 40.0]), np.array([1.0, 2.0, 3.0]), np.zeros(3)), np.zeros(3), np.array(0.4))
    assert np.all(result.log_ratio == 0)
    assert np.all(result.score == 0)


def test_boundary_moves_from_the_split_and_its_speed_is_its_derivative():
    wells = wells_of(1.0, 1.0, 0.1)
    start = boundary(wells, np.array(0.0))
    assert start.layer_status == Status.singular
    assert start.boundary == wells.split[0]
    assert start.normal_hessian == -wells.barrier_curvature[0]
    tau, step = np.array([1e-6, 1e-3, 0.1, 1.0, 1e4]), 1e-3
    result = boundary(wells, tau)
    assert abs(result.boundary[0] - wells.split[0]) < 1e-5
    assert np.max(np.abs(state(wells, result.boundary, tau).log_ratio)) < 1e-13
    away = [boundary(wells, tau * (1 + i * step)).boundary for i in (-1, 1)]
    assert np.allclose((away[1] - away[0]) / (2 * step * tau), result.boundary_velocity, rtol=1e-5, atol=1e-7)
    assert np.allclose(
        result.background_curvature + result.interfacial_curvature, result.normal_hessian, rtol=1e-9, atol=1e-8
    )


def test_tau_zero_is_the_initial_density():
    result = state(wells_of(1.0, 1.0, 0.1), np.array([-1.0, 0.5]), np.array(0.0))
    x = np.array([-1.0, 0.5])
    assert np.all(result.status == Status.singular)
    assert np.allclose(result.score, -4 * x * (x * x - 1) + 0.1, rtol=1e-14)
    assert np.allclose(result.score_x, 4 - 12 * x * x, rtol=1e-14)
    assert np.array_equal(result.log_ratio, [np.inf, -np.inf])
    near = state(wells_of(1.0, 1.0, 0.1), x, np.array(1e-14))
    assert relative(near.log_density, result.log_density) < 1e-12
    assert relative(near.score, result.score) < 1e-11


def test_a_window_far_wider_than_its_mass_loses_no_digits():
    # p = p0 + tau p0'' at small times; a narrow Gaussian within a cell is the hardest integrand.
    wells, x, tau = wells_of(1.0, 1.0, 0.1), np.array([-0.9, -0.2, 0.3, 0.9]), 1e-8
    slope, curvature = 4 * x * (x * x - 1) - 0.1, 12 * x * x - 4
    expected = -((x * x - 1) ** 2) + 0.1 * x - wells.log_total[0] + np.log1p(tau * (slope**2 - curvature))
    assert np.max(np.abs(state(wells, x, np.array(tau)).log_density - expected)) < 5e-14


@pytest.mark.slow
def test_statuses():
    wells = quartic(np.array(1.0), np.array([1.0, 1.0, 0.0, 1e4]), np.array([0.1, 2.0, 0.0, 0.0]))
    assert wells.status.tolist() == [Status.ok, Status.no_transition, Status.no_transition, Status.failed]
    crossing, merging = boundary_time(wells), merging_time(wells)
    for tau, status in ((crossing.tau, crossing.layer_status), (merging.tau, merging.merging_status)):
        assert np.array_equal(np.isfinite(tau), [True, False, False, False])
        assert status.tolist() == wells.status.tolist()
    weak = quartic(np.array(1.0), np.array(0.3), np.array(0.0))
    tau, status = matched_gaussian(weak)
    assert (tau < 0, status) == (True, Status.below_data_variance)
    assert np.isnan(state(wells, np.array(0.0), np.array(-1.0)).log_density).all()
    assert np.all(state(wells, np.array(np.nan), np.array(1.0)).status == Status.failed)
    assert np.isfinite(state(wells, np.array(0.2), np.array(0.1)).score).tolist() == [True, True, True, False]
