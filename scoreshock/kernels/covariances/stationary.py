"""Zeros of functions that fall in the whole but may rise in between: how many, and how nearly two of them meet.

A function from plus to minus infinity has two zeros more for each interval, from one zero of its slope to the next, in
which it rises through zero. Slopes are known at nodes; between them maxima of the slope are polished, so that a short rise
is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.bracketing import bracketed
from scoreshock.kernels.numerics.root_search import extremum

Function = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""``function(u, points)``: values and slopes (Q,) at u (Q,) of the points."""


class Rises(NamedTuple):
    """Of each of P points."""

    number: np.ndarray  # rises through zero
    margin: np.ndarray  # of the rise that is furthest from not passing zero; the largest slope, negative, where none rises


def rises(function: Function, nodes: np.ndarray) -> Rises:
    """Rises through zero of functions on ascending ``nodes (J, P)``, which may repeat.

    Examples
    --------
    >>> cubic = lambda u, points: (u - 0.1 * u**3, 1 - 0.3 * u * u)
    >>> rises(cubic, np.linspace(-9.0, 9.0, 50)[:, None]).number.tolist()
    [1]
    """
    count, size = nodes.shape
    point, u = np.repeat(np.arange(size), count), nodes.T.ravel()
    slope = function(u, point)[1]
    point, u, slope = _with_maxima(function, point, u, slope)
    change = np.flatnonzero((point[1:] == point[:-1]) & ((slope[1:] > 0) != (slope[:-1] > 0)))
    owner = point[change]
    ends = u[change], u[change + 1], slope[change], slope[change + 1]
    x = bracketed(lambda t, i: function(t, owner[i])[1], *ends)
    value = function(x, owner)[0]
    rising = np.flatnonzero((slope[change[:-1]] <= 0) & (owner[1:] == owner[:-1])) if change.size else change
    through = np.minimum(-value[rising], value[rising + 1]) if rising.size else np.empty(0)
    steepest = np.full(size, -np.inf)
    np.maximum.at(steepest, point, slope)
    margin = np.where(steepest < 0, steepest, -np.inf)
    np.maximum.at(margin, owner[rising], through)
    return Rises(np.bincount(owner[rising], weights=through > 0, minlength=size).astype(np.int64), margin)


def _with_maxima(
    function: Function, point: np.ndarray, u: np.ndarray, slope: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes with the extrema of the slope between them that turn back before zero on the nodes."""
    inner = (point[2:] == point[:-2]) & (u[2:] > u[1:-1]) & (u[1:-1] > u[:-2])
    sign = np.where(slope > 0, 1.0, -1.0)
    size = np.abs(slope)
    inner &= (sign[2:] == sign[1:-1]) & (sign[:-2] == sign[1:-1])
    inner &= (size[1:-1] <= size[2:]) & (size[1:-1] <= size[:-2])
    inner &= size[1:-1] < 2 * np.maximum(size[2:], size[:-2]) - 2 * size[1:-1]
    at = np.flatnonzero(inner) + 1
    if not at.size:
        return point, u, slope
    ends = u[at - 1], u[at], u[at + 1], size[at]
    best, least = extremum(lambda t, i: sign[at[i]] * function(t, point[at[i]])[1], *ends, 0.0)
    point, u = np.append(point, point[at]), np.append(u, best)
    slope = np.append(slope, sign[at] * least)
    order = np.lexsort((u, point))
    return point[order], u[order], slope[order]
