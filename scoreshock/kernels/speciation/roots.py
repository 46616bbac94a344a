"""The exact speciation criterion (94), with all its roots, and the direction of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import DEGENERATE
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.eigenvalues import SETTLED, largest, pick
from scoreshock.kernels.numerics.posterior import softmax
from scoreshock.kernels.numerics.root_isolation import TOUCH, Points, search
from scoreshock.kernels.numerics.vectors import contracted, dot, inner, square
from scoreshock.kernels.speciation.data_variance import above_data_variance
from scoreshock.kernels.speciation.nearest import from_nearest, untied_end

BLOCK = 1 << 20
"""Coordinates of means in a block of points, which bounds the memory; the search cuts blocks to the cache's size."""

PAIR_STEPS = 12
"""Newton steps of the two-component equation; its iteration is convex and ends in six to nine."""


class ExactRoots(NamedTuple):
    """Roots of the exact criterion above the data variance; (...) is the leading shape of all arguments together."""

    tau_star: np.ndarray
    status: np.ndarray
    n_roots: np.ndarray
    roots: np.ndarray
    tau_root: np.ndarray
    root_status: np.ndarray
    root_truncated: np.ndarray
    root_eigenmode: np.ndarray


def exact(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, places: int | None = None) -> ExactRoots:
    r"""All solutions of :math:`\lambda_{\max}(\Gamma(v)) = v` with :math:`v > \sigma_0^2`, and the largest as a time.

    :math:`\Gamma(v)` is the posterior covariance of the means at the weighted mean,
    :math:`r_k \propto w_k e^{-D_k/(2v)}`, :math:`D_k = |\mu_k - \bar\mu|^2`; :math:`v = \sigma_0^2 + 2\tau`.

    Parameters
    ----------
    means : (..., k, n)
    weights : (..., k)
        Positive, summing to one.
    variance : (...)
        Component variance :math:`\sigma_0^2 \ge 0`. Roots do not depend on it; it only cuts them off.
    places : int, optional
        Length of the root axis, ``2 k - 1`` by default. If there are more roots, the largest are kept.

    Returns
    -------
    ExactRoots
        ``tau_star (...)`` time of the largest root: negative with status ``below_data_variance``, NaN without any root;
        ``status (...)`` int8: ``ok``, ``no_transition`` (all means equal), ``no_real_root``, ``below_data_variance``
        (every root is at or below the variance), ``failed`` (input not finite); ``n_roots (...)`` int64, all roots above
        the variance; ``roots, tau_root (..., places)`` ascending in v, NaN where there is none, ``root_status`` beside them;
        ``root_eigenmode (..., places)`` int16, index (descending) of the eigenvector of the between-class covariance
        nearest to the root's direction, -1 where there is no root; ``root_truncated (...)`` bool.

    Notes
    -----
    No root is missed: intervals are excluded by convexity bounds (module ``root_isolation``). An extremum at which
    ``|ln lambda_max - ln v| <= 1e-12`` is a double root and counts once. Distances to the weighted mean that are equal
    within the rounding of the means are tied. Two components have their own closed reduction.

    Source: (94), section 9; Theorem 9.10 holds only where one root exists.

    Examples
    --------
    >>> import numpy as np
    >>> exact(np.array([[-2.0], [2.0]]), np.array([0.5, 0.5]), np.array(1.0)).tau_star.item()
    1.5
    """
    k = means.shape[-2]
    places = 2 * k - 1 if places is None else places
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1])
    solve = {1: _lonely, 2: _pair}.get(k, _general)
    with np.errstate(all="ignore"):
        v, mode, equal, failed = solve(means, weights, lead)
        found = above_data_variance(v, equal, failed, np.asarray(variance, dtype=float), places)
        modes = np.take_along_axis(np.broadcast_to(mode, (*found.status.shape, mode.shape[-1])), found.kept, axis=-1)
    return ExactRoots(*found[:-1], root_eigenmode=np.where(found.root_status == Status.ok, modes, -1).astype(np.int16))


def _lonely(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """One component: all means are equal."""
    finite = np.broadcast_to(np.isfinite(means[..., 0, :]).all(axis=-1) & np.isfinite(weights[..., 0]), lead)
    return np.full((*lead, 1), np.nan), np.zeros((*lead, 1), dtype=np.int16), np.ones(lead, dtype=bool), ~finite


def _pair(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Roots of two components: ``v = a^2 z`` with ``z`` from the weights alone."""
    half = 0.5 * (means[..., 1, :] - means[..., 0, :])
    separation = dot(half, half)
    z = pair_roots(weights[..., 0], weights[..., 1])
    v = np.broadcast_to(z * separation[..., None], (*lead, 2))
    equal = np.broadcast_to(np.all(means[..., 0, :] == means[..., 1, :], axis=-1), lead)
    finite = np.isfinite(separation) & np.isfinite(weights[..., 0] + weights[..., 1])
    v = np.where(equal[..., None], np.nan, v)
    return v, np.zeros(v.shape, dtype=np.int16), equal, np.broadcast_to(~finite, lead)


def pair_roots(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    r"""Roots ``z = v/a^2`` of :math:`z\cosh^2(\operatorname{artanh} m + m/z) = 1`, ascending, NaN-padded, (..., 2).

    ``first, second (...)`` are the weights, :math:`m = |w_1 - w_2|`. Two roots for a minority weight in (0.35329…, 1/2),
    none below, ``z = 1`` alone for equal weights.

    With ``s = -ln z`` the equation is ``f = 2 ln cosh(alpha + m e^s) - s = 0``, f convex: its minimum decides the
    count, and Newton's method converges from a point beyond either root.
    """
    small, large = np.minimum(first, second), np.maximum(first, second)
    m = (large - small) / (large + small)
    alpha = 0.5 * np.log1p((large - small) / small)
    # The minimum: 2 m t tanh(alpha + m t) = 1 with t = e^s. The left side rises, and is convex then concave.
    x = np.full(m.shape, 0.7)
    for _ in range(PAIR_STEPS):
        tanh = np.tanh(alpha + x)
        x = x - (2 * x * tanh - 1) / (2 * (tanh + x * (1 - tanh * tanh)))
    tanh = np.tanh(alpha + x)
    s_min = np.log(x) - np.log(m)
    f_min = 2 * _log_cosh(alpha + x) - s_min
    bend = 2 * x * (tanh + x * (1 - tanh * tanh))
    reach = np.sqrt(2 * np.maximum(-f_min, 0.0) / bend)
    # Where m is tiny the larger s is far beyond: 2 (alpha + x) - 2 ln 2 <= 2 ln cosh bounds it, with x = m e^s.
    far = 2.0 - np.log(m)
    for _ in range(4):
        far = np.maximum(0.5 * (np.log(far) - np.log(m)) + np.log(2.0) - alpha, 0.1)
    lower = _pair_newton(np.minimum(s_min + reach, np.log(far) - np.log(m)), m, alpha)
    upper = _pair_newton(np.maximum(s_min - reach, 0.0), m, alpha)
    z = np.full((*m.shape, 2), np.nan)
    two = f_min < -TOUCH
    touch = np.abs(f_min) <= TOUCH
    z[..., 0] = np.where(two, np.exp(-lower), np.where(touch, np.exp(-s_min), np.nan))
    z[..., 1] = np.where(two, np.exp(-upper), np.nan)
    z[m == 0] = (1.0, np.nan)
    return z


def _log_cosh(x: np.ndarray) -> np.ndarray:
    """``ln cosh x`` for x >= 0, exact for small and large x."""
    return np.where(x < 0.3, 0.5 * np.log1p(np.sinh(np.minimum(x, 0.3)) ** 2), x + np.log1p(np.exp(-2 * x)) - np.log(2.0))


def _pair_newton(s: np.ndarray, m: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Newton's method for the pair's f from ``s``; a fixed number of steps, so that a point depends on itself alone."""
    for _ in range(PAIR_STEPS):
        x = m * np.exp(s)
        s = s - (2 * _log_cosh(alpha + x) - s) / (2 * x * np.tanh(alpha + x) - 1)
    return s


def _general(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Roots of k components, block by block."""
    k, n = means.shape[-2:]
    size = int(np.prod(lead))
    mu = np.broadcast_to(means, (*lead, k, n)).reshape(size, k, n)
    w = np.broadcast_to(weights, (*lead, k)).reshape(size, k)
    parts = list(slices(size, max(64, BLOCK // (k * min(n, k)))))
    blocks = [_block(mu[part], w[part]) for part in parts]
    width = max((block[0].shape[-1] for block in blocks), default=1)
    v = np.full((size, width), np.nan)
    mode = np.zeros((size, width), dtype=np.int16)
    equal, failed = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    for part, (v_i, mode_i, equal_i, failed_i) in zip(parts, blocks, strict=True):
        v[part, : v_i.shape[-1]] = v_i
        mode[part, : v_i.shape[-1]] = mode_i
        equal[part], failed[part] = equal_i, failed_i
    return v.reshape(*lead, width), mode.reshape(*lead, width), equal.reshape(lead), failed.reshape(lead)


def _block(means: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Roots ``v (P, R)``, modes and flags of ``means (P, k, n)``, ``weights (P, k)``."""
    points, w, distance, last, scale, state = prepare(means, weights)
    # The trace of Gamma is at most the mean of D under r, which falls with y.
    low = 0.9 / total(w * (distance + points.gap))
    good = np.flatnonzero(state == 0)
    point, y, u = search(points.take(good), low[good], np.maximum(_nearer(points, distance, last), 2 * low)[good])
    point = good[point]
    count = np.bincount(point, minlength=len(state))
    width = max(1, int(count.max(initial=0)))
    # Ascending v is descending y.
    place = count[point] - 1 - (np.arange(len(point)) - np.searchsorted(point, point))
    v = np.full((len(state), width), np.nan)
    v[point, place] = np.ldexp(0.5 / y, 2 * scale[point])
    mode = np.zeros((len(state), width), dtype=np.int16)
    mode[point, place] = _modes(points, w, point, u)
    return v, mode, state == 1, state == 2


def prepare(
    means: np.ndarray, weights: np.ndarray
) -> tuple[Points, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points in units of a power of two near the means' scale.

    With them their weights and squared distances from the nearest, a ``y`` beyond which there is no root, that power, and a
    state. State 0: to be solved; 1: all means equal; 2: not finite.
    """
    delta = np.ascontiguousarray((means - means[:, :1]).transpose(2, 1, 0))
    w = np.ascontiguousarray(weights.T)
    extent = np.max(np.abs(delta), axis=(0, 1))
    state = np.where(np.isfinite(extent) & np.all(np.isfinite(w), axis=0), np.where(extent > 0, 0, 1), 2)
    points, w, distance, scale = from_nearest(delta, w, np.max(np.abs(means), axis=(1, 2)))
    return points, w, distance, np.maximum(_last(points, distance), 2 / distance.max(axis=0)), scale, state


def _last(points: Points, distance: np.ndarray) -> np.ndarray:
    """A ``y`` beyond which there is no root.

    Without a tie ``Gamma <= sum_j r_j |x_j|^2`` and each term is at most ``1/(2 y q)`` there; with tied nearest means, Gamma
    is at least their own covariance times their share, which grows with y.
    """
    m, q, _ = points.x.shape
    tied = (points.gap == 0) & (distance > 0)
    any_tied = tied.any(axis=0)
    falls = untied_end(points, distance)
    if not any_tied.any():
        return falls
    top = np.maximum(points.log_ratio.max(axis=0), 0.0)
    share = np.where(points.gap == 0, np.exp(points.log_ratio - top), 0.0)
    own = np.exp(-top)
    whole = own + total(share)
    mean = contracted("iqp,qp->ip", points.x, share) / whole
    offset = points.x - mean[:, None]
    trace = (own * square(mean) + contracted("iqp,iqp->p", offset, share * offset)) / whole
    lead = points.log_ratio - np.log(whole) - top + np.log(2.0 * q)
    half = np.where(points.gap > 0, np.maximum(lead, 0.0) / points.gap, 0.0).max(axis=0)
    return np.where(any_tied, np.maximum(half, 2 * m / trace), falls)


def _nearer(points: Points, distance: np.ndarray, last: np.ndarray) -> np.ndarray:
    """A ``y`` nearer than ``last`` beyond which there is no root where no nearest means tie: one step of the regula falsi.

    ``Gamma <= S(y) = sum_j r_j |x_j|^2 / r_0``, which falls, and its logarithm is convex. There is no root beyond the ``y``
    with ``S(y) = 1/(2 last)``. A step of Newton's method from ``last`` ends before that y, as tangents lie below ``ln S``,
    and the chord from there meets the level beyond it.
    """
    log_moment = points.log_ratio + np.log(distance)
    goal = -np.log(2 * last)
    share, near = softmax(log_moment - last * points.gap)
    y = last - (goal - near) / total(share * points.gap)
    far = softmax(log_moment - y * points.gap)[1]
    chord = y + (far - goal) / (far - near) * (last - y)
    tied = ((points.gap == 0) & (distance > 0)).any(axis=0)
    return np.where(tied | ~(near < goal) | ~(chord < last), last, (1 + 1e-9) * chord)


def _modes(points: Points, w: np.ndarray, point: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Index of the eigenvector of ``Sigma_B`` that overlaps most with ``u``, the first of its eigenspace."""
    if len(points.x) == 1:
        return np.zeros(len(point), dtype=np.int16)
    solved, back = np.unique(point, return_inverse=True)
    x, w = pick(points.x, solved), pick(w, solved)
    mean = contracted("iqp,qp->ip", x, w)
    offset = x - mean[:, None]
    sigma = contracted("iqp,jqp->ijp", offset, w * offset)
    sigma += np.maximum(1 - total(w), 0.0) * mean[:, None] * mean
    # More than half of the overlap decides for the first; only the rest needs all eigenvectors.
    _, top = largest(sigma, exact=SETTLED)
    along = inner(pick(top, back), u)
    mode = np.zeros(len(point), dtype=np.int16)
    rest = np.flatnonzero(along * along <= 0.5 + DEGENERATE)
    solved, back = np.unique(back[rest], return_inverse=True)
    mode[rest] = _overlapping(pick(sigma, solved), back, pick(u, rest))
    return mode


def _overlapping(sigma: np.ndarray, index: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Index of the eigenspace of ``sigma (m, m, P)`` at ``index (N,)`` that overlaps most with ``u (m, N)``."""
    m, size = u.shape
    values, vectors = np.linalg.eigh(sigma.transpose(2, 0, 1))
    values = values.T[::-1]
    # An eigenspace begins where the value is far below the one before.
    begins = np.arange(m)[:, None] * np.append(values[:1] < 0, values[:-1] - values[1:] > DEGENERATE * values[0], axis=0)
    space = np.maximum.accumulate(begins, axis=0)[:, index]
    along = contracted("jip,ip->jp", pick(vectors.transpose(2, 1, 0)[::-1], index), u) ** 2
    overlap = np.zeros((m, size))
    for j in range(m):
        overlap[space[j], np.arange(size)] += along[j]
    return overlap.argmax(axis=0)
