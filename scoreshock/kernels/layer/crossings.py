r"""Where a line crosses the boundary :math:`\varphi = 0` of two groups of components: all crossings, none missed.

On a line ``x(t)`` the two densities, over a common Gaussian factor, are sums of exponentials, and the boundary is a zero of
``f(t) = sum_j sigma_j exp(c_j + b_j t)`` with ``sigma_j`` +1 for one group and -1 for the other. The derivative of
``exp(-b_1 t) f`` is such a sum with one term fewer, and between two of its zeros f has at most one (Rolle): so all zeros
follow from those of the single term, level by level, and there are at most k - 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MAX_STEPS = 200
"""Bound of Newton steps and bisections of a bracket: about ten are typical, a hundred halvings exhaust a double."""

EPS = np.finfo(float).eps

Function = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


def bracketed(function: Function, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Zero of a function of each point in its own bracket, by Newton steps kept inside by bisection; (B,).

    Parameters
    ----------
    function : callable
        ``function(t, points)`` with the positions ``t`` of the points of index ``points`` gives value, derivative, and the
        size of the rounding of the value, at which a point stops.
    low, high : array (B,)
        Brackets.

    Returns
    -------
    array (B,)
        NaN where the function has one sign at both ends, or is NaN. Each point stops by itself.

    Examples
    --------
    >>> import numpy as np
    >>> square = np.array([2.0, 9.0, -1.0])
    >>> def parabola(t, points):
    ...     return t * t - square[points], 2 * t, 4e-16 * t * t
    >>> bracketed(parabola, np.zeros(3), np.full(3, 10.0)).round(12).tolist()
    [1.414213562373, 3.0, nan]
    """
    everything = np.arange(len(low))
    at_low, at_high = function(low, everything)[0], function(high, everything)[0]
    root = np.where(at_low == 0, low, np.where(at_high == 0, high, np.nan))
    rising = at_low < 0
    points = np.flatnonzero(((at_low < 0) & (at_high > 0)) | ((at_low > 0) & (at_high < 0)))
    low, high, rising = low[points], high[points], rising[points]
    t = low + 0.5 * (high - low)
    width = high - low
    for _ in range(MAX_STEPS):
        if not len(points):
            break
        value, slope, rounding = function(t, points)
        below = (value < 0) == rising
        low, high = np.where(below, t, low), np.where(below, high, t)
        newton = t - value / slope
        inside = (newton > low) & (newton < high)
        # A step that does not halve the last one is not converging: bisect.
        quick = np.abs(newton - t) <= 0.5 * width
        last = t
        t = np.where(inside & quick, newton, low + 0.5 * (high - low))
        width = np.abs(t - last)
        done = (np.abs(value) <= rounding) | (high - low <= 4 * EPS * np.maximum(np.abs(low), np.abs(high))) | (width == 0)
        root[points[done]] = np.where(inside, newton, last)[done]
        go = ~done
        points, low, high, rising, t, width = (a[go] for a in (points, low, high, rising, t, width))
    root[points] = t
    return root


def crossings(c: np.ndarray, b: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """All zeros of ``sum_j sign_j exp(c_j + b_j t)``, ascending, (k - 1, B), NaN beyond the last zero.

    ``c (k, B)`` (-inf: no such term), ``b (k, B)``, ``sign (k, B)`` of +1 and -1. A zero without change of sign, at which
    two crossings merge, is found or not as rounding decides.

    Examples
    --------
    ``e^t - 3 + 2 e^-t`` has the zeros 0 and ln 2.

    >>> import numpy as np
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
                found = search(c[:, points], b[:, points], sign[:, points])
                roots[: len(found), points] = found
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
    levels = [c]
    for i in range(len(c) - 1):
        levels.append(levels[-1] + np.log(b - b[i]))
        levels[-1][: i + 1] = -np.inf
    roots = np.empty((0, c.shape[-1]))
    for level in reversed(levels[:-1]):
        roots = _between(level, b, sign, roots)
    return roots


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
    found = np.full((len(critical) + 1, c.shape[-1]), np.nan)
    function = _log_ratio(c, b, sign)
    for i in range(len(found)):
        root = bracketed(function, edges[i], edges[i + 1])
        # A zero at an edge belongs to the interval that ends there.
        found[i] = np.where((root == edges[i]) & (i > 0), np.nan, root)
    return found


def _bounds(c: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (B,) below (above) which the term of least (largest) exponent outweighs all others together."""
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


def _log_ratio(c: np.ndarray, b: np.ndarray, sign: np.ndarray) -> Function:
    """Log of the sum of positive terms over that of negative ones: nearly linear in t, and free of overflow."""

    def function(t: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sides = [_log_sum(c[:, points], b[:, points], sign[:, points] == s, t) for s in (1, -1)]
        (up, slope_up, size_up), (down, slope_down, size_down) = sides
        return up - down, slope_up - slope_down, EPS * (size_up + size_down)

    return function


def _log_sum(c: np.ndarray, b: np.ndarray, inside: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, ...]:
    """Log of the sum of the terms inside, its derivative in t, and the size of what it was formed of."""
    logit = np.where(inside, c + b * t, -np.inf)
    peak = logit.max(axis=0)
    total, slope, size = np.zeros_like(t), np.zeros_like(t), np.zeros_like(t)
    for row, exponent, constant in zip(logit, b, c, strict=True):
        e = np.where(row == -np.inf, 0.0, np.exp(row - peak))
        total = total + e
        slope = slope + e * exponent
        size = np.where(row == peak, np.maximum(size, np.abs(constant) + np.abs(exponent * t)), size)
    return np.where(total > 0, peak + np.log(total), -np.inf), slope / total, size
