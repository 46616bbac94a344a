"""The exact cascade: all roots of ``lambda_j(Gamma(v)) = v`` for every eigenvalue.

The number of eigenvalues above v changes at a root. Intervals of ``y = 1/(2v)`` on which it provably stays the same
(module ``eigenvalue_counts``) are done; others are halved, until a narrow one holds a single change of sign or double root.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import RANK, decompose, span
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.bracketing import safeguarded
from scoreshock.kernels.numerics.root_isolation import Points
from scoreshock.kernels.speciation import criteria
from scoreshock.kernels.speciation.data_variance import AboveDataVariance, above_data_variance
from scoreshock.kernels.speciation.eigenvalue_counts import (
    Node,
    column,
    evaluate,
    node_at,
    stays_above,
    stays_below,
    weighted,
)
from scoreshock.kernels.speciation.nearest import from_nearest, untied_end
from scoreshock.kernels.speciation.roots import exact

FIRST_NODES = 12
"""Nodes of the first pass, at equal ratios of y."""

NARROW = 2.0**-20
"""Relative width of an interval in which a change of sign is one root."""

MAX_HALVINGS = 80
"""More halvings than any interval needs: they end at ``TOUCH`` or at neighbouring numbers."""

BLOCK = 1 << 18
"""Numbers in the largest array of one piece of work."""


class Cascades(NamedTuple):
    """Speciation times by eigenmode from the exact criterion and to leading order, named as in files."""

    tau_eigenmode: np.ndarray
    eigenmode_status: np.ndarray
    n_eigenmode_roots: np.ndarray
    tau_eigenmode_root: np.ndarray
    eigenmode_root_status: np.ndarray
    eigenmode_root_truncated: np.ndarray
    cascade: np.ndarray
    cascade_status: np.ndarray
    cascade_error: np.ndarray


def cascades(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, places: int | None = None) -> Cascades:
    """The exact cascade of :func:`exact_cascade`, the leading one (77), and the leading minus the exact times."""
    found = exact_cascade(means, weights, variance, places)
    tau, status = criteria.cascade(decompose(means, weights), variance)
    return Cascades(
        tau_eigenmode=found.tau_star,
        eigenmode_status=found.status,
        n_eigenmode_roots=found.n_roots,
        tau_eigenmode_root=found.tau_root,
        eigenmode_root_status=found.root_status,
        eigenmode_root_truncated=found.root_truncated,
        cascade=tau,
        cascade_status=status,
        cascade_error=tau - found.tau_star,
    )


def exact_cascade(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, places: int | None = None
) -> AboveDataVariance:
    r"""All solutions of :math:`\lambda_j(\Gamma(v)) = v` with :math:`v > \sigma_0^2`, every j, the largest as a time.

    :math:`\lambda_j` is the j-th eigenvalue, descending, of the posterior covariance :math:`\Gamma` of the means at the
    weighted mean; the first mode is the exact criterion (94), bitwise.

    Parameters
    ----------
    means : (..., k, n)
    weights : (..., k)
        Positive, summing to one.
    variance : (...)
        Component variance :math:`\sigma_0^2 \ge 0`. Roots do not depend on it; it only cuts them off.
    places : int, optional
        Length of the root axis, ``2 k - 1`` by default. If a mode has more roots, the largest are kept.

    Returns
    -------
    AboveDataVariance
        ``tau_star (..., m)``, ``m = min(k - 1, n)``: time of the largest root; negative with status
        ``below_data_variance``, NaN without a root. ``status (..., m)`` int8: ``ok``, ``no_transition`` (the means do not
        extend in so many directions), ``no_real_root``, ``below_data_variance``, ``failed`` (input not finite). ``n_roots
        (..., m)`` int64; ``roots, tau_root, root_status (..., m, places)`` ascending in v, NaN where there is none;
        ``root_truncated (..., m)`` bool.

    Notes
    -----
    No sign change and no double root is missed, down to intervals of relative width ``NARROW`` in v: inside one of them a
    change of sign is one root. Where ``|ln lambda_j - ln v| <= TOUCH`` (and within its rounding) there is a double root,
    which counts once.

    The j-th eigenvalue at one v need not belong to the direction that was j-th at another: branches cross.

    Source: (77) with the exact criterion (94) instead of the leading one.

    Examples
    --------
    >>> import numpy as np
    >>> square = np.array([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]])
    >>> exact_cascade(square, np.full(4, 0.25), np.array(0.0)).tau_star.round(12).tolist()
    [2.0, 0.5]
    """
    k, n = means.shape[-2:]
    places = 2 * k - 1 if places is None else places
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1])
    count = max(1, min(k - 1, n))
    with np.errstate(all="ignore"):
        first = exact(means, weights, np.zeros(()))
        v, rank = first.roots[..., None, :], np.ones(lead, dtype=np.int64)
        if count > 1:
            lower = _lower_modes(means, weights, lead)
            width = max(v.shape[-1], lower.shape[-1])
            v = np.concatenate([_padded(v, width), _padded(lower, width)], axis=-2)
            rank = np.count_nonzero(decompose(_finite(means), np.full(k, 1 / k)).eigenvalues > 0, axis=-1)
        rank = np.where(first.status == Status.no_transition, 0, rank)
        beyond = np.arange(count) >= np.broadcast_to(rank, lead)[..., None]
        failed = (first.status == Status.failed)[..., None]
        return above_data_variance(v, beyond, failed, np.asarray(variance, dtype=float)[..., None], places)


def _finite(means: np.ndarray) -> np.ndarray:
    """The means, zero where any of a point's is not finite: LAPACK may not see those."""
    return np.where(np.isfinite(means).all(axis=(-1, -2), keepdims=True), means, 0.0)


def _padded(v: np.ndarray, width: int) -> np.ndarray:
    return np.pad(v, [(0, 0)] * (v.ndim - 1) + [(0, width - v.shape[-1])], constant_values=np.nan)


def _lower_modes(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> np.ndarray:
    """Roots of all modes but the first, ``(..., m - 1, R)``, ascending in v, NaN-padded."""
    k, n = means.shape[-2:]
    m = min(k - 1, n)
    mu = np.broadcast_to(means, (*lead, k, n)).reshape(-1, k, n)
    w = np.broadcast_to(weights, (*lead, k)).reshape(-1, k)
    parts = [_block(mu[part], w[part]) for part in slices(len(mu), BLOCK // (FIRST_NODES * k * m))]
    width = max((part.shape[-1] for part in parts), default=1)
    v = np.concatenate([_padded(part, width) for part in parts]) if parts else np.empty((0, m - 1, width))
    return v.reshape(*lead, m - 1, width)


def _block(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Roots ``v (P, m - 1, R)`` of ``means (P, k, n)``, ``weights (P, k)``."""
    size, k, n = means.shape
    m = min(k - 1, n)
    good = np.isfinite(means).all(axis=(1, 2)) & np.isfinite(weights).all(axis=1) & (means != means[:, :1]).any(axis=(1, 2))
    good = np.flatnonzero(good)
    points, low, high, scale = _prepare(means[good], weights[good])
    point, mode, y = _roots(points, _search(points, low, high))
    v = np.ldexp(0.5 / y, 2 * scale[point])
    owner = good[point] * (m - 1) + mode - 1
    order = np.lexsort((v, owner))
    owner, v = owner[order], v[order]
    count = np.bincount(owner, minlength=size * (m - 1))
    result = np.full((size * (m - 1), max(1, int(count.max(initial=0)))), np.nan)
    result[owner, np.arange(len(owner)) - np.searchsorted(owner, owner)] = v
    return result.reshape(size, m - 1, -1)


def _prepare(means: np.ndarray, weights: np.ndarray) -> tuple[Points, np.ndarray, np.ndarray, np.ndarray]:
    """Points in units of a power of two near the means' extent, the ends of the search in y, and that power."""
    delta = span(means).transpose(2, 1, 0)
    points, _, distance, scale = from_nearest(delta, weights.T, np.max(np.abs(means), axis=(1, 2)))
    low = 0.5 / distance.max(axis=0)
    return points, low, np.maximum(_last(points, distance), 4 * low), scale


def _last(points: Points, distance: np.ndarray) -> np.ndarray:
    """A ``y`` beyond which no eigenvalue meets v.

    Means that do not tie with the nearest add at most ``sum_j r_j |x_j|^2`` to any eigenvalue beyond the rank of those that
    do, and each term is at most ``1/(2 y q)`` there. Eigenvalues within that rank are at least those of the tied means alone
    times their share.
    """
    last = untied_end(points, distance)
    tied = np.flatnonzero(((points.gap == 0) & (distance > 0)).any(axis=0))
    if len(tied):
        last[tied] = np.maximum(last[tied], _last_of_tied(points.take(tied)))
    return last


def _last_of_tied(points: Points) -> np.ndarray:
    """A ``y`` beyond which the tied means have half of the responsibility, and all their own eigenvalues exceed v."""
    q = points.x.shape[1]
    tied = points.gap == 0
    alone = Points(points.x, np.where(tied, 0.0, np.inf), points.log_ratio)
    s = np.linalg.svd(weighted(np.ones(tied.shape[1]), alone)[0], compute_uv=False)
    least = np.where(s > (q + 1) * RANK * s[:, :1], s, np.inf).min(axis=1)
    top = np.maximum(np.where(tied, points.log_ratio, 0.0).max(axis=0), 0.0)
    half = np.where(tied, 0.0, np.maximum(points.log_ratio - top + np.log(2.0 * q), 0.0) / points.gap).max(axis=0)
    return np.maximum(half, 2 / (least * least))


class _Found(NamedTuple):
    """Brackets of roots: point, mode, ends in y, whether g only touches zero between them."""

    point: list[np.ndarray]
    mode: list[np.ndarray]
    low: list[np.ndarray]
    high: list[np.ndarray]
    touching: list[np.ndarray]

    def add(self, point: np.ndarray, mode: np.ndarray, left: Node, right: Node, at: np.ndarray, touching: bool) -> None:
        new = (point[at], mode, left.y[at], right.y[at], np.full(len(at), touching))
        for values, more in zip(self, new, strict=True):
            values.append(more)


def _search(points: Points, low: np.ndarray, high: np.ndarray) -> _Found:
    """Brackets of all roots of the modes after the first in ``[low, high]``."""
    found = _Found([], [], [], [], [])
    every = np.arange(len(low))
    ratio = np.log(high / low)
    left = node_at(low, points)
    pending = []
    for i in range(1, FIRST_NODES):
        right = node_at(low * np.exp(ratio * (i / (FIRST_NODES - 1))), points)
        pending.append(_sort(found, every, left, right))
        left = right
    for _ in range(MAX_HALVINGS):
        point, left, right = _join(pending)
        if not len(point):
            break
        middle = evaluate(np.sqrt(left.y) * np.sqrt(right.y), points, point)
        pending = [_sort(found, point, left, middle), _sort(found, point, middle, right)]
    return found


def _join(parts: list[tuple[np.ndarray, Node, Node]]) -> tuple[np.ndarray, Node, Node]:
    point, left, right = zip(*parts, strict=True)
    left, right = (Node(*map(np.concatenate, zip(*ends, strict=True))) for ends in (left, right))
    return np.concatenate(point), left, right


def _sort(found: _Found, point: np.ndarray, left: Node, right: Node) -> tuple[np.ndarray, Node, Node]:
    """Put brackets that are narrow into ``found``; return the intervals that must be halved."""
    m = left.g.shape[1]
    width = right.y / left.y - 1
    change = left.above != right.above
    narrow = width <= NARROW
    for j in range(1, m):
        at = np.flatnonzero(change & narrow & ((left.g[:, j] > 0) != (right.g[:, j] > 0)))
        found.add(point, np.full(len(at), j), left, right, at, False)
    same = np.flatnonzero(~change)
    here, there = left.take(same), right.take(same)
    below, above = stays_below(here, there), stays_above(here, there)
    stuck = width[same] <= 4e-16
    undecided = np.zeros(len(same), dtype=bool)
    for settled, mode in ((below, np.minimum(here.above, m - 1)), (above, here.above - 1)):
        # Twice what the bounds allow, so that an interval at the edge of the tolerance need not be cut to single numbers.
        near = [np.abs(column(end.g, mode)) <= 2 * column(end.touch, mode) for end in (here, there)]
        touching = ~settled & narrow[same] & ((near[0] & near[1]) | (stuck & (near[0] | near[1])))
        at = np.flatnonzero(touching)
        found.add(point, mode[at], left, right, same[at], True)
        undecided |= ~settled & ~touching & ~stuck
    halve = np.concatenate([np.flatnonzero(change & ~narrow), same[undecided]])
    return point[halve], left.take(halve), right.take(halve)


def _roots(points: Points, found: _Found) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Point, mode and y of each root: brackets polished, double roots counted once."""
    point, mode, low, high, touching = (np.concatenate(values) for values in found)
    y = np.sqrt(low) * np.sqrt(high)
    simple = np.flatnonzero(~touching)
    y[simple] = _polish(points, point[simple], mode[simple], low[simple], high[simple])
    order = np.lexsort((y, mode, point))
    point, mode, y, low, high, touching = (values[order] for values in (point, mode, y, low, high, touching))
    # Neighbouring intervals of which one only touches are one root, and so are runs between which g stays within tolerance.
    twin = (point[1:] == point[:-1]) & (mode[1:] == mode[:-1])
    joined = np.append(False, twin & (touching[1:] | touching[:-1]) & (low[1:] <= high[:-1]))
    close = np.flatnonzero(twin & (y[1:] <= y[:-1] * (1 + 64 * NARROW)))
    between = evaluate(np.sqrt(y[close]) * np.sqrt(y[close + 1]), points, point[close])
    joined[close + 1] |= np.abs(column(between.g, mode[close])) <= 2 * column(between.touch, mode[close])
    first = np.flatnonzero(~joined[: len(y)])
    return point[first], mode[first], _middles(y, touching, first)


def _middles(y: np.ndarray, touching: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Middle of each run of roots, of those with a change of sign where there are any; runs begin at ``first``."""
    if not len(first):
        return np.empty(0)
    least = np.minimum.reduceat(np.where(touching, np.inf, y), first)
    most = np.maximum.reduceat(np.where(touching, 0.0, y), first)
    some = most > 0
    least = np.where(some, least, np.minimum.reduceat(y, first))
    most = np.where(some, most, np.maximum.reduceat(y, first))
    return np.where(least == most, least, np.sqrt(least) * np.sqrt(most))


def _polish(points: Points, point: np.ndarray, mode: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Root of ``g_j`` between ``low`` and ``high``: Newton's method in ``ln y``, halving where it leaves the interval."""
    rising = column(evaluate(high, points, point).g, mode) > 0

    def newton(y: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        node = evaluate(y, points, point[at])
        g = column(node.g, mode[at])
        slope = y * node.tangent[np.arange(len(y)), mode[at], mode[at]] + 1
        return g, y * np.exp(-g / slope)

    return safeguarded(newton, low, high, rising, middle=_geometric, step=(0.0, 1e-9), width=(0.0, 4e-16))


def _geometric(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Geometric mean without overflow."""
    return np.sqrt(a) * np.sqrt(b)
