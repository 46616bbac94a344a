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
        for box in _boxes(shape):
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


def _boxes(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Boxes of at most about ``BATCH`` points, trailing axes whole first."""
    if prod(shape) == 0:
        return
    inner, axis = 1, len(shape)
    while axis and inner * shape[axis - 1] <= BATCH:
        axis -= 1
        inner *= shape[axis]
    if axis == 0:
        yield tuple(slice(None) for _ in shape)
        return
    step = max(1, BATCH // inner)
    for outer in np.ndindex(shape[: axis - 1]):
        for start in range(0, shape[axis - 1], step):
            yield (*(slice(i, i + 1) for i in outer), slice(start, start + step))
