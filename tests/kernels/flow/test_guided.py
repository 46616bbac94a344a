"""Guided flows against SciPy's integrator, closed forms at weights 0 and 1, and marginals that noise does not change."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from scoreshock.conventions import Status
from scoreshock.kernels.flow.guided import Guidance, guided_flow, guided_noise
from scoreshock.kernels.flow.sampling import probability_flow
from scoreshock.kernels.gaussian.mixture import score

TAU = np.array([20.0, 0.5, 0.002])


def mixture(features, k=3):
    rng = np.random.default_rng(features)
    return rng.normal(size=(k, features)), np.array([0.5, 0.2, 0.3]), np.array([0.5, 0.0, 0.5]), np.array(0.02)


def by_scipy(x, tau, means, weights, class_weights, variance, weight, low, high, outside):
    """The same trajectory by DOP853 in tau, piece by piece."""
    inside = class_weights > 0
    share = class_weights[inside] / class_weights.sum()

    def slope(w):
        def field(t, y):
            of_class = score(y, means[inside], share, variance, t)
            return -(w * of_class + (1 - w) * score(y, means, weights, variance, t))

        return field

    ends = sorted({*tau, *(s * s / 2 for s in (low, high) if tau[-1] < s * s / 2 < tau[0])}, reverse=True)
    for start, stop in pairwise(ends):
        w = weight if low < np.sqrt(start + stop) <= high else outside
        done = solve_ivp(slope(w), (start, stop), x, method="DOP853", rtol=1e-11, atol=1e-13)
        x = done.y[:, -1]
    return x


@pytest.mark.slow
@pytest.mark.parametrize("features", [1, 2, 6])
@pytest.mark.parametrize(
    ("weight", "low", "high", "outside"), [(3.0, 0.3, 2.0, 1.0), (2.0, 0.0, 1.0, 0.0), (0.5, 0.1, 99.0, 1.0)]
)
def test_trajectories_are_those_of_another_integrator(features, weight, low, high, outside):
    of = mixture(features)
    x = np.random.default_rng(1).normal(size=(3, features)) * 6
    interval = [np.array(a) for a in (weight, low, high, outside)]
    found = guided_flow(x, TAU, Guidance(*of, *interval))
    assert (found.trajectory_status == Status.ok).all()
    for start, end in zip(x, found.trajectory[:, -1], strict=True):
        np.testing.assert_allclose(end, by_scipy(start, TAU, *of, weight, low, high, outside), atol=1e-8)


@pytest.mark.parametrize("features", [1, 3])
def test_weight_one_is_the_flow_of_the_class_and_weight_zero_that_of_all(features):
    means, weights, class_weights, variance = mixture(features)
    x = np.random.default_rng(2).normal(size=(4, features)) * 5
    ends = [np.array(a) for a in (0.2, 3.0)]
    of_class = guided_flow(x, TAU, Guidance(means, weights, class_weights, variance, np.array(1.0), *ends, np.array(1.0)))
    alone = probability_flow(x, means[[0, 2]], np.full(2, 0.5), variance, TAU)
    np.testing.assert_allclose(of_class.trajectory, alone.trajectory, atol=1e-7)
    of_all = guided_flow(x, TAU, Guidance(means, weights, class_weights, variance, np.array(0.0), *ends, np.array(0.0)))
    np.testing.assert_allclose(of_all.trajectory, probability_flow(x, means, weights, variance, TAU).trajectory, atol=1e-7)


@pytest.mark.slow
def test_a_trajectory_forth_and_back_returns():
    of, interval = mixture(2), [np.array(a) for a in (2.5, 0.3, 2.0, 1.0)]
    x = np.array([[0.4, -0.2], [1.0, 1.0]])
    out = guided_flow(x, TAU[::-1], Guidance(*of, *interval)).trajectory[:, -1]
    back = guided_flow(out, TAU, Guidance(*of, *interval))
    np.testing.assert_allclose(back.trajectory[:, -1], x, atol=1e-8)


@pytest.mark.slow
def test_without_noise_steps_approach_the_flow():
    of, interval = mixture(2), [np.array(a) for a in (1.5, 0.3, 2.0, 1.0)]
    x = np.random.default_rng(4).normal(size=(5, 2)) * 6
    exact = guided_flow(x, TAU, Guidance(*of, *interval)).trajectory
    errors = []
    for steps in (512, 1024, 2048):
        found = guided_noise(x, TAU, Guidance(*of, *interval), np.array(0.0), np.arange(5), steps=steps)
        errors.append(np.abs(found.trajectory - exact).max())
    # Of order one, and the jumps of the weight fall between steps.
    assert errors[2] < 0.4 * errors[0] < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0, 2.0])
def test_marginals_are_those_of_the_class_at_any_share_of_noise(eta):
    means, weights, class_weights, variance = (
        np.array([[-1.0], [1.0], [3.0]]),
        np.full(3, 1 / 3),
        np.array([0.25, 0.75, 0]),
        np.array(0.04),
    )
    count, tau = 4000, np.array([50.0, 0.01])
    rng = np.random.default_rng(7)
    start = rng.choice([-1.0, 1.0], size=count, p=[0.25, 0.75]) + np.sqrt(variance + 2 * tau[0]) * rng.normal(size=count)
    ones = [np.array(a) for a in (1.0, 0.0, np.inf, 1.0)]
    found = guided_noise(
        start[:, None],
        tau,
        Guidance(means, weights, class_weights, variance, *ones),
        np.array(eta),
        np.arange(count),
        seed=3,
        steps=400,
    )
    end, v = found.trajectory[:, 1, 0], variance + 2 * tau[1]
    right = end > 0
    assert right.mean() == pytest.approx(0.75, abs=5 * np.sqrt(0.1875 / count))
    for side, mean in ((right, 1.0), (~right, -1.0)):
        assert end[side].mean() == pytest.approx(mean, abs=5 * np.sqrt(v / side.sum()))
        assert end[side].var() == pytest.approx(v, rel=5 * np.sqrt(2 / side.sum()) + 0.02)


@pytest.mark.slow
def test_statuses_and_bits():
    of, interval = mixture(1), [np.array(a) for a in (2.0, 0.3, 2.0, 1.0)]
    still = guided_flow(np.array([[0.5]]), np.array([1.0, 0.0]), Guidance(*of[:3], np.array(0.0), *interval))
    assert still.trajectory_status.tolist() == [[Status.ok, Status.singular]]
    assert np.isnan(still.trajectory[0, 1]).all()
    x = np.random.default_rng(5).normal(size=(7, 1)) * 9
    weight = np.linspace(0, 4, 7)
    numbers = np.arange(7)
    for kernel, more in ((guided_flow, ()), (guided_noise, (np.array(0.7), numbers))):
        together = kernel(x, TAU, Guidance(*of, weight, *interval[1:]), *more)
        for i in range(7):
            own = (more[0], more[1][i]) if more else ()
            alone = kernel(x[i], TAU, Guidance(*of, weight[i], *interval[1:]), *own)
            assert together.trajectory[i].tolist() == alone.trajectory.tolist()
