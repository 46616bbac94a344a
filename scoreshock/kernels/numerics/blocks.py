"""Broadcasting of points against mixtures, block by block: a block fits in cache, whatever the size of the sweep.

Components and features come first and points last and contiguous, ``(k, B)`` and ``(n, B)``: a sum over components is
then a few additions of rows. A point's bits must not depend on its block, so sums over components run in a fixed
order and matrix products in tiles of a fixed width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.numerics.batching import boxes
from scoreshock.kernels.numerics.log_odds import about_centre

FEW_FEATURES = 4
"""Up to this many features differences are formed one by one; beyond it matrix products are faster."""

TILE = 64
"""Points in one matrix product: a multiple of the widths of BLAS kernels, so that no point lies on a ragged edge."""

BLOCK = 65536
"""Numbers in one temporary: half a megabyte, which stays in cache."""


class Mixtures(NamedTuple):
    """Mixtures of a block, core dimensions first; equation (13)."""

    means: np.ndarray  # (k, n, mixtures)
    shifted: np.ndarray  # (k, n, mixtures), means relative to the centre
    half_squares: np.ndarray  # (k, mixtures), half the squared lengths of the shifted means, for many features only
    centre: np.ndarray  # (n, mixtures)
    remainder: np.ndarray  # (n, mixtures), rounding error of the midpoint of a pair
    log_weights: np.ndarray  # (k, mixtures)


class Scratch:
    """Temporaries by name, reused from block to block: fresh memory costs more than the arithmetic done in it."""

    def __init__(self) -> None:
        self._buffers: dict[str, np.ndarray] = {}

    def __call__(self, name: str, *shape: int) -> np.ndarray:
        """An uninitialised array; its contents last until the next request for the name."""
        size = prod(shape)
        if name not in self._buffers or self._buffers[name].size < size:
            self._buffers[name] = np.empty(size)
        return self._buffers[name][:size].reshape(shape)


class Times(NamedTuple):
    """Variances of a block's points, (B,) or (1,)."""

    variance: np.ndarray
    noise: np.ndarray  # 2 tau
    v: np.ndarray  # NaN where it is 0
    inverse: np.ndarray  # 1 / v


class Block(NamedTuple):
    """Points of a block, ``(..., B)`` or ``(..., 1)`` where they share a value.

    Each of the mixtures holds for ``run`` consecutive points. Arrays by mixture are ``(..., B)`` in ``by_point``, or
    ``(..., 1)`` where there is one mixture.
    """

    x: np.ndarray  # (n, B)
    y: np.ndarray  # (n, B), relative to the centre
    times: Times
    mixtures: Mixtures
    by_point: Mixtures
    run: int
    scratch: Scratch
    memo: dict[str, Any]  # cache of a kernel, valid while the mixtures and times are the same objects
    out: tuple[np.ndarray | None, ...]  # memory in which a result may be computed, (..., B)

    @property
    def v(self) -> np.ndarray:
        return self.times.v

    @property
    def inverse(self) -> np.ndarray:
        return self.times.inverse

    @property
    def few_features(self) -> bool:
        return len(self.x) <= FEW_FEATURES

    @property
    def size(self) -> int:
        return self.mixtures.means.shape[-1] * self.run


Kernel = Callable[[Block], tuple[np.ndarray, ...]]


def sweep(kernel: Kernel, cores: list[tuple[str, ...]], *arguments: Any) -> tuple[np.ndarray, ...]:
    """Run ``kernel`` over blocks of the broadcast leading shape; one array for each core shape in ``cores``.

    Parameters
    ----------
    kernel : callable
        From a `Block` to arrays with the core dimensions first, ``(..., B)`` or ``(..., 1)``.
    cores : list of tuple of str
        Core dimensions of each result, of ``"k"`` and ``"n"``.
    *arguments
        ``x (..., n)``, ``means (..., k, n)``, ``weights (..., k)``, ``variance (...)``, ``tau (...)``.

    Returns
    -------
    tuple of array
        Each ``(..., *core)``, float64 whatever the arguments are.
    """
    x, means, weights, variance, tau = (np.asarray(a, dtype=float) for a in arguments)
    sizes = dict(zip("kn", means.shape[-2:], strict=True))
    leading = (means.shape[:-2], weights.shape[:-1])
    shape = np.broadcast_shapes(x.shape[:-1], *leading, variance.shape, tau.shape)
    own = np.broadcast_shapes((1,) * len(shape), *leading)
    # Dimensions that a mixture depends on go first, so that the points of a block share mixtures in long runs.
    order = sorted(range(len(shape)), key=lambda axis: own[axis] == 1)
    with np.errstate(all="ignore"):
        points = [_core_first(a, core, shape, order) for a, core in ((x, 1), (variance, 0), (2 * tau, 0))]
        mixtures = [_core_first(a, core, own, order) for a, core in _prepare(means, weights)]
        results = [np.empty(shape + tuple(sizes[name] for name in core)) for core in cores]
        targets = [_core_first(r, len(core), shape, order) for r, core in zip(results, cores, strict=True)]
        lead, own = tuple(shape[axis] for axis in order), tuple(own[axis] for axis in order)
        for box, block in _blocks(points, mixtures, lead, own, Scratch()):
            parts = [target[_within(box)] for target in targets]
            out = tuple(_flatten(p, len(box)) if p.flags.c_contiguous else None for p in parts)
            for part, value in zip(parts, kernel(block._replace(out=out)), strict=True):
                if not np.may_share_memory(part, value):
                    _store(part, value, len(box))
    return tuple(results)


def _core_first(array: np.ndarray, core: int, shape: tuple[int, ...], order: list[int]) -> np.ndarray:
    """A view (*core, *leading) of (*leading, *core), its leading dimensions broadcast to ``shape`` and reordered."""
    lead = array.ndim - core
    if array.shape[:lead] != shape:
        array = np.broadcast_to(array, shape + array.shape[lead:])
    return array.transpose(*range(len(shape), array.ndim), *order)


def _prepare(means: np.ndarray, weights: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Fields of `Mixtures` with the core dimensions last, each with the number of core dimensions."""
    centre, remainder, shifted = about_centre(np.moveaxis(means, -2, 0))
    shifted = np.ascontiguousarray(np.moveaxis(shifted, 0, -2))
    half_squares = 0.5 * (shifted * shifted).sum(axis=-1) if means.shape[-1] > FEW_FEATURES else np.zeros_like(means[..., 0])
    log_weights = np.log(np.ascontiguousarray(weights))
    return [(means, 2), (shifted, 2), (half_squares, 1), (centre, 1), (remainder, 1), (log_weights, 1)]


def _blocks(
    points: list[np.ndarray],
    mixtures: list[np.ndarray],
    shape: tuple[int, ...],
    own: tuple[int, ...],
    scratch: Scratch,
) -> Iterator[tuple[tuple[slice, ...], Block]]:
    """Boxes and their blocks; arrays that do not change from one block to the next are reused."""
    k, n = mixtures[0].shape[:2]
    lead = len(shape)
    constant = all(_is_shared(a, lead) for a in points[1:])
    last: tuple[Any, ...] = ()
    times: Times | None = None
    memo: dict[str, Any] = {}
    limit = max(TILE, BLOCK // max(k if k > 2 else 1, n))
    alike = prod(size for size, mixture in zip(shape, own, strict=True) if mixture == 1)
    # Mixtures apart where runs are long.
    for box in boxes(shape, alike if limit // 8 <= alike <= limit else limit, TILE):
        within = tuple(slice(None) if size == 1 else cut for size, cut in zip(own, box, strict=True))
        count = prod(points[-1][_within(box)].shape)
        if (within, count) != last:
            shared = Mixtures(*(_flatten(a[_within(within)], lead) for a in mixtures))
            run = count // shared.means.shape[-1]
            by_point = shared if run == count else Mixtures(*(np.repeat(a, run, axis=-1) for a in shared))
            offset = bool(shared.centre.any()), bool(shared.remainder.any())
            last = within, count
            memo = {}
        if times is None or not constant:
            times = _times(*(_columns(a[_within(box)], lead) for a in points[1:]))
            memo = {}
        x = _columns(points[0][_within(box)], lead)
        if n <= FEW_FEATURES:
            x = contiguous(x, scratch("x", *x.shape))
        yield box, Block(x, _centred(x, by_point, offset, scratch), times, shared, by_point, run, scratch, memo, ())


def _within(box: tuple[slice, ...]) -> Any:
    """Index of a box in the trailing dimensions."""
    return (..., *box)


def _times(variance: np.ndarray, noise: np.ndarray) -> Times:
    v = variance + noise
    v = np.where(v > 0, v, np.nan)
    return Times(variance, noise, v, 1 / v)


def _centred(x: np.ndarray, by_point: Mixtures, offset: tuple[bool, bool], scratch: Scratch) -> np.ndarray:
    """Points relative to the centre; ``offset`` says whether centres and remainders are other than zero."""
    if not any(offset):
        return x
    n, width = len(x), max(x.shape[-1], by_point.centre.shape[-1])
    place = scratch("y", n, width) if n <= FEW_FEATURES else scratch("y", width, n).T
    y = np.subtract(x, by_point.centre, out=place)
    if offset[1]:
        y -= by_point.remainder
    return y


def _columns(part: np.ndarray, lead: int) -> np.ndarray:
    """A point's argument as (..., B), or (..., 1) where all points share it."""
    if _is_shared(part, lead):
        part = part[_within((slice(0, 1),) * lead)]
    return _flatten(part, lead)


def _is_shared(part: np.ndarray, lead: int) -> bool:
    """Whether the array has one value along its leading dimensions, which are its last axes here."""
    core = part.ndim - lead
    return all(s == 0 or size == 1 for s, size in zip(part.strides[core:], part.shape[core:], strict=True))


def _flatten(part: np.ndarray, lead: int) -> np.ndarray:
    return part.reshape(*part.shape[: part.ndim - lead], -1)


def _store(target: np.ndarray, value: np.ndarray, lead: int) -> None:
    """Write (..., B) or (..., 1) into a view (*core, *box)."""
    core = target.shape[: target.ndim - lead]
    value = value.reshape(core + ((1,) * lead if value.shape[-1] == 1 else target.shape[len(core) :]))
    if not value.flags.c_contiguous:
        target[...] = value
        return
    # Row by row: NumPy would run its inner loop over the few features.
    for index in product(*map(range, core)):
        target[index] = value[index]


def contiguous(array: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The array itself if it is contiguous, else a copy in the memory of ``place``, row by row."""
    if array.flags.c_contiguous:
        return array
    for row, values in zip(place, array, strict=True):
        row[...] = values
    return place


def total(rows: np.ndarray, place: np.ndarray | None = None) -> np.ndarray:
    """Sum over the first axis, always in the same pairs: NumPy's own order depends on the width of the block.

    ``place``, which may be ``rows``, is memory for half of the rows.
    """
    count = len(rows)
    if count == 1:
        return rows[0].copy()
    if place is None:
        place = np.empty((count // 2, *rows.shape[1:]))
    while count > 1:
        half = count // 2
        np.add(rows[:half], rows[half : 2 * half], out=place[:half])
        if count % 2:
            place[0] += rows[count - 1]
        rows, count = place, half
    return place[0]


def products(b: Block, vectors: np.ndarray) -> np.ndarray:
    """Inner products of each centred point with vectors (k, n, mixtures) of its mixture, (k, B)."""
    mixtures, count = vectors.shape[-1], -(-b.run // TILE)
    points = np.broadcast_to(b.y, (len(b.y), b.size)).T.reshape(mixtures, b.run, -1)
    y = _padded(points, 1).reshape(mixtures, count, TILE, -1)
    tiles = np.ascontiguousarray(vectors.transpose(2, 0, 1))[:, None] @ y.swapaxes(-1, -2)
    rows = tiles.transpose(2, 0, 1, 3).reshape(len(vectors), mixtures, -1)
    return rows[:, :, : b.run].reshape(len(vectors), -1)


def combinations(b: Block, coefficients: np.ndarray) -> np.ndarray:
    """Sums of the shifted means with coefficients (k, B), (n, B)."""
    k, n, mixtures = b.mixtures.shifted.shape
    rows = _padded(np.broadcast_to(coefficients, (k, b.size)).reshape(k, mixtures, b.run), 2)
    tiles = np.ascontiguousarray(rows.reshape(k, mixtures, -1, TILE).transpose(1, 2, 0, 3))
    shifted = np.ascontiguousarray(b.mixtures.shifted.transpose(2, 0, 1))[:, None]
    points = (tiles.swapaxes(-1, -2) @ shifted).reshape(mixtures, -1, n)
    return points[:, : b.run].reshape(b.size, n).T


def rows_of_means(b: Block, component: np.ndarray) -> np.ndarray:
    """Mean of the ``component (B,)`` at each point, (B, n)."""
    k, n, mixtures = b.mixtures.means.shape
    table = np.ascontiguousarray(b.mixtures.means.transpose(2, 0, 1)).reshape(-1, n)
    if mixtures > 1:
        component = component + np.arange(0, mixtures * k, k).repeat(b.run)
    return table.take(component, axis=0)


def _padded(array: np.ndarray, axis: int) -> np.ndarray:
    """A contiguous copy, its axis padded with zeros to a multiple of the tile."""
    length = array.shape[axis]
    if length % TILE == 0:
        return np.ascontiguousarray(array)
    shape = list(array.shape)
    shape[axis] = -(-length // TILE) * TILE
    padded = np.zeros(shape)
    padded[(slice(None),) * axis + (slice(length),)] = array
    return padded
