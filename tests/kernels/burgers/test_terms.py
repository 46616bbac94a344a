"""Terms of the score's equations: references, 80-digit differences of the density, residuals from core to tails, bits."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreshock.kernels.burgers import terms as burgers
from scoreshock.kernels.gaussian import mixture
from tests.reference import cases, check, identify, means_of, weights_of

pytestmark = pytest.mark.filterwarnings("error")

BOUND = 1e-12
DIGITS = 120


def draw(k, n, seed=0, weights=None):
    rng = np.random.default_rng([seed, k, n])
    given_weights = rng.uniform(0.2, 1.0, k) if weights is None else np.array(weights)
    return 2 * rng.standard_normal((k, n)), given_weights / given_weights.sum()


def grid(n, sigma, seed=1):
    """Points from 1e-20 sigma to 1e8 sigma in random directions, and the origin."""
    directions = np.random.default_rng([seed, n]).standard_normal((113, n))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    return np.concatenate([np.zeros((1, n)), sigma * np.logspace(-20, 8, 113)[:, None] * directions])


def all_forms(x, means, weights, variance, tau):
    alpha = 1 / np.sqrt(1 + 2 * np.asarray(tau))
    arguments = means, weights, variance, tau
    forms = {
        "score": burgers.score_terms(x, *arguments),
        "physical": burgers.score_terms(x, *arguments, 1.0, 0.0, 0.37),
        "vp": burgers.score_terms(alpha * x, *arguments, alpha, -0.5 * 7.3, 7.3),
        "sub-vp": burgers.score_terms(alpha * x, *arguments, alpha, -0.5 * 7.3, 2.9),
        "log-density": burgers.log_density_terms(x, *arguments),
    }
    if means.shape[-1] == 1:
        forms["conservation"] = burgers.conservation_terms(x, *arguments)
    return forms


class Exact:
    """The score, and the log density without its constant, of a mixture along a path, to 120 digits."""

    def __init__(self, means, weights, variance):
        self.means = [[Decimal(float(c)) for c in row] for row in means]
        self.weights = [Decimal(float(w)) for w in weights]
        self.variance = Decimal(variance)

    def fields(self, x, tau, alpha=Decimal(1)):
        v = alpha * alpha * (self.variance + 2 * tau)
        squares = [sum((c - alpha * m) ** 2 for c, m in zip(x, row, strict=True)) for row in self.means]
        parts = [w * (-q / (2 * v)).exp() for w, q in zip(self.weights, squares, strict=True)]
        density = sum(parts)
        mean = [alpha * sum(p * row[i] for p, row in zip(parts, self.means, strict=True)) / density for i in range(len(x))]
        return [(m - c) / v for m, c in zip(mean, x, strict=True)], density.ln() - len(x) * v.ln() / 2

    def score(self, x, tau, alpha=Decimal(1)):
        return self.fields(x, tau, alpha)[0]


def exact_terms(exact, x, tau):
    """s, s_tau, Lap s and 2 (s . grad) s by 120-digit central differences of the score."""
    h, n = Decimal("1e-35") * (1 + tau), len(x)
    ahead, behind = exact.score(x, tau + h), exact.score(x, tau - h)
    s = exact.score(x, tau)
    rate = [(a - b) / (2 * h) for a, b in zip(ahead, behind, strict=True)]
    laplacian, advection = [Decimal(0)] * n, [Decimal(0)] * n
    for j in range(n):
        ahead, behind = (exact.score([*x[:j], x[j] + sign * h, *x[j + 1 :]], tau) for sign in (1, -1))
        for i in range(n):
            laplacian[i] += (ahead[i] - 2 * s[i] + behind[i]) / (h * h)
            advection[i] += 2 * s[j] * (ahead[i] - behind[i]) / (2 * h)
    return s, rate, laplacian, advection


class TestReferences:
    @pytest.mark.parametrize("case", cases("pde_nd"), ids=identify)
    def test_terms_of_the_score_and_of_burgers(self, case):
        inputs = case["inputs"]
        terms = burgers.score_terms(inputs["x"], means_of(case), weights_of(case), inputs["sigma0"] ** 2, inputs["tau"])
        check(case, "s", terms.field)
        check(case, "s_tau", terms.rate_term)
        check(case, "lap_s", terms.diffusion_term)
        check(case, "adv_2s_grad_s", terms.advection_term)
        velocity = burgers.rescaled(terms, -2.0)
        check(case, "u", velocity.field)
        check(case, "u_tau", velocity.rate_term)
        assert terms.residual_relative <= BOUND


class TestAgainstTheDensityItself:
    POINTS = (
        ([[-1.7], [0.4], [1.9]], [0.2, 0.5, 0.3], 0.09, 0.22, [0.61]),
        ([[-1.0], [1.0]], [0.5, 0.5], 0.25, 0.375, [1e-5]),  # speciation of an equal pair
        ([[-1.0], [1.0]], [0.5, 0.5], 0.01, 0.0, [1e3]),  # 1e4 sigma
        ([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.5]], [0.3, 0.4, 0.3], 0.01, 0.02, [0.02, -2000.0]),  # components compete there
        ([[-1.0], [1.0]], [1e-300, 1.0], 0.01, 0.0, [-3.4538]),  # where the small weight takes over
        ([[1e8 - 1.0], [1e8 + 0.5], [1e8 + 2.0]], [0.2, 0.5, 0.3], 0.3, 0.1, [1e8 + 0.25]),
        ([[-1.0, 0.3], [1.2, -0.4], [0.1, 1.5]], [0.2, 0.5, 0.3], 0.5, 1e6, [0.3, 0.2]),
    )

    @pytest.mark.parametrize(("means", "weights", "variance", "tau", "x"), POINTS)
    def test_every_term_is_the_density_s_own(self, means, weights, variance, tau, x):
        terms = burgers.score_terms(x, means, weights, variance, tau)
        with localcontext() as context:
            context.prec, context.Emax, context.Emin = DIGITS, 10**12, -(10**12)
            exact = exact_terms(Exact(means, weights, variance), [Decimal(c) for c in x], Decimal(tau))
        for got, wanted in zip(
            (terms.field, terms.rate_term, terms.diffusion_term, terms.advection_term), exact, strict=True
        ):
            np.testing.assert_allclose(got, np.array(wanted, dtype=float), rtol=1e-13, atol=0)

    @pytest.mark.parametrize(("means", "weights", "variance", "tau", "x"), POINTS)
    def test_rate_along_the_variance_preserving_path(self, means, weights, variance, tau, x):
        beta, alpha = 3.0, float(1 / np.sqrt(1 + 2 * tau))
        y = [alpha * c for c in x]
        terms = burgers.score_terms(y, means, weights, variance, tau, alpha, -0.5 * beta, beta)
        with localcontext() as context:
            context.prec, context.Emax, context.Emin = DIGITS, 10**12, -(10**12)
            exact, h, a, b = Exact(means, weights, variance), Decimal("1e-35"), Decimal(alpha), Decimal(beta)
            point = [Decimal(c) for c in y]
            # alpha' = -beta alpha/2, and tau' = beta/(2 alpha**2) whatever rounding made of alpha
            moves = [(Decimal(tau) + s * h * b / (2 * a * a), a * (1 - s * h * b / 2)) for s in (1, -1)]
            ahead, behind = (exact.score(point, *move) for move in moves)
            wanted = [float((p - q) / (2 * h)) for p, q in zip(ahead, behind, strict=True)]
        scale = max(1e-13 * float(terms.largest_term), 1e-300)
        np.testing.assert_allclose(terms.rate_term, wanted, rtol=1e-12, atol=scale)

    @pytest.mark.parametrize(("means", "weights", "variance", "tau", "x"), POINTS)
    def test_log_density_rate_and_laplacian(self, means, weights, variance, tau, x):
        terms = burgers.log_density_terms(x, means, weights, variance, tau)
        with localcontext() as context:
            context.prec, context.Emax, context.Emin = DIGITS, 10**12, -(10**12)
            exact, h = Exact(means, weights, variance), Decimal("1e-30") * (1 + Decimal(tau))
            point, time = [Decimal(c) for c in x], Decimal(tau)
            s, middle = exact.fields(point, time)
            rate = (exact.fields(point, time + h)[1] - exact.fields(point, time - h)[1]) / (2 * h)
            laplacian = Decimal(0)
            for j in range(len(x)):
                sides = [exact.fields([*point[:j], point[j] + q * h, *point[j + 1 :]], time)[1] for q in (1, -1)]
                laplacian += (sum(sides) - 2 * middle) / (h * h)
            wanted = [float(a) for a in (rate, laplacian, sum(c * c for c in s))]
        scale = 1e-15 * float(terms.largest_term)
        np.testing.assert_allclose(
            [terms.rate_term, terms.diffusion_term, terms.advection_term], wanted, rtol=1e-13, atol=scale
        )
        np.testing.assert_array_equal(terms.field, mixture.log_density(x, means, weights, variance, tau))


class TestResiduals:
    @pytest.mark.slow
    @pytest.mark.parametrize("tau", [0.0, 1e-12, 0.01, 1.0, 1e6, 1e12])
    @pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 1), (3, 1), (2, 3), (4, 2), (6, 9)])
    def test_relative_residuals_are_rounding_from_core_to_tails(self, k, n, tau):
        means, weights = draw(k, n)
        for variance in (1e-4, 1.0):
            x = grid(n, np.sqrt(variance + 2 * tau))
            for offset in (0.0, 1e8):
                for name, terms in all_forms(x + offset, means + offset, weights, variance, tau).items():
                    assert np.all(terms.residual_relative <= BOUND), (name, variance, offset, terms.residual_relative.max())

    @pytest.mark.parametrize("light", [1e-300, 1e-100, 1e-10])
    def test_with_tiny_weights(self, light):
        means, weights = draw(4, 1, weights=[light, 1.0, 1.0, light])
        for variance, tau in ((1e-3, 0.0), (0.1, 0.1)):
            for name, terms in all_forms(grid(1, 1.0), means, weights, variance, tau).items():
                assert np.all(terms.residual_relative <= BOUND), name

    @pytest.mark.slow
    @pytest.mark.parametrize("k", [2, 3, 4, 5, 8])
    def test_at_and_about_centres_of_symmetry(self, k):
        angles = 2 * np.pi * np.arange(k) / k
        polygon = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        line = np.linspace(-1, 1, k)[:, None]
        for means in (polygon, line):
            n = means.shape[-1]
            for v in (0.05, 0.5, 1.0, 30.0):
                for name, terms in all_forms(grid(n, 1.0), means, np.full(k, 1 / k), v, 0.0).items():
                    assert np.all(terms.residual_relative <= BOUND), (name, v)

    def test_at_the_centre_of_an_exact_cross_all_terms_vanish(self):
        means = 0.7 * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
        terms = burgers.score_terms([0.0, 0.0], means, np.full(4, 0.25), 0.1, 0.0)
        assert terms.largest_term == terms.residual_relative == 0
        assert not terms.field.any()

    @pytest.mark.parametrize("a", [0.5, 2.0])
    def test_at_speciation_of_a_pair(self, a):
        means, weights = np.array([[-a], [a]]), np.array([0.5, 0.5])
        tau = (a**2 - 0.1) / 2
        for name, terms in all_forms(grid(1, a), means, weights, 0.1, tau).items():
            assert np.all(terms.residual_relative <= BOUND), name

    def test_a_wrong_equation_has_a_large_residual(self):
        means, weights = draw(3, 2)
        terms = burgers.score_terms(grid(2, 1.0)[80:], means, weights, 0.3, 0.1)
        wrong = terms.rate_term - terms.diffusion_term - 0.5 * terms.advection_term
        assert (
            burgers.relative_residual(wrong, [terms.rate_term, terms.diffusion_term, terms.advection_term])[1] > 0.1
        ).all()

    @pytest.mark.slow
    @given(
        st.integers(1, 5),
        st.integers(1, 3),
        st.floats(-6, 6),
        st.floats(-6, 6),
        st.floats(-3, 6),
        st.integers(0, 2**32 - 1),
    )
    @settings(max_examples=60, deadline=None)
    def test_of_any_mixture_anywhere(self, k, n, log_variance, log_tau, log_distance, seed):
        means, weights = draw(k, n, seed)
        variance, tau = 10.0**log_variance, 10.0**log_tau
        x = 10.0**log_distance * np.sqrt(variance + 2 * tau) * np.random.default_rng(seed).standard_normal((4, n))
        for name, terms in all_forms(x, means, weights, variance, tau).items():
            assert np.all(terms.residual_relative <= BOUND), name


class TestShapesAndEdges:
    def test_fields_agree_with_the_mixture(self):
        means, weights = draw(3, 2)
        x = grid(2, 1.0)
        terms = burgers.score_terms(x, means, weights, 0.3, 0.1)
        np.testing.assert_allclose(terms.field, mixture.score(x, means, weights, 0.3, 0.1), rtol=1e-12, atol=1e-14)
        hessian = mixture.score_jacobian(x, means, weights, 0.3, 0.1)
        np.testing.assert_allclose(
            terms.advection_term, 2 * np.einsum("bij,bj->bi", hessian, terms.field), rtol=1e-11, atol=1e-12
        )

    def test_leading_dimensions_broadcast(self):
        means, weights = draw(3, 2)
        x = grid(2, 1.0)[:5]
        tau = np.array([0.1, 0.2, 3.0])[:, None]
        terms = burgers.score_terms(x, means, weights, np.array(0.3), tau)
        assert terms.rate_term.shape == (3, 5, 2)
        assert terms.residual_relative.shape == (3, 5)
        alone = burgers.score_terms(x[2], means, weights, 0.3, 0.2)
        for whole, one in zip(terms[:9], alone[:9], strict=True):
            np.testing.assert_array_equal(whole[1, 2], one)

    @pytest.mark.slow
    @pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 1), (3, 2), (5, 7)])
    def test_bits_of_a_point_do_not_depend_on_its_batch(self, k, n):
        means, weights = draw(k, n)
        x = np.tile(grid(n, 1.0), (40, 1))
        for name, whole in all_forms(x, means, weights, 0.2, 0.1).items():
            for i in (0, 57, 114, 113 * 30 + 7):
                alone = all_forms(x[i], means, weights, 0.2, 0.1)[name]
                for part, one in zip(whole[:9], alone[:9], strict=True):
                    np.testing.assert_array_equal(part[i], one)

    def test_without_variance_there_is_no_score(self):
        for terms in all_forms(np.array([0.3]), np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), 0.0, 0.0).values():
            assert np.isnan(terms.residual_relative)
            assert np.isnan(terms.rate_term).all()

    def test_no_points(self):
        assert burgers.score_terms(np.empty((0, 2)), *draw(3, 2), 0.3, 0.1).rate_term.shape == (0, 2)

    def test_scaling_of_space(self):
        means, weights = draw(3, 2)
        x, c = grid(2, 1.0), 4.0
        one = burgers.score_terms(x, means, weights, 0.3, 0.1)
        other = burgers.score_terms(c * x, c * means, weights, c**2 * 0.3, c**2 * 0.1)
        np.testing.assert_allclose(other.rate_term, one.rate_term / c**3, rtol=1e-13)
        np.testing.assert_allclose(other.diffusion_term, one.diffusion_term / c**3, rtol=1e-13)

    def test_viscosity_is_a_change_of_clock(self):
        means, weights = draw(3, 1)
        x, nu = grid(1, 1.0), 0.2
        plain = burgers.score_terms(x, means, weights, 0.3, 0.1)
        terms = burgers.rescaled(plain, -2 * nu, nu)
        curvature = plain.diffusion_term * -2 * nu
        slope = mixture.score_jacobian(x, means, weights, 0.3, 0.1)[..., 0] * -2 * nu
        np.testing.assert_allclose(terms.diffusion_term, nu * curvature, rtol=1e-13)
        np.testing.assert_allclose(terms.advection_term, -terms.field * slope, rtol=1e-9, atol=1e-13)

    def test_directions_outside_the_means_span_add_to_the_log_density_alone(self):
        means, weights = draw(3, 1)
        x, far = grid(1, 1.0), 500
        embedded = [np.pad(a, ((0, 0), (0, far - 1))) for a in (x, means)]
        whole = burgers.log_density_terms(embedded[0], embedded[1], weights, 0.3, 0.1)
        reduced = burgers.log_density_terms(x, means, weights, 0.3, 0.1, far)
        for name in ("field", "rate_term", "diffusion_term", "advection_term"):
            np.testing.assert_allclose(getattr(reduced, name), getattr(whole, name), rtol=1e-12)
