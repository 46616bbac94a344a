"""What networks are trained on: the errors that damages stand for, by the theory that they are to show."""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.diagnosis.truth import truth_of
from scoreshock.networks import damages
from scoreshock.networks.truths import DATA_SETS

PAIR = DATA_SETS["pair"].mixture()


def test_sizes_are_around_that_of_the_first_seed() -> None:
    factors = [damages.factor(seed) for seed in range(20)]
    assert factors[0] == 1.0
    assert min(factors) >= 0.5
    assert max(factors) <= 1.5
    assert np.mean(factors) == pytest.approx(1.0, abs=0.05)


def test_the_layer_of_a_pair_is_moved_by_a_quarter_of_its_width_at_every_level() -> None:
    tilted = damages.layer(PAIR, 0, 32)
    np.testing.assert_allclose(tilted.weights, [0.622459, 0.377541], atol=1e-6)  # 1/(1 + exp(-1/2))
    wrong = ss.mixture(tilted.means, tilted.weights, variance=tilted.variance)
    for sigma in (0.1, 0.5, 2.0):
        shift = 0.25 * (0.09 + sigma**2) / 1.0  # widths v/a, a = 1
        even = ss.responsibilities(wrong, np.array([[shift, 0.3]]), sigma**2 / 2).values
        np.testing.assert_allclose(even, 0.5, atol=1e-12)


def test_of_many_components_every_other_class_is_heavier() -> None:
    board = DATA_SETS["checkerboard"].mixture()
    tilted = damages.layer(board, 0, 32).weights.reshape(8, 16)
    assert (tilted.std(axis=1) < 1e-15).all()
    np.testing.assert_allclose(tilted[::2, 0] / tilted[1::2, 0], np.exp(0.5))


def test_the_rotation_moves_no_density() -> None:
    """div(p J grad ln p) = 0, here by differences on a grid."""
    truth, h, sigma = truth_of(PAIR), 0.01, 0.5
    axis = np.arange(-150, 151) * h
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    p = np.exp(truth.log_density(points.reshape(-1, 2), sigma)).reshape(points.shape[:-1])
    flow = p[..., None] * (truth.score(points.reshape(-1, 2), sigma).reshape(points.shape) @ [[0.0, 1.0], [-1.0, 0.0]])
    divergence = np.gradient(flow[..., 0], h, axis=0) + np.gradient(flow[..., 1], h, axis=1)
    assert np.abs(divergence[1:-1, 1:-1]).max() < 1e-3 * np.abs(np.gradient(flow[..., 0], h, axis=0)).max()
    assert damages.rotation(PAIR, 0, 32).turn == 0.3


def test_one_level_is_that_of_the_spread_and_pushes_from_class_to_class() -> None:
    pushed = damages.one_level(PAIR, 0, 32)
    assert pushed.level == pytest.approx(np.sqrt(0.5 + 0.09))  # variances 1.09 and 0.09, their mean
    np.testing.assert_allclose(pushed.direction, [1.0, 0.0])
    assert pushed.push == 0.5


def test_memorised_samples_are_draws_of_the_data_other_ones_for_each_seed() -> None:
    first, second = (damages.memorising(PAIR, seed, 32).means for seed in (0, 1))
    assert first.shape == (32, 2)
    assert not np.isin(first, second).any()
    assert (first[:, 0] > 0).sum() in range(14, 19)  # shares are stratified
    assert first[:, 1].std() == pytest.approx(0.3, rel=0.4)
