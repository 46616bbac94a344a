"""Merging events of one-dimensional mixtures: bracketed by counting modes, then solved as folds or pitchforks.

``F = m(x) - x`` and ``P = kappa_2 - v`` vanish together where a mode meets a minimum (a fold). In a symmetric mixture the
third cumulant vanishes there too (a pitchfork), where the fold's equations are singular.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from scoreshock.kernels.modes.inflections import LOWEST, crossings, cumulants, inflections, zeros
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.descartes import Line
from scoreshock.kernels.numerics.root_isolation import join

NARROW = 1e-3
"""Relative width of a bracket of v below which its events are solved for by Newton's method."""

SAME = 1e-9
"""Relative difference in v below which events are one; counting modes cannot resolve a pitchfork more finely."""

SAME_PAIR = 1e-3
"""Pairs whose distances differ by less, relatively, merge at one v, as in a symmetric mixture."""

STEPS = 30
"""Newton steps; six to eight are typical."""

SINGULAR = 1e-3
"""Skewness of the posterior at a fold below which it is solved as a pitchfork, perhaps imperfect."""

RESIDUAL = 1e-12
"""Largest F and P at a solution, in units of the means' range."""

WIDENINGS = 40
"""Quarterings of v in search of as many modes as distinct means: enough for weights down to the smallest number."""

HALVINGS = 60
"""Halvings of a bracket of ``ln v``: from any width to ``SAME``."""


def events(line: Line) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Events of mixtures with range near one: point, v (ascending in a point), x, modes before and after; and a mask.

    It marks the mixtures whose modes cannot be counted at some v that the search needs; they have no events.

    Examples
    --------
    >>> means, weights = np.array([[-0.5], [0.5]]), np.array([[0.5], [0.5]])
    >>> (point, v, x, before, after), unresolved = events(Line(means, np.log(weights), np.stack([0 * means, weights])))
    >>> v.round(12).tolist(), before.tolist(), after.tolist()
    ([0.25], [2], [1])
    """
    low, n_low, unresolved = _all_separate(line)
    span = line.mu[-1] - line.mu[0]
    high = 0.25 * span * span * (1 + 1e-6)
    point = np.flatnonzero((n_low > 1) & ~unresolved)
    item: tuple[np.ndarray, ...] = (point, low[point], n_low[point], high[point], np.ones(len(point), dtype=np.int64))
    item = _narrow(line, item, NARROW, unresolved)
    solved, v, x = _folds(line, item)
    rest = np.ones(len(item[0]), dtype=bool)
    rest[solved] = False
    parts = [(item[0][solved], v, x, np.ones(len(solved), dtype=np.int64))]
    item = _narrow(line, tuple(column[rest] for column in item), SAME, unresolved)
    v, x = _pitchforks(line, item)
    parts.append((item[0], v, x, item[2] - item[4]))
    point, v, x, drop = join(parts)
    kept = np.flatnonzero(~unresolved[point])
    return _grouped(point[kept], v[kept], x[kept], drop[kept], n_low), unresolved


def _count(line: Line, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of modes, and whether it is unresolved."""
    changes, unresolved = crossings(line, v)
    return np.bincount(changes.modes().point, minlength=len(v)), unresolved


def _all_separate(line: Line) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A v at which every distinct mean has its mode, or ``LOWEST``, the modes there, and whether they are unresolved."""
    gaps = np.diff(line.mu, axis=0)
    distinct = 1 + np.count_nonzero(gaps > 0, axis=0)
    least = np.where(gaps > 0, gaps, np.inf).min(axis=0)
    lightest = np.where(np.isfinite(line.log_w), line.log_w, np.inf).min(axis=0)
    v = np.maximum(least * least / (8 * (2 + line.log_w.max(axis=0) - lightest)), LOWEST)
    count, unresolved = np.zeros(len(v), dtype=np.int64), np.zeros(len(v), dtype=bool)
    todo = np.arange(len(v))
    for _ in range(WIDENINGS):
        count[todo], unresolved[todo] = _count(line.take(todo), v[todo])
        todo = todo[(count[todo] < distinct[todo]) & (v[todo] > LOWEST) & ~unresolved[todo]]
        if not len(todo):
            break
        v[todo] = np.maximum(v[todo] / 4, LOWEST)
    return v, count, unresolved


def _narrow(line: Line, item: tuple[np.ndarray, ...], width: float, unresolved: np.ndarray) -> tuple[np.ndarray, ...]:
    """Halve brackets ``(point, low, modes there, high, modes there)`` to the relative ``width``; drop the empty ones."""
    done = []
    for _ in range(HALVINGS):
        point, low, n_low, high, n_high = item
        wide = high > low * (1 + width)
        done.append(tuple(column[~wide] for column in item))
        point, low, n_low, high, n_high = (column[wide] for column in item)
        if not len(point):
            break
        middle = np.sqrt(low * high)
        n, unknown = _count(line.take(point), middle)
        # The number of modes never rises with v: where it does, rounding has decided.
        unknown |= (n < n_high) | (n > n_low)
        unresolved[point[unknown]] = True
        left, right = (n_low > n) & ~unknown, (n > n_high) & ~unknown
        below, above = (point, low, n_low, middle, n), (point, middle, n, high, n_high)
        item = join([tuple(column[left] for column in below), tuple(column[right] for column in above)])
    else:
        done.append(item)
    return join(done)


def _derivatives(x: np.ndarray, v: np.ndarray, line: Line) -> dict[str, np.ndarray]:
    """F, ``P = kappa_2 - v``, ``T = kappa_3`` and their derivatives in x and v."""
    _, f, r, c = cumulants(x, v, line)
    m2, m3, m4, m5 = (total(term) for term in accumulate([r * c * c, c, c, c], np.multiply))
    twice = 2 * v * v
    f_v = (m3 + 2 * f * m2) / twice
    return {
        "F": f,
        "P": m2 - v,
        "T": m3,
        "F_x": m2 / v - 1,
        "F_v": f_v,
        "P_x": m3 / v,
        "P_v": (m4 - m2 * m2 + 2 * f * m3) / twice - 1,
        "T_x": (m4 - 3 * m2 * m2) / v,
        "T_v": (m5 - m3 * m2 + 2 * f * m4) / twice - 3 * m2 * f_v,
    }


def _newton(line: Line, x: np.ndarray, v: np.ndarray, one: str, two: str) -> tuple[np.ndarray, np.ndarray]:
    """Newton's method for two of F, P, T from ``x, v``; a fixed number of steps, stopped where v leaves a factor two."""
    start = v
    for _ in range(STEPS):
        d = _derivatives(x, v, line)
        determinant = d[one + "_x"] * d[two + "_v"] - d[one + "_v"] * d[two + "_x"]
        dx = (d[one + "_v"] * d[two] - d[two + "_v"] * d[one]) / determinant
        dv = (d[two + "_x"] * d[one] - d[one + "_x"] * d[two]) / determinant
        inside = np.isfinite(dx) & np.isfinite(dv) & (np.abs(v + dv - start) < 0.5 * start)
        x, v = np.where(inside, x + dx, x), np.where(inside, v + dv, v)
    return x, v


def _folds(line: Line, item: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Folds of the brackets in which Newton's method finds as many as modes vanish: bracket, v, x of each."""
    point, low, n_low, high, n_high = item
    if not len(point):
        return point, low, low
    bracket, x = inflections(line.take(point), low)
    here = line.take(point[bracket])
    x, v = _newton(here, x, low[bracket], "F", "P")
    d = _derivatives(x, v, here)
    good = (np.abs(d["F"]) <= RESIDUAL) & (np.abs(d["P"]) <= RESIDUAL)
    # Close to a pitchfork the fold's equations are nearly singular, and Newton's method crawls.
    good &= np.abs(d["T"]) > SINGULAR * v * np.sqrt(v)
    good &= (v >= low[bracket] * (1 - SAME)) & (v <= high[bracket] * (1 + SAME))
    bracket, x, v = bracket[good], x[good], v[good]
    order = np.lexsort((x, bracket))
    bracket, x, v = bracket[order], x[order], v[order]
    first = np.ones(len(x), dtype=bool)
    first[1:] = (bracket[1:] != bracket[:-1]) | (x[1:] - x[:-1] > 1e-7 * np.sqrt(v[1:]))
    bracket, x, v = bracket[first], x[first], v[first]
    complete = np.bincount(bracket, minlength=len(point)) == n_low - n_high
    kept = complete[bracket]
    return bracket[kept], v[kept], x[kept]


def _pitchforks(line: Line, item: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """v and x of one event in each bracket: of a pitchfork or a fold where it lies there, the bracket's middle otherwise."""
    point, low, _, high, _ = item
    if not len(point):
        return low, low
    here = line.take(point)
    x, apart = _closest_pair(here, low)
    v_event, x_event = np.sqrt(low * high), x
    # F at an imperfect pitchfork does not vanish, but moves the event by less than the bracket's width.
    for one, two, residual in (("F", "P", RESIDUAL), ("P", "T", 1e-10)):
        x_new, v_new = _newton(here, x, low, one, two)
        d = _derivatives(x_new, v_new, here)
        good = (np.abs(d["F"]) <= residual) & (np.abs(d["P"]) <= RESIDUAL)
        good &= (np.abs(v_new - low) <= 4 * SAME * low) & (np.abs(x_new - x) <= 2 * apart)
        v_event, x_event = np.where(good, v_new, v_event), np.where(good, x_new, x_event)
    return v_event, x_event


def _closest_pair(line: Line, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle and distance of the mode and the minimum that are nearest to each other, of several pairs the leftmost."""
    changes, _ = crossings(line, v)
    x = zeros(line, v, changes)
    pair = np.flatnonzero(changes.point[1:] == changes.point[:-1])
    point, middle, apart = changes.point[pair], 0.5 * (x[pair] + x[pair + 1]), x[pair + 1] - x[pair]
    least = np.full(len(v), np.inf)
    np.minimum.at(least, point, apart)
    near = np.flatnonzero(apart <= least[point] * (1 + SAME_PAIR))
    first = near[np.searchsorted(point[near], np.arange(len(v)))]
    return middle[first], apart[first]


def _grouped(
    point: np.ndarray, v: np.ndarray, x: np.ndarray, drop: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Events in order of v, those at the same v as one; modes before and after from the number at the start."""
    order = np.lexsort((x, v, point))
    point, v, x, drop = point[order], v[order], x[order], drop[order]
    first = np.ones(len(v), dtype=bool)
    first[1:] = (point[1:] != point[:-1]) | (v[1:] > v[:-1] * (1 + SAME))
    group = np.cumsum(first) - 1
    drop = np.bincount(group, weights=drop, minlength=int(first.sum())).astype(np.int64)
    leftmost = np.full(len(drop), np.inf)
    np.minimum.at(leftmost, group, x)
    point, v = point[first], v[first]
    lost = np.cumsum(drop)
    begin = np.searchsorted(point, point)
    after = start[point] - (lost - lost[begin] + drop[begin])
    return point, v, leftmost, after + drop, after
