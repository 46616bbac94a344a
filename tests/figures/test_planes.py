"""Figures of a mixture in a plane, against powers, responsibilities and scores of its own."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.figures import planes
from scoreshock.figures.description import Arrows, Choice, Labels, Line, Panel, Points

VARIANCE, TIMES = 0.05, [0.02, 0.1, 0.3]
GRID = {"start": -1.5, "stop": 1.5, "num": 31}


@pytest.fixture(scope="module")
def mixture() -> xr.Dataset:
    return ss.families.polygon(1.0, variance=VARIANCE, vertices=5, weight=0.4).squeeze()


@pytest.fixture(scope="module")
def dataset(mixture: xr.Dataset) -> xr.Dataset:
    return ss.plane(mixture, {"values": TIMES}, GRID, GRID)


def points_of(x: np.ndarray, y: np.ndarray) -> xr.DataArray:
    return xr.DataArray(np.stack([x, y], axis=-1), dims=("point", "feature"))


def only(panel: Panel, kind: type) -> list:
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def test_there_is_a_panel_for_each_time_with_the_largest_responsibility(mixture: xr.Dataset, dataset: xr.Dataset) -> None:
    panels = planes.cells(dataset)
    assert [panel.title for panel in panels] == ["τ = 0.02", "τ = 0.1", "τ = 0.3"]
    for panel, tau in zip(panels, TIMES, strict=True):
        (image,) = panel.images
        assert image.limits == (0.2, 1.0)  # of five components
        x, y = np.meshgrid(image.x, image.y)
        r = ss.responsibilities(mixture, points_of(x.ravel(), y.ravel()), tau)
        np.testing.assert_allclose(image.z.ravel(), r.max("component"), rtol=1e-12)
        assert panel.square


def test_two_components_are_equally_likely_on_walls_and_three_where_they_meet(
    mixture: xr.Dataset, dataset: xr.Dataset
) -> None:
    for panel, tau in zip(planes.cells(dataset), TIMES, strict=True):
        (walls,) = only(panel, Line)
        ends = np.isfinite(walls.x)
        assert ends.sum() // 2 in (7, 8)  # five walls outwards, and two or three inside
        r = np.sort(ss.responsibilities(mixture, points_of(walls.x[ends], walls.y[ends]), tau).values, axis=-1)
        np.testing.assert_allclose(r[:, -1], r[:, -2], rtol=1e-9)
        (meets,) = only(panel, Points)
        three = np.isfinite(meets.x)
        r = np.sort(ss.responsibilities(mixture, points_of(meets.x[three], meets.y[three]), tau).values, axis=-1)
        np.testing.assert_allclose(r[:, -1], r[:, -3], rtol=1e-9)
        assert three.sum() == 3


def test_arrows_are_the_score_over_the_log_density(mixture: xr.Dataset, dataset: xr.Dataset) -> None:
    panel = planes.score_field(dataset)[1]
    (arrows,) = only(panel, Arrows)
    assert 10 < len(np.unique(arrows.x)) <= planes.ARROWS
    score = ss.score(mixture, points_of(arrows.x, arrows.y), TIMES[1])
    np.testing.assert_allclose(np.stack([arrows.u, arrows.v], axis=-1), score, atol=1e-12)
    (image,) = panel.images
    x, y = np.meshgrid(image.x, image.y)
    expected = ss.log_density(mixture, points_of(x.ravel(), y.ravel()), TIMES[1])
    np.testing.assert_allclose(image.z.ravel(), expected, rtol=1e-12)


def test_components_are_named_at_their_means(mixture: xr.Dataset, dataset: xr.Dataset) -> None:
    for panel in (*planes.cells(dataset), *planes.score_field(dataset)):
        named = {text: (x, y) for mark in only(panel, Labels) for text, x, y in zip(mark.texts, mark.x, mark.y, strict=True)}
        assert sorted(named) == ["0", "1", "2", "3", "4"]
        np.testing.assert_array_equal([named[str(i)] for i in range(5)], mixture.component_mean)


def test_a_time_without_noise_has_no_panel() -> None:
    masses = ss.plane(ss.families.polygon(1.0, variance=0.0, vertices=3), {"values": [0.0, 0.1]}, GRID, GRID)
    assert [panel.title for panel in planes.cells(masses)] == ["τ = 0.1"]


def test_a_reader_chooses_times_and_panels() -> None:
    both = ss.plane(ss.families.polygon([1.0, 2.0], variance=0.05, vertices=3), {"values": TIMES}, GRID, GRID)
    assert [panel.title for panel in planes.cells(both)] == ["a = 2, τ = 0.02", "a = 2, τ = 0.1", "a = 2, τ = 0.3"]
    chosen = planes.cells(both, Choice(panels="separation", select={"tau": 0.3}))
    assert [panel.title for panel in chosen] == ["a = 1, τ = 0.3", "a = 2, τ = 0.3"]
    expected = both.responsibilities.max("component").sel(tau=0.3, separation=1.0)
    np.testing.assert_array_equal(chosen[0].images[0].z, expected)


def test_means_in_one_point_have_no_plane() -> None:
    none = ss.plane(ss.families.polygon([0.0, 1.0], variance=0.05, vertices=3), {"values": [0.1]})
    assert planes.cells(none.isel(separation=[0])) == []
    assert len(planes.cells(none.isel(separation=[1]))) == 1
