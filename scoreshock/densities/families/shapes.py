"""Families of a fixed shape: a pair, points on a line, a polygon, a simplex, a tree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.axes import as_axis
from scoreshock.checks import as_numbers, show, whole
from scoreshock.densities.families.arguments import MOST_COMPONENTS, list_of, points, product, scale_of, shares_of
from scoreshock.densities.families.registry import family
from scoreshock.densities.mixtures import as_weights, mixture


@family
def pair(separation: Any, variance: Any = 1.0, weight: Any = 0.5, dimension: Any = 1, scaling: str = "fixed") -> xr.Dataset:
    """Two components at -a and +a on a line, component 0 at -a, component 1 at +a with weight ``weight``.

    Parameters
    ----------
    separation
        Half the distance of the means, >= 0.
    variance, weight, dimension
        Component variance (>= 0), weight of the component at +a (between 0 and 1), ambient dimension.
    scaling : {"fixed", "per-coordinate"}
        a = separation, or a = separation * sqrt(dimension): the same separation in each coordinate.

    Returns
    -------
    xarray.Dataset
        A mixture of one feature. λ₁ = w(1 - w)(2a)².

    References
    ----------
    arXiv:2604.07404, section 5.1 (equal weights) and 5.6.

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.families.pair(3.0, weight=0.25).component_mean.values.ravel()
    array([-3.,  3.])
    """
    scale = scale_of(separation, dimension, scaling)
    return _shaped(scale * points([[-1.0], [1.0]]), shares_of(2, None, weight, marked=1), variance, dimension)


@family
def collinear(
    separation: Any,
    variance: Any = 1.0,
    weight: Any = None,
    dimension: Any = 1,
    positions: Sequence[float] = (-1.0, 0.0, 1.0),
    weights: Sequence[float] | None = None,
    marked: int | None = None,
    scaling: str = "fixed",
) -> xr.Dataset:
    """Components on a line, at ``separation`` times ``positions``.

    Parameters
    ----------
    separation, variance, dimension, scaling
        As in :func:`pair`.
    weight
        Weight of the ``marked`` component (the middle one by default); the others share the rest in the ratio of
        ``weights``.
    positions : sequence of k numbers
    weights : sequence of k numbers > 0, optional
        Equal by default.

    Returns
    -------
    xarray.Dataset
        A mixture of one feature.

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.families.collinear(2.0, weight=0.2).component_weight.values
    array([0.4, 0.2, 0.4])
    """
    coordinates = as_numbers("positions", positions)
    if coordinates.ndim != 1:
        raise ValueError(f"positions = {show(positions)} is not allowed; allowed: a list of numbers")
    middle = len(coordinates) // 2 if marked is None else marked
    scale = scale_of(separation, dimension, scaling)
    return _shaped(
        scale * points(coordinates[:, None]), shares_of(len(coordinates), weights, weight, middle), variance, dimension
    )


@family
def polygon(
    separation: Any,
    variance: Any = 1.0,
    weight: Any = None,
    dimension: Any = 2,
    vertices: int = 3,
    radii: Sequence[float] | None = None,
    angles: Sequence[float] | None = None,
    weights: Sequence[float] | None = None,
    marked: int = 0,
    scaling: str = "fixed",
) -> xr.Dataset:
    """Components at the vertices of a polygon in a plane: regular, unless ``radii`` or ``angles`` are given.

    Vertex j stands at distance ``separation * radii[j]`` from the origin, ``angles[j]`` degrees from the first axis.

    Parameters
    ----------
    separation, variance, scaling
        As in :func:`pair`; separation is the circumradius.
    weight, weights
        As in :func:`collinear`; ``marked`` is vertex 0 by default.
    dimension
        Ambient dimension, at least 2.
    vertices : int
        Number of vertices k, at least 3.
    radii, angles : sequence of k numbers, optional
        Radii >= 0 (1 by default) and angles in degrees (360 j/k by default): the asymmetric triangle.

    Returns
    -------
    xarray.Dataset
        A mixture of two features. Regular with equal weights: both eigenvalues are separation²/2.

    References
    ----------
    arXiv:2604.07404, section 9 (equilateral and asymmetric triangle).

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.families.polygon(1.0, vertices=4).component_mean.values.round(6)[1]
    array([0., 1.])
    """
    k = whole("vertices", vertices, 3, MOST_COMPONENTS)
    distance = np.ones(k) if radii is None else list_of("radii", radii, k)
    if (distance < 0).any():
        raise ValueError(f"radii has the value {distance.min()}; allowed: numbers >= 0")
    turn = np.deg2rad(360.0 * np.arange(k) / k if angles is None else list_of("angles", angles, k))
    corners = distance[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    scale = scale_of(separation, dimension, scaling)
    return _shaped(scale * points(corners), shares_of(k, weights, weight, marked), variance, dimension)


@family
def simplex(
    separation: Any,
    variance: Any = 1.0,
    weight: Any = None,
    dimension: Any = None,
    vertices: int = 4,
    weights: Sequence[float] | None = None,
    marked: int = 0,
    scaling: str = "fixed",
) -> xr.Dataset:
    """Components at the vertices of a regular simplex of circumradius ``separation`` about the origin.

    Parameters
    ----------
    separation, variance, scaling
        As in :func:`pair`; separation is the circumradius.
    weight, weights
        As in :func:`collinear`; ``marked`` is vertex 0 by default.
    dimension
        Ambient dimension, at least ``vertices - 1`` (the default).
    vertices : int
        Number of vertices k, at least 2.

    Returns
    -------
    xarray.Dataset
        A mixture of k - 1 features. Equal weights: every eigenvalue is separation²/(k - 1), and leading order is exact
        (Corollary 9.3).

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.families.simplex(1.0, vertices=2).component_mean.values.ravel()
    array([-1.,  1.])
    """
    k = whole("vertices", vertices, 2, MOST_COMPONENTS)
    ambient = k - 1 if dimension is None else dimension
    scale = scale_of(separation, ambient, scaling)
    return _shaped(scale * points(_simplex(k)), shares_of(k, weights, weight, marked), variance, ambient)


@family
def hierarchy(
    separation: Any,
    variance: Any = 1.0,
    ratio: Any = 0.5,
    dimension: Any = None,
    levels: int = 3,
    branching: int = 2,
    weights: Sequence[float] | None = None,
    scaling: str = "fixed",
) -> xr.Dataset:
    """Components at the leaves of a tree of means, whose branches shrink by ``ratio`` from level to level: a cascade.

    Each node of level l = 0, 1, ... has ``branching`` children, which stand around it at the vertices of a regular simplex
    of circumradius separation * ratio**l, in directions of its own, orthogonal to those of every other node.

    Parameters
    ----------
    separation, variance, scaling
        As in :func:`pair`; separation is the circumradius of the first level (half the distance when branching is 2).
    ratio
        Between 0 and 1.
    dimension
        Ambient dimension, at least k - 1 (the default), k = branching**levels.
    levels, branching : int
        At least 1 and 2.
    weights : sequence of k numbers > 0, optional
        Of the leaves, in the order of their paths (the last level fastest). Equal by default.

    Returns
    -------
    xarray.Dataset
        A mixture of k - 1 features, first level first. With equal weights and b = branching, level l contributes the
        eigenvalue separation² ratio^(2l) / (b^l (b - 1)), with multiplicity b^l (b - 1): its own speciation time each.

    References
    ----------
    arXiv:2604.07404, (77).

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.families.hierarchy(4.0, ratio=0.5, levels=2).component_mean.values
    array([[-4., -2.,  0.],
           [-4.,  2.,  0.],
           [ 4.,  0., -2.],
           [ 4.,  0.,  2.]])
    """
    depth, b = whole("levels", levels, 1, 12), whole("branching", branching, 2, MOST_COMPONENTS)
    k = b**depth
    if k > MOST_COMPONENTS:
        raise ValueError(f"branching = {b} and levels = {depth} make {k} components; allowed: at most {MOST_COMPONENTS}")
    shrink = as_axis("ratio", ratio)
    ambient = k - 1 if dimension is None else dimension
    tree = points(np.zeros((k, k - 1)))
    for level in range(depth):
        tree = tree + shrink**level * points(_level(b, depth, level))
    return _shaped(product(scale_of(separation, ambient, scaling), tree), as_weights(weights, k), variance, ambient)


def _shaped(means: xr.DataArray, weights: xr.DataArray, variance: Any, dimension: Any) -> xr.Dataset:
    """The mixture of a shape, whose variance is an axis like its other arguments."""
    return mixture(means, weights, as_axis("variance", variance), dimension)


def _simplex(k: int) -> np.ndarray:
    """Vertices (k, k - 1) of the regular simplex of circumradius 1, in Helmert's contrasts; for k = 2: -1, +1."""
    coordinates = np.zeros((k, k - 1))
    for j in range(1, k):
        coordinates[:j, j - 1] = -1.0
        coordinates[j, j - 1] = j
        coordinates[:, j - 1] *= math.sqrt(k / ((k - 1) * j * (j + 1)))
    return coordinates


def _level(b: int, depth: int, level: int) -> np.ndarray:
    """Offsets (k, k - 1) that one level of the tree adds to the leaves, for circumradius 1."""
    k, nodes = b**depth, b**level
    path = np.arange(k) // b ** (depth - level - 1)  # the leaf's child at this level, counted over all nodes
    node, child = path // b, path % b
    offsets = np.zeros((k, k - 1))
    first = nodes - 1  # features taken by the levels above
    for j in range(b - 1):
        offsets[np.arange(k), first + node * (b - 1) + j] = _simplex(b)[child, j]
    return offsets
