"""Speciation times of densities with two wells: the boundary criterion (42), the merging of the modes, matched Gaussians."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.wells import Wells, at, boundary_at, rising_root

OCTAVES = np.arange(-12, 5)
"""The criterion is scanned at 0 and at these powers of two of half the squared half-distance of the wells. A barrier that
vanishes sooner is still found, between 0 and the first."""

DOUBLINGS = 60
"""Bound of doublings in search of a time late enough."""

RESIDUAL = 1e-6
"""What ``s_x`` may be at a fold, in units of its terms ``U''`` at the well and ``1/(2 tau)``; rounding is near 1e-12."""


STEPS = 100
"""Bound of the steps of a bracketed root; a dozen are typical."""

EPS = np.finfo(float).eps

Values = Callable[[np.ndarray, np.ndarray], np.ndarray]


class BoundaryTime(NamedTuple):
    """Where the boundary criterion vanishes; (...) each."""

    tau: np.ndarray
    x: np.ndarray
    score: np.ndarray
    background_x: np.ndarray
    gradient: np.ndarray  # phi_x
    n_roots: np.ndarray
    status: np.ndarray


class MergingTime(NamedTuple):
    """Where two modes become one; (...) each."""

    tau: np.ndarray
    x: np.ndarray
    status: np.ndarray


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
        ``status``: ``ok``, ``no_transition`` (one well), ``no_real_root``, ``failed``; NaN unless ``ok``. At the root
        ``background_x = -gradient^2/4``.

    Notes
    -----
    It is not the merging of the modes, unless the density is symmetric: the score does not vanish there.

    Examples
    --------
    >>> import numpy as np
    >>> from scoreshock.kernels.double_wells import quartic
    >>> round(float(boundary_time(quartic(np.array(1.0), np.array(1.0), np.array(0.0))).tau), 12)
    0.269102819666
    """
    count = wells.split.size
    tau, n_roots = np.full(count, np.nan), np.zeros(count, dtype=np.int64)
    points = np.flatnonzero(wells.status == Status.ok)
    if points.size:
        low, high, at_low, at_high, n_roots[points] = _last_fall(wells, points)
        found = np.flatnonzero(np.isfinite(low))
        tau[points[found]] = bracketed(
            lambda t, i: boundary_at(wells, points[found[i]], t).criterion, *(a[found] for a in (low, high, at_low, at_high))
        )
    missing = np.isnan(tau)
    there = boundary_at(wells, np.arange(count), np.where(missing, 1.0, tau))
    status = np.where(missing & (wells.status == Status.ok), np.int8(Status.no_real_root), wells.status)
    values = [np.where(missing, np.nan, a) for a in (there.position, there.score, there.background_x, there.gradient)]
    return BoundaryTime(*(a.reshape(wells.shape) for a in (tau, *values, n_roots, status)))


def _last_fall(wells: Wells, points: np.ndarray) -> tuple[np.ndarray, ...]:
    """Bracket of the last fall of the criterion through zero, its values there, and the number of changes of sign."""
    unit = 0.125 * (wells.high - wells.low)[points] ** 2
    times = [np.zeros_like(unit), *(unit * 2.0**i for i in OCTAVES)]
    each = np.stack(times)
    scan = boundary_at(wells, np.tile(points, len(times)), each.ravel()).criterion
    values = list(scan.reshape(each.shape))
    for _ in range(DOUBLINGS):
        late = np.flatnonzero(values[-1] > 0)
        if not late.size:
            break
        t, value = times[-1].copy(), values[-1].copy()
        t[late] *= 2
        value[late] = boundary_at(wells, points[late], t[late]).criterion
        times.append(t)
        values.append(value)
    result = np.full((4, unit.size), np.nan)
    n_roots = np.zeros(unit.size, dtype=np.int64)
    for i in range(len(times) - 1):
        falls = (values[i] > 0) & (values[i + 1] <= 0)
        result = np.where(falls, [times[i], times[i + 1], values[i], values[i + 1]], result)
        n_roots += falls | ((values[i] <= 0) & (values[i + 1] > 0))
    return (*result, n_roots)


def merging_time(wells: Wells, crossing: BoundaryTime | None = None) -> MergingTime:
    """Time at which the density's two modes become one: ``s = s_x = 0``.

    Parameters
    ----------
    wells : Wells
        Densities of leading shape (...).
    crossing : BoundaryTime, optional
        Of the same wells, where it is known.

    Returns
    -------
    MergingTime
        ``tau``, ``x`` and ``status``: ``ok``, ``no_transition`` (one well), ``failed`` (no fold between the lesser
        well and the barrier); NaN unless ``ok``.

    Notes
    -----
    A fold in general: at each x between the lesser well and the barrier the score is negative (seen from that well) at
    tau = 0 and positive in the end, and vanishes at some T(x); the fold is where T is largest, and there ``s_x = 0``.
    This is solved in brackets, and stays regular as the fold becomes a pitchfork. A symmetric density has a pitchfork at
    its centre, where ``s_x = 0`` is solved by itself: the boundary criterion. The lesser well is that to which the score
    does not point at the root of the boundary criterion.

    Examples
    --------
    >>> import numpy as np
    >>> from scoreshock.kernels.double_wells import quartic
    >>> one = merging_time(quartic(np.array(1.0), np.array(1.0), np.array(0.1)))
    >>> round(float(one.tau), 10), round(float(one.x), 10)
    (0.1937869449, -0.3740155011)
    """
    crossing = boundary_time(wells) if crossing is None else crossing
    tau, x, score = (np.array(a, dtype=float).reshape(-1) for a in (crossing.tau, crossing.x, crossing.score))
    status = np.where(wells.status == Status.ok, np.int8(Status.failed), wells.status)
    status = np.where(wells.symmetric & np.isfinite(tau), wells.status, status)
    x = np.where(wells.symmetric & np.isfinite(tau), wells.split, np.nan)
    tau = np.where(wells.symmetric, tau, np.nan)
    points = np.flatnonzero((wells.status == Status.ok) & ~wells.symmetric & np.isfinite(score))
    if points.size:
        tau[points], x[points], good = _folds(wells, points, np.sign(score[points]))
        status[points[good]] = Status.ok
    tau, x = (np.where(status == Status.ok, a, np.nan) for a in (tau, x))
    return MergingTime(*(a.reshape(wells.shape) for a in (tau, x, status)))


def _folds(wells: Wells, points: np.ndarray, sign: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Folds of the left mode where ``sign`` is 1 and of the right one where it is -1: tau, x, and whether they are that."""
    well = np.where(sign > 0, wells.low[points], wells.high[points])
    curvature = 1 / np.where(sign > 0, *wells.variances[:, points])
    unit = 0.125 * (wells.high - wells.low)[points] ** 2
    tau = unit / 2

    def bend(x: np.ndarray, i: np.ndarray) -> np.ndarray:
        # The last place's time is near this one's.
        tau[i] = _balanced(wells, points[i], x, sign[i], tau[i])
        return at(wells, points[i], x, tau[i]).score_x

    x = bracketed(bend, well, wells.split[points], -curvature, -wells.barrier_curvature[points])
    tau = _balanced(wells, points, x, sign, np.where(np.isfinite(tau), tau, unit))
    found = at(wells, points, x, tau)
    with np.errstate(all="ignore"):
        return tau, x, np.abs(found.score_x) <= RESIDUAL * (curvature + 0.5 / tau)


def _balanced(wells: Wells, points: np.ndarray, x: np.ndarray, sign: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Time at which the score at x vanishes, having pointed away from the barrier; NaN where it never does."""

    def push(tau: np.ndarray, i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = at(wells, points[i], x[i], tau)
        return sign[i] * found.score, sign[i] * found.score_tau

    return rising_root(push, start, np.zeros_like(x), np.full_like(x, np.inf), np.zeros_like(x))


def matched_gaussian(wells: Wells) -> tuple[np.ndarray, np.ndarray]:
    r"""Boundary time of two Gaussians put in place of the wells: ``tau = (a^2 - sigma^2)/2``, (31) and (42).

    ``2a`` is the distance of the two minima of U and ``sigma^2`` the mean of the two variances ``1/U''`` there, so that a
    symmetric quartic has ``tau = (b^2 - 1/(8 c b^2))/2``, section 10. A tilt changes the weights, on which the
    criterion (42) of two Gaussians does not depend, and the places and variances, which enter.

    Returns
    -------
    tau, status : array (...)
        ``ok``; ``below_floor`` with its value where ``sigma^2 >= a^2``; ``no_transition`` with NaN for one well.

    Examples
    --------
    >>> import numpy as np
    >>> from scoreshock.kernels.double_wells import quartic
    >>> float(matched_gaussian(quartic(np.array(1.0), np.array(1.0), np.array(0.0)))[0])
    0.4375
    """
    with np.errstate(all="ignore"):
        tau = 0.5 * (0.25 * (wells.high - wells.low) ** 2 - 0.5 * (wells.variances[0] + wells.variances[1]))
        status = np.where(tau > 0, wells.status, np.int8(Status.below_floor))
    usable = (wells.status == Status.ok) & np.isfinite(tau)
    status = np.where(usable, status, np.where(wells.status == Status.ok, np.int8(Status.failed), wells.status))
    return np.where(usable, tau, np.nan).reshape(wells.shape), status.astype(np.int8).reshape(wells.shape)


def bracketed(function: Values, low: np.ndarray, high: np.ndarray, at_low: np.ndarray, at_high: np.ndarray) -> np.ndarray:
    """Root (B,) of ``function(t, points)`` in brackets with values of opposite sign, by Chandrupatla's (1997) method.

    Inverse quadratic interpolation where it is safe, else bisection, each point by itself. A root is found to rounding.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([1.0])
    >>> float(bracketed(lambda t, points: t * t - 2, 0 * one, 2 * one, -2 * one, 2 * one)[0].round(14))
    1.4142135623731
    """
    root = np.full(low.shape, np.nan)
    points = np.arange(low.size)
    x1, x2, f1, f2, t = low, high, at_low, at_high, np.full(low.shape, 0.5)
    for _ in range(STEPS):
        if not points.size:
            break
        x = x1 + t * (x2 - x1)
        f = function(x, points)
        same = np.sign(f) == np.sign(f1)
        x3, f3 = np.where(same, x1, x2), np.where(same, f1, f2)
        x2, f2 = np.where(same, x2, x1), np.where(same, f2, f1)
        x1, f1 = x, f
        best = np.where(np.abs(f1) < np.abs(f2), x1, x2)
        with np.errstate(all="ignore"):
            least = 2 * EPS * np.abs(best) / np.abs(x2 - x1)
            xi, ratio = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
            smooth = (ratio**2 < xi) & ((1 - ratio) ** 2 < 1 - xi)
            t = f1 / (f2 - f1) * f3 / (f2 - f3) + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)
        t = np.where(smooth & np.isfinite(t), t, 0.5)
        t = np.minimum(np.maximum(t, least), 1 - least)
        done = ~(least <= 0.5) | (f == 0) | np.isnan(f)
        root[points[done]] = np.where(f == 0, x, np.where(np.isnan(f), np.nan, best))[done]
        go = ~done
        points, x1, x2, f1, f2, t = (a[go] for a in (points, x1, x2, f1, f2, t))
    root[points] = x1
    return root
