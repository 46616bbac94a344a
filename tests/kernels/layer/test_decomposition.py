"""Binary decomposition, boundary, shocks and power diagram: references, definitions, symmetries, extremes, bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from scoreshock.conventions import Status
from scoreshock.kernels.burgers import shock
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.layer import boundary, competitors, decomposition
from scoreshock.kernels.numerics.bracketing import bracketed
from scoreshock.paper.frozen_shock import shock_at_frozen_time
from tests.reference import cases, check, identify, means_of, weights_of

pytestmark = pytest.mark.filterwarnings("error")


def groups_of(case):
    inputs = case["inputs"]
    codes = np.full(len(inputs["weights"]), decomposition.REST)
    codes[inputs["group1"]], codes[inputs["group2"]] = decomposition.FIRST, decomposition.SECOND
    return codes


def mixture_of(case):
    inputs = case["inputs"]
    return means_of(case), weights_of(case), inputs["sigma0"] ** 2, inputs["tau"]


def draw(k, n, seed=0, points=31):
    """Points, means, uneven weights and two groups."""
    rng = np.random.default_rng([seed, k, n])
    weights = rng.uniform(0.2, 1.0, k)
    group = rng.integers(0, 2, k)
    group[:2] = 0, 1
    return 2 * rng.standard_normal((points, n)), rng.standard_normal((k, n)), weights / weights.sum(), group


def independent_log_ratio(x, means, weights, v, group):
    """``ln p1 - ln p2`` straight from the densities."""
    logits = np.log(weights) - ((x[..., None, :] - means) ** 2).sum(axis=-1) / (2 * v)
    return logsumexp(logits[..., group == 0], axis=-1) - logsumexp(logits[..., group == 1], axis=-1)


class TestReferences:
    @pytest.mark.parametrize("case", cases("binary_decomposition"), ids=identify)
    def test_both_sides_of_the_decomposition_and_of_the_log_ratio_equation(self, case):
        result = decomposition.decomposition(case["inputs"]["x"], *mixture_of(case), groups_of(case))
        check(case, "phi", result.log_ratio)
        check(case, "grad_phi", result.log_ratio_gradient)
        check(case, "sbar", result.background)
        check(case, "score", result.score)
        check(case, "interfacial", result.interfacial)
        check(case, "phi_tau", result.log_ratio_rate)
        check(case, "lap_phi", result.log_ratio_laplacian)
        check(case, "adv", result.log_ratio_advection)

    @pytest.mark.parametrize("case", cases("binary_boundary"), ids=identify)
    def test_boundary_and_its_layer(self, case):
        arguments, group, inputs = mixture_of(case), groups_of(case), case["inputs"]
        start, direction = np.array(inputs["point"]), np.array(inputs["direction"])
        places, status = boundary.on_line(start, direction, *arguments, group)
        x = start + boundary.nearest(places) * direction
        result = boundary.mixture_layer(x, *arguments, group)
        assert status == Status.ok
        check(case, "x_boundary", x)
        check(case, "normal", result.normal)
        check(case, "grad_phi_norm", result.jump)
        check(case, "n_grad_sbar_n", result.background_curvature)
        check(case, "interfacial_term", result.interfacial_curvature)
        check(case, "nHn", result.normal_hessian)
        check(case, "nHn_positive", bool(result.normal_hessian > 0))
        check(case, "normal_speed", result.speed)

        def log_ratio(t, _):
            return decomposition.decomposition(start + t[:, None] * direction, *arguments, group).log_ratio

        low, high = (np.array([end]) for end in inputs["bracket"])
        position = bracketed(log_ratio, low, high)[0]
        check(case, "x_boundary", start + position * direction)

    @pytest.mark.parametrize("case", cases("nonbinary_remainder"), ids=identify)
    def test_competitors_of_a_binary_layer(self, case):
        inputs = case["inputs"]
        result = competitors.remainder(inputs["x"], *mixture_of(case), groups_of(case), np.array(inputs["normal"]))
        check(case, "eps", result.epsilon)
        check(case, "log_eps", result.log_epsilon)
        check(case, "eps_n", result.epsilon_normal)
        check(case, "eps_nn", result.epsilon_normal_normal)
        check(case, "score_diff", result.score_difference)
        check(case, "normal_derivative_diff", result.normal_difference)
        check(case, "s_full", result.score)
        check(case, "s12", result.binary_score)
        assert max(result.competitor_residual, result.competitor_normal_residual) < 1e-14

    @pytest.mark.parametrize("case", cases("sym1d_score"), ids=identify)
    def test_interfacial_part_of_an_equal_pair(self, case):
        inputs = case["inputs"]
        pair = [[-inputs["a"]], [inputs["a"]]], [0.5, 0.5], inputs["sigma0"] ** 2, inputs["tau"]
        check(case, "s_bg", decomposition.decomposition([inputs["x"]], *pair, [0, 1]).interfacial[0])
        velocity = shock_at_frozen_time(inputs["x"], inputs["a"], inputs["sigma0"] ** 2, inputs["tau"]).velocity
        np.testing.assert_allclose(-velocity / 2, case["expected"]["s_bg"], rtol=1e-10)

    @pytest.mark.parametrize("case", cases("sym1d_midpoint"), ids=identify)
    def test_layer_of_an_equal_pair(self, case):
        inputs = case["inputs"]
        pair = [[-inputs["a"]], [inputs["a"]]], [0.5, 0.5], inputs["sigma0"] ** 2, inputs["tau"]
        result = boundary.mixture_layer([0.0], *pair, [0, 1])
        check(case, "width", result.width)
        check(case, "s_x0", result.normal_hessian)
        one_sided = shock.rankine_hugoniot(*pair)
        check(case, "s_bg_left", one_sided.score_left)
        check(case, "s_bg_right", one_sided.score_right)
        check(case, "u_bg_left", -2 * one_sided.score_left)
        check(case, "u_bg_right", -2 * one_sided.score_right)

    @pytest.mark.parametrize("case", cases("rankine_hugoniot"), ids=identify)
    def test_rankine_hugoniot(self, case):
        inputs = case["inputs"]
        means, weights = [[-inputs["a"]], [inputs["a"]]], [inputs["wL"], inputs["wR"]]
        result = shock.rankine_hugoniot(means, weights, inputs["sigma0"] ** 2, inputs["tau"])
        check(case, "x_b", result.shock_position)
        check(case, "dxb_dtau", result.shock_speed)
        check(case, "sL", result.score_left)
        check(case, "sR", result.score_right)
        check(case, "jump", result.jump)
        check(case, "minus_sum", result.minus_sum)
        check(case, "lax", bool(result.lax))
        check(case, "boundary_between_means", bool(result.between_means))
        assert result.shock_residual < 1e-15


class TestDecomposition:
    @pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 1), (4, 2), (5, 3), (6, 6)])
    def test_log_ratio_is_that_of_the_densities_and_its_derivatives_those_of_differences(self, k, n):
        x, means, weights, group = draw(k, n)
        variance, tau, h = 0.3, 0.2, 1e-4
        result = decomposition.decomposition(x, means, weights, variance, tau, group)

        def phi(x, tau=tau):
            return independent_log_ratio(x, means, weights, variance + 2 * tau, group)

        np.testing.assert_allclose(result.log_ratio, phi(x), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(
            result.log_ratio_rate, (phi(x, tau + h) - phi(x, tau - h)) / (2 * h), rtol=1e-5, atol=1e-5
        )
        for i, e in enumerate(np.eye(n)):
            slope = (phi(x + h * e) - phi(x - h * e)) / (2 * h)
            np.testing.assert_allclose(result.log_ratio_gradient[:, i], slope, rtol=1e-5, atol=1e-5)
            there, back = (
                decomposition.decomposition(x + sign * h * e, means, weights, variance, tau, group) for sign in (1, -1)
            )
            turn = (there.log_ratio_gradient - back.log_ratio_gradient) / (2 * h)
            np.testing.assert_allclose(result.log_ratio_hessian[:, :, i], turn, rtol=1e-5, atol=1e-5)
            turn = (there.background - back.background) / (2 * h)
            np.testing.assert_allclose(result.background_jacobian[:, :, i], turn, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            decomposition.hessian_of_log_density(result),
            mixture.score_jacobian(x, means, weights, variance, tau),
            rtol=1e-11,
            atol=1e-11,
        )

    @pytest.mark.parametrize("tau", [0.0, 1e-12, 0.3, 1e3, 1e12])
    @pytest.mark.parametrize("offset", [0.0, 1e8])
    def test_identities_hold_from_the_core_to_the_tails(self, tau, offset):
        rng = np.random.default_rng(5)
        for k, n in [(2, 1), (3, 1), (4, 2), (5, 3), (7, 6)]:
            _, means, weights, group = draw(k, n, seed=1)
            weights = np.where(np.arange(k) == k - 1, 1e-300, weights)
            variance = 0.2
            spread = np.sqrt(variance + 2 * tau) * 10.0 ** np.linspace(-6, 4, 41)[:, None]
            x = offset + means[0] + spread * rng.standard_normal((41, n))
            result = decomposition.decomposition(x, offset + means, weights, variance, tau, group)
            assert result.decomposition_residual.max() < 1e-13
            assert result.log_ratio_residual.max() < 1e-13

    def test_identities_hold_where_symmetry_makes_all_terms_vanish(self):
        means, weights = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.full(4, 0.25)
        x = np.linspace(-3, 3, 301)[:, None]
        result = decomposition.decomposition(x, means, weights, 0.3, np.array([[0.0], [0.5]])[:, 0, None], [0, 0, 1, 1])
        assert max(result.decomposition_residual.max(), result.log_ratio_residual.max()) < 1e-13

    def test_any_two_heat_solutions_of_unequal_width_decompose(self):
        def gaussian(mean, v0, weight):
            def solution(x, tau):
                v = v0 + 2 * np.asarray(tau)[..., None]
                y = x - np.asarray(mean)
                log_p = np.log(weight) - 0.5 * (y**2 / v + np.log(2 * np.pi * v) * np.ones_like(y)).sum(axis=-1)
                return log_p, -y / v, -np.eye(y.shape[-1]) / v[..., None]

            return solution

        x, tau = 2 * np.random.default_rng(0).standard_normal((50, 2)), 0.4
        sides = [
            decomposition.side(gaussian(m, v0, w), x, tau, v0 + 2 * tau)
            for m, v0, w in [([-1, 0], 0.2, 0.4), ([1, 0.5], 0.7, 0.6)]
        ]
        total = np.logaddexp(sides[0].log_density, sides[1].log_density)
        share = np.exp(sides[0].log_density - total)[:, None]
        score = share * sides[0].score + (1 - share) * sides[1].score
        result = decomposition.of_sides(*sides, score)
        assert result.decomposition_residual.max() < 1e-14
        assert result.log_ratio_residual.max() < 1e-12
        assert decomposition.of_sides(*sides).decomposition_residual.max() < 1e-14

    def test_a_wrong_score_does_not_pass(self):
        x, means, weights, group = draw(3, 2)
        good = decomposition.decomposition(x, means, weights, 0.3, 0.1, group)
        first, second = (
            decomposition.Side(z, s, np.zeros((31, 2, 2)), z)
            for z, s in ((good.log_ratio, good.first_score), (0 * good.log_ratio, good.second_score))
        )
        assert decomposition.of_sides(first, second, 1.001 * good.score).decomposition_residual.max() > 1e-4
        assert decomposition.of_sides(first, second).log_ratio_residual.max() > 0.1

    def test_no_density_no_decomposition(self):
        x, means, weights, group = draw(3, 2)
        for each in (
            decomposition.decomposition(x, means, weights, 0.0, 0.0, group),
            decomposition.decomposition(x, means, weights, 0.3, 0.0, [0, 0, 0]),
        ):
            assert np.isnan(each.log_ratio).all()
            assert np.isnan(each.log_ratio_residual).all()

    @pytest.mark.slow
    def test_each_point_has_its_own_bits(self):
        x, means, weights, group = draw(4, 3, points=150)
        tau = np.linspace(0, 1, 150)
        together = decomposition.decomposition(x, means, weights, 0.3, tau, group)
        alone = [decomposition.decomposition(x[i], means, weights, 0.3, tau[i], group) for i in range(0, 150, 7)]
        for field in decomposition.Decomposition._fields:
            np.testing.assert_array_equal(getattr(together, field)[::7], [getattr(a, field) for a in alone])

    @pytest.mark.slow
    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(0.01, 100.0))
    def test_swap_scale_and_shift(self, seed, shift, scale):
        x, means, weights, group = draw(4, 2, seed=seed, points=5)
        base = decomposition.decomposition(x, means, weights, 0.3, 0.1, group)
        swapped = decomposition.decomposition(x, means, weights, 0.3, 0.1, 1 - group)
        np.testing.assert_allclose(swapped.log_ratio, -base.log_ratio, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(swapped.interfacial, base.interfacial, rtol=1e-12, atol=1e-12)
        moved = decomposition.decomposition(
            scale * x + shift, scale * means + shift, weights, 0.3 * scale**2, 0.1 * scale**2, group
        )
        tolerance = 1e-11 * (1 + abs(shift) / scale)
        np.testing.assert_allclose(moved.log_ratio, base.log_ratio, rtol=tolerance, atol=tolerance * 100)
        np.testing.assert_allclose(
            moved.log_ratio_gradient * scale, base.log_ratio_gradient, rtol=tolerance, atol=tolerance * 100
        )
        np.testing.assert_allclose(
            moved.log_ratio_rate * scale**2, base.log_ratio_rate, rtol=tolerance, atol=tolerance * 1000
        )
