"""Inflections of the log density of a one-dimensional mixture, none missed, and the modes between them.

Notation: ``F(x, v) = m(x) - x = v s(x)`` with the posterior mean m, ``kappa_j`` the posterior's cumulants of the means, so
``F_x = kappa_2/v - 1``. Modes are the zeros of F where it falls; between neighbouring zeros of ``kappa_2 - v`` (the
inflections of ``ln p``) F is monotone. With ``Z = sum_k w_k exp(-(x - mu_k)^2/(2v))``, ``ln(Z^2 kappa_2) + x^2/v`` and ``2
ln Z + x^2/v`` are convex in x, so the inflections are isolated as the roots in ``root_isolation`` are. Where ``kappa_2 - v``
hardly leaves zero, these bounds tell nothing, and the zeros of F itself are counted (module ``descartes``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.bracketing import safeguarded
from scoreshock.kernels.numerics.descartes import WIDE, Line, precise_score, signs, summable
from scoreshock.kernels.numerics.eigenvalues import pick
from scoreshock.kernels.numerics.root_isolation import CLIP, DA, DB, ROWS, A, B, G, Y, classify

MAX_HALVINGS = 70
"""More than halvings of an interval need to reach neighbouring numbers."""

LOWEST = 1e-16
"""v in units of the squared range below which rounding of the convex functions may exceed what isolates the inflections:
near-flat intervals are not looked into there, and no merging events are sought."""

X, LOG_Z, F, LOG_K, SKEW = range(5)


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


class _Isolated(NamedTuple):
    """Intervals that hold one inflection (points, rows at both ends), and those where ``kappa_2 - v`` hardly leaves zero."""

    point: np.ndarray
    left: np.ndarray
    right: np.ndarray
    flat: tuple[np.ndarray, np.ndarray, np.ndarray]


def _isolated(line: Line, v: np.ndarray) -> _Isolated:
    """Halve the intervals between means until each holds one inflection or none, or is ``WIDE sqrt(v)`` wide."""
    exact, line, size = line, line.rounded(), line.mu.shape[1]
    every = np.arange(size)
    span = line.mu[-1] - line.mu[0]
    left = _nodes(line.mu[0] - span / 16, v, line)
    parts = []
    for x in (*line.mu, line.mu[-1] + span / 16):
        right = _nodes(x, v, line)
        parts.append((every, left, right))
        left = right
    point, left, right = _join(parts)
    found, flat = [], []
    for _ in range(MAX_HALVINGS):
        here = v[point]
        ends = _convex_rows(left, left[X], here), _convex_rows(right, left[X], here)
        single, touching, halve = classify(*ends)
        halve |= touching & (here >= LOWEST)
        middle = 0.5 * (left[X] + right[X])
        apart = (left[X] < middle) & (middle < right[X])
        narrow = halve & (here >= LOWEST) & ((right[X] - left[X] <= WIDE * np.sqrt(here)) | ~apart)
        near = np.flatnonzero(narrow & apart)
        narrow[near] = summable(left[X, near], (right - left)[X, near], here[near], exact.take(point[near]))
        single, narrow, halve = (np.flatnonzero(mask) for mask in (single, narrow, halve & ~narrow))
        found.append((point[single], pick(left, single), pick(right, single)))
        flat.append((point[narrow], left[X, narrow], right[X, narrow]))
        point, left, right = point[halve], pick(left, halve), pick(right, halve)
        if not len(point):
            break
        between = _nodes(middle[halve], v[point], line.take(point))
        point, left, right = _join([(point, left, between), (point, between, right)])
    point, left, right = _join(found)
    at, low, high = _join(flat)
    return _Isolated(point, left, right, (at, low, high))


def inflections(line: Line, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Zeros of ``kappa_2 - v`` about the means, ascending, except where it is nearly flat: the point of each, x.

    Equal means must have been merged.
    """
    return _polished(line, v, _isolated(line, v))


def _polished(line: Line, v: np.ndarray, found: _Isolated) -> tuple[np.ndarray, np.ndarray]:
    point, left, right, line = found.point, found.left, found.right, line.rounded()
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

    def newton(x: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = function(x, v[at], line.take(at))
        return value, x - value / slope

    return safeguarded(newton, low, high, rising, middle=_middle, step=(1e-13, 0.0), width=(1e-15, 0.0))


def _middle(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return 0.5 * (low + high)


class Crossings(NamedTuple):
    """Intervals on which F changes sign once, ascending within a point: its index, and whether F falls there (a mode)."""

    point: np.ndarray
    left: np.ndarray
    right: np.ndarray
    falls: np.ndarray
    flat: np.ndarray

    def modes(self) -> Crossings:
        """Those at which F falls."""
        return Crossings(*(column[self.falls] for column in self))


def zeros(line: Line, v: np.ndarray, found: Crossings) -> np.ndarray:
    """The zero of F in each of the intervals."""
    x = np.empty(len(found.point))
    for function, mixtures, these in ((_score, line.rounded(), ~found.flat), (precise_score, line, found.flat)):
        at = np.flatnonzero(these)
        point = found.point[at]
        x[at] = _polish(function, mixtures.take(point), v[point], found.left[at], found.right[at], ~found.falls[at])
    return x


def crossings(line: Line, v: np.ndarray) -> tuple[Crossings, np.ndarray]:
    """All changes of sign of F, and the points (a mask) that even twice the precision leaves open, which have none."""
    every = np.arange(len(v))
    isolated = _isolated(line, v)
    point, x = _polished(line, v, isolated)
    f = cumulants(x, v[point], line.rounded().take(point))[1]
    flat, unresolved = signs(*isolated.flat, v, line)
    span = line.mu[-1] - line.mu[0]
    sides = [
        (every, line.mu[0] - span / 16, np.ones(len(v)), np.zeros(len(v), dtype=bool)),
        (point, x, np.where(f > 0, 1.0, -1.0), np.zeros(len(x), dtype=bool)),
        (*flat, np.ones(len(flat.x), dtype=bool)),
        (every, line.mu[-1] + span / 16, -np.ones(len(v)), np.zeros(len(v), dtype=bool)),
    ]
    point, x, sign, careful = _join(sides)
    order = np.lexsort((x, point))
    point, x, sign, careful = point[order], x[order], sign[order], careful[order]
    open_points = np.zeros(len(v), dtype=bool)
    open_points[unresolved] = True
    at = np.flatnonzero((sign[:-1] != sign[1:]) & (point[1:] == point[:-1]) & ~open_points[point[1:]])
    return Crossings(point[at], x[at], x[at + 1], sign[at] > 0, careful[at] | careful[at + 1]), open_points
