"""Sampling by the probability flow and by the reverse SDE."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, norm

from scoreshock.kernels.flow import sampling, trajectory

from .test_trajectory import HALF, PAIR


def test_shares_of_the_error_add_up_and_peak_on_the_boundary():
    mixture = trajectory.Mixture(PAIR, np.array([0.3, 0.7]), np.array(0.2))
    boundary = -0.2 / 2 * np.log(0.7 / 0.3)
    x = boundary + np.array([[0.0], [0.2], [-0.2], [5.0]])
    layer = sampling.in_layer(x, mixture, np.array(0.0))
    np.testing.assert_allclose(layer[:, 0], 1 / np.cosh((x[:, 0] - boundary) / 0.2) ** 2, rtol=1e-12)
    np.testing.assert_allclose(layer + sampling.outside_layer(x, mixture, np.array(0.0)), 1, rtol=1e-15)
    equal = trajectory.Mixture(np.array([[1.0, 0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]]), np.ones(3) / 3, np.array(1.0))
    assert float(sampling.in_layer(np.zeros(2), equal, np.array(0.0))[0]) == pytest.approx(1)


def test_reverse_sde_of_one_gaussian_is_exact_in_law_at_any_number_of_steps():
    """N(0, 4) at tau = 1.5 to N(0, 1) at 0: conditional mean x v1/v0, variance v1 (v0 - v1)/v0."""
    count = 20000
    x = np.full((count, 1), 2.0)
    one = np.zeros((1, 1)), np.ones(1), np.array(1.0)
    for steps in (1, 7):
        end = sampling.reverse_sde(x, *one, np.array([1.5, 0.0]), np.arange(count), 11, steps).trajectory[:, -1, 0]
        assert kstest((end - 0.5) / np.sqrt(0.75), norm.cdf).pvalue > 1e-3


def test_error_of_the_reverse_sde_falls_like_one_over_its_steps():
    """And is that of half as many steps through the same noise, which for one Gaussian is none."""
    x, number = np.random.default_rng(7).normal(size=(2000, 1)) * 2, np.arange(2000)

    def size(steps: int, mixture: tuple[np.ndarray, ...]) -> float:
        return float(
            np.median(sampling.reverse_sde(x, *mixture, np.array([2.0, 0.0]), number, 5, steps).trajectory_error[:, -1])
        )

    pair = PAIR, HALF, np.array(0.09)
    coarse, fine = size(64, pair), size(512, pair)
    assert coarse / fine == pytest.approx(8, rel=0.4)
    assert size(64, (np.zeros((1, 1)), np.ones(1), np.array(0.09))) < 1e-14


def test_error_of_the_reverse_sde_is_its_distance_from_a_far_finer_path():
    """The noise of a step is that of the finer steps in it: both paths see one Brownian motion."""
    v0, v1, count, ratio = 4.09, 0.09, 64, 64
    rng = np.random.default_rng(8)
    h = np.log(v1 / v0) / (count * ratio)
    x = rng.normal(size=500) * 2
    fine, coarse, half = x.copy(), x.copy(), x.copy()

    def drift(y: np.ndarray, v: float, width: float) -> np.ndarray:
        return y - np.expm1(width) * (np.tanh(y / v) - y)

    noise = {ratio: 0.0, 2 * ratio: 0.0}
    for i in range(count * ratio):
        v = v0 * np.exp(h * i)
        fresh = np.sqrt(-v * np.exp(h) * np.expm1(h)) * rng.normal(size=500)
        fine = drift(fine, v, h) + fresh
        noise = {span: np.exp(h) * total + fresh for span, total in noise.items()}
        if (i + 1) % ratio == 0:
            coarse = drift(coarse, v0 * np.exp(h * (i + 1 - ratio)), ratio * h) + noise[ratio]
            noise[ratio] = 0.0
        if (i + 1) % (2 * ratio) == 0:
            half = drift(half, v0 * np.exp(h * (i + 1 - 2 * ratio)), 2 * ratio * h) + noise[2 * ratio]
            noise[2 * ratio] = 0.0
    true, estimate = np.abs(coarse - fine), np.abs(coarse - half)
    assert 0.5 < np.median(estimate) / np.median(true) < 2
    ours = sampling.reverse_sde(x[:, None], PAIR, HALF, np.array(0.09), np.array([2.0, 0.0]), np.arange(500), 5, count)
    assert 0.5 < np.median(ours.trajectory_error[:, -1]) / np.median(true) < 2


def test_reverse_sde_generates_the_mixture():
    """From exact p_tau to p_0: the share on each side and the spread about a mode, within four standard errors."""
    rng, count = np.random.default_rng(4), 8000
    start = np.where(rng.random(count) < 0.3, -1.0, 1.0) + np.sqrt(0.09 + 8.0) * rng.normal(size=count)
    mixture = PAIR, np.array([0.3, 0.7]), np.array(0.09)
    end = sampling.reverse_sde(start[:, None], *mixture, np.array([4.0, 0.0]), np.arange(count), 2, 200).trajectory[:, -1, 0]
    left = norm.cdf(0, -1, 0.3) * 0.3 + norm.cdf(0, 1, 0.3) * 0.7
    assert abs(np.mean(end < 0) - left) < 4 * np.sqrt(left * (1 - left) / count)
    assert np.std(end[end > 0]) == pytest.approx(0.3, rel=0.05)
