"""Modes of the density in any dimension, and the last change of their number to one.

On a line all modes are counted (module ``modes``). In several features those count that ascents from many starts reach
(module ``ascent``): a lower bound of their number, which may rise with diffusion time.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import decompose, span
from scoreshock.kernels.modes.ascent import Means, ascents
from scoreshock.kernels.modes.modes import Merging, merging, modes
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.statuses import status_of_each
from scoreshock.kernels.numerics.vectors import added, square

SCAN = 80
"""Nodes of the scan of v downwards from a quarter of the largest squared distance, above which there is one mode."""

RATIO = 2.0**-0.25
"""Ratio of neighbouring nodes: a range of v with several modes that is narrower than this may be missed."""

HALVINGS = 32
"""Halvings of a bracket of ``ln v`` from the scan."""

TOLERANCE = 1e-10
"""Relative accuracy in v of the last change to one mode, where it comes from halving."""

BELOW = 1e-6
"""Relative distance in v below the last change to one mode at which modes are counted. Nearer, those that meet are one."""

BELOW_STEPS = 13
"""How often that distance is made four times as long where rounding hides the modes."""

BLOCK = 1 << 18
"""Numbers in the largest array of one piece of work."""


class ModeCount(NamedTuple):
    """Modes of the density. Leading shape ``(...)``: that of all arguments together."""

    n_modes: np.ndarray
    mode_position: np.ndarray
    mode_position_status: np.ndarray
    modes_status: np.ndarray


class LastMerging(NamedTuple):
    """The last change to one mode. Leading shape ``(...)``: that of all arguments together."""

    tau_density: np.ndarray
    density_status: np.ndarray
    modes_before_last: np.ndarray
    density_scanned: np.ndarray


def count_modes(means: np.ndarray, weights: np.ndarray, v: np.ndarray, places: int | None = None) -> ModeCount:
    """Number of modes of the density with component variance ``v``, and their positions.

    Parameters
    ----------
    means : (..., k, n)
    weights : (..., k)
        Positive, summing to one.
    v : (...)
        Component variance ``sigma0^2 + 2 tau``.
    places : int, optional
        Length of the axis of positions, ``2 k`` by default.

    Returns
    -------
    ModeCount
        ``n_modes (...)`` int64; ``mode_position (..., places, n)``, NaN where there is none: ascending on a line, elsewhere
        in the order of the starts (means first, then midpoints), in the data's coordinates; ``mode_position_status
        (..., places)``; ``modes_status (...)`` int8: ``ok``, ``singular`` (v = 0), ``failed`` (input not finite, or an
        ascent that did not settle: the count is of the others), ``unresolved`` (a density so flat that rounding decides:
        number 0, no positions).

    Notes
    -----
    On a line no mode is missed, and the number never rises with v. In several features the count is a lower bound: modes
    reached from the means, from the midpoints of all pairs and from the weighted mean (module ``ascent``). A mixture may
    have more modes than components.

    Examples
    --------
    >>> corner = 2 * np.pi / 3 * np.arange(3)
    >>> triangle = np.stack([np.cos(corner), np.sin(corner)], axis=-1)
    >>> count_modes(triangle, np.full(3, 1 / 3), np.array([0.49, 0.53, 0.56])).n_modes.tolist()
    [3, 4, 1]
    """
    k, n = means.shape[-2:]
    places = 2 * k if places is None else places
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], np.shape(v))
    v = np.broadcast_to(np.asarray(v, dtype=float), lead)
    with np.errstate(all="ignore"):
        finite = np.isfinite(means).all(axis=(-1, -2)) & np.isfinite(weights).all(axis=-1) & np.isfinite(v) & (v >= 0)
        if n == 1:
            count, position = modes(means, weights, v, places)
            settled, unresolved, position = np.ones(lead, dtype=bool), count == 0, position[..., None]
        else:
            count, position, settled, unresolved = _counted(means, weights, v, finite & (v > 0), places)
    status = np.where(finite & settled, np.where(unresolved, Status.unresolved, Status.ok), Status.failed)
    status = np.where(finite & (v == 0), Status.singular, status).astype(np.int8)
    good = finite & (v > 0)
    position = np.where(good[..., None, None], position, np.nan)
    each = status_of_each(position[..., 0], status, Status.no_transition)
    return ModeCount(np.where(good, count, 0), position, each, status)


def modes_over_time(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, places: int | None = None
) -> ModeCount:
    """:func:`count_modes` at diffusion times ``tau (...)``.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.array([0.5, 0.5])
    >>> modes_over_time(*pair, np.array(0.5), np.array([0.0, 0.3])).n_modes.tolist()
    [2, 1]
    """
    return count_modes(means, weights, variance + 2 * tau, places)


class AgainstDensity(NamedTuple):
    """Times of criteria against the density's last change to one mode, (..., m) each."""

    density_difference: np.ndarray
    density_difference_relative: np.ndarray
    density_difference_status: np.ndarray
    modes_at: np.ndarray


def against_density(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    status: np.ndarray,
    tau_density: np.ndarray,
    density_status: np.ndarray,
) -> AgainstDensity:
    """Differences of times ``tau (..., m)`` with a ``status`` from the time ``tau_density (...)`` of :func:`last_merging`.

    The relative difference is that over the density's variance at ``tau_density``; ``modes_at`` counts the modes at each
    time, -1 where it is not above 0.

    Examples
    --------
    >>> pair, ok = (np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.5)), np.int8(Status.ok)
    >>> against_density(*pair, np.array([0.2]), np.array([ok]), np.array(0.25), ok).density_difference.round(12).tolist()
    [-0.05]
    """
    reason = np.where(status != Status.ok, status, density_status[..., None]).astype(np.int8)
    difference = np.where(reason == Status.ok, tau - tau_density[..., None], np.nan)
    relative = 2 * difference / (variance + 2 * tau_density)[..., None]
    inside = tau > 0
    v = np.where(inside, variance[..., None] + 2 * tau, np.nan)
    counts = count_modes(means[..., None, :, :], weights[..., None, :], v)
    number = np.where(inside & (counts.modes_status == Status.ok), counts.n_modes, -1)
    return AgainstDensity(difference, relative, reason, number)


def _counted(
    means: np.ndarray, weights: np.ndarray, v: np.ndarray, good: np.ndarray, places: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Count, positions, whether every ascent settled and whether rounding hides modes, of ``v (...)`` where ``good``."""
    lead, (k, n) = v.shape, means.shape[-2:]
    mu, w = _flat(means, weights, lead)
    count, settled, unresolved = np.zeros(v.size, dtype=np.int64), np.ones(v.size, dtype=bool), np.zeros(v.size, dtype=bool)
    position = np.full((v.size, places, n), np.nan)
    for part in _pieces(np.flatnonzero(good), k, n):
        mixtures, scale = _scaled(mu[part], w[part])
        result = ascents(mixtures, np.ldexp(v.reshape(-1)[part], -2 * scale))
        kept = result.kept & ~result.unresolved
        count[part], settled[part], unresolved[part] = kept.sum(axis=0), result.settled, result.unresolved
        start, point = np.nonzero(kept)
        rank = (np.cumsum(kept, axis=0) - 1)[start, point]
        start, point, rank = (index[rank < places] for index in (start, point, rank))
        # A mode is the posterior mean at itself.
        means_of, r = mu[part[point]], result.r[:, start, point]
        steps = [r[j][:, None] * (means_of[:, j] - means_of[:, 0]) for j in range(1, k)]
        position[part[point], rank] = added([means_of[:, 0], *steps])
    return count.reshape(lead), position.reshape(*lead, places, n), settled.reshape(lead), unresolved.reshape(lead)


def _flat(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    k, n = means.shape[-2:]
    return np.broadcast_to(means, (*lead, k, n)).reshape(-1, k, n), np.broadcast_to(weights, (*lead, k)).reshape(-1, k)


def _pieces(at: np.ndarray, k: int, n: int) -> list[np.ndarray]:
    """``at`` cut into pieces whose temporaries fit in the cache."""
    return [at[part] for part in slices(len(at), BLOCK // ((1 + k * (k + 1) // 2) * k * min(n, k)))]


def _scaled(means: np.ndarray, weights: np.ndarray) -> tuple[Means, np.ndarray]:
    """Means ``(P, k, n)`` in units of a power of two near their extent, and that power."""
    delta = span(means)
    extent = np.max(np.abs(delta), axis=(1, 2))
    scale = np.frexp(np.where(extent > 0, extent, 1.0))[1]
    delta = np.ldexp(delta, -scale[:, None, None])
    return Means(np.ascontiguousarray(delta.transpose(2, 1, 0)), np.log(np.ascontiguousarray(weights.T))), scale


def last_merging(means: np.ndarray, weights: np.ndarray, variance: np.ndarray) -> LastMerging:
    r"""Diffusion time above which the density has one mode.

    Parameters
    ----------
    means : (..., k, n)
    weights : (..., k)
        Positive, summing to one.
    variance : (...)
        Component variance :math:`\sigma_0^2 \ge 0`; it only cuts off.

    Returns
    -------
    LastMerging
        ``tau_density (...)``, negative with status ``below_data_variance``; ``density_status (...)`` int8: ``ok``,
        ``no_transition`` (all means equal), ``below_data_variance``, ``failed`` (input not finite, or one mode at every
        node of the scan), ``unresolved`` (modes that rounding hides decide); ``modes_before_last (...)`` int64 below it, 0
        where there is none; ``density_scanned (...)`` bool: whether it comes from a scan.

    Notes
    -----
    Two components, and means on a line, are solved (module ``modes``). Otherwise v is scanned downwards by ``RATIO`` from
    ``max |mu_i - mu_j|^2 / 4``, where ``Gamma < v`` everywhere and the density has one mode, to the first node with more
    than one, and the bracket is halved to a relative ``TOLERANCE`` in v. Modes are then counted a relative ``BELOW`` under
    it, or at the next v below where rounding does not hide them: modes on a ring meet with less and less between them. The
    number of modes may rise with v in several features: a range of v with several modes between two nodes is not seen.

    Examples
    --------
    >>> corner = 2 * np.pi / 3 * np.arange(3)
    >>> triangle = np.stack([np.cos(corner), np.sin(corner)], axis=-1)
    >>> round(float(2 * last_merging(triangle, np.full(3, 1 / 3), np.array(0.0)).tau_density), 4)
    0.5463
    """
    k, n = means.shape[-2:]
    variance = np.asarray(variance, dtype=float)
    with np.errstate(all="ignore"):
        if k == 2 or n == 1:
            return _solved(merging(means, weights, variance))
        lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1])
        mu, w = _flat(means, weights, lead)
        finite = np.isfinite(mu).all(axis=(1, 2)) & np.isfinite(w).all(axis=1)
        shape = decompose(np.where(finite[:, None, None], mu, 0.0), np.full(k, 1 / k))
        on_line = finite & ~(shape.eigenvalues[:, 1:] > 0).any(axis=1)
        flat, many = np.full(len(mu), np.nan), np.zeros(len(mu), dtype=np.int64)
        hidden = np.zeros(len(mu), dtype=bool)
        line = np.flatnonzero(on_line)
        solved = _solved(merging(shape.coordinates[line][..., :1], w[line], np.zeros(())))
        flat[line], many[line] = 2 * solved.tau_density, solved.modes_before_last
        hidden[line] = solved.density_status == Status.unresolved
        for part in _pieces(np.flatnonzero(finite & ~on_line), k, n):
            flat[part], many[part], hidden[part] = _scan(mu[part], w[part])
        equal = finite & (mu == mu[:, :1]).all(axis=(1, 2))
        v, before, scanned, same, unknown = (a.reshape(lead) for a in (flat, many, finite & ~on_line, equal, hidden))
        tau = (v - variance) / 2
    missing = np.where(same, Status.no_transition, Status.failed)
    status = np.where(np.isnan(tau), missing, np.where(tau > 0, Status.ok, Status.below_data_variance))
    status = np.where(np.isnan(variance), Status.failed, np.where(unknown, Status.unresolved, status)).astype(np.int8)
    return LastMerging(tau, status, np.where(status == Status.ok, before, 0), np.broadcast_to(scanned, tau.shape))


def _solved(events: Merging) -> LastMerging:
    """The last of the events of module ``modes``."""
    # One component has no event; modes fall from one event to the next, so that the last has the fewest before it.
    most = np.iinfo(np.int64).max
    before = np.where(events.modes_before > 0, events.modes_before.astype(np.int64), most).min(axis=-1, initial=most)
    before = np.where(events.n_events > 0, before, 0)
    return LastMerging(events.tau_star, events.status, before, np.zeros(before.shape, dtype=bool))


def _scan(mu: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Largest v at which there is more than one mode, how many there are below it, and whether rounding hides it."""
    means, scale = _scaled(mu, w)
    high = np.zeros(len(mu))
    for i, j in combinations(range(mu.shape[1]), 2):
        high = np.maximum(high, 0.25 * square(means.mu[:, i] - means.mu[:, j]))
    low, more, unresolved = high.copy(), np.zeros(len(mu), dtype=bool), np.zeros(len(mu), dtype=bool)
    todo = np.arange(len(mu))
    for _ in range(SCAN):
        low[todo] = high[todo] * RATIO
        more[todo], unresolved[todo] = _several(means.take(todo), low[todo])
        todo = todo[~more[todo] & ~unresolved[todo]]
        if not len(todo):
            break
        high[todo] = low[todo]
    at = np.flatnonzero(more & ~unresolved)
    bracketed = means.take(at)
    for _ in range(HALVINGS):
        middle = np.sqrt(low[at] * high[at])
        several, unknown = _several(bracketed, middle)
        unresolved[at] |= unknown
        low[at], high[at] = np.where(several, middle, low[at]), np.where(several, high[at], middle)
    number, v = np.zeros(len(mu), dtype=np.int64), np.ldexp(np.sqrt(low * high), 2 * scale)
    at = at[~unresolved[at]]
    number[at] = _number_below(means.take(at), low[at])
    unresolved[at] |= number[at] == 0
    return np.where(number > 0, v, np.nan), number, unresolved


def _several(means: Means, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether there is more than one mode, and whether that is unknown.

    Where rounding hides the modes but a stationary point is none, as at the centre of a ring, there are several.
    """
    result = ascents(means, v)
    more = np.where(result.unresolved, result.saddle, np.count_nonzero(result.kept, axis=0) > 1)
    return more, result.unresolved & ~result.saddle


def _number_below(means: Means, v: np.ndarray) -> np.ndarray:
    """Number of modes at the first v below ``v`` at which rounding does not hide them, 0 where there is none."""
    number, todo = np.zeros(len(v), dtype=np.int64), np.arange(len(v))
    for i in range(BELOW_STEPS):
        result = ascents(means.take(todo), v[todo] / (1 + BELOW * 4.0**i))
        number[todo] = np.where(result.unresolved, 0, np.count_nonzero(result.kept, axis=0))
        todo = todo[number[todo] == 0]
        if not len(todo):
            break
    return number
