"""Wells, barriers and tails of a callable potential, from its values on a grid that resolves it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.bracketing import EPS, bracketed
from scoreshock.kernels.wells.potentials import STEP, CallablePotential, Function

GRID = 20001
"""Positions at which a potential is searched for its wells and inflections."""

FAR, NEAR = 1e6, 1e-3
"""The search without an interval runs to this distance, and resolves this length at the origin."""

RELEVANT = 60.0
"""A potential this far above its least value is not searched for structure: its mass is 1e-26."""

SHARP = 0.02
"""Where a value of U deviates by more from the line through its neighbours, the grid is refined."""

REFINEMENTS = 20
"""Bound of the halvings of the grid's spacing."""

UNLIKE = 0.05
"""Relative difference of a derivative from differences of U above which it is refused."""

WIDENINGS = 8
"""Bound of widenings of an interval in search of convex ends."""

BENDING = 16.0
"""Length over which U is differenced, in units of ``1/sqrt(|U''|)``, where that is less than that of the interval."""


class Critical(NamedTuple):
    """Critical points of one potential, and the edges ``left, right`` of its parts, the right ones reflected."""

    split: float
    low: float
    high: float
    left: np.ndarray
    right: np.ndarray
    n_wells: int


def resolved(
    function: Function,
    first: Function | None = None,
    second: Function | None = None,
    interval: tuple[float, float] | None = None,
) -> tuple[CallablePotential, np.ndarray]:
    """A potential with the steps of its differences, and a grid that resolves it on an interval beyond which it is convex.

    Arguments as of `double_wells.potential`. ``ValueError`` for a potential that is not finite, does not rise or is not
    convex outside the interval, or whose derivatives do not fit it.

    Examples
    --------
    >>> u, grid = resolved(lambda x: (x**2 - 1) ** 2)
    >>> bool(grid[0] < -1 < 1 < grid[-1]), round(float(u.slope(np.array([2.0]))[0]), 6)
    (True, 24.0)
    """
    low, high = _interval(function) if interval is None else interval
    u, grid = _on_grid(function, first, second, low, high)
    for _ in range(WIDENINGS if interval is None else 0):
        ends = _bent(u, grid)[[0, -1]]
        if not ends.any():
            break
        room = 0.5 * (high - low) * ends
        low, high = low - float(room[0]), high + float(room[1])
        u, grid = _on_grid(function, first, second, low, high)
    _check_derivatives(u, grid)
    if _bent(u, grid)[[0, -1]].any():
        raise ValueError("potential: is not convex at the ends of its interval; allowed: convex outside the interval")
    return u, grid


def _interval(function: Function) -> tuple[float, float]:
    """Where the potential is within ``RELEVANT`` of its least value, widened by half."""
    grid = NEAR * np.sinh(np.linspace(-1, 1, GRID) * np.arcsinh(FAR / NEAR))
    with np.errstate(all="ignore"):
        values = np.asarray(function(grid), dtype=float)
    values = np.where(np.isnan(values), np.inf, values)
    if not np.isfinite(values).any():
        raise ValueError(
            f"potential: is not finite at any |x| <= {FAR:g}; allowed: finite numbers where the density has mass"
        )
    inside = np.flatnonzero(values <= values.min() + RELEVANT)
    first, last = inside[0], inside[-1]
    if first == 0 or last == grid.size - 1:
        raise ValueError(f"potential: does not rise by {RELEVANT:g} within |x| <= {FAR:g}; allowed: give its interval")
    low, high = grid[first - 1], grid[last + 1]
    room = 0.25 * (high - low)
    return float(low - room), float(high + room)


def _on_grid(
    function: Function, first: Function | None, second: Function | None, low: float, high: float
) -> tuple[CallablePotential, np.ndarray]:
    """A potential with the steps of its differences, and a grid on an interval that is dense where U bends."""
    grid = np.linspace(low, high, GRID)
    values = np.asarray(function(grid), dtype=float)
    for _ in range(REFINEMENTS):
        line = values[:-2] + (values[2:] - values[:-2]) * ((grid[1:-1] - grid[:-2]) / (grid[2:] - grid[:-2]))
        near = np.minimum(np.minimum(values[:-2], values[2:]), values[1:-1]) <= values.min() + RELEVANT
        sharp = np.flatnonzero(near & (np.abs(values[1:-1] - line) > SHARP))
        if not sharp.size:
            break
        gaps = np.unique(np.concatenate([sharp, sharp + 1]))
        between = grid[gaps] + 0.5 * (grid[gaps + 1] - grid[gaps])
        new = np.asarray(function(between), dtype=float)
        grid, values = np.insert(grid, gaps + 1, between), np.insert(values, gaps + 1, new)
    if not np.isfinite(values).all():
        x = float(grid[~np.isfinite(values)][0])
        raise ValueError(f"potential: is not finite at x = {x:g}; allowed: finite numbers throughout its interval")
    u = CallablePotential(function, first, second, (high - low) / 8)
    return replace(u, lengths=_lengths(grid, values, u.scale)), grid


def _check_derivatives(u: CallablePotential, grid: np.ndarray) -> None:
    """Refuse derivatives that are not those of U in its core."""
    x = grid[u.value(grid) <= u.value(grid).min() + RELEVANT]
    plain = replace(u, first=None, second=None)
    size = STEP / np.asarray(plain.step(x))
    for name, derivative, values, differences, unit in (
        ("slope", u.first, u.slope(x), plain.slope(x), size),
        ("curvature", u.second, u.curvature(x), plain.curvature(x), size**2),
    ):
        off = ~(np.abs(values - differences) <= UNLIKE * (unit + np.abs(differences).max()))
        if derivative is not None and off.any():
            i = int(np.argmax(off))
            raise ValueError(
                f"{name}: is {values[i]:g} at x = {x[i]:g}, and differences of the potential give {differences[i]:g}; "
                f"allowed: the potential's derivative"
            )


def _lengths(grid: np.ndarray, values: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Positions and the lengths over which U is smooth there, at most ``scale``; None where that holds everywhere."""
    slopes = np.diff(values) / np.diff(grid)
    curvature = np.abs(np.diff(slopes)) / (0.5 * (grid[2:] - grid[:-2]))
    core = np.flatnonzero(values[1:-1] <= values.min() + RELEVANT)
    length = np.full(grid.size, scale)
    length[core[0] + 1 : core[-1] + 2] = np.minimum(scale, BENDING / np.sqrt(curvature[core[0] : core[-1] + 1]))
    if (length == scale).all():
        return None
    # At most that of any other position plus a quarter of the way from there.
    for turn in (1, -1):
        y = turn * grid[::turn] / 4
        length = (np.minimum.accumulate(length[::turn] - y) + y)[::turn]
    return grid, length


def _bent(u: CallablePotential, grid: np.ndarray) -> np.ndarray:
    """Where U is not convex, beyond rounding."""
    curvature = u.curvature(grid)
    rounding = 1e-9 * np.median(np.abs(curvature))
    if u.second is None:
        rounding = rounding + 16 * EPS * np.abs(u.value(grid)) / u.step(grid) ** 2
    return curvature < -rounding


def critical(u: CallablePotential, grid: np.ndarray, split: float | None) -> Critical:
    """Wells, barrier and beginnings of the tails of one potential, from its values on a grid.

    Examples
    --------
    >>> points = critical(*resolved(lambda x: (x**2 - 1) ** 2), None)
    >>> round(abs(points.split), 9), round(points.low, 9), round(points.high, 9)
    (0.0, -1.0, 1.0)
    """
    slope = u.slope(grid)
    wells = _roots(u, grid, np.flatnonzero((slope[:-1] < 0) & (slope[1:] >= 0)))
    tops = _roots(u, grid, np.flatnonzero((slope[:-1] > 0) & (slope[1:] <= 0)))
    if not wells or not slope[0] < 0 < slope[-1]:
        raise ValueError("potential: does not rise at both ends of its interval; allowed: one that holds all wells")
    if split is None and tops:
        split = max(tops, key=lambda y: float(u.value(np.array([y]))[0]))
    low = _deepest(u, [y for y in wells if split is not None and y < split])
    high = _deepest(u, [y for y in wells if split is not None and y > split])
    bent = np.flatnonzero(_bent(u, grid))
    begin = min([*wells, *([] if not bent.size else [grid[max(bent[0] - 1, 0)]])])
    end = max([*wells, *([] if not bent.size else [grid[min(bent[-1] + 1, grid.size - 1)]])])
    cut = wells[0] if split is None else split
    return Critical(float(cut), low, high, np.array(begin), np.array(-end), len(wells))


def _roots(u: CallablePotential, grid: np.ndarray, left: np.ndarray) -> list[float]:
    """Critical points, each between ``grid[left]`` and the next position."""
    ends = grid[left], grid[left + 1]
    return bracketed(lambda y, _: u.slope(y), *ends, *(u.slope(end) for end in ends)).tolist()


def _deepest(u: CallablePotential, wells: list[float]) -> float:
    return min(wells, key=lambda y: float(u.value(np.array([y]))[0])) if wells else np.nan
