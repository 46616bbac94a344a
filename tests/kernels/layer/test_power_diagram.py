"""The power diagram of the means, its facets and its triple points."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.layer import boundary, power_diagram

from .test_decomposition import draw


class TestPowerDiagram:
    @pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 2), (6, 2), (5, 4)])
    def test_the_owner_has_the_largest_responsibility_at_every_noise(self, k, n):
        x, means, weights, _ = draw(k, n, points=300)
        tau = np.geomspace(1e-3, 10, 5)[:, None]
        r = mixture.responsibilities(x, means, weights, 0.01, tau)
        result = power_diagram.power_cell(x, means, weights, 0.01, tau)
        np.testing.assert_array_equal(result, r.argmax(axis=-1))
        nearest = ((x[:, None] - means) ** 2).sum(axis=-1).argmin(axis=-1)
        np.testing.assert_array_equal(power_diagram.power_cell(x, means, weights, 0.0, 0.0), nearest)

    def test_far_points_and_large_offsets_are_decided_rightly(self):
        means, offset = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([1e8, -1e8])
        x = np.array([[0.5 - 1e-6, 1e4], [0.5 + 1e-6, 1e4], [0.5 - 1e-6, -1e4]])
        result = power_diagram.power_cell(offset + x, offset + means, [0.5, 0.5], 1.0, 0.0)
        assert result.tolist() == [0, 1, 0]

    def test_faces_are_where_responsibilities_are_equal_and_tend_to_voronoi(self):
        _, means, weights, _ = draw(4, 3)
        result = power_diagram.facets(means, weights, 0.2, np.array([0.0, 0.05, 0.4]))
        r = mixture.responsibilities(result.facet_point, means, weights, 0.2, np.array([0.0, 0.05, 0.4])[:, None])
        one, two = (np.take_along_axis(r, np.broadcast_to(result.pairs[:, i], (3, 6))[..., None], -1) for i in (0, 1))
        np.testing.assert_allclose(one, two, rtol=1e-10)
        np.testing.assert_allclose(result.facet_offset[2] / result.facet_offset[0], 5.0, rtol=1e-12)  # linear in v
        assert (power_diagram.facets(means, weights, 0.0, 0.0).facet_offset == 0).all()

    def test_a_groups_boundary_tends_to_the_face_exponentially(self):
        means, weights = np.array([[-1.0, 0.0], [1.0, 0.0], [1.2, 3.0]]), np.array([0.3, 0.4, 0.3])
        v = np.array([0.8, 0.4, 0.2])
        places, _ = boundary.on_line([0.0, 0.0], [1.0, 0.0], means, weights, v, 0.0, [0, 1, 1])
        distance = np.abs(boundary.nearest(places) - power_diagram.facets(means, weights, v, 0.0).facet_offset[:, 0])
        assert (distance > 0).all()
        assert distance[1] < distance[0] / 10
        assert distance[2] < distance[1] / 100

    @pytest.mark.parametrize("n", [2, 3, 7])
    def test_at_the_triple_point_three_responsibilities_are_equal(self, n):
        _, means, weights, _ = draw(3, n, seed=2)
        for v in (1e-6, 0.1, 5.0):
            result = power_diagram.triple_point(means, weights, v, 0.0)
            assert result.triple_point_status == Status.ok
            np.testing.assert_allclose(
                mixture.responsibilities(result.triple_point, means, weights, v, 0.0), 1 / 3, rtol=1e-9
            )
        centre = power_diagram.triple_point(means, weights, 0.0, 0.0).triple_point
        radii = np.linalg.norm(centre - means, axis=-1)
        np.testing.assert_allclose(radii, radii[0], rtol=1e-12)
        beyond = np.linalg.svd(means[1:] - means[0])[2][2:]  # the set extends perpendicular to the triangle
        for direction in beyond:
            r = mixture.responsibilities(result.triple_point + 3 * direction, means, weights, 5.0, 0.0)
            np.testing.assert_allclose(r, 1 / 3, rtol=1e-9)

    def test_means_on_a_line_have_none(self):
        for means in ([[0.0], [1.0], [2.0]], [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [[1.0, 1.0]] * 3):
            result = power_diagram.triple_point(means, np.full(3, 1 / 3), 0.1, 0.0)
            assert result.triple_point_status == Status.not_applicable
            assert np.isnan(result.triple_point).all()
