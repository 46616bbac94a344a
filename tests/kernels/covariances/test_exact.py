"""All roots of the exact criterion: references, the isotropic criterion, dense scans, symmetries, statuses, low rank."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from scoreshock.conventions import Status
from scoreshock.kernels.covariances import fields
from scoreshock.kernels.covariances.components import components, covariance, from_covariances, weighted_mean
from scoreshock.kernels.covariances.exact import exact, mean_jacobian_eigenvalue
from scoreshock.kernels.covariances.reduction import largest_distance, reduced
from scoreshock.kernels.numerics.root_search import roots
from scoreshock.kernels.speciation import roots as isotropic_roots
from tests.kernels.covariances.draws import drawn, rotated, scaled, shared_and_repeated
from tests.reference import cases, check, identify, means_of, weights_of

pytestmark = pytest.mark.filterwarnings("error")


def found_of(result):
    """Roots of one mixture, descending."""
    return result.tau_root[result.tau_root == result.tau_root][::-1]


@pytest.mark.parametrize("case", cases("general_exact"), ids=identify)
def test_reference_cases(case):
    matrices = np.array(case["inputs"]["covariances"])
    shared = (matrices == matrices[0]).all()
    for given in (matrices, matrices[:1]) if shared else (matrices,):
        result = exact(from_covariances(means_of(case), weights_of(case), given))
        check(case, "tau_star", result.tau_star)
        check(case, "roots", found_of(result))
        check(case, "count", int(result.n_roots))
        check(case, "exists", bool(result.status == Status.ok))


@pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 1), (3, 2), (5, 2), (6, 4)])
@pytest.mark.parametrize("own", [False, True])
def test_isotropic_components_have_the_certified_roots(k, n, own):
    rng = np.random.default_rng([k, n])
    means, weights = rng.standard_normal((60, k, n)), rng.uniform(0.05, 1, (60, k))
    weights /= weights.sum(axis=-1, keepdims=True)
    variance = 10.0 ** rng.uniform(-4, -1, 60)
    result = exact(components(means, weights, np.repeat(variance[:, None], k if own else 1, axis=1)))
    expected = isotropic_roots.exact(means, weights, variance)
    np.testing.assert_array_equal(result.n_roots, expected.n_roots)
    ok = expected.n_roots > 0
    np.testing.assert_allclose(result.tau_star[ok], expected.tau_star[ok], rtol=1e-11)
    np.testing.assert_array_equal(result.status == Status.ok, ok)


@pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 2), (4, 3)])
def test_roots_are_the_changes_of_sign_of_the_eigenvalue(k, n):
    """On 4001 times each root is one change of sign of the largest eigenvalue of H; some lie closer than the times."""
    c = drawn(k, n, size=(20,), smallest=1e-6, spread=0.1).flat()
    result = exact(c)
    assert result.n_roots.max() >= 2
    for i in range(20):
        one = c.take(i)
        tau = np.exp(np.linspace(np.log(1e-12), 2 * np.log(largest_distance(one)), 4001))
        h = fields.score_jacobian(weighted_mean(one), one, tau)
        positive = np.linalg.eigvalsh(h)[:, -1] > 0
        changes = np.flatnonzero(positive[1:] != positive[:-1])
        inside = np.searchsorted(tau, found_of(result._replace(tau_root=result.tau_root[i]))) - 1
        alone = [j for j in inside if np.count_nonzero(inside == j) % 2 == 1]
        np.testing.assert_array_equal(changes, np.unique(alone))


def test_eigenvalue_is_zero_at_the_roots_and_that_of_the_jacobian():
    c = drawn(3, 2, seed=4)
    result = exact(c)
    assert result.n_roots > 0
    np.testing.assert_allclose(mean_jacobian_eigenvalue(c, found_of(result)), 0, atol=1e-12)
    expected = np.linalg.eigvalsh(fields.score_jacobian(weighted_mean(c), c, 0.3))[-1]
    assert mean_jacobian_eigenvalue(c, 0.3) == pytest.approx(expected, rel=1e-12)


def test_units_and_turns_do_not_matter():
    c = drawn(3, 2, seed=4)
    tau = exact(c).tau_root
    np.testing.assert_allclose(exact(rotated(c)).tau_root, tau, rtol=1e-10)
    np.testing.assert_allclose(exact(scaled(c, 1e3)).tau_root, 1e6 * tau, rtol=1e-10)


def test_low_rank_in_many_features_is_that_of_the_span():
    """Six features in 40; across them both components have variances of their own, which count in the responsibilities."""
    small = drawn(2, 6, smallest=0.02)
    floors = np.array([0.05, 0.06])
    low = components(1.5 * small.means, small.weights, floors, small.eigenvalues[:, :2], small.directions[:, :2])
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((40, 40)))[0][:6]
    wide = components(low.means @ turn, low.weights, floors, low.eigenvalues, low.directions @ turn)
    assert reduced(wide).means.shape[-1] == 5
    dense = from_covariances(wide.means, wide.weights, covariance(wide))
    tau = exact(dense).tau_root
    assert np.isfinite(tau).any()
    np.testing.assert_allclose(exact(wide).tau_root, tau, rtol=1e-9)
    np.testing.assert_allclose(exact(low, dimension=40).tau_root, tau, rtol=1e-9)
    np.testing.assert_allclose(mean_jacobian_eigenvalue(wide, 0.1), mean_jacobian_eigenvalue(dense, 0.1), rtol=1e-9)


@pytest.mark.parametrize(("k", "n"), [(2, 2), (3, 2), (4, 3), (2, 5)])
def test_one_covariance_given_for_each_component_has_the_same_roots(k, n):
    one, each = (exact(c) for c in shared_and_repeated(k, n, (20,)))
    assert one.n_roots.max() >= 2
    np.testing.assert_array_equal(one.n_roots, each.n_roots)
    width = one.tau_root.shape[1]
    np.testing.assert_allclose(one.tau_root, each.tau_root[:, :width], rtol=1e-11)


def test_statuses():
    equal = components(np.zeros((2, 1)), [0.5, 0.5], [1.0, 3.0])
    assert exact(equal).status == Status.no_transition
    assert np.isnan(exact(equal).tau_star)
    in_the_plane = from_covariances(np.zeros((2, 2)), [0.4, 0.6], [np.diag([1.0, 0.5]), np.diag([1.0, 3.0]) + 0.1])
    assert exact(in_the_plane).status == Status.no_transition
    near = components([[-0.1], [0.1]], [0.5, 0.5], [1.0, 2.0])
    assert exact(near).status == Status.no_real_root
    assert exact(near).n_roots == 0
    broken = components([[-1.0], [np.nan]], [0.5, 0.5], [1.0, 2.0])
    assert exact(broken).status == Status.failed


def test_places_keep_the_largest_roots():
    c = from_covariances([[-1.0, 0.3], [1.0, -0.3]], [0.4, 0.6], [[[0.01, 0.004], [0.004, 0.02]]])
    every, one = exact(c), exact(c, places=1)
    assert (every.n_roots, one.n_roots) == (2, 2)
    assert bool(one.root_truncated)
    assert one.tau_root[0] == every.tau_star


def test_a_mixture_has_the_bits_it_has_alone():
    c = drawn(3, 2, size=(4, 5))
    many, flat = exact(c), c.flat()
    for i in (0, 7, 19):
        np.testing.assert_array_equal(many.tau_root.reshape(20, -1)[i], exact(flat.take(i)).tau_root)


class TestSearch:
    """The scan by itself."""

    def test_narrow_pairs_beside_a_switch_are_found(self):
        """A peak of width 0.002 where shares switch."""

        def function(t, _):
            share = expit((t - 1.234) / 5e-4)
            return np.log(4 * share * (1 - share) + 1e-300) + 0.5, share[None]

        found = roots(function, np.zeros(1), np.full(1, 3.0))
        reach = np.log((1 + np.sqrt(1 - np.exp(-0.5))) / (1 - np.sqrt(1 - np.exp(-0.5)))) * 5e-4
        np.testing.assert_allclose(found, [[1.234 - reach, 1.234 + reach]], rtol=1e-12)

    def test_extrema_decide_by_whether_they_reach_zero(self):
        height = np.array([1e-7, 0.0, -1e-7])
        flat = roots(lambda t, i: (height[i] - (t - 0.3) ** 2, np.zeros((1, len(t)))), np.zeros(3), np.ones(3))
        np.testing.assert_array_equal(np.count_nonzero(flat == flat, axis=1), [2, 1, 0])
        np.testing.assert_allclose(flat[0, :2], 0.3 + np.sqrt(1e-7) * np.array([-1, 1]), rtol=1e-9)


def test_thin_crossed_classes_have_roots():
    """Covariances of rank one: near tau = 0 the mean precision is singular within rounding."""
    c = from_covariances([[0.0, 0.0], [1.0, 1.0]], [0.5, 0.5], [[[1, 1], [1, 1]], [[1, -1], [-1, 1]]])
    last, first = found_of(exact(c))
    around = mean_jacobian_eigenvalue(c, np.array([first, first, last, last]) * np.array([0.999, 1.001] * 2))
    np.testing.assert_array_equal(around > 0, [False, True, True, False])


def test_no_mixtures_have_no_roots():
    result = exact(components(np.zeros((0, 2, 1)), [0.5, 0.5], [1.0, 2.0]))
    assert result.tau_star.shape == (0,)
    assert result.tau_root.shape == (0, 7)


def test_one_component_has_nothing_to_part():
    c = components([[1.0, 2.0]], [1.0], 0.0, [[1.0, 2.0]])
    assert exact(c).status == Status.no_transition
    assert mean_jacobian_eigenvalue(c, 0.0) == -0.5
