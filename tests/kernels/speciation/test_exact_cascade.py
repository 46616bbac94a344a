"""The exact cascade: every mode's roots against dense scans, its bounds, symmetries, statuses and independence of points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from scoreshock.conventions import Status
from scoreshock.kernels.numerics.root_isolation import Points
from scoreshock.kernels.speciation import eigenvalue_counts
from scoreshock.kernels.speciation.exact_cascade import exact_cascade
from scoreshock.kernels.speciation.roots import exact
from tests.kernels.speciation.test_roots import random_mixture
from tests.reference import cases, check, identify, means_of, weights_of

pytestmark = pytest.mark.filterwarnings("error")

ZERO = np.array(0.0)


def eigenvalues(means, weights, v):
    """Eigenvalues, descending, of Gamma at the weighted mean and ``v (N,)``, (N, m)."""
    mu = means - weights @ means
    distance = (mu**2).sum(1)
    r = np.log(weights) - distance / (2 * np.asarray(v)[:, None])
    r = np.exp(r - r.max(1, keepdims=True))
    r /= r.sum(1, keepdims=True)
    c = (mu - (r @ mu)[:, None]) * np.sqrt(r)[..., None]
    return np.linalg.svd(c, compute_uv=False)[:, : max(1, min(len(weights) - 1, means.shape[1]))] ** 2


def scanned(means, weights, nodes=3000):
    """Roots of each mode by sign changes on a dense grid, refined by Brent's method, and the grid's lower end."""
    largest = ((means - weights @ means) ** 2).sum(1).max()
    v = np.geomspace(1e-5 * largest, 4.1 * largest, nodes)
    above = eigenvalues(means, weights, v) > v[:, None]

    def gap(log_v, j):
        return np.log(eigenvalues(means, weights, [np.exp(log_v)])[0, j]) - log_v

    def refined(j, i):
        return np.exp(brentq(gap, np.log(v[i]), np.log(v[i + 1]), args=(j,), xtol=1e-14))

    result = [np.flatnonzero(column[1:] != column[:-1]) for column in above.T]
    return [np.array([refined(j, i) for i in at]) for j, at in enumerate(result)], v[0]


def assert_roots_are_those_of_the_scan(means, weights):
    got = exact_cascade(means, weights, ZERO).roots
    expected, low = scanned(means, weights)
    for j, roots in enumerate(expected):
        own = got[j][got[j] > low]
        assert len(own) == len(roots), (j, own, roots)
        np.testing.assert_allclose(own, roots, rtol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_roots_of_random_mixtures_are_those_of_a_dense_scan(seed):
    assert_roots_are_those_of_the_scan(*random_mixture(np.random.default_rng([seed, 7])))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(25))
def test_roots_of_perturbed_simplices_crosses_and_trees_are_those_of_a_dense_scan(seed):
    rng = np.random.default_rng([seed, 8])
    k = int(rng.integers(3, 7))
    simplex = np.eye(k) * rng.uniform(0.8, 1.2, (k, 1))
    axes = np.diag(rng.uniform(0.1, 3, 3))
    cross = np.concatenate([axes, -axes, np.zeros((1, 3))])
    even = np.repeat(rng.uniform(0.2, 1, (1, 3)), 2, axis=0).ravel()
    tree = np.array([[s, 0.3 * t * (s > 0), 0.3 * t * (s < 0)] for s in (-1.0, 1.0) for t in (-1.0, 1.0)])
    for means, weights in (
        (simplex, rng.dirichlet(np.full(k, 50.0))),
        (cross, np.append(even, rng.uniform(0.01, 1))),
        (tree * rng.uniform(0.8, 1.2, 3), rng.dirichlet(np.full(4, 40.0))),
    ):
        assert_roots_are_those_of_the_scan(means, weights / weights.sum())


@pytest.mark.parametrize("case", cases("exact_roots"), ids=identify)
def test_first_mode_meets_the_reference_roots(case):
    result = exact_cascade(means_of(case), weights_of(case), np.array(case["inputs"]["sigma0"] ** 2))
    count = int(result.n_roots[0])
    check(case, "count", count)
    check(case, "s2_roots", result.roots[0, :count])
    check(case, "tau_star", result.tau_star[0] if count else None)


def test_first_mode_is_the_exact_criterion_to_the_bit():
    rng = np.random.default_rng(3)
    means, weights = rng.standard_normal((20, 5, 3)), rng.dirichlet(np.full(5, 4.0), 20)
    one, all_modes = exact(means, weights, np.array(0.1)), exact_cascade(means, weights, np.array(0.1))
    np.testing.assert_array_equal(all_modes.tau_star[:, 0], one.tau_star)
    np.testing.assert_array_equal(all_modes.roots[:, 0], one.roots)
    np.testing.assert_array_equal(all_modes.status[:, 0], one.status)


@pytest.mark.parametrize(("ratio", "rtol"), [(0.5, 1e-13), (1e-2, 1e-11), (1e-5, 1e-5)])
def test_leading_cascade_is_exact_in_a_tree_whose_leaves_are_equally_far(ratio, rtol):
    # Corollary 9.3: equal distances, so r = w at every v, and Gamma = Sigma_B.
    # A singular value errs by 1e-16 of the largest.
    a, b, c = 2.0, 2.0 * ratio, 2.0 * ratio**2
    leaves = [(s * a, t * b, u * c) for s in (-1, 1) for t in (-1, 1) for u in (-1, 1)]
    result = exact_cascade(np.array(leaves), np.full(8, 0.125), ZERO)
    assert result.n_roots.tolist() == [1, 1, 1]
    np.testing.assert_allclose(2 * result.tau_star, [a * a, b * b, c * c], rtol=rtol)


def uneven_tree(ratio):
    """Two pairs at the ends of a pair, one of them closer than the other by ``ratio``: equal weights, unequal distances."""
    return np.array([[1.0, 0.6, 0.0], [1.0, -0.6, 0.0], [-1.0, 0.0, 0.6 * ratio], [-1.0, 0.0, -0.6 * ratio]])


@pytest.mark.slow
def test_double_root_of_a_lower_mode_is_met_where_the_scan_touches_zero():
    low, high = 0.5, 0.7
    weights = np.full(4, 0.25)
    assert exact_cascade(uneven_tree(low), weights, ZERO).n_roots[2] == 0
    assert exact_cascade(uneven_tree(high), weights, ZERO).n_roots[2] == 2
    for _ in range(45):
        middle = 0.5 * (low + high)
        some = exact_cascade(uneven_tree(middle), weights, ZERO).n_roots[2] > 0
        low, high = (low, middle) if some else (middle, high)
    v = np.geomspace(0.03, 0.15, 100_001)
    highest = (np.log(eigenvalues(uneven_tree(high), weights, v)[:, 2]) - np.log(v)).max()
    assert abs(highest) < 1e-9
    assert exact_cascade(uneven_tree(high), weights, ZERO).n_roots[2] == 1


@pytest.mark.parametrize("seed", range(20))
def test_bounds_hold_inside_the_interval(seed):
    rng = np.random.default_rng([seed, 9])
    q, m = int(rng.integers(3, 6)), 3
    points = Points(rng.standard_normal((m, q, 1)), rng.uniform(0, 3, (q, 1)), rng.uniform(-3, 1, (q, 1)))
    start = rng.uniform(0.1, 2)
    told = 0
    for width in (1e-4, 1e-3, 0.03, 0.3):
        left, right = (eigenvalue_counts.node_at(np.array([y]), points) for y in (start, start * (1 + width)))
        inside = eigenvalue_counts.evaluate(np.linspace(start, start * (1 + width), 200), points, np.zeros(200, dtype=int))
        if left.above == right.above:
            if eigenvalue_counts.stays_below(left, right):
                told += 1
                assert (inside.above <= left.above).all()
            if eigenvalue_counts.stays_above(left, right):
                told += 1
                assert (inside.above >= left.above).all()
    assert told >= 2  # of the shortest interval at least, both


@pytest.mark.slow
def test_each_point_depends_on_itself_alone():
    rng = np.random.default_rng(1)
    means, weights = rng.standard_normal((60, 5, 4)), rng.dirichlet(np.full(5, 9.0), 60)
    means[::3, 2:] *= 0.1
    together = exact_cascade(means, weights, ZERO)
    for i in range(0, 60, 7):
        alone = exact_cascade(means[i], weights[i], ZERO)
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_array_equal(a[i], b)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(-30, 30))
def test_scaling_by_a_power_of_two_scales_v_to_the_bit(seed, power):
    means, weights = random_mixture(np.random.default_rng(seed))
    one, other = exact_cascade(means, weights, ZERO), exact_cascade(np.ldexp(means, power), weights, ZERO)
    np.testing.assert_array_equal(np.ldexp(one.roots, 2 * power), other.roots)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_rotation_and_order_of_components_change_rounding_only(seed):
    rng = np.random.default_rng(seed)
    means, weights = rng.standard_normal((5, 3)) * rng.uniform(0.2, 1, (5, 1)), rng.dirichlet(np.full(5, 9.0))
    turn, order = np.linalg.qr(rng.standard_normal((3, 3)))[0], rng.permutation(5)
    one, other = exact_cascade(means, weights, ZERO), exact_cascade((means @ turn)[order], weights[order], ZERO)
    assert one.n_roots.tolist() == other.n_roots.tolist()
    np.testing.assert_allclose(one.roots, other.roots, rtol=1e-8)


def test_statuses_say_why_there_is_no_time():
    flat = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    even = np.full(3, 1 / 3)
    corner = np.array([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]])
    assert exact_cascade(flat, even, ZERO).status.tolist() == [Status.no_real_root, Status.no_transition]
    assert exact_cascade(np.zeros((3, 2)), even, ZERO).status.tolist() == [Status.no_transition] * 2
    assert exact_cascade(corner, even, np.array(0.6)).status.tolist() == [Status.below_data_variance] * 2
    assert exact_cascade(corner, even, np.array(0.1)).status.tolist() == [Status.ok] * 2
    assert exact_cascade(np.where(corner > 0.9, np.nan, corner), even, ZERO).status.tolist() == [Status.failed] * 2
    np.testing.assert_allclose(exact_cascade(corner, even, np.array(0.6)).tau_star, -0.05, rtol=1e-12)


def test_variance_cuts_roots_and_places_keep_the_largest():
    means, weights = uneven_tree(0.7), np.full(4, 0.25)
    small, large = exact_cascade(means, weights, ZERO).roots[1, :2]
    cut = exact_cascade(means, weights, np.array([0.0, 0.5 * (small + large), 2 * large]))
    assert cut.n_roots[:, 1].tolist() == [2, 1, 0]
    assert cut.roots[1, 1, 0] == large
    np.testing.assert_array_equal(cut.tau_star[2, 1], (large - 2 * large) / 2)
    one = exact_cascade(means, weights, ZERO, places=1)
    assert (one.roots[1, 0], bool(one.root_truncated[1])) == (large, True)


def test_arguments_broadcast():
    rng = np.random.default_rng(0)
    means, weights = rng.standard_normal((4, 1, 5, 3)), rng.dirichlet(np.full(5, 9.0), (1, 3))
    result = exact_cascade(means, weights, np.array([0.0, 0.1])[:, None, None])
    assert result.tau_star.shape == (2, 4, 3, 3)
    assert result.roots.shape == (2, 4, 3, 3, 9)


def test_unequal_distances_in_a_far_corner_of_space_keep_their_roots():
    rng = np.random.default_rng(2)
    means, weights = np.round(rng.standard_normal((4, 3)) * 2**20) / 2**20, np.full(4, 0.25)
    near, far = exact_cascade(means, weights, ZERO), exact_cascade(means + 2.0**20, weights, ZERO)
    np.testing.assert_allclose(near.roots, far.roots, rtol=1e-12)
