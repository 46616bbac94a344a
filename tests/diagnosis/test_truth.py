"""The mixture as the truth: its denoiser, draws and flow."""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.diagnosis.truth import ends_of, flowed, truth_of

OWN = ss.mixture([[-1.0, 0.0], [1.0, 0.5]], [0.3, 0.7], covariance=[[[0.2, 0.1], [0.1, 0.3]], [[0.05, 0.0], [0.0, 0.4]]])
ONE = ss.mixture([[-1.0, 0.0], [1.0, 0.5]], [0.3, 0.7], variance=0.09)
X = np.random.default_rng(0).normal(size=(6, 2))


@pytest.mark.parametrize("mixture", [OWN, ONE])
def test_fields_are_those_of_the_public_functions(mixture) -> None:
    truth = truth_of(mixture)
    np.testing.assert_allclose(truth.denoise(X, 0.8), ss.denoiser(mixture, X, 0.32).values, rtol=1e-13)
    np.testing.assert_allclose(truth.responsibilities(X, 0.8), ss.responsibilities(mixture, X, 0.32).values, rtol=1e-12)


@pytest.mark.parametrize("mixture", [OWN, ONE])
def test_gradients_of_responsibilities_are_their_differences(mixture) -> None:
    truth, h = truth_of(mixture), 1e-5
    found = truth.responsibility_gradients(X, 0.8)
    for axis in range(2):
        step = h * np.eye(2)[axis]
        slope = (truth.responsibilities(X + step, 0.8) - truth.responsibilities(X - step, 0.8)) / (2 * h)
        np.testing.assert_allclose(found[..., axis], slope, atol=1e-9)
    np.testing.assert_allclose(truth.score(X, 0.8), ss.score(mixture, X, 0.32).values, rtol=1e-12)
    np.testing.assert_allclose(truth.log_density(X, 0.8), ss.log_density(mixture, X, 0.32).values, rtol=1e-12)


@pytest.mark.parametrize("mixture", [OWN, ONE])
def test_draws_have_the_components_moments(mixture) -> None:
    x, component = truth_of(mixture).draws(40_000, 1)
    assert np.bincount(component) / 40_000 == pytest.approx([0.3, 0.7], abs=1e-4)
    for k in range(2):
        own = x[component == k]
        np.testing.assert_allclose(own.mean(axis=0), mixture.component_mean[k], atol=0.03)
        covariance = np.cov(own.T)
        exact = ss.denoiser_covariance(ss.mixture(mixture.component_mean[k : k + 1].values, variance=0.09), X[:1], 1e6)
        if mixture is ONE:
            np.testing.assert_allclose(covariance, exact.squeeze(), atol=0.01)
        else:
            np.testing.assert_allclose(covariance, [[[0.2, 0.1], [0.1, 0.3]], [[0.05, 0.0], [0.0, 0.4]]][k], atol=0.02)


def test_the_flow_is_that_of_the_exact_trajectories() -> None:
    found = flowed(truth_of(ONE).denoise, 5 * X, 5.0, 0.5)
    exact = ss.trajectories(ONE, 5 * X, [12.5, 0.125]).trajectory
    np.testing.assert_allclose(found, exact.isel(tau=-1).transpose("point", "feature").values, atol=1e-5)
    whole = ss.trajectories(ONE, 5 * X, [12.5, 0.0]).trajectory.isel(tau=-1).transpose("point", "feature").values
    np.testing.assert_allclose(ends_of(truth_of(ONE).denoise, 5 * X, 5.0, 0.02, to_zero=True), whole, atol=1e-4)


def test_a_sweep_is_refused_by_its_dimensions() -> None:
    with pytest.raises(
        ValueError, match=r"mixture has the sweep dimensions variance; allowed: one mixture, as of mixture.isel"
    ):
        truth_of(ss.families.pair(separation=1.0, variance=[0.1, 0.2]))


def test_the_flow_of_a_single_point_ends() -> None:
    end = flowed(lambda x, sigma: x / (1 + sigma * sigma), np.array([[3.0]]), 5.0, 0.5)
    assert float(end[0, 0]) == pytest.approx(3.0 * np.sqrt(1.25 / 26), rel=1e-6)
