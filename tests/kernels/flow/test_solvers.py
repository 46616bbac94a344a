"""Samplers of few steps: orders of convergence, closed forms of a Gaussian, and diffusers' own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from scoreshock.kernels.flow.solvers import SOLVERS, calls_of, sample
from scoreshock.kernels.gaussian.mixture import denoiser

MEANS, WEIGHTS, VARIANCE = np.array([[-1.0, 0.0], [1.0, 0.5], [0.0, 2.0]]), np.array([0.2, 0.5, 0.3]), 0.09
START = 5.0 * np.random.default_rng(0).normal(size=(40, 2))


def denoise(x: np.ndarray, sigma: float) -> np.ndarray:
    return denoiser(x, MEANS, WEIGHTS, VARIANCE, sigma * sigma / 2)


def gaussian(x: np.ndarray, sigma: float) -> np.ndarray:
    """Denoiser of N(0, 1)."""
    return x / (1 + sigma * sigma)


def exact(high: float, low: float) -> np.ndarray:
    def slope(log_sigma: float, x: np.ndarray) -> np.ndarray:
        points = x.reshape(START.shape)
        return (points - denoise(points, np.exp(log_sigma))).ravel()

    return solve_ivp(slope, (np.log(high), np.log(low)), START.ravel(), "DOP853", rtol=1e-11, atol=1e-12).y[:, -1]


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2), ("dpmpp-2m", 2)])
def test_the_error_falls_with_the_solver_s_order(solver: str, order: int) -> None:
    ends = exact(5.0, 0.1)
    errors = [
        np.abs(sample(denoise, START, np.geomspace(5.0, 0.1, steps + 1), solver).ends.ravel() - ends).mean()
        for steps in (100, 200)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_steps_of_equal_angle_of_a_gaussian_lose_a_cosine_each() -> None:
    angles = np.linspace(1.4, 0.2, 8)
    end = sample(gaussian, np.array([[1.0]]), np.tan(angles)).ends[0, 0]
    exactly = np.cos(angles[0]) / np.cos(angles[-1])  # x/sqrt(1 + sigma^2) is kept
    assert end / exactly == pytest.approx(np.cos(1.2 / 7) ** 7, rel=1e-13)


def test_the_last_step_to_zero_is_the_denoiser() -> None:
    for solver in SOLVERS:
        levels = np.array([2.0, 0.0])
        made = sample(denoise, START, levels, solver)
        np.testing.assert_allclose(made.ends, denoise(START, 2.0), rtol=1e-13, atol=1e-15)
        assert made.calls == calls_of(solver, levels) == 1


@pytest.mark.parametrize("last", [[], [0.0]])
@pytest.mark.parametrize("solver", SOLVERS)
def test_several_lists_are_sampled_as_each_alone(solver: str, last: list[float]) -> None:
    lists = np.array(
        [[*np.geomspace(5.0, 0.1, 7), *last], [*np.linspace(5.0, 0.1, 7), *last], [*np.geomspace(6.0, 0.2, 7), *last]]
    )
    together = sample(denoise, START, lists, solver, 0.7, 3)
    for row, ends in zip(lists, together.ends, strict=True):
        alone = sample(denoise, START, row, solver, 0.7, 3)
        np.testing.assert_array_equal(ends, alone.ends)
        assert together.calls == alone.calls


def test_the_number_of_calls_is_what_is_said() -> None:
    calls = 0

    def counted(x: np.ndarray, sigma: float) -> np.ndarray:
        nonlocal calls
        calls += 1
        return denoise(x, sigma)

    for solver in SOLVERS:
        for levels in (np.geomspace(5.0, 0.1, 9), np.append(np.geomspace(5.0, 0.1, 9), 0.0)):
            calls = 0
            assert sample(counted, START, levels, solver).calls == calls


@pytest.mark.slow
def test_ancestral_without_noise_is_euler_and_with_it_keeps_the_variance() -> None:
    levels = np.geomspace(20.0, 0.05, 400)
    quiet = sample(denoise, START, levels, "ancestral", eta=0.0).ends
    np.testing.assert_array_equal(quiet, sample(denoise, START, levels, "euler").ends)
    rng = np.random.default_rng(1)
    noisy = sample(gaussian, np.hypot(1, 20.0) * rng.normal(size=(20_000, 1)), levels, "ancestral", seed=3).ends
    assert noisy.var() == pytest.approx(1 + 0.05**2, abs=5 * np.sqrt(2 / 20_000) + 0.02)


def test_a_point_s_end_does_not_depend_on_the_others() -> None:
    levels = np.geomspace(5.0, 0.1, 9)
    for solver in SOLVERS[:3]:
        whole = sample(denoise, START, levels, solver).ends
        np.testing.assert_array_equal(sample(denoise, START[3:5], levels, solver).ends, whole[3:5])
