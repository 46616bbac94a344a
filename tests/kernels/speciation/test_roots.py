"""The exact criterion: counts and places of its roots, their directions, statuses and symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.kernels.speciation.roots import ExactRoots, exact, pair_roots
from tests.reference import cases, check, identify, means_of, weights_of

pytestmark = pytest.mark.filterwarnings("error")

CRITICAL_WEIGHT = 0.3532922158429182945712248
ZERO = np.array(0.0)


def solve(means, weights, variance=0.0, **options) -> ExactRoots:
    weights = np.asarray(weights, dtype=float)
    return exact(np.asarray(means, dtype=float), weights / weights.sum(-1, keepdims=True), np.asarray(variance), **options)


def found(result: ExactRoots) -> np.ndarray:
    return result.roots[: int(result.n_roots)]


def dense_scan(means: np.ndarray, weights: np.ndarray, nodes: int = 20_000) -> np.ndarray:
    """Brackets (N, 2) of the sign changes of lambda_max(Gamma(v)) - v over seven decades, from eigvalsh alone."""
    means = means - weights @ means
    distance = (means**2).sum(1)
    v = np.geomspace(4e-7 * distance.max(), distance.max() * 1.02, nodes)
    r = np.log(weights) - distance / (2 * v[:, None])
    r = np.exp(r - r.max(1, keepdims=True))
    r /= r.sum(1, keepdims=True)
    c = (means - (r @ means)[:, None]) * np.sqrt(r)[..., None]
    gamma = c.transpose(0, 2, 1) @ c if means.shape[1] <= len(weights) else c @ c.transpose(0, 2, 1)
    below = np.linalg.eigvalsh(gamma)[:, -1] < v
    change = np.flatnonzero(below[1:] != below[:-1])
    return np.stack([v[change], v[change + 1]], axis=-1)


def random_mixture(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two to eight means in one to eight features, clustered, of many scales or mirrored; weights even to very uneven."""
    k, n = rng.integers(2, 9), rng.integers(1, 9)
    means = rng.standard_normal((k, n))
    shape = rng.integers(4)
    if shape == 1:
        means *= 10 ** rng.uniform(-2, 0.3, (k, 1))
    elif shape == 2:
        means[:2] *= 0.05
    elif shape == 3 and k >= 4:
        means[1], means[3] = -means[0], -means[2]
    weights = (
        rng.uniform(0.3, 1, k),
        rng.dirichlet(np.ones(k)),
        rng.dirichlet(np.full(k, 0.3)) + 1e-12,
        10 ** rng.uniform(-6, 0, k),
        np.ones(k),
    )[rng.integers(5)]
    return means, weights / weights.sum()


@pytest.mark.parametrize("case", cases("exact_roots"), ids=identify)
def test_reference_roots(case):
    result = solve(means_of(case), weights_of(case), case["inputs"]["sigma0"] ** 2)
    count = int(result.n_roots)
    check(case, "count", count)
    check(case, "s2_roots", result.roots[:count])
    check(case, "tau_roots", result.tau_root[:count])
    check(case, "tau_star", result.tau_star if count else None)


@pytest.mark.parametrize("case", cases("k2_roots"), ids=identify)
def test_reference_pair_roots(case):
    inputs = case["inputs"]
    result = solve([[0.0], [inputs["L"]]], [inputs["w"], 1 - inputs["w"]], inputs["sigma0"] ** 2)
    check(case, "count", int(result.n_roots))
    check(case, "s2_roots", found(result))
    check(case, "tau_star", result.tau_star if result.n_roots else None)


@pytest.mark.parametrize("case", cases("fold_two_component"), ids=identify)
def test_reference_root_beside_two_component_fold(case):
    inputs = case["inputs"]
    result = solve([[-inputs["a"]], [inputs["a"]]], [inputs["wL"], inputs["wR"]], inputs["sigma0"] ** 2)
    check(case, "tau_star_at_mean", result.tau_star)


@pytest.mark.parametrize("case", cases("folds_1d"), ids=identify)
def test_reference_root_beside_folds(case):
    check(case, "tau_star_at_mean", solve(means_of(case), weights_of(case), case["inputs"]["sigma0"] ** 2).tau_star)


@pytest.mark.parametrize(("centre", "count"), [(0.05, 2), (0.3, 2), (0.3085, 2), (0.3086, 0), (1 / 3, 0), (0.6, 0)])
def test_collinear_triple_has_two_roots_below_its_critical_centre_weight(centre, count):
    assert solve([[-1.0], [0.0], [1.0]], [(1 - centre) / 2, centre, (1 - centre) / 2]).n_roots == count


def test_root_on_another_branch_carries_that_branch():
    means = np.array([[3, 0], [-3, 0], [0, 0.8], [0, -0.8], [0, 0.8], [0, -0.8]])
    result = solve(means, [0.04, 0.04, 0.21, 0.21, 0.25, 0.25])
    assert found(result) == pytest.approx([0.6398], abs=2e-4)
    assert result.root_eigenmode[0] == 1
    assert result.root_eigenmode[1] == -1


def test_regular_polygon_and_simplex_have_the_single_leading_root():
    for k in (3, 4, 7):
        angle = 2 * np.pi * np.arange(k) / k + 0.3
        assert found(solve(3.0 + np.stack([np.cos(angle), np.sin(angle)], -1), np.ones(k))) == pytest.approx(
            [0.5], rel=1e-11
        )
        assert found(solve(np.eye(k), np.ones(k))) == pytest.approx([1 / k], rel=1e-12)


def test_any_weights_on_a_sphere_about_the_mean_have_the_single_leading_root():
    means = np.array([[2.0, 0, 0], [-2.0, 0, 0], [0, 2.0, 0], [0, -2.0, 0], [0, 0, 2.0], [0, 0, -2.0]])
    result = solve(means, [0.3, 0.3, 0.15, 0.15, 0.05, 0.05])
    assert found(result) == pytest.approx([0.6 * 4], rel=1e-13)
    assert result.root_eigenmode[0] == 0


@pytest.mark.slow
def test_counts_agree_with_a_dense_scan_over_random_mixtures():
    rng = np.random.default_rng(0)
    counts = set()
    for _ in range(110):
        means, weights = random_mixture(rng)
        roots = found(solve(means, weights, places=60))
        roots = roots[roots > 4e-7 * ((means - weights @ means) ** 2).sum(1).max()]
        brackets = dense_scan(means, weights)
        assert len(roots) == len(brackets)
        assert np.all((roots >= brackets[:, 0] * (1 - 1e-12)) & (roots <= brackets[:, 1] * (1 + 1e-12)))
        counts.add(len(roots))
    assert {0, 1, 2, 4} <= counts


@pytest.mark.slow
def test_roots_satisfy_the_equation():
    rng = np.random.default_rng(11)
    for _ in range(100):
        means, weights = random_mixture(rng)
        means = means - weights @ means
        distance = (means**2).sum(1)
        for v in found(solve(means, weights)):
            r = weights * np.exp((distance.min() - distance) / (2 * v))
            r /= r.sum()
            c = means - r @ means
            assert np.linalg.eigvalsh((r * c.T) @ c)[-1] == pytest.approx(v, rel=1e-9)


def test_pair_equation_holds_at_both_roots_over_all_weights():
    small = np.concatenate([np.linspace(0.35330, 0.4999, 400), 0.5 - 10.0 ** -np.arange(4, 16)])
    z = pair_roots(small, 1 - small)
    m = ((1 - small) - small)[:, None]
    assert np.all(np.isfinite(z))
    assert np.all(z[:, 0] < z[:, 1])
    log_cosh = np.logaddexp(x := np.arctanh(m) + m / z, -x) - np.log(2)
    assert np.max(np.abs(2 * log_cosh + np.log(z))) < 2e-12


def test_pair_agrees_with_the_general_search():
    rng = np.random.default_rng(2)
    means, weight = rng.standard_normal((50, 2, 3)), rng.uniform(0.3, 0.7, 50)
    weights = np.stack([weight, 1 - weight], -1)
    pair = exact(means, weights, ZERO)
    # The first component cut in two coincident halves.
    tripled = exact(means[:, [0, 0, 1]], np.stack([weight / 2, weight / 2, 1 - weight], -1), ZERO)
    np.testing.assert_array_equal(pair.n_roots, tripled.n_roots)
    np.testing.assert_allclose(pair.roots[:, :2], tripled.roots[:, :2], rtol=1e-11)


@pytest.mark.parametrize(("offset", "count"), [(1e-6, 2), (1e-11, 2), (0.0, 1), (-1e-11, 0), (-1e-6, 0)])
def test_tangency_counts_once(offset, count):
    w = CRITICAL_WEIGHT + offset
    assert solve([[-1.0], [1.0]], [w, 1 - w]).n_roots == count
    assert solve([[-1.0], [1.0], [1.0]], [w, (1 - w) / 2, (1 - w) / 2]).n_roots == count


def test_every_status_is_reached():
    pair = np.array([[-1.0], [1.0]])
    assert solve(pair, [0.5, 0.5], 0.5).status == Status.ok
    assert solve(pair, [0.2, 0.8], 0.5).status == Status.no_real_root
    assert solve(np.ones((3, 2)), np.ones(3)).status == Status.no_transition
    assert solve(np.ones((1, 2)), np.ones(1)).status == Status.no_transition
    assert solve(pair, [0.5, np.nan]).status == Status.failed
    assert solve([[0.0], [np.nan], [1.0]], np.ones(3)).status == Status.failed
    floor = solve(pair, [0.45, 0.55], [0.01, 0.5, 2.0])
    assert floor.status.tolist() == [Status.ok, Status.ok, Status.below_data_variance]
    assert floor.n_roots.tolist() == [2, 1, 0]
    # At the mean 0.1, of two components alone: v = 4 r (1 - r), with r/(1 - r) = (0.55/0.45) exp(0.2/v).
    largest = brentq(lambda v: v - np.cosh(0.5 * np.log(0.55 / 0.45) + 0.1 / v) ** -2, 0.9, 1.0, xtol=1e-15)
    assert floor.tau_star[2] == pytest.approx((largest - 2) / 2, rel=1e-12)
    np.testing.assert_array_equal(floor.root_status == Status.ok, np.isfinite(floor.roots))
    np.testing.assert_array_equal(floor.root_eigenmode >= 0, np.isfinite(floor.roots))


def test_places_keep_the_largest_roots_and_say_so():
    means = [[-0.01], [0.01], [-0.2], [0.2], [-4.0], [4.0]]
    weights = [0.001, 0.001, 0.05, 0.05, 0.449, 0.449]
    every, few = solve(means, weights), solve(means, weights, places=2)
    assert (every.n_roots, few.n_roots, every.root_truncated, few.root_truncated) == (5, 5, False, True)
    np.testing.assert_array_equal(few.roots, every.roots[3:5])


def test_shapes_are_the_full_broadcast():
    means = np.random.default_rng(0).standard_normal((5, 1, 1, 3, 2))
    weights = np.array([[0.2, 0.3, 0.5], [0.3, 0.3, 0.4]])[:, None]
    variance = np.array([0.0, 0.1, 0.2, 0.3])
    result = exact(means, weights, variance)
    assert result.status.shape == (5, 2, 4)
    assert result.status.dtype == np.int8
    assert result.roots.shape == result.root_eigenmode.shape == (5, 2, 4, 5)
    pair = exact(means[..., :2, :], weights[..., :2] / weights[..., :2].sum(-1, keepdims=True), variance)
    assert pair.tau_star.shape == (5, 2, 4)


@pytest.mark.parametrize("scale", [1e-100, 1e-20, 1e20, 1e100])
def test_scale_covariance_at_extreme_scales(scale):
    rng = np.random.default_rng(4)
    means, weights = rng.standard_normal((40, 4, 3)), rng.uniform(0.5, 1, (40, 4))
    plain, scaled = solve(means, weights), solve(means * scale, weights)
    np.testing.assert_array_equal(plain.n_roots, scaled.n_roots)
    np.testing.assert_allclose(scaled.roots / scale**2, plain.roots, rtol=1e-10)


def test_weights_down_to_the_smallest_leave_the_heavy_components_alone():
    means = np.array([[-1.0, 0], [1.0, 0], [0.1, 3.0]])
    result = solve(means, [0.5, 0.5, 1e-300])
    assert found(result)[-1] == pytest.approx(1.0, rel=1e-12)
    nearest = solve([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.01]], [0.5, 0.5, 1e-300])
    # The light component takes over at v = 1/(2 * 690): its root is sharp in 1/v.
    assert nearest.n_roots == 2
    assert found(nearest)[0] == pytest.approx(1 / (2 * np.log(1e300)), rel=0.02)


def test_offset_costs_no_digits():
    means = np.array([[0.0, 1.0], [2.0, -1.0], [-1.5, 0.5]])
    np.testing.assert_array_equal(solve(means + 2.0**27, np.ones(3)).roots, solve(means, np.ones(3)).roots)


mixtures = st.integers(0, 2**32 - 1).map(lambda seed: random_mixture(np.random.default_rng(seed)))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(mixtures, st.integers(0, 2**32 - 1))
def test_rotation_translation_permutation_and_padding_change_nothing(mixture, seed):
    means, weights = mixture
    rng = np.random.default_rng(seed)
    k, n = means.shape
    order = rng.permutation(k)
    rotation, _ = np.linalg.qr(rng.standard_normal((n + 2, n + 2)))
    moved = np.hstack([means, np.zeros((k, 2))])[order] @ rotation + rng.standard_normal(n + 2)
    plain, other = solve(means, weights, 1e-4), solve(moved, weights[order], 1e-4)
    assert plain.n_roots == other.n_roots
    np.testing.assert_allclose(other.roots, plain.roots, rtol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 1), (4, 2), (5, 6), (6, 3), (8, 8)])
def test_a_point_has_the_same_bits_alone_in_a_batch_and_in_any_split(k, n):
    rng = np.random.default_rng(k)
    means = rng.standard_normal((2100, k, n))
    weights = rng.uniform(0.2, 1, (2100, k))
    weights /= weights.sum(-1, keepdims=True)
    whole = exact(means, weights, ZERO)
    parts = [exact(means[i : i + 7], weights[i : i + 7], ZERO) for i in range(0, 140, 7)]
    alone = [exact(means[i], weights[i], ZERO) for i in range(0, 40)]
    flipped = exact(means[::-1], weights[::-1], ZERO)
    for name in ExactRoots._fields:
        values = getattr(whole, name)
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), values[:140])
        np.testing.assert_array_equal(np.stack([getattr(p, name) for p in alone]), values[:40])
        np.testing.assert_array_equal(getattr(flipped, name)[::-1], values)


def test_a_hierarchy_of_far_apart_scales_is_solved():
    # A trial eigenvalue equals a diagonal element to the bit beside rows some 1e-80 of it: its pivot vanishes.
    weights = [
        0.09993309783999857,
        0.10040236340196033,
        0.10988585193308303,
        0.08646201931574589,
        0.17542329240683666,
        0.1370618212179428,
        0.15151972507620537,
        0.1393118288082274,
    ]
    mixture = ss.families.hierarchy(separation=4.0, ratio=0.03, levels=3, weights=weights)
    result = exact(mixture.component_mean.values, mixture.component_weight.values, np.array(0.0))
    assert result.status == Status.ok
    root = float(result.roots[int(result.n_roots) - 1])
    offset = mixture.component_mean.values - mixture.component_weight.values @ mixture.component_mean.values
    r = mixture.component_weight.values * np.exp(-np.sum(offset**2, axis=1) / (2 * root))
    r /= r.sum()
    spread = offset - r @ offset
    assert np.linalg.eigvalsh((spread.T * r) @ spread)[-1] == pytest.approx(root, rel=1e-10)
