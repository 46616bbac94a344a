r"""Modes of the density in any dimension, and the last change of their number to one.

On a line modes are counted without a gap (module ``modes``). In several features they are what an ascent from every mean,
every midpoint of two means and the weighted mean reaches: a lower bound of their number, which may rise with diffusion time.

Notation: ``F(x) = m(x) - x = v s(x)`` with the posterior mean m, ``K = I - Gamma/v = -v H``, so that a mode is a zero of F
where K is positive definite, and ``K^-1 F`` is Newton's step.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import decompose, span
from scoreshock.kernels.modes.modes import Merging, merging, modes
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.eigenvalues import pick
from scoreshock.kernels.numerics.root_isolation import CLIP, TINY
from scoreshock.kernels.numerics.statuses import status_of_each

SAME = 1e-4
"""Modes nearer than this times ``sqrt(v)`` are one. Rounding of F leaves the position of a mode that is flat to third order,
as at a pitchfork, uncertain by some 1e-5 of ``sqrt(v)``; two modes come as near as this only within a relative 1e-8 in v."""

CLEAR = 1e-6
"""Where K has no pivot below this, a zero of F is a mode; elsewhere K's eigenvalues decide, as far as rounding lets them."""

STEPS = 100
"""Bound of the ascent; six are typical, and only along a nearly flat ridge do they not suffice."""

RIDGE = 1e-2
"""Least pivot of K below which steps follow a ridge, and are led back to it where it bends."""

STIFF = 100.0
"""Eigenvalues of K that exceed the least by this factor belong to directions across the ridge."""

SETTLED = 1e-9
"""A Newton step, in units of ``sqrt(v)``, whose square is below rounding: the ascent ends with it."""

LAST = 1e-2
"""A Newton step, in units of ``sqrt(v)``, that is taken although F is below rounding: K is small there, not F."""

ROUNDING = 16 * np.finfo(float).eps
"""F below this times the means' extent is rounding."""

SCAN = 80
"""Nodes of the scan of v downwards from a quarter of the largest squared distance, above which there is one mode."""

RATIO = 2.0**-0.25
"""Ratio of neighbouring nodes: a range of v with several modes that is narrower than this may be missed."""

HALVINGS = 32
"""Halvings of a bracket of ``ln v`` from the scan."""

TOLERANCE = 1e-10
"""Relative accuracy in v of the last change to one mode, where it is found by halving."""

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
    reached from the means, from the midpoints of all pairs and from the weighted mean, which are one where nearer than
    ``SAME sqrt(v)``, with K positive definite. A mixture may have more modes than components.

    Examples
    --------
    >>> import numpy as np
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
    status = np.where(unresolved, np.int8(Status.unresolved), np.int8(Status.ok))
    status = np.where(finite & settled, status, np.int8(Status.failed))
    status = np.where(finite & (v == 0), np.int8(Status.singular), status).astype(np.int8)
    good = finite & (v > 0)
    position = np.where(good[..., None, None], position, np.nan)
    each = status_of_each(position[..., 0], status, Status.no_transition)
    return ModeCount(np.where(good, count, 0), position, each, status)


def modes_over_time(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, places: int | None = None
) -> ModeCount:
    """:func:`count_modes` at diffusion times ``tau (...)``."""
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
    """
    reason = np.where(status != Status.ok, status, density_status[..., None]).astype(np.int8)
    difference = np.where(reason == Status.ok, tau - tau_density[..., None], np.nan)
    relative = 2 * difference / (variance + 2 * tau_density)[..., None]
    inside = tau > 0
    v = np.where(inside, variance[..., None] + 2 * tau, np.nan)
    found = count_modes(means[..., None, :, :], weights[..., None, :], v)
    number = np.where(inside & (found.modes_status == Status.ok), found.n_modes, -1)
    return AgainstDensity(difference, relative, reason, number)


def _counted(
    means: np.ndarray, weights: np.ndarray, v: np.ndarray, good: np.ndarray, places: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Count, positions, whether every ascent settled and whether rounding hides modes, of ``v (...)`` where ``good``."""
    lead, (k, n) = v.shape, means.shape[-2:]
    mu, w = _flat(means, weights, lead)
    at = np.flatnonzero(good)
    count, settled, unresolved = np.zeros(v.size, dtype=np.int64), np.ones(v.size, dtype=bool), np.zeros(v.size, dtype=bool)
    position = np.full((v.size, places, n), np.nan)
    for part in _pieces(at, k, n):
        line, scale = _scaled(mu[part], w[part])
        u = np.ldexp(v.reshape(-1)[part], -2 * scale)
        found = _maxima(line, u)
        kept = found.kept & ~found.unresolved
        count[part], settled[part], unresolved[part] = kept.sum(axis=0), found.settled, found.unresolved
        start, point = np.nonzero(kept)
        place = (np.cumsum(kept, axis=0) - 1)[start, point]
        inside = place < places
        start, point, place = start[inside], point[inside], place[inside]
        # A mode is the posterior mean at itself.
        x = mu[part[point], 0]
        for j in range(1, k):
            x = x + found.r[j, start, point][:, None] * (mu[part[point], j] - mu[part[point], 0])
        position[part[point], place] = x
    return (
        count.reshape(lead),
        position.reshape(*lead, places, n),
        settled.reshape(lead),
        unresolved.reshape(lead),
    )


def _flat(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    k, n = means.shape[-2:]
    return np.broadcast_to(means, (*lead, k, n)).reshape(-1, k, n), np.broadcast_to(weights, (*lead, k)).reshape(-1, k)


def _pieces(at: np.ndarray, k: int, n: int) -> list[np.ndarray]:
    """``at`` cut into pieces whose temporaries fit in the cache."""
    return [at[part] for part in slices(len(at), BLOCK // ((1 + k * (k + 1) // 2) * k * min(n, k)))]


class Means(NamedTuple):
    """Means in coordinates of their span ``(m, k, P)``, and logarithms of the weights ``(k, P)``."""

    mu: np.ndarray
    log_w: np.ndarray

    def take(self, index: np.ndarray) -> Means:
        """The mixtures at ``index``."""
        return Means(pick(self.mu, index), pick(self.log_w, index))


def _scaled(means: np.ndarray, weights: np.ndarray) -> tuple[Means, np.ndarray]:
    """Means ``(P, k, n)`` in units of a power of two near their extent, and that power."""
    delta = span(means)
    extent = np.max(np.abs(delta), axis=(1, 2))
    scale = np.frexp(np.where(extent > 0, extent, 1.0))[1]
    delta = np.ldexp(delta, -scale[:, None, None])
    return Means(np.ascontiguousarray(delta.transpose(2, 1, 0)), np.log(np.ascontiguousarray(weights.T))), scale


def _sum(terms: np.ndarray) -> np.ndarray:
    """Sum over the first axis, one after the other."""
    total = terms[0].copy()
    for term in terms[1:]:
        total += term
    return total


def _posterior(x: np.ndarray, v: np.ndarray, means: Means) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``ln Z`` (N,), F (m, N) and responsibilities (k, N) at ``x (m, N)``."""
    offset = means.mu - x[:, None]
    r = means.log_w - _sum(offset * offset) / (2 * v)
    top = r.max(axis=0)
    r -= top
    np.maximum(r, CLIP, out=r)
    np.exp(r, out=r)
    total = _sum(r)
    r /= total
    return top + np.log(total), _sum((r * offset).swapaxes(0, 1)), r


def _curvature(x: np.ndarray, v: np.ndarray, means: Means, f: np.ndarray, r: np.ndarray) -> np.ndarray:
    """K at ``x (m, N)``, (m, m, N)."""
    m = len(x)
    c = means.mu - (x + f)[:, None]
    weighted = r * c
    matrix = np.empty((m, m, x.shape[1]))
    for a in range(m):
        for b in range(a + 1):
            matrix[a, b] = matrix[b, a] = -_sum(weighted[a] * c[b]) / v
        matrix[a, a] += 1
    return matrix


def _newton(matrix: np.ndarray, f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Step (m, N) and the least pivot of K (N,), by elimination.

    The step is ``K^-1 F`` where K is positive definite. Elsewhere its eigenvalues count by magnitude, and as no more than 1,
    so that the step rises, moves off a saddle, and is no shorter than ``m(x) - x`` far from one.
    """
    m = len(f)
    step, work = f.copy(), matrix.copy()
    least = np.full(f.shape[1], np.inf)
    for j in range(m):
        np.minimum(least, work[j, j], out=least)
        for i in range(j + 1, m):
            ratio = work[i, j] / work[j, j]
            work[i, j + 1 : i + 1] -= ratio * work[j + 1 : i + 1, j]
            step[i] -= ratio * step[j]
    for j in range(m - 1, -1, -1):
        for i in range(j + 1, m):
            step[j] -= work[i, j] * step[i]
        step[j] /= work[j, j]
    rest = np.flatnonzero(~(least > 0))
    if len(rest):
        step[:, rest] = _off_saddle(pick(matrix, rest), pick(f, rest))
    return step, least


def _back_to_ridge(x: np.ndarray, v: np.ndarray, means: Means, f: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Newton's step across a ridge, in the directions in which K is much larger than along it."""
    values, vectors = np.linalg.eigh(np.ascontiguousarray(_curvature(x, v, means, f, r).transpose(2, 0, 1)))
    values, vectors = np.abs(values.T), vectors.transpose(1, 2, 0)
    along = _sum(vectors * f[:, None]) / values
    return _sum((vectors * np.where(values > STIFF * values.min(axis=0), along, 0.0)).swapaxes(0, 1))


def _off_saddle(matrix: np.ndarray, f: np.ndarray) -> np.ndarray:
    """``|K|^-1 F`` with eigenvalues of at most 1, (m, N)."""
    values, vectors = np.linalg.eigh(np.ascontiguousarray(matrix.transpose(2, 0, 1)))
    vectors = vectors.transpose(1, 2, 0)
    along = _sum(vectors * f[:, None]) / np.clip(np.abs(values.T), TINY, 1.0)
    return _sum((vectors * along).swapaxes(0, 1))


def _starts(means: Means) -> np.ndarray:
    """All means, all midpoints and the weighted mean, (m, S, P)."""
    middle = [0.5 * (means.mu[:, i] + means.mu[:, j]) for i, j in combinations(range(means.mu.shape[1]), 2)]
    mean = _sum((np.exp(means.log_w) * means.mu).swapaxes(0, 1))
    return np.concatenate([means.mu, np.stack([*middle, mean], axis=1)], axis=1)


class _Maxima(NamedTuple):
    """Starts (S, P) that reach a mode which no earlier one did, responsibilities there (k, S, P), and of each mixture (P,):
    whether all ascents settled, whether rounding hides modes, and whether one ended where there certainly is none."""

    kept: np.ndarray
    r: np.ndarray
    settled: np.ndarray
    unresolved: np.ndarray
    saddle: np.ndarray


def _maxima(means: Means, v: np.ndarray) -> _Maxima:
    """Modes that the ascents reach. A single flat one is a mode, as at a pitchfork; several cannot be told from saddles."""
    start = _starts(means)
    m, number, size = start.shape
    point = np.tile(np.arange(size), number)
    each = means.take(point)
    x, outcome = _ascend(start.reshape(m, -1), v[point], each)
    r = _posterior(x, v[point], each)[2].reshape(-1, number, size)
    x, outcome = x.reshape(m, number, size), outcome.reshape(number, size)
    kept = outcome >= MODE
    for s in range(1, number):
        apart = _sum((x[:, :s] - x[:, s : s + 1]) ** 2) > SAME * SAME * v
        kept[s] &= (apart | ~kept[:s]).all(axis=0)
    hidden = (np.count_nonzero(kept & (outcome == FLAT), axis=0) > 1) | np.any(outcome == LOST, axis=0)
    return _Maxima(kept, r, np.all(outcome != UNSETTLED, axis=0), hidden, np.any(outcome == NO_MODE, axis=0))


LOST, UNSETTLED, NO_MODE, MODE, FLAT = range(-2, 3)


def _ascend(x: np.ndarray, v: np.ndarray, means: Means) -> tuple[np.ndarray, np.ndarray]:
    """Stationary points that the starts ``x (m, N)`` rise to, and what they are.

    Steps that do not rise are taken back and a quarter as far; any of them rises if it is short enough.
    """
    result, outcome = x.copy(), np.full(x.shape[1], UNSETTLED)
    active = np.arange(x.shape[1])
    extent = np.sqrt(_sum((means.mu * means.mu).reshape(-1, means.mu.shape[-1])))
    radius = np.full(x.shape[1], np.inf)
    height, f, r = _posterior(x, v, means)
    for _ in range(STEPS):
        matrix = _curvature(x, v, means, f, r)
        step, least = _newton(matrix, f)
        length, force = _length(step), _length(f)
        settled = (least > 0) & (length <= SETTLED * np.sqrt(v))
        ended = settled | (force <= ROUNDING * extent)
        nearer = (least > 0) & (length <= LAST * np.sqrt(v))
        result[:, active] = np.where(ended & nearer, x + step, x)
        outcome[active] = np.where(ended, MODE, UNSETTLED)
        doubtful = np.flatnonzero(ended & ~(least > CLEAR))
        seen = pick(x, doubtful), v[doubtful], means.take(doubtful), pick(r, doubtful)
        outcome[active[doubtful]] = _kind(pick(matrix, doubtful), *seen)
        go = np.flatnonzero(~ended)
        if not len(go):
            break
        active, v, means, extent, least = active[go], v[go], means.take(go), extent[go], least[go]
        x, f, r, height, step = pick(x, go), pick(f, go), pick(r, go), height[go], pick(step, go)
        radius = np.minimum(radius[go], np.maximum(np.sqrt(v), force[go]))
        step = step * np.minimum(1.0, radius / length[go])
        new_height, new_f, new_r = _posterior(x + step, v, means)
        rises = (new_height >= height) | (_sum(new_f * step) >= 0)
        off = np.flatnonzero(~rises & (np.abs(least) <= RIDGE))
        if len(off):
            there, each = pick(x, off) + pick(step, off), means.take(off)
            step[:, off] += _back_to_ridge(there, v[off], each, pick(new_f, off), pick(new_r, off))
            here = _posterior(pick(x, off) + pick(step, off), v[off], each)
            new_height[off], new_f[:, off], new_r[:, off] = here
            rises[off] = here[0] >= height[off]
        radius = np.where(rises, 2 * radius, 0.25 * _length(step))
        x, f, r = np.where(rises, x + step, x), np.where(rises, new_f, f), np.where(rises, new_r, r)
        height = np.where(rises, new_height, height)
    else:
        _, least = _newton(_curvature(x, v, means, f, r), f)
        outcome[active[least <= CLEAR]] = LOST
    return result, outcome


def _kind(matrix: np.ndarray, x: np.ndarray, v: np.ndarray, means: Means, r: np.ndarray) -> np.ndarray:
    """Whether zeros of F are modes, by the least eigenvalue of K.

    It must exceed what lets rounding of F displace the mode by a part of ``SAME sqrt(v)``: where it is less, several ascents
    to one mode end apart.
    """
    least = np.linalg.eigvalsh(np.ascontiguousarray(matrix.transpose(2, 0, 1)))[:, 0]
    offset = means.mu - x[:, None]
    square = _sum(offset * offset) / v
    rounding = _sum(r * np.sqrt(square) * (2 - means.log_w + square)) * np.finfo(float).eps
    doubt = 4 * rounding / SAME
    return np.where(least > doubt, MODE, np.where(least < -doubt, NO_MODE, FLAT))


def _length(rows: np.ndarray) -> np.ndarray:
    return np.sqrt(_sum(rows * rows))


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
        where there is none; ``density_scanned (...)`` bool: whether it was found by a scan.

    Notes
    -----
    Two components, and means on a line, are solved (module ``modes``). Otherwise v is scanned downwards by ``RATIO`` from
    ``max |mu_i - mu_j|^2 / 4``, where ``Gamma < v`` everywhere and the density has one mode, to the first node with more
    than one, and the bracket is halved to a relative ``TOLERANCE`` in v. Modes are then counted a relative ``BELOW`` under
    it, or at the next v below where rounding does not hide them: modes on a ring meet with less and less between them. The
    number of modes may rise with v in several
    features: a range of v with several modes between two nodes is not seen.

    Examples
    --------
    >>> import numpy as np
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
        status = np.where(tau > 0, np.int8(Status.ok), np.int8(Status.below_data_variance))
        status = np.where(np.isnan(tau), np.where(same, np.int8(Status.no_transition), np.int8(Status.failed)), status)
        status = np.where(unknown, np.int8(Status.unresolved), status)
    status = np.where(np.isnan(variance), np.int8(Status.failed), status)
    return LastMerging(tau, status, np.where(status == Status.ok, before, 0), np.broadcast_to(scanned, tau.shape))


def _solved(found: Merging) -> LastMerging:
    """The last of the events of module ``modes``."""
    last = np.maximum(found.n_events - 1, 0)[..., None]
    # One component has no event.
    padded = np.concatenate([found.modes_before, np.zeros((*found.n_events.shape, 1))], axis=-1)
    before = np.take_along_axis(padded, last, axis=-1)[..., 0].astype(np.int64)
    before = np.where(found.n_events > 0, before, 0)
    return LastMerging(found.tau_star, found.status, before, np.zeros(before.shape, dtype=bool))


def _scan(mu: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Largest v at which there is more than one mode, how many there are below it, and whether rounding hides it."""
    means, scale = _scaled(mu, w)
    high = np.zeros(len(mu))
    for i, j in combinations(range(mu.shape[1]), 2):
        high = np.maximum(high, 0.25 * _sum((means.mu[:, i] - means.mu[:, j]) ** 2))
    low, more, unresolved = high.copy(), np.zeros(len(mu), dtype=bool), np.zeros(len(mu), dtype=bool)
    todo = np.arange(len(mu))
    for _ in range(SCAN):
        low[todo] = high[todo] * RATIO
        more[todo], unresolved[todo] = _several(means.take(todo), low[todo])
        todo = todo[~more[todo] & ~unresolved[todo]]
        if not len(todo):
            break
        high[todo] = low[todo]
    found = np.flatnonzero(more & ~unresolved)
    here = means.take(found)
    for _ in range(HALVINGS):
        middle = np.sqrt(low[found] * high[found])
        several, unknown = _several(here, middle)
        unresolved[found] |= unknown
        low[found], high[found] = np.where(several, middle, low[found]), np.where(several, high[found], middle)
    number, v = np.zeros(len(mu), dtype=np.int64), np.ldexp(np.sqrt(low * high), 2 * scale)
    found = found[~unresolved[found]]
    number[found] = _number_below(means.take(found), low[found])
    unresolved[found] |= number[found] == 0
    return np.where(number > 0, v, np.nan), number, unresolved


def _several(means: Means, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether there is more than one mode, and whether that is unknown.

    Where rounding hides the modes but a stationary point is none, as at the centre of a ring, there are several.
    """
    found = _maxima(means, v)
    more = np.where(found.unresolved, found.saddle, np.count_nonzero(found.kept, axis=0) > 1)
    return more, found.unresolved & ~found.saddle


def _number_below(means: Means, v: np.ndarray) -> np.ndarray:
    """Number of modes at the first v below ``v`` at which rounding does not hide them, 0 where there is none."""
    number, todo = np.zeros(len(v), dtype=np.int64), np.arange(len(v))
    for i in range(BELOW_STEPS):
        found = _maxima(means.take(todo), v[todo] / (1 + BELOW * 4.0**i))
        number[todo] = np.where(found.unresolved, 0, np.count_nonzero(found.kept, axis=0))
        todo = todo[number[todo] == 0]
        if not len(todo):
            break
    return number
