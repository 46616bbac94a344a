"""Inflections of the log density of a one-dimensional mixture, none missed, and the modes between them.

Notation: ``F(x, v) = m(x) - x = v s(x)`` with the posterior mean m, ``kappa_j`` the posterior's cumulants of the means, so
``F_x = kappa_2/v - 1``. Modes are the zeros of F where it falls; between neighbouring zeros of ``kappa_2 - v`` (the
inflections of ``ln p``) F is monotone. With ``Z = sum_k w_k exp(-(x - mu_k)^2/(2v))``, ``ln(Z^2 kappa_2) + x^2/v`` and
``2 ln Z + x^2/v`` are convex in x, so the inflections are isolated as the roots in ``certified`` are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.certified import CLIP, DA, DB, ROWS, A, B, G, Y, classify
from scoreshock.kernels.eigen import pick

MAX_HALVINGS = 70
"""More than halvings of an interval need to reach neighbouring numbers."""

POLISH_STEPS = 60
"""Bound of safeguarded Newton iterations: halving alone ends within it."""

X, LOG_Z, F, LOG_K, SKEW = range(5)


class Line(NamedTuple):
    """Mixtures on a line, points last: sorted means ``mu (k, P)``, logarithms of the weights ``log_w (k, P)``."""

    mu: np.ndarray
    log_w: np.ndarray

    def take(self, index: np.ndarray) -> Line:
        """The mixtures at ``index``."""
        return Line(pick(self.mu, index), pick(self.log_w, index))


def cumulants(x: np.ndarray, v: np.ndarray, line: Line) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """``ln Z``, F, responsibilities ``(k, P)`` and the means less their posterior mean ``(k, P)``, at ``x, v (P,)``."""
    offset = line.mu - x
    r = line.log_w - offset * offset / (2 * v)
    top = r[0].copy()
    for j in range(1, len(r)):
        np.maximum(top, r[j], out=top)
    r -= top
    np.maximum(r, CLIP, out=r)
    np.exp(r, out=r)
    total = _sum(r)
    r /= total
    f = _sum(r * offset)
    return top + np.log(total), f, r, offset - f


def _sum(terms: np.ndarray) -> np.ndarray:
    """Sum over components, one after the other."""
    total = terms[0].copy()
    for j in range(1, len(terms)):
        total += terms[j]
    return total


def _nodes(x: np.ndarray, v: np.ndarray, line: Line) -> np.ndarray:
    """Rows ``x, ln Z, F, ln kappa_2, kappa_3/kappa_2``.

    Where one component has all the responsibility within rounding, the cumulants are moments about its mean, and are taken
    relative to the runner-up's responsibility, which may be far below the smallest number.
    """
    log_z, f, r, c = cumulants(x, v, line)
    second = r * c
    second *= c
    rows = np.stack([x, log_z, f, np.log(_sum(second)), _sum(second * c) / _sum(second)])
    alone = np.flatnonzero(r.max(axis=0) == 1.0)
    if len(alone):
        rows[LOG_K, alone], rows[SKEW, alone] = _outvoted(x[alone], v[alone], line.take(alone))
    return rows


def _outvoted(x: np.ndarray, v: np.ndarray, line: Line) -> tuple[np.ndarray, np.ndarray]:
    """``ln kappa_2`` and ``kappa_3/kappa_2`` where one component has nearly all responsibility."""
    offset = line.mu - x
    t = line.log_w - offset * offset / (2 * v)
    index = np.arange(len(x))
    first = t.argmax(axis=0)
    t -= t[first, index]
    t[first, index] = -np.inf
    runner_up = t.max(axis=0)
    c = line.mu - line.mu[first, index]
    second = np.exp(t - runner_up) * c * c
    total = _sum(second)
    return runner_up + np.log(total), _sum(second * c) / total


def _convex_rows(node: np.ndarray, origin: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The rows that ``classify`` takes: ``ln Z + (x - origin)^2/(2v)`` is convex in x, for any origin."""
    rows = np.empty((ROWS, len(v)))
    shift = node[X] - origin
    twice = 2 * node[LOG_Z] + shift * shift / v
    slope = 2 * (node[F] + shift) / v
    rows[Y] = node[X]
    rows[A], rows[DA] = node[LOG_K] + twice, node[SKEW] / v + slope
    rows[B], rows[DB] = np.log(v) + twice, slope
    rows[G] = node[LOG_K] - np.log(v)
    return rows


def inflections(line: Line, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All zeros of ``kappa_2 - v`` about the means, not where it only touches: the point of each, x.

    Equal means must have been merged.
    """
    size = line.mu.shape[1]
    every = np.arange(size)
    span = line.mu[-1] - line.mu[0]
    ends = [line.mu[0] - span / 16, *line.mu, line.mu[-1] + span / 16]
    left = _nodes(ends[0], v, line)
    parts = []
    for x in ends[1:]:
        right = _nodes(x, v, line)
        parts.append((every, left, right))
        left = right
    point, left, right = _join(parts)
    found = []
    for _ in range(MAX_HALVINGS):
        here = v[point]
        single, _, halve = classify(_convex_rows(left, left[X], here), _convex_rows(right, left[X], here))
        single, halve = np.flatnonzero(single), np.flatnonzero(halve)
        found.append((point[single], pick(left, single), pick(right, single)))
        point, left, right = point[halve], pick(left, halve), pick(right, halve)
        if not len(point):
            break
        middle = _nodes(0.5 * (left[X] + right[X]), v[point], line.take(point))
        point, left, right = _join([(point, left, middle), (point, middle, right)])
    point, left, right = _join(found)
    x = _polish(_log_kappa, line.take(point), v[point], left[X], right[X], right[LOG_K] > left[LOG_K])
    order = np.lexsort((x, point))
    return point[order], x[order]


def _join(parts: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    return tuple(np.concatenate(column, axis=-1) for column in zip(*parts, strict=True))


def _log_kappa(x: np.ndarray, v: np.ndarray, line: Line) -> tuple[np.ndarray, np.ndarray]:
    """``ln(kappa_2/v)`` and its slope in x."""
    node = _nodes(x, v, line)
    return node[LOG_K] - np.log(v), node[SKEW] / v


def _score(x: np.ndarray, v: np.ndarray, line: Line) -> tuple[np.ndarray, np.ndarray]:
    """F and its slope in x."""
    node = _nodes(x, v, line)
    return node[F], np.exp(node[LOG_K]) / v - 1


def _polish(
    function: Callable[[np.ndarray, np.ndarray, Line], tuple[np.ndarray, np.ndarray]],
    line: Line,
    v: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    rising: np.ndarray,
) -> np.ndarray:
    """Zero of ``function`` between ``low`` and ``high``: Newton's method, halving where it leaves the interval."""
    x = 0.5 * (low + high)
    result = x.copy()
    active = np.arange(len(x))
    for _ in range(POLISH_STEPS):
        value, slope = function(x, v, line)
        up = (value < 0) == rising
        low, high = np.where(up, x, low), np.where(up, high, x)
        guess = x - value / slope
        inside = (guess > low) & (guess < high)
        result[active] = np.where(inside | (value == 0), np.where(value == 0, x, guess), 0.5 * (low + high))
        small = inside & (np.abs(guess - x) <= 1e-13)
        go = np.flatnonzero(~(small | (value == 0) | (high - low <= 1e-15)))
        if not len(go):
            break
        active, line, v, low, high, rising = active[go], line.take(go), v[go], low[go], high[go], rising[go]
        x = result[active]
    return result


def falling_zero(line: Line, v: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The zero of F between ``low`` and ``high``, where it falls."""
    return _polish(_score, line, v, low, high, np.zeros(len(v), dtype=bool))


def segments(line: Line, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intervals on which F falls through zero, one mode each: the point, the ends, ascending within a point."""
    size = len(v)
    if size == 0:
        return np.empty(0, dtype=np.intp), np.empty(0), np.empty(0)
    point, x = inflections(line, v)
    f = cumulants(x, v[point], line.take(point))[1]
    span = line.mu[-1] - line.mu[0]
    every = np.arange(size)
    point = np.concatenate([every, point, every])
    x = np.concatenate([line.mu[0] - span / 16, x, line.mu[-1] + span / 16])
    f = np.concatenate([np.ones(size), f, -np.ones(size)])
    order = np.lexsort((x, point))
    point, x, positive = point[order], x[order], f[order] > 0
    fall = np.flatnonzero(positive[:-1] & ~positive[1:] & (point[1:] == point[:-1]))
    return point[fall], x[fall], x[fall + 1]
