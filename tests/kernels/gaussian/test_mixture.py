"""Density, score and posterior moments of a mixture: references, symmetries, extremes, and bits that do not move."""

from __future__ import annotations

import tracemalloc
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp, softmax
from scipy.stats import multivariate_normal

from scoreshock.kernels.gaussian import mixture
from tests.reference import array_of, cases, check, identify, means_of, weights_of

FUNCTIONS = (
    mixture.log_density,
    mixture.score,
    mixture.responsibilities,
    mixture.denoiser,
    mixture.posterior_covariance,
    mixture.denoiser_covariance,
    mixture.score_jacobian,
)

pytestmark = pytest.mark.filterwarnings("error")


def inputs_of(case):
    inputs = case["inputs"]
    return means_of(case), weights_of(case), inputs["sigma0"] ** 2, inputs["tau"]


def pair(a):
    return np.array([[-a], [a]]), np.array([0.5, 0.5])


def draw(k, n, seed=0, points=37):
    """Points, means and uneven weights."""
    rng = np.random.default_rng([seed, k, n])
    weights = rng.uniform(0.2, 1.0, k)
    return 2 * rng.standard_normal((points, n)), rng.standard_normal((k, n)), weights / weights.sum()


def independent_log_density(x, means, weights, v):
    """The log density by SciPy's normal distribution."""
    parts = [multivariate_normal(m, v * np.eye(len(m))).logpdf(x) for m in means]
    return logsumexp(np.array(parts).T, axis=-1, b=weights)


def independent_moments(x, means, weights, v):
    """Responsibilities, mean and covariance of the means at each point, straight from their definitions."""
    squares = ((x[:, None] - means) ** 2).sum(axis=-1)
    r = softmax(np.log(weights) - squares / (2 * v), axis=-1)
    mean = r @ means
    centred = means - mean[:, None]
    return r, mean, np.einsum("bk,bki,bkj->bij", r, centred, centred)


class TestReferences:
    @pytest.mark.parametrize("case", cases("sym1d_score"), ids=identify)
    def test_symmetric_pair_has_the_closed_form_score(self, case):
        inputs = case["inputs"]
        arguments = [inputs["x"]], *pair(inputs["a"]), inputs["sigma0"] ** 2, inputs["tau"]
        s = mixture.score(*arguments)
        check(case, "s", s[0])
        check(case, "u", -2 * s[0])
        check(case, "s_x", mixture.score_jacobian(*arguments)[0, 0])

    @pytest.mark.parametrize("case", cases("sym1d_midpoint"), ids=identify)
    def test_midpoint_derivative_and_one_sided_scores(self, case):
        inputs = case["inputs"]
        arguments = *pair(inputs["a"]), inputs["sigma0"] ** 2, inputs["tau"]
        check(case, "s_x0", mixture.score_jacobian([0.0], *arguments)[0, 0])
        far = 1e3 * (inputs["a"] + case["expected"]["s2"] / inputs["a"])
        interfacial = [mixture.score([x], *arguments)[0] + x / case["expected"]["s2"] for x in (-far, far)]
        scale = far / case["expected"]["s2"]
        wanted = [case["expected"]["s_bg_left"], case["expected"]["s_bg_right"]]
        np.testing.assert_allclose(interfacial, wanted, rtol=1e-10, atol=1e-15 * scale)

    @pytest.mark.parametrize("case", cases("pde_nd"), ids=identify)
    def test_density_score_and_jacobian(self, case):
        arguments = case["inputs"]["x"], *inputs_of(case)
        log_p, s = mixture.fields(*arguments)
        check(case, "logp", log_p)
        check(case, "s", s)
        check(case, "J", mixture.score_jacobian(*arguments))

    @pytest.mark.parametrize("case", cases("gmm_score"), ids=identify)
    def test_mixture_in_many_dimensions(self, case):
        arguments = array_of(case["inputs"]["x"]), *inputs_of(case)
        s = mixture.score(*arguments)
        result = {
            "logp": mixture.log_density(*arguments),
            "s": s,
            "s_first": s[:5],
            "score_norm": np.linalg.norm(s),
            "div_s": np.trace(mixture.score_jacobian(*arguments)),
            "responsibilities": mixture.responsibilities(*arguments),
        }
        for field in case["expected"]:
            check(case, field, result[field])

    @pytest.mark.parametrize("case", cases("tweedie"), ids=identify)
    def test_denoiser_and_its_covariance(self, case):
        arguments = case["inputs"]["x"], *inputs_of(case)
        check(case, "denoised", mixture.denoiser(*arguments))
        check(case, "posterior_cov", mixture.denoiser_covariance(*arguments))
        check(case, "score", mixture.score(*arguments))

    @pytest.mark.parametrize("case", cases("mean_jacobian"), ids=identify)
    def test_jacobian_at_the_mean(self, case):
        means, weights, variance, tau = inputs_of(case)
        arguments = weights @ means, means, weights, variance, tau
        jacobian = mixture.score_jacobian(*arguments)
        r = mixture.responsibilities(*arguments)
        covariance = mixture.posterior_covariance(*arguments)
        check(case, "responsibilities", r)
        check(case, "max_resp_shift", np.max(np.abs(r - weights)))
        check(case, "lambda_max_cov", np.linalg.eigvalsh(covariance)[-1])
        check(case, "lambda_max_J", np.linalg.eigvalsh(jacobian)[-1])
        check(case, "trace_J", np.trace(jacobian))
        if "J" in case["expected"]:
            check(case, "J", jacobian)


class TestAgainstDefinitions:
    @pytest.mark.parametrize("k", [1, 2, 3, 8])
    @pytest.mark.parametrize("n", [1, 2, 4, 5, 12])
    def test_every_field_agrees_with_scipy(self, k, n):
        x, means, weights = draw(k, n)
        variance, tau = 0.3, 0.2
        v = variance + 2 * tau
        arguments = x, means, weights, variance, tau
        r, mean, covariance = independent_moments(x, means, weights, v)
        s = (mean - x) / v
        hessian = covariance / v**2 - np.eye(n) / v
        close = {"rtol": 1e-11, "atol": 1e-12}
        np.testing.assert_allclose(mixture.log_density(*arguments), independent_log_density(x, means, weights, v), **close)
        np.testing.assert_allclose(mixture.score(*arguments), s, **close)
        np.testing.assert_allclose(mixture.responsibilities(*arguments), r, **close)
        np.testing.assert_allclose(mixture.denoiser(*arguments), x + 2 * tau * s, **close)
        np.testing.assert_allclose(mixture.posterior_covariance(*arguments), covariance, **close)
        np.testing.assert_allclose(mixture.score_jacobian(*arguments), hessian, **close)
        np.testing.assert_allclose(
            mixture.denoiser_covariance(*arguments), 2 * tau * np.eye(n) + (2 * tau) ** 2 * hessian, **close
        )

    @pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 2), (8, 3), (4, 6)])
    def test_score_is_the_gradient_of_an_independent_log_density(self, k, n):
        x, means, weights = draw(k, n, points=5)
        step = 1e-5 * np.eye(n)
        gradient = [
            (independent_log_density(x + e, means, weights, 0.7) - independent_log_density(x - e, means, weights, 0.7))
            / 2e-5
            for e in step
        ]
        np.testing.assert_allclose(mixture.score(x, means, weights, 0.7, 0.0).T, gradient, rtol=1e-7, atol=1e-8)

    @pytest.mark.parametrize(("k", "n"), [(2, 1), (2, 3), (3, 2), (8, 3), (4, 6)])
    def test_jacobian_is_the_derivative_of_the_score(self, k, n):
        x, means, weights = draw(k, n, points=5)
        columns = [
            (mixture.score(x + e, means, weights, 0.5, 0.1) - mixture.score(x - e, means, weights, 0.5, 0.1)) / 2e-5
            for e in 1e-5 * np.eye(n)
        ]
        jacobian = mixture.score_jacobian(x, means, weights, 0.5, 0.1)
        np.testing.assert_allclose(jacobian, np.moveaxis(columns, 0, -1), rtol=1e-7, atol=1e-8)

    @pytest.mark.parametrize(("k", "n"), [(2, 3), (3, 2), (8, 4), (20, 12)])
    def test_matrices_are_symmetric_to_the_bit(self, k, n):
        arguments = *draw(k, n), 0.3, 0.1
        for function in (mixture.score_jacobian, mixture.posterior_covariance, mixture.denoiser_covariance):
            matrix = function(*arguments)
            assert np.array_equal(matrix, np.swapaxes(matrix, -1, -2))

    def test_fields_are_the_log_density_and_the_score_to_the_bit(self):
        for k, n in [(2, 1), (2, 3), (3, 2), (20, 12)]:
            arguments = *draw(k, n), 0.3, 0.1
            log_p, s = mixture.fields(*arguments)
            assert np.array_equal(log_p, mixture.log_density(*arguments))
            assert np.array_equal(s, mixture.score(*arguments))

    def test_normal_factor_completes_the_density_of_embedded_points(self):
        x, means, weights = draw(3, 2)
        outside = np.random.default_rng(1).standard_normal((len(x), 3))
        embedded = np.concatenate([means, np.zeros((3, 3))], axis=1)
        factor = mixture.normal_factor(5, 2, 0.3, 0.1, (outside**2).sum(axis=1))
        full = mixture.log_density(np.concatenate([x, outside], axis=1), embedded, weights, 0.3, 0.1)
        np.testing.assert_allclose(mixture.log_density(x, means, weights, 0.3, 0.1) + factor, full, rtol=1e-13)
        assert np.isnan(mixture.normal_factor(5, 2, 0.0, 0.0))


shapes = st.tuples(st.integers(1, 6), st.integers(1, 7), st.integers(0, 2**16))
times = st.floats(0.0, 10.0)


class TestSymmetries:
    @settings(max_examples=40, deadline=None)
    @given(shapes, times)
    def test_reflection(self, shape, tau):
        x, means, weights = draw(*shape, points=4)
        np.testing.assert_allclose(
            mixture.score(-x, -means, weights, 0.5, tau), -mixture.score(x, means, weights, 0.5, tau), rtol=1e-12
        )

    @settings(max_examples=40, deadline=None)
    @given(shapes, times)
    def test_order_of_components(self, shape, tau):
        x, means, weights = draw(*shape, points=4)
        order = np.random.default_rng(shape[2]).permutation(shape[0])
        one = mixture.fields(x, means, weights, 0.5, tau)
        other = mixture.fields(x, means[order], weights[order], 0.5, tau)
        np.testing.assert_allclose(other[0], one[0], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(other[1], one[1], rtol=1e-11, atol=1e-13)

    @settings(max_examples=40, deadline=None)
    @given(shapes, times, st.floats(-6, 6))
    def test_scaling(self, shape, tau, exponent):
        x, means, weights = draw(*shape, points=4)
        c, n = 10.0**exponent, shape[1]
        log_p, s = mixture.fields(x, means, weights, 0.5, tau)
        scaled_log_p, scaled_s = mixture.fields(c * x, c * means, weights, 0.5 * c**2, tau * c**2)
        np.testing.assert_allclose(scaled_log_p, log_p - n * np.log(c), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(c * scaled_s, s, rtol=1e-10, atol=1e-12)

    @settings(max_examples=40, deadline=None)
    @given(shapes, times)
    def test_rotation(self, shape, tau):
        x, means, weights = draw(*shape, points=4)
        rotation = np.linalg.qr(np.random.default_rng(shape[2]).standard_normal((shape[1], shape[1])))[0]
        log_p, s = mixture.fields(x, means, weights, 0.5, tau)
        turned_log_p, turned_s = mixture.fields(x @ rotation, means @ rotation, weights, 0.5, tau)
        np.testing.assert_allclose(turned_log_p, log_p, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(turned_s, s @ rotation, rtol=1e-10, atol=1e-12)

    @settings(max_examples=40, deadline=None)
    @given(shapes, times)
    def test_translation_by_a_hundred_million(self, shape, tau):
        x, means, weights = draw(*shape, points=4)
        # On a grid that survives the offset, so that the moved problem is the same one.
        x, means = np.round(x * 2**20) / 2**20, np.round(means * 2**20) / 2**20
        log_p, s = mixture.fields(x, means, weights, 0.5, tau)
        moved_log_p, moved_s = mixture.fields(x + 1e8, means + 1e8, weights, 0.5, tau)
        np.testing.assert_allclose(moved_log_p, log_p, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(moved_s, s, rtol=1e-11, atol=1e-13)

    @settings(max_examples=40, deadline=None)
    @given(shapes, times, st.floats(-3, 3))
    def test_a_coordinate_outside_the_span_is_a_gaussian_factor(self, shape, tau, height):
        x, means, weights = draw(*shape, points=4)
        v = 0.5 + 2 * tau
        log_p, s = mixture.fields(x, means, weights, 0.5, tau)
        taller = np.concatenate([x, np.full((len(x), 1), height)], axis=1)
        flat = np.concatenate([means, np.zeros((len(means), 1))], axis=1)
        tall_log_p, tall_s = mixture.fields(taller, flat, weights, 0.5, tau)
        factor = mixture.normal_factor(shape[1] + 1, shape[1], 0.5, tau, height**2)
        np.testing.assert_allclose(tall_log_p, log_p + factor, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(tall_s[:, :-1], s, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(tall_s[:, -1], -height / v, rtol=1e-12, atol=1e-13)


class TestExtremes:
    @pytest.mark.parametrize("relative", [1e-3, 1e-6, 2e-9, 1e-12])
    @pytest.mark.parametrize("x", [1e-12, 1e-6, 1e-3, 0.05])
    def test_score_near_speciation_keeps_its_digits(self, relative, x):
        # v differs from a**2 by a number that is exact in binary; the series of tanh is summed in rational numbers.
        a, v = 1.0, 1.0 + 2.0 ** round(np.log2(relative))
        z = Fraction(x) / Fraction(v)
        numbers = (1, Fraction(-1, 3), Fraction(2, 15), Fraction(-17, 315), Fraction(62, 2835), Fraction(-1382, 155925))
        tanh = sum(c * z ** (2 * i + 1) for i, c in enumerate(numbers))
        exact = (tanh - Fraction(x)) / Fraction(v)
        np.testing.assert_allclose(mixture.score([x], *pair(a), v, 0.0)[0], float(exact), rtol=1e-13)

    def test_midpoint_derivative_near_speciation_keeps_its_digits(self):
        a, v = 0.1, 0.1**2 * (1 + 1e-9)
        exact = (Fraction(a) ** 2 - Fraction(v)) / Fraction(v) ** 2
        result = mixture.score_jacobian([0.0], *pair(a), v, 0.0)[0, 0]
        np.testing.assert_allclose(result, float(exact), rtol=1e-12)

    def test_variance_and_noise_add_without_loss_near_speciation(self):
        a, variance, tau = 1.0, 0.3, 0.35 + 1e-10
        exact = Fraction(a) ** 2 - Fraction(variance) - 2 * Fraction(tau)
        result = mixture.score_jacobian([0.0], *pair(a), variance, tau)[0, 0]
        np.testing.assert_allclose(result, float(exact / (Fraction(variance) + 2 * Fraction(tau)) ** 2), rtol=1e-12)

    @pytest.mark.parametrize("k", [1, 2, 3, 8])
    @pytest.mark.parametrize("n", [1, 2, 6])
    def test_ten_thousand_standard_deviations_away(self, k, n):
        _, means, weights = draw(k, n)
        x = 1e4 * np.ones(n)
        log_p, s = mixture.fields(x, means, weights, 1.0, 0.0)
        nearest = means[np.argmax(means.sum(axis=1))]
        np.testing.assert_allclose(s, nearest - x, rtol=1e-12)
        squares = ((x - nearest) ** 2).sum()
        weight = weights[np.argmax(means.sum(axis=1))]
        np.testing.assert_allclose(log_p, np.log(weight) - squares / 2 - n / 2 * np.log(2 * np.pi), rtol=1e-14)

    @pytest.mark.parametrize("n", [2, 3, 6])
    def test_components_that_tie_far_away(self, n):
        # Far along a direction in which all means agree, responsibilities are those of the other coordinates.
        rng = np.random.default_rng(n)
        means = rng.standard_normal((5, n))
        means[:, -1] = 0.25
        x = rng.standard_normal((20, n))
        x[:, -1] = 1e4
        weights = np.full(5, 0.2)
        near = mixture.responsibilities(x[:, :-1], means[:, :-1], weights, 1.0, 0.0)
        np.testing.assert_allclose(mixture.responsibilities(x, means, weights, 1.0, 0.0), near, rtol=1e-11, atol=1e-14)
        s = mixture.score(x, means, weights, 1.0, 0.0)
        np.testing.assert_allclose(
            s[:, :-1], mixture.score(x[:, :-1], means[:, :-1], weights, 1.0, 0.0), rtol=1e-11, atol=1e-13
        )

    @pytest.mark.parametrize("n", [1, 3, 6])
    def test_close_clusters_far_apart_are_told_apart(self, n):
        # Two clusters 2e4 apart, each of two means 2e-3 apart: a point of one cluster knows nothing of the other.
        offset = np.zeros(n)
        offset[0] = 1.0
        low, high = 8192.0 * -offset, 8192.0 * offset
        step = 2.0**-10 * offset
        means = np.stack([low - step, low + step, high - step, high + step])
        weights = np.array([0.1, 0.2, 0.3, 0.4])
        x = high + np.linspace(-4, 4, 9)[:, None] * step
        v = 2.0**-20
        alone = mixture.score(x - high, means[2:] - high, weights[2:] / weights[2:].sum(), v, 0.0)
        np.testing.assert_allclose(mixture.score(x, means, weights, v, 0.0), alone, rtol=1e-9, atol=1e-5)
        r = mixture.responsibilities(x, means, weights, v, 0.0)[:, 2:]
        wanted = mixture.responsibilities(x - high, means[2:] - high, weights[2:] / weights[2:].sum(), v, 0.0)
        np.testing.assert_allclose(r, wanted, rtol=1e-10)

    def test_weights_of_1e_300_lead_where_they_are_the_only_ones_near(self):
        for k in (2, 3):
            means = np.linspace(0, 100.0 * (k - 1), k)[:, None]
            weights = np.r_[np.full(k - 1, 1.0 / (k - 1)), 1e-300]
            s = mixture.score([means[-1] + 1.0], means, weights, 1.0, 0.0)
            np.testing.assert_allclose(s, -1.0, rtol=1e-12)
            r = mixture.responsibilities(means[0], means, weights, 1e4, 0.0)
            np.testing.assert_allclose(r[-1] / 1e-300, np.exp(-(means[-1, 0] ** 2) / 2e4) * r[0] / weights[0], rtol=1e-10)

    @pytest.mark.parametrize("tau", [0.0, 1e-12, 1e-3, 1.0, 1e6, 1e12])
    def test_denoiser_does_not_cancel_at_any_tau(self, tau):
        for k, n in [(2, 1), (3, 2), (8, 6)]:
            x, means, weights = draw(k, n)
            result = mixture.denoiser(x, means, weights, 0.5, tau)
            _, mean, _ = independent_moments(x, means, weights, 0.5 + 2 * tau)
            np.testing.assert_allclose(result, (0.5 * x + 2 * tau * mean) / (0.5 + 2 * tau), rtol=1e-10, atol=1e-13)

    @pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 1), (2, 3), (3, 2), (8, 6)])
    def test_no_variance_is_nan_without_a_warning_and_only_there(self, k, n):
        x, means, weights = draw(k, n, points=6)
        variance = np.array([0.0, 1.0, 0.0, 1.0, 2.0, 0.0])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for function in FUNCTIONS:
                result = function(x, means, weights, variance, 0.0).reshape(6, -1)
                assert np.isnan(result[variance == 0]).all()
                assert np.isfinite(result[variance > 0]).all()

    def test_equal_means_are_one_gaussian(self):
        x, _, _ = draw(3, 2)
        for k in (2, 3):
            s = mixture.score(x, np.full((k, 2), 0.25), np.full(k, 1 / k), 0.5, 0.0)
            np.testing.assert_allclose(s, (0.25 - x) / 0.5, rtol=1e-13)


def alike(one, other):
    """Equal bits, signs of zeros included."""
    return one.shape == other.shape and one.tobytes() == other.tobytes()


class TestBits:
    @pytest.mark.slow
    @pytest.mark.parametrize("k", [2, 3, 8, 20])
    @pytest.mark.parametrize("n", [1, 2, 64])
    def test_a_point_alone_and_in_any_batch(self, k, n):
        x, means, weights = draw(k, n, points=300 if n < 64 else 150)
        x[0] = 0.0
        tau = np.linspace(0.0, 2.0, len(x))
        for function in FUNCTIONS:
            if n == 64 and function is mixture.denoiser_covariance:
                continue
            whole = function(x, means, weights, 0.3, tau)
            for i in range(0, len(x), 11):
                assert alike(function(x[i], means, weights, 0.3, tau[i]), whole[i])
            for cut in (1, 63, 64, 101):
                parts = [function(x[:cut], means, weights, 0.3, tau[:cut])]
                parts.append(function(x[cut:], means, weights, 0.3, tau[cut:]))
                assert alike(np.concatenate(parts), whole)

    @pytest.mark.parametrize(("k", "n"), [(2, 1), (2, 2), (2, 12), (3, 2), (8, 2), (20, 12)])
    def test_blocks_of_any_size_and_points_in_any_order(self, k, n, monkeypatch):
        x, means, weights = draw(k, n, points=5000)
        log_p, s = mixture.fields(x, means, weights, 0.3, 0.1)
        back = mixture.fields(x[::-1], means, weights, 0.3, 0.1)
        assert alike(np.ascontiguousarray(back[0][::-1]), log_p)
        assert alike(np.ascontiguousarray(back[1][::-1]), s)
        monkeypatch.setattr("scoreshock.kernels.numerics.blocks.BLOCK", 300)
        small = mixture.fields(x, means, weights, 0.3, 0.1)
        assert alike(small[0], log_p)
        assert alike(small[1], s)

    @pytest.mark.slow
    @pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 1), (2, 3), (2, 12), (3, 2), (8, 2), (20, 12)])
    def test_any_layout_of_the_sweep(self, k, n):
        rng = np.random.default_rng(3)
        means = rng.standard_normal((5, 1, k, n))
        weights = np.full(k, 1 / k)
        x = rng.standard_normal((7, n))
        tau = np.linspace(0.1, 2.0, 3)[:, None, None]
        variance = np.linspace(0.2, 1.0, 5)[:, None]
        for function in FUNCTIONS:
            whole = function(x, means, weights, variance, tau)
            assert whole.shape[:3] == (3, 5, 7)
            for t, s, g in np.ndindex(3, 5, 7):
                point = function(x[g], means[s, 0], weights, variance[s, 0], tau[t, 0, 0])
                assert alike(point, whole[t, s, g])
            dense = np.broadcast_to(means, (3, 5, 7, k, n)).copy()
            assert alike(function(x, dense, weights, variance, tau), whole)

    def test_uneven_and_even_weights_and_centres_in_one_sweep(self):
        x = np.array([-1.0, -0.0, 0.0, 0.5])
        weight = np.array([0.5, 0.7])[:, None]
        weights = np.stack([1 - weight, weight], axis=-1)
        means = np.array([[[-1.0], [1.0]], [[1.0], [-1.0]], [[1.0], [4.0]]])[:, None, None]
        whole = mixture.score(x[:, None], means, weights, 0.5, 0.25)
        assert whole.shape == (3, 2, 4, 1)
        for m, w, i in np.ndindex(3, 2, 4):
            assert alike(mixture.score(x[i, None], means[m, 0, 0], weights[w, 0], 0.5, 0.25), whole[m, w, i])


class TestShapes:
    def test_results_have_the_full_broadcast_shape(self):
        means = np.zeros((4, 1, 1, 3, 2))
        weights = np.full((2, 1, 3), 1 / 3)
        arguments = np.zeros((5, 2)), means, weights, np.ones(()), np.ones((6, 1, 1, 1))
        cores = ((), (2,), (3,), (2,), (2, 2), (2, 2), (2, 2))
        for function, core in zip(FUNCTIONS, cores, strict=True):
            assert function(*arguments).shape == (6, 4, 2, 5, *core)

    @pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 1), (2, 3), (3, 2), (8, 6)])
    def test_views_that_repeat_one_point_are_filled_throughout(self, k, n):
        x, means, weights = draw(k, n)
        for function in FUNCTIONS:
            one = function(x[0], means, weights, 0.5, 0.25)
            repeated = function(np.broadcast_to(x[0], (5, 4, n)), means, weights, 0.5, 0.25)
            assert alike(np.broadcast_to(one, (5, 4, *one.shape)).copy(), repeated)

    @pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 3), (2, 1), (2, 3), (3, 2), (8, 6)])
    def test_a_view_that_repeats_one_point_may_have_times_that_differ(self, k, n):
        x, means, weights = draw(k, n)
        repeated, tau = np.broadcast_to(x[0], (4, n)), np.linspace(0.1, 0.4, 4)
        for function in FUNCTIONS:
            assert alike(function(repeated, means, weights, 0.5, tau), function(repeated.copy(), means, weights, 0.5, tau))

    def test_no_points_are_no_results(self):
        x, means, weights = draw(3, 2)
        for function in FUNCTIONS:
            assert function(x[:0], means, weights, 1.0, 0.0).shape[0] == 0

    def test_single_precision_is_widened(self):
        for k, n in [(2, 1), (3, 2), (8, 12)]:
            single = [a.astype(np.float32) for a in draw(k, n)]
            for function in FUNCTIONS:
                result = function(*single, np.float32(0.5), np.float32(0.25))
                assert result.dtype == float
                assert alike(result, function(*(a.astype(float) for a in single), 0.5, 0.25))

    def test_memory_of_a_broadcast_sweep_is_that_of_its_result(self):
        _, means, weights = draw(8, 2)
        swept = means + np.linspace(0, 1, 800)[:, None, None, None]
        x = np.random.default_rng(0).standard_normal((500, 2))
        tracemalloc.start()
        mixture.log_density(x, swept, weights, 0.5, 0.1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 800 * 500 * 8 + 1.2e7
