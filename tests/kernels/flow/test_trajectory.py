"""Trajectories against exact quantiles, exactly solvable cases, scalings, and each against itself alone."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.conventions import Status
from scoreshock.kernels.flow import sampling, trajectory
from scoreshock.kernels.flow.quantiles import quantile_flow
from tests import reference

PAIR = np.array([[-1.0], [1.0]])
HALF = np.array([0.5, 0.5])
TRACK = np.array([2.0, 0.5, 0.0])
TRIPLE = np.array([[-1.0, 0.3], [0.8, -0.5], [0.1, 1.2]]), np.array([0.2, 0.5, 0.3]), np.array(0.1)


@pytest.mark.parametrize("case", reference.cases("pf_ode_quantile"), ids=reference.identify)
def test_flow_and_quantiles_meet_the_references(case):
    given_ = case["inputs"]
    mixture = reference.means_of(case), reference.weights_of(case), np.array(given_["sigma0"] ** 2)
    x, tau = np.array([given_["x_start"]]), np.array([given_["tau_start"], given_["tau_end"]])
    exact, marched = quantile_flow(x, *mixture, tau), sampling.probability_flow(x, *mixture, tau)
    reference.check(case, "x_end", exact.trajectory_exact[-1])
    reference.check(case, "log_tail", exact.log_tail)
    reference.check(case, "x_end", marched.trajectory[-1, 0])


@pytest.mark.slow
@pytest.mark.parametrize("rtol", [1e-4, 1e-8, 1e-11])
@pytest.mark.parametrize(
    ("means", "weights", "variance"),
    [([-1, 1], [0.5, 0.5], 0.09), ([-1, 0.2, 1], [0.3, 0.3, 0.4], 0.09), ([-1, 0.2, 1.5, 3], [0.1, 0.2, 0.3, 0.4], 0.01)],
)
def test_error_stays_within_tolerance_and_estimate_at_any_number_of_times(means, weights, variance, rtol):
    x, times = np.random.default_rng(3).normal(size=(60, 1)) * 2, np.linspace(2, 0, 31)
    mixture = np.array(means, dtype=float)[:, None], np.array(weights), np.array(variance)
    result, exact = sampling.probability_flow(x, *mixture, times, rtol), quantile_flow(x, *mixture, times).trajectory_exact
    error = np.abs(result.trajectory[..., 0] - exact)
    assert not result.trajectory_status.any()
    scale = np.abs(result.trajectory[..., 0]) + np.ptp(means)
    assert np.all(error <= rtol * scale + 1e-12)
    # Quantiles carry some 1e-13 here.
    assert np.all(error <= result.trajectory_error[..., 0] + 1e-12)
    assert np.all(result.trajectory_error[..., 0] <= rtol * scale)


@pytest.mark.slow
@pytest.mark.parametrize("R", [200.0, 500.0])
def test_a_trajectory_that_depends_on_the_last_bit_of_its_start_is_unresolved(R):
    """A place close to the boundary of a sharp layer, followed to large tau: starts 1e-11 away part there."""
    mixture, tau = (PAIR, np.array([0.3, 0.7]), np.array(1 / R)), np.array([0.0, 2.0])
    boundary = -np.log(0.7 / 0.3) / (2 * R)
    start = sampling.probability_flow(np.array([boundary]), *mixture, tau).trajectory[-1, 0]
    left, right = quantile_flow(start * (1 + 1e-11 * np.array([[1], [-1]])), *mixture, tau[::-1]).trajectory_exact[:, -1]
    assert left < -0.5
    assert right > 0.5
    inputs = np.array([start]), *mixture, np.array([2.0, 1.0, 0.0])
    flow, exact = sampling.probability_flow(*inputs), quantile_flow(*inputs)
    for status in (flow.trajectory_status, exact.exact_status):
        assert status.tolist() == [Status.ok, Status.ok, Status.unresolved]
    assert flow.trajectory_error[-1] > 1e-8
    assert exact.trajectory_exact_error[-1] > 1e-8


def test_starts_and_times_without_a_trajectory_say_so():
    x = np.array([[np.nan], [0.3], [np.inf]])
    result = sampling.probability_flow(x, PAIR, HALF, np.array(0.09), TRACK)
    assert result.trajectory_status[:, -1].tolist() == [Status.failed, Status.ok, Status.failed]
    assert np.isnan(result.trajectory[[0, 2]]).all()
    back_and_forth = sampling.probability_flow(x[1], PAIR, HALF, np.array(0.09), np.array([1.0, 0.5, 0.7]))
    assert (back_and_forth.trajectory_status == Status.failed).all()


def test_an_error_as_jagged_as_can_be_does_not_go_on_for_ever(monkeypatch):
    monkeypatch.setattr("scoreshock.kernels.numerics.runge_kutta.MOST_STEPS", 50)
    result = sampling.probability_flow(
        np.array([0.3]), PAIR, HALF, np.array(0.09), TRACK, 1e-8, np.array([1.0]), lambda x, _mixture, _tau: np.sin(1e9 * x)
    )
    assert result.trajectory_status[-1] == Status.failed
    assert np.isnan(result.trajectory[-1, 0])


def test_an_error_that_is_not_a_number_ends_a_trajectory_at_once():
    calls = []

    def unknown(x, _mixture, _tau):
        calls.append(x)
        return np.nan

    result = sampling.probability_flow(np.array([0.3]), PAIR, HALF, np.array(0.09), TRACK, 1e-8, np.array([1.0]), unknown)
    assert result.trajectory_status[-1] == Status.failed
    assert np.isnan(result.trajectory[-1, 0])
    assert len(calls) < 2000


@pytest.mark.parametrize("place", [0.0, 1e8, -3e4])
def test_far_tails_and_offsets_keep_their_digits(place):
    x = np.array([[-1e4], [-30.0], [1e-3], [1e4]])
    near = sampling.probability_flow(x, PAIR, HALF, np.array(0.25), TRACK).trajectory
    moved = sampling.probability_flow(x + place, PAIR + place, HALF, np.array(0.25), TRACK).trajectory
    exact = quantile_flow(x + place, PAIR + place, HALF, np.array(0.25), TRACK).trajectory_exact
    slack = 4 * np.spacing(abs(place)) * 40
    np.testing.assert_allclose(moved - place, near, rtol=1e-12, atol=slack)
    np.testing.assert_allclose(exact, moved[..., 0], rtol=1e-8, atol=slack)


def test_one_gaussian_contracts_with_its_deviation_in_any_dimension():
    x = np.random.default_rng(0).normal(size=(7, 6))
    result = sampling.probability_flow(x, np.ones((1, 6)), np.ones(1), np.array(0.3), np.array([1e12, 3.0, 1e-12]))
    scale = np.sqrt((0.3 + 2 * np.array([1e12, 3.0, 1e-12])) / (0.3 + 2e12))
    np.testing.assert_allclose(result.trajectory, 1 + (x - 1)[:, None] * scale[:, None], rtol=1e-9, atol=1e-12)


def test_forward_and_back_returns():
    x = np.random.default_rng(1).normal(size=(9, 2))
    out = sampling.probability_flow(x, *TRIPLE, np.array([0.0, 2.0]))
    back = sampling.probability_flow(out.trajectory[:, -1], *TRIPLE, np.array([2.0, 0.0]))
    np.testing.assert_allclose(back.trajectory[:, -1], x, atol=1e-8)


@pytest.mark.slow
def test_many_features_take_another_route_to_the_same_place():
    x = np.random.default_rng(2).normal(size=(5, 2))
    few = sampling.probability_flow(x, *TRIPLE, TRACK).trajectory
    wide = [np.concatenate([a, np.zeros((*a.shape[:-1], 4))], axis=-1) for a in (x, TRIPLE[0])]
    many = sampling.probability_flow(wide[0], wide[1], *TRIPLE[1:], TRACK).trajectory
    np.testing.assert_allclose(many[..., :2], few, rtol=1e-12, atol=1e-13)
    assert not many[..., 2:].any()


def test_the_centre_of_a_symmetric_pair_stays_and_its_mirror_images_mirror():
    x = np.array([[0.0], [0.3], [-0.3]])
    result = sampling.probability_flow(x, PAIR, HALF, np.array(0.01), TRACK).trajectory
    assert not result[0].any()
    assert np.array_equal(result[1], -result[2])


@pytest.mark.parametrize("scale", [1e-3, 1e5])
def test_flow_scales_with_the_data(scale):
    x = np.array([[0.2], [-3.0]])
    result = sampling.probability_flow(x, PAIR, HALF, np.array(0.09), TRACK).trajectory
    scaled = sampling.probability_flow(scale * x, scale * PAIR, HALF, np.array(0.09 * scale**2), TRACK * scale**2).trajectory
    np.testing.assert_allclose(scaled, scale * result, rtol=1e-10)


def test_times_after_the_singular_one_are_void():
    result = sampling.probability_flow(np.array([0.5]), PAIR, HALF, np.array(0.0), np.array([1.0, 0.5, 0.0]))
    assert result.trajectory_status.tolist() == [Status.ok, Status.ok, Status.singular]
    assert np.isfinite(result.trajectory[:2]).all()
    assert np.isnan(result.trajectory[2]).all()
    exact = quantile_flow(np.array([0.5]), PAIR, HALF, np.array(0.0), np.array([1.0, 0.5, 0.0]))
    assert exact.exact_status.tolist() == result.trajectory_status.tolist()
    np.testing.assert_allclose(exact.trajectory_exact[:2], result.trajectory[:2, 0], rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["everywhere", "layer", "outside"])
def test_a_trajectory_does_not_depend_on_those_beside_it(place, monkeypatch):
    rng = np.random.default_rng(5)
    x, means = rng.normal(size=(3, 40, 2)), rng.normal(size=(3, 1, 3, 2))
    weights, variance = rng.dirichlet(np.ones(3), (3, 1)), rng.uniform(0.1, 1, (1, 40))
    bias = np.array([0.1, -0.2])
    profile = sampling.PROFILES[place]
    monkeypatch.setattr(trajectory, "PIECE", 64)
    whole = sampling.probability_flow(x, means, weights, variance, TRACK, 1e-6, bias, profile)
    noisy = sampling.reverse_sde(x, means, weights, variance, TRACK, np.arange(40), 3, 16, bias, profile).trajectory
    monkeypatch.undo()
    for i, j in ((0, 0), (1, 17), (2, 39)):
        alone = x[i, j], means[i, 0], weights[i, 0], variance[0, j], TRACK
        single = sampling.probability_flow(*alone, 1e-6, bias, profile)
        assert np.array_equal(single.trajectory, whole.trajectory[i, j])
        assert np.array_equal(single.trajectory_error, whole.trajectory_error[i, j])
        assert np.array_equal(sampling.reverse_sde(*alone, np.array(j), 3, 16, bias, profile).trajectory, noisy[i, j])
