"""The power diagram of a plane inside a rectangle, against cells found point by point."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.layer import plane

X, Y = np.array([-2.0, 2.0]), np.array([-1.5, 1.5])


def draw(k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(k, 3.0))
    return rng.uniform(-1, 1, (k, 2)), weights


def powers(points: np.ndarray, means: np.ndarray, weights: np.ndarray, v: float) -> np.ndarray:
    return ((points[..., None, :] - means) ** 2).sum(axis=-1) - 2 * v * np.log(weights)


@pytest.mark.parametrize(("k", "v"), [(3, 0.0), (4, 0.2), (7, 0.05), (7, 0.6)])
def test_on_a_wall_two_components_have_the_same_and_the_least_power(k: int, v: float) -> None:
    means, weights = draw(k, seed=k)
    found = plane.diagram(means, weights, np.array(v), np.array(0.0), X, Y, "absolute")
    assert (found.wall_status == Status.ok).sum() >= 2
    for number, (i, j) in enumerate(combinations(range(k), 2)):
        if found.wall_status[number] != Status.ok:
            continue
        share = np.linspace(0, 1, 7)[:, None]
        p = powers(found.wall_start[number] * (1 - share) + found.wall_end[number] * share, means, weights, v)
        np.testing.assert_allclose(p[:, i], p[:, j], atol=1e-12)
        assert (p.min(axis=-1) >= p[:, i] - 1e-12).all()


def test_walls_are_where_neighbouring_points_of_a_fine_grid_have_different_cells() -> None:
    means, weights = draw(6, seed=3)
    x = np.linspace(-2, 2, 401)
    y = np.linspace(-1.5, 1.5, 301)
    arguments = means, weights, np.array(0.1), np.array(0.05)
    points = plane.grid_points(means, x, y, "absolute")
    cells = plane.fields(points, *arguments, np.array(2.0)).power_cell
    touching = set()
    for a, b in ((cells[:, 1:], cells[:, :-1]), (cells[1:], cells[:-1])):
        touching |= set(map(tuple, np.sort(np.stack([a[a != b], b[a != b]]), axis=0).T.tolist()))
    found = plane.diagram(*arguments, x, y, "absolute")
    walls = {pair for pair, status in zip(combinations(range(6), 2), found.wall_status, strict=True) if status == Status.ok}
    assert touching == walls
    assert len(walls) > 5


@pytest.mark.parametrize("v", [0.0, 0.05, 0.4])
def test_cells_meet_where_three_walls_end(v: float) -> None:
    means, weights = draw(6, seed=4)
    found = plane.diagram(means, weights, np.array(v), np.array(0.0), X, Y, "absolute")
    meets = found.triple_point[found.triple_point_status == Status.ok]
    assert len(meets)
    ends = np.concatenate([found.wall_start, found.wall_end])
    for point in meets:
        assert (np.abs(ends - point).max(axis=-1) < 1e-9).sum() == 3
        least = np.sort(powers(point, means, weights, v))
        np.testing.assert_allclose(least[:3], least[0], atol=1e-12)
    inside = (np.abs(ends) < [2 - 1e-9, 1.5 - 1e-9]).all(axis=-1)
    assert inside.sum() == 3 * len(meets)  # a wall ends at a triple point or at the edge


def test_four_cells_of_a_square_meet_in_one_point_and_opposite_ones_have_no_wall() -> None:
    angle = np.arange(4) * np.pi / 2 + 0.3
    means = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    found = plane.diagram(means, np.full(4, 0.25), np.array(0.3), np.array(0.1), X, Y, "absolute")
    assert found.wall_status.tolist() == [0, 6, 0, 0, 6, 0]  # pairs 01 02 03 12 13 23
    np.testing.assert_allclose(found.triple_point, np.zeros((4, 2)), atol=1e-15)


def test_a_component_of_no_cell_has_no_wall() -> None:
    means, weights = np.array([[-1.0, 0.0], [0.0, 0.1], [1.0, 0.0]]), np.array([0.49, 0.02, 0.49])
    found = plane.diagram(means, weights, np.array(2.0), np.array(0.0), X, Y, "absolute")
    assert found.wall_status.tolist() == [6, 0, 6]
    assert found.triple_point_status.tolist() == [6]


def test_a_rectangle_counts_from_the_centre_of_the_means_in_half_their_longer_side() -> None:
    means = np.array([[[0.0, 0.0], [4.0, 1.0]], [[1.0, 1.0], [1.0, 3.0]]])
    points = plane.grid_points(means, np.array([-1.0, 1.0]), np.array([0.0]), "separation")
    assert points.tolist() == [[[[0.0, 0.5], [4.0, 0.5]]], [[[0.0, 2.0], [2.0, 2.0]]]]


def test_fields_are_those_of_the_mixture_and_each_missing_number_has_a_reason() -> None:
    means, weights = draw(3)
    x, y = np.linspace(-1, 1, 4), np.linspace(-2, 2, 3)
    tau = np.array([0.0, 0.3, np.nan])
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    np.testing.assert_array_equal(plane.grid_points(means, x, y, "absolute"), grid)
    found = plane.fields(grid, means, weights, np.array(0.0), tau, np.array(5.0))
    assert found.score_status.tolist() == [Status.singular, Status.ok, Status.no_transition]
    assert np.isnan(found.score[[0, 2]]).all()
    assert (found.power_cell[2] == -1).all()
    np.testing.assert_array_equal(found.score[1], mixture.score(grid, means, weights, 0.0, 0.3))
    in_plane = mixture.log_density(grid, means, weights, 0.0, 0.3)
    np.testing.assert_allclose(found.log_density[1], in_plane - 1.5 * np.log(2 * np.pi * 0.6), rtol=1e-14)
    np.testing.assert_allclose(found.responsibilities[1].sum(axis=-1), 1, rtol=1e-14)
    np.testing.assert_array_equal(found.power_cell[1], found.responsibilities[1].argmax(axis=-1))
