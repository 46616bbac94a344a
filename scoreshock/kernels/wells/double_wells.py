"""Densities with two wells, ready to be convolved: where they are split, where their tails begin, and their cells."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.numerics.bracketing import EPS
from scoreshock.kernels.wells.convolution import BEND, DEPTH, NODES, Part, moments, part, rule
from scoreshock.kernels.wells.parts import Group, Wells
from scoreshock.kernels.wells.potentials import STEP, Function, Given, Potential, Quartic, tabulated

MOST_CELLS = 1024
"""Cells of a quartic's part: enough for a barrier of ``exp(4e6)``."""

SINGLE = 2 / (3 * np.sqrt(3.0))
"""Tilt ``|h|/(4 c b^3)`` from which on the cubic of the critical points has one root."""

GRID = 20001
"""Places at which a callable potential is searched for its wells and inflections."""

FAR, NEAR = 1e6, 1e-3
"""The search without an interval runs to this distance, and resolves this length at the origin."""

RELEVANT = 60.0
"""A potential this far above its least value is not searched for structure: its mass is 1e-26."""

RESOLVED = 1e-13
"""Relative difference of the quadrature over a cell from that over its halves up to which the cell stays one."""

HALVINGS = 20
"""Bound of the halvings of a cell."""

SHARP = 0.02
"""Where a value of U deviates by more from the line through its neighbours, the grid is refined."""

REFINEMENTS = 20
"""Bound of the halvings of the grid's spacing."""

UNLIKE = 0.05
"""Relative difference of a derivative of one's own from differences of U from which on it is refused."""

WIDENINGS = 8
"""Bound of widenings of an interval in search of convex ends."""

BENDING = 16.0
"""Length over which U is differenced, in units of ``1/sqrt(|U''|)``, where that is less than the interval's own."""

KINK = 1e-6
"""Bound of the jumps of the third derivative of U inside a cell of a table, times its cubed length. The quadrature takes
the integrand as smooth; it then errs by less than 1e-13."""


def quartic(coefficient: np.ndarray, half_distance: np.ndarray, tilt: np.ndarray) -> Wells:
    """Wells of ``U(x) = c (x^2 - b^2)^2 - h x``, (95) with a tilt h.

    Parameters
    ----------
    coefficient, half_distance, tilt : array (...)
        ``c > 0``, ``b >= 0`` and h; they broadcast.

    Returns
    -------
    Wells
        Split at the middle root of ``4 c x (x^2 - b^2) = h``. Status ``no_transition`` where
        ``|h| >= 8 c b^3/(3 sqrt 3)``: one well. ``failed`` where the barrier exceeds ``exp(4e6)``.

    Examples
    --------
    >>> import numpy as np
    >>> wells = quartic(np.array(1.0), np.array(1.0), np.array([0.0, 0.1, 2.0]))
    >>> wells.split.round(12).tolist(), wells.status.tolist()
    ([0.0, -0.02501565437, 1.191487883953], [0, 0, 1])
    """
    shape = np.broadcast_shapes(np.shape(coefficient), np.shape(half_distance), np.shape(tilt))
    c, b, h = (
        np.ascontiguousarray(np.broadcast_to(a, shape), dtype=float).reshape(-1) for a in (coefficient, half_distance, tilt)
    )
    with np.errstate(all="ignore"):
        low, middle, high, two = _critical_points(c, b, h)
        potential = Quartic(c, b, h)
        split = np.where(two, middle, high)
        inflection = b / np.sqrt(3.0)
        begin, end = np.minimum(np.where(two, low, high), -inflection), np.maximum(high, inflection)
        steepest = np.maximum(np.maximum(potential.curvature(begin), potential.curvature(end)), 4 * c * b * b)
        cells = np.maximum(split - begin, end - split) * np.sqrt(steepest / (8 * BEND))
        number = 4.0 ** np.ceil(0.5 * np.log2(np.maximum(cells, 1.0)))
    groups = []
    for k in np.unique(number[number <= MOST_CELLS]):
        positions = np.flatnonzero(number == k)
        own = potential.take(positions) if c.size > 1 else potential
        parts = [
            _uniform(own, begin[positions], split[positions], int(k)),
            _uniform(own.reflected(), -end[positions], -split[positions], int(k)),
        ]
        groups.append(Group(positions, *parts))
    status = np.where(two, np.int8(Status.ok), np.int8(Status.no_transition))
    status = np.where(number <= MOST_CELLS, status, np.int8(Status.failed))
    low, high = np.where(two, low, np.nan), np.where(two, high, np.nan)
    return _finished(shape, tuple(groups), potential, split, low, high, h == 0, np.where(two, 2, 1), status)


def _critical_points(c: np.ndarray, b: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Roots of ``4 c x (x^2 - b^2) = h`` ascending, and whether there are three; if one, it stands last."""
    eta = np.abs(h) / (4 * c) / b**3
    two = eta < SINGLE
    angle = np.arccos(np.minimum(eta / SINGLE, 1.0)) / 3
    roots = [2 / np.sqrt(3.0) * np.cos(angle - turn) for turn in (4 * np.pi / 3, 2 * np.pi / 3, 0.0)]
    for _ in range(3):
        roots = [_newton(y, eta) for y in roots]
    low, middle, high = roots
    low, middle, high = np.where(eta == 0, -1.0, low), np.where(eta == 0, 0.0, middle), np.where(eta == 0, 1.0, high)
    only = 2 / np.sqrt(3.0) * np.cosh(np.arccosh(np.maximum(eta / SINGLE, 1.0)) / 3)
    only = np.where(np.isfinite(only), b * only, np.cbrt(np.abs(h) / (4 * c)))
    low, middle, high = b * low, b * middle, np.where(two, b * high, only)
    left = h < 0
    first, last = np.where(left & two, -high, low), np.where(left & two, -low, high)
    return first, np.where(left, -middle, middle), np.where(left & ~two, -high, last), two


def _newton(y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    slope = 3 * y * y - 1
    step = (y * (y - 1) * (y + 1) - eta) / slope
    return np.where(np.abs(step) < 0.01, y - step, y)


def _uniform(potential: Quartic, begin: np.ndarray, split: np.ndarray, cells: int) -> Part:
    """A part of cells of equal length, the last of which ends at the split itself."""
    edges = np.stack([begin + (split - begin) * (i / cells) for i in range(cells)] + [split])
    return part(potential, edges, np.maximum(np.maximum(np.abs(begin), np.abs(split)), potential.c**-0.25))


class Critical(NamedTuple):
    """What the search of one potential found; ``left, right`` are the edges of the parts, the right ones reflected."""

    split: float
    low: float
    high: float
    left: np.ndarray
    right: np.ndarray
    n_wells: int


def potential(
    function: Function,
    first: Function | None = None,
    second: Function | None = None,
    interval: tuple[float, float] | None = None,
    split: float | None = None,
) -> Wells:
    """Wells of any vectorised potential U, ``p0 ~ exp(-U)``.

    Parameters
    ----------
    function : callable
        U at an array of positions, smooth, rising on both sides.
    first, second : callable, optional
        U' and U''. Without them five-point differences serve, and derivatives of the density below ``tau ~ 1e-6
        scale^2`` lose digits, to 1e-9.
    interval : pair, optional
        Holds all wells and inflections; outside it U must be convex. By default found from ``|x| <= 1e6``, which misses
        what is narrower than about a thousandth of its distance from the origin. Wells nearer to each other than 1/20,000
        of it count as one.
    split : float, optional
        Where to cut; by default at the highest barrier, also where there are more than two wells.

    Returns
    -------
    Wells
        Leading shape (). ``no_transition`` where there is one well.

    Raises
    ------
    ValueError
        Where U is not convex outside the interval, or does not rise there.

    Examples
    --------
    >>> import numpy as np
    >>> pair = potential(lambda x: x**2 / 2 - np.logaddexp(2 * x, -2 * x))  # Gaussians at -2 and 2
    >>> abs(pair.high - 2 * np.tanh(2 * pair.high)) < 1e-9
    array([ True])
    """
    low, high = _interval(function) if interval is None else interval
    with np.errstate(all="ignore"):
        given, grid = _resolved(function, first, second, low, high)
        for _ in range(WIDENINGS if interval is None else 0):
            ends = _bent(given, grid)[[0, -1]]
            if not ends.any():
                break
            room = 0.5 * (high - low) * ends
            low, high = low - float(room[0]), high + float(room[1])
            given, grid = _resolved(function, first, second, low, high)
        _check_derivatives(given, grid)
        if _bent(given, grid)[[0, -1]].any():
            raise ValueError("potential: is not convex at the ends of its interval; allowed: convex outside the interval")
        found = _critical(given, grid, split)
        left = _resolving_cells(given, float(found.left), found.split, grid)
        right = _resolving_cells(given.reflected(), float(found.right), -found.split, -grid[::-1])
        return _one(given, found._replace(left=left, right=right))


def table(x: np.ndarray, log_density: np.ndarray, split: float | None = None) -> Wells:
    """Wells of a table of ``ln p0`` (up to a constant) at ascending ``x``.

    Between the positions a cubic spline of ``ln p0``, outside straight lines: exponential tails. The density convolved
    is that one to 1e-13: intervals of the table are joined to cells where its third derivative hardly jumps.
    ``ValueError`` where ``ln p0`` does not fall outside; else as `potential`.
    """
    given = tabulated(np.asarray(x, dtype=float), np.asarray(log_density, dtype=float))
    if not (given.slope(x[:1])[0] < 0 < given.slope(x[-1:])[0]):
        raise ValueError(
            "log_density does not fall at both ends of the table; allowed: a table that holds the density's core"
        )
    grid = np.append((x[:-1, None] + np.diff(x)[:, None] * (np.arange(16) / 16)).ravel(), x[-1])
    found = _critical(given, grid, split)
    edges = _joined(given, x)
    left = np.append(edges[edges < found.split], found.split)
    right = np.append(-edges[edges > found.split][::-1], -found.split)
    with np.errstate(all="ignore"):
        return _one(given, found._replace(left=left, right=right))


def _joined(given: Given, x: np.ndarray) -> np.ndarray:
    """Knots between which the cells of a table lie: U nearly straight, and nearly as smooth as one polynomial."""
    curvature = given.curvature(x)
    bend = np.maximum(np.abs(curvature[1:]), np.abs(curvature[:-1]))
    third = np.diff(curvature) / np.diff(x)
    edges, steepest, jumps = [0], 0.0, 0.0
    for i in range(x.size - 1):
        inside = i > edges[-1]
        steepest, length = max(steepest, bend[i]), x[i + 1] - x[edges[-1]]
        jumps += abs(third[i] - third[i - 1]) if inside else 0.0
        if inside and (steepest * length**2 > 8 * BEND or jumps * length**3 > KINK):
            edges.append(i)
            steepest, jumps = bend[i], 0.0
    return x[[*edges, x.size - 1]]


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


def _resolved(
    function: Function, first: Function | None, second: Function | None, low: float, high: float
) -> tuple[Given, np.ndarray]:
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
    given = Given(function, first, second, (high - low) / 8)
    return replace(given, lengths=_lengths(grid, values, given.scale)), grid


def _check_derivatives(given: Given, grid: np.ndarray) -> None:
    """Refuse derivatives of one's own that are not those of U in its core."""
    x = grid[given.value(grid) <= given.value(grid).min() + RELEVANT]
    plain = replace(given, first=None, second=None)
    size = STEP / np.asarray(plain.step(x))
    for name, own, values, differences, unit in (
        ("slope", given.first, given.slope(x), plain.slope(x), size),
        ("curvature", given.second, given.curvature(x), plain.curvature(x), size**2),
    ):
        off = ~(np.abs(values - differences) <= UNLIKE * (unit + np.abs(differences).max()))
        if own is not None and off.any():
            i = int(np.argmax(off))
            raise ValueError(
                f"{name}: is {values[i]:g} at x = {x[i]:g}, and differences of the potential give {differences[i]:g}; "
                f"allowed: the potential's derivative"
            )


def _lengths(grid: np.ndarray, values: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Places and the lengths over which U is smooth there, at most ``scale``; None where that holds everywhere."""
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


def _bent(given: Given, grid: np.ndarray) -> np.ndarray:
    """Where U is not convex, beyond rounding."""
    curvature = given.curvature(grid)
    rounding = 1e-9 * np.median(np.abs(curvature))
    if given.second is None:
        rounding = rounding + 16 * EPS * np.abs(given.value(grid)) / given.step(grid) ** 2
    return curvature < -rounding


def _critical(given: Given, grid: np.ndarray, split: float | None) -> Critical:
    """Wells, barrier and beginnings of the tails of one potential, from its values on a grid."""
    slope = given.slope(grid)
    wells = [_root(given, grid, i) for i in np.flatnonzero((slope[:-1] < 0) & (slope[1:] >= 0)).tolist()]
    tops = [_root(given, grid, i) for i in np.flatnonzero((slope[:-1] > 0) & (slope[1:] <= 0)).tolist()]
    if not wells or not slope[0] < 0 < slope[-1]:
        raise ValueError("potential: does not rise at both ends of its interval; allowed: one that holds all wells")
    if split is None and tops:
        split = max(tops, key=lambda y: float(given.value(np.array([y]))[0]))
    low = _deepest(given, [y for y in wells if split is not None and y < split])
    high = _deepest(given, [y for y in wells if split is not None and y > split])
    bent = np.flatnonzero(_bent(given, grid))
    begin = min([*wells, *([] if not bent.size else [grid[max(bent[0] - 1, 0)]])])
    end = max([*wells, *([] if not bent.size else [grid[min(bent[-1] + 1, grid.size - 1)]])])
    cut = wells[0] if split is None else split
    return Critical(float(cut), low, high, np.array(begin), np.array(-end), len(wells))


def _root(given: Given, grid: np.ndarray, i: int) -> float:
    """Critical point between two positions of the grid."""
    ends = grid[[i, i + 1]]
    if given.slope(ends)[1] == 0:
        return float(ends[1])
    from scipy.optimize import brentq  # slow to import, and quartics do not come here

    return float(brentq(lambda y: float(given.slope(np.array([y]))[0]), *ends, xtol=4e-16 * float(np.ptp(grid)), rtol=1e-15))


def _deepest(given: Given, wells: list[float]) -> float:
    return min(wells, key=lambda y: float(given.value(np.array([y]))[0])) if wells else np.nan


def _cells(given: Potential, begin: float, split: float, grid: np.ndarray) -> np.ndarray:
    """Edges from the beginning of the tail to the split, denser where U bends."""
    begin = min(begin, split)
    positions = np.linspace(begin, split, 2001)
    share = np.linspace(0, 1, positions.size)
    if grid.size > GRID:
        positions = np.unique(np.concatenate([positions, grid[(grid > begin) & (grid < split)]]))
        share = (positions - begin) / (split - begin)
    density = np.sqrt(np.abs(given.curvature(positions)) / (8 * BEND))
    sums = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(positions))])
    number = max(1, int(np.ceil(1.5 * sums[-1])))
    share = sums + 1e-3 * (sums[-1] + 1) * share
    edges = np.interp(np.linspace(0, share[-1], number + 1), share, positions)
    edges[-1] = split
    return edges


def _resolving_cells(given: Given, begin: float, split: float, grid: np.ndarray) -> np.ndarray:
    """Cells, halved until the quadrature resolves the density on each and on the tail, which else begins further out."""
    begin = min(begin, split)
    deep = grid[(grid < begin) & (given.value(grid) > given.value(np.array([begin])) + DEPTH)]
    tail = np.array([deep[-1] if deep.size else grid[0], begin])
    if tail[0] < begin and _unresolved(given, tail, np.zeros(1)).any():
        begin = float(grid[0])
    edges = _cells(given, begin, split, grid)
    for _ in range(HALVINGS):
        coarse = np.flatnonzero(_unresolved(given, edges, np.diff(given.value(edges))))
        if not coarse.size:
            break
        edges = np.insert(edges, coarse + 1, edges[coarse] + 0.5 * (edges[coarse + 1] - edges[coarse]))
    return edges


def _unresolved(given: Given, edges: np.ndarray, rise: np.ndarray) -> np.ndarray:
    """Whether the quadrature of ``exp(-U)`` over a cell differs from that over its halves; (K,).

    Freed from a straight line that rises by ``rise (K,)``, so that every part of the cell counts.
    """
    position, weight = rule(NODES)
    start, length, top = edges[:-1], np.diff(edges), given.value(edges[1:])

    def integrals(t: np.ndarray) -> np.ndarray:
        density = weight * np.exp(top - (1 - t) * rise - given.value(start + length * t))
        return np.array([density.sum(axis=0), (density * t).sum(axis=0)])

    whole, halves = integrals(position), 0.5 * (integrals(0.5 * position) + integrals(0.5 + 0.5 * position))
    return (np.abs(whole - halves) > (RESOLVED + 8 * EPS * np.abs(top)) * halves[0]).any(axis=0)


def _one(given: Given, found: Critical) -> Wells:
    """The wells of one potential."""
    scale = np.array([max(abs(float(found.left[0])), abs(float(found.right[0])), given.scale)])
    parts = part(given, found.left[:, None], scale), part(given.reflected(), found.right[:, None], scale)
    status = np.array([Status.ok if np.isfinite(found.high - found.low) else Status.no_transition], dtype=np.int8)
    split, low, high = (np.array([y]) for y in (found.split, found.low, found.high))
    n_wells = np.array([found.n_wells])
    return _finished(
        (), (Group(np.zeros(1, dtype=int), *parts),), given, split, low, high, np.zeros(1, dtype=bool), n_wells, status
    )


def _finished(
    shape: tuple[int, ...],
    groups: tuple[Group, ...],
    potential: Potential,
    split: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    symmetric: np.ndarray,
    n_wells: np.ndarray,
    status: np.ndarray,
) -> Wells:
    """The wells with the masses of their parts, which are moments without a kernel."""
    masses = np.full((2, split.size), np.nan)
    with np.errstate(all="ignore"):
        for group in groups:
            for row, own in zip(masses, (group.left, group.right), strict=True):
                row[group.indices] = moments(own, own.edges[-1].copy(), np.zeros(group.indices.size)).log_mass
        total = np.logaddexp(*masses)
        variances = np.stack([1 / potential.curvature(low), 1 / potential.curvature(high)])
        curvature = potential.curvature(split)
        share = np.exp(masses[0] - total)
    status = np.where(np.isfinite(total), status, np.int8(Status.failed))
    return Wells(shape, groups, split, low, high, curvature, variances, symmetric, n_wells, total, share, status)
