r"""Where a line crosses the boundary :math:`\varphi = 0` of two groups of components: all crossings, none missed.

On a line ``x(t)`` the two densities, over a common Gaussian factor, are sums of exponentials, and the boundary is a zero of
``f(t) = sum_j sigma_j exp(c_j + b_j t)`` with ``sigma_j`` +1 for one group and -1 for the other. The derivative of
``exp(-b_1 t) f`` is such a sum with one term fewer, and between two of its zeros f has at most one (Rolle): so all zeros
follow from those of the single term, level by level, and there are at most k - 1.
"""

from __future__ import annotations

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.groups import FIRST, REST, SECOND, leader_of
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.bracketing import EPS, bracketed
from scoreshock.kernels.numerics.eigenvalues import pick
from scoreshock.kernels.numerics.log_odds import log_odds, past_midpoint
from scoreshock.kernels.numerics.vectors import inner

TIED = 16 * EPS
"""Means whose projections on a line differ by less than this fraction of the largest difference project to one point."""


def crossings(c: np.ndarray, b: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """All zeros of ``sum_j sign_j exp(c_j + b_j t)``, ascending, (k - 1, B), NaN beyond the last zero.

    ``c (k, B)`` (-inf: no such term), ``b (k, B)``, ``sign (k, B)`` of +1 and -1. A zero without change of sign, at which
    two crossings merge, may be missed: rounding decides.

    Examples
    --------
    ``e^t - 3 + 2 e^-t`` has the zeros 0 and ln 2.

    >>> c, b = np.log([[2.0], [3.0], [1.0]]), np.array([[-1.0], [0.0], [1.0]])
    >>> crossings(c, b, np.array([[1.0], [-1.0], [1.0]]))[:, 0].round(9).tolist() == [0.0, 0.693147181]
    True
    """
    k, size = b.shape
    order = np.argsort(b, axis=0, kind="stable")
    c, b, sign = (np.take_along_axis(a, order, axis=0) for a in (c, b, sign))
    with np.errstate(all="ignore"):
        c, sign = _tied_together(c, b, sign)
        roots = np.full((k - 1, size), np.nan)
        # No more zeros than changes of sign from term to term (Descartes): one needs no other to be told from.
        once = _changes(c, sign) <= 1
        for points, search in ((np.flatnonzero(once), _only), (np.flatnonzero(~once), _all)):
            if len(points):
                zeros = search(c[:, points], b[:, points], sign[:, points])
                roots[: len(zeros), points] = zeros
        return np.sort(roots, axis=0) + 0.0  # a zero has one sign


def _changes(c: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """How often the sign changes from one term to the next that is there, (B,)."""
    last, count = np.zeros(c.shape[-1]), np.zeros(c.shape[-1], dtype=int)
    for constant, now in zip(c, sign, strict=True):
        there = constant > -np.inf
        count += there & (last * now < 0)
        last = np.where(there, now, last)
    return count


def _only(c: np.ndarray, b: np.ndarray, sign: np.ndarray) -> np.ndarray:
    return _between(c, b, sign, np.empty((0, c.shape[-1])))


def _all(c: np.ndarray, b: np.ndarray, sign: np.ndarray) -> np.ndarray:
    k, levels = len(c), [c]
    for i in range(k - 2):
        levels.append(levels[-1][1:] + np.log(b[i + 1 :] - b[i]))
    roots = _of_two(levels.pop(), b[k - 2 :], sign[k - 2 :])
    for i, level in reversed(list(enumerate(levels))):
        roots = _between(level, b[i:], sign[i:], roots)
    return roots


def _of_two(c: np.ndarray, b: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Zero of two terms, (1, B)."""
    zero = (c[:1] - c[1:]) / (b[1:] - b[:1])
    return np.where((sign[:1] != sign[1:]) & np.isfinite(zero), zero, np.nan)


def _tied_together(c: np.ndarray, b: np.ndarray, sign: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Terms of equal exponent become one: their derivative could not tell them apart."""
    c, sign = c.copy(), sign.copy()
    for j in range(len(b) - 1):
        tied = (b[j] == b[j + 1]) & np.isfinite(c[j])
        top, low = np.maximum(c[j], c[j + 1]), np.minimum(c[j], c[j + 1])
        same = sign[j] == sign[j + 1]
        ratio = np.exp(low - top)
        together = top + np.log1p(np.where(same, ratio, -ratio))
        winner = np.where(c[j] > c[j + 1], sign[j], sign[j + 1])
        c[j + 1], sign[j + 1] = np.where(tied, together, c[j + 1]), np.where(tied, winner, sign[j + 1])
        c[j] = np.where(tied, -np.inf, c[j])
    return c, sign


def _between(c: np.ndarray, b: np.ndarray, sign: np.ndarray, critical: np.ndarray) -> np.ndarray:
    """Zeros of one level, at most one between neighbouring zeros ``critical`` of the next; (len(critical) + 1, B)."""
    low, high = _bounds(c, b)
    inner = np.where(np.isnan(critical), low, np.minimum(np.maximum(critical, low), high))
    edges = np.maximum.accumulate(np.concatenate([low[None], inner, high[None]]), axis=0)
    one, two = (np.where(side, c, -np.inf) for side in (sign > 0, sign < 0))
    values = np.stack([_log_ratio(one, two, b, edge)[0] for edge in edges])
    size = c.shape[-1]

    def newton(t: np.ndarray, intervals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = intervals % size
        value, slope, rounding = _log_ratio(pick(one, at), pick(two, at), pick(b, at), t)
        zero, following = np.abs(value) <= rounding, t - value / slope
        return np.where(zero, 0.0, value), np.where(zero & np.isnan(following), t, following)

    ends = (edges[:-1], edges[1:], values[:-1], values[1:])
    roots = bracketed(newton, *(end.ravel() for end in ends), newton=True).reshape(-1, size)
    # A zero at an edge belongs to the interval that ends there.
    roots[1:] = np.where(roots[1:] == edges[1:-1], np.nan, roots[1:])
    return roots


def _bounds(c: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions (B,) below (above) which the term of least (largest) exponent outweighs all others together."""
    k = len(b)
    there = np.isfinite(c)
    first, last = there.argmax(axis=0), k - 1 - there[::-1].argmax(axis=0)
    low, high = np.full(c.shape[-1], np.inf), np.full(c.shape[-1], -np.inf)
    at = np.arange(c.shape[-1])
    for j in range(k):
        down = (c[first, at] - c[j] - np.log(2 * k)) / (b[j] - b[first, at])
        low = np.where(there[j] & (j != first), np.minimum(low, down), low)
        up = (c[j] - c[last, at] + np.log(2 * k)) / (b[last, at] - b[j])
        high = np.where(there[j] & (j != last), np.maximum(high, up), high)
    single = ~(low <= high)
    return np.where(single, np.nan, low), np.where(single, np.nan, high)


def _log_ratio(c: np.ndarray, other: np.ndarray, b: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log of ``sum_j exp(c_j + b_j t)`` over that of ``other``, its derivative in t, and the size of its rounding.

    It is nearly linear in t, and free of overflow.
    """
    rise = b * t
    size = np.abs(rise)
    (log, slope, error), (log_2, slope_2, error_2) = (_log_sum(each, b, rise, size) for each in (c, other))
    return log - log_2, slope - slope_2, EPS * (error + error_2)


def _log_sum(c: np.ndarray, b: np.ndarray, rise: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logarithm of ``sum_j exp(c_j + rise_j)``, its derivative, and the size of the terms of the largest exponent."""
    logits = c + rise
    peak = logits.max(axis=0)
    e = np.exp(logits - peak)
    mass, moment = total(e), total(e * b)
    large = np.where(logits == peak, np.abs(c) + size, 0.0).max(axis=0)
    # Without any term the peak is -inf, and the sum NaN.
    return np.where(np.isnan(mass), peak, peak + np.log(mass)), moment / mass, np.where(peak > -np.inf, large, 0.0)


def crossings_on_line(
    start: np.ndarray,
    direction: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    group: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """`boundary.on_line` of a batch, points last: exponents of both groups along the line, relative to those of one.

    Examples
    --------
    >>> means, weights, group = np.array([[[-1.0]], [[1.0]]]), np.array([[0.25], [0.75]]), np.array([[0], [1]])
    >>> line = np.zeros((1, 1)), np.ones((1, 1))
    >>> crossings_on_line(*line, means, weights, np.array([2.0]), np.zeros(1), group)[0].round(12).tolist()
    [[-1.098612288668]]
    """
    k = len(means)
    v = variance + 2 * tau
    safe = np.where(v > 0, v, np.nan)
    inside = group != REST
    which, leader, weight = leader_of(start, means, weights, safe, inside)
    at = np.arange(start.shape[-1])
    level, slope, size = np.empty((k, len(at))), np.empty((k, len(at))), np.zeros((k, len(at)))
    for j in range(k):
        step = means[j] - leader
        level[j] = log_odds(weights[j], weight) + inner(step, past_midpoint(start, means[j], leader)) / (2 * safe)
        slope[j] = inner(step, direction)
        size[j] = np.abs(step * direction).max(axis=0)
    slope = _snapped(slope, TIED * size.max(axis=0)) / safe
    level = np.where(inside, level, -np.inf)
    positions = crossings(level, slope, np.where(group == FIRST, 1.0, -1.0))
    used = np.where(inside, slope, slope[which, at])
    status = np.where(np.isnan(positions).all(axis=0), np.int8(Status.no_real_root), np.int8(Status.ok))
    status = np.where((used == used[0]).all(axis=0), np.int8(Status.no_transition), status)
    empty = ~(group == FIRST).any(axis=0) | ~(group == SECOND).any(axis=0)
    status = np.where(empty, np.int8(Status.not_applicable), status)
    return positions, np.where(v > 0, status, np.int8(Status.singular))


def _snapped(slope: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """Slopes (k, B) with neighbours closer than the tolerance (B,) made equal."""
    order = np.argsort(slope, axis=0, kind="stable")
    ascending = np.take_along_axis(slope, order, axis=0)
    for j in range(1, len(slope)):
        ascending[j] = np.where(ascending[j] - ascending[j - 1] <= tolerance, ascending[j - 1], ascending[j])
    result = np.empty_like(slope)
    np.put_along_axis(result, order, ascending, axis=0)
    return result
