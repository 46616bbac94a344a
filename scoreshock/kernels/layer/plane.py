"""A mixture of two features on a rectangle of its plane: fields at grid points, walls of the power cells, triple points."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.layer import power_diagram
from scoreshock.kernels.numerics.log_odds import log_odds, past_midpoint
from scoreshock.kernels.numerics.vectors import dot, length

NEAR = 1e-12
"""Length relative to the rectangle below which a wall is a point, and a cell ends in a vertex that it shares."""


class Fields(NamedTuple):
    """Fields of a mixture on a grid of its plane, leading shape (..., y, x), and their status (...)."""

    score: np.ndarray  # (..., y, x, 2)
    log_density: np.ndarray
    responsibilities: np.ndarray  # (..., y, x, k)
    power_cell: np.ndarray  # int
    score_status: np.ndarray  # (...)


class Diagram(NamedTuple):
    """Walls between power cells inside a rectangle for each pair, and where three cells meet for each triple."""

    wall_start: np.ndarray  # (..., p, 2)
    wall_end: np.ndarray  # (..., p, 2)
    wall_status: np.ndarray  # (..., p)
    triple_point: np.ndarray  # (..., t, 2)
    triple_point_status: np.ndarray  # (..., t)


def centre_and_scale(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre (..., 2) of the rectangle that the ``means (..., k, 2)`` span, and half its longer side (...).

    Examples
    --------
    >>> centre, scale = centre_and_scale(np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]]))
    >>> centre.tolist(), float(scale)
    ([2.0, 1.0], 2.0)
    """
    low, high = means.min(axis=-2), means.max(axis=-2)
    half = (high - low) / 2
    return low + half, half.max(axis=-1)


def grid_points(means: np.ndarray, x: np.ndarray, y: np.ndarray, unit: str) -> np.ndarray:
    """Points (..., y, x, 2) of the grid of ``x (m,)`` and ``y (n,)``.

    With the ``unit`` ``separation`` they count from the centre of the means in `centre_and_scale`'s scale.
    """
    grid = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1)
    if unit != "separation":
        return np.broadcast_to(grid, (*means.shape[:-2], *grid.shape))
    centre, scale = centre_and_scale(means)
    return centre[..., None, None, :] + scale[..., None, None, None] * grid


def fields(
    points: np.ndarray, means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, dimension: np.ndarray
) -> Fields:
    """Score, log density in all dimensions, responsibilities and power cells at ``points (..., y, x, 2)``.

    ``no_transition`` where a time is NaN, ``singular`` with NaN where ``v = 0``; power cells are then those of the Voronoi
    diagram, and -1 where a time is NaN.

    Examples
    --------
    >>> pair = np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([0.5, 0.5]), np.array(0.5), np.array(0.0), np.array(2.0)
    >>> found = fields(np.array([[[-1.0, 0.0], [0.0, 0.0]]]), *pair)
    >>> found.responsibilities.round(3).tolist(), found.power_cell.tolist()
    ([[[0.982, 0.018], [0.5, 0.5]]], [[0, 0]])
    """
    wide = means[..., None, None, :, :], weights[..., None, None, :], variance[..., None, None], tau[..., None, None]
    log_p, score = mixture.fields(points, *wide)
    beyond = mixture.normal_factor(dimension, 2, variance, tau)[..., None, None]
    unknown = np.isnan(tau)
    cell = np.where(unknown[..., None, None], -1, power_diagram.power_cell(points, *wide))
    regular = np.where(variance + 2 * tau > 0, np.int8(Status.ok), np.int8(Status.singular))
    status = np.where(unknown, np.int8(Status.no_transition), regular)
    return Fields(score, log_p + beyond, mixture.responsibilities(points, *wide), cell, status)


def diagram(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    unit: str,
) -> Diagram:
    """Walls of the power diagram (74) inside the rectangle that ``x`` and ``y`` span, and the points where three cells meet.

    A wall is the part of a pair's facet on which no third component has more responsibility. NaN with ``not_applicable``
    for pairs and triples whose cells do not meet in the rectangle, with ``no_transition`` where a time is NaN.

    Examples
    --------
    >>> corners = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]), np.full(3, 1 / 3), np.array(0.1), np.array(0.0)
    >>> found = diagram(*corners, x=np.array([0.0, 2.0]), y=np.array([0.0, 2.0]), unit="absolute")
    >>> found.triple_point.tolist()
    [[1.0, 1.0]]
    >>> [sorted(ends) for ends in zip(found.wall_start[0].tolist(), found.wall_end[0].tolist())]  # x = 1 up to the point
    [[1.0, 1.0], [0.0, 1.0]]
    """
    corners = grid_points(means, np.array([x.min(), x.max()]), np.array([y.min(), y.max()]), unit)
    low, high = corners[..., 0, 0, :], corners[..., 1, 1, :]
    size = length(high - low)
    with np.errstate(all="ignore"):
        walls = [
            _wall(i, j, means, weights, variance + 2 * tau, low, high) for i, j in combinations(range(means.shape[-2]), 2)
        ]
        start, end = (np.stack([wall[side] for wall in walls], axis=-2) for side in (0, 1))
        there = length(end - start) > NEAR * size[..., None]
        triples = [
            _vertex(three, means, weights, variance, tau, low, high) for three in combinations(range(means.shape[-2]), 3)
        ]
    vertex = np.stack(triples, axis=-2) if triples else np.empty((*start.shape[:-2], 0, 2))
    met = np.isfinite(vertex).all(axis=-1)
    unknown = np.isnan(tau)[..., None]
    missing = np.where(unknown, np.int8(Status.no_transition), np.int8(Status.not_applicable))
    walls_there, ok = there[..., None], np.int8(Status.ok)
    return Diagram(
        np.where(walls_there, start, np.nan),
        np.where(walls_there, end, np.nan),
        np.where(there, ok, missing),
        vertex,
        np.where(met, ok, missing),
    )


def _excess(x: np.ndarray, one: int, other: int, means: np.ndarray, weights: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Power of component ``one`` at ``x (..., 2)`` above that of the ``other``, (...)."""
    near, far = means[..., one, :], means[..., other, :]
    odds = log_odds(weights[..., one], weights[..., other])
    return dot(far - near, past_midpoint(x, near, far)) - 2 * v * odds


def _wall(
    i: int, j: int, means: np.ndarray, weights: np.ndarray, v: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ends (..., 2) of the wall between components i and j inside the rectangle; NaN where there is none."""
    one, two = means[..., i, :], means[..., j, :]
    step = two - one
    distance = length(step)[..., None]
    normal = step / np.where(distance > 0, distance, np.nan)
    odds = log_odds(weights[..., i], weights[..., j])
    point = one + step / 2 + (v * odds)[..., None] * normal / distance
    along = np.stack([-normal[..., 1], normal[..., 0]], axis=-1)
    reach = length(high - low) + length(point - (low + high) / 2)
    begin, end = -reach, reach.copy()
    slopes = [along[..., 0], -along[..., 0], along[..., 1], -along[..., 1]]
    rooms = [(high - point)[..., 0], (point - low)[..., 0], (high - point)[..., 1], (point - low)[..., 1]]
    for k in range(means.shape[-2]):
        if k not in (i, j):
            slopes.append(2 * dot(along, means[..., k, :] - one))
            rooms.append(-_excess(point, i, k, means, weights, v))
    for slope, room in zip(slopes, rooms, strict=True):
        bound = room / slope
        end = np.where(slope > 0, np.minimum(end, bound), end)
        begin = np.where(slope < 0, np.maximum(begin, bound), begin)
        end = np.where((slope == 0) & (room < 0), -np.inf, end)
    there = (begin <= end)[..., None]
    return (
        np.where(there, point + begin[..., None] * along, np.nan),
        np.where(there, point + end[..., None] * along, np.nan),
    )


def _vertex(
    three: tuple[int, int, int],
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """Point (..., 2) of the rectangle at which the cells of ``three`` components meet; NaN where they do not."""
    chosen = list(three)
    point = power_diagram.triple_point(means[..., chosen, :], weights[..., chosen], variance, tau).triple_point
    there: np.ndarray = np.asarray(((point >= low) & (point <= high)).all(axis=-1))
    first, v, size = three[0], variance + 2 * tau, length(high - low)
    for k in range(means.shape[-2]):
        if k not in three:
            there = there & (_excess(point, first, k, means, weights, v) <= NEAR * size * size)
    return np.where(there[..., None], point, np.nan)
