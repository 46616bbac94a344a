"""Binary decomposition, boundary, shocks and power diagram: references, definitions, symmetries, extremes, bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import logsumexp

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.kernels.burgers import shock
from scoreshock.kernels.gaussian import geometry, mixture
from scoreshock.kernels.layer import boundary, competitors, crossings, decomposition, power_diagram
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
        check(case, "grad_phi", found.gradient)
        check(case, "sbar", found.background)
        check(case, "score", found.score)
        check(case, "interfacial", found.interfacial)
        check(case, "phi_tau", found.rate)
        check(case, "lap_phi", found.laplacian)
        check(case, "adv", found.advection)

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
        check(case, "grad_phi_norm", found.slope)
        check(case, "n_grad_sbar_n", found.background_curvature)
        check(case, "interfacial_term", found.interfacial_curvature)
        check(case, "nHn", found.normal_hessian)
        check(case, "nHn_positive", bool(found.normal_hessian > 0))
        check(case, "normal_speed", found.speed)

        def log_ratio(x, _):
            here = decomposition.decomposition(x, *arguments, group)
            return here.log_ratio, here.gradient

        low, high = (np.array([end]) for end in given["bracket"])
        place = boundary.on_segment(log_ratio, start[None], direction[None], low, high)[0][0]
        check(case, "x_boundary", start + place * direction)

    @pytest.mark.parametrize("case", cases("nonbinary_remainder"), ids=identify)
    def test_competitors_of_a_binary_layer(self, case):
        given = case["inputs"]
        found = competitors.remainder(given["x"], *mixture_of(case), groups_of(case), np.array(given["normal"]))
        check(case, "eps", found.epsilon)
        check(case, "log_eps", found.log_epsilon)
        check(case, "eps_n", found.normal_slope)
        check(case, "eps_nn", found.normal_curvature)
        check(case, "score_diff", found.score_difference)
        check(case, "normal_derivative_diff", found.normal_difference)
        check(case, "s_full", found.score)
        check(case, "s12", found.binary_score)
        assert max(found.residual, found.normal_residual) < 1e-14

    @pytest.mark.parametrize("case", cases("sym1d_score"), ids=identify)
    def test_interfacial_part_of_an_equal_pair(self, case):
        given = case["inputs"]
        pair = [[-given["a"]], [given["a"]]], [0.5, 0.5], given["sigma0"] ** 2, given["tau"]
        check(case, "s_bg", decomposition.decomposition([given["x"]], *pair, [0, 1]).interfacial[0])
        velocity = shock.frozen_shock(given["x"], given["a"], given["sigma0"] ** 2, given["tau"]).velocity
        np.testing.assert_allclose(-velocity / 2, case["expected"]["s_bg"], rtol=1e-10)

    @pytest.mark.parametrize("case", cases("sym1d_midpoint"), ids=identify)
    def test_layer_of_an_equal_pair(self, case):
        given = case["inputs"]
        pair = [[-given["a"]], [given["a"]]], [0.5, 0.5], given["sigma0"] ** 2, given["tau"]
        found = boundary.mixture_layer([0.0], *pair, [0, 1])
        check(case, "width", found.width)
        check(case, "s_x0", found.normal_hessian)
        one_sided = shock.rankine_hugoniot(*pair)
        check(case, "s_bg_left", one_sided.left)
        check(case, "s_bg_right", one_sided.right)
        check(case, "u_bg_left", -2 * one_sided.left)
        check(case, "u_bg_right", -2 * one_sided.right)

    @pytest.mark.parametrize("case", cases("rankine_hugoniot"), ids=identify)
    def test_rankine_hugoniot(self, case):
        given = case["inputs"]
        means, weights = [[-given["a"]], [given["a"]]], [given["wL"], given["wR"]]
        found = shock.rankine_hugoniot(means, weights, given["sigma0"] ** 2, given["tau"])
        check(case, "x_b", found.position)
        check(case, "dxb_dtau", found.speed)
        check(case, "sL", found.left)
        check(case, "sR", found.right)
        check(case, "jump", found.jump)
        check(case, "minus_sum", found.minus_sum)
        check(case, "lax", bool(found.lax))
        check(case, "boundary_between_means", bool(found.between_means))
        assert found.residual < 1e-15


class TestDecomposition:
    @pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 1), (4, 2), (5, 3), (6, 6)])
    def test_log_ratio_is_that_of_the_densities_and_its_derivatives_those_of_differences(self, k, n):
        x, means, weights, group = draw(k, n)
        variance, tau, h = 0.3, 0.2, 1e-4
        found = decomposition.decomposition(x, means, weights, variance, tau, group)

        def phi(x, tau=tau):
            return independent_log_ratio(x, means, weights, variance + 2 * tau, group)

        np.testing.assert_allclose(found.log_ratio, phi(x), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.rate, (phi(x, tau + h) - phi(x, tau - h)) / (2 * h), rtol=1e-5, atol=1e-5)
        for i, e in enumerate(np.eye(n)):
            slope = (phi(x + h * e) - phi(x - h * e)) / (2 * h)
            np.testing.assert_allclose(found.gradient[:, i], slope, rtol=1e-5, atol=1e-5)
            there, back = (
                decomposition.decomposition(x + sign * h * e, means, weights, variance, tau, group) for sign in (1, -1)
            )
            turn = (there.gradient - back.gradient) / (2 * h)
            np.testing.assert_allclose(found.hessian[:, :, i], turn, rtol=1e-5, atol=1e-5)
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
            assert found.identity_residual.max() < 1e-13
            assert found.equation_residual.max() < 1e-13

    def test_identities_hold_where_symmetry_makes_all_terms_vanish(self):
        means, weights = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.full(4, 0.25)
        x = np.linspace(-3, 3, 301)[:, None]
        found = decomposition.decomposition(x, means, weights, 0.3, np.array([[0.0], [0.5]])[:, 0, None], [0, 0, 1, 1])
        assert max(found.identity_residual.max(), found.equation_residual.max()) < 1e-13

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
        assert found.identity_residual.max() < 1e-14
        assert found.equation_residual.max() < 1e-12
        assert decomposition.of_sides(*sides).identity_residual.max() < 1e-14

    def test_a_wrong_score_does_not_pass(self):
        x, means, weights, group = draw(3, 2)
        good = decomposition.decomposition(x, means, weights, 0.3, 0.1, group)
        first, second = (
            decomposition.Side(z, s, np.zeros((31, 2, 2)), z)
            for z, s in ((good.log_ratio, good.first_score), (0 * good.log_ratio, good.second_score))
        )
        assert decomposition.of_sides(first, second, 1.001 * good.score).identity_residual.max() > 1e-4
        assert decomposition.of_sides(first, second).equation_residual.max() > 0.1

    def test_no_density_no_decomposition(self):
        x, means, weights, group = draw(3, 2)
        for found in (
            decomposition.decomposition(x, means, weights, 0.0, 0.0, group),
            decomposition.decomposition(x, means, weights, 0.3, 0.0, [0, 0, 0]),
        ):
            assert np.isnan(found.log_ratio).all()
            assert np.isnan(found.equation_residual).all()

    def test_each_point_has_its_own_bits(self):
        x, means, weights, group = draw(4, 3, points=150)
        tau = np.linspace(0, 1, 150)
        together = decomposition.decomposition(x, means, weights, 0.3, tau, group)
        alone = [decomposition.decomposition(x[i], means, weights, 0.3, tau[i], group) for i in range(0, 150, 7)]
        for field in decomposition.Decomposition._fields:
            np.testing.assert_array_equal(getattr(together, field)[::7], [getattr(a, field) for a in alone])

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
        np.testing.assert_allclose(moved.gradient * scale, base.gradient, rtol=tolerance, atol=tolerance * 100)
        np.testing.assert_allclose(moved.rate * scale**2, base.rate, rtol=tolerance, atol=tolerance * 1000)


class TestCrossings:
    @pytest.mark.parametrize("k", [2, 3, 5, 8])
    def test_all_zeros_and_no_others(self, k):
        rng = np.random.default_rng(k)
        log, exponent = rng.uniform(-4, 4, (k, 30)), rng.uniform(-3, 3, (k, 30))
        sign = rng.choice([-1.0, 1.0], (k, 30))
        found = crossings.crossings(log, exponent, sign)
        for i in range(30):
            t = np.linspace(-40, 40, 80001)
            value = (sign[:, i, None] * np.exp(log[:, i, None] + exponent[:, i, None] * t)).sum(axis=0)
            change = np.flatnonzero(np.sign(value[1:]) != np.sign(value[:-1]))
            roots = found[:, i][np.abs(found[:, i]) < 40]
            assert len(roots) == len(change)
            assert (np.abs(roots - t[change]) < 2e-3).all()

    def test_a_polynomial_in_disguise(self):
        # (y - 1)(y - 2)(y - 3) with y = e^t
        coefficients = np.array([-6.0, 11.0, -6.0, 1.0])
        found = crossings.crossings(
            np.log(np.abs(coefficients))[:, None], np.arange(4.0)[:, None], np.sign(coefficients)[:, None]
        )
        np.testing.assert_allclose(found[:, 0], np.log([1, 2, 3]), atol=1e-14)


class TestBoundary:
    def test_every_crossing_of_interleaved_groups(self):
        means, weights = np.array([[-3.0], [-1.0], [1.5], [3.0]]), np.array([0.2, 0.3, 0.1, 0.4])
        group, v = np.array([0, 1, 0, 1]), 0.3
        places, status = boundary.on_line([0.0], [1.0], means, weights, v, 0.0, group)

        def phi(x):
            return float(independent_log_ratio(np.array([x]), means, weights, v, group))

        expected = [brentq(phi, *bracket, xtol=1e-14) for bracket in [(-3, -1), (-1, 1.5), (1.5, 3)]]
        np.testing.assert_allclose(places, expected, rtol=1e-12)
        assert status == Status.ok

    def test_a_small_group_may_own_nothing(self):
        means, weights = np.array([[-1.0], [0.0], [1.0]]), np.array([0.45, 0.1, 0.45])
        places, status = boundary.on_line([0.0], [1.0], means, weights, np.array([0.1, 10.0]), 0.0, [0, 1, 0])
        assert status.tolist() == [Status.ok, Status.no_real_root]
        np.testing.assert_allclose(places[0][0], -places[0][1], rtol=1e-12)
        assert np.isnan(places[1]).all()

    def test_statuses(self):
        line, weights = ([0.0, 0.0], [1.0, 0.0]), [0.3, 0.7]

        def status(means, variance=1.0, group=(0, 1)):
            places, status = boundary.on_line(*line, means, weights, variance, 0.0, np.array(group))
            assert np.isnan(places).all()
            return status

        assert status([[0.0, 1.0], [0.0, 1.0]]) == Status.no_transition
        assert status([[0.0, -1.0], [0.0, 1.0]]) == Status.no_transition  # the line runs along the boundary
        assert status([[-1.0, 0.0], [1.0, 0.0]], variance=0.0) == Status.singular
        assert status([[-1.0, 0.0], [1.0, 0.0]], group=(0, 0)) == Status.not_applicable

    @pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 1), (4, 2), (5, 3)])
    def test_speed_is_that_of_the_tracked_boundary(self, k, n):
        _, means, weights, group = draw(k, n, seed=3)
        start, direction = boundary.line_between(means, weights, group)
        h, tau = 1e-5, 0.2
        times = np.array([tau - h, tau, tau + h])
        places, status = boundary.on_line(start, direction, means, weights, 0.3, times, group)
        t = boundary.nearest(places)
        assert (status == Status.ok).all()
        x = start + t[1] * direction
        found = boundary.mixture_layer(x, means, weights, 0.3, tau, group)
        here = decomposition.decomposition(x, means, weights, 0.3, tau, group)
        assert abs(here.log_ratio) < 1e-13
        np.testing.assert_allclose((t[2] - t[0]) / (2 * h) * (direction @ found.normal), found.speed, rtol=1e-6, atol=1e-8)
        # the speed is Rankine-Hugoniot's up to diffusion, which a pair does not have
        np.testing.assert_allclose(found.speed, found.rankine_hugoniot - here.laplacian / found.slope, rtol=1e-10)
        hessian = mixture.score_jacobian(x, means, weights, 0.3, tau)
        np.testing.assert_allclose(found.normal_hessian, found.normal @ hessian @ found.normal, rtol=1e-10)
        np.testing.assert_allclose(found.ahead - found.behind, found.slope, rtol=1e-12)
        assert found.lax

    def test_the_boundary_of_a_pair_is_exact_where_it_is_sharpest(self):
        v = 10.0 ** np.arange(-12, 13.0)
        weights = [0.3, 0.7]
        places, _ = boundary.on_line([0.0], [1.0], [[-1.0], [1.0]], weights, v, 0.0, [0, 1])
        np.testing.assert_allclose(places[:, 0], -v / 2 * np.log(7 / 3), rtol=1e-13)
        places, _ = boundary.on_line([0.0], [1.0], [[-1.0], [1.0]], [0.5, 0.5], v, 0.0, [0, 1])
        assert (places == 0).all()

    def test_rays_trace_a_circle_between_gaussians_of_unequal_width(self):
        # |x|^2 (1/2 - 1/8) = 2 ln 2: the boundary of N(0, 1) and N(0, 4) in the plane
        angle = np.linspace(0, 2 * np.pi, 9)
        rays = np.stack([np.cos(angle), np.sin(angle)], axis=-1)

        def log_ratio(x, _):
            square = (x**2).sum(axis=-1)
            return -square / 2 + square / 8 + 2 * np.log(2), -0.75 * x

        t, status = boundary.on_segment(log_ratio, np.zeros((9, 2)), rays, np.zeros(9), np.full(9, 10.0))
        np.testing.assert_allclose(t, np.sqrt(2 * np.log(2) / 0.375), rtol=1e-14)
        assert (status == Status.ok).all()
        assert boundary.on_segment(log_ratio, np.zeros((1, 2)), rays[:1], np.zeros(1), np.ones(1))[1] == Status.no_real_root

    def test_profile_of_a_pair_is_the_hyperbolic_tangent_and_of_groups_to_second_order(self):
        r = np.array([-8.0, -1.0, -0.1, 0.1, 1.0, 8.0])
        pair = [[-1.0, 0.3], [1.0, 0.5]], [0.2, 0.8], 0.1, 0.2
        start, direction = boundary.line_between(*pair[:2], [0, 1])
        x = start + boundary.nearest(boundary.on_line(start, direction, *pair, [0, 1])[0])[..., None] * direction
        assert np.abs(boundary.profile(x, r, *pair, [0, 1]).difference).max() < 1e-13
        _, means, weights, group = draw(4, 2, seed=3)
        start, direction = boundary.line_between(means, weights, group)
        places, _ = boundary.on_line(start, direction, means, weights, 0.3, 0.1, group)
        x = start + boundary.nearest(places) * direction
        small = boundary.profile(x, np.array([0.02, 0.01]), means, weights, 0.3, 0.1, group)
        for error in (small.difference, small.score - small.local):
            assert 3.5 < error[0] / error[1] < 4.5

    def test_convex_across_the_boundary_is_not_bimodal(self):
        # weights 0.3 and 0.7: at v between 0.543 and 1 the density has one mode, and its boundary is convex
        pair = np.array([[-1.0], [1.0]]), np.array([0.3, 0.7]), 0.8, 0.0
        x = np.linspace(-4, 4, 4001)[:, None]
        assert (np.diff(np.sign(mixture.score(x, *pair)[:, 0])) < 0).sum() == 1
        place = boundary.on_line([0.0], [1.0], *pair, [0, 1])[0]
        assert boundary.mixture_layer(place, *pair, [0, 1]).normal_hessian > 0

    def test_each_point_has_its_own_bits(self):
        _, means, weights, group = draw(5, 2, seed=3)
        tau = np.geomspace(1e-3, 10, 60)
        start, direction = boundary.line_between(means, weights, group)
        together = boundary.on_line(start, direction, means, weights, 0.1, tau, group)[0]
        alone = [boundary.on_line(start, direction, means, weights, 0.1, t, group)[0] for t in tau]
        np.testing.assert_array_equal(together, alone)

    def test_default_groups(self):
        assert boundary.leading_split([[5.0, 1.0], [-5.0, 1.0]], [0.5, 0.5]).tolist() == [0, 1]
        square = np.array([[-2.0, 0.1], [0.0, 0.0], [2.0, -0.1], [-2.0, 0.3]])
        assert boundary.leading_split(square, np.full(4, 0.25)).tolist() == [0, 1, 1, 0]
        start, direction = boundary.line_between([[-1.0, 0], [1.0, 0], [0, 0]], [0.25, 0.25, 0.5], [0, 0, 1])
        assert np.abs(direction).tolist() == [1.0, 0.0]
        assert start.tolist() == [0.0, 0.0]

    @pytest.mark.parametrize("noise", [0.0, 1e-12])
    @pytest.mark.parametrize("k", range(3, 17))
    @pytest.mark.parametrize("shape", [families.polygon, families.simplex])
    def test_of_regular_shapes_the_normal_is_along_the_leading_direction_through_the_mean(self, shape, k, noise):
        """By symmetry: the two sides of a regular polygon or simplex are each other's, or their own, images about it."""
        means, weights = shape(1.0, vertices=k).component_mean.values, np.full(k, 1 / k)
        rng = np.random.default_rng(k)
        turn = np.linalg.qr(rng.standard_normal((means.shape[1],) * 2))[0]
        for moved in (means, means @ turn, means[rng.permutation(k)]):
            moved = moved + noise * rng.standard_normal(moved.shape)
            direction = geometry.leading_direction(moved, weights)
            group = boundary.leading_split(moved, weights)
            start, toward = boundary.line_between(moved, weights, group)
            place = boundary.nearest(boundary.on_line(start, toward, moved, weights, 0.1, 0.1, group)[0])
            x = start + place * toward
            normal = boundary.mixture_layer(x, moved, weights, 0.1, 0.1, group).normal
            assert toward @ direction == pytest.approx(1, abs=1e-9)
            assert normal @ direction == pytest.approx(-1, abs=1e-9)
            np.testing.assert_allclose(x, (x @ direction) * direction, atol=1e-9)

    def test_a_square_is_two_pairs_and_its_layer_that_of_one_of_them(self):
        square = families.polygon(1.0, vertices=4).component_mean.values
        group = boundary.leading_split(square, np.full(4, 0.25))
        assert group.sum() == 2
        found = boundary.mixture_layer([0.0, 0.0], square, np.full(4, 0.25), 0.3, 0.0, group)
        half = np.sqrt(0.5)
        assert found.width == pytest.approx(0.3 / half, rel=1e-14)
        assert found.normal_hessian == pytest.approx((half**2 - 0.3) / 0.3**2, rel=1e-13)


class TestCompetitors:
    @pytest.mark.parametrize(("k", "n"), [(3, 1), (4, 2), (6, 5)])
    def test_what_they_add_to_the_score_and_to_its_slope(self, k, n):
        x, means, weights, group = draw(k, n)
        group[-1] = decomposition.REST
        found = competitors.remainder(x, means, weights, 0.3, 0.2, group, np.ones(n))
        assert max(found.residual.max(), found.normal_residual.max()) < 1e-13

    def test_they_vanish_exponentially_with_distance(self):
        distance = np.array([4.0, 8.0])[:, None, None] * np.array([0.0, 0.0, 1.0])[:, None]
        means = np.array([[-1.0], [1.0], [0.0]]) + distance
        found = competitors.remainder([0.0], means, [0.4, 0.4, 0.2], 1.0, 0.0, [0, 1, 2], [1.0])
        np.testing.assert_allclose(found.log_epsilon, np.log(0.25) + 0.5 - np.array([8.0, 32.0]), rtol=1e-12)

    def test_none_where_there_are_none_and_no_overflow_where_they_are_all(self):
        x, means, weights, group = draw(3, 2)
        assert np.isnan(competitors.remainder(x, means, weights, 0.3, 0.2, group, [1.0, 0.0]).log_epsilon).all()
        codes = np.array([0, 1, 2])
        far = competitors.remainder(means[2] + [1e-3, 0], 1e3 * means, weights, 1e-2, 0.0, codes, [1.0, 0.0])
        assert np.isfinite(far.score_difference).all()
        assert np.isfinite(far.normal_difference)


class TestShock:
    def test_the_boundary_moves_to_the_minority_as_noise_grows_and_away_from_it_in_generation(self):
        found = shock.rankine_hugoniot([[-1.0], [1.0]], [0.3, 0.7], 0.09, np.array([0.0, 0.2, 0.5]))
        assert (np.diff(found.position) < 0).all()
        np.testing.assert_allclose(np.diff(found.position), found.speed[0] * np.array([0.2, 0.3]), rtol=1e-12)
        assert (found.residual < 1e-15).all()
        assert (found.generation_speed > 0).all()
        assert (found.generation_residual > 0.1).all()

    def test_statuses(self):
        assert shock.rankine_hugoniot([[1.0], [1.0]], [0.3, 0.7], 0.09, 0.2).status == Status.no_transition
        assert shock.rankine_hugoniot([[-1.0], [1.0]], [0.3, 0.7], 0.0, 0.0).status == Status.singular

    def test_lax_holds_for_an_exact_slice_and_fails_for_its_reflection(self):
        pair = np.array([[-1.0], [1.0]]), np.array([0.3, 0.7]), 0.09, 0.0
        position = shock.rankine_hugoniot(*pair).position
        r = np.linspace(-0.5, 0.5, 201)
        s = mixture.score((position + r)[:, None], *pair)[:, 0]
        behind, ahead, status = shock.one_sided(r, s, 0.09)
        assert status == Status.ok
        exact = shock.rankine_hugoniot(*pair)
        np.testing.assert_allclose([behind, ahead], [exact.left, exact.right], rtol=0.06)
        assert shock.one_sided(r, -s, 0.09)[2] == Status.failed
        assert shock.one_sided(r, s, 9.0)[2] == Status.not_applicable

    def test_the_shock_is_stationary_at_frozen_tau_and_does_not_solve_burgers(self):
        x = np.linspace(-5, 5, 1001)[:, None]
        tau = np.array([0.0, 1e-3, 0.2, 0.455, 10.0, 1e6])
        found = shock.frozen_shock(x, 1.0, 0.09, tau)
        assert found.stationary_residual.max() < 1e-14
        assert found.full_residual.max() < 1e-14
        assert found.transformation_residual.max() < 1e-14
        apart = np.abs(x[:, 0]) > 0.01
        assert found.burgers_residual[apart].min() > 0.05

    def test_velocity_and_its_rate_against_differences(self):
        x, h, tau, a, variance = 0.3, 1e-5, 0.2, 1.0, 0.09

        def u(x, tau):
            v = variance + 2 * tau
            return -2 * a / v * np.tanh(a * x / v)

        found = shock.frozen_shock(x, a, variance, tau)
        assert abs(found.velocity / u(x, tau) - 1) < 1e-14
        u_tau = (u(x, tau + h) - u(x, tau - h)) / (2 * h)
        u_x = (u(x + h, tau) - u(x - h, tau)) / (2 * h)
        terms = np.abs([u_tau, u(x, tau) * u_x])
        assert abs(found.burgers_residual - abs(u_tau) / terms.max()) < 1e-6


class TestPowerDiagram:
    @pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 2), (6, 2), (5, 4)])
    def test_the_owner_has_the_largest_responsibility_at_every_noise(self, k, n):
        x, means, weights, _ = draw(k, n, points=300)
        tau = np.geomspace(1e-3, 10, 5)[:, None]
        r = mixture.responsibilities(x, means, weights, 0.01, tau)
        found = power_diagram.owner(x, means, weights, 0.01, tau)
        np.testing.assert_array_equal(found, r.argmax(axis=-1))
        nearest = ((x[:, None] - means) ** 2).sum(axis=-1).argmin(axis=-1)
        np.testing.assert_array_equal(power_diagram.owner(x, means, weights, 0.0, 0.0), nearest)

    def test_far_points_and_large_offsets_are_decided_rightly(self):
        means, offset = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([1e8, -1e8])
        x = np.array([[0.5 - 1e-6, 1e4], [0.5 + 1e-6, 1e4], [0.5 - 1e-6, -1e4]])
        found = power_diagram.owner(offset + x, offset + means, [0.5, 0.5], 1.0, 0.0)
        assert found.tolist() == [0, 1, 0]

    def test_faces_are_where_responsibilities_are_equal_and_tend_to_voronoi(self):
        _, means, weights, _ = draw(4, 3)
        found = power_diagram.faces(means, weights, 0.2, np.array([0.0, 0.05, 0.4]))
        r = mixture.responsibilities(found.point, means, weights, 0.2, np.array([0.0, 0.05, 0.4])[:, None])
        one, two = (np.take_along_axis(r, np.broadcast_to(found.pairs[:, i], (3, 6))[..., None], -1) for i in (0, 1))
        np.testing.assert_allclose(one, two, rtol=1e-10)
        np.testing.assert_allclose(found.offset[2] / found.offset[0], 5.0, rtol=1e-12)  # linear in v
        assert (power_diagram.faces(means, weights, 0.0, 0.0).offset == 0).all()

    def test_a_groups_boundary_tends_to_the_face_exponentially(self):
        means, weights = np.array([[-1.0, 0.0], [1.0, 0.0], [1.2, 3.0]]), np.array([0.3, 0.4, 0.3])
        v = np.array([0.8, 0.4, 0.2])
        places, _ = boundary.on_line([0.0, 0.0], [1.0, 0.0], means, weights, v, 0.0, [0, 1, 1])
        distance = np.abs(boundary.nearest(places) - power_diagram.faces(means, weights, v, 0.0).offset[:, 0])
        assert (distance > 0).all()
        assert distance[1] < distance[0] / 10
        assert distance[2] < distance[1] / 100

    @pytest.mark.parametrize("n", [2, 3, 7])
    def test_at_the_triple_point_three_responsibilities_are_equal(self, n):
        _, means, weights, _ = draw(3, n, seed=2)
        for v in (1e-6, 0.1, 5.0):
            found = power_diagram.triple_point(means, weights, v, 0.0)
            assert found.status == Status.ok
            np.testing.assert_allclose(mixture.responsibilities(found.point, means, weights, v, 0.0), 1 / 3, rtol=1e-9)
        centre = power_diagram.triple_point(means, weights, 0.0, 0.0).point
        radii = np.linalg.norm(centre - means, axis=-1)
        np.testing.assert_allclose(radii, radii[0], rtol=1e-12)
        beyond = np.linalg.svd(means[1:] - means[0])[2][2:]  # the set extends perpendicular to the triangle
        for direction in beyond:
            r = mixture.responsibilities(found.point + 3 * direction, means, weights, 5.0, 0.0)
            np.testing.assert_allclose(r, 1 / 3, rtol=1e-9)

    def test_means_on_a_line_have_none(self):
        for means in ([[0.0], [1.0], [2.0]], [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [[1.0, 1.0]] * 3):
            found = power_diagram.triple_point(means, np.full(3, 1 / 3), 0.1, 0.0)
            assert found.status == Status.not_applicable
            assert np.isnan(found.point).all()
