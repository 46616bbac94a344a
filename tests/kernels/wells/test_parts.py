"""Densities with two wells: quadrature from the core to the tails, the decomposition, and their times."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.wells.double_wells import potential, quartic, table
from scoreshock.kernels.wells.parts import State, Wells, boundary, decomposed, decomposition, quadrature_error, state
from scoreshock.kernels.wells.times import boundary_time, matched_gaussian, merging_time
from scoreshock.quantities.declaration import criteria_of
from scoreshock.quantities.wells import well, well_boundary, well_fields, well_speciation
from tests.reference import cases, check, identify

TIMES = [1e-12, 1e-8, 1e-4, 1e-2, 0.27, 1.0, 10.0, 1e3, 1e6]
GRID = np.concatenate([np.linspace(-6, 6, 49), [-1e4, 1e4, -100, 100, 30, -30]])


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def wells_of(c: float, b: float, h: float = 0.0) -> Wells:
    return quartic(np.array(c), np.array(b), np.array(h))


def relative(got, expected):
    return np.max(np.abs(got - expected) / np.maximum(1.0, np.abs(expected)))


@pytest.mark.parametrize("case", cases("quartic_state"), ids=identify)
def test_reference_state(case):
    i = case["inputs"]
    wells = wells_of(i["c"], i["b"], i["h"])
    found = state(wells, np.array(i["x"]), np.array(i["tau"]))
    parts = decomposed(found)
    check(case, "split", wells.split[0])
    check(case, "phi", parts.log_ratio)
    check(case, "phi_x", parts.log_ratio_gradient[0])
    check(case, "phi_xx", parts.log_ratio_hessian[0, 0])
    check(case, "phi_tau", parts.log_ratio_rate)
    check(case, "sbar", parts.background[0])
    check(case, "sbar_x", parts.background_jacobian[0, 0])
    check(case, "score", found.score)
    check(case, "score_x", found.score_x)


@pytest.mark.parametrize("case", cases("quartic_symmetric") + cases("quartic_tilted"), ids=identify)
def test_reference_times(case):
    i, expected = case["inputs"], case["expected"]
    wells = wells_of(i["c"], i["b"], i.get("h", 0.0))
    found = boundary_time(wells)
    merged = merging_time(wells, found)
    check(case, "tau_star" if "tau_star" in expected else "tau_boundary", found.tau)
    check(case, "sbar_x", found.background_curvature)
    check(case, "grad_phi_abs", found.jump)
    check(case, "interfacial_term", found.interfacial_curvature)
    if "tau_star" in expected:
        check(case, "tau_star", merged.tau)
        return
    check(case, "split", wells.split[0])
    check(case, "x_boundary", found.x_boundary)
    check(case, "score_at_boundary", found.score_boundary)
    check(case, "tau_mode_merge", merged.tau)
    check(case, "x_mode_merge", merged.x_merging)


@pytest.mark.parametrize(
    ("c", "b", "tau"),
    [(1.0, 1.0, 0.269102819666421), (0.25, 2.0, 1.67004938118059), (0.1, 3.0, 4.18557261091395)],
)
def test_published_times_of_the_symmetric_quartic(c, b, tau):
    assert float(boundary_time(wells_of(c, b)).tau) == pytest.approx(tau, rel=1e-13)
    assert float(matched_gaussian(wells_of(c, b))[0]) == pytest.approx((b**2 - 1 / (8 * c * b**2)) / 2, rel=1e-14)


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
    found = state(wells, np.array(x), np.array(tau)).log_parts
    assert found[0] == pytest.approx(np.log(integral(-far, split) / total), abs=3e-13)
    assert found[1] == pytest.approx(np.log(integral(split, far) / total), abs=3e-13)


@pytest.mark.parametrize(("x", "tau"), [(-40.0, 0.3), (1e4, 1e-3), (25.0, 1e-6), (300.0, 50.0)])
def test_tails_against_dense_sums_about_the_mass(x, tau):
    wells = wells_of(1.0, 1.0)
    sign = np.sign(x)
    place = np.sort(np.roots([4.0, 0.0, -4.0 + 1 / (2 * tau), -abs(x) / (2 * tau)]).real)[-1]
    stiffness = 12 * place**2 - 4 + 1 / (2 * tau)
    d = np.linspace(-40, 40, 40001) / np.sqrt(stiffness)
    # U(y + d) - U(y) and the kernel's exponent, both as differences.
    change = d * (2 * place + d) * (2 * place**2 - 2 + d * (2 * place + d))
    z = place - abs(x)
    e = np.exp(-change - d * (2 * z + d) / (4 * tau))
    found = state(wells, np.array(x), np.array(tau))
    assert float(found.score) == pytest.approx(sign * (z + (d * e).sum() / e.sum()) / (2 * tau), rel=1e-9)
    log_p = np.log(e.sum() * (d[1] - d[0])) - (place**2 - 1) ** 2 - z**2 / (4 * tau) - np.log(4 * np.pi * tau) / 2
    assert float(found.log_density) == pytest.approx(log_p - wells.log_total[0], rel=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0.5, 0.3, 1e-4])
def test_two_gaussians_as_a_potential_are_the_mixture(weight):
    shares, means = np.array([1 - weight, weight]), np.array([[-2.0], [2.0]])

    def log_parts(x):
        return np.log(shares[0]) - (x + 2) ** 2 / 2, np.log(shares[1]) - (x - 2) ** 2 / 2

    def share(x):
        one, two = log_parts(x)
        return np.exp(two - np.logaddexp(one, two))

    found = potential(
        lambda x: -np.logaddexp(*log_parts(x)),
        lambda x: x + 2 - 4 * share(x),
        lambda x: 1 - 16 * share(x) * (1 - share(x)),
    )
    x = np.concatenate([np.linspace(-8, 8, 33), [50.0, -50.0]])
    for tau in (1e-10, 1e-6, 1e-3, 0.1, 1.0, 1e4):
        got = state(found, x, np.array(tau))
        arguments = x[:, None], means, shares, np.array(1.0), np.array(tau)
        assert relative(got.log_density, mixture.log_density(*arguments)) < 1e-12
        assert relative(got.score, mixture.score(*arguments)[:, 0]) < 1e-11
        assert relative(got.score_x, mixture.score_jacobian(*arguments)[:, 0, 0]) < 1e-9
    merged = merging_time(found)
    pair = ss.families.pair(separation=2.0, variance=1.0, weight=weight)
    expected = ss.speciation(pair, criteria=["merging"])
    if expected.status.item() == Status.ok:
        assert float(merged.tau) == pytest.approx(expected.tau_star.item(), rel=1e-9)


def test_a_single_gaussian_has_no_transition_and_its_own_score():
    found = potential(lambda x: x * x / 2, lambda x: x, np.ones_like)
    got = state(found, GRID, np.array(TIMES)[:, None])
    v = 1 + 2 * np.array(TIMES)[:, None]
    assert np.all(got.status == Status.no_transition)
    assert relative(got.score, -GRID / v) < 1e-12
    # U is differenced as a callable: at 1e4 deviations it has lost eight digits.
    assert relative(got.score_x, np.broadcast_to(-1 / v, got.score.shape)) < 5e-10
    assert relative(got.log_density, -(GRID**2) / (2 * v) - np.log(2 * np.pi * v) / 2) < 1e-12
    assert boundary_time(found).layer_status == Status.no_transition
    assert merging_time(found).merging_status == matched_gaussian(found)[1] == Status.no_transition


@pytest.mark.parametrize(
    "parameters", [(1.0, 1.0, 0.0), (1.0, 1.0, 0.1), (0.1, 3.0, 0.1), (50.0, 2.0, 0.5), (1e-3, 0.1, 0.0)]
)
def test_identity_and_log_ratio_equation_hold_from_core_to_tails(parameters):
    wells = wells_of(*parameters)
    found = decomposition(wells, GRID, np.array(TIMES)[:, None])
    assert np.all(found.decomposition_residual < 1e-13)
    assert np.all(found.log_ratio_residual < 1e-12)
    assert np.all(np.isfinite(found.log_ratio))


@pytest.mark.parametrize("tau", [1e-3, 0.05, 0.5, 20.0])
def test_derivatives_of_the_parts_are_those_of_their_logarithms(tau):
    wells = wells_of(1.0, 1.0, 0.1)
    x, step = np.linspace(-3, 3, 25), 2e-3 * np.sqrt(tau)
    found = state(wells, x, np.array(tau))

    def logs(x, tau):
        return state(wells, x, np.array(tau)).log_parts

    def difference(f, h):
        return (45 * (f(h) - f(-h)) - 9 * (f(2 * h) - f(-2 * h)) + f(3 * h) - f(-3 * h)) / (60 * h)

    first = difference(lambda h: logs(x + h, tau), step)
    assert np.max(np.abs(first - found.scores) / (1 + np.abs(found.scores))) < 1e-8
    second = difference(lambda h: state(wells, x + h, np.array(tau)).scores, step)
    assert np.max(np.abs(second - found.score_xs) / (1 / tau + np.abs(found.score_xs))) < 1e-9
    rate = difference(lambda h: logs(x, tau + h), 2e-3 * tau)
    assert np.max(np.abs(rate - found.rates) / (1 / tau + np.abs(found.rates))) < 1e-8
    whole = difference(lambda h: state(wells, x + h, np.array(tau)).score_x, step)
    assert np.max(np.abs(whole - found.score_xx) / (tau**-1.5 + np.abs(found.score_xx))) < 1e-9
    pde = found.score_xx + 2 * found.score * found.score_x
    drift = difference(lambda h: state(wells, x, np.array(tau + h)).score, 2e-3 * tau)
    assert np.max(np.abs(drift - pde) / (tau**-1.5 + np.abs(pde))) < 1e-8
    assert np.max(np.abs(found.score_tau - pde) / (tau**-1.5 + np.abs(pde))) < 1e-11


@pytest.mark.parametrize("c", [1e-4, 1.0, 50.0])
@pytest.mark.parametrize("b", [0.0, 0.01, 1.0, 3.0, 10.0])
def test_a_finer_rule_changes_nothing(c, b):
    wells = wells_of(c, b)
    reach = 2 * b + 2 * c**-0.25
    tau = np.array([1e-6, 1e-3, 1.0, 100.0])[:, None] * (b * b + c**-0.5)
    x = np.linspace(-reach, reach, 41)
    size = np.maximum(1.0, np.abs(state(wells, x, tau).log_parts).max(axis=0))
    assert np.all(quadrature_error(wells, x, tau) / size < 5e-14)


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


@pytest.mark.slow
def test_times_do_not_depend_on_their_batch():
    c, b, h = np.array([1.0, 0.1, 30.0, 2.0]), np.array([1.0, 3.0, 2.0, 0.1]), np.array([0.1, 0.0, -0.4, 1.0])
    wells = quartic(c, b, h)
    for time in (boundary_time, merging_time):
        whole = time(wells)
        one = [time(quartic(c[i], b[i], h[i])) for i in range(4)]
        for name in whole._fields:
            assert np.array_equal(np.stack([getattr(o, name) for o in one]), getattr(whole, name), equal_nan=True)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 20), st.floats(0.3, 3), st.floats(-0.5, 0.5), st.floats(-4, 4), st.floats(-5, 2), st.floats(-2, 2))
def test_reflection_is_exact_and_scaling_holds(c, b, h, x, log_tau, log_scale):
    tau, scale = 10**log_tau, 10**log_scale
    found = state(wells_of(c, b, h), np.array(x), np.array(tau))
    mirrored = state(wells_of(c, b, -h), np.array(-x), np.array(tau))
    assert mirrored.log_ratio == -found.log_ratio
    assert mirrored.score == -found.score
    assert mirrored.log_density == found.log_density
    larger = state(wells_of(c / scale**4, b * scale, h / scale), np.array(x * scale), np.array(tau * scale**2))
    size = 1 + abs(float(found.log_density)) + abs(float(found.score))
    assert abs(float(larger.log_density) + np.log(scale) - float(found.log_density)) < 1e-11 * size
    assert abs(float(larger.score) * scale - float(found.score)) < 1e-9 * size


def test_symmetry_is_exact_at_the_centre():
    found = state(quartic(np.array([1.0, 0.3, 40.0]), np.array([1.0, 2.0, 3.0]), np.zeros(3)), np.zeros(3), np.array(0.4))
    assert np.all(found.log_ratio == 0)
    assert np.all(found.score == 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters", [(1.0, 1.0, 0.1), (1.0, 1.0, -1.0), (0.1, 3.0, 1e-6), (10.0, 0.3, 0.3), (140.0, 9.0, -5e4)]
)
def test_the_number_of_modes_falls_at_the_merging_time(parameters):
    wells = wells_of(*parameters)
    merged = merging_time(wells)
    assert merged.merging_status == Status.ok
    b = parameters[1]
    x = np.unique(np.concatenate([np.linspace(-1.5 * b, 1.5 * b, 601), merged.x_merging + b * np.linspace(-0.1, 0.1, 801)]))
    counts = []
    for tau in (0.99 * merged.tau, 1.01 * merged.tau):
        s = state(wells, x, tau).score
        counts.append(int(((s[:-1] > 0) & (s[1:] <= 0)).sum()))
    assert counts == [2, 1]


def test_boundary_moves_from_the_split_and_its_speed_is_its_derivative():
    wells = wells_of(1.0, 1.0, 0.1)
    start = boundary(wells, np.array(0.0))
    assert start.layer_status == Status.singular
    assert start.boundary == wells.split[0]
    assert start.normal_hessian == -wells.barrier_curvature[0]
    tau, step = np.array([1e-6, 1e-3, 0.1, 1.0, 1e4]), 1e-3
    found = boundary(wells, tau)
    assert abs(found.boundary[0] - wells.split[0]) < 1e-5
    assert np.max(np.abs(state(wells, found.boundary, tau).log_ratio)) < 1e-13
    away = [boundary(wells, tau * (1 + i * step)).boundary for i in (-1, 1)]
    assert np.allclose((away[1] - away[0]) / (2 * step * tau), found.boundary_velocity, rtol=1e-5, atol=1e-7)
    assert np.allclose(found.background_curvature + found.interfacial_curvature, found.normal_hessian, rtol=1e-9, atol=1e-8)


def test_tau_zero_is_the_initial_density():
    found = state(wells_of(1.0, 1.0, 0.1), np.array([-1.0, 0.5]), np.array(0.0))
    x = np.array([-1.0, 0.5])
    assert np.all(found.status == Status.singular)
    assert np.allclose(found.score, -4 * x * (x * x - 1) + 0.1, rtol=1e-14)
    assert np.allclose(found.score_x, 4 - 12 * x * x, rtol=1e-14)
    assert np.array_equal(found.log_ratio, [np.inf, -np.inf])
    near = state(wells_of(1.0, 1.0, 0.1), x, np.array(1e-14))
    assert relative(near.log_density, found.log_density) < 1e-12
    assert relative(near.score, found.score) < 1e-11


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


@pytest.mark.slow
def test_a_callable_and_a_table_of_the_quartic_agree_with_it():
    def u(x):
        return (x * x - 1) ** 2 - 0.1 * x

    x = np.linspace(-2.5, 2.5, 41)
    places = np.linspace(-3, 3, 121)
    exact = wells_of(1.0, 1.0, 0.1)
    for found, bound in ((potential(u), 1e-11), (table(places, -u(places)), 1e-4)):
        for tau in (1e-2, 0.2, 5.0):
            got, expected = (state(w, x, np.array(tau)) for w in (found, exact))
            assert relative(got.score, expected.score) < bound
            assert relative(got.log_ratio, expected.log_ratio) < 10 * bound
        assert float(boundary_time(found).tau) == pytest.approx(float(boundary_time(exact).tau), rel=bound)
        assert float(merging_time(found).tau) == pytest.approx(float(merging_time(exact).tau), rel=bound)


def test_potentials_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="does not rise"):
        potential(lambda x: 0 * x)
    with pytest.raises(ValueError, match="convex"):
        potential(lambda x: np.log1p(x * x), interval=(-10.0, 10.0))
    with pytest.raises(ValueError, match="both ends"):
        table(np.arange(5.0), np.arange(5.0))


@pytest.mark.slow
def test_labelled_results_broadcast_and_chunks_give_the_same_numbers():
    eager = well("tilted-quartic", quartic_coefficient=[0.5, 1.0], half_distance=[1.0, 2.0, 3.0], tilt=[0.0, 0.1])
    assert eager.well_split.sizes == {"quartic_coefficient": 2, "half_distance": 3, "tilt": 2}
    fields = well_fields(eager, x=[-1.0, 0.0, 2.0], tau=[0.0, 0.1])
    assert set(fields.score.dims) == {"quartic_coefficient", "half_distance", "tilt", "tau", "x"}
    assert np.all(fields.layer_status.sel(tau=0.0) == Status.singular)
    chunked = eager.chunk({"quartic_coefficient": 1, "half_distance": 2})
    xr.testing.assert_identical(well_fields(chunked, x=[-1.0, 0.0, 2.0], tau=[0.0, 0.1]).compute(), fields)
    times = well_speciation(eager.isel(half_distance=[0, 1]))
    xr.testing.assert_identical(well_speciation(chunked.isel(half_distance=[0, 1])).compute(), times)
    assert times.criterion.values.tolist() == list(criteria_of("wells"))
    assert np.all(np.isnan(times.tau_star.values) <= (times.status.values != Status.ok))
    edge = well_boundary(eager.isel(half_distance=[0, 1]), times.tau_star.sel(criterion="boundary", drop=True))
    assert float(np.abs(edge.normal_hessian).max()) < 1e-12


@pytest.mark.slow
def test_labelled_potential_and_table():
    places = np.linspace(-3, 3, 121)
    given = [
        well("potential", potential=lambda x: (x * x - 1) ** 2, interval=(-3.0, 3.0)),
        well("table", x=places, log_density=-((places**2 - 1) ** 2)),
    ]
    for one in given:
        tau = well_speciation(one).tau_star
        assert tau.sel(criterion="boundary").item() == pytest.approx(0.269102819666421, rel=1e-6)
        assert tau.sel(criterion="merging").item() == pytest.approx(0.269102819666421, rel=1e-6)
        assert well_fields(one, x=0.3, tau=0.1, error=True).log_density_error.item() < 1e-12


def test_labelled_arguments_are_checked():
    with pytest.raises(ValueError, match="coefficient"):
        well("quartic", quartic_coefficient=0.0)
    with pytest.raises(ValueError, match="tilted-quartic"):
        well("quartic", tilt=0.1)
    with pytest.raises(ValueError, match="kind"):
        well("cubic")
    with pytest.raises(ValueError, match="takes no x"):
        well("quartic", x=[0.0])
    with pytest.raises(ValueError, match="needs potential"):
        well("potential")
    with pytest.raises(ValueError, match="criteria"):
        well_speciation(well(), criteria=["leading"])


def test_speciation_is_placed_in_schedules():
    found = well_speciation(well("quartic"), {"vp": ss.schedule("vp-constant", beta=1.0)})
    expected = np.log1p(2 * 0.269102819666421)
    assert found.time.sel(criterion="boundary", schedule="vp").item() == pytest.approx(expected, rel=1e-12)
