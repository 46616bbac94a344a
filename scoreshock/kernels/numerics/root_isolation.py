"""All roots of ``lambda_max(Gamma(v)) = v``, none missed: interval exclusion by convexity.

With ``y = 1/(2v)``, ``Z(y) = sum_k w_k exp(-y D_k)`` and ``N(y) = Z^2 Gamma = sum_{i<j} w_i w_j exp(-y (D_i + D_j))
(mu_i - mu_j)(mu_i - mu_j)^T`` the equation (94) is ``g = A - B = 0`` where

    A(y) = ln lambda_max(N(y)),        B(y) = 2 ln Z(y) - ln(2y),

and both are convex (a maximum over directions of log-sum-exps, and a log-sum-exp less a logarithm). A convex function
lies below its chord and above its tangents, so values and slopes at the two ends of an interval bound ``g`` inside it,
and slopes at the ends bound ``g'``. An interval is done when ``g`` keeps its sign or is monotone on it; others are halved.

The same with ``v`` replaced by ``v (v + 2 kappa)/(2 (v + kappa))``, at which the reverse drift is neutral: its logarithm
adds to A or B what keeps them convex (see :func:`_neutral_drift`).

Arrays are components first, the points last; a point's arithmetic depends on that point alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.eigenvalues import LOOSE, largest, pick

TOUCH = 1e-12
"""An extremum of ``ln lambda_max - ln v`` within this of zero is a double root and counts once; so do two roots between
which the difference stays within it. A thousand times the rounding of the difference."""

FIRST_NODES = 7
"""Nodes of the first pass; the cost is flat about it, measured over random mixtures."""

MAX_HALVINGS = 80
"""More halvings than any interval needs: they end at ``TOUCH`` or at neighbouring numbers."""

POLISH_STEPS = 80
"""Bound of the safeguarded Newton iteration; typical roots take four to six steps, bisection alone about 55."""

LAST_STEP = 1e-9
"""A Newton step in ``ln y`` whose square is below rounding."""

CACHE = 1 << 18
"""Numbers in one piece of work: two megabytes."""

CLIP = -650.0
"""Least logarithm of a responsibility over the largest, kept clear of denormal numbers, which cost ten times the work."""

TINY = 1e-290
"""Floor under eigenvalues in units of the means' squared scale: zero has no logarithm."""

Y, A, DA, B, DB, G, ROWS = range(7)


class Points(NamedTuple):
    """Mixtures seen from the mean that is nearest to the weighted mean, which is left out (its row would be zero).

    ``x (m, q, P)`` the other q = k-1 means; ``gap (q, P)`` their ``D_j`` less the nearest's, >= 0; ``log_ratio (q, P)``
    the logarithm of their weight over the nearest's. With ``kappa (P,)`` it is the neutral drift that is searched for.
    """

    x: np.ndarray
    gap: np.ndarray
    log_ratio: np.ndarray
    kappa: np.ndarray | None = None

    def take(self, index: np.ndarray) -> Points:
        """The points at ``index``."""
        return Points._make(None if row is None else pick(row, index) for row in self)


def posterior(y: np.ndarray, points: Points) -> tuple[np.ndarray, ...]:
    """Responsibilities ``(q, P)`` and the nearest's ``(P,)``, means less their posterior mean, that mean, ``ln Z``."""
    q = points.x.shape[1]
    r = points.log_ratio - y * points.gap
    top = np.maximum(r[0], 0.0)
    for j in range(1, q):
        np.maximum(top, r[j], out=top)
    r -= top
    np.maximum(r, CLIP, out=r)
    np.exp(r, out=r)
    r0 = np.exp(np.maximum(-top, CLIP))
    total = r0.copy()
    for j in range(q):
        total += r[j]
    r /= total
    r0 /= total
    mean = points.x[:, 0] * r[0]
    for j in range(1, q):
        mean += points.x[:, j] * r[j]
    return r, r0, points.x - mean[:, None], mean, top + np.log(total)


def nodes(y: np.ndarray, points: Points, start: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Rows ``y, A, A', B, B', g`` at ``y (P,)``, (6, P), and the leading eigenvector of Gamma, (m, P)."""
    m, q, size = points.x.shape
    r, r0, c, mean, log_z = posterior(y, points)
    gamma = np.empty((m, m, size))
    weighted = r * c
    for a in range(m):
        row = gamma[a, : a + 1]
        np.multiply(mean[: a + 1], r0 * mean[a], out=row)
        for j in range(q):
            row += c[: a + 1, j] * weighted[a, j]
    log_2y = np.log(2 * y)
    more, slope_more, less, slope_less = (0.0,) * 4 if points.kappa is None else _neutral_drift(y, points.kappa)
    value, u = largest(gamma, start, 2 * y if points.kappa is None else np.exp(log_2y + (more - less)))
    value = np.maximum(value, TINY)
    spread = np.zeros(size)
    drop = np.zeros(size)
    for j in range(q):
        along = u[0] * c[0, j]
        for a in range(1, m):
            along += u[a] * c[a, j]
        along *= along
        pull = r[j] * points.gap[j]
        drop += pull
        pull *= along
        spread += pull
    spread /= value
    rows = np.empty((ROWS, size))
    rows[Y] = y
    rows[G] = np.log(value)
    rows[A] = rows[G] + 2 * log_z + more
    rows[DA] = -(spread + drop) + slope_more
    rows[B] = 2 * log_z - log_2y + less
    rows[DB] = -(2 * drop + 1 / y) + slope_less
    rows[G] += log_2y + (more - less)
    return rows, u


def _neutral_drift(y: np.ndarray, kappa: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What is added to A and B, with their slopes, to search for ``v (v + 2 kappa)/(2 (v + kappa))`` instead of v.

    The logarithm of its ratio to v is ``ln(1 + 4 kappa y) - ln(2 + 4 kappa y)``. For ``kappa >= 0`` its sum with ``-ln y``
    is convex, though it is concave itself; below zero minus each of its terms is convex, while ``1 + 4 kappa y > 0``.
    """
    below = kappa < 0
    t = 4 * kappa * y
    w = 1 / (1 + t)
    a, slope_a = np.where(below, np.log(w), 0.0), np.where(below, -4 * kappa * w, 0.0)
    b = np.where(below, -np.log(2 + t), -np.log1p(w))
    slope_b = np.where(below, -4 * kappa / (2 + t), 4 * kappa * w * w / (1 + w))
    return a, slope_a, b, slope_b


def _above_chord(f: np.ndarray, chord: tuple[np.ndarray, np.ndarray], width: np.ndarray) -> np.ndarray:
    """Least value of ``max(tangents of f) - chord``: at the tangents' crossing. ``f``: value and slope, left and right."""
    f0, d0, f1, d1 = f
    bend = d1 - d0
    t = np.where(bend > 0, (f0 - f1 + d1 * width) / np.where(bend > 0, bend, 1.0), 0.5 * width)
    t = np.clip(t, 0.0, width)
    tangent = np.maximum(f0 + d0 * t, f1 - d1 * (width - t))
    return tangent - (chord[0] + (chord[1] - chord[0]) * (t / width))


def classify(left: np.ndarray, right: np.ndarray, loose: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masks of the intervals that hold one root, that touch zero, and that must be halved.

    A may be too low by ``loose |g|``, and its slope then is one of a tangent as much below A. The slope of such a tangent
    errs by more than a margin only nearer to the end than that height over the margin, where g cannot have reached zero
    if the margin is ``loose`` times the slope of g.
    """
    width = right[Y] - left[Y]
    upper = (left[A] + loose * np.abs(left[G]), right[A] + loose * np.abs(right[G])) if loose else (left[A], right[A])
    ends_low = np.minimum(left[G], right[G])
    ends_high = np.maximum(left[G], right[G])
    least, most = left[DA] - right[DB], right[DA] - left[DB]
    margin = 2 * loose * np.maximum(np.abs(least), np.abs(most))
    low = np.minimum(ends_low, _above_chord(np.stack([left[A], left[DA], right[A], right[DA]]), (left[B], right[B]), width))
    high = np.maximum(ends_high, -_above_chord(np.stack([left[B], left[DB], right[B], right[DB]]), upper, width))
    change = (left[G] < 0) != (right[G] < 0)
    monotone = (most < -margin) | (least > margin)
    excluded = (low > TOUCH) | (high < -TOUCH) | (monotone & ~change)
    single = monotone & change
    stuck = width <= 4e-16 * right[Y]
    touching = ~excluded & ~single & (((low >= -TOUCH) & (high <= TOUCH)) | stuck)
    return single, touching, ~(excluded | single | touching)


def _geometric(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Geometric mean of positive numbers, without overflow, strictly between them where a number lies there."""
    return np.sqrt(a) * np.sqrt(b)


class _Found(NamedTuple):
    """Intervals that hold one root or touch zero: index of the point, ends (6, N), eigenvector (m, N), whether a touch."""

    point: list[np.ndarray]
    left: list[np.ndarray]
    right: list[np.ndarray]
    u: list[np.ndarray]
    touching: list[np.ndarray]

    def add(self, point: np.ndarray, left: np.ndarray, right: np.ndarray, u: np.ndarray, touching: bool) -> None:
        if len(point):
            self.point.append(point)
            self.left.append(left)
            self.right.append(right)
            self.u.append(u)
            self.touching.append(np.full(len(point), touching))


def evaluate(
    y: np.ndarray, points: Points, index: np.ndarray, start: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """``nodes`` at ``y (N,)`` of the points ``index (N,)``, in pieces that fit the cache."""
    m, q, _ = points.x.shape
    rows, u = np.empty((ROWS, len(y))), np.empty((m, len(y)))
    for part in slices(len(y), chunk(m, q)):
        guess = None if start is None else start[:, part]
        rows[:, part], u[:, part] = nodes(y[part], points.take(index[part]), guess)
    return rows, u


def chunk(m: int, q: int) -> int:
    """Points per piece of work: few enough for the cache, enough to spread the cost of NumPy's calls."""
    return max(1024, CACHE // (m * q + m * m + q + ROWS))


def search(points: Points, y_low: np.ndarray, y_high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All roots ``y`` in ``[y_low, y_high]``: the point of each, ``y`` ascending within a point, the leading eigenvector."""
    m, q, size = points.x.shape
    found = _Found([], [], [], [], [])
    parts = slices(size, chunk(m, q))
    pending = [_scan(found, points, np.arange(part.start, part.stop), y_low, y_high) for part in parts]
    if not pending:
        return np.empty(0, dtype=np.intp), np.empty(0), np.empty((m, 0))
    point, left, right, u = _join(pending)
    for _ in range(MAX_HALVINGS):
        if not len(point):
            break
        middle, v = evaluate(_geometric(left[Y], right[Y]), points, point, u)
        point, left, right, u = _join([_sort(found, point, left, middle, u), _sort(found, point, middle, right, v)])
    found.add(point, left, right, u, True)
    return _roots(points, found)


def _scan(found: _Found, points: Points, index: np.ndarray, y_low: np.ndarray, y_high: np.ndarray) -> tuple[np.ndarray, ...]:
    """First pass over one piece of the points: nodes at equal ratios of y."""
    here = points.take(index)
    low, ratio = y_low[index], np.log(y_high[index] / y_low[index])
    left, u = nodes(low, here)
    pending = []
    for i in range(1, FIRST_NODES):
        right, v = nodes(low * np.exp(ratio * (i / (FIRST_NODES - 1))), here, u)
        pending.append(_sort(found, index, left, right, u))
        left, u = right, v
    return _join(pending)


def _sort(found: _Found, point: np.ndarray, left: np.ndarray, right: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, ...]:
    """Put what is decided into ``found``; return what must be halved."""
    masks = classify(left, right, LOOSE if len(u) > 2 else 0.0)
    single, touching, halve = (np.flatnonzero(mask) for mask in masks)
    found.add(point[single], pick(left, single), pick(right, single), pick(u, single), False)
    found.add(point[touching], pick(left, touching), pick(right, touching), pick(u, touching), True)
    return point[halve], pick(left, halve), pick(right, halve), pick(u, halve)


def _join(parts: list[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    return tuple(np.concatenate(column, axis=-1) for column in zip(*parts, strict=True))


def _roots(points: Points, found: _Found) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Polish the intervals found, order them, and count a double root once."""
    if not found.point:
        return np.empty(0, dtype=np.intp), np.empty(0), np.empty((len(points.x), 0))
    point, touching = np.concatenate(found.point), np.concatenate(found.touching)
    left, right = np.concatenate(found.left, axis=-1), np.concatenate(found.right, axis=-1)
    y, u = _geometric(left[Y], right[Y]), np.concatenate(found.u, axis=-1)
    simple, touch = np.flatnonzero(~touching), np.flatnonzero(touching)
    y[simple], u[:, simple] = polish(points, point[simple], pick(left, simple), pick(right, simple), pick(u, simple))
    _, u[:, touch] = evaluate(y[touch], points, point[touch])
    order = np.lexsort((y, point))
    return _merge(points, point[order], y[order], pick(u, order))


def _merge(points: Points, point: np.ndarray, y: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Replace runs of roots between which ``|g| <= TOUCH`` by the middle of the run."""
    close = np.flatnonzero((point[1:] == point[:-1]) & (y[1:] <= y[:-1] * 1.001))
    joined = np.zeros(len(y), dtype=bool)
    rows, _ = evaluate(_geometric(y[close], y[close + 1]), points, point[close])
    joined[close + 1] = np.abs(rows[G]) <= TOUCH
    first = np.flatnonzero(~joined)
    last = np.append(first[1:], len(y)) - 1
    return point[first], np.where(first == last, y[first], _geometric(y[first], y[last])), pick(u, first)


def polish(
    points: Points, point: np.ndarray, left: np.ndarray, right: np.ndarray, u: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Root of ``g`` between ``left`` and ``right``, where it is monotone and changes sign, and its eigenvector.

    Newton's method in ``ln y`` from the inverse cubic through both ends, halving where it leaves the interval. The step
    that follows one below ``LAST_STEP`` is below rounding, so it is taken and not checked.
    """
    low, high = left[Y], right[Y]
    rising = right[G] > left[G]
    y = low * np.exp(_inverse_cubic(left, right))
    result, direction = np.empty(len(y)), np.empty((len(points.x), len(y)))
    active = np.arange(len(y))
    for _ in range(POLISH_STEPS):
        y = np.where((y > low) & (y < high), y, _geometric(low, high))
        rows, u = evaluate(y, points, point, u)
        up = (rows[G] < 0) == rising
        low, high = np.where(up, y, low), np.where(up, high, y)
        step = -rows[G] / (y * (rows[DA] - rows[DB]))
        last = np.abs(step) <= _last_step(y, points, point)
        result[active] = np.where(last, y * (1 + step), y)
        direction[:, active] = u
        go = np.flatnonzero(~(last | (rows[G] == 0) | (high - low <= 3e-16 * high)))
        if not len(go):
            break
        active, point, y = active[go], point[go], (y * np.exp(step))[go]
        low, high, rising, u = low[go], high[go], rising[go], pick(u, go)
    return result, direction


def _last_step(y: np.ndarray, points: Points, point: np.ndarray) -> np.ndarray | float:
    """A Newton step whose square is below rounding: shorter near ``1 + 4 kappa y = 0``, where the logarithm bends."""
    if points.kappa is None:
        return LAST_STEP
    return LAST_STEP * np.clip(1 + 4 * points.kappa[point] * y, 0.0, 1.0)


def _inverse_cubic(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``ln(y/y_left)`` at ``g = 0`` of the cubic in g through values and slopes at both ends; a first guess."""
    length, rise = np.log(right[Y] / left[Y]), right[G] - left[G]
    t = -left[G] / rise
    slope0 = rise / (left[Y] * (left[DA] - left[DB]))
    slope1 = rise / (right[Y] * (right[DA] - right[DB]))
    return length * t * t * (3 - 2 * t) + t * (1 - t) * ((1 - t) * slope0 - t * slope1)
