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
    given = case["inputs"]
    codes = np.full(len(given["weights"]), decomposition.REST)
    codes[given["group1"]], codes[given["group2"]] = decomposition.FIRST, decomposition.SECOND
    return codes


def mixture_of(case):
    given = case["inputs"]
    return means_of(case), weights_of(case), given["sigma0"] ** 2, given["tau"]


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
        found = decomposition.decomposition(case["inputs"]["x"], *mixture_of(case), groups_of(case))
        check(case, "phi", found.log_ratio)
        check(case, "grad_phi", found.log_ratio_gradient)
        check(case, "sbar", found.background)
        check(case, "score", found.score)
        check(case, "interfacial", found.interfacial)
        check(case, "phi_tau", found.log_ratio_rate)
        check(case, "lap_phi", found.log_ratio_laplacian)
        check(case, "adv", found.log_ratio_advection)

    @pytest.mark.parametrize("case", cases("binary_boundary"), ids=identify)
    def test_boundary_and_its_layer(self, case):
        arguments, group, given = mixture_of(case), groups_of(case), case["inputs"]
        start, direction = np.array(given["point"]), np.array(given["direction"])
        places, status = boundary.on_line(start, direction, *arguments, group)
        x = start + boundary.nearest(places) * direction
        found = boundary.mixture_layer(x, *arguments, group)
        assert status == Status.ok
        check(case, "x_boundary", x)
        check(case, "normal", found.normal)
        check(case, "grad_phi_norm", found.jump)
        check(case, "n_grad_sbar_n", found.background_curvature)
        check(case, "interfacial_term", found.interfacial_curvature)
        check(case, "nHn", found.normal_hessian)
        check(case, "nHn_positive", bool(found.normal_hessian > 0))
        check(case, "normal_speed", found.speed)

        def log_ratio(t, _):
            return decomposition.decomposition(start + t[:, None] * direction, *arguments, group).log_ratio

        low, high = (np.array([end]) for end in given["bracket"])
        position = bracketed(log_ratio, low, high)[0]
        check(case, "x_boundary", start + position * direction)

    @pytest.mark.parametrize("case", cases("nonbinary_remainder"), ids=identify)
    def test_competitors_of_a_binary_layer(self, case):
        given = case["inputs"]
        found = competitors.remainder(given["x"], *mixture_of(case), groups_of(case), np.array(given["normal"]))
        check(case, "eps", found.epsilon)
        check(case, "log_eps", found.log_epsilon)
        check(case, "eps_n", found.epsilon_normal)
        check(case, "eps_nn", found.epsilon_normal_normal)
        check(case, "score_diff", found.score_difference)
        check(case, "normal_derivative_diff", found.normal_difference)
        check(case, "s_full", found.score)
        check(case, "s12", found.binary_score)
        assert max(found.competitor_residual, found.competitor_normal_residual) < 1e-14

    @pytest.mark.parametrize("case", cases("sym1d_score"), ids=identify)
    def test_interfacial_part_of_an_equal_pair(self, case):
        given = case["inputs"]
        pair = [[-given["a"]], [given["a"]]], [0.5, 0.5], given["sigma0"] ** 2, given["tau"]
        check(case, "s_bg", decomposition.decomposition([given["x"]], *pair, [0, 1]).interfacial[0])
        velocity = shock_at_frozen_time(given["x"], given["a"], given["sigma0"] ** 2, given["tau"]).velocity
        np.testing.assert_allclose(-velocity / 2, case["expected"]["s_bg"], rtol=1e-10)

    @pytest.mark.parametrize("case", cases("sym1d_midpoint"), ids=identify)
    def test_layer_of_an_equal_pair(self, case):
        given = case["inputs"]
        pair = [[-given["a"]], [given["a"]]], [0.5, 0.5], given["sigma0"] ** 2, given["tau"]
        found = boundary.mixture_layer([0.0], *pair, [0, 1])
        check(case, "width", found.width)
        check(case, "s_x0", found.normal_hessian)
        one_sided = shock.rankine_hugoniot(*pair)
        check(case, "s_bg_left", one_sided.score_left)
        check(case, "s_bg_right", one_sided.score_right)
        check(case, "u_bg_left", -2 * one_sided.score_left)
        check(case, "u_bg_right", -2 * one_sided.score_right)

    @pytest.mark.parametrize("case", cases("rankine_hugoniot"), ids=identify)
    def test_rankine_hugoniot(self, case):
        given = case["inputs"]
        means, weights = [[-given["a"]], [given["a"]]], [given["wL"], given["wR"]]
        found = shock.rankine_hugoniot(means, weights, given["sigma0"] ** 2, given["tau"])
        check(case, "x_b", found.shock_position)
        check(case, "dxb_dtau", found.shock_speed)
        check(case, "sL", found.score_left)
        check(case, "sR", found.score_right)
        check(case, "jump", found.jump)
        check(case, "minus_sum", found.minus_sum)
        check(case, "lax", bool(found.lax))
        check(case, "boundary_between_means", bool(found.between_means))
        assert found.shock_residual < 1e-15


class TestDecomposition:
    @pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 1), (4, 2), (5, 3), (6, 6)])
    def test_log_ratio_is_that_of_the_densities_and_its_derivatives_those_of_differences(self, k, n):
        x, means, weights, group = draw(k, n)
        variance, tau, h = 0.3, 0.2, 1e-4
        found = decomposition.decomposition(x, means, weights, variance, tau, group)

        def phi(x, tau=tau):
            return independent_log_ratio(x, means, weights, variance + 2 * tau, group)

        np.testing.assert_allclose(found.log_ratio, phi(x), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.log_ratio_rate, (phi(x, tau + h) - phi(x, tau - h)) / (2 * h), rtol=1e-5, atol=1e-5)
        for i, e in enumerate(np.eye(n)):
            slope = (phi(x + h * e) - phi(x - h * e)) / (2 * h)
            np.testing.assert_allclose(found.log_ratio_gradient[:, i], slope, rtol=1e-5, atol=1e-5)
            there, back = (
                decomposition.decomposition(x + sign * h * e, means, weights, variance, tau, group) for sign in (1, -1)
            )
            turn = (there.log_ratio_gradient - back.log_ratio_gradient) / (2 * h)
            np.testing.assert_allclose(found.log_ratio_hessian[:, :, i], turn, rtol=1e-5, atol=1e-5)
            turn = (there.background - back.background) / (2 * h)
            np.testing.assert_allclose(found.background_jacobian[:, :, i], turn, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            decomposition.hessian_of_log_density(found),
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
            found = decomposition.decomposition(x, offset + means, weights, variance, tau, group)
            assert found.decomposition_residual.max() < 1e-13
            assert found.log_ratio_residual.max() < 1e-13

    def test_identities_hold_where_symmetry_makes_all_terms_vanish(self):
        means, weights = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.full(4, 0.25)
        x = np.linspace(-3, 3, 301)[:, None]
        found = decomposition.decomposition(x, means, weights, 0.3, np.array([[0.0], [0.5]])[:, 0, None], [0, 0, 1, 1])
        assert max(found.decomposition_residual.max(), found.log_ratio_residual.max()) < 1e-13

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
        found = decomposition.of_sides(*sides, score)
        assert found.decomposition_residual.max() < 1e-14
        assert found.log_ratio_residual.max() < 1e-12
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
        for found in (
            decomposition.decomposition(x, means, weights, 0.0, 0.0, group),
            decomposition.decomposition(x, means, weights, 0.3, 0.0, [0, 0, 0]),
        ):
            assert np.isnan(found.log_ratio).all()
            assert np.isnan(found.log_ratio_residual).all()

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
