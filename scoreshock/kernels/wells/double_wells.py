"""Densities with two wells, ready to be convolved: where they are split, where their tails begin, and their cells."""

from __future__ import annotations

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.numerics.bracketing import EPS
from scoreshock.kernels.wells.convolution import BEND, DEPTH, NODES, Part, moments, part, rule
from scoreshock.kernels.wells.landscape import GRID, Critical, critical, resolved
from scoreshock.kernels.wells.parts import Group, Wells
from scoreshock.kernels.wells.potentials import CallablePotential, Function, Potential, Quartic, tabulated

MOST_CELLS = 1024
"""Cells of a quartic's part: enough for a barrier of ``exp(4e6)``."""

SINGLE = 2 / (3 * np.sqrt(3.0))
"""Tilt ``|h|/(4 c b^3)`` from which on the cubic of the critical points has one root."""

RESOLVED = 1e-13
"""Relative difference of the quadrature over a cell from that over its halves up to which the cell stays one."""

HALVINGS = 20
"""Bound of the halvings of a cell."""

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
        u = potential.take(positions) if c.size > 1 else potential
        parts = [
            _uniform(u, begin[positions], split[positions], int(k)),
            _uniform(u.reflected(), -end[positions], -split[positions], int(k)),
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
    >>> pair = potential(lambda x: x**2 / 2 - np.logaddexp(2 * x, -2 * x))  # Gaussians at -2 and 2
    >>> abs(pair.high - 2 * np.tanh(2 * pair.high)) < 1e-9
    array([ True])
    """
    with np.errstate(all="ignore"):
        u, grid = resolved(function, first, second, interval)
        points = critical(u, grid, split)
        left = _resolving_cells(u, float(points.left), points.split, grid)
        right = _resolving_cells(u.reflected(), float(points.right), -points.split, -grid[::-1])
        return _one(u, points._replace(left=left, right=right))


def table(x: np.ndarray, log_density: np.ndarray, split: float | None = None) -> Wells:
    """Wells of a table of ``ln p0`` (up to a constant) at ascending ``x``.

    Between the positions a cubic spline of ``ln p0``, outside straight lines: exponential tails. The density convolved
    is that one to 1e-13: intervals of the table are joined to cells where its third derivative hardly jumps.
    ``ValueError`` where ``ln p0`` does not fall outside; else as `potential`.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 81)
    >>> wells = table(x, -((x**2 - 1) ** 2))
    >>> wells.low.round(4).tolist(), wells.high.round(4).tolist()
    ([-1.0], [1.0])
    """
    u = tabulated(np.asarray(x, dtype=float), np.asarray(log_density, dtype=float))
    if not (u.slope(x[:1])[0] < 0 < u.slope(x[-1:])[0]):
        raise ValueError(
            "log_density does not fall at both ends of the table; allowed: a table that holds the density's core"
        )
    grid = np.append((x[:-1, None] + np.diff(x)[:, None] * (np.arange(16) / 16)).ravel(), x[-1])
    points = critical(u, grid, split)
    edges = _joined(u, x)
    left = np.append(edges[edges < points.split], points.split)
    right = np.append(-edges[edges > points.split][::-1], -points.split)
    with np.errstate(all="ignore"):
        return _one(u, points._replace(left=left, right=right))


def _joined(u: CallablePotential, x: np.ndarray) -> np.ndarray:
    """Knots between which the cells of a table lie: U nearly straight, and nearly as smooth as one polynomial."""
    curvature = u.curvature(x)
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


def _cells(u: Potential, begin: float, split: float, grid: np.ndarray) -> np.ndarray:
    """Edges from the beginning of the tail to the split, denser where U bends."""
    begin = min(begin, split)
    positions = np.linspace(begin, split, 2001)
    share = np.linspace(0, 1, positions.size)
    if grid.size > GRID:
        positions = np.unique(np.concatenate([positions, grid[(grid > begin) & (grid < split)]]))
        share = (positions - begin) / (split - begin)
    density = np.sqrt(np.abs(u.curvature(positions)) / (8 * BEND))
    sums = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(positions))])
    number = max(1, int(np.ceil(1.5 * sums[-1])))
    share = sums + 1e-3 * (sums[-1] + 1) * share
    edges = np.interp(np.linspace(0, share[-1], number + 1), share, positions)
    edges[-1] = split
    return edges


def _resolving_cells(u: CallablePotential, begin: float, split: float, grid: np.ndarray) -> np.ndarray:
    """Cells, halved until the quadrature resolves the density on each and on the tail, which else begins further out."""
    begin = min(begin, split)
    deep = grid[(grid < begin) & (u.value(grid) > u.value(np.array([begin])) + DEPTH)]
    tail = np.array([deep[-1] if deep.size else grid[0], begin])
    if tail[0] < begin and _unresolved(u, tail, np.zeros(1)).any():
        begin = float(grid[0])
    edges = _cells(u, begin, split, grid)
    for _ in range(HALVINGS):
        coarse = np.flatnonzero(_unresolved(u, edges, np.diff(u.value(edges))))
        if not coarse.size:
            break
        edges = np.insert(edges, coarse + 1, edges[coarse] + 0.5 * (edges[coarse + 1] - edges[coarse]))
    return edges


def _unresolved(u: CallablePotential, edges: np.ndarray, rise: np.ndarray) -> np.ndarray:
    """Whether the quadrature of ``exp(-U)`` over a cell differs from that over its halves; (K,).

    Freed from a straight line that rises by ``rise (K,)``, so that every part of the cell counts.
    """
    position, weight = rule(NODES)
    start, length, top = edges[:-1], np.diff(edges), u.value(edges[1:])

    def integrals(t: np.ndarray) -> np.ndarray:
        density = weight * np.exp(top - (1 - t) * rise - u.value(start + length * t))
        return np.array([density.sum(axis=0), (density * t).sum(axis=0)])

    one, halves = integrals(position), 0.5 * (integrals(0.5 * position) + integrals(0.5 + 0.5 * position))
    return (np.abs(one - halves) > (RESOLVED + 8 * EPS * np.abs(top)) * halves[0]).any(axis=0)


def _one(u: CallablePotential, points: Critical) -> Wells:
    """The wells of one potential."""
    scale = np.array([max(abs(float(points.left[0])), abs(float(points.right[0])), u.scale)])
    parts = part(u, points.left[:, None], scale), part(u.reflected(), points.right[:, None], scale)
    status = np.array([Status.ok if np.isfinite(points.high - points.low) else Status.no_transition], dtype=np.int8)
    split, low, high = (np.array([y]) for y in (points.split, points.low, points.high))
    n_wells = np.array([points.n_wells])
    return _finished(
        (), (Group(np.zeros(1, dtype=int), *parts),), u, split, low, high, np.zeros(1, dtype=bool), n_wells, status
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
            for row, side in zip(masses, (group.left, group.right), strict=True):
                row[group.indices] = moments(side, side.edges[-1].copy(), np.zeros(group.indices.size)).log_mass
        total = np.logaddexp(*masses)
        variances = np.stack([1 / potential.curvature(low), 1 / potential.curvature(high)])
        curvature = potential.curvature(split)
        share = np.exp(masses[0] - total)
    status = np.where(np.isfinite(total), status, np.int8(Status.failed))
    return Wells(shape, groups, split, low, high, curvature, variances, symmetric, n_wells, total, share, status)
