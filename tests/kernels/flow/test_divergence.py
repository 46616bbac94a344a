"""Divergences of Gaussians against references, bounds against quadrature, limits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from scoreshock.conventions import Status
from scoreshock.kernels.flow import divergence
from tests import reference

PAIR = np.array([[-1.0], [1.0]])
HALF = np.array([0.5, 0.5])
NAMES = {
    "kl_true": "kl",
    "score_error_integral": "score_error_integral",
    "kl_init": "kl_start",
    "kl_bound": "kl_bound",
    "tv_bound": "tv_bound",
    "variance_generated": "generated_variance",
    "variance_generated_ode": "generated_variance_ode",
    "kl_ode": "kl_ode",
    "mean_generated": "generated_mean",
    "tv_true": "tv",
}


def gaussian(*values: float) -> divergence.GaussianDivergence:
    """A, B, shift, tau_min, tau_max, d, starting variance."""
    return divergence.gaussian_divergence(*(np.array(float(value)) for value in values))


@pytest.mark.parametrize("case", reference.cases("kl_gaussian") + reference.cases("kl_mean_shift"), ids=reference.identify)
def test_gaussians_meet_the_references(case):
    given_ = case["inputs"]
    low, high = given_["tau_min"], given_["tau_max"]
    start = 2 * high if given_.get("init") == "prior_2tau" else given_["A"] + 2 * high
    result = gaussian(given_["A"], given_.get("B", given_["A"]), given_.get("dm", 0.0), low, high, given_.get("d", 1), start)
    for field in case["expected"]:
        reference.check(case, field, getattr(result, NAMES[field]))


positive = st.floats(0.05, 5.0)


@given(positive, positive, st.floats(0, 3), st.floats(0, 1), st.floats(0.01, 20), positive)
def test_truth_stays_below_its_bounds(A, B, shift, tau_min, span, start):
    result = gaussian(A, B, shift, tau_min, tau_min + span, 1, start)
    assert 0 <= result.kl <= result.kl_bound * (1 + 1e-9) + 1e-14
    assert result.tv <= divergence.tv_bound(result.kl) + 1e-9 <= result.tv_bound + 2e-9


@pytest.mark.slow
@pytest.mark.parametrize("values", [(1.3, 0.7, 0.4, 0.05, 3.0, 1, 7.3), (0.5, 2.0, -0.8, 0.0, 1.0, 1, 2.0)])
def test_total_variation_on_a_line_is_half_the_integrated_difference(values):
    result = gaussian(*values)
    p = norm(0, np.sqrt(values[0] + 2 * values[3])).pdf
    q = norm(result.generated_mean, np.sqrt(result.generated_variance)).pdf
    x = np.linspace(-30, 30, 2_000_001)
    assert result.tv == pytest.approx(0.5 * np.sum(np.abs(p(x) - q(x))) * (x[1] - x[0]), abs=1e-8)


def test_right_scores_and_starts_leave_nothing():
    result = gaussian(1.0, 1.0, 0.0, 0.0, 2.0, 64, 5.0)
    assert result.kl == result.kl_ode == result.tv == result.kl_bound == 0


def test_small_errors_keep_their_digits():
    """KL is quadratic in a small error of the variance: E = (B - A)^2/(v w^2) to leading order."""
    result = gaussian(1.0, 1.0 + 1e-9, 0.0, 0.0, 2.0, 1, 5.0)
    expected = 0.5 * 1e-18 * quad(lambda v: v**-3, 1, 5)[0]
    assert result.score_error_integral == pytest.approx(expected, rel=1e-7)
    assert result.kl == pytest.approx(1e-18 * (1 - 1 / 25) ** 2 / 4, rel=1e-6)


def test_gaussian_statuses():
    assert gaussian(0.0, 1.0, 0.0, 0.0, 1.0, 1, 2.0).divergence_status == Status.singular
    assert gaussian(1.0, 1.0, 0.0, 1.0, 0.5, 1, 2.0).divergence_status == Status.not_applicable
    several = gaussian(1.0, 0.5, 0.0, 0.0, 1.0, 3, 2.0)
    assert several.divergence_status == Status.ok
    assert several.tv_status == Status.not_applicable
    assert np.isnan(several.tv)
    assert gaussian(1.0, 1.0, 0.3, 0.0, 1.0, 3, 3.0).tv_status == Status.ok


def bound(place: str, *, weights: np.ndarray = HALF, **named: object) -> divergence.DivergenceBound:
    times = np.array(0.0), np.array(2.0)
    return divergence.divergence_bound(PAIR, weights, np.array(0.09), *times, np.array(0.1), place, **named)


def brute(square: Callable[[np.ndarray], np.ndarray], weights: np.ndarray) -> float:
    """Integral over tau of the mean of ``square(r)``, r the responsibility of the left component, times 0.01."""

    def at(tau: float) -> float:
        v = 0.09 + 2 * tau
        x = np.linspace(-20, 20, 8001)
        density = sum(w * norm.pdf(x, m, np.sqrt(v)) for w, m in zip(weights, (-1, 1), strict=True))
        left = expit(np.log(weights[0] / weights[1]) - 2 * x / v)
        return np.sum(density * square(left)) * (x[1] - x[0])

    return 0.01 * quad(at, 0, 2, epsrel=1e-9)[0]


@pytest.mark.parametrize("weights", [HALF, np.array([0.2, 0.8])])
def test_bounds_of_a_mixture_are_the_integrated_mean_square(weights):
    layer = brute(lambda r: (4 * r * (1 - r)) ** 2, weights)
    outside = brute(lambda r: (1 - 4 * r * (1 - r)) ** 2, weights)
    assert bound("layer", weights=weights).kl_bound == pytest.approx(layer, rel=1e-8)
    assert bound("outside", weights=weights).kl_bound == pytest.approx(outside, rel=1e-8)
    assert bound("everywhere", weights=weights).kl_bound == pytest.approx(0.02, rel=1e-14)


def test_bound_of_any_field_and_a_wrong_start():
    result = bound("everywhere", error=lambda x, tau: x * np.exp(-tau), kl_start=np.array(0.5))
    # E x^2 = 1 + v
    expected = 0.01 * quad(lambda tau: (1.09 + 2 * tau) * np.exp(-2 * tau), 0, 2)[0]
    assert result.score_error_integral == pytest.approx(expected, rel=1e-12)
    assert result.kl_bound == pytest.approx(0.5 + expected, rel=1e-12)
    assert result.tv_bound == pytest.approx(np.sqrt((0.5 + expected) / 2), rel=1e-12)


def test_mixtures_off_a_line_have_bounds_for_constant_errors_only():
    triple = np.array([[1.0, 0], [0, 1], [-1, 0]]), np.ones(3) / 3, np.array(0.1), np.array(0.0), np.array(1.0)
    assert divergence.divergence_bound(*triple, np.array(0.1)).kl_bound == pytest.approx(0.01)
    result = divergence.divergence_bound(*triple, np.array(0.1), "layer")
    assert result.divergence_status == Status.not_applicable
    assert np.isnan(result.kl_bound)


def test_a_bound_does_not_depend_on_those_beside_it():
    tau_max = np.linspace(0.1, 50, 30)
    whole = divergence.divergence_bound(PAIR, HALF, np.array(0.09), np.array(0.0), tau_max, np.array(1.0), "layer")
    for i in (0, 7, 29):
        alone = divergence.divergence_bound(PAIR, HALF, np.array(0.09), np.array(0.0), tau_max[i], np.array(1.0), "layer")
        assert alone.kl_bound == whole.kl_bound[i]
