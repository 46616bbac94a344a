"""Which rule wins, at equal numbers of calls: published facts, and what sampling alone does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.diagnosis.truth import SAMPLER, truth_of
from scoreshock.kernels.flow.solvers import sample

FEW = {"sigma_min": 0.02, "sigma_max": 20.0, "samples": 500}


@pytest.mark.slow
def test_among_overlapping_gaussians_the_entropic_clock_loses_to_the_rescaled() -> None:
    """Stancevic, Handke and Ambrogioni 2025: data with a density spend the entropic clock at the least noise."""
    means = np.random.default_rng(1).normal(size=15)
    found = ss.compare_steps(ss.mixture(means, variance=0.25), [8, 16], ["entropic", "rescaled"], ["euler", "heun"], **FEW)
    error = found.trajectory_error
    assert (error.sel(rule="entropic") > 2 * error.sel(rule="rescaled")).all()


@pytest.mark.slow
def test_calls_are_equal_and_statuses_say_what_is_missing() -> None:
    pair = ss.mixture([-1.0, 1.0], weights=[0.3, 0.7], variance=0.09)
    found = ss.compare_steps(pair, [5, 12], ["karras", "log-snr"], **FEW)
    heun = found.n_calls.sel(solver="heun").values
    assert heun.tolist() == [[5, 11], [5, 11]]
    assert (found.n_calls.drop_sel(solver="heun") == found.calls).all()
    noisy = found.sel(solver="ancestral")
    assert noisy.trajectory_error.isnull().all()
    assert (noisy.trajectory_error_status == Status.not_applicable).all()
    assert found.drop_sel(solver="ancestral").trajectory_error.notnull().all()
    assert (found.sliced_wasserstein > 0.3 * found.sliced_wasserstein_floor).all()


@pytest.mark.slow
def test_many_calls_lead_to_the_exact_ends() -> None:
    pair = ss.mixture([[-1.0, 0.0], [1.0, 0.5]], weights=[0.3, 0.7], variance=0.09)
    found = ss.compare_steps(pair, [200], "log-snr", ["heun", "dpmpp-2m"], **FEW)
    assert (found.trajectory_error < 2e-3).all()
    np.testing.assert_allclose(found.mode_weight_error, found.mode_weight_floor, atol=0.003)
    np.testing.assert_allclose(found.sliced_wasserstein, found.sliced_wasserstein_floor, atol=2e-3)
    assert float(found.mode_weight_floor) < 4 * np.sqrt(0.21 / 500)


@pytest.mark.slow
def test_a_score_of_other_weights_shows_in_the_weights_and_not_in_its_own_trajectories() -> None:
    pair = ss.mixture([-1.0, 1.0], variance=0.09)
    other = ss.mixture([-1.0, 1.0], [0.2, 0.8], variance=0.09)
    score = ss.learned_score(
        lambda x, tau: truth_of(other).denoise(x, np.sqrt(2 * tau[0])) / (2 * tau[0]) - x / (2 * tau[0])
    )
    found = ss.compare_steps(pair, [100], "log-snr", "dpmpp-2m", score=score, **FEW)
    assert float(found.trajectory_error.squeeze()) < 0.02
    assert float(found.mode_weight_error.squeeze()) == pytest.approx(0.3, abs=4 * np.sqrt(0.16 / 500))
    assert float(found.mode_weight_floor) < 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"calls": [5, 5]}, r"calls = \[5, 5\] is not allowed; allowed: rising whole numbers from 1 to 10000"),
        ({"noise_share": 2.0}, r"noise_share = 2.0 is not allowed; allowed: a number from 0 to 1"),
        ({"solvers": "rk4"}, "rk4"),
        ({"sigma_max": 0.001}, r"sigma_max = 0.001 is not allowed; allowed: a number above sigma_min = 0.02"),
    ],
)
def test_what_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ss.compare_steps(ss.mixture([0.0]), **(FEW | {"rules": "karras"} | arguments))


def test_lists_of_levels_that_are_sampled_in_parts_are_those_of_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"calls": [3, 6], "rules": ["uniform", "karras", "cosine"], "sigma_max": 9.0, "samples": 20}
    pair = ss.mixture([[-1.0, 0.0], [1.0, 0.5]], weights=[0.3, 0.7], variance=0.09)
    whole = ss.compare_steps(pair, **options)
    monkeypatch.setattr("scoreshock.diagnosis.step_comparison.NUMBERS", 2 * 20 * 2)  # two lists of three
    xr.testing.assert_identical(ss.compare_steps(pair, **options), whole)


@pytest.mark.slow
def test_noise_of_sampler_and_data_do_not_share_numbers() -> None:
    """Two steps of N(0, 1): the variance is that of the recursion, at every seed."""
    levels = np.array([1.0, 0.5, 0.1])
    variance, truth = 2.0, truth_of(ss.mixture([0.0]))
    for high, low in pairwise(levels):
        up = min(low, low * np.sqrt(1 - (low / high) ** 2))
        ratio = np.sqrt(low**2 - up**2) / high
        variance = variance * (ratio + (1 - ratio) / (1 + high**2)) ** 2 + up**2
    starts = truth.starts(20_000, 1.0, 0)
    made = sample(truth.denoise, starts, levels, "ancestral", 1.0, SAMPLER)
    assert made.ends.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / 20_000))


@pytest.mark.slow
def test_a_network_of_a_finite_table_is_compared_down_to_zero() -> None:
    table = ss.schedule("table", betas=np.linspace(1e-4, 0.02, 1000).tolist())
    pair = ss.mixture([-1.0, 1.0], variance=0.09)

    def network(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        tau, alpha = float(table.tau(t[0])), float(table.alpha(t[0]))
        return -np.sqrt(2 * tau) * ss.score(pair, x / alpha, tau).values

    score = ss.learned_score(network, "epsilon", table)
    found = ss.compare_steps(pair, [8], ["karras", "optimum"], "euler", 0.02, 80.0, score=score, samples=100)
    assert found.trajectory_error.notnull().all()


def test_a_single_point_has_no_steps() -> None:
    with pytest.raises(ValueError, match="mixture is a single point; allowed: data that differ"):
        ss.compare_steps(ss.mixture([0.0], variance=0.0), [3])
