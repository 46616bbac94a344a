"""The last merging of the modes of a density of one variable with any number of wells: bracketed by counting modes.

The heat kernel never adds modes: where two diffusion times have several modes and one, the last merging lies between
them. Modes are counted by the signs of the score s on a grid. The posterior mean ``x + 2 tau s`` rises with x, so that
``s > 0`` at x excludes a zero up to there; where that does not reach the next position, the grid is refined until a cubic
through s and s_x predicts s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.bracketing import EPS, bracketed
from scoreshock.kernels.wells.convolution import DEPTH, Part
from scoreshock.kernels.wells.parts import Wells, at

ROUNDING = 1e-13
"""Bound of the rounding of the score, in units of ``1/sqrt(2 tau)``: smaller values have no sign."""

LATER, EARLIER = 30, 40
"""Bounds of quadruplings and quarterings of tau in search of one mode and of two."""

LENGTHS = 1.4
"""Initial spacing of a grid in units of ``1/sqrt(|U''|)``."""

GROWTH = 0.25
"""Growth of the initial spacing with the distance from where U bends most."""

SUBDIVISIONS = 8
"""Positions of a cell at which the curvature of U is looked up."""

ROUNDS = 30
"""Bound of the halvings of an interval of a grid."""

PREDICTED = 0.1
"""Largest deviation of s from the cubic's prediction, in units of its least size in an interval."""

FRACTIONS = np.linspace(0, 1, 9)[:, None]

MOST = 50_000
"""Bound of the positions of a grid."""

Score = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]


class Bracket(NamedTuple):
    """Diffusion times before and after the last merging, and the zeros of the score before it: mode, minimum, ... mode."""

    low: float
    high: float
    zeros: np.ndarray


class Scan(NamedTuple):
    """The score on a refined grid, ascending (n,); values within rounding of 0 are 0."""

    x: np.ndarray
    score: np.ndarray
    tau: float

    @property
    def changes(self) -> np.ndarray:
        """Ends of the intervals (2, 2 modes - 1) in which the score changes sign, and its values there; (4, ...)."""
        signed = np.flatnonzero(self.score)
        x, s = self.x[signed], self.score[signed]
        i = np.flatnonzero(s[:-1] * s[1:] < 0)
        return np.array([x[i], x[i + 1], s[i], s[i + 1]])

    @property
    def modes(self) -> int:
        return (self.changes.shape[1] + 1) // 2


def bracket(wells: Wells, which: int, width: float) -> Bracket | None:
    """Times around the last merging of one density, their ratio at most ``1 + width``; None where there is none.

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> around = bracket(quartic(np.array(1.0), np.array(1.0), np.array(0.1)), 0, 1e-3)
    >>> around.low < 0.1937869449 < around.high, around.zeros.size
    (True, 3)
    """
    group, index = next((g, int(i)) for g in wells.groups for i in np.flatnonzero(g.indices == which))
    sides = [part.take(np.array([index])) for part in (group.left, group.right)]
    ends = -_end(sides[0]), _end(sides[1])
    positions, lengths = _bends(sides, ends)

    def score(x: np.ndarray, tau: float) -> tuple[np.ndarray, np.ndarray]:
        here = at(wells, np.full(x.size, which), x, np.full(x.size, tau))
        return here.score, here.score_x

    def scanned(tau: float, low: float, high: float) -> Scan | None:
        return scan(score, _mesh(positions, lengths, tau, low, high), tau)

    pair = _first_pair(scanned, ends)
    pair = None if pair is None else narrowed(scanned, *pair, width)
    if pair is None:
        return None
    early, late = pair
    zeros = bracketed(lambda x, _: score(x, early.tau)[0], *early.changes)
    return Bracket(early.tau, late.tau, zeros)


def narrowed(
    scanned: Callable[[float, float, float], Scan | None], early: Scan, late: Scan, width: float
) -> tuple[Scan, Scan] | None:
    """Scans with several modes and with one, the ratio of their times halved until it is at most ``1 + width``."""
    while late.tau > early.tau * (1 + width):
        ends = np.concatenate([early.changes[:2], late.changes[:2]], axis=1)
        room = ends.max() - ends.min()
        middle = scanned(float(np.sqrt(early.tau * late.tau)), float(ends.min() - room), float(ends.max() + room))
        if middle is None:
            return None
        early, late = (middle, late) if middle.modes > 1 else (early, middle)
    return early, late


def _first_pair(
    scanned: Callable[[float, float, float], Scan | None], ends: tuple[float, float]
) -> tuple[Scan, Scan] | None:
    """Scans with several modes and with one at times a factor four apart."""
    tau = (ends[1] - ends[0]) ** 2
    late = scanned(tau, *ends)
    for _ in range(LATER):
        if late is None or late.modes == 1:
            break
        late = scanned(4 * late.tau, *ends)
    for _ in range(EARLIER):
        early = None if late is None else scanned(late.tau / 4, *ends)
        if early is None or late is None or late.modes != 1:
            return None
        if early.modes > 1:
            return early, late
        late = early
    return None


def _end(side: Part) -> float:
    """Where the tail of a part, seen as the right one, has fallen by the depth at which mass is left out."""
    edge, reach = side.edges[0], side.scale.copy()
    with np.errstate(all="ignore"):
        while float(side.potential.value(edge - reach)[0] - side.potential.value(edge)[0]) < DEPTH:
            reach *= 2
    return float(reach[0] - edge[0])


def _bends(sides: list[Part], ends: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Positions (n,) from end to end, and the lengths ``1/sqrt(|U''|)`` there, at most their distance."""
    positions, lengths = [np.array(ends)], [np.full(2, ends[1] - ends[0])]
    for side, sign in zip(sides, (1, -1), strict=True):
        edges = side.edges[:, 0]
        y = np.append(
            (edges[:-1, None] + np.diff(edges)[:, None] * np.linspace(0, 1, SUBDIVISIONS, False)).ravel(), edges[-1]
        )
        with np.errstate(all="ignore"):
            length = 1 / np.sqrt(np.abs(side.potential.curvature(y)))
        positions.append(sign * y)
        lengths.append(np.fmin(length, ends[1] - ends[0]))
    x, first = np.unique(np.concatenate(positions), return_index=True)
    return x, np.concatenate(lengths)[first]


def _mesh(positions: np.ndarray, lengths: np.ndarray, tau: float, low: float, high: float) -> np.ndarray:
    """Positions from ``low`` to ``high``, as dense as U bends or as the kernel is wide, and less so in between."""
    spacing = np.maximum(np.sqrt(2 * tau), LENGTHS * lengths)
    for turn in (1, -1):
        y = turn * positions[::turn] * GROWTH
        spacing = (np.minimum.accumulate(spacing[::turn] - y) + y)[::turn]
    inside = (positions > low) & (positions < high)
    x = np.concatenate([[low], positions[inside], [high]])
    h = np.interp(x, positions, spacing)
    step = np.diff(h)
    with np.errstate(all="ignore"):
        logarithmic = np.log(h[1:] / h[:-1]) / step
    number = np.concatenate([[0.0], np.cumsum(np.diff(x) * np.where(np.abs(step) > 1e-6 * h[1:], logarithmic, 1 / h[1:]))])
    return np.interp(np.linspace(0, number[-1], 16 + min(MOST, int(np.ceil(number[-1])))), number, x)


def scan(score: Score, x: np.ndarray, tau: float) -> Scan | None:
    """The score on a grid that is refined until no interval can hide zeros; None where it is not a number.

    Examples
    --------
    >>> cubic = scan(lambda x, tau: (x - x**3, 1 - 3 * x**2), np.linspace(-2, 2, 16), 0.1)
    >>> cubic.modes, cubic.changes.shape
    (2, (4, 3))
    """
    s, slope = score(x, tau)
    error = np.full(x.size - 1, np.inf)
    for _ in range(ROUNDS):
        if not np.isfinite(s + slope).all():
            return None
        open_ = np.flatnonzero(_undecided(x, s, slope, error, tau))
        if not open_.size or x.size > MOST:
            break
        middle = x[open_] + 0.5 * (x[open_ + 1] - x[open_])
        new, new_slope = score(middle, tau)
        missed = np.abs(new - _cubic(x, s, slope, open_, np.array(0.5)))
        error[open_] = missed
        error = np.insert(error, open_ + 1, missed)
        x, s, slope = (np.insert(old, open_ + 1, more) for old, more in ((x, middle), (s, new), (slope, new_slope)))
    return Scan(x, np.where(np.abs(s) <= ROUNDING / np.sqrt(2 * tau), 0.0, s), tau)


def _undecided(x: np.ndarray, s: np.ndarray, slope: np.ndarray, error: np.ndarray, tau: float) -> np.ndarray:
    """Whether the interval between two neighbours (n - 1,) may hold other zeros than the signs at its ends show."""
    mean = x + 2 * tau * s
    excluded = ((s[:-1] > 0) & (mean[:-1] >= x[1:])) | ((s[1:] < 0) & (mean[1:] <= x[:-1]))
    noise = ROUNDING / np.sqrt(2 * tau)
    i = np.flatnonzero(~excluded & (np.diff(x) > 8 * EPS * np.abs(x).max()))
    values = _cubic(x, s, slope, i, FRACTIONS)
    change = s[i + 1] - s[i]
    one_sign = (values > 0).all(axis=0) | (values < 0).all(axis=0)
    monotone = (s[i] * s[i + 1] <= 0) & (np.diff(values, axis=0) * change >= 0).all(axis=0)
    least = np.where(one_sign, np.abs(values).min(axis=0), np.where(monotone, np.abs(change), 0.0))
    small = (np.abs(s[i]) <= noise) & (np.abs(s[i + 1]) <= noise)
    result = np.zeros(x.size - 1, dtype=bool)
    result[i] = (error[i] > PREDICTED * least) & ~small
    return result


def _cubic(x: np.ndarray, s: np.ndarray, slope: np.ndarray, i: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The cubic through values and slopes at ``x[i]`` and ``x[i + 1]``, at the fractions t of the way."""
    h = x[i + 1] - x[i]
    one, two = h * slope[i], h * slope[i + 1]
    rise = s[i + 1] - s[i]
    return s[i] + t * (one + t * (3 * rise - 2 * one - two + t * (one + two - 2 * rise)))
