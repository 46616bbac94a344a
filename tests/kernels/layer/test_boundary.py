"""The boundary between groups: where it lies, how it moves, and what the layer about it looks like."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.kernels.gaussian import geometry, mixture
from scoreshock.kernels.layer import boundary, decomposition

from .test_decomposition import draw, independent_log_ratio


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

    @pytest.mark.slow
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
        result = boundary.mixture_layer(x, means, weights, 0.3, tau, group)
        here = decomposition.decomposition(x, means, weights, 0.3, tau, group)
        assert abs(here.log_ratio) < 1e-13
        np.testing.assert_allclose((t[2] - t[0]) / (2 * h) * (direction @ result.normal), result.speed, rtol=1e-6, atol=1e-8)
        # the speed is Rankine-Hugoniot's up to diffusion, which a pair does not have
        np.testing.assert_allclose(
            result.speed, result.speed_rankine_hugoniot - here.log_ratio_laplacian / result.jump, rtol=1e-10
        )
        hessian = mixture.score_jacobian(x, means, weights, 0.3, tau)
        np.testing.assert_allclose(result.normal_hessian, result.normal @ hessian @ result.normal, rtol=1e-10)
        np.testing.assert_allclose(result.score_ahead - result.score_behind, result.jump, rtol=1e-12)
        assert result.lax

    def test_the_boundary_of_a_pair_is_exact_where_it_is_sharpest(self):
        v = 10.0 ** np.arange(-12, 13.0)
        weights = [0.3, 0.7]
        places, _ = boundary.on_line([0.0], [1.0], [[-1.0], [1.0]], weights, v, 0.0, [0, 1])
        np.testing.assert_allclose(places[:, 0], -v / 2 * np.log(7 / 3), rtol=1e-13)
        places, _ = boundary.on_line([0.0], [1.0], [[-1.0], [1.0]], [0.5, 0.5], v, 0.0, [0, 1])
        assert (places == 0).all()

    def test_profile_of_a_pair_is_the_hyperbolic_tangent_and_of_groups_to_second_order(self):
        r = np.array([-8.0, -1.0, -0.1, 0.1, 1.0, 8.0])
        pair = [[-1.0, 0.3], [1.0, 0.5]], [0.2, 0.8], 0.1, 0.2
        start, direction = boundary.line_between(*pair[:2], [0, 1])
        x = start + boundary.nearest(boundary.on_line(start, direction, *pair, [0, 1])[0])[..., None] * direction
        assert np.abs(boundary.profile(x, r, *pair, [0, 1]).profile_difference).max() < 1e-13
        _, means, weights, group = draw(4, 2, seed=3)
        start, direction = boundary.line_between(means, weights, group)
        places, _ = boundary.on_line(start, direction, means, weights, 0.3, 0.1, group)
        x = start + boundary.nearest(places) * direction
        small = boundary.profile(x, np.array([0.02, 0.01]), means, weights, 0.3, 0.1, group)
        for error in (small.profile_difference, small.profile_score - small.profile_local):
            assert 3.5 < error[0] / error[1] < 4.5

    def test_convex_across_the_boundary_is_not_bimodal(self):
        # weights 0.3 and 0.7: at v between 0.543 and 1 the density has one mode, and its boundary is convex
        pair = np.array([[-1.0], [1.0]]), np.array([0.3, 0.7]), 0.8, 0.0
        x = np.linspace(-4, 4, 4001)[:, None]
        assert (np.diff(np.sign(mixture.score(x, *pair)[:, 0])) < 0).sum() == 1
        position = boundary.on_line([0.0], [1.0], *pair, [0, 1])[0]
        assert boundary.mixture_layer(position, *pair, [0, 1]).normal_hessian > 0

    @pytest.mark.slow
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

    @pytest.mark.slow
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
            position = boundary.nearest(boundary.on_line(start, toward, moved, weights, 0.1, 0.1, group)[0])
            x = start + position * toward
            normal = boundary.mixture_layer(x, moved, weights, 0.1, 0.1, group).normal
            assert toward @ direction == pytest.approx(1, abs=1e-9)
            assert normal @ direction == pytest.approx(-1, abs=1e-9)
            np.testing.assert_allclose(x, (x @ direction) * direction, atol=1e-9)

    def test_a_square_is_two_pairs_and_its_layer_that_of_one_of_them(self):
        square = families.polygon(1.0, vertices=4).component_mean.values
        group = boundary.leading_split(square, np.full(4, 0.25))
        assert group.sum() == 2
        result = boundary.mixture_layer([0.0, 0.0], square, np.full(4, 0.25), 0.3, 0.0, group)
        half = np.sqrt(0.5)
        assert result.width == pytest.approx(0.3 / half, rel=1e-14)
        assert result.normal_hessian == pytest.approx((half**2 - 0.3) / 0.3**2, rel=1e-13)
