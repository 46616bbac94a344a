"""Growth on the moving boundary: closed forms, brute force, breaks of the boundary, statuses, symmetries, bits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import logsumexp

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.gaussian.groups import REST
from scoreshock.kernels.layer import amplification, boundary, continuation
from scoreshock.kernels.layer.moving_boundary import boundary_exponent, boundary_rate, boundary_time
from scoreshock.kernels.speciation import criteria
from tests.kernels.gaussian.test_geometry import draw

pytestmark = pytest.mark.filterwarnings("error")

ZERO = np.array(0.0)
THIRDS = np.full(3, 1 / 3)
LINE = np.array([[-1.0], [0.0], [1.0]])
TRIANGLE = np.array([[0.0, 1.0], [-np.sqrt(0.75), -0.5], [np.sqrt(0.75), -0.5]])

CASES = {
    "three components in the plane": ([[0, 1.1], [-1.3, -0.5], [1.3, -0.6]], [0.3, 0.36, 0.34], [0, 1, 1], ()),
    "overlapping groups": ([[-1, 0.2], [0.8, 1], [-0.8, 1.2], [1, 0]], [0.3, 0.2, 0.2, 0.3], [0, 0, 1, 1], ()),
    "unequal weights": ([[-1.0], [0.2], [1.2]], [0.9, 0.03, 0.07], [0, 0, 1], ()),
    "several components a group": (
        [[-3.0, 0], [-2, 0.5], [-2.4, -0.5], [1.0, 1.0], [2.0, -1]],
        [0.1, 0.4, 0.1, 0.15, 0.25],
        [0, 0, 0, 1, 1],
        (),
    ),
    "a competitor left out": ([[-1.0, 0], [1.0, 0.3], [0.2, 2.0], [0.1, -1]], [0.4, 0.3, 0.1, 0.2], [0, 1, 2, 1], ()),
    "boundary vanishes": ([[-1.0], [0.0], [1.0]], [0.45, 0.1, 0.45], [0, 1, 0], (0.5 / np.log(9),)),
}
"""Means, weights, groups, and the v at which the boundary breaks."""


class BruteForce:
    """Boundary and rate of two groups from the densities alone."""

    def __init__(self, means, weights, group):
        self.means, self.weights, self.group = np.array(means, dtype=float), np.array(weights), np.array(group)
        one, two = (np.average(self.means[self.group == i], axis=0, weights=self.weights[self.group == i]) for i in (0, 1))
        step = two - one
        self.start, self.step = (one + two) / 2, step / np.linalg.norm(step) if step.any() else np.eye(len(step))[0]
        far = np.linspace(-1, 1, 1001)
        self.grid = far**3 * 30 * np.ptp(self.means)

    def log_ratio(self, t, v):
        x = self.start + np.multiply.outer(t, self.step)
        logit = np.log(self.weights) - ((x[..., None, :] - self.means) ** 2).sum(axis=-1) / (2 * v)
        return logsumexp(logit[..., self.group == 0], axis=-1) - logsumexp(logit[..., self.group == 1], axis=-1)

    def place(self, v):
        phi = self.log_ratio(self.grid, v)
        change = np.flatnonzero(phi[1:] * phi[:-1] < 0)
        roots = [brentq(self.log_ratio, *self.grid[i : i + 2], args=(v,), xtol=1e-15, rtol=1e-15) for i in change]
        roots = np.array([*roots, *self.grid[phi == 0]])
        return roots[np.abs(roots).argmin()] if len(roots) else np.nan

    def rate(self, v):
        """v n'Hn of the density of both groups."""
        x = self.start + self.place(v) * self.step
        h = 1e-6 * np.sqrt(v)
        normal = np.array([self.slope(x, e * h, v) for e in np.eye(len(x))])
        normal /= np.linalg.norm(normal)
        used = self.group != REST
        weights = self.weights[used] / self.weights[used].sum()
        return v * (normal @ mixture.score_jacobian(x, self.means[used], weights, np.array(v), ZERO) @ normal)

    def slope(self, x, step, v):
        there = [BruteForce.log_ratio(self._from(x + sign * step), 0.0, v) for sign in (1, -1)]
        return there[0] - there[1]

    def _from(self, x):
        other = object.__new__(BruteForce)
        other.__dict__ = {**self.__dict__, "start": x}
        return other

    def integral(self, low, high, cuts, precision=1e-9):
        def growth(y):
            rate = self.rate(np.exp(y))
            return 0.0 if np.isnan(rate) else max(rate, 0.0) / 2

        edges = np.log([low, *[v for v in cuts if low < v < high], high])
        return sum(quad(growth, *piece, epsabs=precision, epsrel=precision, limit=100)[0] for piece in pairwise(edges))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_integral_and_time_agree_with_brute_force(name):
    means, weights, group, breaks = CASES[name]
    brute, variance = BruteForce(means, weights, group), np.array(0.03)
    result = boundary_exponent(brute.means, brute.weights, variance, ZERO, brute.group)
    end = float(variance + 2 * result.tau_boundary)
    assert result.exponent_boundary_status == Status.ok
    assert result.n_exponent_discontinuities == result.n_boundary_discontinuities == len(breaks)
    if not breaks:
        assert brute.rate(0.999 * end) > 0 > brute.rate(1.001 * end)
    grid = [brute.rate(v) for v in np.geomspace(1.001 * end, 4 * end, 40)]
    assert not any(rate > 0 for rate in grid)
    expected = brute.integral(float(variance), end, breaks)
    assert result.exponent_boundary == pytest.approx(expected, rel=1e-7)
    assert result.exponent_boundary_error < 1e-9


@pytest.mark.slow
@given(seed=st.integers(0, 10**6), n=st.integers(1, 4), r=st.floats(-3, 12), weight=st.floats(1e-300, 0.5))
def test_a_pair_has_the_closed_form_and_its_own_criterion(seed, n, r, weight):
    means = np.random.default_rng(seed).standard_normal((2, n))
    weights = np.array([weight, 1 - weight])
    a = np.linalg.norm(means[1] - means[0]) / 2
    variance, tau = np.array(a**2 * 10.0**-r), np.array([0.0, 0.1 * a**2])
    for group in ([0, 1], [1, 0]):
        result = boundary_exponent(means, weights, variance, tau, np.array(group))
        closed = amplification.pair_exponent(means, weights, variance, tau)
        np.testing.assert_array_equal(result.exponent_boundary, closed.exponent)
        np.testing.assert_array_equal(result.exponent_boundary_status, closed.amplification_status)
        time = boundary_time(means, weights, variance, np.array(group))
        assert (time.tau_boundary, time.tau_boundary_status) == criteria.boundary(means, weights, variance)
    assert (
        boundary_exponent(means, weights, variance, tau, np.array([0, 2])).exponent_boundary_status.tolist()
        == [Status.not_applicable] * 2
    )


@pytest.mark.parametrize("weights", [[0.4, 0.4, 0.2], [0.1, 0.2, 0.7], [1e-300, 0.5, 0.5]])
@pytest.mark.parametrize("ratio", [1.0001, 2.0, 30.0, 1e6, 1e12])
def test_a_pair_among_competitors_follows_the_closed_form(weights, ratio):
    """Components of neither group are left out, so (55) holds, here of a boundary that is followed and integrated."""
    means = np.array([[-0.6, 0.8], [0.6, -0.8], [0.3, 1.0]])
    v = np.array(1 / ratio)
    result = boundary_exponent(means, np.array(weights), v / 2, v / 4, np.array([0, 1, 2]))
    assert result.exponent_boundary == pytest.approx((ratio - 1 - np.log(ratio)) / 2, rel=1e-12, abs=1e-15)
    assert result.tau_boundary == pytest.approx((1 - v / 2) / 2, rel=1e-13)
    assert (result.boundary_end, result.n_boundary_roots, result.n_exponent_discontinuities) == (continuation.ROOT, 1, 0)


def test_a_vertex_against_two_is_a_pair_across_their_axis():
    """By symmetry both others stay equally likely, so only their distance 3/2 along the normal counts: v = 9/16."""
    v = np.array([0.05, 0.3, 0.5, 0.6])
    ratio = 0.5625 / v
    for weights in (THIRDS, np.array([0.2, 0.4, 0.4])):
        result = boundary_exponent(TRIANGLE, weights, v, ZERO, np.array([0, 1, 1]))
        expected = np.where(ratio > 1, (ratio - 1 - np.log(ratio)) / 2, 0)
        np.testing.assert_allclose(result.exponent_boundary, expected, rtol=1e-12)
        np.testing.assert_allclose(result.tau_boundary, (0.5625 - v) / 2, rtol=1e-12)
        assert result.exponent_boundary_status.tolist() == [Status.ok] * 3 + [Status.below_data_variance]
        assert result.n_boundary_roots.tolist() == [1, 1, 1, 0]
    rate, _ = boundary_rate(TRIANGLE, THIRDS, v, ZERO, np.array([0, 1, 1]))
    np.testing.assert_allclose(rate, (0.5625 - v) / v**2, rtol=1e-12)


def test_two_equal_pairs_on_a_line_by_their_root_at_the_centre():
    """Means -b, -a, a, b: at the centre n'Hn is the variance of all four, whose root is solved here by itself."""
    means, weights = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0.3, 0.2, 0.2, 0.3])

    def spread(v):
        r = np.array([3 * np.exp(-4 / (2 * v)), 2 * np.exp(-1 / (2 * v))])
        return (r @ [4.0, 1.0]) / r.sum()

    root = brentq(lambda v: spread(v) - v, 1.0, 4.0, xtol=1e-15)
    result = boundary_exponent(means, weights, np.array(0.1), ZERO, np.array([0, 0, 1, 1]))
    assert 2 * result.tau_boundary + 0.1 == pytest.approx(root, rel=1e-13)
    expected = quad(lambda v: (spread(v) - v) / v**2 / 2, 0.1, root, epsabs=1e-12, epsrel=1e-12)[0]
    assert result.exponent_boundary == pytest.approx(expected, rel=1e-11)


def test_a_boundary_that_vanishes_ends_the_growth_and_says_so():
    """The middle component owns nothing above 0.9 exp(-1/(2v)) = 0.1, where n'Hn is still positive."""
    weights, group = np.array([0.45, 0.1, 0.45]), np.array([0, 1, 0])
    variance = np.array([0.05, 0.2, 0.3])
    result = boundary_exponent(LINE, weights, variance, ZERO, group)
    np.testing.assert_allclose(result.tau_boundary, (0.5 / np.log(9) - variance) / 2, rtol=1e-9)
    assert result.boundary_end.tolist() == [continuation.VANISHING] * 3
    assert result.tau_boundary_status.tolist() == [Status.no_real_root] * 2 + [Status.below_data_variance]
    assert result.exponent_boundary_status.tolist() == [Status.ok] * 2 + [Status.below_data_variance]
    assert result.n_exponent_discontinuities.tolist() == [1, 1, 0]
    rate, status = boundary_rate(LINE, weights, variance, ZERO, group)
    assert status.tolist() == [Status.ok, Status.ok, Status.no_real_root]
    assert rate[1] > 0
    assert np.isnan(rate[2])


@pytest.mark.slow
def test_a_jump_of_the_boundary_is_counted_and_cut_at():
    """Interleaved groups: two crossings merge, and the nearest one is then on the other side of the start."""
    means, weights, group = np.array([[-1.0], [-0.2], [0.3], [1.1]]), np.array([0.3, 0.2, 0.3, 0.2]), [0, 1, 0, 1]
    result = boundary_exponent(means, weights, np.array(0.02), ZERO, np.array(group))
    assert (
        result.n_exponent_discontinuities,
        result.n_boundary_discontinuities,
        result.n_boundary_roots,
        result.boundary_end,
    ) == (
        1,
        1,
        3,
        continuation.ROOT,
    )
    brute = BruteForce(means, weights, group)
    # The scan of a grid says where the place of the boundary jumps.
    v = np.geomspace(0.02, 0.4, 150)
    position = np.array([brute.place(value) for value in v])
    jump = np.flatnonzero(np.abs(np.diff(position)) > 0.3)
    assert len(jump) == 1
    low, high = v[jump[0]], v[jump[0] + 1]
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if abs(brute.place(middle) - position[jump[0]]) < 0.3 else (low, middle)
    end = float(0.02 + 2 * result.tau_boundary)
    assert result.exponent_boundary == pytest.approx(brute.integral(0.02, end, (low,), 1e-5), rel=1e-4)


def test_a_root_far_below_the_distances_of_the_means_is_found():
    """By symmetry the groups' means are 0 and e at every v on the axis: v = e^2/4, though no two means are that close."""
    means, weights = np.array([[0, 1.0], [0, -1], [0.05, 2], [0.05, -2]]), np.array([0.1, 0.1, 0.4, 0.4])
    result = boundary_time(means, weights, ZERO, np.array([0, 0, 1, 1]))
    assert result.tau_boundary == pytest.approx(0.05**2 / 8, rel=1e-8)
    assert (result.tau_boundary_status, result.n_boundary_roots) == (Status.ok, 1)


@pytest.mark.parametrize(("k", "n"), [(3, 1), (3, 2), (5, 2), (4, 3)])
def test_the_rate_is_that_of_the_layer(k, n):
    means, weights = draw(3, k, n)
    group = np.arange(k) % 2
    tau = np.geomspace(1e-3, 3, 20)
    start, direction = boundary.line_between(means, weights, group)
    places, _ = boundary.on_line(start, direction, means, weights, 0.1, tau, group)
    x = start + boundary.nearest(places)[:, None] * direction
    layer = boundary.mixture_layer(x, means, weights, 0.1, tau, group)
    rate, status = boundary_rate(means, weights, np.array(0.1), tau, group)
    np.testing.assert_allclose(rate, layer.normal_hessian, rtol=1e-9, atol=1e-10)
    np.testing.assert_array_equal(np.isnan(rate), status != Status.ok)


def test_each_status_has_its_case():
    means = np.stack([LINE, LINE, 0 * LINE, LINE + np.inf, LINE])
    group = np.array([[0, 0, 1], [0, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]])
    variance = np.array([0.1, 0.1, 0.1, 0.1, 0.0])
    with np.errstate(invalid="ignore"):
        result = boundary_exponent(means, THIRDS, variance, ZERO, group)
        rate, status = boundary_rate(means, THIRDS, variance, ZERO, group)
    expected = [Status.ok, Status.not_applicable, Status.no_transition, Status.failed, Status.singular]
    assert result.exponent_boundary_status.tolist() == expected
    assert status.tolist() == expected
    assert result.tau_boundary_status.tolist() == [*expected[:4], Status.ok]
    np.testing.assert_array_equal(np.isnan(result.exponent_boundary), [False, True, False, True, True])
    np.testing.assert_array_equal(np.isnan(result.exponent_boundary_error), np.isnan(result.exponent_boundary))
    np.testing.assert_array_equal(np.isnan(result.tau_boundary), [False, True, True, True, False])
    np.testing.assert_array_equal(np.isnan(rate), np.array(expected) != Status.ok)
    assert result.exponent_boundary[2] == 0
    past = boundary_exponent(LINE, THIRDS, np.array(0.1), np.array(5.0), np.array([0, 0, 1]))
    assert (past.exponent_boundary, past.exponent_boundary_status) == (0, Status.ok)


def test_a_line_that_never_meets_the_boundary():
    """Left out of all but its name: a group of weight 1e-300 among the others owns nothing of the line at any v."""
    means = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    result = boundary_exponent(means, np.array([0.3, 0.3, 0.3, 0.1]), np.array(0.1), ZERO, np.array([0, 0, 0, 1]))
    assert (result.exponent_boundary_status, result.tau_boundary_status) == (Status.no_real_root, Status.no_real_root)
    assert (result.exponent_boundary, result.boundary_end) == (0, continuation.NONE)
    assert np.isnan(result.tau_boundary)


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-80, 1.0, 1e80]), shift=st.sampled_from([0.0, 1e8]))
def test_swap_scale_shift_rotation_and_another_coordinate(seed, scale, shift):
    rng = np.random.default_rng(seed)
    means, weights = np.round(rng.standard_normal((3, 2)) * 2**20) / 2**20, rng.dirichlet(np.ones(3))
    group = np.array([0, 1, 1])
    base = boundary_exponent(means, weights, np.array(0.05), np.array(0.01), group)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0][:2]
    moved = (scale * (means + shift), scale * means @ turn) if shift else (scale * means, scale * means @ turn)
    for other in moved:
        for codes in (group, 1 - group):
            result = boundary_exponent(other, weights, np.array(0.05 * scale**2), np.array(0.01 * scale**2), codes)
            # An offset of 1e8 leaves some 8 digits of the means.
            assert result.exponent_boundary == pytest.approx(
                float(base.exponent_boundary), rel=1e-5 if shift else 1e-8, abs=1e-7
            )
            assert result.tau_boundary == pytest.approx(float(base.tau_boundary) * scale**2, rel=1e-4 if shift else 1e-8)


def test_no_extreme_raises_a_warning_or_loses_its_status():
    variance = np.array([1e-300, 1e-12, 1.0, 1e12])
    weights = np.array([1e-300, 0.5, 0.5])
    with np.errstate(all="raise", under="ignore"):
        result = boundary_exponent(LINE, weights, variance, np.array([[0.0], [1e12]]), np.array([0, 1, 1]))
        boundary_rate(LINE, weights, variance, np.array([[0.0], [1e12]]), np.array([0, 1, 1]))
    assert np.isfinite(result.exponent_boundary).all()
    np.testing.assert_allclose(result.exponent_boundary[0, 0], 0.5 * (0.25e300 - 1 - np.log(0.25e300)), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n"), [(2, 2), (3, 1), (4, 2)])
def test_a_point_alone_has_the_bits_that_it_has_in_a_batch(k, n):
    means, weights = draw(5, k, n, (16,))
    group = np.where(np.arange(16)[:, None] % 2, np.arange(k) % 2, boundary.leading_split(means, weights))
    variance, tau = np.array([0.0, 1e-6, 0.05])[:, None], np.array([1e-4, 0.02])[:, None, None]

    def everything(*arguments):
        return [*boundary_exponent(*arguments), *boundary_rate(*arguments), *boundary_time(*arguments[:3], arguments[4])]

    whole = everything(means, weights, variance, tau, group)
    for i in (0, 7, 10):
        for s, t in ((0, 0), (2, 1)):
            alone = everything(means[i], weights[i], variance[s, 0], tau[t, 0, 0], group[i])
            for one, other in zip(whole, alone, strict=True):
                assert np.array_equal(np.broadcast_to(one, (2, 3, 16))[t, s, i], other, equal_nan=True)
