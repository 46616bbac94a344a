"""Speciation times of densities with two wells: the boundary criterion (42), the merging of the modes, matched Gaussians."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.numerics.bracketing import EPS, bracketed, doubling, safeguarded
from scoreshock.kernels.wells.merging import ROUNDING, Bracket, bracket
from scoreshock.kernels.wells.parts import Wells, at, boundary_at

OCTAVES = np.arange(-12, 5)
"""The criterion is scanned at 0 and at these powers of two of half the squared half-distance of the wells. A barrier that
vanishes sooner is still seen, between 0 and the first."""

DOUBLINGS = 60
"""Bound of doublings in search of a time late enough."""

RESIDUAL = 1e-6
"""Largest ``s_x`` at a fold, in units of its terms ``U''`` at the well and ``1/(2 tau)``; rounding is near 1e-12."""

NEARBY = 1e-7
"""Relative distance of the times between which the score at a fold must change its sign."""

WIDTHS = (1e-3, 1e-5)
"""Relative widths of the bracket in which the last fold is sought: a narrower one where a wider one holds several."""

MISSED = 1e-5
"""Relative distance from a merging within which two modes may be counted as one."""

PRECISION = 1e-8
"""Relative error of a merging time, from the rounding of the score, beyond which it is not reported."""

BALANCED = 1e-7
"""Relative distance of the fold from a pitchfork up to which it is one."""


class BoundaryTime(NamedTuple):
    """Time at which the boundary criterion vanishes, and the boundary then; (...) each."""

    tau: np.ndarray
    x_boundary: np.ndarray
    score_boundary: np.ndarray
    background_curvature: np.ndarray
    interfacial_curvature: np.ndarray
    jump: np.ndarray
    n_roots: np.ndarray
    layer_status: np.ndarray


class MergingTime(NamedTuple):
    """Time and position at which two modes become one; (...) each."""

    tau: np.ndarray
    x_merging: np.ndarray
    merging_status: np.ndarray


def boundary_time(wells: Wells) -> BoundaryTime:
    r"""Time when ``ln p`` stops being convex across the boundary, the zero of (42) :math:`\bar s_x + \frac14\varphi_x^2`.

    Parameters
    ----------
    wells : Wells
        Densities of leading shape (...).

    Returns
    -------
    BoundaryTime
        ``tau`` is the largest root, the first met in generation; ``n_roots`` counts those told apart by a scan in octaves.
        ``layer_status``: ``ok``, ``no_transition`` (no well on one side of the split), ``no_real_root`` (the criterion is
        negative at all times), ``failed`` (it is not computed at some time, or never turns negative); NaN unless ``ok``. At
        the root ``background_curvature = -interfacial_curvature``.

    Notes
    -----
    It is not the merging of the modes, unless the density is symmetric: the score does not vanish there.

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> round(float(boundary_time(quartic(np.array(1.0), np.array(1.0), np.array(0.0))).tau), 12)
    0.269102819666
    """
    count = wells.split.size
    tau, n_roots, status = np.full(count, np.nan), np.zeros(count, dtype=np.int64), wells.status.copy()
    points = np.flatnonzero(wells.status == Status.ok)
    if points.size:
        low, high, at_low, at_high, n_roots[points], status[points] = _last_fall(wells, points)
        held = np.flatnonzero(np.isfinite(low))
        ends = (end[held] for end in (low, high, at_low, at_high))
        tau[points[held]] = bracketed(lambda t, i: boundary_at(wells, points[held[i]], t).normal_hessian, *ends)
    there = boundary_at(wells, np.arange(count), np.where(np.isnan(tau), 1.0, tau))
    status[(status == Status.ok) & (np.isnan(tau) | (there.layer_status != Status.ok))] = Status.failed
    missing = status != Status.ok
    tau = np.where(missing, np.nan, tau)
    state = there.boundary, there.score, there.background_curvature, there.interfacial_curvature, there.jump
    values = [np.where(missing, np.nan, a) for a in state]
    return BoundaryTime(*(a.reshape(wells.shape) for a in (tau, *values, n_roots, status)))


def _last_fall(wells: Wells, points: np.ndarray) -> tuple[np.ndarray, ...]:
    """Bracket of the last fall of the criterion through zero, its values there, its number of changes of sign, a status."""
    unit = 0.125 * (wells.high - wells.low)[points] ** 2
    times = [np.zeros_like(unit), *(unit * 2.0**i for i in OCTAVES)]
    each = np.stack(times)
    scan = boundary_at(wells, np.tile(points, len(times)), each.ravel()).normal_hessian
    values = list(scan.reshape(each.shape))
    for _ in range(DOUBLINGS):
        late = np.flatnonzero(values[-1] > 0)
        if not late.size:
            break
        t, value = times[-1].copy(), values[-1].copy()
        t[late] *= 2
        value[late] = boundary_at(wells, points[late], t[late]).normal_hessian
        times.append(t)
        values.append(value)
    result = np.full((4, unit.size), np.nan)
    n_roots = np.zeros(unit.size, dtype=np.int64)
    for i in range(len(times) - 1):
        falls = (values[i] > 0) & (values[i + 1] <= 0)
        result = np.where(falls, [times[i], times[i + 1], values[i], values[i + 1]], result)
        n_roots += falls | ((values[i] <= 0) & (values[i + 1] > 0))
    status = np.where(np.isnan(result[0]), np.int8(Status.no_real_root), np.int8(Status.ok))
    status[np.isnan(values).any(axis=0) | (values[-1] > 0)] = Status.failed
    result[:, status != Status.ok] = np.nan
    return (*result, n_roots, status)


def merging_time(wells: Wells, crossing: BoundaryTime | None = None) -> MergingTime:
    """Last time at which two of the density's modes become one: ``s = s_x = 0``. Later it has one mode.

    Parameters
    ----------
    wells : Wells
        Densities of leading shape (...).
    crossing : BoundaryTime, optional
        Of the same wells; computed by default.

    Returns
    -------
    MergingTime
        ``tau``, ``x_merging`` and ``merging_status``: ``ok``, ``no_transition`` (one well), ``failed`` (no fold in the
        bracket), ``unresolved`` (the score near the merging is within rounding of zero); NaN unless ``ok``.

    Notes
    -----
    A fold in general: at each x between a mode and the minimum beside it the score points to the mode at first and away
    from it in the end, and vanishes at some T(x); the fold is where T is largest, and there ``s_x = 0``. This is solved in
    brackets, and stays regular as the fold becomes a pitchfork. A quartic without tilt has a pitchfork at the centre, where
    ``s_x = 0`` is solved by itself: the boundary criterion.

    Of a tilted quartic the mode is the lesser well and the minimum the barrier; the lesser well is that to which the score
    does not point at the root of the boundary criterion. Of any other density, which may have more than two wells, modes
    and minima shortly before the last merging follow from counting modes (`scoreshock.kernels.wells.merging`).

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> one = merging_time(quartic(np.array(1.0), np.array(1.0), np.array(0.1)))
    >>> round(float(one.tau), 10), round(float(one.x_merging), 10)
    (0.1937869449, -0.3740155011)
    """
    crossing = boundary_time(wells) if crossing is None else crossing
    tau, score = (np.array(a, dtype=float).reshape(-1) for a in (crossing.tau, crossing.score_boundary))
    pitchfork = wells.symmetric & np.isfinite(tau)
    status = np.where(pitchfork, np.int8(Status.ok), np.int8(Status.failed))
    status[(wells.n_wells == 1) & (wells.status != Status.failed)] = Status.no_transition
    x = np.where(pitchfork, wells.split, np.nan)
    tau = np.where(pitchfork, tau, np.nan)
    points = np.flatnonzero((wells.n_wells > 1) & ~pitchfork & (wells.status != Status.failed))
    if wells.quartic:
        points = points[np.isfinite(score[points])]
        tau[points], x[points], good = _quartic_folds(wells, points, np.sign(score[points]))
        status[points[good]] = Status.ok
    else:
        for point in points.tolist():
            tau[point], x[point], status[point] = _last_fold(wells, point)
    tau, x = (np.where(status == Status.ok, a, np.nan) for a in (tau, x))
    return MergingTime(*(a.reshape(wells.shape) for a in (tau, x, status)))


def _quartic_folds(wells: Wells, points: np.ndarray, sign: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Folds of the left mode where ``sign`` is 1 and of the right one where it is -1: tau, x, and whether they are that."""
    curvature = 1 / np.where(sign > 0, *wells.variances[:, points])
    unit = 0.125 * (wells.high - wells.low)[points] ** 2
    pair = Pair(np.where(sign > 0, wells.low[points], wells.high[points]), wells.split[points], sign)
    bends = -curvature, -wells.barrier_curvature[points]
    tau, x, s_x = _folds(wells, points, pair, bends, (np.zeros_like(unit), unit / 2, np.full_like(unit, np.inf)), unit)
    with np.errstate(all="ignore"):
        small = np.abs(s_x) <= RESIDUAL * (curvature + 0.5 / tau)
        return tau, x, small & _vanishes(wells, points, x, tau, sign)


class Pair(NamedTuple):
    """A mode and the minimum beside it, (B,) each; ``sign`` is 1 where the mode is on the left, else -1."""

    mode: np.ndarray
    minimum: np.ndarray
    sign: np.ndarray


def _folds(
    wells: Wells,
    points: np.ndarray,
    pair: Pair,
    bends: tuple[np.ndarray, np.ndarray],
    times: tuple[np.ndarray, np.ndarray, np.ndarray],
    unit: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Folds of pairs with the values ``bends`` of s_x: tau, x, and s_x there; ``times`` are a bound, a start, a bound."""
    low, start, high = times
    tau = start.copy()

    def balanced(i: np.ndarray, x: np.ndarray, start: np.ndarray) -> np.ndarray:
        def push(t: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            there = at(wells, points[i[j]], x[j], t)
            return pair.sign[i[j]] * there.score, t - there.score / there.score_tau

        return safeguarded(push, low[i], high[i], True, start=start, middle=doubling, width=(0.0, 2 * EPS))

    def bend(x: np.ndarray, i: np.ndarray) -> np.ndarray:
        # The last position's time is near this one's.
        tau[i] = balanced(i, x, tau[i])
        return at(wells, points[i], x, tau[i]).score_x

    x = bracketed(bend, pair.mode, pair.minimum, *bends)
    tau = balanced(np.arange(x.size), x, np.where(np.isfinite(tau), tau, unit))
    return tau, x, at(wells, points, x, tau).score_x


def _vanishes(wells: Wells, points: np.ndarray, x: np.ndarray, tau: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Whether the score at x changes its sign at a finite time."""
    before, after = (sign * at(wells, points, x, tau * (1 + step)).score for step in (-NEARBY, NEARBY))
    return np.isfinite(tau) & (before < 0) & (after > 0)


def _last_fold(wells: Wells, point: int) -> tuple[float, float, Status]:
    """The last merging of one density with any number of wells: tau, x, status."""
    for width in WIDTHS:
        around = bracket(wells, point, width)
        if around is None:
            return np.nan, np.nan, Status.unresolved
        tau, x, good = _fold_in(wells, point, around)
        if good:
            return tau, x, Status.ok
    return np.nan, np.nan, Status.unresolved


def _fold_in(wells: Wells, point: int, around: Bracket) -> tuple[float, float, bool]:
    """The fold or pitchfork between two times: tau, x, and whether rounding leaves it its digits."""
    modes, minima = around.zeros[::2], around.zeros[1::2]
    points = np.full(minima.size, point)
    low, high = np.full(minima.size, around.low), np.full(minima.size, around.high * (1 + MISSED))
    sign = np.where(at(wells, points, minima, high).score > 0, 1.0, -1.0)
    pair = Pair(np.where(sign > 0, modes[:-1], modes[1:]), minima, sign)
    bends = [at(wells, points, x, low).score_x for x in pair[:2]]
    if not (bends[0] < 0).all() or not (bends[1] > 0).all():
        return np.nan, np.nan, False
    tau, x, s_x = _folds(wells, points, pair, (bends[0], bends[1]), (low, np.sqrt(low * high), high), high)
    rounding = ROUNDING / np.sqrt(2 * tau)
    with np.errstate(all="ignore"):
        error = rounding / np.abs(at(wells, points, x, tau).score_tau) / tau
        good = (np.abs(s_x) <= RESIDUAL / tau) & (error <= PRECISION) & _vanishes(wells, points, x, tau, sign)
    if good.all():
        last = int(np.argmax(tau))
        return float(tau[last]), float(x[last]), True
    return _pitchfork_in(wells, point, around)


def _pitchfork_in(wells: Wells, point: int, around: Bracket) -> tuple[float, float, bool]:
    """A pitchfork at the one minimum, where the score then vanishes at all times: tau, x, and whether it is that.

    Near it ``s = A + a (tau - tau_0) (x - x_0) + b (x - x_0)^3``: the fold is earlier by ``3 b/a (A/(2 b))^(2/3)``.
    """
    points, x = np.array([point]), around.zeros[1:2]
    low, high = np.array([around.low]), np.array([around.high * (1 + MISSED)])
    bends = [at(wells, points, x, t).score_x for t in (low, high)]
    if around.zeros.size != 3 or not bends[0] > 0 or not bends[1] < 0:
        return np.nan, np.nan, False
    tau = bracketed(lambda t, i: at(wells, points[i], x[i], t).score_x, low, high, bends[0], bends[1])
    near = 0.1 * (around.zeros[2] - around.zeros[0])
    before, here, after = (at(wells, points, x + step, tau) for step in (-near, 0.0, near))
    with np.errstate(all="ignore"):
        one = (bends[1] - bends[0]) / (high - low)
        three = (after.score_xx - before.score_xx) / (12 * near)
        offset = np.abs(here.score) + ROUNDING / np.sqrt(2 * tau)
        earlier = 3 * np.abs(three / one) * (offset / np.abs(2 * three)) ** (2 / 3)
        return float(tau[0]), float(x[0]), bool((earlier <= BALANCED * tau)[0])


def matched_gaussian(wells: Wells) -> tuple[np.ndarray, np.ndarray]:
    r"""Boundary time of two Gaussians matched to two wells: ``tau = (a^2 - sigma^2)/2``, (31) and (42).

    ``2a`` is the distance of the two minima of U and ``sigma^2`` the mean of the two variances ``1/U''`` there, so that a
    symmetric quartic has ``tau = (b^2 - 1/(8 c b^2))/2``, section 10. A tilt changes the weights, on which the
    criterion (42) of two Gaussians does not depend, and the positions and variances, which enter.

    Returns
    -------
    tau, status : array (...)
        ``ok``; ``below_data_variance`` with its value where ``sigma^2 >= a^2``; NaN with ``no_transition`` for one well
        and with ``not_applicable`` for more than two.

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> float(matched_gaussian(quartic(np.array(1.0), np.array(1.0), np.array(0.0)))[0])
    0.4375
    """
    with np.errstate(all="ignore"):
        tau = 0.5 * (0.25 * (wells.high - wells.low) ** 2 - 0.5 * (wells.variances[0] + wells.variances[1]))
        status = np.where(tau > 0, wells.status, np.int8(Status.below_data_variance))
    many = (wells.status == Status.ok) & (wells.n_wells > 2)
    usable = (wells.status == Status.ok) & np.isfinite(tau) & ~many
    status = np.where(usable, status, np.where(wells.status == Status.ok, np.int8(Status.failed), wells.status))
    status = np.where(many, np.int8(Status.not_applicable), status)
    return np.where(usable, tau, np.nan).reshape(wells.shape), status.astype(np.int8).reshape(wells.shape)
