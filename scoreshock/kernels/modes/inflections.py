"""Inflections of the log density of a one-dimensional mixture, none missed, and the modes between them.

Notation: ``F(x, v) = m(x) - x = v s(x)`` with the posterior mean m, ``kappa_j`` the posterior's cumulants of the means, so
``F_x = kappa_2/v - 1``. Modes are the zeros of F where it falls; between neighbouring zeros of ``kappa_2 - v`` (the
inflections of ``ln p``) F is monotone. With ``Z = sum_k w_k exp(-(x - mu_k)^2/(2v))``, ``ln(Z^2 kappa_2) + x^2/v`` and ``2
ln Z + x^2/v`` are convex in x, so the inflections are isolated as the roots in ``root_isolation`` are. Where ``kappa_2 - v``
hardly leaves zero, these bounds tell nothing, and the zeros of F itself are counted (module ``descartes``).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.bracketing import safeguarded
from scoreshock.kernels.numerics.descartes import WIDE, Line, precise_score, signs, summable
from scoreshock.kernels.numerics.eigenvalues import pick
from scoreshock.kernels.numerics.posterior import softmax
from scoreshock.kernels.numerics.root_isolation import DA, DB, ROWS, A, B, G, Y, classify, join

MAX_HALVINGS = 70
"""More than halvings of an interval need to reach neighbouring numbers."""

LOWEST = 1e-16
"""v in units of the squared range below which rounding of the convex functions may exceed what isolates the inflections:
near-flat intervals are not looked into there, and no merging events are sought."""

X, LOG_Z, F, LOG_K, SKEW = range(5)


def cumulants(x: np.ndarray, v: np.ndarray, line: Line) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """``ln Z``, F, responsibilities ``(k, P)`` and the means less their posterior mean ``(k, P)``, at ``x, v (P,)``.

    Examples
    --------
    >>> pair = Line(np.array([[-1.0], [1.0]]), np.log([[0.5], [0.5]]))
    >>> log_z, f, r, c = cumulants(np.zeros(1), np.ones(1), pair)
    >>> f.tolist(), r[:, 0].tolist(), c[:, 0].tolist()
    ([0.0], [0.5, 0.5], [-1.0, 1.0])
    """
    offset = line.mu - x
    r, log_z = softmax(line.log_w - offset * offset / (2 * v))
    f = total(r * offset)
    return log_z, f, r, offset - f


def _nodes(x: np.ndarray, v: np.ndarray, line: Line) -> np.ndarray:
    """Rows ``x, ln Z, F, ln kappa_2, kappa_3/kappa_2``.

    Where one component has all the responsibility within rounding, the cumulants are moments about its mean, and are taken
    relative to the runner-up's responsibility, which may be far below the smallest number.
    """
    log_z, f, r, c = cumulants(x, v, line)
    second = r * c * c
    variance = total(second)
    rows = np.stack([x, log_z, f, np.log(variance), total(second * c) / variance])
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
    variance = total(second)
    return runner_up + np.log(variance), total(second * c) / variance


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
    exact, line, every = line, line.rounded(), np.arange(line.mu.shape[1])
    span = line.mu[-1] - line.mu[0]
    nodes = [_nodes(x, v, line) for x in (line.mu[0] - span / 16, *line.mu, line.mu[-1] + span / 16)]
    point, left, right = join([(every, *pair) for pair in pairwise(nodes)])
    isolated, flat = [], []
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
        isolated.append((point[single], pick(left, single), pick(right, single)))
        flat.append((point[narrow], left[X, narrow], right[X, narrow]))
        point, left, right = point[halve], pick(left, halve), pick(right, halve)
        if not len(point):
            break
        between = _nodes(middle[halve], v[point], line.take(point))
        point, left, right = join([(point, left, between), (point, between, right)])
    (point, left, right), (at, low, high) = join(isolated), join(flat)
    return _Isolated(point, left, right, (at, low, high))


def inflections(line: Line, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Zeros of ``kappa_2 - v`` about the means, ascending, except where it is nearly flat: the point of each, x.

    Equal means must have been merged.

    Examples
    --------
    >>> pair = Line(np.array([[-1.0], [1.0]]), np.log([[0.5], [0.5]]), np.array([[[0.0], [0.0]], [[0.5], [0.5]]]))
    >>> (inflections(pair, np.array([0.5]))[1] / np.arccosh(2**0.5)).round(12).tolist()
    [-0.5, 0.5]
    """
    return _polished(line, v, _isolated(line, v))


def _polished(line: Line, v: np.ndarray, isolated: _Isolated) -> tuple[np.ndarray, np.ndarray]:
    point, left, right, line = isolated.point, isolated.left, isolated.right, line.rounded()
    x = _polish(_log_kappa, line.take(point), v[point], left[X], right[X], right[LOG_K] > left[LOG_K])
    order = np.lexsort((x, point))
    return point[order], x[order]


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

    return safeguarded(newton, low, high, rising, step=(1e-13, 0.0), width=(1e-15, 0.0))


class Crossings(NamedTuple):
    """Intervals on which F changes sign once, ascending within a point: its index, and whether F falls there (a mode)."""

    point: np.ndarray
    left: np.ndarray
    right: np.ndarray
    falls: np.ndarray
    flat: np.ndarray

    def modes(self) -> Crossings:
        """The crossings at which F falls."""
        return Crossings(*(column[self.falls] for column in self))


def zeros(line: Line, v: np.ndarray, crossings: Crossings) -> np.ndarray:
    """The zero of F in each of the intervals; where F is nearly flat, in twice the precision."""
    x = np.empty(len(crossings.point))
    for function, mixtures, flat in ((_score, line.rounded(), False), (precise_score, line, True)):
        at = np.flatnonzero(crossings.flat == flat)
        point, left, right, falls, _ = (column[at] for column in crossings)
        x[at] = _polish(function, mixtures.take(point), v[point], left, right, ~falls)
    return x


def crossings(line: Line, v: np.ndarray) -> tuple[Crossings, np.ndarray]:
    """All changes of sign of F, and the points (a mask) that even twice the precision leaves open, which have none.

    Examples
    --------
    >>> pair = Line(np.array([[-1.0], [1.0]]), np.log([[0.5], [0.5]]), np.array([[[0.0], [0.0]], [[0.5], [0.5]]]))
    >>> changes, unresolved = crossings(pair, np.array([0.5]))
    >>> changes.falls.tolist(), zeros(pair, np.array([0.5]), changes).round(6).tolist()
    ([True, False, True], [-0.957504, 0.0, 0.957504])
    """
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
    point, x, sign, careful = join(sides)
    order = np.lexsort((x, point))
    point, x, sign, careful = point[order], x[order], sign[order], careful[order]
    open_points = np.zeros(len(v), dtype=bool)
    open_points[unresolved] = True
    at = np.flatnonzero((sign[:-1] != sign[1:]) & (point[1:] == point[:-1]) & ~open_points[point[1:]])
    return Crossings(point[at], x[at], x[at + 1], sign[at] > 0, careful[at] | careful[at + 1]), open_points
