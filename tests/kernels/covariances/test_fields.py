"""Fields of components with covariances: references, SciPy, differences, structures of one covariance, extremes, bits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from scoreshock.kernels.covariances import fields
from scoreshock.kernels.covariances.components import components, covariance, from_covariances, is_shared, weighted_mean
from scoreshock.kernels.gaussian import mixture
from tests.reference import cases, check, identify, means_of, weights_of

FUNCTIONS = (
    fields.log_density,
    fields.score,
    fields.responsibilities,
    fields.denoiser,
    fields.score_jacobian,
    fields.denoiser_covariance,
)

pytestmark = pytest.mark.filterwarnings("error")


def rotation(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def draw(k, n, seed=0, points=5):
    """Points and components with random covariances."""
    rng = np.random.default_rng([seed, k, n])
    factors = rng.standard_normal((k, n, n)) / np.sqrt(n)
    w = rng.uniform(0.2, 1.0, k)
    covariances = factors @ factors.swapaxes(1, 2) + 0.1 * np.eye(n)
    return 2 * rng.standard_normal((points, n)), from_covariances(rng.standard_normal((k, n)), w / w.sum(), covariances)


def same_covariance(k, n, own):
    """One isotropic mixture of variance 0.3 in every structure."""
    rng = np.random.default_rng([k, n])
    means, weights, size = rng.standard_normal((k, n)), np.full(k, 1 / k), k if own else 1
    rows = np.broadcast_to(rotation(n), (size, n, n))
    return (
        means,
        weights,
        (
            components(means, weights, np.full(size, 0.3)),
            components(means, weights, 9.0, np.full((size, n), 0.3)),
            components(means, weights, 9.0, np.full((size, n), 0.3), rows),
            components(means, weights, 0.3, np.full((size, 1), 0.3), rows[:, :1]),
        ),
    )


@pytest.mark.parametrize("case", cases("general_score"), ids=identify)
def test_reference_cases(case):
    inputs = case["inputs"]
    c = from_covariances(means_of(case), weights_of(case), inputs["covariances"])
    at = inputs["x"], c, inputs["tau"]
    check(case, "log_density", fields.log_density(*at))
    check(case, "score", fields.score(*at))
    for field, function in (("hessian", fields.score_jacobian), ("cov_x0", fields.denoiser_covariance)):
        check(case, field, function(*at).reshape(np.shape(case["expected"][field])))
    check(case, "denoiser", fields.denoiser(*at))
    check(case, "responsibilities", fields.responsibilities(*at))


@pytest.mark.parametrize("n", [1, 3, 7])
def test_density_is_scipys(n):
    x, c = draw(3, n)
    parts = [multivariate_normal(m, s + 0.4 * np.eye(n)).logpdf(x) for m, s in zip(c.means, covariance(c), strict=True)]
    expected = logsumexp(np.array(parts).T, axis=-1, b=c.weights)
    np.testing.assert_allclose(fields.log_density(x, c, 0.2), expected, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 6])
def test_score_and_jacobian_are_slopes_of_the_density(n):
    x, c = draw(3, n)
    step = 1e-5 * np.eye(n)
    up, down = ([f(x[:, None] + sign * step, c, 0.1) for f in (fields.log_density, fields.score)] for sign in (1, -1))
    np.testing.assert_allclose(fields.score(x, c, 0.1), (up[0] - down[0]) / 2e-5, atol=1e-9)
    np.testing.assert_allclose(fields.score_jacobian(x, c, 0.1), (up[1] - down[1]) / 2e-5, atol=1e-8)


@pytest.mark.parametrize("n", [2, 6])
@pytest.mark.parametrize("own", [False, True])
def test_isotropic_components_agree_with_the_isotropic_kernels(n, own):
    means, weights, structures = same_covariance(3, n, own)
    x = 2 * np.random.default_rng(1).standard_normal((20, n))
    for c, function in ((c, f) for c in structures for f in FUNCTIONS):
        expected = getattr(mixture, function.__name__)(x, means, weights, 0.3, 0.2)
        np.testing.assert_allclose(function(x, c, 0.2), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("n", [3, 7])
def test_low_rank_agrees_with_the_full_matrix(n):
    x, c = draw(3, n)
    low = components(c.means, c.weights, [0.2, 0.3, 0.4], c.eigenvalues[:, :2], c.directions[:, :2])
    full = from_covariances(low.means, low.weights, covariance(low))
    for function in FUNCTIONS:
        np.testing.assert_allclose(function(x, low, 0.1), function(x, full, 0.1), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n", [2, 6])
def test_diagonal_is_the_identity_as_directions(n):
    x, c = draw(3, n)
    rows = np.broadcast_to(np.eye(n), (3, n, n))
    for function in FUNCTIONS:
        one, two = (function(x, c._replace(directions=d), 0.1) for d in (None, rows))
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n", [1, 3])
def test_outside_dimensions_are_features_of_mean_zero(n):
    x, _ = draw(3, n)
    weights, variance, extra = [0.2, 0.3, 0.5], np.array([0.2, 0.5, 0.9]), np.array([0.7, -0.4])
    means = np.random.default_rng(n).standard_normal((3, n))
    inside = components(means, weights, variance)
    whole = components(np.hstack([means, np.zeros((3, 2))]), weights, variance)
    y = np.hstack([x, np.broadcast_to(extra, (len(x), 2))])
    beside = n + 2, extra @ extra
    for function, count in ((fields.log_density, None), (fields.responsibilities, 3), (fields.score, n)):
        expected = function(y, whole, 0.1)
        np.testing.assert_allclose(
            function(x, inside, 0.1, *beside), expected[..., :count] if count else expected, rtol=1e-12
        )


def test_all_the_noise_leaves_the_prior():
    _, c = draw(3, 3)
    x, tau = np.full(3, 1e6), 1e12
    total = np.einsum("k,kij->ij", c.weights, covariance(c))
    offset = c.means - c.weights @ c.means
    total += np.einsum("k,ki,kj->ij", c.weights, offset, offset)
    np.testing.assert_allclose(fields.denoiser_covariance(x, c, tau), total, atol=1e-5)
    expected = c.weights @ c.means + total @ (x / (2 * tau))
    np.testing.assert_allclose(fields.denoiser(x, c, tau), expected, atol=1e-5)


def test_without_noise_the_data_are_known():
    x, c = draw(3, 3)
    np.testing.assert_allclose(fields.denoiser(x, c, 0.0), x, atol=1e-14)
    np.testing.assert_array_equal(fields.denoiser_covariance(x, c, 0.0) == 0, True)


def test_no_density_without_variance():
    point = components([[0.0, 0.0]], [1.0], 0.0, [[1.0]], [[[1.0, 0.0]]])
    for function in FUNCTIONS:
        assert np.isnan(function([1.0, 0.0], point, 0.0)).all()
        assert np.isfinite(function([1.0, 0.0], point, 0.1)).all()
    complete = components([[0.0]], [1.0], 0.0, [[1.0]])
    assert fields.score([1.0], complete, 0.0) == -1.0
    assert np.isnan(fields.score([1.0], complete, 0.0, dimension=2))


def test_far_from_components_of_one_covariance_differences_decide():
    """Displaced by 1e7 across the pair's axis: the isotropic kernel takes differences of means too."""
    means, weights = np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([0.4, 0.6])
    x = [0.01, 1e7]
    expected = mixture.responsibilities(x, means, weights, 0.1, 0.0)
    for c in (components(means, weights, 0.1), components(means, weights, 0.0, [[0.1, 0.1]])):
        np.testing.assert_allclose(fields.responsibilities(x, c, 0.0), expected, rtol=1e-13)


@pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 2), (3, 9), (4, 40)])
def test_bits_of_a_point_depend_on_that_point_alone(k, n):
    x, c = draw(k, n, points=300)
    tau = np.linspace(0, 1, 300)
    low = c._replace(variance=np.full(1, 0.1), eigenvalues=c.eigenvalues[:, :1], directions=c.directions[:, :1])
    for one, function in ((one, f) for one in (c, low) for f in FUNCTIONS):
        whole = function(x, one, tau)
        for part in (slice(0, 1), slice(100, 130), slice(299, 300)):
            np.testing.assert_array_equal(function(x[part], one, tau[part]), whole[part])


def test_leading_dimensions_broadcast():
    x, c = draw(2, 2, points=7)
    many = c._replace(means=c.means + np.arange(3.0)[:, None, None, None])
    tau = np.array([0.1, 0.2])[:, None, None]
    s = fields.score(x, many, tau)
    assert s.shape == (2, 3, 7, 2)
    one = c._replace(means=c.means + 2.0)
    np.testing.assert_array_equal(s[1, 2], fields.score(x, one, 0.2))


def test_components_say_what_does_not_fit():
    with pytest.raises(ValueError, match="do not fit"):
        components([[0.0], [1.0]], [0.5, 0.5], [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="do not fit"):
        components([[0.0, 0.0]], [1.0], 1.0, [[1.0]])


def test_structure_of_components():
    _, c = draw(3, 2)
    assert not is_shared(c)
    assert is_shared(c._replace(eigenvalues=c.eigenvalues[:1], directions=c.directions[:1]))
    np.testing.assert_allclose(weighted_mean(c), c.weights @ c.means, rtol=1e-14)
