"""Roots of functions of one variable, one at each of many points; a point's steps depend on that point alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEPS = 100
"""Bound of the steps to a root; four to a dozen are typical."""

POLISH_STEPS = 60
"""Bound of safeguarded steps: halving alone ends within it."""

HALVINGS = 2100
"""Bound of the steps in a bracket: more than any two numbers are halvings apart."""

EPS = np.finfo(float).eps


def rising_root(
    function: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    start: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    scale: np.ndarray,
) -> np.ndarray:
    """Root (B,) between ``low`` and ``high``, where the function rises through zero, by Newton steps from ``start``.

    ``function(x, points)`` gives values and derivatives at the points of these numbers. Bounds may be infinite; a bisection,
    or a doubling while there is no upper bound, replaces steps that do not stay inside or do not halve. Found to rounding,
    of ``scale`` or of x. NaN where a value is, or where the steps do not end at a change of sign.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones(1)
    >>> float(rising_root(lambda x, points: (x * x - 2, 2 * x), one, 0 * one, np.inf * one, one)[0].round(14))
    1.4142135623731
    """
    root, x, points = np.full(start.shape, np.nan), start, np.arange(start.size)
    last, before = np.full((2, start.size), [[np.inf], [np.nan]])
    for _ in range(STEPS):
        if not points.size:
            break
        value, slope = function(x, points)
        low, high = np.where(value <= 0, x, low), np.where(value >= 0, x, high)
        with np.errstate(all="ignore"):
            newton = x - value / slope
            move = np.abs(newton - x)
            bounded = np.isfinite(high - low)
            good = (newton > low) & (newton < high) & (~bounded | (move <= 0.5 * last))
            instead = np.where(np.isfinite(high), 0.5 * (low + high), 2 * x)
            step = np.where(good | (newton == x), newton, instead) - x
            size = np.abs(step)
            # What the next of Newton's steps would be, at the rate at which two of them shrank.
            ahead = np.where(good & (size < 0.1 * before), size * (size / before) ** 2, size)
            done = (ahead <= 2 * EPS * (np.abs(x) + scale[points])) | (value == 0) | np.isnan(step + value)
            x = np.where(value == 0, x, x + step + 0 * value)
            # Where a value underflows to zero its slope does too.
            root[points[done]] = np.where(slope > 0, x, np.nan)[done]
        go = ~done
        points, x, low, high, last, before = (a[go] for a in (points, x, low, high, size, np.where(good, size, np.nan)))
    root[points] = np.nan
    return root


def bracketed(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    at_low: np.ndarray | None = None,
    at_high: np.ndarray | None = None,
    *,
    tolerance: float = 0.0,
) -> np.ndarray:
    """Root (B,) of ``function(t, points)`` in brackets with values of opposite sign, by Chandrupatla's (1997) method.

    Inverse quadratic interpolation where it is safe, else bisection, each point by itself. The values at the ends may be
    passed. The error is ``tolerance``, or rounding where that is larger; NaN where a value is, or without a change of sign.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([1.0])
    >>> float(bracketed(lambda t, points: t * t - 2, 0 * one, 2 * one, -2 * one, 2 * one)[0].round(14))
    1.4142135623731
    """
    points = np.arange(low.size)
    at_low = function(low, points) if at_low is None else at_low
    at_high = function(high, points) if at_high is None else at_high
    root = np.where(at_high == 0, high, np.where(at_low == 0, low, np.nan))
    points = np.flatnonzero(np.sign(at_low) * np.sign(at_high) < 0)
    x1, x2, f1, f2, t = low[points], high[points], at_low[points], at_high[points], np.full(points.shape, 0.5)
    for _ in range(HALVINGS):
        if not points.size:
            break
        x = x1 + t * (x2 - x1)
        f = function(x, points)
        same = np.sign(f) == np.sign(f1)
        x3, f3 = np.where(same, x1, x2), np.where(same, f1, f2)
        x2, f2 = np.where(same, x2, x1), np.where(same, f2, f1)
        x1, f1 = x, f
        best = np.where(np.abs(f1) < np.abs(f2), x1, x2)
        with np.errstate(all="ignore"):
            least = (2 * EPS * np.abs(best) + 0.5 * tolerance) / np.abs(x2 - x1)
            xi, ratio = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
            smooth = (ratio**2 < xi) & ((1 - ratio) ** 2 < 1 - xi)
            t = f1 / (f2 - f1) * f3 / (f2 - f3) + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)
        t = np.where(smooth & np.isfinite(t), t, 0.5)
        t = np.minimum(np.maximum(t, least), 1 - least)
        done = ~(least <= 0.5) | (f == 0) | np.isnan(f)
        root[points[done]] = np.where(f == 0, x, np.where(np.isnan(f), np.nan, best))[done]
        go = ~done
        points, x1, x2, f1, f2, t = (a[go] for a in (points, x1, x2, f1, f2, t))
    root[points] = x1
    return root


def safeguarded(
    function: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    low: np.ndarray,
    high: np.ndarray,
    rising: np.ndarray,
    *,
    middle: Callable[[np.ndarray, np.ndarray], np.ndarray],
    step: tuple[float, float],
    width: tuple[float, float],
) -> np.ndarray:
    """Root (B,) between ``low`` and ``high``, by steps of the caller, halving where they leave the bracket.

    ``function(x, points)`` gives the value, whose sign changes upwards where ``rising``, and the next x, such as Newton's.
    The ``middle`` of the bracket is the start, and replaces what lies outside. A point ends where its step is at most
    ``step``, or its bracket at most ``width``: absolute plus relative to x, or to the upper end.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones(1)
    >>> def newton(x, points):
    ...     return x * x - 2, x - (x * x - 2) / (2 * x)
    >>> half = {"middle": lambda low, high: 0.5 * (low + high), "step": (1e-9, 0.0), "width": (1e-15, 0.0)}
    >>> float(safeguarded(newton, 0 * one, 2 * one, one > 0, **half)[0].round(14))
    1.4142135623731
    """
    x = middle(low, high)
    root, points = x.copy(), np.arange(x.size)
    for _ in range(POLISH_STEPS):
        if not points.size:
            break
        value, guess = function(x, points)
        up = (value < 0) == rising
        low, high = np.where(up, x, low), np.where(up, high, x)
        inside = (guess > low) & (guess < high)
        following = np.where(value == 0, x, np.where(inside, guess, middle(low, high)))
        root[points] = following
        near = inside & (np.abs(guess - x) <= step[0] + step[1] * x)
        go = ~(near | (value == 0) | (high - low <= width[0] + width[1] * high))
        points, x, low, high, rising = (a[go] for a in (points, following, low, high, rising))
    return root
