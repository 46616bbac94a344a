"""Adaptive integration of many independent initial value problems: each chooses steps independently of the others.

The method of order eight by Dormand and Prince (Hairer, Norsett and Wanner, *Solving Ordinary Differential Equations I*,
section II.5, the code DOP853; coefficients from SciPy). Problems come last: states ``(N, P)``, times ``(t, P)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from scoreshock.kernels.numerics.vectors import square

NARROWEST, WIDEST, SAFETY, ORDER = 0.2, 2.0, 0.9, 8
"""Least and greatest factor between successive steps, and the share of the step expected to reach the tolerance.

An estimate that vanishes by chance lets a step pass whose error is ``WIDEST^9`` tolerances: more than two would spoil it.
"""

LONGEST, LONGEST_FINE = 4.0, 2.5
"""Greatest ratio of the independent variable at the ends of a step, in the coarser and the finer of two runs."""

PARTS, PARTS_FINE = 1, 2
"""Least number of steps between two times, in either: equal steps would hide the error of both."""

FIRST_STEP = 1 / 64
"""First step over the independent variable and over the greatest ratio: short, and another in either run."""

MOST_STEPS = 20_000
"""Steps tried before a problem is given up."""

SHORTEST = 1e-13
"""Step over the independent variable at which rounding is all that is left."""

TIGHTER, ROOM = 1e-3, 10
"""Tolerance of the finer of two runs over that of the coarser: their difference is the coarser one's error. And how many
tolerances of the finer run are added to it, lest the two agree by chance.
"""

LEAST_TOLERANCE, PASSES = 1e-13, 4
"""Least tolerance of the coarser run's steps, and how often they are integrated with a smaller one."""

LEAST_STEP_TOLERANCE = 3e-15
"""Smallest tolerance of a step in double precision."""

COMPACT = 0.8
"""Share of problems still going below which the finished ones are taken out."""

EPS = float(np.finfo(float).eps)


@cache
def _method() -> Any:
    """The method's coefficients A, B, C, E3 and E5."""
    from scipy.integrate import DOP853  # slow to import

    return DOP853


class System(Protocol):
    """Problems ``dy/ds = field(y, s)``, ``s > 0``, side by side."""

    @property
    def blocks(self) -> tuple[slice, ...]:
        """Rows of a state whose errors are measured together, by their Euclidean length."""

    def take(self, index: np.ndarray) -> System:
        """Some of the problems."""

    def field(self, y: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Slopes (N, P) at states (N, P) and ``s (P,)``, in a new array."""

    def allowed(self, y: np.ndarray, after: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
        """Error allowed in a step from ``y`` to ``after``, (blocks, P)."""

    def results(self, y: np.ndarray) -> np.ndarray:
        """Results at states (t, N, P), with rows in the same blocks."""

    def limit(self, results: np.ndarray, rtol: float) -> np.ndarray:
        """Error allowed in the results, (t, blocks, P)."""


class Solution(NamedTuple):
    """``results (t, N, P)`` and the estimate ``error`` of theirs.

    ``resolved (t, blocks, P)``: whether the error is within the limit. ``failed (P,)``: no steps led on.
    """

    results: np.ndarray
    error: np.ndarray
    resolved: np.ndarray
    failed: np.ndarray


def solve(system: System, y: np.ndarray, times: np.ndarray, rtol: float) -> Solution:
    """Integrate twice with different steps, and again with smaller tolerances where the two differ by more than the limit.

    Parameters
    ----------
    system
        The problems; how they measure errors.
    y : (N, P)
        Starts.
    times : (t, P)
        Monotonic, the start first.
    rtol : float
        Relative tolerance of the results.

    Returns
    -------
    Solution
        ``error`` is the difference of the two runs, of which the finer is returned. The coarser starts some roundings
        away, so that the difference includes the growth of rounding errors of the start.

    Examples
    --------
    >>> class Decay:
    ...     blocks = (slice(0, 1),)
    ...     def take(self, index): return self
    ...     def field(self, y, s): return -y
    ...     def allowed(self, y, after, tolerance): return tolerance * np.abs(y)
    ...     def results(self, y): return y
    ...     def limit(self, results, rtol): return rtol * np.abs(results)
    >>> solve(Decay(), np.ones((1, 1)), np.array([[1.0], [2.0]]), 1e-10).results[-1, 0].round(9).tolist()
    [0.367879441]
    """
    at, tolerance = np.arange(y.shape[1]), np.full(y.shape[1], max(rtol, LEAST_TOLERANCE))
    solution, worst = _compared(system, y, times, tolerance, rtol)
    part = solution
    for _ in range(PASSES - 1):
        again = ~(worst <= 1) & ~part.failed & (tolerance > LEAST_TOLERANCE)
        at, tolerance, worst = at[again], tolerance[again], worst[again]
        if not at.size:
            break
        tolerance = np.maximum(tolerance * np.clip(0.3 / worst, 1e-4, 0.1), LEAST_TOLERANCE)
        part, worst = _compared(system.take(at), y[:, at], times[:, at], tolerance, rtol)
        for all_points, values in zip(solution, part, strict=True):
            all_points[..., at] = values
    return solution


def _compared(
    system: System, y: np.ndarray, times: np.ndarray, tolerance: np.ndarray, rtol: float
) -> tuple[Solution, np.ndarray]:
    """Two runs compared, and the worst error over its limit, (P,)."""
    coarse, failed = march(system, y * (1 + 4 * EPS), times, tolerance, LONGEST, PARTS)
    tight = np.maximum(TIGHTER * tolerance, LEAST_STEP_TOLERANCE)
    fine, failed_too = march(system, y, times, tight, LONGEST_FINE, PARTS_FINE)
    results, others = system.results(fine), system.results(coarse)
    limit, size = system.limit(results, rtol), np.where(np.isfinite(results), np.abs(results), 0.0)
    error = np.where(results == others, 0.0, np.abs(results - others)) + 4 * EPS * size
    for i, rows in enumerate(system.blocks):
        error[:, rows] += np.where(times == times[0], 0.0, ROOM * tight / rtol * limit[:, i])[:, None]
    sizes = np.stack([length(error[:, rows].swapaxes(0, 1)) for rows in system.blocks], axis=1)
    ratio = np.where(sizes <= limit, 0.0, sizes / np.where(limit > 0, limit, np.nan))
    return Solution(results, error, ratio <= 1, failed | failed_too), ratio.max(axis=(0, 1))


def march(
    system: System, y: np.ndarray, times: np.ndarray, tolerance: np.ndarray, longest: float, parts: int
) -> tuple[np.ndarray, np.ndarray]:
    """States ``(t, N, P)`` at the times, NaN from where steps lead no further, and whether that was so, ``(P,)``.

    ``tolerance (P,)`` is that of a single step, ``longest`` the greatest ratio of the independent variable at its ends,
    and ``parts`` the least number of steps between two times.
    """
    states = np.full((len(times), *y.shape), np.nan)
    passed = np.logical_and.accumulate(times == times[0], axis=0)
    states[:] = np.where(passed[:, None], y, np.nan)
    failed = ~np.isfinite(y).all(axis=0)
    at = np.flatnonzero(~failed & ~passed[-1])
    if not at.size:
        return states, failed
    going = _March.of(system.take(at), at, y[:, at], times[:, at], passed.sum(axis=0)[at], tolerance[at], longest, parts)
    for _ in range(MOST_STEPS):
        failed[going.step(states)] = True
        if going.done.all():
            return states, failed
        if (~going.done).mean() < COMPACT:
            going = going.without_done()
    failed[going.at[~going.done]] = True
    return states, failed


@dataclass
class _March:
    """The A problems that are not finished; ``at`` is the index of each among all."""

    system: System
    longest: float
    parts: int
    at: np.ndarray
    y: np.ndarray
    s: np.ndarray
    step_size: np.ndarray  # > 0
    following: np.ndarray  # index of the next requested time
    tolerance: np.ndarray
    times: np.ndarray
    direction: np.ndarray
    rejected: np.ndarray
    done: np.ndarray
    slopes: np.ndarray  # (stages, N, A)
    room: np.ndarray  # (2, N, A)

    @classmethod
    def of(
        cls,
        system: System,
        at: np.ndarray,
        y: np.ndarray,
        times: np.ndarray,
        following: np.ndarray,
        tolerance: np.ndarray,
        longest: float,
        parts: int,
    ) -> _March:
        s, no = times[0], np.zeros(at.size, dtype=bool)
        first = FIRST_STEP * longest * s
        slopes, room = np.empty((len(_method().B) + 1, *y.shape)), np.empty((2, *y.shape))
        slopes[0] = system.field(y, s)
        direction = np.sign(times[-1] - s)
        return cls(
            system, longest, parts, at, y, s, first, following, tolerance, times, direction, no, no.copy(), slopes, room
        )

    def without_done(self) -> _March:
        keep = np.flatnonzero(~self.done)
        rows = (np.take(row, keep, axis=-1) for row in list(vars(self).values())[3:])
        return _March(self.system.take(keep), self.longest, self.parts, *rows)

    def step(self, states: np.ndarray) -> np.ndarray:
        """Try a step of each, write states at the times reached into ``states``, and return the problems that are stuck."""
        everyone, following = np.arange(len(self.s)), np.minimum(self.following, len(self.times) - 1)
        target = self.times[following, everyone]
        gap = np.abs(target - self.times[following - 1, everyone])
        ratio = np.where(self.direction > 0, self.longest - 1, 1 - 1 / self.longest)
        size = np.minimum(np.minimum(self.step_size, ratio * self.s), gap / self.parts)
        left = np.abs(target - self.s)
        last = size * (1 + 1e-10) >= left
        h = self.direction * np.where(last, left, size)
        after = np.where(last, target, self.s + h)
        y = self._stages(h, after)
        error = self._error(h, y)
        accepted = (error <= 1) & ~self.done
        self._note(states, after, y, accepted & last)
        factor = np.clip(SAFETY * np.maximum(error, 1e-30) ** (-1 / ORDER), NARROWEST, WIDEST)
        factor = np.where(np.isnan(factor), NARROWEST, factor)
        factor = np.where(self.rejected, np.minimum(factor, 1.0), factor)
        stuck = ~accepted & ~self.done & (np.abs(h) <= SHORTEST * self.s)
        # A step cut short by a time says little of the next.
        self.step_size = np.where(accepted & (np.abs(h) < self.step_size), self.step_size, np.abs(h) * factor)
        self.y, self.s = np.where(accepted, y, self.y), np.where(accepted, after, self.s)
        np.copyto(self.slopes[0], self.slopes[-1], where=accepted)
        self.rejected = ~accepted
        self.done |= stuck | (self.following >= len(self.times))
        return self.at[stuck]

    def _stages(self, h: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Slopes of all stages, the last being at the end of the step, and the state there."""
        method = _method()
        for i in range(1, len(method.B)):
            self.slopes[i] = self.system.field(self._moved(method.A[i, :i], h), self.s + method.C[i] * h)
        y = self._moved(method.B, h).copy()
        self.slopes[-1] = self.system.field(y, after)
        return y

    def _moved(self, coefficients: np.ndarray, h: np.ndarray) -> np.ndarray:
        moved = self._combined(coefficients)
        moved *= h
        moved += self.y
        return moved

    def _combined(self, coefficients: np.ndarray) -> np.ndarray:
        """Sum of slopes with coefficients, until the next one."""
        total, term = self.room
        first, *others = np.flatnonzero(coefficients)
        np.multiply(self.slopes[first], coefficients[first], out=total)
        for i in others:
            np.multiply(self.slopes[i], coefficients[i], out=term)
            total += term
        return total

    def _error(self, h: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Estimate of each step's error over the allowed error, from the embedded methods of order five and three."""
        blocks = self.system.blocks
        fifth, third = ([length(rows[b]) for b in blocks] for rows in map(self._combined, (_method().E5, _method().E3)))
        allowed, worst = self.system.allowed(self.y, y, self.tolerance), np.zeros(h.shape)
        for five, three, bound in zip(fifth, third, allowed, strict=True):
            size = np.abs(h) * five / np.sqrt(1 + 0.01 * (three / five) ** 2)
            worst = np.maximum(worst, np.where(five == 0, 0.0, size / bound))
        return worst

    def _note(self, states: np.ndarray, after: np.ndarray, y: np.ndarray, reached: np.ndarray) -> None:
        """Write the states of those that reached a time, which several times may share."""
        index = np.flatnonzero(reached)
        while index.size:
            states[self.following[index], :, self.at[index]] = y[:, index].T
            self.following[index] += 1
            index = index[self.following[index] < len(self.times)]
            index = index[self.times[self.following[index], index] == after[index]]


def length(rows: np.ndarray) -> np.ndarray:
    """Euclidean length over the first axis, summed in a fixed order.

    Examples
    --------
    >>> length(np.array([[3.0], [4.0]])).tolist()
    [5.0]
    """
    return np.sqrt(square(rows))
