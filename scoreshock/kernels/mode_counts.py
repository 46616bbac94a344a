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
from scoreshock.kernels.certified import CLIP, TINY
from scoreshock.kernels.eigen import pick
from scoreshock.kernels.geometry import decompose, span
from scoreshock.kernels.modes import Merging, merging, modes

SAME = 1e-4
"""Modes nearer than this times ``sqrt(v)`` are one. Rounding of F leaves the place of a mode that is flat to third order,
as at a pitchfork, uncertain by some 1e-5 of ``sqrt(v)``; two modes come as near as this only within a relative 1e-8 in v."""

FLAT = 1e-9
"""A point where F vanishes within rounding is a mode if K has no pivot below minus this: a flat mode, as at a pitchfork."""

STEPS = 100
"""Bound of the ascent; six are typical, eighteen the most seen."""

SETTLED = 1e-9
"""A Newton step, in units of ``sqrt(v)``, whose square is below rounding: the ascent ends with it."""

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

BLOCK = 1 << 18
"""Numbers in the largest array of one piece of work."""


class ModeCount(NamedTuple):
    """Modes of the density. Leading shape ``(...)``: that of all arguments together."""

    number: np.ndarray
    position: np.ndarray
    status: np.ndarray


class LastMerging(NamedTuple):
    """The last change to one mode. Leading shape ``(...)``: that of all arguments together."""

    tau: np.ndarray
    status: np.ndarray
    modes_before: np.ndarray
    scanned: np.ndarray


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
        ``number (...)`` int64; ``position (..., places, n)``, NaN where there is none: ascending on a line, elsewhere in the
        order of the starts (means first, then midpoints), in the data's coordinates; ``status (...)`` int8: ``ok``,
        ``singular`` (v = 0), ``failed`` (input not finite, or an ascent that did not settle: the count is of the others).

    Notes
    -----
    On a line no mode is missed. In several features the count is a lower bound: modes reached from the means, from the
    midpoints of all pairs and from the weighted mean, which are one where nearer than ``SAME sqrt(v)``, with K positive
    definite. A mixture may have more modes than components.

    Examples
    --------
    >>> import numpy as np
    >>> corner = 2 * np.pi / 3 * np.arange(3)
    >>> triangle = np.stack([np.cos(corner), np.sin(corner)], axis=-1)
    >>> count_modes(triangle, np.full(3, 1 / 3), np.array([0.49, 0.53, 0.56])).number.tolist()
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
            settled, position = np.ones(lead, dtype=bool), position[..., None]
        else:
            count, position, settled = _counted(means, weights, v, finite & (v > 0), places)
    status = np.where(finite & settled, np.int8(Status.ok), np.int8(Status.failed))
    status = np.where(finite & (v == 0), np.int8(Status.singular), status).astype(np.int8)
    good = finite & (v > 0)
    return ModeCount(np.where(good, count, 0), np.where(good[..., None, None], position, np.nan), status)


def _counted(
    means: np.ndarray, weights: np.ndarray, v: np.ndarray, good: np.ndarray, places: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, positions and whether every ascent settled, of ``v (...)`` where ``good``."""
    lead, (k, n) = v.shape, means.shape[-2:]
    mu, w = _flat(means, weights, lead)
    at = np.flatnonzero(good)
    count, settled = np.zeros(v.size, dtype=np.int64), np.ones(v.size, dtype=bool)
    position = np.full((v.size, places, n), np.nan)
    for part in _pieces(at, k, n):
        line, scale = _scaled(mu[part], w[part])
        u = np.ldexp(v.reshape(-1)[part], -2 * scale)
        kept, r, done = _maxima(line, u)
        count[part], settled[part] = np.count_nonzero(kept, axis=0), done
        start, point = np.nonzero(kept)
        place = (np.cumsum(kept, axis=0) - 1)[start, point]
        inside = place < places
        start, point, place = start[inside], point[inside], place[inside]
        # A mode is the posterior mean at itself.
        x = mu[part[point], 0]
        for j in range(1, k):
            x = x + r[j, start, point][:, None] * (mu[part[point], j] - mu[part[point], 0])
        position[part[point], place] = x
    return count.reshape(lead), position.reshape(*lead, places, n), settled.reshape(lead)


def _flat(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    k, n = means.shape[-2:]
    return np.broadcast_to(means, (*lead, k, n)).reshape(-1, k, n), np.broadcast_to(weights, (*lead, k)).reshape(-1, k)


def _pieces(at: np.ndarray, k: int, n: int) -> list[np.ndarray]:
    """``at`` cut into pieces whose temporaries fit in the cache."""
    step = max(1, BLOCK // ((1 + k * (k + 1) // 2) * k * min(n, k)))
    return [at[i : i + step] for i in range(0, len(at), step)]


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


def _newton(x: np.ndarray, v: np.ndarray, means: Means, f: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Step (m, N) and the least pivot of K (N,), by elimination.

    The step is ``K^-1 F`` where K is positive definite. Elsewhere its eigenvalues count by magnitude, and as no more than 1,
    so that the step rises, moves off a saddle, and is no shorter than ``m(x) - x`` far from one.
    """
    m = len(x)
    c = means.mu - (x + f)[:, None]
    weighted = r * c
    matrix = np.empty((m, m, x.shape[1]))
    for a in range(m):
        for b in range(a + 1):
            matrix[a, b] = matrix[b, a] = -_sum(weighted[a] * c[b]) / v
        matrix[a, a] += 1
    step, work = f.copy(), matrix.copy()
    least = np.full(x.shape[1], np.inf)
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


def _maxima(means: Means, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which starts (S, P) reach a mode that no earlier one did, responsibilities there (k, S, P), and all settled (P,)."""
    start = _starts(means)
    m, number, size = start.shape
    point = np.tile(np.arange(size), number)
    each = means.take(point)
    x, outcome = _ascend(start.reshape(m, -1), v[point], each)
    r = _posterior(x, v[point], each)[2].reshape(-1, number, size)
    x, outcome = x.reshape(m, number, size), outcome.reshape(number, size)
    kept = outcome == 1
    for s in range(1, number):
        apart = _sum((x[:, :s] - x[:, s : s + 1]) ** 2) > SAME * SAME * v
        kept[s] &= (apart | ~kept[:s]).all(axis=0)
    return kept, r, np.all(outcome >= 0, axis=0)


def _ascend(x: np.ndarray, v: np.ndarray, means: Means) -> tuple[np.ndarray, np.ndarray]:
    """Stationary points that the starts ``x (m, N)`` rise to; outcome 1 for a mode, 0 for none, -1 unsettled.

    Steps that do not rise are taken back and a quarter as far; any of them rises if it is short enough.
    """
    result, outcome = x.copy(), np.full(x.shape[1], -1)
    active = np.arange(x.shape[1])
    extent = np.sqrt(_sum((means.mu * means.mu).reshape(-1, means.mu.shape[-1])))
    radius = np.full(x.shape[1], np.inf)
    height, f, r = _posterior(x, v, means)
    for _ in range(STEPS):
        step, least = _newton(x, v, means, f, r)
        length, force = _length(step), _length(f)
        settled = (least > 0) & (length <= SETTLED * np.sqrt(v))
        still = force <= ROUNDING * extent
        result[:, active] = np.where(settled, x + step, x)
        outcome[active] = np.where(settled | (still & (least > -FLAT)), 1, np.where(still, 0, -1))
        go = np.flatnonzero(~(settled | still))
        if not len(go):
            break
        active, v, means, extent = active[go], v[go], means.take(go), extent[go]
        x, f, r, height, step = pick(x, go), pick(f, go), pick(r, go), height[go], pick(step, go)
        radius = np.minimum(radius[go], np.maximum(np.sqrt(v), force[go]))
        step = step * np.minimum(1.0, radius / length[go])
        new_height, new_f, new_r = _posterior(x + step, v, means)
        rises = (new_height >= height) | (_sum(new_f * step) >= 0)
        radius = np.where(rises, 2 * radius, 0.25 * _length(step))
        x, f, r = np.where(rises, x + step, x), np.where(rises, new_f, f), np.where(rises, new_r, r)
        height = np.where(rises, new_height, height)
    return result, outcome


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
        ``tau (...)``, negative with status ``below_floor``; ``status (...)`` int8: ``ok``, ``no_transition`` (all means
        equal), ``below_floor``, ``failed`` (input not finite, or one mode at every node of the scan); ``modes_before (...)``
        int64 just below it, 0 where there is none; ``scanned (...)`` bool: whether it was found by a scan.

    Notes
    -----
    Two components, and means on a line, are solved (module ``modes``). Otherwise v is scanned downwards by ``RATIO`` from
    ``max |mu_i - mu_j|^2 / 4``, where ``Gamma < v`` everywhere and the density has one mode, to the first node with more
    than one, and the bracket is halved to a relative ``TOLERANCE`` in v. The number of modes may rise with v in several
    features: a range of v with several modes between two nodes is not seen.

    Examples
    --------
    >>> import numpy as np
    >>> corner = 2 * np.pi / 3 * np.arange(3)
    >>> triangle = np.stack([np.cos(corner), np.sin(corner)], axis=-1)
    >>> round(float(2 * last_merging(triangle, np.full(3, 1 / 3), np.array(0.0)).tau), 4)
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
        line = np.flatnonzero(on_line)
        solved = _solved(merging(shape.coordinates[line][..., :1], w[line], np.zeros(())))
        flat[line], many[line] = 2 * solved.tau, solved.modes_before
        for part in _pieces(np.flatnonzero(finite & ~on_line), k, n):
            flat[part], many[part] = _scan(mu[part], w[part])
        equal = finite & (mu == mu[:, :1]).all(axis=(1, 2))
        v, before, scanned, same = (a.reshape(lead) for a in (flat, many, finite & ~on_line, equal))
        tau = (v - variance) / 2
        status = np.where(tau > 0, np.int8(Status.ok), np.int8(Status.below_floor))
        status = np.where(np.isnan(tau), np.where(same, np.int8(Status.no_transition), np.int8(Status.failed)), status)
    status = np.where(np.isnan(variance), np.int8(Status.failed), status)
    return LastMerging(tau, status, np.where(status == Status.ok, before, 0), np.broadcast_to(scanned, tau.shape))


def _solved(found: Merging) -> LastMerging:
    """The last of the events of module ``modes``."""
    last = np.maximum(found.n_events - 1, 0)[..., None]
    # One component has no place for an event.
    padded = np.concatenate([found.modes_before, np.zeros((*found.n_events.shape, 1))], axis=-1)
    before = np.take_along_axis(padded, last, axis=-1)[..., 0].astype(np.int64)
    before = np.where(found.n_events > 0, before, 0)
    return LastMerging(found.tau_star, found.status, before, np.zeros(before.shape, dtype=bool))


def _number(means: Means, v: np.ndarray) -> np.ndarray:
    return np.count_nonzero(_maxima(means, v)[0], axis=0)


def _scan(mu: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest v at which there is more than one mode, and how many there are then, of ``mu (P, k, n)``."""
    means, scale = _scaled(mu, w)
    high = np.zeros(len(mu))
    for i, j in combinations(range(mu.shape[1]), 2):
        high = np.maximum(high, 0.25 * _sum((means.mu[:, i] - means.mu[:, j]) ** 2))
    low, many = high.copy(), np.ones(len(mu), dtype=np.int64)
    todo = np.arange(len(mu))
    for _ in range(SCAN):
        low[todo] = high[todo] * RATIO
        many[todo] = _number(means.take(todo), low[todo])
        todo = todo[many[todo] <= 1]
        if not len(todo):
            break
        high[todo] = low[todo]
    found = np.flatnonzero(many > 1)
    here = means.take(found)
    for _ in range(HALVINGS):
        middle = np.sqrt(low[found] * high[found])
        number = _number(here, middle)
        more = number > 1
        many[found] = np.where(more, number, many[found])
        low[found], high[found] = np.where(more, middle, low[found]), np.where(more, high[found], middle)
    v = np.ldexp(np.sqrt(low * high), 2 * scale)
    return np.where(many > 1, v, np.nan), np.where(many > 1, many, 0)
