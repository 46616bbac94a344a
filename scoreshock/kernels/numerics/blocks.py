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

FEW_FEATURES, FEW_COMPONENTS = 4, 4
"""Up to this many features and components sums are formed row by row; beyond it matrix products are faster."""

TILE = 24
"""Points in one matrix product: a multiple of the widths of BLAS kernels, so that no point lies on a ragged edge and all are
computed alike; few, because a mixture with a single point is padded to it."""

BLOCK = 65536
"""Numbers in one temporary: half a megabyte, which stays in cache; twice that for many features (few temporaries)."""


class Mixtures(NamedTuple):
    """Mixtures of a block, core dimensions first; equation (13)."""

    means: np.ndarray  # (k, n, mixtures)
    shifted: np.ndarray  # (k, n, mixtures), means relative to the centre
    half_squares: np.ndarray  # (k, mixtures), half the squared lengths of the shifted means, less that of the first
    half_first: np.ndarray  # (mixtures,), half the squared length of the first
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
    y: np.ndarray  # (n, B), relative to the centre; that of many features lasts until the posterior is computed
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
    def in_rows(self) -> bool:
        """Whether products with the means are formed row by row."""
        return len(self.x) == 1 or (self.few_features and len(self.mixtures.means) <= FEW_COMPONENTS)

    @property
    def size(self) -> int:
        return self.mixtures.means.shape[-1] * self.run

    def memory_of_score(self) -> np.ndarray:
        """Memory (n, B) of the last result where it lies in one piece, else scratch."""
        out = self.out[-1]
        return self.scratch("score", self.size, len(self.x)).T if out is None else out


Kernel = Callable[[Block], tuple[np.ndarray, ...]]


def sweep(
    kernel: Kernel, cores: list[tuple[str, ...]], *arguments: Any, plain_points: int = BLOCK
) -> tuple[np.ndarray, ...]:
    """Run ``kernel`` over blocks of the broadcast leading shape; one array for each core shape in ``cores``.

    Parameters
    ----------
    kernel : callable
        From a `Block` to arrays with the core dimensions first, ``(..., B)`` or ``(..., 1)``.
    cores : list of tuple of str
        Core dimensions of each result, of ``"k"`` and ``"n"``.
    *arguments
        ``x (..., n)``, ``means (..., k, n)``, ``weights (..., k)``, ``variance (...)``, ``tau (...)``.
    plain_points
        Points in a block where nothing but points on a line differs, of a kernel that divides these by itself.

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
        for box, block in _blocks(points, mixtures, lead, own, Scratch(), plain_points):
            parts = [target[_within(box)] for target in targets]
            out = tuple(_memory(p, len(box)) for p in parts)
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
    first = shifted[..., :1, :]
    # Products of differences and sums: squared lengths may be large and nearly equal.
    half_squares = 0.5 * ((shifted - first) * (shifted + first)).sum(axis=-1)
    half_first = 0.5 * (first * first).sum(axis=-1)[..., 0]
    log_weights = np.log(np.ascontiguousarray(weights))
    cores = (2, 2, 1, 0, 1, 1, 1)
    return list(zip((means, shifted, half_squares, half_first, centre, remainder, log_weights), cores, strict=True))


def _blocks(
    points: list[np.ndarray],
    mixtures: list[np.ndarray],
    shape: tuple[int, ...],
    own: tuple[int, ...],
    scratch: Scratch,
    plain_points: int,
) -> Iterator[tuple[tuple[slice, ...], Block]]:
    """Boxes and their blocks; arrays that do not change from one block to the next are reused."""
    k, n = mixtures[0].shape[:2]
    lead = len(shape)
    constant = all(_is_shared(a, lead) for a in points[1:])
    last: tuple[Any, ...] = ()
    times: Times | None = None
    memo: dict[str, Any] = {}
    numbers = BLOCK if n <= FEW_FEATURES else 2 * BLOCK
    limit = max(TILE, numbers // max(k if k > 2 else 1, n))
    if k == 2 and n == 1 and constant and prod(own) == 1:
        limit = plain_points
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
        x = contiguous(x, scratch("x", *x.shape)) if n <= FEW_FEATURES else np.ascontiguousarray(x.T).T
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
    y = scratch("y", n, width) if n <= FEW_FEATURES else scratch("y", width, n).T
    if n > FEW_FEATURES and width % TILE == 0 and by_point.centre.shape[-1] == 1 and x.shape[-1] == width:
        # A tile at a time: NumPy's loops over the features of one point are short.
        tiles = (width // TILE, TILE * n)
        np.subtract(x.T.reshape(tiles), np.tile(by_point.centre[:, 0], TILE), out=y.T.reshape(tiles))
    else:
        np.subtract(x, by_point.centre, out=y)
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


def _memory(part: np.ndarray, lead: int) -> np.ndarray | None:
    """The part as (*core, B) in its own memory, None where it does not lie in one piece."""
    whole = part.flags.c_contiguous or np.moveaxis(part, 0, -1).flags.c_contiguous
    return _flatten(part, lead) if whole else None


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


def products(b: Block, y: np.ndarray) -> np.ndarray:
    """Inner products of ``y (n, B)`` with the shifted means, (k, B)."""
    return _multiply(b, np.ascontiguousarray(b.mixtures.shifted.transpose(2, 0, 1)), y, not b.few_features, "products")


def combinations(b: Block, coefficients: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Sums of the shifted means with coefficients (k, B), (n, B); ``out`` is memory for many features."""
    if b.few_features:
        return _multiply(b, np.ascontiguousarray(b.mixtures.shifted.transpose(2, 1, 0)), coefficients, False, "mean")
    _, n, mixtures = b.mixtures.shifted.shape
    tiles, means = (
        _tiles(coefficients, mixtures, b.run, False),
        np.ascontiguousarray(b.mixtures.shifted.transpose(2, 0, 1))[:, None],
    )
    if out is not None and b.run % TILE == 0:
        np.matmul(tiles.swapaxes(-1, -2), means, out=out.T.reshape(mixtures, -1, TILE, n))
        return out
    points = (tiles.swapaxes(-1, -2) @ means).reshape(mixtures, -1, n)
    return points[:, : b.run].reshape(b.size, n).T


def _multiply(b: Block, matrices: np.ndarray, columns: np.ndarray, points_first: bool, name: str) -> np.ndarray:
    """Product of the matrix (mixtures, m, c) of each mixture with its columns (c, B), (m, B)."""
    mixtures, m = matrices.shape[:2]
    rows = b.scratch(name, m, mixtures, _padded(b.run))
    return tiled_product(matrices, columns, b.run, rows, points_first)


def tiled_product(
    matrices: np.ndarray, columns: np.ndarray, run: int, rows: np.ndarray | None = None, points_first: bool = False
) -> np.ndarray:
    """Product of each matrix (mixtures, m, c) with its ``run`` of the columns (c, B), (m, B), in tiles of fixed width.

    ``rows (m, mixtures, run)``, the run rounded up to whole tiles, is memory for the product; ``points_first`` as in
    `_tiles`.

    Examples
    --------
    >>> tiled_product(np.array([[[1.0, 2.0]], [[3.0, 4.0]]]), np.ones((2, 2)), 1).tolist()
    [[3.0, 7.0]]
    """
    mixtures, m = matrices.shape[:2]
    rows = np.empty((m, mixtures, _padded(run))) if rows is None else rows
    tiles = _tiles(columns, mixtures, run, points_first)
    np.matmul(matrices[:, None], tiles, out=rows.reshape(m, mixtures, -1, TILE).transpose(1, 2, 0, 3))
    return rows[..., :run].reshape(m, -1)


def _padded(run: int) -> int:
    """Points of the whole tiles that hold a run."""
    return -(-run // TILE) * TILE


def _tiles(columns: np.ndarray, mixtures: int, run: int, points_first: bool) -> np.ndarray:
    """Columns (c, B) in tiles, (mixtures, tiles, c, TILE), each mixture's run padded with zeros.

    ``points_first`` says how they lie in memory, which decides the order of a product's sums.
    """
    count, length = len(columns), _padded(run)
    if columns.shape[-1] != mixtures * run or length != run:
        padded = np.zeros((mixtures, length, count) if points_first else (count, mixtures, length))
        padded = padded.transpose(2, 0, 1) if points_first else padded
        padded[..., :run] = np.broadcast_to(columns, (count, mixtures * run)).reshape(-1, mixtures, run)
        columns = padded
    return columns.reshape(count, mixtures, -1, TILE).transpose(1, 2, 0, 3)


def rows_of_means(b: Block, component: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Mean of the ``component (P,)`` at the points ``at (P,)``, (P, n)."""
    means = b.mixtures.means
    return means[component, :, at // b.run]
