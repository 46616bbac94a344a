"""Cloning probability and class entropy: references, adaptive quadrature, Monte Carlo, limits, the time of a level."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from scoreshock.conventions import Status
from scoreshock.kernels.covariances import fields
from scoreshock.kernels.covariances.averages import line_averages, plane_averages, radial_averages
from scoreshock.kernels.covariances.class_information import class_information, cloning
from scoreshock.kernels.covariances.components import components, covariance, from_covariances
from scoreshock.kernels.information.decisions import class_decisions
from scoreshock.kernels.speciation import alternatives
from tests.kernels.covariances.draws import drawn, rotated, shared_pair
from tests.reference import cases, check, identify

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("case", cases("shared_pair"), ids=identify)
def test_reference_pairs(case):
    found = class_information(shared_pair(case), np.array(case["inputs"]["taus"]))
    check(case, "cloning", found.cloning_probability)
    check(case, "one_minus_cloning", found.one_minus_cloning)
    check(case, "class_entropy", found.class_entropy)


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("shared_pair"), ids=identify)
def test_reference_pairs_by_quadrature_in_all_coordinates(case):
    """The same with the covariance given twice: on the line or in the plane itself."""
    found = class_information(shared_pair(case, own=True), np.array(case["inputs"]["taus"]))
    assert (found.status == Status.ok).all()
    check(case, "cloning", found.cloning_probability)
    check(case, "one_minus_cloning", found.one_minus_cloning)
    check(case, "class_entropy", found.class_entropy)


@pytest.mark.parametrize("variances", [(0.09, 0.25), (1e-4, 1.0), (1.0, 30.0)])
def test_own_variances_on_a_line_by_adaptive_quadrature(variances):
    c, tau = components([[-1.0], [0.5]], [0.3, 0.7], variances), 0.01
    v = np.array(variances) + 2 * tau

    def parts(x):
        return c.weights * np.exp(-((x - c.means[:, 0]) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)

    def mixed(x):
        p = parts(x)
        return 2 * p[0] * p[1] / max(p.sum(), 1e-300)

    reach = 12 * np.sqrt(v.max())
    points = [m + s * np.sqrt(w) for m, w in zip(c.means[:, 0], v, strict=True) for s in (-3, 0, 3)]
    expected, _ = quad(mixed, -reach, reach, points=points, limit=1000, epsabs=1e-13, epsrel=1e-11)
    found = class_information(c, tau)
    assert found.one_minus_cloning == pytest.approx(expected, rel=1e-9)
    assert found.cloning_probability == pytest.approx(1 - expected, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n", "shared"), [(2, 2, False), (3, 2, False), (3, 4, True)])
def test_averages_are_those_of_draws(k, n, shared):
    c, tau = drawn(k, n, smallest=0.1), 0.1
    c = c._replace(eigenvalues=c.eigenvalues[:1], directions=c.directions[:1]) if shared else c
    rng = np.random.default_rng(0)
    label = rng.choice(k, p=c.weights, size=200_000)
    factors = np.linalg.cholesky(np.broadcast_to(covariance(c) + 2 * tau * np.eye(n), (k, n, n)))
    x = c.means[label] + np.einsum("bij,bj->bi", factors[label], rng.standard_normal((len(label), n)))
    r = fields.responsibilities(x, c, tau)
    found = class_information(c, tau)
    for got, draws in (
        (found.cloning_probability, (r**2).sum(axis=-1)),
        (found.class_entropy, -(r * np.log(r)).sum(axis=-1)),
    ):
        assert abs(got - draws.mean()) < 4 * draws.std() / np.sqrt(len(draws))


def test_isotropic_components_on_a_line_agree_with_the_isotropic_kernel():
    means, weights = np.array([[-3.0], [-1.0], [0.0], [2.5]]), np.array([0.1, 0.4, 0.3, 0.2])
    tau = np.array([0.05, 0.5, 5.0])
    expected = class_decisions(means, weights, np.full(4, 0.1), tau, np.array(1), tuple((i,) for i in range(4)))
    for width in (1, 4):
        found = class_information(components(means, weights, np.full(width, 0.1)), tau)
        np.testing.assert_allclose(found.cloning_probability, expected.cloning_probability, rtol=1e-12)
        np.testing.assert_allclose(found.class_entropy, expected.class_entropy, rtol=1e-11)


def test_what_is_left_of_one_keeps_its_digits():
    """Far apart, by the leading term of Laplace's method: ``1 - phi ~ sqrt(pi/(8 R)) exp(-R/2)``, to order 1/R."""
    big = np.array([200.0, 400.0])
    c = components([[-1.0], [1.0]], [0.5, 0.5], (1 / big)[:, None])
    found = class_information(c, 0.0)
    np.testing.assert_allclose(found.one_minus_cloning, np.sqrt(np.pi / (8 * big)) * np.exp(-big / 2), rtol=2 / big.min())


def test_thin_crossed_classes_need_the_edges_of_their_product():
    """Of axes turned by 45 degrees: the plane's quadrature against that of turned coordinates, in which it is another."""
    thin = [[[1, 0.999], [0.999, 1]], [[1, -0.999], [-0.999, 1]]]
    c = from_covariances(np.zeros((2, 2)), [0.5, 0.5], thin)
    one, other = (class_information(a, 0.001) for a in (c, rotated(c, 3)))
    assert one.status == other.status == Status.ok
    assert one.one_minus_cloning == pytest.approx(other.one_minus_cloning, rel=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(("dimension", "published"), [(1e4, 2.12252), (1e6, 3.28020)])
def test_concentric_classes_part_at_the_published_time(dimension, published):
    """Achilli et al. (arXiv:2602.04404): variances 1 and 3, cloning 0.775, in the time of the Ornstein-Uhlenbeck process."""
    tau, status = cloning(components(np.zeros((2, 1)), [0.5, 0.5], [1.0, 3.0]), 0.775, dimension)
    assert status == Status.ok
    assert 0.5 * np.log1p(2 * tau) == pytest.approx(published, abs=5e-6)


@pytest.mark.slow
def test_a_radius_stands_for_the_features_across_the_line():
    means, weights, variances = np.array([[-0.5], [0.5]]), np.array([0.3, 0.7]), np.array([0.5, 0.9])
    plane = class_information(components(np.hstack([means, 0 * means]), weights, variances), 0.1)
    log_w = np.log(weights)[:, None]
    one = radial_averages(means, variances[:, None] + 0.2, log_w, np.ones(1))
    assert one.agreement[0] == pytest.approx(plane.cloning_probability, rel=1e-9)
    wide = class_information(components(np.hstack([means, np.zeros((2, 4))]), weights, variances), 0.1)
    inside = class_information(components(means, weights, variances), 0.1, dimension=5)
    assert wide.status == inside.status == Status.ok
    np.testing.assert_allclose(wide[:3], inside[:3], rtol=1e-12)
    for others in (2.0, 59.0, 61.0, 1e6):
        found = radial_averages(means, variances[:, None] + 0.2, log_w, np.full(1, others))
        assert (found.agreement + found.disagreement)[0] == pytest.approx(1, abs=1e-10)


@pytest.mark.slow
def test_a_radius_averages_as_draws():
    c, tau = components([[-0.5, 0, 0, 0, 0], [0.5, 0, 0, 0, 0]], [0.3, 0.7], [0.5, 0.9]), 0.1
    rng = np.random.default_rng(0)
    label = rng.choice(2, p=c.weights, size=200_000)
    x = c.means[label] + np.sqrt(c.variance[label] + 2 * tau)[:, None] * rng.standard_normal((len(label), 5))
    squares = (fields.responsibilities(x, c, tau) ** 2).sum(axis=-1)
    found = class_information(c, tau).cloning_probability
    assert abs(found - squares.mean()) < 4 * squares.std() / np.sqrt(len(squares))


def test_levels():
    shared = components([[-1.0, 0.0], [1.0, 0.0]], [0.4, 0.6], 0.0, [[0.2, 3.0]])
    line = components([[-1.0], [1.0]], [0.4, 0.6], [0.2, 0.5])
    for c in (shared, line):
        tau, status = cloning(c, np.array([0.6, 0.7]))
        assert (status == Status.ok).all()
        np.testing.assert_allclose(class_information(c, tau).cloning_probability, [0.6, 0.7], rtol=1e-11)
    expected = alternatives.cloning(np.array([[-1.0], [1.0]]), np.array([0.4, 0.6]), np.array(0.2))
    np.testing.assert_allclose(cloning(shared), expected, rtol=1e-10)


def test_statuses():
    assert class_information(drawn(2, 3), 0.1).status == Status.not_applicable
    assert cloning(drawn(4, 3)).status == Status.not_applicable
    point = components([[-1.0], [1.0]], [0.5, 0.5], 0.0)
    assert class_information(point, 0.0).status == Status.singular
    assert class_information(point, 0.1).status == Status.ok
    equal = components(np.zeros((2, 1)), [0.5, 0.5], 1.0)
    assert class_information(equal, 0.1).cloning_probability == pytest.approx(0.5)
    assert cloning(equal).status == Status.no_transition
    line = components([[-1.0], [1.0]], [0.5, 0.5], [1.0, 2.0])
    assert cloning(line, 0.4).status == Status.no_transition
    assert cloning(line, 0.99).status == Status.below_data_variance
    widths = components(np.zeros((2, 1)), [0.5, 0.5], [1.0, 30.0])
    assert cloning(widths, 0.51).status == Status.ok


def test_a_plane_with_one_long_axis_is_the_line():
    """The second coordinate is the same in all classes."""
    mu, variance, log_w = np.array([[-1.0], [0.7]]), np.array([[0.2], [0.9]]), np.log([[0.3], [0.7]])
    line = line_averages(mu, variance, log_w)
    flat = np.zeros((2, 2, 2, 1))
    flat[:, 0, 0], flat[:, 1, 1] = variance, 5.0
    plane = plane_averages(np.stack([mu, 0 * mu], axis=1), flat, log_w)
    np.testing.assert_allclose(plane[:3], line[:3], rtol=1e-11)


@pytest.mark.slow
def test_a_dimension_does_not_depend_on_those_beside_it():
    c = components([[-1.0], [1.2]], [0.4, 0.6], [0.5, 1.5])
    dimensions = np.array([1, 2, 3, 1000])
    together, times = class_information(c, 0.3, dimensions), cloning(c, dimension=dimensions)
    for j, d in enumerate(dimensions):
        alone = class_information(c, 0.3, d)
        assert together.cloning_probability[j] == alone.cloning_probability
        assert times.tau[j] == cloning(c, dimension=d).tau
    plane = components([[-1.0, 0.0], [1.2, 0.0]], [0.4, 0.6], 0.0, [[0.5, 0.5], [1.5, 1.5]])
    np.testing.assert_allclose(together.class_entropy[1], class_information(plane, 0.3).class_entropy, rtol=1e-10)
