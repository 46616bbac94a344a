"""Modes of a one-dimensional mixture and the diffusion times at which they merge.

In one dimension the number of modes never rises with v, so merging events are bracketed by counting modes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.modes.inflections import crossings, zeros
from scoreshock.kernels.modes.mode_merging import events as find_events
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.descartes import Line
from scoreshock.kernels.numerics.double_double import two_sum
from scoreshock.kernels.numerics.vectors import dot

PAIR_STEPS = 7
"""Newton steps of the pair's merging equation, convex from its starting side; rounding is reached in five."""

BLOCK = 1 << 15
"""Points solved together: bounds the memory."""


class Merging(NamedTuple):
    """Merging events above the data variance. Leading shape ``(...)``: that of all arguments together."""

    tau_star: np.ndarray
    status: np.ndarray
    n_events: np.ndarray
    tau_event: np.ndarray
    x_event: np.ndarray
    modes_before: np.ndarray
    modes_after: np.ndarray
    event_status: np.ndarray


def modes(means: np.ndarray, weights: np.ndarray, v: np.ndarray, places: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Number of modes ``(...)`` and their positions ``(..., places)``, ascending, NaN-padded, of a mixture on a line.

    Parameters
    ----------
    means : (..., k, 1)
    weights : (..., k)
        Positive, summing to one.
    v : (...)
        Component variance ``sigma0^2 + 2 tau``; where it is zero there is no density: 0 modes, NaN.
    places : int, optional
        Length of the last axis, k by default: a mixture of k equal variances on a line has at most k modes.

    Notes
    -----
    The number is certain, except that modes nearer than ``1.5e-5 sqrt(v)`` which rounding does not tell apart are one. Where
    the density is so flat that even twice the precision tells nothing, it is 0, and the positions are NaN.

    Examples
    --------
    >>> modes(np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array([0.5, 2.0]))[0].tolist()
    [2, 1]
    """
    k = means.shape[-2]
    length = k if places is None else places
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], np.shape(v))
    mu, w = _columns(means, weights, lead)
    v = np.broadcast_to(v, lead).reshape(-1)
    count, position = np.zeros(len(v), dtype=np.int64), np.full((len(v), length), np.nan)
    with np.errstate(all="ignore"):
        line, origin, scale, state = _prepare(mu, w)
        good = np.flatnonzero((state < 2) & (v > 0) & np.isfinite(v))
        equal = good[state[good] == 1]
        count[equal], position[equal, 0] = 1, origin[equal]
        good = good[state[good] == 0]
        u = np.ldexp(v[good], -2 * scale[good])
        line = line.take(good)
        falls = crossings(line, u)[0].modes()
        x = zeros(line, u, falls)
    point = good[falls.point]
    rank = np.arange(len(point)) - np.searchsorted(point, point)
    count += np.bincount(point, minlength=len(v))
    kept = rank < length
    position[point[kept], rank[kept]] = origin[point[kept]] + np.ldexp(x[kept], scale[point[kept]])
    return count.reshape(lead), position.reshape(*lead, length)


def merging(means: np.ndarray, weights: np.ndarray, variance: np.ndarray) -> Merging:
    r"""Times at which modes of the density merge, and the last of them, after which one mode is left.

    Parameters
    ----------
    means : (..., k, n)
        One feature, or two components in any number of features (merging happens on the line through their means).
    weights : (..., k)
        Positive, summing to one.
    variance : (...)
        Component variance :math:`\sigma_0^2 \ge 0`; events at or below it are cut off.

    Returns
    -------
    Merging
        ``tau_star (...)``: the last merge, negative with status ``below_data_variance``. ``status (...)`` int8: ``ok``,
        ``no_transition`` (all means equal), ``below_data_variance``, ``not_applicable`` (three or more components in several
        features), ``failed`` (input not finite), ``unresolved`` (modes that rounding hides decide). ``n_events (...)``;
        ``tau_event, x_event, modes_before, modes_after, event_status (..., k-1)``, ascending in tau, NaN or -1 where there
        is none.

    Notes
    -----
    An event is a saddle-node, :math:`s = s_x = 0`, or in a symmetric mixture a pitchfork; events within a relative 1e-9 in v
    are one, with ``x_event`` the leftmost. Events below 1e-16 of the squared range in v are not sought. For two
    components (Robertson and Fryer 1969), :math:`\delta = a/\sqrt v`:

    .. math:: \tfrac12|\ln(w_R/w_L)| = \delta\sqrt{\delta^2-1} - \operatorname{arccosh}\delta .

    In several features ``x_event`` is measured from the midpoint towards the second mean.

    Examples
    --------
    >>> merging(np.array([[-2.0], [2.0]]), np.array([0.5, 0.5]), np.array(1.0)).tau_star.item()
    1.5
    """
    k, n = means.shape[-2:]
    variance = np.asarray(variance, dtype=float)
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1])
    with np.errstate(all="ignore"):
        if k == 2:
            return _above_data_variance(_pair(means, weights, lead), variance)
        if n > 1:
            return _not_applicable(np.broadcast_shapes(lead, variance.shape), k - 1)
        return _above_data_variance(_general(means, weights, lead), variance)


def _not_applicable(shape: tuple[int, ...], places: int) -> Merging:
    status, each = (np.full(lead, Status.not_applicable, dtype=np.int8) for lead in (shape, (*shape, places)))
    missing, none = np.full(each.shape, np.nan), np.full(each.shape, -1, dtype=np.int16)
    count = np.zeros(shape, dtype=np.int64)
    return Merging(np.full(shape, np.nan), status, count, missing, missing.copy(), none, none.copy(), each)


def _above_data_variance(events: tuple[np.ndarray, ...], variance: np.ndarray) -> Merging:
    """Cut at ``variance`` the events: v and x ``(..., E)``, ascending, NaN-padded, counts ``(2, ..., E)``, state."""
    v, x, counts, state = events
    shape = np.broadcast_shapes(state.shape, variance.shape)
    places = v.shape[-1]
    total = np.count_nonzero(v == v, axis=-1)
    below = np.count_nonzero(v <= variance[..., None], axis=-1)
    n_events = np.broadcast_to(total - below, shape).astype(np.int64)
    state = np.where(np.isnan(variance), 2, state)
    status = np.where(n_events > 0, np.int8(Status.ok), np.int8(Status.below_data_variance))
    others = (np.int8(each) for each in (Status.no_transition, Status.failed, Status.unresolved))
    status = np.choose(state, [status, *others]).astype(np.int8)
    full = (*shape, places)
    index = np.broadcast_to(below, shape)[..., None] + np.arange(places)
    exists = (index < np.broadcast_to(total, shape)[..., None]) & (state == 0)[..., None]
    index = np.minimum(index, places - 1)

    def kept(values: np.ndarray, fill: float) -> np.ndarray:
        return np.where(exists, np.take_along_axis(np.broadcast_to(values, full), index, axis=-1), fill)

    last = np.maximum(total - 1, 0)[..., None]
    top = np.take_along_axis(v, last, axis=-1)[..., 0] if places else np.full(v.shape[:-1], np.nan)
    empty = np.where(status == Status.ok, np.int8(Status.no_transition), status)[..., None]
    return Merging(
        tau_star=np.where(state == 0, (top - variance) / 2, np.nan),
        status=status,
        n_events=np.where(state == 0, n_events, 0),
        tau_event=(kept(v, np.nan) - variance[..., None]) / 2,
        x_event=kept(x, np.nan),
        modes_before=kept(counts[0], -1).astype(np.int16),
        modes_after=kept(counts[1], -1).astype(np.int16),
        event_status=np.where(exists, np.int8(Status.ok), empty).astype(np.int8),
    )


def _pair(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """The one event of two components, from the weights and the half-distance."""
    n = means.shape[-1]
    half = 0.5 * (means[..., 1, :] - means[..., 0, :])
    square = dot(half, half)
    ratio, shift = pair_merging(weights[..., 0], weights[..., 1])
    v = np.broadcast_to(ratio * square, lead)
    if n == 1:
        first, second = means[..., 0, 0], means[..., 1, 0]
        x = first + 0.5 * (second - first) * (1 + shift)
    else:
        x = np.sqrt(square) * shift
    finite = np.isfinite(square) & np.isfinite(weights[..., 0] + weights[..., 1])
    equal = np.all(means[..., 0, :] == means[..., 1, :], axis=-1)
    state = np.broadcast_to(np.where(finite, np.where(equal, 1, 0), 2), lead)
    v, x = np.where(state == 0, v, np.nan)[..., None], np.broadcast_to(x, lead)[..., None]
    return v, x, np.stack([np.full(v.shape, 2), np.full(v.shape, 1)]), state


def pair_merging(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``v/a^2`` and ``x/a`` of the merge of two components of weights ``left (...)`` at -a and ``right (...)`` at a.

    With ``delta = cosh phi`` the equation is ``sinh(2 phi)/2 - phi = |ln(right/left)|/2``, convex; Newton's method starts
    above the root, where it descends.

    Examples
    --------
    >>> [a.tolist() for a in pair_merging(np.array([0.5]), np.array([0.5]))]
    [[1.0], [0.0]]
    """
    small, large = np.minimum(left, right), np.maximum(left, right)
    c = 0.5 * np.log1p((large - small) / small)
    phi = np.cbrt(1.5 * c)
    phi = np.minimum(phi, 0.5 * np.arcsinh(2 * (c + phi)))
    for _ in range(PAIR_STEPS):
        sinh = np.sinh(phi)
        excess = np.where(phi < 0.5, _cubic_part(phi), sinh * np.cosh(phi) - phi)
        phi = np.where(phi > 0, phi - (excess - c) / (2 * sinh * sinh), phi)
    cosh = np.cosh(phi)
    return 1 / (cosh * cosh), np.sign(left - right) * np.tanh(phi)


def _cubic_part(phi: np.ndarray) -> np.ndarray:
    """``sinh(2 phi)/2 - phi`` for phi < 0.5 without cancellation."""
    q = 4 * phi * phi
    series = 1 + q / 20 * (1 + q / 42 * (1 + q / 72 * (1 + q / 110 * (1 + q / 156 * (1 + q / 210 * (1 + q / 272))))))
    return phi * q / 6 * series


def _columns(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Means and weights, components first, ``(k, P)``."""
    k = means.shape[-2]
    mu = np.ascontiguousarray(np.broadcast_to(means[..., 0], (*lead, k)).reshape(-1, k).T)
    return mu, np.ascontiguousarray(np.broadcast_to(weights, (*lead, k)).reshape(-1, k).T)


def _prepare(mu: np.ndarray, w: np.ndarray) -> tuple[Line, np.ndarray, np.ndarray, np.ndarray]:
    """Sorted means from the first one, in units of a power of two near their range; origin, that power, state.

    Of equal means one keeps the weight of all.

    State 0: to be solved; 1: all means equal; 2: not finite.
    """
    order = np.argsort(mu, axis=0, kind="stable")
    mu, w = np.take_along_axis(mu, order, axis=0), np.take_along_axis(w, order, axis=0)
    for j in range(len(mu) - 1, 0, -1):
        twin = mu[j] == mu[j - 1]
        w[j - 1] += np.where(twin, w[j], 0.0)
        w[j] = np.where(twin, 0.0, w[j])
    origin = mu[0]
    span = mu[-1] - mu[0]
    state = np.where(np.isfinite(span) & np.all(np.isfinite(w), axis=0), np.where(span > 0, 0, 1), 2)
    scale = np.where(state == 0, np.frexp(np.where(state == 0, span, 1.0))[1], 0)
    difference, low = two_sum(mu, -origin)
    return Line(np.ldexp(difference, -scale), np.log(w), np.stack([np.ldexp(low, -scale), w])), origin, scale, state


def _general(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """All events of k components on a line, block by block."""
    places = means.shape[-2] - 1
    mu, w = _columns(means, weights, lead)
    size = mu.shape[1]
    v, x = np.full((size, places), np.nan), np.full((size, places), np.nan)
    counts, state = np.full((2, size, places), -1), np.empty(size, dtype=np.int64)
    for part in slices(size, BLOCK):
        block = np.arange(part.start, part.stop)
        line, origin, scale, state[block] = _prepare(mu[:, block], w[:, block])
        good = np.flatnonzero(state[block] == 0)
        if places == 0 or not len(good):
            continue
        (point, v_i, x_i, before, after), unresolved = find_events(line.take(good))
        state[block[good[unresolved]]] = 3
        point = good[point]
        rank = np.arange(len(point)) - np.searchsorted(point, point)
        at = (block[point], rank)
        v[at], x[at] = np.ldexp(v_i, 2 * scale[point]), origin[point] + np.ldexp(x_i, scale[point])
        counts[0][at], counts[1][at] = before, after
    shape = (*lead, places)
    return v.reshape(shape), x.reshape(shape), counts.reshape(2, *shape), state.reshape(lead)
