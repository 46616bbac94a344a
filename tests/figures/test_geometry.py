"""Edges of cells, even grids, contours and arrows."""

import numpy as np
import pytest

from scoreshock.figures import geometry


def test_edges_are_halfway_between_neighbours_on_the_scale_of_the_axis() -> None:
    np.testing.assert_allclose(geometry.edges(np.array([1.0, 2.0, 4.0])), [0.5, 1.5, 3.0, 5.0])
    np.testing.assert_allclose(geometry.edges(np.array([1.0, 100.0]), logarithmic=True), [0.1, 10.0, 1000.0])
    np.testing.assert_allclose(geometry.edges(np.array([2.0])), [1.0, 3.0])


@pytest.mark.parametrize("logarithmic", [False, True])
def test_an_even_grid_keeps_its_cells(logarithmic: bool) -> None:
    x = np.geomspace(0.1, 10, 7) if logarithmic else np.linspace(0.1, 10, 7)
    z = np.arange(14.0).reshape(2, 7)
    _, ends, cells = geometry.even(x, np.array([1.0, 2.0]), z, logx=logarithmic)
    assert ends == (0.5, 2.5)
    np.testing.assert_array_equal(cells, z)


def test_a_falling_grid_is_turned_round() -> None:
    z = np.array([[1.0, 2.0], [3.0, 4.0]])
    (left, right), (low, high), cells = geometry.even(np.array([1.0, 0.0]), np.array([5.0, 4.0]), z)
    assert (left, right, low, high) == (-0.5, 1.5, 3.5, 5.5)
    np.testing.assert_array_equal(cells, [[4.0, 3.0], [2.0, 1.0]])


def test_every_point_of_an_uneven_grid_has_the_value_of_its_cell() -> None:
    x = np.array([0.0, 1.0, 5.0, 6.0])
    (left, right), _, cells = geometry.even(x, np.array([0.0, 1.0]), np.stack([x, x]))
    middles = left + (np.arange(cells.shape[1]) + 0.5) / cells.shape[1] * (right - left)
    owner = np.searchsorted(geometry.edges(x), middles) - 1
    np.testing.assert_array_equal(cells[0], x[owner])
    assert cells.shape[1] <= geometry.CELLS


def test_an_isoline_of_a_disc_is_its_circle() -> None:
    x = np.linspace(-2, 2, 81)
    u, v = geometry.isoline(x, x, np.hypot(x, x[:, None]), 1.0)
    np.testing.assert_allclose(np.hypot(u, v), 1.0, atol=2e-3)
    assert geometry.isoline(x, x, np.hypot(x, x[:, None]), 9.0)[0].size == 0


def test_isolines_keep_away_from_missing_values() -> None:
    x = np.linspace(0, 1, 11)
    z = np.where(x[:, None] > 0.45, np.nan, x * np.ones((11, 1)))
    _, v = geometry.isoline(x, x, z, 0.55)
    assert np.nanmax(v) <= 0.45
    assert geometry.isoline(x, x[:1], z[:1], 0.5)[0].size == 0


def test_the_longest_arrow_spans_one_cell_and_all_are_centred() -> None:
    x, y = (each.ravel() for each in np.meshgrid(np.arange(0.0, 6, 2), np.arange(3.0)))
    u, v = np.where(x == 4, 8.0, 4.0), np.zeros(9)
    u[0] = np.nan
    right, up = geometry.arrows(x, y, u, v)
    paths = (right + 1j * up).reshape(-1, 6)
    assert paths.shape[0] == 8
    np.testing.assert_allclose(abs(paths[:, 1] - paths[:, 0]).max(), 2.0)
    np.testing.assert_allclose((paths[:, 1] + paths[:, 0]) / 2, (x + 1j * y)[1:])
