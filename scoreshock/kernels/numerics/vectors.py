"""Products, lengths and traces of stacks of short vectors, summed in a fixed order for each point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Rows = np.ndarray | Sequence[np.ndarray]


def added(rows: Rows) -> np.ndarray:
    """Sum over the first axis, one row after the other, (n, ...) -> (...)."""
    total = rows[0].copy()
    for row in rows[1:]:
        total += row
    return total


def inner(a: Rows, b: Rows) -> np.ndarray:
    """Inner product over the first axis, (n, ...) -> (...)."""
    total = a[0] * b[0]
    for i in range(1, len(a)):
        total += a[i] * b[i]
    return total


def square(rows: np.ndarray) -> np.ndarray:
    """Squared length over the first axis, (n, ...) -> (...)."""
    return inner(rows, rows)


def diagonal_sum(matrix: np.ndarray) -> np.ndarray:
    """Trace over the first two axes, (n, n, ...) -> (...)."""
    return added([matrix[i, i] for i in range(len(matrix))])


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Inner product over the last axis, (..., n) -> (...)."""
    return inner(np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0))


def length(vector: np.ndarray) -> np.ndarray:
    """Length over the last axis, (..., n) -> (...), without overflow of its square."""
    rows = np.moveaxis(vector, -1, 0)
    total = np.abs(rows[0])
    for row in rows[1:]:
        total = np.hypot(total, row)
    return total


def lengths(rows: np.ndarray) -> np.ndarray:
    """Length over the first axis, (n, ...) -> (...), without overflow of its square."""
    scale = np.abs(rows).max(axis=0)
    safe = np.where(scale > 0, scale, 1.0)
    squares = np.zeros_like(scale)
    for row in rows:
        squares = squares + (row / safe) ** 2
    return safe * np.sqrt(squares)


def trace(matrix: np.ndarray) -> np.ndarray:
    """Trace over the last two axes, (..., n, n) -> (...)."""
    return diagonal_sum(np.moveaxis(matrix, (-2, -1), (0, 1)))


def along(matrix: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """``unit' matrix unit`` over the last axes, (..., n, n) and (..., n) -> (...)."""
    return dot(unit, np.stack([dot(matrix[..., i, :], unit) for i in range(matrix.shape[-1])], axis=-1))


def contracted(subscripts: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``np.einsum`` over stacks whose last axis numbers the points, in the same order for any number of points.

    Each row of points is contiguous. NumPy's inner loop runs along the longest such axis, except where it has one point.

    Examples
    --------
    >>> contracted("ijp,jp->ip", np.ones((2, 3, 1)), np.ones((3, 1))).tolist()
    [[3.0], [3.0]]
    """
    if a.shape[-1] != 1:
        return np.asarray(np.einsum(subscripts, a, b))
    return np.asarray(np.einsum(subscripts, a.repeat(2, axis=-1), b.repeat(2, axis=-1)))[..., :1]
