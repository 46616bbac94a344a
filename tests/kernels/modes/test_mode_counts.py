"""Modes in any dimension, their last merging and their tree: references, grids, the triangle, symmetries, statuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import fsolve

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.mixture import log_density
from scoreshock.kernels.modes.mode_counts import count_modes, last_merging
from scoreshock.kernels.modes.modes import merging
from tests.reference import cases, check, identify, means_of, weights_of

pytestmark = pytest.mark.filterwarnings("error")

ZERO = np.array(0.0)
CORNERS = 2 * np.pi / 3 * np.arange(3)
TRIANGLE = np.stack([np.cos(CORNERS), np.sin(CORNERS)], axis=-1)
THIRDS = np.full(3, 1 / 3)


def triangle_fold():
    """v at which a corner's mode meets the saddle on the axis through it: s = s' = 0 there, one equation each."""

    def along_axis(unknown):
        x, v = unknown
        e = np.exp(-np.array([(x - 1) ** 2, (x + 0.5) ** 2 + 0.75]) / (2 * v)) * [1, 2]
        r = e / e.sum()
        mean = r @ [1.0, -0.5]
        return [mean - x, r @ (np.array([1.0, -0.5]) - mean) ** 2 - v]

    (_, v), _, status, _ = fsolve(along_axis, (0.4, 0.546), full_output=True, xtol=1e-14)
    assert status == 1
    return v


def modes_on_grid(means, weights, v, nodes=300):
    """Points of a grid in the plane that no neighbour exceeds."""
    low, high = means.min(0) - 0.1, means.max(0) + 0.113
    x = np.stack(np.meshgrid(*[np.linspace(low[i], high[i], nodes) for i in range(2)], indexing="ij"), -1)
    p = log_density(x, means, weights, v, 0.0)
    centre = p[1:-1, 1:-1]
    shifts = [(a, b) for a in (0, 1, 2) for b in (0, 1, 2) if (a, b) != (1, 1)]
    peaks = np.all([centre >= p[a : nodes - 2 + a, b : nodes - 2 + b] for a, b in shifts], axis=0)
    return x[1:-1, 1:-1][peaks]


def climbed(x, means, weights, v):
    """Where the plain iteration ``x <- m(x)`` leads from ``x (N, n)``."""
    for _ in range(4000):
        r = np.log(weights) - ((x[:, None] - means) ** 2).sum(-1) / (2 * v)
        r = np.exp(r - r.max(1, keepdims=True))
        x = (r @ means) / r.sum(1, keepdims=True)
    return x


@pytest.mark.parametrize("case", cases("modes_1d"), ids=identify)
def test_reference_modes_on_a_line(case):
    v = np.array(case["inputs"]["sigma0"] ** 2 + 2 * case["inputs"]["tau"])
    result = count_modes(means_of(case), weights_of(case), v)
    check(case, "n_modes", int(result.n_modes))
    check(case, "modes", result.mode_position[: int(result.n_modes), 0])


@pytest.mark.parametrize("case", cases("modes_1d"), ids=identify)
def test_the_ascent_finds_the_reference_modes_when_the_line_lies_in_a_plane(case):
    v = np.array(case["inputs"]["sigma0"] ** 2 + 2 * case["inputs"]["tau"])
    along = np.array([0.6, -0.8])
    result = count_modes(means_of(case) * along, weights_of(case), v)
    check(case, "n_modes", int(result.n_modes))
    check(case, "modes", np.sort(result.mode_position[: int(result.n_modes)] @ along))


def test_triangle_has_modes_off_its_centre_above_the_centre_criterion():
    fold = triangle_fold()
    assert abs(fold - 0.5463) < 5e-5
    v = fold * (1 + np.array([-1e-9, 1e-9]))
    assert count_modes(TRIANGLE, THIRDS, np.array([0.3, 0.499, 0.501, 0.54, 0.55])).n_modes.tolist() == [3, 3, 4, 4, 1]
    assert count_modes(TRIANGLE, THIRDS, v).n_modes.tolist() == [4, 1]
    result = last_merging(TRIANGLE, THIRDS, ZERO)
    np.testing.assert_allclose(2 * result.tau_density, fold, rtol=1e-10)
    assert (int(result.modes_before_last), bool(result.density_scanned), int(result.density_status)) == (4, True, Status.ok)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_modes_in_a_plane_are_those_of_a_grid(seed):
    rng = np.random.default_rng([seed, 1])
    k = int(rng.integers(3, 7))
    means, weights = rng.standard_normal((k, 2)), rng.dirichlet(np.full(k, 5.0))
    for v in (0.03, 0.15, 0.5):
        result = count_modes(means, weights, np.array(v))
        modes = result.mode_position[: int(result.n_modes)]
        ends = climbed(modes_on_grid(means, weights, v), means, weights, v)
        nearest = np.linalg.norm(ends[:, None] - modes, axis=-1)
        assert result.modes_status == Status.ok
        assert (nearest.min(axis=1) < 2e-3).all()
        assert (nearest.min(axis=0) < 2e-3).all()


def test_modes_are_where_the_plain_iteration_stays():
    rng = np.random.default_rng(4)
    means, weights = rng.standard_normal((6, 4)), rng.dirichlet(np.full(6, 5.0))
    result = count_modes(means, weights, np.array(0.2))
    modes = result.mode_position[: int(result.n_modes)]
    np.testing.assert_allclose(climbed(modes, means, weights, 0.2), modes, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 4, 5, 8])
def test_a_simplex_merges_above_its_centre_criterion_at_the_fold_on_its_axis(count):
    # On the axis through a vertex the problem is one of two unknowns, as for the triangle.
    means = np.eye(count)

    def fold(unknown):
        t, v = unknown  # r of the vertex; the others share the rest
        return [np.log(t * (count - 1) / (1 - t)) - (t - (1 - t) / (count - 1)) / v, t * (1 - t) * count / (count - 1) - v]

    t, v = fsolve(fold, (0.7, 0.25), xtol=1e-13)
    result = last_merging(means, np.full(count, 1 / count), ZERO)
    np.testing.assert_allclose(2 * result.tau_density, v, rtol=1e-9)
    assert 2 * result.tau_density > 1 / count  # the centre's own criterion
    assert t > 1 / count
    assert result.modes_before_last == count + 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_collinear_means_in_space_merge_as_on_their_line(seed):
    rng = np.random.default_rng([seed, 2])
    line, weights = rng.standard_normal((5, 1)), rng.dirichlet(np.full(5, 5.0))
    expected = merging(line, weights, ZERO)
    direction = rng.standard_normal(3)
    result = last_merging(line * direction, weights, ZERO)  # collinear but for rounding
    np.testing.assert_allclose(result.tau_density, expected.tau_star * (direction @ direction), rtol=1e-8)
    scale = np.ptp(line)
    along = last_merging(line * [0.6, 0.0, 0.8] + [1.0, 2.0, 3.0], weights, ZERO)
    np.testing.assert_allclose(along.tau_density, expected.tau_star, rtol=1e-9, atol=1e-12 * scale)
    assert not along.density_scanned
    assert result.density_status == Status.ok


@pytest.mark.slow
def test_the_scan_agrees_with_the_solution_on_a_line_when_a_remote_mean_hardly_leaves_it():
    line, weights = np.array([[0.0], [1.0], [3.0]]), np.full(3, 1 / 3)
    bent = np.concatenate([line, [[0.0], [1e-5], [0.0]]], axis=1)
    expected, result = last_merging(line, weights, ZERO), last_merging(bent, weights, ZERO)
    assert (bool(expected.density_scanned), bool(result.density_scanned)) == (False, True)
    np.testing.assert_allclose(result.tau_density, expected.tau_density, rtol=1e-8)
    assert result.modes_before_last == expected.modes_before_last == 2


@pytest.mark.slow
def test_above_a_quarter_of_the_largest_squared_distance_there_is_one_mode():
    rng = np.random.default_rng(5)
    means, weights = rng.standard_normal((50, 5, 3)), rng.dirichlet(np.full(5, 2.0), 50)
    high = 0.25 * ((means[:, :, None] - means[:, None]) ** 2).sum(-1).max(axis=(1, 2))
    assert (count_modes(means, weights, high).n_modes == 1).all()
    last = last_merging(means, weights, ZERO)
    assert (last.density_status == Status.ok).all()
    assert (2 * last.tau_density < high).all()


@pytest.mark.slow
def test_each_point_depends_on_itself_alone():
    rng = np.random.default_rng(6)
    means, weights = rng.standard_normal((30, 4, 3)), rng.dirichlet(np.full(4, 5.0), 30)
    v = rng.uniform(0.02, 0.8, 30)
    counted, last = count_modes(means, weights, v), last_merging(means, weights, ZERO)
    for i in range(0, 30, 9):
        for together, alone in (
            (counted, count_modes(means[i], weights[i], v[i])),
            (last, last_merging(means[i], weights[i], ZERO)),
        ):
            for a, b in zip(together, alone, strict=True):
                np.testing.assert_array_equal(a[i], b)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(-40, 40))
def test_counts_do_not_depend_on_units(seed, power):
    rng = np.random.default_rng(seed)
    means, weights, v = rng.standard_normal((4, 2)), rng.dirichlet(np.full(4, 5.0)), np.array(rng.uniform(0.02, 0.5))
    one, other = count_modes(means, weights, v), count_modes(np.ldexp(means, power), weights, np.ldexp(v, 2 * power))
    assert one.n_modes == other.n_modes
    np.testing.assert_array_equal(np.ldexp(one.mode_position, power), other.mode_position)


def test_far_from_the_origin_modes_keep_their_place():
    near, far = (count_modes(TRIANGLE + shift, THIRDS, np.array(0.3)) for shift in (0.0, 2.0**26))
    np.testing.assert_allclose(far.mode_position - 2.0**26, near.mode_position, atol=1e-7)


def test_tiny_weights_and_tiny_variances_settle():
    weights = np.array([1.0, 1e-300, 1e-12])
    result = count_modes(TRIANGLE, weights / weights.sum(), np.array([1e-8, 1e-3, 0.1, 1e6]))
    assert result.n_modes.tolist() == [3, 3, 1, 1]
    assert (result.modes_status == Status.ok).all()


@pytest.mark.slow
def test_statuses():
    assert count_modes(TRIANGLE, THIRDS, np.array([0.0, np.nan, -1.0])).modes_status.tolist() == [
        Status.singular,
        Status.failed,
        Status.failed,
    ]
    equal = np.ones((3, 2))
    assert int(count_modes(equal, THIRDS, np.array(0.1)).n_modes) == 1
    assert last_merging(equal, THIRDS, ZERO).density_status == Status.no_transition
    assert last_merging(np.where(TRIANGLE > 0.9, np.inf, TRIANGLE), THIRDS, ZERO).density_status == Status.failed
    below = last_merging(TRIANGLE, THIRDS, np.array(1.0))
    assert (int(below.density_status), int(below.modes_before_last)) == (Status.below_data_variance, 0)
    assert abs(2 * below.tau_density + 1 - 0.54632) < 1e-5


def regular_polygon(p):
    angle = 2 * np.pi / p * np.arange(p)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1), np.full(p, 1 / p)


@pytest.mark.parametrize("p", [3, 4, 5, 6, 8, 10, 12, 16])
def test_a_regular_polygon_has_as_many_modes_as_its_symmetry_allows_or_is_unresolved(p):
    means, weights = regular_polygon(p)
    fraction = np.concatenate([np.linspace(0.05, 0.9, 18), np.linspace(0.91, 1.0, 19)[:-1], [0.965, 0.999, 0.9999, 1.1]])
    result = count_modes(means, weights, 0.5 * fraction)
    resolved = result.modes_status == Status.ok
    assert np.isin(result.n_modes[resolved], [1, p, p + 1]).all()
    assert (result.modes_status[~resolved] == Status.unresolved).all()
    assert (result.n_modes[~resolved] == 0).all()
    assert resolved[fraction < 0.6].all()
    assert (result.n_modes[fraction < 0.6] == p).all()
    assert resolved[-1]
    if p <= 10:
        assert resolved[fraction < 0.97].all()
