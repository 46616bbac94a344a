r"""Power cells of components, the facets between components, and the points where three meet; section 7.3, (74).

The largest responsibility belongs to the component of least power :math:`|x-\mu_k|^2 - 2v\ln w_k`: at every v the regions
are cells of a power diagram. As ``v -> 0`` the facets become those of the Voronoi diagram of the means, from which they are
``v |ln(w_i/w_j)|/|mu_j - mu_i|`` away. ``v = variance + 2 tau`` may be zero here: the Voronoi diagram.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.numerics.batching import in_batches
from scoreshock.kernels.numerics.log_odds import from_midpoint, log_odds, past_midpoint
from scoreshock.kernels.numerics.vectors import dot, inner, length

COLLINEAR = 1e-12
"""Three means whose triangle is flatter than this have no triple point: it would lie beyond 1e12 of their distance."""


class Facets(NamedTuple):
    """Facets between pairs of components, pairs (0, 1), (0, 2), ..., (1, 2), ...; leading shape (...)."""

    pairs: np.ndarray  # (p, 2) of int
    facet_point: np.ndarray  # where the facet crosses the line of the two means, (..., p, n)
    facet_normal: np.ndarray  # unit vector from the first mean to the second, (..., p, n); NaN for equal means
    facet_offset: np.ndarray  # distance of the point from the means' midpoint along the normal, (..., p): 0 for Voronoi


class TriplePoint(NamedTuple):
    """Where three components are equally near in power, in the plane of their means; (...)."""

    triple_point: np.ndarray  # (..., n); the whole set is the point plus the directions perpendicular to both sides
    power: np.ndarray  # common power there, relative to that of the first mean: |x - mu_0|**2 - 2 v ln w_0
    triple_point_status: np.ndarray  # ok, not_applicable (means on a line)


def power_cell(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> np.ndarray:
    """Index (...) of the component of least power at ``x``, that of the largest responsibility; the first of equals.

    ``x (..., n)``, ``means (..., k, n)``, ``weights (..., k)``, ``variance, tau (...)``. Differences of powers are
    formed from differences of means, so that far points and large offsets are decided rightly.

    Examples
    --------
    >>> power_cell([[-0.1], [0.1], [0.3]], [[-1.0], [1.0]], [0.7, 0.3], 0.4, 0.0).tolist()  # the facet is at 0.169
    [0, 0, 1]
    """
    arguments = [(x, 1), (means, 2), (weights, 1), (variance, 0), (tau, 0)]
    return in_batches(_power_cell, arguments, [((), np.intp)])[0]


def facets(means: Any, weights: Any, variance: Any, tau: Any) -> Facets:
    """Planes on which two components have equal responsibility, for every pair; Proposition 7.7, (74).

    Parameters as in `power_cell`. A plane carries a facet of the diagram where no third component is nearer to the points
    next to it.

    Examples
    --------
    >>> planes = facets([[-1.0], [1.0]], [0.25, 0.75], 2.0, 0.0)
    >>> planes.facet_point.round(12).tolist(), planes.facet_normal.tolist()  # -ln 3
    ([[-1.098612288668]], [[1.0]])
    """
    means, weights = np.asarray(means, dtype=float), np.asarray(weights, dtype=float)
    pairs = np.array(list(combinations(range(means.shape[-2]), 2)), dtype=int).reshape(-1, 2)
    v = np.asarray(variance + 2 * np.asarray(tau, dtype=float))[..., None]
    with np.errstate(all="ignore"):
        one, two = means[..., pairs[:, 0], :], means[..., pairs[:, 1], :]
        step = two - one
        distance = length(step)
        distance = np.where(distance > 0, distance, np.nan)
        offset = v * log_odds(weights[..., pairs[:, 0]], weights[..., pairs[:, 1]]) / distance
        normal = step / distance[..., None]
        point = from_midpoint(one, two, offset[..., None] * normal)
        return Facets(pairs, point, np.broadcast_to(normal, point.shape), offset)


def triple_point(means: Any, weights: Any, variance: Any, tau: Any) -> TriplePoint:
    """Point in the plane of three means at which their responsibilities are equal, in closed form.

    Parameters
    ----------
    means : array (..., 3, n)
        n >= 2.
    weights : array (..., 3)
        Positive.
    variance, tau : array (...)
        ``v = variance + 2 tau >= 0``; for ``v = 0``, or equal weights, it is the triangle's circumcentre.

    Returns
    -------
    TriplePoint
        NaN beside ``not_applicable`` where the means lie on a line (one feature among them).

    Notes
    -----
    With ``u = mu_1 - mu_0``, ``w = mu_2 - mu_0``: ``2 (x - mu_0).u = |u|^2 + 2v ln(w_0/w_1)``, likewise for w. In n > 2
    dimensions the set is affine, of dimension n - 2. In a mixture of more components it is a vertex of the diagram where
    `power_cell` gives one of the three.

    Examples
    --------
    >>> triple_point([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]], [1 / 3, 1 / 3, 1 / 3], 0.1, 0.0).triple_point.tolist()
    [1.0, 1.0]
    """
    means, weights = np.asarray(means, dtype=float), np.asarray(weights, dtype=float)
    v = variance + 2 * np.asarray(tau, dtype=float)
    odds = log_odds(weights[..., :1], weights[..., 1:])
    with np.errstate(all="ignore"):
        u, w = means[..., 1, :] - means[..., 0, :], means[..., 2, :] - means[..., 0, :]
        side = length(u)
        along = u / side[..., None]
        reach = dot(w, along)
        across = w - reach[..., None] * along
        across = across - dot(across, along)[..., None] * along
        height = length(across)
        flat = ~(height > COLLINEAR * np.maximum(side, length(w))) | ~(side > 0)
        first = 0.5 * side + v * odds[..., 0] / side
        total = 0.5 * dot(w, w) + v * odds[..., 1]
        second = (total - first * reach) / np.where(flat, np.nan, height)
        step = first[..., None] * along + (second / height)[..., None] * across
        point = means[..., 0, :] + step
        power = first * first + second * second - 2 * v * np.log(weights[..., 0])
        status = np.where(flat, np.int8(Status.not_applicable), np.int8(Status.ok))
        return TriplePoint(point, power, np.broadcast_to(status, power.shape))


def _power_cell(
    x: np.ndarray, means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray]:
    v = variance + 2 * tau
    best, near, weight = np.zeros(x.shape[-1], dtype=np.intp), means[0], weights[0]
    for j in range(1, len(means)):
        excess = inner(near - means[j], past_midpoint(x, means[j], near)) - 2 * v * log_odds(weights[j], weight)
        nearer = excess < 0
        best = np.where(nearer, j, best)
        near, weight = np.where(nearer, means[j], near), np.where(nearer, weights[j], weight)
    return (best,)
