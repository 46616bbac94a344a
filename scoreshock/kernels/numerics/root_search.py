"""All roots of functions of ln tau that are known by their values, by a scan that refines itself.

Nodes are ``SPACING`` apart at first. An interval is halved while the function near zero, or what decides it, changes much
across it, or its continuation from both sides meets beyond zero. Extrema that turn back before zero are polished to see
whether they reach it. What it can miss: a pair of roots between two nodes where none of these shows; roots below the first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.bracketing import bracketed
from scoreshock.kernels.numerics.root_isolation import TOUCH

SPACING, FINEST = 0.25, 1e-6
"""Distance in ln tau of the first nodes, and of the last."""

STEP, SHIFT = 0.3, 0.1
"""Change of the function, and of what decides it, across an interval that is halved no more."""

BEYOND = 40.0
"""How far below the first node, in ln tau, another one stands for tau -> 0."""

TOGETHER = 512
"""Points that are searched together: each has some 200 nodes."""

FLAT = 1e-9
"""Width of the bracket of an extremum, over the first, that rounding of the values makes useless to narrow."""

GOLDEN = 0.5 * (3 - np.sqrt(5))

Function = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""``function(t, points)``: values (P,) at t (P,) of the points, and what decides them, (k, P), between 0 and 1."""


def roots(function: Function, low: np.ndarray, high: np.ndarray, spacing: float = SPACING) -> np.ndarray:
    """Roots up to ``high (B,)``, ascending and NaN-padded, (B, R).

    Nodes begin at ``low (B,)``; below it, down to ``low - BEYOND``, nothing but the sign at both ends is looked at, unless
    the function changes.

    Examples
    --------
    >>> parabola = lambda t, points: ((t - 1) * (t - 2), np.zeros((1, len(t))))
    >>> roots(parabola, np.zeros(1), np.full(1, 7.0)).round(12).tolist()
    [[1.0, 2.0]]
    """
    parts = [
        _found(lambda t, i, first=part.start: function(t, i + first), low[part], high[part], spacing)  # type: ignore[misc]
        for part in slices(len(low), TOGETHER)
    ]
    result = np.full((len(low), max((a.shape[1] for a in parts), default=1)), np.nan)
    for part, found in zip(slices(len(low), TOGETHER), parts, strict=True):
        result[part, : found.shape[1]] = found
    return result


def _found(function: Function, low: np.ndarray, high: np.ndarray, spacing: float) -> np.ndarray:
    """Roots of some points, ascending and NaN-padded, (B, R)."""
    point, t, value = _refined(function, low, high, spacing)
    change = np.flatnonzero((point[1:] == point[:-1]) & (np.sign(value[1:]) * np.sign(value[:-1]) < 0))
    crossing = point[change], np.stack([t[change], t[change + 1], value[change], value[change + 1]])
    beside, touching = _turning(function, point, t, value)
    owner, ends = (np.concatenate(pair, axis=-1) for pair in zip(crossing, beside, strict=True))
    polished = bracketed(lambda x, i: function(x, owner[i])[0], *ends)
    exact = value == 0
    every = np.concatenate([owner, touching[0], point[exact]]), np.concatenate([polished, touching[1], t[exact]])
    return _padded(*every, len(low))


def _refined(
    function: Function, low: np.ndarray, high: np.ndarray, spacing: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, by point and ascending, and their values: point, t, value."""
    count = np.maximum(np.ceil((high - low) / spacing), 1).astype(int) + 2
    point = np.repeat(np.arange(len(low)), count)
    rank = np.arange(len(point)) - np.repeat(np.cumsum(count) - count, count)
    t = low[point] + (high - low)[point] * (rank - 1) / np.maximum(count - 2, 1)[point]
    t = np.where(rank == 0, low[point] - BEYOND, t)
    value, decides = function(t, point)
    while True:
        split = np.flatnonzero(_unsettled(point, t, value, decides))
        if not split.size:
            return point, t, value
        middle, owner = 0.5 * (t[split] + t[split + 1]), point[split]
        new_value, new_decides = function(middle, owner)
        at = split + 1
        point, t, value = (np.insert(a, at, m) for a, m in ((point, owner), (t, middle), (value, new_value)))
        decides = np.insert(decides, at, new_decides, axis=1)


def _unsettled(point: np.ndarray, t: np.ndarray, value: np.ndarray, decides: np.ndarray) -> np.ndarray:
    """Which intervals between neighbouring nodes to halve, (P - 1,)."""
    width, step = np.diff(t), np.diff(value)
    near = np.minimum(np.abs(value[1:]), np.abs(value[:-1])) < 3 + 2 * np.abs(step)
    rough = (near & (np.abs(step) > STEP)) | (np.abs(np.diff(decides, axis=1)).max(axis=0) > SHIFT)
    # Continued from both sides, the function meets itself beyond zero.
    same = point[1:] == point[:-1]
    slope = np.where(same, step / width, np.nan)
    before, after = np.append(np.nan, slope[:-1]), np.append(slope[1:], np.nan)
    with np.errstate(all="ignore"):
        peak = value[:-1] + before * np.clip((step - after * width) / (before - after), 0.0, width)
    turns = (np.sign(before) * np.sign(after) < 0) & (np.sign(peak) * np.sign(value[:-1]) < 0)
    turns &= np.sign(value[:-1]) == np.sign(value[1:])
    unsettled: np.ndarray = same & (rough | turns) & (width > FINEST)
    return unsettled


def _turning(
    function: Function, point: np.ndarray, t: np.ndarray, value: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Brackets ``(t, t, value, value)`` on both sides of extrema that reach beyond zero, and extrema that touch it."""
    size, sign = np.abs(value), np.sign(value)
    inner = (point[2:] == point[:-2]) & (sign[2:] == sign[1:-1]) & (sign[:-2] == sign[1:-1])
    drop = np.maximum(size[2:], size[:-2]) - size[1:-1]
    inner &= (size[1:-1] <= size[2:]) & (size[1:-1] <= size[:-2]) & (size[1:-1] < 2 * drop)
    at = np.flatnonzero(inner) + 1
    best, least = extremum(lambda x, i: sign[at][i] * function(x, point[at][i])[0], t[at - 1], t[at], t[at + 1], size[at])
    crosses, touches = least < -TOUCH, np.abs(least) <= TOUCH
    a, far, best_there = at[crosses], (least * sign[at])[crosses], best[crosses]
    left = np.stack([t[a - 1], best_there, value[a - 1], far])
    right = np.stack([best_there, t[a + 1], far, value[a + 1]])
    brackets = np.concatenate([point[a], point[a]]), np.concatenate([left, right], axis=1)
    return brackets, (point[at[touches]], best[touches])


def extremum(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
    low: np.ndarray,
    middle: np.ndarray,
    high: np.ndarray,
    at_middle: np.ndarray,
    enough: float = -TOUCH,
) -> tuple[np.ndarray, np.ndarray]:
    """Place and value of the minimum in brackets (B,), by golden sections, until it is below ``enough`` or flat to rounding.

    Examples
    --------
    >>> ends = np.zeros(1), np.full(1, 0.5), np.full(1, 3.0)
    >>> extremum(lambda x, points: (x - 2.0) ** 2, *ends, np.full(1, 2.25))[0].round(6).tolist()
    [2.0]
    """
    best, least, low, high = middle.copy(), at_middle.copy(), low.copy(), high.copy()
    narrow, todo = FLAT * (high - low), np.arange(len(low))
    while True:
        todo = todo[(least[todo] >= enough) & (high[todo] - low[todo] > narrow[todo])]
        if not todo.size:
            break
        left, right, at = low[todo], high[todo], best[todo]
        wide = right - at > at - left
        probe = np.where(wide, at + GOLDEN * (right - at), at - GOLDEN * (at - left))
        value = function(probe, todo)
        lower = value < least[todo]
        low[todo] = np.where(wide & lower, at, np.where(wide | lower, left, probe))
        high[todo] = np.where(wide & ~lower, probe, np.where(wide | ~lower, right, at))
        best[todo], least[todo] = np.where(lower, probe, at), np.where(lower, value, least[todo])
    return best, least


def _padded(point: np.ndarray, value: np.ndarray, size: int) -> np.ndarray:
    """Values by point, ascending and NaN-padded, (B, R)."""
    order = np.lexsort((value, point))
    point, value = point[order], value[order]
    rank = np.arange(len(point)) - np.searchsorted(point, point)
    result = np.full((size, int(rank.max(initial=0)) + 1), np.nan)
    result[point, rank] = value
    return result
