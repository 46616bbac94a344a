r"""Growth on the moving boundary of two groups of components: the time at which it ends, and its integral over tau.

The rate of growth is ``n'Hn`` on the boundary, (42), positive below the boundary criterion. For more than two
components its integral has no closed form: it is summed over panels between the roots and breaks that
`scoreshock.kernels.layer.continuation` finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.groups import REST
from scoreshock.kernels.layer.amplification import RESOLVED, growth_rate, pair_closed
from scoreshock.kernels.layer.continuation import COUNT, NONE, RANK, RATE, ROOT, Lines, Marks, follow, marks_of
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.speciation import criteria

PANEL, REFINEMENTS, TOLERANCE = 2.0, 5, 1e-10
"""Widest panel of ``ln v``; how often one is halved, and the error, relative to 1 and its value, above which it is."""

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(31)

COARSE = np.linalg.solve(np.polynomial.legendre.legvander(NODES[::2], 15).T, np.eye(16)[0] * 2)
"""Weights of every other node alone, exact to degree 15: the difference of both rules is the error's estimate."""

VOID = (Status.singular, Status.not_applicable, Status.failed)
"""Statuses of an exponent that does not exist."""

LINES, POINTS = 2048, 4096
"""Mixtures, and points of an integral, at a time: many enough to share the cost of a call, few enough for memory."""


class BoundaryTime(NamedTuple):
    """The boundary criterion of each point, (...) each.

    ``tau_boundary`` where growth ends as tau rises; the numbers of roots of ``n'Hn`` and of discontinuities of the boundary
    that the scan resolves above the data variance; ``boundary_end``, one of ``ROOT, JUMP, VANISHING, NONE``; a status.
    """

    tau_boundary: np.ndarray
    n_boundary_roots: np.ndarray
    n_boundary_discontinuities: np.ndarray
    boundary_end: np.ndarray
    tau_boundary_status: np.ndarray


class BoundaryExponent(NamedTuple):
    """Integral of the positive part of ``n'Hn`` over tau from ``tau_min`` up, (...) each, dimensionless.

    The exponent and an estimate that rather exceeds its error, the number of discontinuities of the boundary inside the
    range of integration, the status; the rest as in `BoundaryTime`.
    """

    exponent_boundary: np.ndarray
    exponent_boundary_error: np.ndarray
    n_exponent_discontinuities: np.ndarray
    exponent_boundary_status: np.ndarray
    tau_boundary: np.ndarray
    n_boundary_roots: np.ndarray
    n_boundary_discontinuities: np.ndarray
    boundary_end: np.ndarray
    tau_boundary_status: np.ndarray


class BoundaryRate(NamedTuple):
    """Growth rate on the moving boundary and its status, (...) each."""

    boundary_rate: np.ndarray
    boundary_rate_status: np.ndarray


def boundary_time(means: Any, weights: Any, variance: Any, group: Any) -> BoundaryTime:
    """Time at which growth on the moving boundary of two groups ends: the largest tau with ``n'Hn = 0``, (42)-(43).

    Parameters
    ----------
    means : array (..., k, n)
        Component means.
    weights : array (..., k)
        Component weights, positive, summing to one.
    variance : array (...)
        Component variance sigma0^2 >= 0.
    group : array (..., k) of int
        0 for the components of the first group, 1 for those of the second, 2 for those of neither, which are left out.

    Returns
    -------
    BoundaryTime
        Status ``ok``; ``below_data_variance`` where growth ends at ``v <= sigma0^2`` (tau <= 0 is kept); ``no_real_root``
        where no root ends it: with the tau at which the boundary vanishes or jumps while the rate is positive, or NaN
        where the line never meets the boundary; ``no_transition`` with NaN where all means of the groups project to one
        point of the line; ``not_applicable`` with NaN where a group is empty; ``failed`` with NaN for means that are not
        finite.

    Notes
    -----
    Two components: ``v = a^2`` for any weights, in closed form. Else two roots, or two breaks, within one step of the scan
    (some 2 to 10 percent of v) may be missed together.

    Examples
    --------
    An equal triangle of circumradius 1, one vertex against two: across the layer a pair at a distance of 3/2, ``v = 9/16``.

    >>> corners = np.array([[0.0, 1.0], [-0.75**0.5, -0.5], [0.75**0.5, -0.5]])
    >>> end = boundary_time(corners, np.full(3, 1 / 3), np.array(0.0), np.array([0, 1, 1]))
    >>> round(float(end.tau_boundary), 12), int(end.n_boundary_roots)
    (0.28125, 1)
    """
    means, weights, variance, _, group = _arrays(means, weights, variance, 0.0, group)
    if means.shape[-2] == 2:
        return _pair_time(means, weights, variance, group)
    lines, mixture, lead = _lines(means, weights, group, variance)
    s2 = np.broadcast_to(variance, lead).ravel()
    ends = np.empty((4, len(mixture)))
    for some, marks, points, at in _blocks(lines, mixture, s2):
        ends[:, points] = _times(some, marks, at, s2[points])
    return _time(lines.status[mixture], s2, ends, lead)


def boundary_exponent(means: Any, weights: Any, variance: Any, tau_min: Any, group: Any) -> BoundaryExponent:
    """Rate integral: the positive part of ``n'Hn`` on the moving boundary over tau, from ``tau_min`` up; section 6.

    Parameters
    ----------
    means, weights, variance, group
        As for :func:`boundary_time`.
    tau_min : array (...)
        Diffusion time at which generation stops, >= 0.

    Returns
    -------
    BoundaryExponent
        Status ``ok``, also past the boundary's time, where the exponent is 0; ``below_data_variance`` with 0 where growth
        ends at or below sigma0^2; ``no_real_root`` with 0 where the line never meets the boundary; ``no_transition`` with 0;
        ``singular`` with NaN at v = 0; ``not_applicable`` and ``failed`` with NaN as for the time; ``unresolved`` for ``ok``
        where the error exceeds 1e-8 (1 + exponent).

    Notes
    -----
    Two components: the closed form (55) with error 0. Else 31 Gauss-Legendre nodes on each panel of ``ln v``, 2 at most,
    cut at all roots and breaks (toward a break in the square root of the distance, as which the boundary moves there), and
    halved up to five times where the estimate exceeds 1e-10. Where the boundary does not exist nothing is added. It is a
    Lyapunov exponent only where trajectories stay on the boundary, as in symmetric cases.

    Examples
    --------
    >>> corners = np.array([[0.0, 1.0], [-0.75**0.5, -0.5], [0.75**0.5, -0.5]])
    >>> growth = boundary_exponent(corners, np.full(3, 1 / 3), np.array(0.05), np.array(0.0), np.array([0, 1, 1]))
    >>> round(float(growth.exponent_boundary), 6), bool(growth.exponent_boundary_error < 1e-9)
    (3.914816, True)
    """
    means, weights, variance, tau_min, group = _arrays(means, weights, variance, tau_min, group)
    if means.shape[-2] == 2:
        return _pair(means, weights, variance, tau_min, group)
    lines, mixture, lead = _lines(means, weights, group, variance, tau_min)
    s2, v = (np.broadcast_to(a, lead).ravel() for a in (variance, variance + 2 * tau_min))
    ends, integral = np.empty((4, len(v))), np.empty((3, len(v)))
    for some, marks, points, at in _blocks(lines, mixture, s2):
        ends[:, points] = _times(some, marks, at, s2[points])
        positive = points[v[points] > 0]
        integral[:, positive] = _integrals(some, marks, at[v[points] > 0], v[positive], ends[0, positive])
    time = _time(lines.status[mixture], s2, ends, lead)
    base = lines.status[mixture]
    status = np.where(np.isnan(ends[0]), np.int8(Status.no_real_root), np.int8(Status.ok))
    below = time.tau_boundary_status.ravel() == Status.below_data_variance
    status = np.where(below, np.int8(Status.below_data_variance), status)
    status = np.where(base == Status.ok, status, base)
    status = np.where((v > 0) | (base >= Status.not_applicable), status, np.int8(Status.singular)).reshape(lead)
    integral[:, ~(v > 0)] = 0.0
    exponent, error, n_breaks = (row.reshape(lead) for row in integral)
    void = np.isin(status, VOID)
    exponent, error = (np.where(void, np.nan, number) for number in (exponent, error))
    rough = (status == Status.ok) & (error > RESOLVED * (1 + exponent))
    status = np.where(rough, np.int8(Status.unresolved), status)
    return BoundaryExponent(exponent, error, n_breaks.astype(int), status, *time)


@np.errstate(over="ignore")
def boundary_rate(means: Any, weights: Any, variance: Any, tau: Any, group: Any) -> BoundaryRate:
    """Growth rate ``n'Hn`` on the moving boundary at ``tau (...)``, (...) per unit of tau, and its status.

    Other arguments as for :func:`boundary_time`. NaN beside ``singular`` (v = 0), ``no_real_root`` (no boundary on the
    line), ``no_transition`` (also where tau is NaN), ``not_applicable`` and ``failed``.

    Examples
    --------
    >>> rate, status = boundary_rate([[-1.0], [1.0]], [0.3, 0.7], np.array(0.25), np.array(0.125), [0, 1])
    >>> float(rate), int(status)
    (2.0, 0)
    """
    means, weights, variance, tau, group = _arrays(means, weights, variance, tau, group)
    lines, mixture, lead = _lines(means, weights, group, variance, tau)
    v = np.broadcast_to(variance + 2 * tau, lead).ravel()
    status = np.where(v > 0, lines.status[mixture], np.int8(Status.singular))
    rate = np.full(status.shape, np.nan)
    good = np.flatnonzero(status == Status.ok)
    if means.shape[-2] == 2:
        rate[good] = np.broadcast_to(growth_rate(means, weights, variance, tau), lead).ravel()[good]
    else:
        rate[good] = follow(lines, mixture[good], np.ldexp(v[good], -2 * lines.unit[mixture[good]]))[RATE] / v[good]
    status[good] = np.where(np.isnan(rate[good]), np.int8(Status.no_real_root), status[good])
    status = np.where(np.isnan(np.broadcast_to(tau, lead)), np.int8(Status.no_transition), status.reshape(lead))
    return BoundaryRate(rate.reshape(lead), status)


def _times(lines: Lines, marks: Marks, mixture: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Rows (4, F): v at which growth ends, what ends it, roots and discontinuities above the data variance."""
    floor = np.ldexp(variance, -2 * lines.unit[mixture])
    point, mark = marks.of(mixture, lines.size)
    ends = np.full((4, len(mixture)), np.nan)
    ends[1] = NONE
    last = marks.below[mark]
    # Marks ascend, and of several assignments to one index the last holds.
    ends[0, point[last]], ends[1, point[last]] = marks.low[mark[last]], marks.kind[mark[last]]
    ends[0] = np.ldexp(ends[0], 2 * lines.unit[mixture])
    above, root = marks.low[mark] > floor[point], marks.kind[mark] == ROOT
    for row, counted in ((2, above & root), (3, above & ~root)):
        ends[row] = np.bincount(point[counted], minlength=len(mixture))
    return ends


@np.errstate(all="ignore")
def _integrals(lines: Lines, marks: Marks, mixture: np.ndarray, v: np.ndarray, v_end: np.ndarray) -> np.ndarray:
    """Rows (3, F): the integral over tau from ``v (F,)`` up, its error's estimate, and breaks in its range."""
    sums = np.empty((3, len(v)))
    v, v_end = (np.ldexp(number, -2 * lines.unit[mixture]) for number in (v, v_end))
    for part in slices(len(v), POINTS):
        sums[:, part] = _integral(lines, marks, mixture[part], v[part])
    point, mark = marks.of(mixture, lines.size)
    within = (marks.kind[mark] != ROOT) & (marks.low[mark] > v[point]) & (marks.low[mark] <= v_end[point])
    sums[2] += np.bincount(point[within], minlength=len(v))
    return sums


def _integral(lines: Lines, marks: Marks, mixture: np.ndarray, v_min: np.ndarray) -> np.ndarray:
    """Integral over tau from ``v_min (F,)`` of the rate's positive part, its error's estimate, and breaks not cut at."""
    if not len(marks.mixture):
        return np.zeros((3, len(mixture)))
    point, mark = marks.of(mixture, lines.size)
    previous = np.concatenate([[-1], mark[:-1]])
    has = np.concatenate([[False], point[1:] == point[:-1]])
    edge = np.where(has, marks.high[previous], 0.0)
    low, high = np.maximum(edge, v_min[point]), marks.low[mark]
    discontinuous_low, discontinuous_high = has & (marks.kind[previous] != ROOT) & (edge == low), marks.kind[mark] != ROOT
    panels = _cut(_Panels(point, low, high, discontinuous_low, discontinuous_high).take(marks.below[mark] & (high > low)))
    totals = np.zeros((3, len(mixture)))
    for i in range(REFINEMENTS + 1):
        value, error, unseen = _rule(lines, mixture, panels)
        rough = (error > TOLERANCE * (1 + value)) & (i < REFINEMENTS)
        done = panels.point[~rough]
        for total, part in zip(totals, (value, error, unseen), strict=True):
            total += np.bincount(done, weights=part[~rough], minlength=len(total))
        panels = _halved(panels.take(rough))
    return totals


class _Panels(NamedTuple):
    """Stretches of ``ln v``, each of a point, from ``low`` to ``high``, and whether the boundary breaks at either end."""

    point: np.ndarray
    low: np.ndarray
    high: np.ndarray
    discontinuous_low: np.ndarray
    discontinuous_high: np.ndarray

    def take(self, which: np.ndarray) -> _Panels:
        return _Panels._make(row[which] for row in self)

    @property
    def width(self) -> np.ndarray:
        near = self.high < 2 * self.low
        return np.where(near, np.log1p((self.high - self.low) / self.low), np.log(self.high) - np.log(self.low))


def _cut(panels: _Panels) -> _Panels:
    """The same in equal parts, none wider than ``PANEL``, with a break at one end at most."""
    width = panels.width
    count = np.maximum(np.ceil(width / PANEL).astype(int), 1 + (panels.discontinuous_low & panels.discontinuous_high))
    index = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    step, last = np.repeat(width / count, count), index == np.repeat(count, count) - 1
    parts, first = panels.take(np.repeat(np.arange(len(count)), count)), index == 0
    low = np.where(first, parts.low, parts.low * np.exp(step * index))
    high = np.where(last, parts.high, parts.low * np.exp(step * (index + 1)))
    return _Panels(parts.point, low, high, parts.discontinuous_low & first, parts.discontinuous_high & last)


def _halved(panels: _Panels) -> _Panels:
    middle, no = panels.low * np.exp(0.5 * panels.width), np.zeros(len(panels.point), dtype=bool)
    halves = panels._replace(high=middle, discontinuous_high=no), panels._replace(low=middle, discontinuous_low=no)
    return _Panels._make(np.stack(rows, axis=-1).ravel() for rows in zip(*halves, strict=True))


def _rule(lines: Lines, mixture: np.ndarray, panels: _Panels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Integral over tau of the rate's positive part on each panel, its error's estimate, and breaks inside."""
    width, u = panels.width, 0.5 * (1 + NODES[:, None])
    # Toward a break the boundary moves like a square root.
    up, down = (np.exp(width * part) for part in (np.where(panels.discontinuous_low, u * u, u), -((1 - u) ** 2)))
    v = np.where(panels.discontinuous_high, panels.high * down, panels.low * up)
    jacobian = np.where(panels.discontinuous_low, 2 * u, np.where(panels.discontinuous_high, 2 * (1 - u), 1.0))
    state = follow(lines, np.tile(mixture[panels.point], len(u)), v.ravel()).reshape(5, *v.shape)
    growth = np.where(state[RATE] > 0, state[RATE], 0.0) * jacobian
    fine, coarse = np.zeros(len(width)), np.zeros(len(width))
    for i in range(len(u)):
        fine += NODE_WEIGHTS[i] * growth[i]
        if i % 2 == 0:
            coarse += COARSE[i // 2] * growth[i]
    # Crossings alternate in direction, so the parity of the rank changes wherever the other side's becomes the nearest.
    side = np.where(state[COUNT] > 0, 1 + state[RANK] % 2, 0)
    return fine * width / 4, np.abs(fine - coarse) * width / 4, (side[1:] != side[:-1]).sum(axis=0)


def _blocks(
    lines: Lines, mixture: np.ndarray, variance: np.ndarray
) -> Iterator[tuple[Lines, Marks, np.ndarray, np.ndarray]]:
    """Some lines at a time, with their marks, the points that have them, and the line's index of each."""
    # How far down a mixture is scanned changes no mark further up, so that other points change no bit of a point.
    floor = np.full(lines.size, np.inf)
    np.minimum.at(floor, mixture, variance)
    floor = np.ldexp(floor, -2 * lines.unit)
    order = np.argsort(mixture, kind="stable")
    first = np.searchsorted(mixture[order], np.arange(0, lines.size + LINES, LINES))
    for i in range(len(first) - 1):
        some = lines.take(slice(i * LINES, (i + 1) * LINES))
        points = order[first[i] : first[i + 1]]
        yield some, marks_of(some, floor[i * LINES : (i + 1) * LINES]), points, mixture[points] - i * LINES


def _time(base: np.ndarray, variance: np.ndarray, ends: np.ndarray, lead: tuple[int, ...]) -> BoundaryTime:
    """The criterion from the rows of :func:`_times`; ``base`` is the status of the line."""
    v_end, end, n_roots, n_breaks = ends
    tau = np.where(base == Status.ok, 0.5 * (v_end - variance), np.nan)
    status = np.where(end == ROOT, np.int8(Status.ok), np.int8(Status.no_real_root))
    status = np.where(tau <= 0, np.int8(Status.below_data_variance), status)
    rows = tau, n_roots.astype(int), n_breaks.astype(int), end.astype(np.int8), np.where(base == Status.ok, status, base)
    return BoundaryTime._make(row.reshape(lead) for row in rows)


def _pair_time(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, group: np.ndarray, *others: np.ndarray
) -> BoundaryTime:
    """The same of two components, each a group, in the shape of these arguments and ``others``."""
    lead, two = _shapes(means, weights, group, variance, *others)[1], _are_two(group)
    tau, status = criteria.boundary(means, weights, variance)
    tau, status = np.where(two, tau, np.nan), np.where(two, status, np.int8(Status.not_applicable))
    tau, status = np.broadcast_to(tau, lead), np.broadcast_to(status, lead)
    none = np.zeros(lead, dtype=int)
    return BoundaryTime(tau, none + (tau > 0), none, np.where(np.isnan(tau), NONE, ROOT).astype(np.int8), status)


def _pair(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau_min: np.ndarray, group: np.ndarray
) -> BoundaryExponent:
    """Two components, each a group: the closed form (55)."""
    time, two = _pair_time(means, weights, variance, group, tau_min), _are_two(group)
    lead = time.tau_boundary.shape
    exponent, status = pair_closed(means, variance, tau_min)
    exponent = np.broadcast_to(np.where(two, exponent, np.nan), lead)
    status = np.broadcast_to(np.where(two, status, np.int8(Status.not_applicable)), lead)
    return BoundaryExponent(exponent, np.where(np.isnan(exponent), np.nan, 0.0), np.zeros(lead, dtype=int), status, *time)


def _are_two(group: np.ndarray) -> np.ndarray:
    """Whether two components are the two groups, in any order, (...)."""
    return (group != REST).all(axis=-1) & (group[..., 0] != group[..., 1])


def _arrays(means: Any, weights: Any, variance: Any, tau: Any, group: Any) -> tuple[np.ndarray, ...]:
    return (*(np.asarray(a, dtype=float) for a in (means, weights, variance, tau)), np.asarray(group))


def _shapes(
    means: np.ndarray, weights: np.ndarray, group: np.ndarray, *numbers: np.ndarray
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shape of the mixtures and groups alone, with as many axes as that of all points, which is the second."""
    mixtures = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], group.shape[:-1])
    lead = np.broadcast_shapes(mixtures, *(number.shape for number in numbers))
    return (1,) * (len(lead) - len(mixtures)) + mixtures, lead


def _lines(
    means: np.ndarray, weights: np.ndarray, group: np.ndarray, *numbers: np.ndarray
) -> tuple[Lines, np.ndarray, tuple[int, ...]]:
    """The lines of the mixtures, the index of each point's line, flat, and the shape of the points."""
    mixtures, lead = _shapes(means, weights, group, *numbers)
    index = np.broadcast_to(np.arange(int(np.prod(mixtures))).reshape(mixtures), lead).ravel()
    return Lines.of(means, weights, group, mixtures), index, lead
