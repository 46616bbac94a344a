"""What guided generation makes: shares, cells, distances; and that a strong weight loses a mode which an interval keeps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import wasserstein_distance

from scoreshock.conventions import Status
from scoreshock.kernels.flow.generated import cell, draws_of_class, shares_of, sliced_wasserstein
from scoreshock.kernels.flow.generation import Sampling, generate
from scoreshock.kernels.flow.guided import Guidance

SAMPLING = Sampling(samples=1000, stochastic=False, seed=0, steps=1, rtol=1e-8)
TOY = np.array([[-1.0], [1.0], [2.0]]), np.array([0.25, 0.25, 0.5]), np.array([0.5, 0.5, 0.0]), np.array(0.01)
"""A class of two modes, and another class beside one of them."""


def generated(mixture, weight, low, high, outside=1.0, eta=0.0, groups=((0, 1), (2,)), target=0, sampling=SAMPLING, v=100.0):
    interval = [np.asarray(a, dtype=float) for a in (weight, low, high, outside, eta, 5e-4, 50.0, 0.0, v)]
    return generate(Guidance(*mixture, *interval[:4]), *interval[4:], groups, target, sampling)


@pytest.mark.slow
def test_a_strong_weight_everywhere_loses_a_mode_that_the_same_weight_in_the_middle_keeps():
    """Kynkaanniemi et al. 2024: guidance at high noise drives samples to one mode of the class, away from other classes."""
    everywhere, middle = generated(TOY, 4.0, [0.0, 0.2], [np.inf, 0.8]).component_share
    assert everywhere[1] < 0.02  # of a half
    assert middle[1] > 0.45
    distance = generated(TOY, [1.0, 4.0, 4.0], [0.0, 0.0, 0.2], [np.inf, np.inf, 0.8]).class_distance
    assert distance[0] < 0.01 < distance[2] < 0.3 < 1.3 < distance[1]


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0.0, 1.0, 3.0])
def test_share_of_the_start_is_that_of_the_samples_and_of_the_ends_carried_back(weight):
    line = np.array([[-1.0], [0.5], [1.5]]), np.array([0.3, 0.4, 0.3]), np.array([0.0, 1.0, 0.0]), np.array(0.02)
    found = generated(line, weight, 0.2, 2.0, 0.0, groups=((0,), (1,), (2,)), target=1)
    assert found.boundary_status.tolist() == [Status.ok, Status.ok]
    lower, upper = found.class_boundary_start / 10
    assert found.class_share == pytest.approx(ndtr(upper) - ndtr(lower), abs=1e-12)
    assert found.class_share == pytest.approx(found.class_count / 1000, abs=2e-3)
    assert found.class_share_error < 1e-7


@pytest.mark.slow
def test_at_weight_zero_the_flow_keeps_shares_and_at_one_it_gives_the_class():
    plane = (
        np.array([[-1.0, 0.0], [1.0, 0.5], [0.0, 2.0]]),
        np.array([0.2, 0.3, 0.5]),
        np.array([0.0, 1.0, 0.0]),
        np.array(0.01),
    )
    many = Sampling(4000, False, 1, 1, 1e-6)
    # The start is the noise alone, which at this variance is near the noisy mixture.
    none, whole = (
        generated(plane, w, 0.0, np.inf, w, groups=((0,), (1,), (2,)), target=1, sampling=many) for w in (0.0, 1.0)
    )
    np.testing.assert_allclose(none.component_share, plane[1], atol=0.05)
    assert none.class_share_error == pytest.approx(np.sqrt(none.class_share * (1 - none.class_share) / 4000), rel=1e-12)
    assert none.boundary_status.tolist() == [Status.not_applicable] * 2
    assert whole.class_share == 1
    assert whole.class_distance < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_steps_with_noise_generate_the_class(eta):
    found = generated(TOY, 1.0, 0.0, np.inf, eta=eta, sampling=Sampling(2000, True, 2, 256, 1e-8))
    np.testing.assert_allclose(found.component_share, [0.5, 0.5, 0.0], atol=0.06)
    assert found.class_distance < 0.3


def test_statuses():
    still = generate(
        Guidance(*TOY[:3], np.array(0.0), *map(np.array, (1.0, 0.0, 9.0, 1.0))),
        *map(np.array, (0.0, 0.0, 50.0, 0.0, 100.0)),
        ((0, 1), (2,)),
        0,
        SAMPLING,
    )
    assert still.generation_status == Status.singular
    assert np.isnan([still.class_share, still.class_distance]).all()
    hidden = np.array([[0.0], [0.1], [-0.1]]), np.array([1e-6, 0.5, 0.5]), np.array([1.0, 0.0, 0.0]), np.array(0.1)
    nowhere = generated(hidden, 1.0, 0.0, np.inf, groups=((0,), (1,), (2,)), target=0)
    assert nowhere.boundary_status.tolist() == [Status.no_transition] * 2
    assert nowhere.class_share == 0
    assert nowhere.class_count == 0


@pytest.mark.parametrize("target", range(5))
def test_a_cell_is_where_its_component_is_the_most_probable(target):
    rng = np.random.default_rng(0)
    means, weights, v = rng.normal(size=5), rng.dirichlet(np.ones(5)), 0.1
    low, high = cell(means, weights, np.array(v), target)
    x = np.linspace(-30, 30, 200_001)
    best = (np.log(weights) - (x[:, None] - means) ** 2 / (2 * v)).argmax(axis=1) == target
    inside = (x > low) & (x < high)
    assert (inside == best).all()


def test_draws_of_a_class_on_a_line_are_its_quantiles_and_elsewhere_have_its_moments():
    means, share = np.array([[-1.0], [1.0], [9.0]]), np.array([0.3, 0.7, 0.0])
    line = draws_of_class(means, share, np.array(0.2), 500, 0)[:, 0]
    passed = 0.3 * ndtr((line + 1) / np.sqrt(0.2)) + 0.7 * ndtr((line - 1) / np.sqrt(0.2))
    np.testing.assert_allclose(passed, (np.arange(500) + 0.5) / 500, atol=1e-12)
    plane = draws_of_class(np.array([[-1.0, 0.0], [1.0, 2.0]]), np.array([0.25, 0.75]), np.array(0.2), 8000, 1)
    np.testing.assert_allclose(plane.mean(axis=0), [0.5, 1.5], atol=0.03)
    np.testing.assert_allclose(np.cov(plane.T), [[0.95, 0.75], [0.75, 0.95]], atol=0.04)


def test_sliced_distances():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(400, 1)), 0.5 + rng.normal(size=(400, 1))
    ordered = np.sqrt(np.mean((np.sort(x[:, 0]) - np.sort(y[:, 0])) ** 2))
    assert sliced_wasserstein(x, y, 0) == pytest.approx(ordered, rel=1e-12)
    assert sliced_wasserstein(x, y, 0) >= wasserstein_distance(x[:, 0], y[:, 0])
    plane = rng.normal(size=(400, 3))
    assert sliced_wasserstein(plane, plane, 0) == 0
    # Along each direction a scaled sample is a factor away: (s - 1) rms.
    apart = sliced_wasserstein(plane, 3 * plane, 0, 2048)
    assert apart == pytest.approx(2 * np.sqrt((plane**2).sum(axis=1).mean() / 3), rel=0.03)


def test_shares_are_of_the_most_probable_component_and_class():
    pair = np.array([[-1.0], [1.0], [1.2]]), np.array([0.4, 0.3, 0.3])
    ends = np.array([[-3.0], [0.05], [1.19], [np.nan]])
    found = shares_of(ends, *pair, np.array(0.5), np.array(0.0), np.array([0, 1, 1]), 1)
    assert found.component_share.tolist() == [0.5, 0.0, 0.25]
    assert found.class_count == 2  # of the class's two components together
