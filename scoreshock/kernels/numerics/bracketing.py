"""Roots of functions of one variable, one at each of many points; a point's steps depend on that point alone.

One loop, `safeguarded`, takes the steps that a function proposes, such as Newton's, and halves the bracket where they are
not safe. `bracketed` looks at the ends of a bracket first, and proposes steps by interpolation where only values are given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

STEPS = 2100
"""Bound of the steps: any two numbers are fewer halvings apart. Four to a dozen are typical."""

EPS = np.finfo(float).eps

Stepping = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""``function(x, points)``: the values at ``x``, those of the points of these numbers, and the next x of each."""


def arithmetic(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Arithmetic mean (B,), without overflow.

    Examples
    --------
    >>> arithmetic(np.array([1.0]), np.array([4.0])).tolist()
    [2.5]
    """
    return low + 0.5 * (high - low)


def doubling(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Arithmetic mean (B,), or twice the lower bound where there is no upper one.

    Examples
    --------
    >>> doubling(np.array([1.0, 1.0]), np.array([4.0, np.inf])).tolist()
    [2.5, 2.0]
    """
    return np.where(np.isfinite(high), 0.5 * (low + high), 2 * low)


def safeguarded(
    function: Stepping,
    low: np.ndarray,
    high: np.ndarray,
    rising: np.ndarray | bool,
    *,
    start: np.ndarray | None = None,
    middle: Callable[[np.ndarray, np.ndarray], np.ndarray] = arithmetic,
    step: tuple[float, float] = (0.0, 0.0),
    width: tuple[Any, float] = (0.0, 4 * EPS),
    quadratic: bool = True,
) -> np.ndarray:
    """Root between ``low`` and ``high``, by the steps of the function, halving the bracket where they are not safe.

    Parameters
    ----------
    function : callable
        ``function(x, points)`` gives the values at ``x`` and the next x, such as Newton's; a value that is zero within
        rounding may be given as 0.
    low, high : array (B,)
        Brackets, which may be infinite.
    rising : array (B,) of bool, or bool
        Whether the value changes its sign upwards.
    start : array (B,), optional
        First x, by default the middle.
    middle : callable
        ``middle(low, high)`` replaces an x outside the bracket, or one whose step is not at most half of the last.
    step : pair of float
        A step of at most ``step[0] + step[1] |x|`` is the last: its square is below rounding.
    width : pair of (float or array (B,), float)
        Resolution of x, absolute and relative: ends where the bracket, or the predicted step after the next, is no wider.
    quadratic : bool
        Whether steps shrink as Newton's do. Otherwise any step inside the bracket is taken, and only the bracket decides.

    Returns
    -------
    array (B,)
        NaN where a value is NaN, where a value and its slope are both zero, and where the steps diverge.

    Examples
    --------
    >>> def newton(x, points):
    ...     return x * x - 2, x - (x * x - 2) / (2 * x)
    >>> float(safeguarded(newton, np.zeros(1), np.full(1, 2.0), True)[0].round(14))
    1.4142135623731
    """
    x = middle(low, high) if start is None else start
    root, points = np.full(x.shape, np.nan), np.arange(x.size)
    upwards, resolution = (np.broadcast_to(a, x.shape) for a in (rising, width[0]))
    last, before = np.full((2, x.size), [[np.inf], [np.nan]])
    for _ in range(STEPS):
        if not points.size:
            break
        value, guess = function(x, points)
        with np.errstate(all="ignore"):
            below = (value < 0) == upwards[points]
            low, high = np.where(below, x, low), np.where(below, high, x)
            size, room = np.abs(guess - x), resolution[points] + width[1] * np.abs(x)
            inside = (guess > low) & (guess < high) & ((not quadratic) | (size <= 0.5 * last) | np.isinf(high - low))
            zero = (value == 0) | (guess == x)
            # Where a value underflows to zero its slope does too, and the guess is NaN.
            following = np.where(zero, np.clip(guess, low, high), np.where(inside, guess, middle(low, high)))
            following = np.where(np.isnan(value) | np.isinf(following), np.nan, following)
            near = (size <= step[0] + step[1] * np.abs(x)) | (quadratic & _settles(size, before, room))
            done = zero | np.isnan(following) | (following == x) | (high - low <= room) | (inside & near)
        root[points[done]] = following[done]
        state = points, following, low, high, np.abs(following - x), np.where(inside, size, np.nan)
        points, x, low, high, last, before = (a[~done] for a in state)
    return root


def _settles(size: np.ndarray, before: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Whether the step after one of this size, at the rate at which two of Newton's steps shrank, is within ``room``."""
    return (size <= room) | ((size < 0.1 * before) & (size * (size / before) ** 2 <= room))


def bracketed(
    function: Callable[[np.ndarray, np.ndarray], Any],
    low: np.ndarray,
    high: np.ndarray,
    at_low: np.ndarray | None = None,
    at_high: np.ndarray | None = None,
    *,
    tolerance: float = 0.0,
    newton: bool = False,
) -> np.ndarray:
    """Root (B,) in brackets with values of opposite sign at the ends, or zero at one; each point by itself.

    Parameters
    ----------
    function : callable
        ``function(x, points)`` gives the values at ``x`` (B,), from which steps follow by Chandrupatla's method (1997):
        inverse quadratic interpolation where it is safe, else halving.
    low, high : array (B,)
        Ends of the brackets, in either order.
    at_low, at_high : array (B,), optional
        Values at the ends.
    tolerance : float
        Error of the root; rounding where that is larger.
    newton : bool
        Whether the function gives both values and the next x, as for `safeguarded`.

    Returns
    -------
    array (B,)
        NaN where a value is, or without a change of sign.

    Examples
    --------
    >>> square = np.array([2.0, 9.0, -1.0])
    >>> bracketed(lambda x, points: x * x - square[points], np.zeros(3), np.full(3, 10.0)).round(12).tolist()
    [1.414213562373, 3.0, nan]
    """
    everything = np.arange(low.size)
    values = (lambda x, points: function(x, points)[0]) if newton else function
    at_low = values(low, everything) if at_low is None else at_low
    at_high = values(high, everything) if at_high is None else at_high
    root = np.where(at_high == 0, high, np.where(at_low == 0, low, np.nan))
    points = np.flatnonzero(np.sign(at_low) * np.sign(at_high) < 0)
    ends = low[points], high[points], at_low[points], at_high[points]

    def stepping(x: np.ndarray, index: np.ndarray) -> Any:
        return function(x, points[index])

    lower, upper, rising = np.minimum(*ends[:2]), np.maximum(*ends[:2]), (ends[2] < 0) == (ends[0] < ends[1])
    steps = stepping if newton else _interpolating(stepping, *ends, tolerance)
    start = _chord(*ends) if newton else None
    root[points] = safeguarded(steps, lower, upper, rising, start=start, width=(tolerance, 4 * EPS), quadratic=newton)
    return root


def _chord(low: np.ndarray, high: np.ndarray, at_low: np.ndarray, at_high: np.ndarray) -> np.ndarray:
    """Zero of the chord through both ends, or the middle where values are infinite."""
    with np.errstate(all="ignore"):
        share = at_low / (at_low - at_high)
    return low + np.where((share > 0) & (share < 1), share, 0.5) * (high - low)


def _interpolating(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    at_low: np.ndarray,
    at_high: np.ndarray,
    tolerance: float,
) -> Stepping:
    """Values and the next x by inverse quadratic interpolation; notation as in Chandrupatla (1997)."""
    state = np.stack([low, high, at_low, at_high])

    def steps(x: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        f = function(x, index)
        one, two, f_one, f_two = state[:, index]
        same = np.sign(f) == np.sign(f_one)
        x3, f3 = np.where(same, one, two), np.where(same, f_one, f_two)
        x2, f2 = np.where(same, two, one), np.where(same, f_two, f_one)
        state[:, index] = x, x2, f, f2
        with np.errstate(all="ignore"):
            least = (2 * EPS * np.abs(np.where(np.abs(f) < np.abs(f2), x, x2)) + 0.5 * tolerance) / np.abs(x2 - x)
            xi, ratio = (x - x2) / (x3 - x2), (f - f2) / (f3 - f2)
            smooth = (ratio**2 < xi) & ((1 - ratio) ** 2 < 1 - xi)
            t = f / (f2 - f) * f3 / (f2 - f3) + (x3 - x) / (x2 - x) * f / (f3 - f) * f2 / (f3 - f2)
            t = np.where(smooth & np.isfinite(t), t, 0.5)
            return f, np.where(f == 0, x, x + np.minimum(np.maximum(t, least), 1 - least) * (x2 - x))

    return steps
