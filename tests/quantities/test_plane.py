"""Fields in a plane, of mixtures whose symmetry says what they are."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.study.errors import StudyError
from scoreshock.study.study import Study

GRID = {"start": -1.5, "stop": 1.5, "num": 31}


def polygon(vertices: int, tau: float = 0.2, **more: object) -> xr.Dataset:
    return ss.plane(
        ss.families.polygon(1.0, variance=0.1, vertices=vertices, **more), {"values": [tau]}, GRID, GRID
    ).squeeze()


def test_the_score_of_a_point_symmetric_polygon_is_odd_and_of_a_triangle_three_fold() -> None:
    square = polygon(4)
    turned = square.isel(plane_x=slice(None, None, -1), plane_y=slice(None, None, -1))
    np.testing.assert_allclose(square.score, -turned.score.values, atol=1e-13)
    triangle = ss.families.polygon(1.0, variance=0.1, vertices=3)
    third = np.array([[-0.5, -np.sqrt(0.75)], [np.sqrt(0.75), -0.5]])
    found = polygon(3)
    rotated = ss.score(triangle, xr.DataArray(found.position.values @ third.T, dims=("y", "x", "feature")), 0.2).squeeze()
    np.testing.assert_allclose(rotated, found.score.values @ third.T, atol=1e-12)


def test_the_triple_point_of_a_triangle_is_its_centre_where_responsibilities_are_a_third() -> None:
    found = polygon(3)
    np.testing.assert_allclose(found.triple_point, 0, atol=1e-15)
    np.testing.assert_allclose(found.responsibilities.sel(plane_x=0.0, plane_y=0.0), 1 / 3, rtol=1e-14)


def test_the_triple_point_of_unequal_weights_moves_with_noise_and_has_equal_responsibilities() -> None:
    weighted = ss.families.polygon(1.0, variance=0.1, vertices=3, weight=0.5)
    found = ss.plane(weighted, {"values": [0.0, 0.1, 0.2]}, GRID, GRID).squeeze()
    points = found.triple_point.transpose("tau", "feature")
    at = ss.responsibilities(weighted, points, points.tau).squeeze()
    np.testing.assert_allclose(at, 1 / 3, rtol=1e-12)
    # Power of the means 2v ln w: the point is linear in v, away from the heavy component.
    np.testing.assert_allclose(points[1], (points[0] + points[2]) / 2, rtol=1e-12)
    heavy = found.centre.isel(component=0)
    assert float(points[2] @ heavy) < float(points[0] @ heavy) < 0


def test_walls_between_two_components_are_the_facets_of_the_mixture() -> None:
    pair = ss.mixture([[-1.0, 0.5], [0.5, -0.2]], weights=[0.3, 0.7], variance=0.2)
    found, facet = ss.plane(pair, {"values": [0.1]}, GRID, GRID).squeeze(), ss.facets(pair, 0.1).squeeze()
    assert found.sizes["triple"] == 0
    for end in (found.wall_start, found.wall_end):
        assert float((end - facet.facet_point) @ facet.facet_normal) == pytest.approx(0, abs=1e-14)
        assert float(abs(end).max()) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"family": "pair"}, "'plane' is computed of mixtures of two features; this one has 2 components in 1 feature"),
        ({"family": "simplex", "parameters": {"vertices": 4}}, "two features; this one has 4 components in 3 features"),
        ({"parameters": {"vertices": 33}}, "'plane' is computed of 2 to 32 components; here are 33"),
        ({"plane_y": {"values": [0.0], "unit": "absolute"}}, "the unit absolute is not allowed; allowed: that of plane_x"),
    ],
)
def test_what_has_no_plane_is_refused_in_a_sentence(changes: dict[str, object], message: str) -> None:
    axes = {"separation": 1.0, "variance": 0.1}
    entry = {"family": "polygon", "axes": axes, "quantities": ["plane"]} | changes
    with pytest.raises(StudyError, match=message):
        Study.from_mapping({"sweeps": {"s": entry}})


def test_a_session_refuses_the_same() -> None:
    line = ss.families.pair(1.0, variance=0.1)
    with pytest.raises(ValueError, match="feature: the mixture has 1; allowed: 2 features"):
        ss.plane(line, {"values": [0.1]})
    many = ss.families.polygon(1.0, variance=0.1, vertices=33)
    with pytest.raises(ValueError, match="component: the mixture has 33; allowed: 2 to 32 components"):
        ss.plane(many, {"values": [0.1]})
    with pytest.raises(ValueError, match="plane_y: the unit absolute is not allowed; allowed: that of plane_x, separation"):
        ss.plane(ss.families.polygon(1.0, variance=0.1), {"values": [0.1]}, plane_y={"values": [0.0]})
