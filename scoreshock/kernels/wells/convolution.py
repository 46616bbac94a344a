r"""Half of a density convolved with the heat kernel, from the core to the tails, by quadrature in windows about its mass.

A part is ``exp(-U)`` on ``(-inf, split]``. Its convolution is :math:`\int e^{E(y)}\,dy` with
:math:`E = -U(y) - \kappa(y-x)^2`, :math:`\kappa = 1/(4\tau)`. The half-line is a tail, on which U is convex, so that E has
one maximum there, and cells, on each of which U is nearly straight, so that the line above ``-U`` and the kernel make a
parabola that bounds E. On each piece Gauss-Legendre nodes are laid over the window where the bound is within ``DEPTH`` of
the maximum of E. Exponents are differences from that maximum: nothing underflows, at any distance and any tau.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.bracketing import safeguarded
from scoreshock.kernels.wells.potentials import Potential, pick

DEPTH = 40.0
"""Mass below ``exp(-DEPTH)`` of the largest integrand is left out: 4e-18, below rounding."""

NODES = 40
"""Gauss-Legendre nodes of a window. A Gaussian cut at this depth is 18 standard deviations wide: error 1e-14. It grows fast
with the width, and is 1e-12 at a depth of 50."""

BEND = 4.0
"""Largest deviation of U from a straight line over a cell: the integrand then stays about as smooth as a Gaussian."""

SAMPLES = 9
"""Positions in a cell at which the line above -U is fitted; what it misses between them is far below ``DEPTH``."""

SEARCH = 400
"""Bound of the steps of a search; a dozen are typical."""

BLOCK = 1024
"""Points of a block: the terms at their nodes take half a megabyte."""

SUMS = 9
"""Sums over a window."""


class Part(NamedTuple):
    """One part of a density, ``exp(-U)`` on ``(-inf, split]``; U is convex and falls on ``(-inf, edges[0]]``.

    Arrays have the points last, one where all share it: ``edges (K + 1, B)`` ascending to the split, and the lines
    ``-U <= height + gradient (y - edges[:-1])`` on the cells, ``(K, B)``. ``scale (B,)`` is a length of the core.
    """

    potential: Potential
    edges: np.ndarray
    height: np.ndarray
    gradient: np.ndarray
    scale: np.ndarray

    def take(self, index: np.ndarray) -> Part:
        return Part(self.potential.take(index), *(pick(array, index) for array in self[1:]))


class Moments(NamedTuple):
    """Mass of a part as seen from x, and moments of ``z = y - x`` and of U' and U'' under ``exp(E)``; (B,) each."""

    log_mass: np.ndarray  # ln of the integral of exp(E)
    log_relative: np.ndarray  # the same relative to exp(E) at the origin of its windows
    origin: np.ndarray
    origin_offset: np.ndarray  # origin - x
    mean: np.ndarray  # of z
    variance: np.ndarray
    third: np.ndarray  # third central moment
    mean_size: np.ndarray  # what the mean was formed of: sets its rounding
    variance_size: np.ndarray
    slope: np.ndarray  # mean of U'
    slope_variance: np.ndarray
    slope_size: np.ndarray
    slope_variance_size: np.ndarray
    curvature: np.ndarray  # mean of U''
    curvature_size: np.ndarray
    edge: np.ndarray  # integrand at the split over the integral
    edge_slope: np.ndarray  # U' at the split
    edge_offset: np.ndarray  # x - split


def part(potential: Potential, edges: np.ndarray, scale: np.ndarray) -> Part:
    """The part with cells between ``edges (K + 1, B)``, the first of which begins the tail and the last is the split.

    Examples
    --------
    >>> from scoreshock.kernels.wells.potentials import tabulated
    >>> x = np.linspace(-9, 9, 37)
    >>> left = part(tabulated(x, -(x**2) / 2), np.linspace(-2, 0, 5)[:, None], np.ones(1))
    >>> left.edges[:, 0].tolist(), (left.gradient[:, 0] > 0).all().item()  # the density rises
    ([-2.0, -1.5, -1.0, -0.5, 0.0], True)
    """
    low, step = edges[:-1], np.diff(edges, axis=0)
    values = [-potential.value(low + step * (i / (SAMPLES - 1))) for i in range(SAMPLES)]
    rise = values[-1] - values[0]
    above = np.zeros_like(low)
    for i, value in enumerate(values):
        above = np.maximum(above, value - (values[0] + rise * (i / (SAMPLES - 1))))
    gradient = np.where(step > 0, rise / np.where(step > 0, step, 1.0), 0.0)
    return Part(potential, edges, values[0] + above, gradient, scale)


def moments(part: Part, x: np.ndarray, kappa: np.ndarray, nodes: int = NODES) -> Moments:
    """Mass and moments of a part at points ``x (B,)``, ``kappa = 1/(4 tau) (B,)`` positive, or 0 for no kernel at all.

    Examples
    --------
    Half of a normal distribution, without a kernel.

    >>> from scoreshock.kernels.wells.potentials import tabulated
    >>> x = np.linspace(-9, 9, 37)
    >>> left = part(tabulated(x, -(x**2) / 2), np.linspace(-2, 0, 5)[:, None], np.ones(1))
    >>> float(np.exp(moments(left, np.zeros(1), np.zeros(1)).log_mass[0]).round(9))  # sqrt(pi/2)
    1.253314137
    """
    top = _tail_top(part, x, kappa)
    split = np.broadcast_to(part.edges[-1], x.shape)
    start = np.where(x > part.edges[0], np.minimum(x, split), top)
    origin, at_top = _origin(part, x, kappa, start, top)
    z0 = origin - x
    tails = _tail_windows(part, kappa, origin, z0, top, at_top)
    low, high = (
        np.concatenate([*(tail[None] for tail in ends), cells])
        for ends, cells in zip(zip(*tails, strict=True), _cell_windows(part, kappa, origin, z0), strict=True)
    )
    window, point = np.nonzero(high > low)
    sums = np.zeros((x.size, SUMS))
    for block in slices(point.size, BLOCK):
        i, j = window[block], point[block]
        terms = _window_sums(part.potential.take(j), low[i, j], high[i, j], origin[j], z0[j], kappa[j], nodes)
        # Window by window, in one order at every point: its bits do not depend on the others.
        np.add.at(sums, j, terms.T)
    return _normalised(part, x, kappa, origin, z0, np.ascontiguousarray(sums.T))


def _relative(potential: Potential, kappa: np.ndarray, y: np.ndarray, z: np.ndarray, d: np.ndarray) -> np.ndarray:
    """``E(y + d) - E(y)`` where ``z = y - x``."""
    return -potential.change(y, d) - kappa * d * (2 * z + d)


def _tail_top(part: Part, x: np.ndarray, kappa: np.ndarray) -> np.ndarray:
    """Where E is largest on the tail: its beginning, or for x in the tail between x and there."""
    first = part.edges[0]
    top = np.broadcast_to(first, x.shape).copy()
    force = part.potential.slope(first) + 2 * kappa * (first - x)
    points = np.flatnonzero((x < first) & (force > 0))
    position, k = x[points], kappa[points]

    def newton(y: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        potential = part.potential.take(points[at])
        force, stiffness = potential.slope(y) + 2 * k[at] * (y - position[at]), potential.curvature(y) + 2 * k[at]
        step = force / stiffness
        # A thousandth of the width of the mass is enough: the maximum only positions windows.
        return np.where(np.abs(step) <= 1e-3 / np.sqrt(stiffness), 0.0, force), y - step

    top[points] = safeguarded(newton, position, top[points], True, start=position)
    return top


def _origin(
    part: Part, x: np.ndarray, kappa: np.ndarray, start: np.ndarray, top: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A position (B,) within a few units of the largest E, and E at the top of the tail less E there.

    Candidates are the tail's top, ``start``, and in each cell the top of its parabola.
    """
    best, height = start, np.zeros_like(x)
    z = start - x
    at_tail = _relative(part.potential, kappa, start, z, top - start)
    best, height = np.where(at_tail > height, top, best), np.maximum(height, at_tail)
    # Without a kernel the pull is infinite, towards the higher end of the cell.
    pull = np.where(part.gradient == 0, 0.0, part.gradient / (2 * kappa))
    y = np.minimum(np.maximum(x + pull, part.edges[:-1]), part.edges[1:])
    there = _relative(part.potential, kappa, start, z, y - start)
    cell = np.argmax(there, axis=0)[None]
    y, there = (np.take_along_axis(a, cell, axis=0)[0] for a in (y, there))
    best, height = np.where(there > height, y, best), np.maximum(height, there)
    return best, at_tail - height


def _tail_windows(
    part: Part, kappa: np.ndarray, origin: np.ndarray, z0: np.ndarray, top: np.ndarray, at_top: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Windows on both sides of the tail's top, relative to the origin; empty where all of the tail lies too deep."""
    offset = top - origin
    room = part.edges[0] - top
    left = np.zeros_like(top)
    right = np.zeros_like(top)
    points = np.flatnonzero(at_top > -DEPTH)
    if points.size:
        potential, scale = part.potential.take(points), pick(part.scale, points)
        y, k, level, space = top[points], kappa[points], -DEPTH - at_top[points], room[points]
        z = y - (origin[points] - z0[points])
        first = np.minimum(np.sqrt(2 * DEPTH / (np.maximum(potential.curvature(y), 0.0) + 2 * k)), 1e3 * scale)

        def deep(i: np.ndarray, d: np.ndarray) -> np.ndarray:
            return _relative(potential.take(i), k[i], y[i], z[i], d) < level[i]

        left[points] = _reach(lambda i, d: deep(i, -d), first, np.full_like(space, np.inf))
        right[points] = _reach(deep, first, space)
    return [(offset - left, offset), (offset, offset + right)]


def _reach(deep: Callable[[np.ndarray, np.ndarray], np.ndarray], first: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Distance (B,) from which on ``deep(points, distance)`` holds, rounded up by at most 1/8, and at most ``room``."""
    t = np.minimum(first, room)
    points = np.flatnonzero(t > 0)
    grown = np.zeros(t.shape, dtype=bool)
    for _ in range(SEARCH):
        if not points.size:
            break
        here = t[points]
        beyond = deep(points, here)
        # Doubled until it is deep; halved as long as half of it is deep too.
        half = beyond & ~grown[points]
        half[half] = deep(points[half], here[half] / 2)
        more = ~beyond & (here < room[points])
        grown[points] |= more
        t[points] = np.where(more, np.minimum(2 * here, room[points]), np.where(half, here / 2, here))
        points = points[more | half]
    low, everything = t / 2, np.arange(t.size)
    for _ in range(3):
        middle = low + 0.5 * (t - low)
        beyond = deep(everything, middle)
        t, low = np.where(beyond, middle, t), np.where(beyond, low, middle)
    return t


def _cell_windows(part: Part, kappa: np.ndarray, origin: np.ndarray, z0: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Window of each cell (K, B), from the origin: where the parabola above E is within the depth of E at the origin."""
    low, high = part.edges[:-1] - origin, part.edges[1:] - origin
    # kappa z^2 - g z - q <= 0 with z relative to the origin; roots without cancellation, and for kappa = 0 too.
    g = part.gradient - 2 * kappa * z0
    q = (part.height + part.potential.value(origin)) - part.gradient * low + DEPTH
    square = g * g + 4 * kappa * q
    root = np.sqrt(np.maximum(square, 0.0))
    t = 0.5 * (g + np.where(g < 0, -root, root))
    one, two = t / kappa, -q / t
    bounded = (t != 0) & (square > 0)
    first = np.where(bounded, np.fmin(one, two), np.where(q > 0, -np.inf, np.inf))
    last = np.where(bounded, np.fmax(one, two), np.inf)
    return np.maximum(first, low), np.minimum(last, high)


@cache
def rule(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions and weights (nodes, 1) of the Gauss-Legendre rule between 0 and 1.

    Examples
    --------
    >>> position, weight = rule(2)
    >>> float((weight * position**2).sum().round(12))
    0.333333333333
    """
    position, weight = np.polynomial.legendre.leggauss(nodes)
    return (position[:, None] + 1) / 2, weight[:, None] / 2


def _window_sums(
    potential: Potential,
    low: np.ndarray,
    high: np.ndarray,
    origin: np.ndarray,
    z0: np.ndarray,
    kappa: np.ndarray,
    nodes: int,
) -> np.ndarray:
    """Sums over one window of ``e^E`` times 1, d, d^2, d^3, dU', dU'^2, U'', |U''| and |d|, d from the origin; (9, B)."""
    position, weight = rule(nodes)
    d = low + (high - low) * position
    rows = np.empty((nodes, SUMS, d.shape[-1]))
    e, ed, edd, eddd, ef, eff, eb, eb_size, ed_size = rows.swapaxes(0, 1)
    np.multiply(np.exp(_relative(potential, kappa, origin, z0, d)), weight * (high - low), out=e)
    force = potential.slope_change(origin, d)
    np.multiply(e, d, out=ed)
    np.multiply(ed, d, out=edd)
    np.multiply(edd, d, out=eddd)
    np.multiply(e, force, out=ef)
    np.multiply(ef, force, out=eff)
    np.multiply(e, potential.curvature(origin + d), out=eb)
    np.abs(eb, out=eb_size)
    np.abs(ed, out=ed_size)
    return total(rows, rows)


def _normalised(
    part: Part, x: np.ndarray, kappa: np.ndarray, origin: np.ndarray, z0: np.ndarray, sums: np.ndarray
) -> Moments:
    """Central moments from the sums, and the integrand at the split."""
    mass = sums[0]
    d, dd, ddd, f, ff, bend, bend_size, d_size = sums[1:] / mass
    potential, split = part.potential, part.edges[-1]
    slope = potential.slope(origin)
    to_split = split - origin
    log_edge = _relative(potential, kappa, origin, z0, to_split) - np.log(mass)
    return Moments(
        log_mass=np.log(mass) - potential.value(origin) - kappa * z0 * z0,
        log_relative=np.log(mass),
        origin=origin,
        origin_offset=z0,
        mean=z0 + d,
        variance=dd - d * d,
        third=ddd - 3 * d * dd + 2 * d * d * d,
        mean_size=np.abs(z0) + d_size,
        variance_size=dd,
        slope=slope + f,
        slope_variance=ff - f * f,
        slope_size=np.abs(slope) + np.sqrt(ff),
        slope_variance_size=ff,
        curvature=bend,
        curvature_size=bend_size,
        edge=np.exp(log_edge),
        edge_slope=np.broadcast_to(potential.slope(split), x.shape),
        edge_offset=x - split,
    )
