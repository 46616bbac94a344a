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

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.eigenvalues import LOOSE, SETTLED, largest, pick
from scoreshock.kernels.numerics.posterior import softmax
from scoreshock.kernels.numerics.vectors import contracted

TOUCH = 1e-12
"""An extremum of ``ln lambda_max - ln v`` within this of zero is a double root and counts once; so do two roots between
which the difference stays within it. A thousand times the rounding of the difference."""

FIRST_NODES = 5
"""Nodes of the first pass; the cost is flat about it, measured over random mixtures."""

MAX_HALVINGS = 80
"""More halvings than any interval needs: they end at ``TOUCH`` or at neighbouring numbers."""

POLISH_STEPS = 80
"""Bound of the safeguarded Newton iteration; typical roots take four to six steps, bisection alone about 55."""

LAST_STEP = 1e-9
"""A Newton step in ``ln y`` whose square is below rounding."""

LAST_ERROR = 1e-17
"""Error in ``ln y`` of a step that need not be checked."""

CACHE = 1 << 18
"""Numbers in one piece of work: two megabytes."""

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
    """Responsibilities ``(q, P)`` and the nearest's ``(P,)``, means less their posterior mean, that mean, ``ln Z``.

    Examples
    --------
    >>> pair = Points(np.array([[[2.0]]]), np.zeros((1, 1)), np.zeros((1, 1)))
    >>> r, r0, offset, mean, log_z = posterior(np.array([0.5]), pair)
    >>> r.tolist(), r0.tolist(), mean.tolist()
    ([[0.5]], [0.5], [[1.0]])
    """
    logits = np.zeros((points.x.shape[1] + 1, len(y)))
    np.subtract(points.log_ratio, y * points.gap, out=logits[1:])
    r, log_z = softmax(logits)
    mean = contracted("iqp,qp->ip", points.x, r[1:])
    return r[1:], r[0], points.x - mean[:, None], mean, log_z


def nodes(
    y: np.ndarray, points: Points, start: np.ndarray | None = None, loose: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Rows ``y, A, A', B, B', g`` at ``y (P,)``, (6, P), and the leading eigenvector of Gamma, (m, P).

    ``start (m, P)`` is a guess of the eigenvector; ``loose``: A may be too low by ``LOOSE |g|``.

    Examples
    --------
    >>> pair = Points(np.array([[[2.0]]]), np.zeros((1, 1)), np.zeros((1, 1)))
    >>> rows, u = nodes(np.array([0.5]), pair)
    >>> float(rows[G, 0].round(12)) + 0.0, np.abs(u).tolist()  # Gamma = v = 1
    (0.0, [[1.0]])
    """
    r, r0, c, mean, log_z = posterior(y, points)
    gamma = contracted("iqp,jqp->ijp", c, r * c)
    gamma += mean[:, None] * (r0 * mean)
    log_2y = np.log(2 * y)
    more, slope_more, less, slope_less = (0.0,) * 4 if points.kappa is None else _neutral_drift(y, points.kappa)
    scale = None if not loose else 2 * y if points.kappa is None else np.exp(log_2y + (more - less))
    value, u = largest(gamma, start, scale, SETTLED)
    value = np.maximum(value, TINY)
    along = contracted("ip,iqp->qp", u, c)
    r *= points.gap
    drop = total(r)
    along *= along
    spread = contracted("qp,qp->p", r, along)
    spread /= value
    rows = np.empty((ROWS, len(y)))
    rows[Y] = y
    rows[G] = np.log(value)
    rows[A] = rows[G] + 2 * log_z + more
    rows[DA] = -(spread + drop) + slope_more
    rows[B] = 2 * log_z - log_2y + less
    rows[DB] = -(2 * drop + 1 / y) + slope_less
    rows[G] += log_2y + (more - less)
    return rows, u


def _neutral_drift(y: np.ndarray, kappa: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Terms added to A and B, with their slopes, to search for ``v (v + 2 kappa)/(2 (v + kappa))`` instead of v.

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


def _above_chord(
    f: tuple[np.ndarray, ...], df: tuple[np.ndarray, ...], chord: tuple[np.ndarray, ...], width: np.ndarray
) -> np.ndarray:
    """Least value of ``max(tangents of f) - chord``: at the tangents' crossing. Pairs of values, left and right."""
    t = df[1] * width
    t -= f[1] - f[0]
    t /= np.maximum(df[1] - df[0], np.finfo(float).tiny)
    # Not a number where both are straight and slopes overflow.
    t = np.fmin(np.fmax(t, 0.0), width)
    above = np.maximum(f[0] + df[0] * t, f[1] - df[1] * (width - t))
    t /= width
    t *= chord[1] - chord[0]
    above -= t
    above -= chord[0]
    return above


def classify(left: np.ndarray, right: np.ndarray, loose: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masks of the intervals that hold one root, that touch zero, and that must be halved.

    A may be too low by ``loose |g|``, and its slope then is one of a tangent as much below A. The slope of such a tangent
    errs by more than a margin only nearer to the end than that height over the margin, where g cannot have reached zero
    if the margin is ``loose`` times the slope of g.

    Examples
    --------
    >>> pair = Points(np.array([[[2.0]]]), np.zeros((1, 1)), np.zeros((1, 1)))
    >>> rows = evaluate(np.array([0.25, 0.75]), pair, np.array([0, 0]))[0]
    >>> [mask.tolist() for mask in classify(rows[:, :1], rows[:, 1:])]
    [[True], [False], [False]]
    """
    width = right[Y] - left[Y]
    a, da, b, db = ((left[row], right[row]) for row in (A, DA, B, DB))
    upper = (a[0] + loose * np.abs(left[G]), a[1] + loose * np.abs(right[G])) if loose else a
    ends_low = np.minimum(left[G], right[G])
    ends_high = np.maximum(left[G], right[G])
    least, most = left[DA] - right[DB], right[DA] - left[DB]
    margin = 2 * loose * np.maximum(np.abs(least), np.abs(most))
    low = np.minimum(ends_low, _above_chord(a, da, b, width))
    high = np.maximum(ends_high, -_above_chord(b, db, upper, width))
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


Intervals = tuple[np.ndarray, ...]
"""Index of the point, rows at both ends (6, N), eigenvector at the left one (m, N)."""


def evaluate(
    y: np.ndarray, points: Points, index: np.ndarray, start: np.ndarray | None = None, loose: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """``nodes`` at ``y (N,)`` of the points ``index (N,)``, in pieces that fit the cache.

    Examples
    --------
    >>> pair = Points(np.array([[[2.0]]]), np.zeros((1, 1)), np.zeros((1, 1)))
    >>> evaluate(np.array([0.5, 1.0]), pair, np.array([0, 0]))[0][G].round(9).tolist()
    [0.0, 0.693147181]
    """
    m, q, _ = points.x.shape
    rows, u = np.empty((ROWS, len(y))), np.empty((m, len(y)))
    for part in slices(len(y), chunk(m, q)):
        guess = None if start is None else start[:, part]
        rows[:, part], u[:, part] = nodes(y[part], points.take(index[part]), guess, loose)
    return rows, u


def chunk(m: int, q: int) -> int:
    """Points per piece of work: few enough for the cache, enough to spread the cost of NumPy's calls."""
    return max(1024, CACHE // (m * q + m * m + q + ROWS))


def search(points: Points, y_low: np.ndarray, y_high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All roots ``y (R,)`` in ``[y_low, y_high] (P,)``, ascending within a point.

    Returns the point of each root (R,), y, and the leading eigenvector of Gamma there (m, R).

    Examples
    --------
    A pair at -1 and 1, seen from the left: ``Gamma = 1`` at the midpoint, so that v = 1 and y = 1/2.

    >>> pair = Points(np.array([[[2.0]]]), np.zeros((1, 1)), np.zeros((1, 1)))
    >>> search(pair, np.array([0.1]), np.array([3.0]))[1].round(12).tolist()
    [0.5]
    """
    m, q, size = points.x.shape
    simple: list[Intervals] = []
    touching: list[Intervals] = []
    parts = slices(size, chunk(m, q))
    pending = [_scan(points, np.arange(part.start, part.stop), y_low, y_high, simple, touching) for part in parts]
    if not pending:
        return np.empty(0, dtype=np.intp), np.empty(0), np.empty((m, 0))
    point, left, right, u = join(pending)
    for _ in range(MAX_HALVINGS):
        if not len(point):
            break
        middle, v = evaluate(_geometric(left[Y], right[Y]), points, point, u)
        halves = (point, left, middle, u), (point, middle, right, v)
        point, left, right, u = join([_sort(half, simple, touching) for half in halves])
    touching.append((point, left, right, u))
    return _roots(points, join(simple), join(touching))


def _scan(
    points: Points,
    index: np.ndarray,
    y_low: np.ndarray,
    y_high: np.ndarray,
    simple: list[Intervals],
    touching: list[Intervals],
) -> Intervals:
    """First pass over some of the points: nodes at equal ratios of y."""
    here = points.take(index)
    low, ratio = y_low[index], np.log(y_high[index] / y_low[index])
    left, u = nodes(low, here)
    pending = []
    for i in range(1, FIRST_NODES):
        right, v = nodes(low * np.exp(ratio * (i / (FIRST_NODES - 1))), here, u)
        pending.append(_sort((index, left, right, u), simple, touching))
        left, u = right, v
    return join(pending)


def _sort(intervals: Intervals, simple: list[Intervals], touching: list[Intervals]) -> Intervals:
    """Append the intervals with one root and those that touch zero to their lists; return those that must be halved."""
    _, left, right, u = intervals
    masks = classify(left, right, LOOSE if len(u) > 2 else 0.0)
    one, touch, halve = (tuple(pick(column, np.flatnonzero(mask)) for column in intervals) for mask in masks)
    simple.append(one)
    touching.append(touch)
    return halve


def join(parts: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    """Concatenate columns of several parts, (..., N) each, along the last axis.

    Examples
    --------
    >>> [column.tolist() for column in join([(np.ones(1), np.zeros(1)), (np.full(1, 2.0), np.zeros(1))])]
    [[1.0, 2.0], [0.0, 0.0]]
    """
    return tuple(np.concatenate(column, axis=-1) for column in zip(*parts, strict=True))


def _roots(points: Points, simple: Intervals, touching: Intervals) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Polish the simple roots, take the middles of the touching intervals, and count a double root once."""
    point, left, right, _ = touching
    middle = _geometric(left[Y], right[Y])
    touch = point, middle, evaluate(middle, points, point)[1]
    point, y, u = join([(simple[0], *_polish(points, *simple)), touch])
    order = _sorted(point, y)
    return _merge(points, point[order], y[order], pick(u, order))


def _sorted(point: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Order by point, then by y; most are in order when points are."""
    order = np.argsort(point, kind="stable")
    p, y = point[order], y[order]
    wrong = np.isin(p, p[1:][(p[1:] == p[:-1]) & (y[1:] < y[:-1])])
    order[wrong] = order[wrong][np.lexsort((y[wrong], p[wrong]))]
    return order


def _merge(points: Points, point: np.ndarray, y: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Replace runs of roots between which ``|g| <= TOUCH`` by the middle of the run."""
    close = np.flatnonzero((point[1:] == point[:-1]) & (y[1:] <= y[:-1] * 1.001))
    joined = np.zeros(len(y), dtype=bool)
    rows, _ = evaluate(_geometric(y[close], y[close + 1]), points, point[close])
    joined[close + 1] = np.abs(rows[G]) <= TOUCH
    first = np.flatnonzero(~joined)
    last = np.append(first, len(y))[1:] - 1
    return point[first], np.where(first == last, y[first], _geometric(y[first], y[last])), pick(u, first)


def _polish(
    points: Points, point: np.ndarray, left: np.ndarray, right: np.ndarray, u: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Root of ``g`` between ``left`` and ``right``, where it is monotone and changes sign, and its eigenvector.

    Steps in ``ln y`` are those of the inverse cubic through the last two
    nodes, first through both ends, halving where they leave the interval. The last one is taken and not checked, nor does it
    rest on an end of which A was too low.
    """
    left, right = _end(left), _end(right)
    (low, g_low, _), (high, g_high, _) = left, right
    rising = g_high > g_low
    y = low * np.exp(_inverse_cubic(left, right))
    before = np.where(np.abs(g_low) < np.abs(g_high), left, right)
    result, direction = np.empty(len(y)), np.empty((len(points.x), len(y)))
    active = np.arange(len(y))
    exact = len(u) <= 2
    for _ in range(POLISH_STEPS):
        y = np.where((y > low) & (y < high), y, _geometric(low, high))
        rows, u = evaluate(y, points, point, u, loose=False)
        end = _end(rows)
        up = (end[1] < 0) == rising
        low, high = np.where(up, y, low), np.where(up, high, y)
        step, last = _step(end, before, _last_step(y, points, point), LAST_ERROR if exact else 0.0)
        result[active] = np.where(last, y * np.exp(step), y)
        direction[:, active] = u
        go = np.flatnonzero(~(last | (end[1] == 0) | (high - low <= 3e-16 * high)))
        if not len(go):
            break
        active, point, y, before = active[go], point[go], (y * np.exp(step))[go], pick(end, go)
        low, high, rising, u, exact = low[go], high[go], rising[go], pick(u, go), True
    return result, direction


def _end(rows: np.ndarray) -> np.ndarray:
    """y, g and the slope of g in ``ln y``, (3, N)."""
    return np.stack([rows[Y], rows[G], rows[Y] * (rows[DA] - rows[DB])])


def _step(end: np.ndarray, before: np.ndarray, short: np.ndarray | float, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Step in ``ln y`` to the root, and whether Newton's is ``short`` or its own error below ``error``.

    The error of the cubic is about what it corrects of Newton's step, times the square of the change since ``before``.
    """
    y, g, slope = end
    newton = -g / slope
    step = _inverse_cubic(end, before)
    step = np.where(np.isfinite(step) & (np.abs(newton) > short), step, newton)
    change = (before[2] / slope - 1) ** 2 + (before[0] / y - 1) ** 2
    return step, (np.abs(newton) <= short) | (np.abs(step - newton) * change < error)


def _last_step(y: np.ndarray, points: Points, point: np.ndarray) -> np.ndarray | float:
    """A Newton step whose square is below rounding: shorter near ``1 + 4 kappa y = 0``, where the logarithm bends."""
    if points.kappa is None:
        return LAST_STEP
    return LAST_STEP * np.clip(1 + 4 * points.kappa[point] * y, 0.0, 1.0)


def _inverse_cubic(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``ln(y/y_left)`` at ``g = 0`` of the cubic in g through values and slopes at both ends, as of :func:`_end`."""
    (y0, g0, slope0), (y1, g1, slope1) = left, right
    rise = g1 - g0
    t = -g0 / rise
    return np.log(y1 / y0) * t * t * (3 - 2 * t) + t * (1 - t) * rise * ((1 - t) / slope0 - t / slope1)
