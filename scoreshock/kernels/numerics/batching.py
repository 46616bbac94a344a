"""Broadcast arguments cut into flat batches that fit in cache, core dimensions first and points last and contiguous."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

BATCH = 8192
"""Points of a batch: some dozens of its temporaries stay in cache."""


def in_batches(
    kernel: Callable[..., tuple[np.ndarray, ...]],
    arguments: Sequence[tuple[Any, int]],
    outputs: Sequence[tuple[tuple[int, ...], Any]],
    batch: int = BATCH,
) -> tuple[np.ndarray, ...]:
    """Run ``kernel`` over flat batches of the broadcast leading shape.

    Parameters
    ----------
    kernel : callable
        From arrays ``(*core, B)`` to arrays ``(*core, B)`` or ``(*core, 1)``, elementwise in B.
    arguments : sequence of (array (..., *core), number of core dimensions)
        Leading dimensions broadcast.
    outputs : sequence of (core shape, dtype)
        Of each result.
    batch : int
        Largest number of points of a batch.

    Returns
    -------
    tuple of array (..., *core)

    Examples
    --------
    >>> (lengths,) = in_batches(lambda x: (abs(x[0]) + abs(x[1]),), [([[3.0, -4.0]], 1)], [((), float)])
    >>> lengths.tolist()
    [7.0]
    """
    arrays = [np.asarray(array) for array, _ in arguments]
    cores = [core for _, core in arguments]
    shape = np.broadcast_shapes(*(a.shape[: a.ndim - core] for a, core in zip(arrays, cores, strict=True)))
    views = [np.broadcast_to(a, shape + a.shape[a.ndim - core :]) for a, core in zip(arrays, cores, strict=True)]
    results = [np.empty(shape + own, dtype) for own, dtype in outputs]
    with np.errstate(all="ignore"):
        for box in boxes(shape, batch):
            lead = results[0][box].shape[: len(shape)]
            parts = [core_first(view[box], core, lead) for view, core in zip(views, cores, strict=True)]
            for target, value in zip(results, kernel(*parts), strict=True):
                own = value.shape[:-1]
                full = np.broadcast_to(value, (*own, prod(lead)))
                target[box] = np.moveaxis(full, -1, 0).reshape((*lead, *own))
    return tuple(results)


def core_first(array: np.ndarray, core: int, lead: tuple[int, ...]) -> np.ndarray:
    """The last ``core`` axes in front and all leading ones, broadcast to ``lead``, flattened to one contiguous batch."""
    own = array.shape[array.ndim - core :]
    full = np.broadcast_to(array, (*lead, *own)).reshape(-1, *own)
    return np.ascontiguousarray(np.moveaxis(full, 0, -1))


def boxes(shape: tuple[int, ...], limit: int, tile: int = 1) -> Iterator[tuple[slice, ...]]:
    """Boxes of ``shape`` of about ``limit`` points, which span the trailing axes.

    Runs along the last axis are multiples of ``tile``.

    Examples
    --------
    >>> list(boxes((2, 3), 3))
    [(slice(0, 1, None), slice(None, None, None)), (slice(1, 2, None), slice(None, None, None))]
    """
    if prod(shape) == 0:
        return
    inner, axis = 1, len(shape)
    while axis and inner * shape[axis - 1] <= limit:
        axis -= 1
        inner *= shape[axis]
    rest = (slice(None),) * (len(shape) - axis)
    if axis == 0:
        yield rest
        return
    length = shape[axis - 1]
    step = -(-length // -(-length // max(1, limit // inner)))
    if inner == 1:
        step = -(-step // tile) * tile
    for outer in np.ndindex(shape[: axis - 1]):
        for part in slices(length, step):
            yield (*(slice(i, i + 1) for i in outer), part, *rest)


def slices(size: int, step: int) -> Iterator[slice]:
    """Consecutive slices of ``step`` (at least one) of ``size`` points.

    Examples
    --------
    >>> list(slices(3, 2))
    [slice(0, 2, None), slice(2, 3, None)]
    """
    step = max(1, step)
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))
