"""Trajectories against exact quantiles, exactly solvable cases, scalings, and each against itself alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from scoreshock.conventions import Status
from scoreshock.kernels.flow import sampling, trajectory
from scoreshock.kernels.flow.quantiles import quantile_flow
from scoreshock.kernels.numerics.counter_rng import normals
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
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 2.0), st.integers(1, 4))
def test_flow_keeps_quantiles_within_its_own_estimate(seed, variance, k):
    rng = np.random.default_rng(seed)
    mixture = rng.normal(size=(k, 1)), rng.dirichlet(np.ones(k)), np.array(variance)
    x = rng.normal(size=(20, 1)) * 3
    exact, marched = quantile_flow(x, *mixture, TRACK), sampling.probability_flow(x, *mixture, TRACK)
    assert np.all(np.abs(marched.trajectory[..., 0] - exact.trajectory_exact) <= marched.trajectory_error[..., 0] + 1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("rtol", [1e-4, 1e-8, 1e-11])
@pytest.mark.parametrize(
    ("means", "weights", "variance"),
    [([-1, 1], [0.5, 0.5], 0.09), ([-1, 0.2, 1], [0.3, 0.3, 0.4], 0.09), ([-1, 0.2, 1.5, 3], [0.1, 0.2, 0.3, 0.4], 0.01)],
)
def test_error_stays_within_tolerance_and_estimate_at_any_number_of_times(means, weights, variance, rtol):
    x, times = np.random.default_rng(3).normal(size=(60, 1)) * 2, np.linspace(2, 0, 31)
    mixture = np.array(means, dtype=float)[:, None], np.array(weights), np.array(variance)
    found, exact = sampling.probability_flow(x, *mixture, times, rtol), quantile_flow(x, *mixture, times).trajectory_exact
    error = np.abs(found.trajectory[..., 0] - exact)
    assert not found.trajectory_status.any()
    scale = np.abs(found.trajectory[..., 0]) + np.ptp(means)
    assert np.all(error <= rtol * scale + 1e-12)
    # Quantiles carry some 1e-13 here.
    assert np.all(error <= found.trajectory_error[..., 0] + 1e-12)
    assert np.all(found.trajectory_error[..., 0] <= rtol * scale)


@pytest.mark.slow
@pytest.mark.parametrize("R", [200.0, 500.0])
def test_what_the_last_bit_of_the_start_decides_is_unresolved(R):
    """A place close to the boundary of a sharp layer, followed to large tau: starts 1e-11 away part there."""
    mixture, tau = (PAIR, np.array([0.3, 0.7]), np.array(1 / R)), np.array([0.0, 2.0])
    boundary = -np.log(0.7 / 0.3) / (2 * R)
    start = sampling.probability_flow(np.array([boundary]), *mixture, tau).trajectory[-1, 0]
    left, right = quantile_flow(start * (1 + 1e-11 * np.array([[1], [-1]])), *mixture, tau[::-1]).trajectory_exact[:, -1]
    assert left < -0.5
    assert right > 0.5
    given = np.array([start]), *mixture, np.array([2.0, 1.0, 0.0])
    flow, exact = sampling.probability_flow(*given), quantile_flow(*given)
    for status in (flow.trajectory_status, exact.exact_status):
        assert status.tolist() == [Status.ok, Status.ok, Status.unresolved]
    assert flow.trajectory_error[-1] > 1e-8
    assert exact.trajectory_exact_error[-1] > 1e-8


def test_starts_and_times_without_a_trajectory_say_so():
    x = np.array([[np.nan], [0.3], [np.inf]])
    found = sampling.probability_flow(x, PAIR, HALF, np.array(0.09), TRACK)
    assert found.trajectory_status[:, -1].tolist() == [Status.failed, Status.ok, Status.failed]
    assert np.isnan(found.trajectory[[0, 2]]).all()
    back_and_forth = sampling.probability_flow(x[1], PAIR, HALF, np.array(0.09), np.array([1.0, 0.5, 0.7]))
    assert (back_and_forth.trajectory_status == Status.failed).all()


def test_an_error_as_jagged_as_can_be_does_not_go_on_for_ever(monkeypatch):
    monkeypatch.setattr("scoreshock.kernels.numerics.runge_kutta.MOST_STEPS", 50)
    found = sampling.probability_flow(
        np.array([0.3]), PAIR, HALF, np.array(0.09), TRACK, 1e-8, np.array([1.0]), lambda x, _mixture, _tau: np.sin(1e9 * x)
    )
    assert found.trajectory_status[-1] == Status.failed
    assert np.isnan(found.trajectory[-1, 0])


def test_an_error_that_is_not_a_number_ends_a_trajectory_at_once():
    calls = []

    def unknown(x, _mixture, _tau):
        calls.append(x)
        return np.nan

    found = sampling.probability_flow(np.array([0.3]), PAIR, HALF, np.array(0.09), TRACK, 1e-8, np.array([1.0]), unknown)
    assert found.trajectory_status[-1] == Status.failed
    assert np.isnan(found.trajectory[-1, 0])
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
    found = sampling.probability_flow(x, np.ones((1, 6)), np.ones(1), np.array(0.3), np.array([1e12, 3.0, 1e-12]))
    scale = np.sqrt((0.3 + 2 * np.array([1e12, 3.0, 1e-12])) / (0.3 + 2e12))
    np.testing.assert_allclose(found.trajectory, 1 + (x - 1)[:, None] * scale[:, None], rtol=1e-9, atol=1e-12)


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
    found = sampling.probability_flow(x, PAIR, HALF, np.array(0.01), TRACK).trajectory
    assert not found[0].any()
    assert np.array_equal(found[1], -found[2])


@pytest.mark.parametrize("scale", [1e-3, 1e5])
def test_flow_scales_with_the_data(scale):
    x = np.array([[0.2], [-3.0]])
    found = sampling.probability_flow(x, PAIR, HALF, np.array(0.09), TRACK).trajectory
    scaled = sampling.probability_flow(scale * x, scale * PAIR, HALF, np.array(0.09 * scale**2), TRACK * scale**2).trajectory
    np.testing.assert_allclose(scaled, scale * found, rtol=1e-10)


def test_times_after_the_singular_one_are_void():
    found = sampling.probability_flow(np.array([0.5]), PAIR, HALF, np.array(0.0), np.array([1.0, 0.5, 0.0]))
    assert found.trajectory_status.tolist() == [Status.ok, Status.ok, Status.singular]
    assert np.isfinite(found.trajectory[:2]).all()
    assert np.isnan(found.trajectory[2]).all()
    exact = quantile_flow(np.array([0.5]), PAIR, HALF, np.array(0.0), np.array([1.0, 0.5, 0.0]))
    assert exact.exact_status.tolist() == found.trajectory_status.tolist()
    np.testing.assert_allclose(exact.trajectory_exact[:2], found.trajectory[:2, 0], rtol=1e-8)


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


def test_quantiles_do_not_depend_on_those_beside_them(monkeypatch):
    x = np.linspace(-4, 4, 100)[:, None]
    whole = quantile_flow(x, PAIR, HALF, np.array(0.09), TRACK).trajectory_exact
    monkeypatch.setattr("scoreshock.kernels.flow.quantiles.BLOCK", 7)
    assert np.array_equal(quantile_flow(x, PAIR, HALF, np.array(0.09), TRACK).trajectory_exact, whole)
    assert all(
        np.array_equal(quantile_flow(x[i], PAIR, HALF, np.array(0.09), TRACK).trajectory_exact, whole[i])
        for i in (0, 49, 99)
    )


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


def test_normals_are_normal_and_independent_between_trajectories_and_places():
    many = np.stack([normals(0, np.arange(20000), place) for place in range(4)])
    assert kstest(many.ravel(), norm.cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(many) - np.eye(4)).max() < 0.03
    assert abs(np.corrcoef(many[0, 1:], many[0, :-1])[0, 1]) < 0.03
    assert abs(np.corrcoef(many[0, 1:], many[1, :-1])[0, 1]) < 0.03
    assert abs(np.corrcoef(many[0], normals(1, np.arange(20000), 0))[0, 1]) < 0.03
