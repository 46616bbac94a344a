"""Points against components with covariances, block by block, and the products of their precisions.

Layout of a block: features or directions first, then M mixtures, k components, and W points of each mixture last,
``(n, M, k, W)``. Matrix products run in tiles of a fixed width, and sums in a fixed order, so that a point's bits depend on
that point alone.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.covariances.components import Components
from scoreshock.kernels.numerics.batching import boxes
from scoreshock.kernels.numerics.blocks import BLOCK, FEW_FEATURES, TILE, tiled_product, total
from scoreshock.kernels.numerics.posterior import softmax

FAR, COMPETING = 1e4, 60.0
"""Squared distance, in the norm of the precision, above which its rounding matters where several logits are this close."""


class Points(NamedTuple):
    """A block. Arrays of components have k or 1 in the place of k."""

    x: np.ndarray  # (n, M, 1, W)
    noise: np.ndarray  # (M, 1, W), 2 tau
    outside: np.ndarray  # (M, 1, W), dimensions beyond the n features
    outside_squared: np.ndarray  # (M, 1, W), squared distance in those
    means: np.ndarray  # (n, M, k, 1)
    log_weights: np.ndarray  # (M, k, 1)
    variance: np.ndarray  # (M, k, 1)
    eigenvalues: np.ndarray | None  # (r, M, k, 1)
    directions: np.ndarray | None  # (M, k, r, n)
    complete: bool

    @property
    def shared(self) -> bool:
        """Whether one covariance holds for all components."""
        along, rows = self.eigenvalues, self.directions
        own = (self.variance.shape[1], 1 if along is None else along.shape[2], 1 if rows is None else rows.shape[1])
        return max(own) == 1


class Noisy(NamedTuple):
    """Variances at the points' times, NaN where one is 0, and where the components lie from the points."""

    floor: np.ndarray  # (M, k, W) variance along other directions
    along: np.ndarray | None  # (r, M, k, W) along the listed directions
    y: np.ndarray  # (n, M, k, W), mean - x
    coordinates: np.ndarray  # (r, M, k, W) of y along the directions
    rest: np.ndarray  # (n, M, k, W) of y across them


Kernel = Callable[[Points], tuple[np.ndarray, ...]]


def sweep(
    kernel: Kernel,
    cores: list[tuple[str, ...]],
    x: Any,
    c: Components,
    tau: Any,
    dimension: Any = None,
    perpendicular_squared: Any = 0.0,
    matrices: bool = False,
) -> tuple[np.ndarray, ...]:
    """Run ``kernel`` over blocks of the broadcast leading shape; one array (..., *core) for each core shape in ``cores``.

    The kernel's arrays are ``(*core, M, W)``, with core dimensions of ``"n"`` and ``"k"``; ``matrices``:
    whether it forms matrices n x n.
    """
    k, n = c.means.shape[-2:]
    x, tau = np.asarray(x, dtype=float), np.asarray(tau, dtype=float)
    extra = np.asarray(0 if dimension is None else np.subtract(dimension, n)), np.asarray(perpendicular_squared)
    shape = np.broadcast_shapes(x.shape[:-1], c.lead, tau.shape, *(a.shape for a in extra))
    own = np.broadcast_shapes((1,) * len(shape), c.lead)
    # Dimensions that a mixture depends on go first, so that the points of a block share mixtures.
    order = sorted(range(len(shape)), key=lambda axis: own[axis] == 1)
    split = sum(size > 1 for size in own)
    lead, mixtures = (tuple(s[axis] for axis in order) for s in (shape, own))
    points = [_reordered(a, core, shape, order) for a, core in ((x, 1), (2 * tau, 0), *((a, 0) for a in extra))]
    fields = [a if a is None else _reordered(a, core, own, order) for a, core in zip(c, (2, 1, 1, 2, 3), strict=True)]
    results = [np.empty(lead + tuple({"n": n, "k": k}[name] for name in core)) for core in cores]
    limit = _points_of_block(c, matrices)
    with np.errstate(all="ignore"):
        for box in boxes(lead, limit, TILE):
            within = tuple(slice(None) if size == 1 else cut for size, cut in zip(mixtures, box, strict=True))
            size = [len(range(*cut.indices(length))) for cut, length in zip(box, lead, strict=True)]
            counts = prod(size[:split]), prod(size[split:])
            parts = [a[box].reshape((*counts, *a.shape[len(lead) :])) for a in points]
            own_parts = [None if a is None else a[within].reshape((counts[0], *a.shape[len(lead) :])) for a in fields]
            block = _points(parts, own_parts, c.complete)
            for target, value in zip(results, kernel(block), strict=True):
                core = value.shape[:-2]
                full = np.broadcast_to(value, core + counts)
                target[box] = np.moveaxis(full, (-2, -1), (0, 1)).reshape((*size, *core))
    back = np.argsort(order)
    return tuple(a.transpose(*back, *range(len(lead), a.ndim)) for a in results)


def _points_of_block(c: Components, matrices: bool) -> int:
    """Points whose temporaries fit in cache: a few of k n numbers each, or matrices n x n and their factors."""
    k, n = c.means.shape[-2:]
    rows = 1 if c.eigenvalues is None else c.eigenvalues.shape[-1]
    if matrices:
        return max(1, 2 * BLOCK // (n * max(n, k * rows)))
    return max(TILE, 2 * BLOCK // (k * n * -(-rows // 8)))


def _reordered(array: np.ndarray, core: int, shape: tuple[int, ...], order: list[int]) -> np.ndarray:
    """A view with its leading dimensions broadcast to ``shape`` and reordered, (*leading, *core)."""
    full = np.broadcast_to(array, shape + array.shape[array.ndim - core :])
    return full.transpose(*order, *range(len(shape), full.ndim))


def _points(parts: list[np.ndarray], fields: list[Any], complete: bool) -> Points:
    """A block of points ``x (M, W, n)``, ``noise (M, W)`` and so on, and of components ``means (M, k, n)`` and so on."""
    x, noise, outside, squared = parts
    means, weights, variance, eigenvalues, directions = fields
    return Points(
        x=np.ascontiguousarray(np.moveaxis(x, -1, 0))[:, :, None],
        noise=noise[:, None],
        outside=outside[:, None],
        outside_squared=squared[:, None],
        means=np.ascontiguousarray(np.moveaxis(means, -1, 0))[..., None],
        log_weights=np.log(weights)[..., None],
        variance=variance[..., None],
        eigenvalues=None if eigenvalues is None else np.ascontiguousarray(np.moveaxis(eigenvalues, -1, 0))[..., None],
        directions=None if directions is None else np.ascontiguousarray(directions),
        complete=complete,
    )


def noisy(p: Points) -> Noisy:
    """Variances and positions of the block."""
    floor = p.variance + p.noise
    floor = np.where(floor > 0, floor, np.nan)
    y = p.means - p.x
    if p.eigenvalues is None:
        return Noisy(floor, None, y, np.empty((0, *y.shape[1:])), y)
    along = p.eigenvalues + p.noise
    along = np.where(along > 0, along, np.nan)
    coordinates = onto(p, y)
    rest = np.zeros_like(y) if p.complete else y - across(p, coordinates)
    return Noisy(floor, along, y, coordinates, rest)


def onto(p: Points, vectors: np.ndarray) -> np.ndarray:
    """Coordinates (r, M, k, W) of vectors (n, M, k, W) along the directions of their components."""
    if p.directions is None:
        return vectors
    return _rotated(p.directions, vectors)


def across(p: Points, coordinates: np.ndarray) -> np.ndarray:
    """Vectors (n, M, k, W) of their coordinates along the directions."""
    if p.directions is None:
        return coordinates
    return _rotated(np.swapaxes(p.directions, -1, -2), coordinates)


def _rotated(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Products of ``matrices (M, k or 1, m, c)`` with ``vectors (c, M, k or 1, W)``, (m, M, k, W)."""
    mixtures, owners, m, c = matrices.shape
    k = max(vectors.shape[2], owners)
    if max(m, c) <= FEW_FEATURES:
        rows = matrices.transpose(2, 3, 0, 1)[..., None]
        return np.stack([_combined(row, vectors) for row in rows])
    shape = (c, mixtures, k, vectors.shape[-1])
    flat = np.broadcast_to(vectors, shape).reshape(c, -1)
    run = shape[-1] if owners == k else k * shape[-1]
    return tiled_product(matrices.reshape(-1, m, c), flat, run).reshape(m, *shape[1:])


def _combined(row: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """``sum_c row_c vectors_c``, one term after the other."""
    result = row[0] * vectors[0]
    for one, vector in zip(row[1:], vectors[1:], strict=True):
        result = result + one * vector
    return result


def over_components(terms: np.ndarray) -> np.ndarray:
    """Sum over the components, (..., M, k, W) -> (..., M, W)."""
    return total(np.moveaxis(terms, -2, 0))


def precise(p: Points, at: Noisy, coordinates: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Vectors times the precision of their component, ``P_k vector``, (n, M, k, W)."""
    if at.along is None:
        return rest / at.floor
    through = across(p, coordinates / at.along)
    return through if p.complete else rest / at.floor + through


def logits(p: Points, at: Noisy) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the weighted densities relative to the largest, (M, k, W), and that without the power of 2 pi (M, W)."""
    n, r = len(p.x), len(at.coordinates)
    beyond = p.outside if p.complete else p.outside + (n - r)
    squares = p.outside_squared if p.complete else p.outside_squared + total(at.rest * at.rest)
    # Where nothing lies beyond the listed directions their variance does not count.
    none = (beyond == 0) & (squares == 0) if p.complete else np.zeros((), dtype=bool)
    form = np.where(none, 0.0, squares / at.floor + beyond * np.log(at.floor))
    if at.along is not None:
        form = form + total(at.coordinates * (at.coordinates / at.along) + np.log(at.along))
    values = np.broadcast_to(p.log_weights - 0.5 * form, np.broadcast_shapes(p.log_weights.shape, form.shape))
    largest = values.max(axis=1)
    relative = values - largest[:, None]
    if p.shared and values.shape[1] > 1:
        far = (form.min(axis=1) > FAR) & (np.count_nonzero(relative > -COMPETING, axis=1) > 1)
        relative = np.where(far[:, None], _by_differences(p, at, values), relative) if far.any() else relative
    return relative, largest


def _by_differences(p: Points, at: Noisy, values: np.ndarray) -> np.ndarray:
    """Relative logits (M, k, W) of one shared covariance, by differences of means: far away squares lose their digits.

    ``|y_k|^2 - |y_l|^2 = (y_k - y_l) . (y_k + y_l)`` in the norm of the precision, l the largest of ``values``.
    """
    leader = values.argmax(axis=1)[:, None]
    steps = p.means - np.take_along_axis(p.means, leader[None], axis=2)
    sums = at.rest + np.take_along_axis(at.rest, leader[None], axis=2)
    coordinates = onto(p, steps) if p.eigenvalues is not None else np.empty((0, *steps.shape[1:]))
    if at.along is None:
        form = total(steps * sums) / at.floor
    else:
        along = at.coordinates + np.take_along_axis(at.coordinates, leader[None], axis=2)
        form = total(coordinates * (along / at.along))
        form = form if p.complete else form + total((steps - across(p, coordinates)) * sums) / at.floor
    return p.log_weights - np.take_along_axis(p.log_weights, leader, axis=1) - 0.5 * form


def posterior(p: Points, at: Noisy) -> tuple[np.ndarray, np.ndarray]:
    """Responsibilities (M, k, W), and the log density but for the power of 2 pi, (M, W)."""
    relative, largest = logits(p, at)
    r, log_sum = softmax(np.array(np.moveaxis(relative, -2, 0)))
    return np.moveaxis(r, 0, -2), largest + log_sum
