"""Neighbouring criteria of speciation: cloning, stability of the reverse drift, entropy of the class.

Cloning and entropy are expectations over the density: on a line, or for a pair along the line through its means.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.expectations import Axis, Nodes, expectation, on_axis, spread
from scoreshock.kernels.gaussian.geometry import half_distance
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.bracketing import bracketed
from scoreshock.kernels.numerics.root_isolation import Points, search
from scoreshock.kernels.numerics.vectors import square
from scoreshock.kernels.speciation.criteria import outcome
from scoreshock.kernels.speciation.roots import BLOCK, prepare

LEVEL = 0.7752002453966638
"""Cloning probability of an equal pair at ``v = a^2``, its speciation: 0.7752 (Biroli et al. 2024)."""

WIDEST, LOOK = 0.4, 3
"""Largest step in ln v between the diffusion times at which a peak is looked for (a peak is wider: the rate is smooth over a
factor of some e in v), and the stride of the quadrature in that look."""

END = 2.0**-50
"""How near, relatively, the search comes to ``v = 2 (sigma0^2 - 1)``, at and below which the drift is unstable."""

ROOT, NEAR = 1e-14, 1e-6
"""Error of a root in ln v, and of one by a look at few nodes."""

FINEST = 1e-26
"""Squared separations below this share of the largest are rounding."""


def cloning(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, level: np.ndarray | float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Diffusion time at which the cloning probability falls through ``level``, and its status, (...).

    The probability falls monotonically, so that the time is unique. By default it is the exact time for an equal pair.
    ``no_transition`` with NaN where ``level <= sum w^2``, which no noise reaches, or the means are equal, or components
    of one mean, which never part, keep the probability below the level; ``below_data_variance``
    with the negative time where it is passed before data time; ``not_applicable`` as for `alternatives`.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(cloning(np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.09))[0]), 9)
    0.455
    """
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], np.shape(variance), np.shape(level))
    line = on_axis(means, weights, lead)
    goal = np.broadcast_to(np.asarray(level, dtype=float), lead).ravel()
    critical = np.full(goal.shape, np.nan)
    if not line.known:
        return critical.reshape(lead), np.full(lead, Status.not_applicable, dtype=np.int8)
    with np.errstate(all="ignore"):
        low, high = _separations(line)
        at = np.flatnonzero((high > 0) & (goal > total(np.exp(2 * line.log_w))) & (goal < _without_noise(line)))
        critical[at] = np.exp(_falling(line.take(at), goal[at], np.log(low[at]), np.log(high[at])))
    return _outcome(critical, at, lead, variance)


def drift(means: np.ndarray, weights: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Time at which the drift of the VP reverse SDE loses stability (Raya and Ambrogioni 2023), and its status, (...).

    Where the largest eigenvalue of the score Jacobian is :math:`-1/(2(1 + 2\tau))`; that is :math:`s_t' = -1/2` in the
    variable of the VP process. For a pair on its boundary, in closed form :math:`v = a^2 - \kappa + \sqrt{a^4 + \kappa^2}`,
    :math:`\kappa = 1 - \sigma_0^2`; for more components at the weighted mean, the largest root: none is missed, as intervals
    are excluded by convexity bounds (module ``root_isolation``).

    Parameters
    ----------
    means, weights, variance
        The mixture: (..., k, n), (..., k), (...), in units in which data have variance one: the criterion depends on them.

    Returns
    -------
    tau, status
        ``below_data_variance`` with the negative time (NaN for k > 2) where the drift is stable at all tau > 0;
        ``no_transition`` with NaN for equal means; ``failed`` for input that is not finite.

    Notes
    -----
    A Gaussian of variance above 2 in these units is unstable by itself, whatever the classes.

    Examples
    --------
    >>> import numpy as np
    >>> tau, _ = drift(np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.0))
    >>> round(float((1 + 2 * tau) ** -0.5), 4)  # the signal coefficient alpha
    0.6436
    """
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], np.shape(variance))
    with np.errstate(all="ignore"):
        if means.shape[-2] == 2:
            square, kappa = half_distance(means) ** 2, 1 - variance
            root = np.hypot(square, kappa)
            # The two forms of the root of v^2 + 2 (kappa - a^2) v = 2 a^2 kappa, each where it does not cancel.
            sum_ = square - kappa
            critical = np.where(sum_ < 0, 2 * square * kappa / (root - sum_), sum_ + root)
            critical = np.where(square > 0, critical, np.nan)
            tau, status = outcome(critical, np.asarray(variance))
            return np.broadcast_to(tau, lead), np.broadcast_to(status, lead)
        return _drift_of_many(means, weights, np.asarray(variance, dtype=float), lead)


def entropic(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, per: str = "log_snr"
) -> tuple[np.ndarray, np.ndarray]:
    """Diffusion time at which the entropy of the class changes fastest, and its status, (...).

    Parameters
    ----------
    means, weights, variance
        The mixture: (..., k, n), (..., k), (...).
    per : str
        ``log_snr``: fastest per log-SNR, ``-ln(2 tau)``; ``tau``: fastest per tau, another time.

    Returns
    -------
    tau, status
        The highest peak. ``no_transition`` with NaN for equal means; ``below_data_variance`` with the negative time where
        the rate per tau is largest before data time (per log-SNR there always is a peak); ``not_applicable`` as for
        `cloning`; ``failed`` where none was found, which weights below 1e-100 can cause.

    Notes
    -----
    Peaks are zeros of the rate's derivative, which is an expectation too: ``d(E tr Gamma)/dv = E tr(Gamma^2)/v^2``. They
    are looked for at times between the smallest and the largest separation of which each is at most 1.5 times the last.

    Examples
    --------
    >>> import numpy as np
    >>> pair = np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.09)
    >>> round(float(entropic(*pair)[0]), 3), round(float(entropic(*pair, per="tau")[0]), 3)
    (0.345, 0.104)
    """
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], np.shape(variance))
    line = on_axis(means, weights, lead)
    s2 = np.broadcast_to(np.asarray(variance, dtype=float), lead).ravel()
    critical = np.full(s2.shape, np.nan)
    if not line.known:
        return critical.reshape(lead), np.full(lead, Status.not_applicable, dtype=np.int8)
    with np.errstate(all="ignore"):
        low, high = _separations(line)
        at = np.flatnonzero((high > 0) & np.isfinite(s2))
        line, low, high, floor = line.take(at), low[at], high[at], s2[at]
        if per == "log_snr":
            # Below 2 tau = sigma0^2 the rate per log-SNR rises, and so it does while nothing overlaps.
            bottom = np.maximum(floor, low / 4 - floor)
            critical[at] = floor + np.exp(_peak(line, floor, np.log(bottom), np.log(np.maximum(2 * floor, high))))
        else:
            nothing = np.zeros_like(floor)
            critical[at] = np.exp(_peak(line, nothing, np.log(low / 4), np.log(high), extra=1.0))
    return _outcome(critical, at, lead, variance)


def _outcome(
    critical: np.ndarray, sought: np.ndarray, lead: tuple[int, ...], variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Time and status of critical variances (B,); one that was sought and not found has failed."""
    tau, status = outcome(critical.reshape(lead), variance)
    failed = np.zeros(critical.shape, bool)
    failed[sought] = np.isnan(critical[sought])
    return tau, np.where(failed.reshape(lead), np.int8(Status.failed), status)


def _without_noise(line: Axis) -> np.ndarray:
    """Cloning probability as v goes to 0, (B,): below 1 where components have one mean, and never part."""
    w = np.exp(line.log_w)
    limit = np.zeros(w.shape[1])
    for mean, weight in zip(line.mu, w, strict=True):
        limit += weight * weight / total(np.where(line.mu == mean, w, 0.0))
    return limit


def _separations(line: Axis) -> tuple[np.ndarray, np.ndarray]:
    """Variances far below which no components overlap and above which all do, (B,); zero where all means are equal."""
    ascending = np.sort(line.mu, axis=0)
    largest = (ascending[-1] - ascending[0]) ** 2
    gaps = np.where(np.diff(ascending, axis=0) ** 2 > FINEST * largest, np.diff(ascending, axis=0) ** 2, np.inf)
    # A component of small weight is lost where gap^2/(2v) is the logarithm of its weight.
    return gaps.min(axis=0) / (50 - 5 * line.log_w.min(axis=0)), largest


def _falling(line: Axis, goal: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """``ln v`` at which the cloning probability is ``goal``, (B,); the bracket widens until it holds."""

    def above(log_v: np.ndarray, i: np.ndarray, stride: int = 1) -> np.ndarray:
        (cloned,) = expectation(lambda nodes: (total(nodes.shares**2),), line.take(i), np.exp(log_v), stride)
        return cloned - goal[i]

    low, high = low.copy(), high.copy()
    for bound, step, sign in ((low, -3.0, 1.0), (high, 3.0, -1.0)):
        outside = np.arange(goal.size)
        for _ in range(8):
            outside = outside[~(sign * above(bound[outside], outside, LOOK) > 0)]
            bound[outside] += step
            step *= 2
    return _looked_up(above, low, high)


def _looked_up(function: Callable[..., np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Root (B,) of ``function(t, points, stride)`` in its bracket: near the one that a look at few nodes shows."""
    points = np.arange(low.size)
    guess = bracketed(lambda t, i: function(t, i, LOOK), low, high, tolerance=NEAR)
    left, right = guess - 2 * NEAR, guess + 2 * NEAR
    at_left, at_right = function(left, points), function(right, points)
    lost = np.flatnonzero(~(np.sign(at_left) * np.sign(at_right) < 0))
    left[lost], right[lost] = low[lost], high[lost]
    at_left[lost], at_right[lost] = function(low[lost], lost), function(high[lost], lost)
    return bracketed(function, left, right, at_left, at_right, tolerance=ROOT)


def _peak(line: Axis, floor: np.ndarray, low: np.ndarray, high: np.ndarray, extra: float = 0.0) -> np.ndarray:
    """``t = ln(v - floor)`` of the highest peak of ``e^t E tr Gamma/v^2`` (or ``extra``: without ``e^t``), (B,).

    Its slope is ``1 - extra + ((v - floor)/v) (E tr Gamma^2/(v E tr Gamma) - 2)``.
    """

    def slope(t: np.ndarray, i: np.ndarray, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
        v = floor[i] + np.exp(t)
        mixed, squared = expectation(_two_moments, line.take(i), v, stride)
        return 1 - extra + np.exp(t) / v * (squared / mixed - 2), (1 - extra) * t + np.log(mixed) - np.log(v)

    index, steps = np.arange(floor.size), np.ceil((high - low) / WIDEST)
    step, before = (high - low) / steps, slope(low, index, LOOK)[0]
    points, starts = [np.empty(0, dtype=np.intp)], [np.empty(0)]
    for j in range(int(steps.max(initial=0))):
        at = np.flatnonzero(j < steps)
        after = slope(low[at] + step[at] * (j + 1), index[at], LOOK)[0]
        points.append(at[(before[at] > 0) & (after <= 0)])
        starts.append(low[points[-1]] + step[points[-1]] * j)
        before[at] = after
    point, start = np.concatenate(points), np.concatenate(starts)
    step = step[point]
    peak = _looked_up(lambda t, i, stride=1: slope(t, point[i], stride)[0], start - step * 0.01, start + step * 1.01)
    order = np.lexsort((peak, -slope(peak, index[point])[1], point))
    first = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
    highest = np.full(floor.shape, np.nan)
    highest[point[first]] = peak[first]
    return highest


def _two_moments(nodes: Nodes) -> tuple[np.ndarray, np.ndarray]:
    """``tr Gamma/v`` and ``tr Gamma^2/v^2`` on a line."""
    mixed = spread(nodes)
    offset = nodes.delta - total(nodes.shares * nodes.delta)
    offset *= offset
    offset *= nodes.shares
    return mixed, mixed * total(offset)


def _drift_of_many(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, lead: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The largest root at the weighted mean, (...)."""
    k, n = means.shape[-2:]
    s2 = np.broadcast_to(variance, lead).ravel()
    mu = np.broadcast_to(means, (*lead, k, n)).reshape(-1, k, n)
    w = np.broadcast_to(weights, (*lead, k)).reshape(-1, k)
    v, state = np.full(s2.shape, np.nan), np.zeros(s2.shape, dtype=int)
    for at in slices(len(s2), max(64, BLOCK // (k * min(n, k)))):
        v[at], state[at] = _largest_root(mu[at], w[at], s2[at])
    tau = (v - s2) / 2
    status = np.where(tau > 0, np.int8(Status.ok), np.int8(Status.below_data_variance))
    status = np.select([state == 1, state == 2], [np.int8(Status.no_transition), np.int8(Status.failed)], status)
    return tau.reshape(lead), status.reshape(lead)


def _largest_root(means: np.ndarray, weights: np.ndarray, s2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest v (P,) above ``s2 (P,)`` of a neutral drift at the mean, NaN without one, and a state as that of `prepare`.

    ``lambda_max(Gamma)/v - 1 + v/(2 (v + kappa))`` is negative above ``v = max(L, -4 kappa)``, L the largest squared
    distance of two means, as ``lambda_max <= L/4``; it is positive below ``v = -2 kappa``.
    """
    points, _, _, last, scale, state = prepare(means, weights)
    state = np.where(np.isfinite(s2), state, 2)
    kappa, floor = np.ldexp(1 - s2, -2 * scale), np.ldexp(s2, -2 * scale)
    low = 0.5 / np.maximum(_extent(points), -4 * kappa)
    # Three times as far as where Gamma < v holds for good, Gamma < v/2 does.
    end = np.where(kappa < 0, (1 - END) * 0.25 / -kappa, 3 * last)
    high = np.minimum(end, 0.5 / floor)
    v = np.where((state == 0) & (kappa < 0) & (high == end), -2 * kappa, np.nan)
    good = np.flatnonzero((state == 0) & (high > low))
    point, y, _ = search(points.take(good)._replace(kappa=kappa[good]), low[good], high[good])
    first = np.flatnonzero(np.diff(point, prepend=-1))
    v[good[point[first]]] = 0.5 / y[first]
    return np.ldexp(v, 2 * scale), state


def _extent(points: Points) -> np.ndarray:
    """Largest squared distance between two means, of which one is the origin, (P,)."""
    _, q, size = points.x.shape
    largest = np.zeros(size)
    for i in range(q):
        for j in range(i + 1):
            step = points.x[:, i] if i == j else points.x[:, i] - points.x[:, j]
            largest = np.maximum(largest, square(step))
    return largest
