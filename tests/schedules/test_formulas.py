"""Clocks and gauges of noise paths: closed forms against quadrature, against each other, and at extreme arguments."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.integrate import quad

from scoreshock.schedules import formulas

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # which a schedule ignores too

RATES = {"beta_min": 0.1, "beta_max": 20.0}
GEOMETRIC = {"sigma_min": 0.01, "sigma_max": 50.0}

# name: variance(t), time(q), last t
CLOCKS = {
    "heat": (formulas.heat_variance, formulas.heat_time, 1e13),
    "edm": (formulas.edm_variance, formulas.edm_time, 1e7),
    "geometric added": (
        lambda t: formulas.geometric_variance(t, **GEOMETRIC, added=True),
        lambda q: formulas.geometric_time(q, **GEOMETRIC, added=True),
        2.0,
    ),
    "constant": (lambda t: formulas.constant_variance(t, 2.0), lambda q: formulas.constant_time(q, 2.0), 15.0),
    "linear": (lambda t: formulas.linear_variance(t, **RATES), lambda q: formulas.linear_time(q, **RATES), 2.0),
    "linear from rate 0": (
        lambda t: formulas.linear_variance(t, 0.0, 20.0),
        lambda q: formulas.linear_time(q, 0.0, 20.0),
        2.0,
    ),
    "linear falling": (lambda t: formulas.linear_variance(t, 20.0, 0.1), lambda q: formulas.linear_time(q, 20.0, 0.1), 1.0),
    "sub linear": (lambda t: formulas.sub_linear_variance(t, **RATES), lambda q: formulas.sub_linear_time(q, **RATES), 2.0),
    "cosine": (lambda t: formulas.cosine_variance(t, 0.008), lambda q: formulas.cosine_time(q, 0.008), 1.0),
    "cosine without offset": (lambda t: formulas.cosine_variance(t, 0.0), lambda q: formulas.cosine_time(q, 0.0), 1.0),
    "flow": (formulas.flow_variance, formulas.flow_time, 1.0),
    "flow shifted": (lambda t: formulas.flow_variance(t, 3.0), lambda q: formulas.flow_time(q, 3.0), 1.0),
}
GAUGES = (formulas.exploding, formulas.preserving, formulas.sub_preserving, formulas.interpolant)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLOCKS)
@given(st.floats(-300, 12.3))
@example(-300.0)
@example(12.3)
def test_tau_to_time_to_tau_keeps_twelve_digits_or_what_the_time_can_hold(name, exponent):
    variance, time, last = CLOCKS[name]
    q = 2 * 10.0 ** array(exponent)
    t = time(q)
    if t[0] > last * (1 - 1e-9):
        return
    # The time itself is rounded: where the clock is steep (t near 1) that rounding is the limit.
    rounded = np.abs(variance(np.nextafter(t, np.inf)) - variance(t))
    assert np.all(np.abs(variance(t) - q) <= 1e-12 * q + 4 * rounded)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLOCKS)
@given(st.floats(-140, 0))
def test_time_to_tau_to_time_keeps_twelve_digits(name, exponent):
    variance, time, last = CLOCKS[name]
    t = last * 10.0 ** array(exponent)
    back = time(variance(t))
    # A falling rate ends nearly flat, and a double q then holds fewer digits of t.
    slope_loss = 1e-12 if name != "linear falling" else 1e-9
    np.testing.assert_allclose(back, t, rtol=slope_loss)


@pytest.mark.parametrize("name", CLOCKS)
def test_time_zero_has_no_noise(name):
    variance, time, _ = CLOCKS[name]
    assert variance(array(0.0))[0] == 0
    assert time(array(0.0))[0] == 0


@pytest.mark.parametrize("name", ["cosine", "cosine without offset", "flow"])
def test_open_ended_clocks_reach_infinite_noise_exactly_at_one(name):
    variance, time, _ = CLOCKS[name]
    assert variance(array(1.0))[0] == np.inf
    assert time(array(np.inf))[0] == 1.0


@pytest.mark.parametrize("name", CLOCKS)
def test_clocks_rise(name):
    variance, _, last = CLOCKS[name]
    assert np.all(np.diff(variance(np.linspace(0, min(last, 10.0), 4001)[:-1])) > 0)


def test_geometric_sigma_is_a_geometric_mean_at_half_time():
    q = formulas.geometric_variance(array(0.0, 0.5, 1.0), **GEOMETRIC, added=False)
    np.testing.assert_allclose(np.sqrt(q), [0.01, np.sqrt(0.5), 50.0], rtol=1e-13)
    np.testing.assert_allclose(formulas.geometric_time(q, **GEOMETRIC, added=False), [0, 0.5, 1], atol=1e-15)


@pytest.mark.parametrize("t", [0.01, 0.3, 0.77, 1.0])
def test_linear_rate_integrates_to_alpha(t):
    integral = quad(lambda s: 0.1 + 19.9 * s, 0, t, epsabs=0, epsrel=1e-13)[0]
    alpha, noise = formulas.preserving(formulas.linear_variance(array(t), **RATES))
    np.testing.assert_allclose(alpha, np.exp(-integral / 2), rtol=1e-12)
    np.testing.assert_allclose(noise, np.sqrt(1 - np.exp(-integral)), rtol=1e-12)
    alpha, noise = formulas.sub_preserving(formulas.sub_linear_variance(array(t), **RATES))
    np.testing.assert_allclose(alpha, np.exp(-integral / 2), rtol=1e-12)
    np.testing.assert_allclose(noise, 1 - np.exp(-integral), rtol=1e-12)


def test_cosine_follows_the_published_form():
    t, s = np.linspace(0.01, 0.99, 50), 0.008
    f = np.cos((t + s) / (1 + s) * np.pi / 2) ** 2 / np.cos(s / (1 + s) * np.pi / 2) ** 2
    alpha, noise = formulas.preserving(formulas.cosine_variance(t, s))
    np.testing.assert_allclose(alpha**2, f, rtol=1e-12)
    np.testing.assert_allclose(noise**2, 1 - f, rtol=1e-11)


@given(st.floats(-300, 300))
def test_every_gauge_keeps_noise_over_alpha(exponent):
    q = 10.0 ** array(exponent)
    for gauge in GAUGES:
        alpha, noise = gauge(q)
        np.testing.assert_allclose(noise / alpha, np.sqrt(q), rtol=1e-13)


@given(st.floats(-300, 300))
def test_gauges_obey_their_constraints(exponent):
    q = 10.0 ** array(exponent)
    alpha, noise = formulas.preserving(q)
    np.testing.assert_allclose(alpha**2 + noise**2, 1, rtol=1e-14)
    alpha, noise = formulas.sub_preserving(q)
    np.testing.assert_allclose(alpha**2 + noise, 1, rtol=1e-14)
    alpha, noise = formulas.interpolant(q)
    np.testing.assert_allclose(alpha + noise, 1, rtol=1e-14)
    assert formulas.exploding(q)[0] == 1


@pytest.mark.parametrize("gauge", GAUGES[1:])
def test_gauges_are_exact_without_noise_and_without_signal(gauge):
    alpha, noise = gauge(array(0.0, np.inf))
    np.testing.assert_array_equal(alpha, [1, 0])
    np.testing.assert_array_equal(noise, [0, 1])


TABLE = formulas.Table(np.array([np.inf, 2.0, 0.5, -3.0, -np.inf]), np.log([1.0, 1.5, 2.0, 0.5, 1.0]))


def test_table_gives_its_entries_at_whole_steps_and_both_ends():
    steps = np.arange(5.0)
    np.testing.assert_allclose(formulas.table_variance(steps, TABLE), np.exp(-TABLE.log_snr), rtol=1e-14)
    np.testing.assert_allclose(formulas.table_time(np.exp(-TABLE.log_snr), TABLE), steps, rtol=1e-14)


def test_table_is_linear_in_log_snr_inside_and_in_the_ratio_next_to_an_infinite_end():
    q = formulas.table_variance(array(0.25, 1.5, 2.2, 3.75), TABLE)
    np.testing.assert_allclose(np.sqrt(q[0]), 0.25 * np.exp(-1.0), rtol=1e-14)
    np.testing.assert_allclose(-np.log(q[1:3]), [1.25, 0.5 - 0.2 * 3.5], rtol=1e-13)
    np.testing.assert_allclose(1 / np.sqrt(q[3]), 0.25 * np.exp(-1.5), rtol=1e-14)


@given(st.floats(-140, 12))
def test_table_round_trips(exponent):
    q = 10.0 ** array(exponent)
    t = formulas.table_time(q, TABLE)
    rounded = np.abs(formulas.table_variance(np.nextafter(t, 9), TABLE) - q)
    assert np.all(np.abs(formulas.table_variance(t, TABLE) - q) <= 1e-12 * q + 4 * rounded)


def test_table_norm_is_the_tables_own_at_its_entries():
    alpha, noise = formulas.table_gauge(np.exp(-TABLE.log_snr), TABLE)
    np.testing.assert_allclose(np.hypot(alpha, noise), [1.0, 1.5, 2.0, 0.5, 1.0], rtol=1e-13)


def test_log_snr_of_rates_agrees_with_the_cumulative_product_and_keeps_the_first_step():
    betas = formulas.linear_betas(1e-4, 0.02, 1000)
    np.testing.assert_allclose(formulas.log_snr_of_betas(betas), formulas.log_snr_of_abar(np.cumprod(1 - betas)), rtol=1e-11)
    tiny = formulas.log_snr_of_betas(array(1e-18, 1e-18))
    np.testing.assert_allclose(np.exp(-tiny), [1e-18, 2e-18], rtol=1e-13)


def test_a_shifted_flow_has_the_noise_of_esser_et_al():
    t, shift = np.linspace(0.01, 0.99, 50), 3.0
    _, noise = formulas.interpolant(formulas.flow_variance(t, shift))
    np.testing.assert_allclose(noise, shift * t / (1 + (shift - 1) * t), rtol=1e-13)
    np.testing.assert_allclose(formulas.flow_time(formulas.flow_variance(t, shift), shift), t, rtol=1e-13)


def test_a_table_of_sigma_is_linear_between_its_entries():
    sigmas = array(0.1, 1.0, 7.0)
    np.testing.assert_allclose(
        np.sqrt(formulas.sigma_table_variance(array(0, 0.5, 1, 1.25, 2), sigmas)), [0.1, 0.55, 1, 2.5, 7]
    )
    np.testing.assert_allclose(formulas.sigma_table_time(array(0.1, 0.55, 1, 2.5, 7) ** 2, sigmas), [0, 0.5, 1, 1.25, 2])
