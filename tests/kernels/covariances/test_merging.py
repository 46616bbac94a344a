"""Modes and their merging: references, certified isotropic merging, dense grids, three modes of two components."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.conventions import Status
from scoreshock.kernels.covariances import fields
from scoreshock.kernels.covariances.components import components, from_covariances
from scoreshock.kernels.covariances.merging import count_modes, merging
from scoreshock.kernels.covariances.stationary import rises
from scoreshock.kernels.modes import modes
from tests.kernels.covariances.draws import drawn, rotated, scaled, shared_pair
from tests.reference import cases, check, identify

pytestmark = pytest.mark.filterwarnings("error")

CROSSED = from_covariances([[0.0, 0.0], [1.0, 1.0]], [0.5, 0.5], [[[1, 0], [0, 0.05]], [[0.05, 0], [0, 1]]])
"""The example of Ray and Lindsay (2005), figure 1: two components with three modes."""


def modes_on_line(c, tau):
    x = np.linspace(c.means.min(), c.means.max(), 100_001)[:, None]
    s = fields.score(x, c, tau)[:, 0]
    s = s[s != 0]
    return np.count_nonzero((s[:-1] > 0) & (s[1:] < 0))


def modes_in_plane(c, tau, reach=4.0, nodes=801):
    axis = np.linspace(-reach, reach, nodes)
    p = fields.log_density(np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1), c, tau)
    inner = p[1:-1, 1:-1]
    shifts = [(i, j) for i in (0, 1, 2) for j in (0, 1, 2) if (i, j) != (1, 1)]
    return np.logical_and.reduce([inner > p[i : i + nodes - 2, j : j + nodes - 2] for i, j in shifts]).sum()


@pytest.mark.parametrize("case", cases("shared_pair"), ids=identify)
@pytest.mark.parametrize("own", [False, True])
def test_reference_pairs(case, own):
    check(case, "tau_merging", merging(shared_pair(case, own)).tau)


@pytest.mark.parametrize("k", [2, 3, 6])
def test_equal_variances_on_a_line_merge_as_certified(k):
    rng = np.random.default_rng(k)
    means, weights = rng.standard_normal((10, k, 1)), rng.dirichlet(np.full(k, 3.0), 10)
    expected = modes.merging(means, weights, np.full(10, 1e-3))
    own, shared = (merging(components(means, weights, np.full((10, width), 1e-3))) for width in (k, 1))
    ok = expected.status == Status.ok
    assert ok.any()
    np.testing.assert_allclose(own.tau[ok], expected.tau_star[ok], rtol=1e-10)
    np.testing.assert_allclose(shared.tau, expected.tau_star, rtol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 3, 5])
def test_on_a_line_one_mode_is_left_above(k):
    rng = np.random.default_rng(k)
    several = 0
    for _ in range(15):
        c = components(rng.standard_normal((k, 1)), rng.dirichlet(np.full(k, 3.0)), 10.0 ** rng.uniform(-4, 0, k))
        tau, status = merging(c)
        if status == Status.ok:
            several += 1
            assert modes_on_line(c, tau * (1 - 1e-4)) > 1
            assert modes_on_line(c, tau * (1 + 1e-4)) == 1
        else:
            assert status == Status.no_transition
            assert max(modes_on_line(c, t) for t in (1e-5, 1e-3, 0.1)) == 1
    assert several


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_in_a_plane_one_mode_is_left_above(seed):
    c = drawn(2, 2, seed, smallest=0.02)
    tau, status = merging(c)
    times = tau * np.array([0.97, 1.03]) if status == Status.ok else np.array([0.001, 0.1])
    expected = [modes_in_plane(c, t) for t in times]
    assert (expected[0] > expected[1] == 1) if status == Status.ok else (max(expected) == 1)
    np.testing.assert_array_equal(count_modes(c, times).n_modes, expected)


def test_two_components_with_three_modes():
    np.testing.assert_array_equal(count_modes(CROSSED, np.array([0.0, 0.02, 0.03])).n_modes, [3, 3, 1])
    assert modes_in_plane(CROSSED, 0.0) == 3
    tau = merging(CROSSED).tau
    assert modes_in_plane(CROSSED, 0.97 * tau) > 1
    assert modes_in_plane(CROSSED, 1.03 * tau) == 1


def test_units_and_turns_do_not_matter():
    tau = merging(CROSSED).tau
    assert merging(rotated(CROSSED)).tau == pytest.approx(tau, rel=1e-9)
    assert merging(scaled(CROSSED, 100.0)).tau == pytest.approx(1e4 * tau, rel=1e-9)


def test_statuses():
    assert merging(drawn(3, 2)).status == Status.not_applicable
    assert count_modes(drawn(3, 2), 0.1).status == Status.not_applicable
    assert merging(components(np.zeros((2, 1)), [0.5, 0.5], [1.0, 3.0])).status == Status.no_transition
    assert merging(components([[-0.1], [0.1]], [0.5, 0.5], [1.0, 2.0])).status == Status.no_transition
    assert merging(components([[-0.1], [np.nan]], [0.5, 0.5], [1.0, 2.0])).status == Status.failed
    assert count_modes(components([[-1.0], [1.0]], [0.5, 0.5], [0.0, 1.0]), 0.0).status == Status.singular


def test_a_mixture_has_the_bits_it_has_alone():
    for c in (drawn(3, 1, size=(5,), smallest=0.001, spread=0.1), drawn(2, 2, size=(5,), smallest=0.02)):
        whole = merging(c).tau
        for i in (0, 4):
            np.testing.assert_array_equal(merging(c.flat().take(i)).tau, whole[i])


def test_short_rises_between_nodes_are_seen():
    """A slope that is positive on a hundredth of the distance of the nodes."""
    height = np.array([1e-4, -1e-4])

    def function(u, points):
        offset = u - 0.013
        return height[points] * offset - offset**3, height[points] - 3 * offset**2

    found = rises(function, np.linspace(-5, 5, 11)[:, None].repeat(2, axis=1))
    np.testing.assert_array_equal(found.number, [1, 0])
    assert found.margin[0] > 0 > found.margin[1]


@pytest.mark.parametrize("n", [1, 2])
def test_dimensions_outside_weigh_the_components(n):
    """As features of the data, in which the means agree."""
    rng = np.random.default_rng(n)
    means, weights, variance = rng.standard_normal((2, n)), [0.3, 0.7], [0.02, 0.03]
    wide = components(np.hstack([means, np.zeros((2, 3))]), weights, variance)
    inside = components(means, weights, variance)
    tau = merging(wide).tau
    assert tau > 0
    assert merging(inside, dimension=n + 3).tau == pytest.approx(tau, rel=1e-9)
    assert abs(merging(inside).tau / tau - 1) > 1e-3
    times = tau * np.array([0.99, 1.01])
    np.testing.assert_array_equal(count_modes(inside, times, dimension=n + 3).n_modes, [2, 1])


@pytest.mark.slow
def test_nearly_flat_densities_are_right_or_unresolved():
    """Equal components at unit spacing, whose modes merge in flatter and flatter densities the more there are."""
    for k in (3, 5, 8, 10, 12, 16):
        means, weights = np.arange(float(k))[:, None], np.full(k, 1 / k)
        tau, status = merging(components(means, weights, np.full(k, 0.1)))
        if status == Status.unresolved:
            assert np.isnan(tau)
            assert k >= 8
        else:
            assert tau == pytest.approx(modes.merging(means, weights, np.array(0.1)).tau_star, rel=1e-7)
