r"""The boundary :math:`\varphi = 0` between two groups of a mixture's components: where it is, and the layer across it.

Notation as in `kernels.layer.decomposition`. The normal ``n = grad phi/|grad phi|`` points into the region of the first
group; ``r`` is the signed distance along it. On the boundary, exactly, (42)
:math:`n^THn = n^T(\nabla\bar s)n + \frac14|\nabla\varphi|^2`, and near it (41)
:math:`s\cdot n \approx \bar s\cdot n + \frac12|\nabla\varphi|\tanh(\frac12|\nabla\varphi|r)`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import NO_SIDE, centred, half_distance, leading_direction
from scoreshock.kernels.gaussian.groups import FIRST, SECOND
from scoreshock.kernels.layer.amplification import excess
from scoreshock.kernels.layer.crossings import crossings_on_line
from scoreshock.kernels.layer.decomposition import Decomposition, decomposition
from scoreshock.kernels.numerics.batching import in_batches
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.bracketing import EPS
from scoreshock.kernels.numerics.statuses import status_of_each
from scoreshock.kernels.numerics.vectors import along, dot, length

COINCIDENT = 1e-12
"""Two groups whose means are closer than this fraction of the largest distance from the first mean have one mean."""


class Layer(NamedTuple):
    """The layer at points of the boundary, leading shape (...)."""

    normal: np.ndarray  # into the region of the first group, (..., n)
    jump: np.ndarray  # |grad phi|, which is also the jump n.(s1 - s2) of the score
    width: np.ndarray  # 2/|grad phi|: the profile is tanh(r/width); v/a for a pair, (34)
    background_curvature: np.ndarray  # n'(grad sbar)n
    interfacial_curvature: np.ndarray  # |grad phi|**2/4
    normal_hessian: np.ndarray  # n'Hn, (42)
    speed: np.ndarray  # along the normal, per unit of tau as tau grows: -phi_tau/|grad phi|
    speed_rankine_hugoniot: np.ndarray  # -(s1 + s2).n, (48); the speed less its diffusive part Laplacian(phi)/|grad phi|
    score_behind: np.ndarray  # s2.n, the one-sided score on the side from which the normal comes
    score_ahead: np.ndarray  # s1.n, the one-sided score on the side to which the normal points
    lax: np.ndarray  # whether the score rises across the boundary, score_behind < score_ahead (Proposition 5.14), bool


class Profile(NamedTuple):
    """Normal score along the normal through a boundary point, (..., m)."""

    profile_interfacial: np.ndarray  # n.(tanh(phi/2) grad phi)/2
    profile_tanh: np.ndarray  # |grad phi| tanh(|grad phi| r/2)/2, with grad phi on the boundary
    profile_score: np.ndarray  # n.s
    profile_local: np.ndarray  # n.sbar on the boundary + its slope r + tanh: what (41) stands for through first order
    profile_difference: np.ndarray  # interfacial - tanh, relative to |grad phi|/2


class LayerOnLine(NamedTuple):
    """The layer where a line crosses the boundary nearest to the line's start, and all crossings; leading shape (...)."""

    boundary: np.ndarray  # (..., n)
    normal: np.ndarray  # this and the next nine as in `Layer`
    jump: np.ndarray
    width: np.ndarray
    background_curvature: np.ndarray
    interfacial_curvature: np.ndarray
    normal_hessian: np.ndarray
    speed: np.ndarray
    speed_rankine_hugoniot: np.ndarray
    score_behind: np.ndarray
    score_ahead: np.ndarray
    lax: np.ndarray  # 1 or 0, -1 without a boundary
    crossing: np.ndarray  # (..., k - 1), distances from the start in units of the direction's length, ascending
    crossing_status: np.ndarray  # (..., k - 1)
    n_boundaries: np.ndarray
    layer_status: np.ndarray


class Line(NamedTuple):
    """A line, (..., n) each."""

    line_start: np.ndarray
    line_direction: np.ndarray


def layer_on_line(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    group: np.ndarray,
    start: np.ndarray,
    direction: np.ndarray,
) -> LayerOnLine:
    """The layer where lines ``start + t direction`` (..., n) cross the boundary nearest to their start.

    Arguments as in :func:`on_line`; where tau is NaN the status is ``no_transition``.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.25), np.array(0.125), np.array([0, 1])
    >>> edge = layer_on_line(*pair, np.array([0.5]), np.array([1.0]))
    >>> edge.boundary.tolist(), float(edge.width), int(edge.n_boundaries)
    ([0.0], 0.5, 1)
    """
    rest = weights, variance, tau, group
    crossing, status, step, apart = _nearest_boundary((means, *rest), start, direction)
    edge = mixture_layer(step, apart, *rest)
    status = np.where(np.isnan(tau), np.int8(Status.no_transition), status)
    lax = np.where(np.isnan(edge.jump), -1, edge.lax)
    return LayerOnLine(
        start + nearest(crossing)[..., None] * direction,
        *edge._replace(lax=lax),
        crossing,
        status_of_each(crossing, status, Status.no_real_root),
        (~np.isnan(crossing)).sum(axis=-1),
        status,
    )


def profile_on_line(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    group: np.ndarray,
    start: np.ndarray,
    direction: np.ndarray,
    r: np.ndarray,
) -> Profile:
    """The :func:`profile` there, at distances ``r (m,)`` in widths of the layer; other arguments as in :func:`on_line`.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.25), np.array(0.125), np.array([0, 1])
    >>> curves = profile_on_line(*pair, np.array([0.5]), np.array([1.0]), np.array([-1.0, 0.0, 1.0]))
    >>> (curves.profile_tanh / np.tanh(1.0)).round(12).tolist()
    [-2.0, 0.0, 2.0]
    """
    rest = weights, variance, tau, group
    *_, step, apart = _nearest_boundary((means, *rest), start, direction)
    return profile(step, r * mixture_layer(step, apart, *rest).width[..., None], apart, *rest)


def _nearest_boundary(mixture: tuple[np.ndarray, ...], start: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, ...]:
    """All crossings of a line, their status, and the nearest one and the means relative to the line's start.

    The layer can be thinner than the rounding of its position in coordinates whose origin is far away.
    """
    means, *rest = mixture
    crossing, status = on_line(start, direction, *mixture)
    apart, t = means - start[..., None, :], nearest(crossing)
    here = decomposition(t[..., None] * direction, apart, *rest)
    # The rounding of the differences moves the boundary, by less than this.
    most = 64 * EPS * np.abs(apart).max(axis=(-2, -1))
    shift = here.log_ratio / dot(here.log_ratio_gradient, direction)
    t = np.where(np.abs(shift) <= most, t - shift, t)
    return crossing, status, t[..., None] * direction, apart


def on_line(
    start: Any, direction: Any, means: Any, weights: Any, variance: Any, tau: Any, group: Any
) -> tuple[np.ndarray, np.ndarray]:
    """All positions at which lines cross the boundary of two groups.

    Parameters
    ----------
    start, direction : array (..., n)
        The line ``x(t) = start + t direction``.
    means, weights, variance, tau, group
        As in `scoreshock.kernels.layer.decomposition.decomposition`; components of group 2 are left out.

    Returns
    -------
    positions : array (..., k - 1)
        The t, ascending, NaN beyond the last crossing. In units of the direction's length.
    status : array (...) of int8
        ``ok``; ``no_real_root`` where the line does not meet the boundary; ``no_transition`` where the means project to
        one point of the line; ``not_applicable`` for an empty group; ``singular`` for ``v = 0``.

    Notes
    -----
    Equation (39). No crossing is missed, see `scoreshock.kernels.layer.crossings`.

    Examples
    --------
    The boundary of a pair lies at ``-(v/2a) ln(w_R/w_L)``.

    >>> positions, status = on_line([0.0], [1.0], [[-1.0], [1.0]], [0.25, 0.75], 2.0, 0.0, [0, 1])
    >>> positions.round(12).tolist(), int(status)  # -ln 3
    ([-1.098612288668], 0)
    """
    k = np.shape(means)[-2]
    arguments = [(start, 1), (direction, 1), (means, 2), (weights, 1), (variance, 0), (tau, 0), (group, 1)]
    positions, status = in_batches(crossings_on_line, arguments, [((k - 1,), float), ((), np.int8)])
    return positions, status


def nearest(positions: np.ndarray) -> np.ndarray:
    """The position (...) nearest to the line's start of those in (..., m); NaN where there is none.

    Examples
    --------
    >>> float(nearest(np.array([-3.0, 0.5, np.nan])))
    0.5
    """
    distance = np.where(np.isnan(positions), np.inf, np.abs(positions))
    return np.take_along_axis(positions, distance.argmin(axis=-1)[..., None], axis=-1)[..., 0]


def layer(parts: Decomposition) -> Layer:
    """The layer at points of the boundary, from the decomposition there; Theorem 5.8, Propositions 5.13-5.14.

    Off the boundary it describes the surface ``phi = const`` through the point, on which the curvatures are not those of
    the density. NaN (``lax`` false) where ``grad phi = 0``: the boundary is not regular there.

    Examples
    --------
    >>> pair = layer(decomposition([0.0], [[-1.0], [1.0]], [0.5, 0.5], 0.5, 0.0, [0, 1]))
    >>> pair.normal.tolist(), float(pair.width), float(pair.normal_hessian)
    ([-1.0], 0.5, 2.0)
    """
    with np.errstate(all="ignore"):
        slope = length(parts.log_ratio_gradient)
        slope = np.where(slope > 0, slope, np.nan)
        normal = parts.log_ratio_gradient / slope[..., None]
        background = along(parts.background_jacobian, normal)
        interfacial = 0.25 * slope * slope
        behind, ahead = dot(parts.second_score, normal), dot(parts.first_score, normal)
        return Layer(
            normal,
            slope,
            2 / slope,
            background,
            interfacial,
            background + interfacial,
            -parts.log_ratio_rate / slope + 0.0,
            -2 * dot(parts.background, normal) + 0.0,
            behind,
            ahead,
            # ahead - behind is the slope itself, which does not cancel.
            slope > 0,
        )


def mixture_layer(x: Any, means: Any, weights: Any, variance: Any, tau: Any, group: Any) -> Layer:
    """The layer of two groups of components at boundary points ``x``; arguments as in the decomposition.

    For two components in all, ``n'Hn = (a**2 - v)/v**2`` is formed without cancellation: its sign is right to the last
    bit of the inputs.

    Examples
    --------
    >>> edge = mixture_layer([0.0], [[-1.0], [1.0]], [0.5, 0.5], 0.25, 0.125, [0, 1])
    >>> float(edge.normal_hessian), float(edge.jump)
    (2.0, 4.0)
    """
    edge = layer(decomposition(x, means, weights, variance, tau, group))
    means = np.asarray(means, dtype=float)
    if means.shape[-2] != 2:
        return edge
    with np.errstate(all="ignore"):
        v = variance + 2 * np.asarray(tau, dtype=float)
        curvature = excess(half_distance(means), np.asarray(variance, dtype=float), tau) / v
    return edge._replace(normal_hessian=np.where(np.isnan(edge.jump), np.nan, curvature))


def profile(x: Any, r: Any, means: Any, weights: Any, variance: Any, tau: Any, group: Any) -> Profile:
    """The layer's profile along the normal through boundary points, against the ``tanh`` of (41).

    Parameters
    ----------
    x : array (..., n)
        Points of the boundary.
    r : array (m,) or (..., m)
        Signed distances along the normal.
    means, weights, variance, tau, group
        As in the decomposition.

    Returns
    -------
    Profile
        Each (..., m). The difference is zero for a pair at any r, and of second order in r for larger groups.

    Examples
    --------
    >>> curves = profile([0.0], [-1.0, 2.0], [[-1.0], [1.0]], [0.5, 0.5], 0.5, 0.0, [0, 1])
    >>> bool(np.abs(curves.profile_difference).max() < 1e-15)
    True
    """
    here = decomposition(x, means, weights, variance, tau, group)
    edge = layer(here)
    r = np.asarray(r, dtype=float)
    points = np.asarray(x)[..., None, :] + r[..., None] * edge.normal[..., None, :]
    there = decomposition(
        points,
        np.asarray(means)[..., None, :, :],
        np.asarray(weights)[..., None, :],
        np.asarray(variance)[..., None],
        np.asarray(tau)[..., None],
        np.asarray(group)[..., None, :],
    )
    normal, half = edge.normal[..., None, :], 0.5 * edge.jump[..., None]
    tanh = half * np.tanh(half * r)
    interfacial = dot(there.interfacial, normal)
    base = dot(here.background, edge.normal)[..., None] + edge.background_curvature[..., None] * r
    return Profile(interfacial, tanh, dot(there.score, normal), base + tanh, (interfacial - tanh) / half)


def leading_split(means: Any, weights: Any) -> np.ndarray:
    """Groups (..., k) by the sign of the means' coordinates along the `leading_direction`.

    Two components are the two groups in their order. Otherwise group 0 lies on the negative side; means at zero, within
    rounding, belong to group 1.

    Examples
    --------
    >>> leading_split([[-2.0], [-1.5], [3.0]], [0.3, 0.3, 0.4]).tolist()
    [0, 0, 1]
    """
    means, weights = np.asarray(means, dtype=float), np.asarray(weights, dtype=float)
    shape = (*np.broadcast_shapes(means.shape[:-2], weights.shape[:-1]), means.shape[-2])
    if shape[-1] == 2:
        return np.broadcast_to(np.array([FIRST, SECOND]), shape)
    position = dot(centred(means, weights), leading_direction(means, weights)[..., None, :])
    limit = NO_SIDE * np.abs(position).max(axis=-1)[..., None]
    return np.where(position < -limit, FIRST, SECOND)


def line_between(means: Any, weights: Any, group: Any) -> Line:
    """Midpoint (..., n) of the two groups' weighted means, and the unit vector (..., n) from the first to the second.

    Where they coincide it is the `leading_direction`. NaN for an empty group.

    Examples
    --------
    >>> start, direction = line_between([[-1.0], [3.0]], [0.2, 0.8], [0, 1])
    >>> start.tolist(), direction.tolist()
    ([1.0], [1.0])
    """
    means, weights, group = np.asarray(means, dtype=float), np.asarray(weights, dtype=float), np.asarray(group)
    anchor = means[..., 0, :]
    with np.errstate(all="ignore"):
        offset = means - anchor[..., None, :]
        one, two = (_centre(offset, np.where(group == code, weights, 0.0)) for code in (FIRST, SECOND))
        step = two - one
        distance = length(step)[..., None]
        apart = distance > COINCIDENT * length(offset).max(axis=-1)[..., None]
        direction = step / distance if apart.all() else np.where(apart, step / distance, leading_direction(means, weights))
        return Line(anchor + 0.5 * (one + two), np.where(np.isnan(distance), np.nan, direction))


def _centre(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean (..., n), summed in a fixed order; NaN where all weights are zero."""
    w = weights[..., None]
    return total(np.moveaxis(w * means, -2, 0)) / total(np.moveaxis(w, -2, 0))
