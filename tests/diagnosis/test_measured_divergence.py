"""Measured divergences against Gaussians in closed form, and between their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.diagnosis.measured_divergence import divergences, of_flow, of_shares, on_line
from scoreshock.diagnosis.scores import Score, learned_score
from scoreshock.diagnosis.truth import Truth, truth_of

LOW, HIGH = 0.5, 4.0
TIMES = LOW**2 / 2, HIGH**2 / 2


def score_of(truth: Truth) -> Score:
    return learned_score(lambda x, tau: truth.score(x, float(np.sqrt(2 * tau[0]))))


def gaussian(n: int, variance: float, shift: float = 0.0) -> Truth:
    return truth_of(ss.mixture([[shift] + [0.0] * (n - 1)], variance=variance))


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(("variance", "shift"), [(1.0, 0.5), (1.3, 0.0), (0.8, -0.2)])
def test_of_gaussians_the_flow_has_the_known_divergence(n: int, variance: float, shift: float) -> None:
    known = ss.gaussian_divergence(1.0, variance, abs(shift), *TIMES, dimension=n)
    found = of_flow(score_of(gaussian(n, variance, shift)), gaussian(n, 1.0), LOW, HIGH, 0)
    assert abs(found.kl - float(known.kl_ode)) < 4 * found.kl_error + 1e-6
    assert found.kl_error < 0.2 * found.kl
    if variance == 1.0:
        tv = float(erf(abs(float(known.generated_mean_ode)) / np.sqrt(8 * (1 + LOW**2))))
        assert abs(found.tv - tv) < 4 * found.tv_error


@pytest.mark.slow
@pytest.mark.parametrize(("variance", "shift"), [(1.0, 0.5), (1.3, 0.0), (0.8, 0.2)])
def test_of_gaussians_the_reverse_sde_has_the_known_divergence(variance: float, shift: float) -> None:
    known = ss.gaussian_divergence(1.0, variance, shift, *TIMES)
    found = on_line(score_of(gaussian(1, variance, shift)), gaussian(1, 1.0), LOW, HIGH)
    assert found.kl == pytest.approx(float(known.kl), rel=2e-3)
    assert abs(found.kl - float(known.kl)) < 2 * found.kl_error
    if np.isfinite(known.tv):
        assert found.tv == pytest.approx(float(known.tv), rel=2e-3)


PAIR = truth_of(ss.mixture([-1.0, 1.0], [0.4, 0.6], variance=0.09))


@pytest.mark.slow
def test_the_exact_score_generates_the_truth() -> None:
    line = on_line(score_of(PAIR), PAIR, 0.1, 4.0)
    assert abs(line.kl) < 1e-8
    assert line.tv < 1e-8
    flow = of_flow(score_of(PAIR), PAIR, 0.1, 4.0, 0)
    assert abs(flow.kl) < 1e-6


@pytest.mark.slow
def test_shares_are_below_and_bounds_above_what_is_measured() -> None:
    other = ss.mixture([-1.0, 1.0], [0.6, 0.4], variance=0.12)
    found = ss.diagnose(score_of(truth_of(other)), ss.mixture([-1.0, 1.0], [0.4, 0.6], variance=0.09), 40, samples=4000)
    noisy, flow = found.sel(sampler="reverse SDE"), found.sel(sampler="flow")
    assert float(noisy.kl_measured) <= float(found.kl_gradient_upper) * 1.02
    assert float(found.kl_gradient_upper) <= float(found.kl_bound)
    assert float(noisy.tv_measured) <= float(found.tv_bound)
    for one in (noisy, flow):
        assert 0 < float(one.kl_shares) <= float(one.kl_measured) + 3 * float(one.kl_shares_error + one.kl_measured_error)
        assert 0 < float(one.tv_shares) <= float(one.tv_measured) + 0.03
        assert float(one.tv_measured) ** 2 <= float(one.kl_measured) / 2 + float(one.kl_measured_error)  # Pinsker
    assert float(noisy.kl_shares) > 0.3 * float(noisy.kl_measured)


@pytest.mark.parametrize(("n", "statuses"), [(1, [0, 0]), (2, [0, 6]), (4, [6, 6])])
def test_what_cannot_be_measured_has_a_status(n: int, statuses: list[int]) -> None:
    truth = gaussian(n, 1.0)
    found = divergences(score_of(truth), truth, np.array([LOW, HIGH]), np.zeros((2, 1)), np.zeros((2, 1)), 0)
    assert found["divergence_status"].tolist() == statuses
    assert (np.isnan(found["kl_measured"]) == (found["divergence_status"] != Status.ok)).all()


def test_a_flow_that_runs_away_has_failed() -> None:
    truth = gaussian(2, 1.0)
    away = learned_score(lambda x, _: -1e3 * x**3)
    found = divergences(away, truth, np.array([LOW, HIGH]), np.zeros((2, 1)), np.zeros((2, 1)), 0)
    assert found["divergence_status"][0] == Status.failed


def test_a_share_that_vanishes_has_infinite_divergence() -> None:
    found = of_shares(np.array([0.5, 0.5]), np.array([[-0.5, 0.5]]), np.zeros((1, 2)))
    assert found["kl_shares"][0] == np.inf
    assert found["tv_shares"][0] == 0.5


@pytest.mark.slow
def test_an_error_at_one_level_is_not_stepped_over() -> None:
    """A shift b of a Gaussian's score moves the mean m alone: by 2b - 2m/v in the reverse SDE, by b - m/v in the flow."""
    one = gaussian(1, 1.0)

    def bump(sigma: float) -> float:
        return 0.5 * float(np.exp(-(np.log(sigma / 0.6) ** 2) / 0.02))

    wrong = learned_score(lambda x, tau: one.score(x, np.sqrt(2 * tau[0])) + bump(np.sqrt(2 * tau[0])))
    low, high = 0.2, 20.0
    found = on_line(wrong, one, low, high).kl, of_flow(wrong, one, low, high, 0)
    v = 1 + low**2

    def moved(gain: int) -> float:
        def part(tau: float) -> float:
            return gain * bump(np.sqrt(2 * tau)) * (v / (1 + 2 * tau)) ** (gain / 2)

        return quad(part, low**2 / 2, 2.0, epsabs=1e-12)[0]

    assert found[0] == pytest.approx(moved(2) ** 2 / (2 * v), rel=1e-2)
    assert abs(found[1].kl - moved(1) ** 2 / (2 * v)) < 4 * found[1].kl_error
