"""The line through the layer: its points, and the score and the density along it.

The line runs along `geometry.leading_direction`, through a pair's midpoint, else through the weighted mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import geometry, mixture
from scoreshock.kernels.numerics.vectors import dot


class Line(NamedTuple):
    """Point 0 of the line and its unit vector, (..., n), and half the extent of the means along it, (...)."""

    centre: np.ndarray
    direction: np.ndarray
    extent: np.ndarray


class Profile(NamedTuple):
    """Score (..., x, n), its component along the line (..., x), log density (..., x), and status (...)."""

    score: np.ndarray
    score_along: np.ndarray
    log_density: np.ndarray
    score_status: np.ndarray


def line_through_layer(means: np.ndarray, weights: np.ndarray) -> Line:
    """The line of mixtures with ``means (..., k, n)`` and ``weights (..., k)``.

    Examples
    --------
    >>> line = line_through_layer(np.array([[-1.0], [3.0]]), np.array([0.5, 0.5]))
    >>> line.centre.tolist(), line.direction.tolist(), float(line.extent)
    ([1.0], [1.0], 2.0)
    """
    direction = geometry.leading_direction(means, weights)
    if means.shape[-2] == 2:
        step = means[..., 1, :] - means[..., 0, :]
        return Line(means[..., 0, :] + step / 2, direction, np.sqrt(dot(step, step)) / 2)
    offset = geometry.centred(means, weights)
    along = np.stack([dot(offset[..., j, :], direction) for j in range(means.shape[-2])])
    centre = np.broadcast_to(means[..., 0, :] - offset[..., 0, :], direction.shape)
    return Line(centre, direction, (along.max(axis=0) - along.min(axis=0)) / 2)


def points_on_line(
    means: np.ndarray,
    weights: np.ndarray,
    grid: np.ndarray,
    variance: np.ndarray | float = 0.0,
    tau: np.ndarray | float = 0.0,
    unit: str = "absolute",
) -> np.ndarray:
    """Points (..., x, n) of the line at ``grid (x,)`` units from its point 0.

    Examples
    --------
    >>> points_on_line(np.array([[-1.0], [3.0]]), np.array([0.5, 0.5]), np.array([-1.0, 1.0]), unit="separation").ravel()
    array([-1.,  3.])
    """
    centre, direction, extent = line_through_layer(means, weights)
    step = np.asarray(unit_of_length(unit, extent, variance, tau))[..., None] * grid
    return centre[..., None, :] + step[..., None] * direction[..., None, :]


def unit_of_length(
    unit: str, extent: np.ndarray, variance: np.ndarray | float, tau: np.ndarray | float
) -> np.ndarray | float:
    """The unit of positions: 1, half the extent of the means (``separation``), or the width ``v/a`` of the ``layer``."""
    if unit == "layer":
        return (variance + 2 * tau) / extent
    return extent if unit == "separation" else 1.0


def profile(
    means: np.ndarray, weights: np.ndarray, grid: np.ndarray, variance: np.ndarray, tau: np.ndarray, unit: str
) -> Profile:
    """Score and log density in the means' span along the line, at ``grid (x,)`` units of length from its point 0.

    ``no_transition`` where a time is NaN or the unit is infinite, ``singular`` where ``v = 0``.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.array([0.5, 0.5])
    >>> profile(*pair, np.array([0.0]), np.array(0.5), np.array(0.1), "absolute").score_along.tolist()
    [0.0]
    """
    along, extent = line_through_layer(means, weights)[1:]
    x = points_on_line(means, weights, grid, variance, tau, unit)
    log_p, s = mixture.fields(x, means[..., None, :, :], weights[..., None, :], variance[..., None], tau[..., None])
    outside = np.isnan(tau) | ~np.isfinite(unit_of_length(unit, extent, variance, tau))
    regular = np.where(variance + 2 * tau > 0, Status.ok, Status.singular)
    return Profile(s, dot(s, along[..., None, :]), log_p, np.where(outside, Status.no_transition, regular))


def in_all_dimensions(
    log_density: np.ndarray, dimension: np.ndarray, variance: np.ndarray, tau: np.ndarray, features: int
) -> np.ndarray:
    """Log density (..., x) in the ambient dimension at points of the means' span, from that in the span."""
    return log_density + mixture.normal_factor(dimension, features, variance, tau)[..., None]
