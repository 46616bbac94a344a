"""Geometry of marks, which both renderers share: edges of cells, even grids of images, contours and arrows as lines."""

from __future__ import annotations

from typing import Any

import numpy as np

CELLS = 512
"""Most cells of an image along an axis whose grid is uneven."""

EVEN = 1e-6
"""Relative difference of the cells of an even grid."""

HEAD_LENGTH, HEAD_ANGLE = 0.3, 0.5
"""Arrow head: length of its sides as a fraction of the arrow, and their angle to it in radians."""


def edges(centres: np.ndarray, logarithmic: bool = False) -> np.ndarray:
    """Edges of cells around increasing or decreasing ``centres``, halfway between them; one cell has the width of its value.

    Examples
    --------
    >>> edges(np.array([0.0, 1.0, 3.0]))
    array([-0.5,  0.5,  2. ,  4. ])
    """
    values = np.log(centres) if logarithmic else np.asarray(centres, float)
    if values.size == 1:
        half = 0.5 if logarithmic else abs(values[0]) / 2 or 0.5
        inner = np.array([values[0] - half, values[0] + half])
    else:
        middle = (values[1:] + values[:-1]) / 2
        inner = np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])
    return np.exp(inner) if logarithmic else inner


def even(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, logx: bool = False, logy: bool = False
) -> tuple[tuple[float, float], tuple[float, float], np.ndarray]:
    """An image ``z (y, x)`` on a grid that is even on its axes: ends of x, ends of y, and cells from the lowest y on.

    An uneven grid is repeated on at most `CELLS` cells along the axis, each with the value of the cell at its centre.
    """
    (left, right), columns = _evenly(x, logx)
    (low, high), rows = _evenly(y, logy)
    return (left, right), (low, high), np.asarray(z)[np.ix_(rows, columns)]


def _evenly(centres: np.ndarray, logarithmic: bool) -> tuple[tuple[float, float], np.ndarray]:
    """Ends of an axis, and the index of the cell at each of its even steps."""
    order = np.argsort(centres)
    borders = edges(np.asarray(centres, float)[order], logarithmic)
    steps = np.log(borders) if logarithmic else borders
    widths = np.diff(steps)
    ends = float(borders[0]), float(borders[-1])
    if np.ptp(widths) <= EVEN * widths.max():
        return ends, order
    count = int(min(CELLS, np.ceil(4 * (steps[-1] - steps[0]) / widths.min())))
    middles = steps[0] + (np.arange(count) + 0.5) / count * (steps[-1] - steps[0])
    return ends, order[np.clip(np.searchsorted(steps, middles, side="right") - 1, 0, order.size - 1)]


def isoline(x: np.ndarray, y: np.ndarray, z: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The line on which ``z (y, x)`` has the value ``level``, interrupted by NaN; empty where there is none.

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> isoline(x, np.array([0.0, 1.0]), np.stack([x, x]), 0.5)[0]
    array([0.5, 0.5])
    """
    import contourpy

    if min(np.shape(z)) < 2:
        return np.empty(0), np.empty(0)
    pieces: Any = contourpy.contour_generator(x, y, np.ma.masked_invalid(z)).lines(level)
    gap = np.full((1, 2), np.nan)
    joined = [part for piece in pieces for part in (gap, piece)][1:]
    path = np.concatenate(joined) if joined else np.empty((0, 2))
    return path[:, 0], path[:, 1]


def arrows(x: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Arrows centred on points as one line, interrupted by NaN: tail, tip, and both sides of the head.

    The longest spans one cell, the least distance of different x and y; an arrow without a finite length is left out.
    """
    x, y, u, v = (np.ravel(each).astype(float) for each in np.broadcast_arrays(x, y, u, v))
    wide, high = _spacing(x), _spacing(y)
    arrow = u / wide + 1j * v / high
    kept = np.isfinite(arrow) & (abs(arrow) > 0)
    if not kept.any():
        return np.empty(0), np.empty(0)
    arrow = arrow[kept] / abs(arrow[kept]).max()
    tail = x[kept] / wide + 1j * y[kept] / high - arrow / 2
    tip, side = tail + arrow, HEAD_LENGTH * arrow * np.exp(1j * HEAD_ANGLE)
    other = HEAD_LENGTH * arrow * np.exp(-1j * HEAD_ANGLE)
    path = np.stack([tail, tip, tip - side, tip, tip - other, np.full_like(tip, np.nan * (1 + 1j))], axis=-1).ravel()
    return path.real * wide, path.imag * high


def _spacing(values: np.ndarray) -> float:
    steps = np.diff(np.unique(values))
    return float(steps.min()) if steps.size else 1.0
