"""Integrals of growth rates over ``ln v``, in panels of Gauss-Legendre nodes, each point with panels of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

NODES, NODE_WEIGHTS = ((np.polynomial.legendre.leggauss(32)[0] + 1) / 2, np.polynomial.legendre.leggauss(32)[1] / 2)

TOLERANCE, HALVINGS = 1e-12, 24
"""Error of a panel, relative to 1 and its value, above which it is halved, and how often: a kink needs some 14."""

Rate = Callable[[np.ndarray], np.ndarray]


def _panels(low: np.ndarray, width: np.ndarray, widest: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equal panels of ``ln v`` from ``ln low`` over ``width (B,)``, none wider than ``widest``: point, first v, width."""
    count = np.ceil(width / widest).astype(int)
    point = np.repeat(np.arange(len(low)), count)
    index = np.arange(len(point)) - np.repeat(np.cumsum(count) - count, count)
    h = (width / np.maximum(count, 1))[point]
    return point, low[point] * np.exp(h * index), h


def refined(
    rate_at: Callable[[np.ndarray], Rate], low: np.ndarray, width: np.ndarray, widest: float
) -> tuple[np.ndarray, np.ndarray]:
    """As `integral`, with panels halved until the halves agree with the whole, and their difference as the error.

    Examples
    --------
    >>> value, error = refined(lambda points: lambda v: np.abs(v - 2.0), np.ones(1), np.log([4.0]), 4.0)
    >>> bool(abs(value[0] - 0.5) < 1e-9), bool(error[0] < 1e-9)
    (True, True)
    """
    point, start, h = _panels(low, width, widest)
    value = _rule(rate_at(point), start, h)
    result, error = np.zeros_like(low), np.zeros_like(low)
    for i in range(HALVINGS):
        if not point.size:
            break
        starts = np.stack([start, start * np.exp(h / 2)], axis=-1).ravel()
        parts = _rule(rate_at(np.repeat(point, 2)), starts, np.repeat(h / 2, 2))
        both = parts[::2] + parts[1::2]
        difference = np.abs(both - value)
        rough = (difference > TOLERANCE * (1 + np.abs(both))) & (i < HALVINGS - 1)
        for sums, part in ((result, both), (error, difference)):
            sums += np.bincount(point[~rough], weights=part[~rough], minlength=len(low))
        again = np.repeat(rough, 2)
        point, start, h, value = np.repeat(point, 2)[again], starts[again], np.repeat(h / 2, 2)[again], parts[again]
    return result, error


def _rule(rate: Rate, start: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Half the integral of ``rate(v)`` over ``ln v`` from ``ln start`` over ``step``, 32 Gauss-Legendre nodes."""
    value = np.zeros_like(start)
    for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
        value += weight * rate(start * np.exp(step * node))
    return step * value / 2


def integral(rate_at: Callable[[np.ndarray], Rate], low: np.ndarray, width: np.ndarray, widest: float) -> np.ndarray:
    """Half the integral of ``rate(v)`` over ``ln v`` from ``ln low`` over ``width (B,)``, in panels of 32 nodes.

    ``rate_at(points)`` is the rate of some points; panels are equal, and no wider than ``widest``.

    Examples
    --------
    >>> integral(lambda points: lambda v: v, np.ones(1), np.log([3.0]), 4.0).round(12).tolist()
    [1.0]
    """
    point, start, h = _panels(low, width, widest)
    return np.bincount(point, weights=_rule(rate_at(point), start, h), minlength=len(low))
