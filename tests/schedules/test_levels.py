"""Levels and entries that samplers visit, and positions among them: published formulas, lists and numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from scoreshock.schedules import levels
from scoreshock.schedules.schedule import schedule


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def test_karras_levels_follow_equation_5_and_keep_both_ends():
    sigmas = levels.karras_sigmas(0.002, 80.0, 7.0, 18)
    i = np.arange(18)
    expected = (80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    np.testing.assert_allclose(sigmas, expected, rtol=1e-13)
    assert (sigmas[0], sigmas[-1]) == (80.0, 0.002)
    assert np.all(np.diff(sigmas) < 0)
    np.testing.assert_array_equal(levels.karras_sigmas(0.002, 80.0, 7.0, 1), [80.0])


def test_selected_steps_are_those_of_table_2_of_lin_et_al():
    leading = levels.select_steps(1000, 10, "leading")
    np.testing.assert_array_equal(leading, [900, 800, 700, 600, 500, 400, 300, 200, 100, 0])
    linspace = levels.select_steps(1000, 10, "linspace")
    np.testing.assert_array_equal(linspace, [999, 888, 777, 666, 555, 444, 333, 222, 111, 0])
    trailing = levels.select_steps(1000, 10, "trailing")
    np.testing.assert_array_equal(trailing, [999, 899, 799, 699, 599, 499, 399, 299, 199, 99])


@pytest.mark.parametrize("spacing", ["leading", "linspace", "trailing"])
@given(st.integers(1, 60), st.data())
def test_selected_steps_fall_strictly_and_stay_in_the_table(spacing, total, data):
    num = data.draw(st.integers(1, total))
    steps = levels.select_steps(total, num, spacing)
    assert len(steps) == num
    assert np.all(np.diff(steps) < 0)
    assert steps.min() >= 0
    assert steps.max() < total


def test_trailing_steps_have_no_entry_more_than_asked_for():
    assert len(np.arange(1000, 0, -1000 / 61)) == 62  # of diffusers, whose last step is then -1
    for num in range(1, 1001):
        assert len(levels.select_steps(1000, num, "trailing")) == num


def test_position_is_linear_between_times_first_of_repeated_ones_and_clamped_outside():
    times = array(4.0, 1.0, 0.0)
    np.testing.assert_array_equal(levels.position(array(9, 4, 2.5, 1, 0.5, 0, -1), times), [0, 0, 0.5, 1, 1.5, 2, 2])
    np.testing.assert_array_equal(levels.position(array(-1, 3), array(2.0)), [0, 0])
    twice = array(3.0, 2.0, 2.0, 0.0)
    np.testing.assert_array_equal(levels.position(array(3, 2.5, 2, 1, 0), twice), [0, 0.5, 1, 2.5, 3])
    np.testing.assert_array_equal(levels.position(array(5, 3, 2), array(3.0, 3.0, 1.0)), [0, 0, 1.5])


def test_equal_ratios_and_powers_of_them_follow_k_diffusion():
    low, high, n = 0.03, 14.6, 9
    for rho in (1.0, 2.5):
        ramp = np.linspace(1, 0, n) ** rho  # get_sigmas_polyexponential
        expected = np.exp(ramp * (np.log(high) - np.log(low)) + np.log(low))
        sigmas = levels.polyexponential_sigmas(low, high, rho, n)
        np.testing.assert_allclose(sigmas, expected, rtol=1e-13)
        assert (sigmas[0], sigmas[-1]) == (high, low)
    np.testing.assert_array_equal(levels.polyexponential_sigmas(low, high, 1.0, 1), [high])


def test_vp_levels_are_those_of_the_linear_rate_at_equal_times():
    t = np.linspace(1, 1e-3, 12)  # get_sigmas_vp
    expected = np.sqrt(np.exp(19.9 * t**2 / 2 + 0.1 * t) - 1)
    np.testing.assert_allclose(levels.vp_sigmas(19.9, 0.1, 1e-3, 12), expected, rtol=1e-12)


def test_beta_levels_are_quantiles():
    sigmas = levels.beta_sigmas(0.03, 14.6, 11)
    np.testing.assert_allclose(beta.cdf((sigmas - 0.03) / 14.57, 0.6, 0.6), np.linspace(1, 0, 11), atol=1e-12)
    assert (sigmas[0], sigmas[-1]) == (14.6, 0.03)


def test_log_linear_interpolation_keeps_a_list_of_its_own_length_and_halves_ratios():
    own = np.array(levels.ALIGN_YOUR_STEPS["align-your-steps-sdxl"])
    np.testing.assert_allclose(levels.log_linear_sigmas(own, 11), own, rtol=1e-14)
    twice = levels.log_linear_sigmas(own, 21)
    np.testing.assert_allclose(twice[::2], own, rtol=1e-13)
    np.testing.assert_allclose(twice[1::2], np.sqrt(own[1:] * own[:-1]), rtol=1e-13)


def test_align_your_steps_lists_are_the_timesteps_of_the_authors_in_their_tables():
    sd = schedule("table", beta_start=0.00085, beta_end=0.012, num_train_timesteps=1000, beta_schedule="scaled_linear")
    for name, steps in {
        "align-your-steps-sd1": [999, 850, 736, 645, 545, 455, 343, 233, 124, 24, 0],
        "align-your-steps-sdxl": [999, 845, 730, 587, 443, 310, 193, 116, 53, 13, 0],
    }.items():
        np.testing.assert_allclose(sd.time(np.square(levels.ALIGN_YOUR_STEPS[name]) / 2), steps, atol=0.02)
