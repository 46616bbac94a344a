"""Density, score and posterior moments of a Gaussian mixture under heat flow, in any dimension.

Notation as in the paper, sections 4.1 and 7: component means ``mu_k`` with weights ``w_k``, component variance
``v = variance + 2 tau``, responsibilities ``r_k`` (85), posterior mean ``m = sum_k r_k mu_k`` and posterior covariance
``Gamma = sum_k r_k (mu_k - m)(mu_k - m)'`` of the means; ``s = (m - x) / v`` and ``H = Gamma / v**2 - I / v``.

Arguments of every function: ``x (..., n)``, ``means (..., k, n)``, ``weights (..., k)`` positive and summing to one,
``variance (...)`` and ``tau (...)`` not negative. Leading dimensions broadcast, block by block. Where ``v = 0`` the
density does not exist and results are NaN. A point's bits depend on that point alone: the route is chosen by ``k`` and
``n``, sums run in a fixed order, and matrix products have a fixed width.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.blocks import BLOCK, Block, combinations, products, rows_of_means, sweep, total

FAR = 1e3
"""Logits beyond this carry rounding above 1e-13: where components still compete there, they are formed again."""

NEAR = 0.1
"""Bound on ``z = a x / v`` and on ``a**2 / v - 1`` for the series of ``tanh z - z``; its six terms end at 1e-16."""

PIECE = 16384
"""Points of a pair at a time, where only points differ: three such arrays stay close to the processor."""

TANH_SERIES = (-1382 / 155925, 62 / 2835, -17 / 315, 2 / 15, -1 / 3)
"""Coefficients of ``(tanh z - z) / z**3`` in ``z**2``, highest power first."""


class _Posterior(NamedTuple):
    """Responsibilities ``e / total``, and the log of the largest weighted kernel ``w_k exp(-|x - mu_k|**2 / 2v)``."""

    e: np.ndarray  # (k, B)
    total: np.ndarray  # (B,)
    peak: np.ndarray  # (B,)


def log_density(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> np.ndarray:
    r"""Natural logarithm of the density :math:`p_\tau = \sum_k w_k N(\mu_k, v I)`.

    Parameters
    ----------
    x : array (..., n)
        Points.
    means : array (..., k, n)
        Component means.
    weights : array (..., k)
        Component weights, positive and summing to one.
    variance, tau : array (...)
        Component variance at data time and diffusion time, so that ``v = variance + 2 tau``.

    Returns
    -------
    array (...)
        NaN where ``v = 0``. It is the density in the means' own n dimensions: for points in more dimensions add
        `normal_factor`.

    Notes
    -----
    Equations (13)-(14). Anchored at the exact distance to the component of largest weighted density.

    Examples
    --------
    >>> float(log_density([0.0], [[0.0]], [1.0], 1.0, 0.0))  # -ln(2 pi) / 2
    -0.9189385332046727
    """
    return sweep(lambda b: (_fields(b, with_score=False)[0],), [()], x, means, weights, variance, tau)[0]


def score(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> np.ndarray:
    r"""Score :math:`s = \nabla \ln p_\tau = (m - x) / v`, pointing towards higher density.

    Parameters and validity as in `log_density`.

    Returns
    -------
    array (..., n)
        NaN where ``v = 0``.

    Notes
    -----
    Section 4.1; for two components in the form (29), :math:`s = (h \tanh z - y)/v` with :math:`y` relative to the
    midpoint, :math:`h` half the difference of the means and :math:`z = h \cdot y / v + \frac12 \ln(w_1/w_0)`.

    Examples
    --------
    At the midpoint of an equal pair the score vanishes; far away it is that of the nearer component.

    >>> pair = [[-1.0], [1.0]]
    >>> score([[0.0], [100.0]], pair, [0.5, 0.5], 1.0, 0.0)[:, 0].tolist()
    [0.0, -99.0]
    """
    return sweep(lambda b: (_fields(b, with_density=False)[1],), [("n",)], x, means, weights, variance, tau)[0]


def fields(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> tuple[np.ndarray, np.ndarray]:
    """Log density ``(...)`` and score ``(..., n)`` together, at little more than the cost of one.

    Parameters, validity and source as in `log_density` and `score`, whose bits these are.

    Examples
    --------
    >>> log_p, s = fields([3.0], [[0.0]], [1.0], 1.0, 1.0)  # v = 3
    >>> s.tolist()
    [-1.0]
    """

    log_p, s = sweep(_fields, [(), ("n",)], x, means, weights, variance, tau)
    return log_p, s


def responsibilities(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> np.ndarray:
    """Posterior probability ``r_k(x)`` of each component, ``(..., k)``, equation (85); NaN where ``v = 0``.

    Parameters as in `log_density`.

    Examples
    --------
    >>> responsibilities([0.0], [[-1.0], [1.0]], [0.5, 0.5], 1.0, 0.0).tolist()
    [0.5, 0.5]
    """

    def kernel(b: Block) -> tuple[np.ndarray, ...]:
        posterior = _pair_posterior(_pair_argument(b)) if _is_pair(b) else _posterior(b, floor=-np.inf)
        return (posterior.e / posterior.total,)

    return sweep(kernel, [("k",)], x, means, weights, variance, tau)[0]


def denoiser(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> np.ndarray:
    r"""Posterior mean of the data, :math:`E[x_0 | x] = x + 2\tau s` (Tweedie), ``(..., n)``; NaN where ``v = 0``.

    Formed as :math:`(\sigma_0^2 x + 2\tau m)/v`, which does not cancel at large :math:`\tau`. Parameters as in
    `log_density`.

    Examples
    --------
    >>> denoiser([4.0], [[0.0]], [1.0], 1.0, 0.5).tolist()  # half signal, half noise
    [2.0]
    """

    def kernel(b: Block) -> tuple[np.ndarray, ...]:
        data = (b.times.variance * b.inverse) * b.y + (b.times.noise * b.inverse) * _mean(b)
        return (b.by_point.centre + (b.by_point.remainder + data),)

    return sweep(kernel, [("n",)], x, means, weights, variance, tau)[0]


def posterior_covariance(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> np.ndarray:
    r"""Posterior covariance of the means, :math:`\Gamma = \sum_k r_k (\mu_k - m)(\mu_k - m)^T`, ``(..., n, n)``.

    Symmetric to the bit; its largest eigenvalue at the mixture's mean is that of criterion (94). Parameters as in
    `log_density`; NaN where ``v = 0``. See `denoiser_covariance` for the covariance of the data.

    Examples
    --------
    >>> posterior_covariance([0.0], [[-2.0], [2.0]], [0.5, 0.5], 1.0, 0.0).tolist()
    [[4.0]]
    """
    return sweep(lambda b: (_covariance(b),), [("n", "n")], x, means, weights, variance, tau)[0]


def denoiser_covariance(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> np.ndarray:
    r"""Posterior covariance of the data, :math:`\mathrm{Cov}[x_0|x] = 2\tau I + (2\tau)^2 H`, ``(..., n, n)``.

    Formed as :math:`(2\tau\sigma_0^2/v) I + (2\tau/v)^2 \Gamma`, a sum of positive terms. Parameters as in
    `log_density`; NaN where ``v = 0``.

    Examples
    --------
    >>> denoiser_covariance([0.0], [[-1.0], [1.0]], [0.5, 0.5], 0.0, 0.5).tolist()
    [[1.0]]
    """

    def kernel(b: Block) -> tuple[np.ndarray, ...]:
        share = b.times.noise * b.inverse
        covariance = share * share * _covariance(b)
        _diagonal(covariance)[...] += share * b.times.variance
        return (covariance,)

    return sweep(kernel, [("n", "n")], x, means, weights, variance, tau)[0]


def score_jacobian(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> np.ndarray:
    r"""Score Jacobian :math:`H = \nabla s = \Gamma/v^2 - I/v`, the Hessian of the log density, ``(..., n, n)``.

    Symmetric to the bit. Parameters as in `log_density`; NaN where ``v = 0``.

    Notes
    -----
    Section 9.1. At the midpoint of an equal pair it is :math:`(a^2 - v)/v^2` along the pair (30).

    Examples
    --------
    >>> score_jacobian([0.0], [[-2.0], [2.0]], [0.5, 0.5], 1.0, 0.5).tolist()  # (4 - 2) / 2**2
    [[0.5]]
    """
    return sweep(lambda b: (_jacobian(b),), [("n", "n")], x, means, weights, variance, tau)[0]


def normal_factor(dimension: Any, n: int, variance: Any, tau: Any, perpendicular_squared: Any = 0.0) -> np.ndarray:
    r"""Log density that the directions outside the means' span add, :math:`-\frac{d-n}2\ln(2\pi v)-|x_\perp|^2/2v`.

    Parameters
    ----------
    dimension : array (...)
        Ambient dimension d, at least n.
    n : int
        Number of coordinates that `log_density` was given.
    variance, tau : array (...)
        As in `log_density`.
    perpendicular_squared : array (...)
        Squared distance of the point from the span.

    Returns
    -------
    array (...)
        NaN where ``v = 0``.

    Examples
    --------
    >>> float(normal_factor(3, 1, 1.0, 0.0))  # -ln(2 pi)
    -1.8378770664093453
    """
    v = np.asarray(variance, dtype=float) + 2 * np.asarray(tau, dtype=float)
    v = np.where(v > 0, v, np.nan)
    extra = np.asarray(dimension) - n
    return -0.5 * extra * np.log(2 * np.pi * v) - np.asarray(perpendicular_squared) / (2 * v)


def _is_pair(b: Block) -> bool:
    return len(b.mixtures.means) == 2


def _fields(b: Block, with_density: bool = True, with_score: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Log density (B,) and score (n, B) of a block; what is not wanted is an empty array."""
    log_p = s = np.empty(0)
    if _is_pair(b):
        if not with_density and _pair_of(b).is_plain:
            return log_p, _plain_pair_score(b)
        place = b.out[-1] if with_score and len(b.x) == 1 else None
        z = _pair_argument(b, None if place is None else place[0])
        log_p = _pair_log_density(b, z) if with_density else log_p
        s = _pair_score(b, z) if with_score else s
        return log_p, s
    posterior = _posterior(b)
    if with_density:
        peak = posterior.peak if b.few_features else _anchor(b, posterior.e.argmax(axis=0))
        log_p = peak + np.log(posterior.total) + _normaliser(b)
    if with_score:
        s = _weighted_mean(b, posterior)
        s -= b.y
        s *= b.inverse
    return log_p, s


def _normaliser(b: Block) -> np.ndarray:
    if "normaliser" not in b.memo:
        b.memo["normaliser"] = -0.5 * len(b.x) * np.log(2 * np.pi * b.v)
    return b.memo["normaliser"]


class _Pair(NamedTuple):
    """What the points of a block of pairs share."""

    slope: np.ndarray  # (n, B), h / v
    log_ratio: np.ndarray  # (B,), half the log ratio of the weights
    is_tilted: bool
    is_near_critical: bool
    is_plain: bool  # one feature, one mixture, one v, away from speciation: nothing but points differ


def _pair_of(b: Block) -> _Pair:
    if "pair" not in b.memo:
        slope = b.by_point.shifted[1] * b.inverse
        log_ratio = 0.5 * (b.by_point.log_weights[1] - b.by_point.log_weights[0])
        # Adding a zero ratio matters for the sign of a zero score alone, and there only where the slope is negative.
        is_tilted = bool(log_ratio.any() or (slope < 0).any())
        is_near_critical = len(slope) == 1 and bool(_near_critical(b).any())
        is_plain = slope.size == log_ratio.size == 1 and not is_near_critical
        b.memo["pair"] = _Pair(slope, log_ratio, is_tilted, is_near_critical, is_plain)
    return b.memo["pair"]


def _pair_argument(b: Block, out: np.ndarray | None = None) -> np.ndarray:
    """The argument ``z`` of tanh: half the log ratio of the two weighted densities, (B,)."""
    slope, log_ratio, is_tilted, *_ = _pair_of(b)
    if not b.few_features:
        return products(b, b.mixtures.shifted)[1] * b.inverse + log_ratio
    z = np.multiply(slope[0], b.y[0], out=out)
    for i in range(1, len(slope)):
        z += slope[i] * b.y[i]
    if is_tilted:
        z += log_ratio
    return z


def _pair_posterior(z: np.ndarray) -> _Posterior:
    e = np.exp(np.minimum(np.stack([-2 * z, 2 * z]), 0))
    return _Posterior(e, e[0] + e[1], np.empty(0))


def _pair_log_density(b: Block, z: np.ndarray) -> np.ndarray:
    """The nearer component's log density and what the other adds, ``log1p(exp(-2|z|))``, (B,)."""
    upper = z > 0
    other = np.abs(z)
    other *= -2
    np.log1p(np.exp(other, out=other), out=other)
    if not b.few_features:
        other += _anchor(b, upper.astype(np.intp))
    else:
        means, log_weights = b.by_point.means, b.by_point.log_weights
        squares = total(np.square(b.x - np.where(upper, means[1], means[0])))
        squares *= 0.5 * b.inverse
        other += np.where(upper, log_weights[1], log_weights[0])
        other -= squares
    other += _normaliser(b)
    return other


def _pair_mean(b: Block, z: np.ndarray) -> np.ndarray:
    """Posterior mean relative to the midpoint, ``h tanh z``, (n, B)."""
    half = b.by_point.shifted[1]
    if b.few_features:
        return half * np.tanh(z)
    return (half.T * np.tanh(z)[:, None]).T


def _pair_score(b: Block, z: np.ndarray) -> np.ndarray:
    """Score of a pair from its argument, which is overwritten, (n, B)."""
    slope, _, _, is_near_critical, _ = _pair_of(b)
    at, exact = _cancelled(b, z) if is_near_critical else (None, None)
    tanh = np.tanh(z, out=z)
    if b.few_features:
        s = np.multiply(slope, tanh, out=tanh[None] if len(slope) == 1 else b.scratch("score", len(slope), len(tanh)))
        s -= np.multiply(b.y, b.inverse, out=b.scratch("pull", *s.shape))
    else:
        s = (slope.T * tanh[:, None]).T
        s -= b.y * b.inverse
    if is_near_critical:
        s[0, at] = exact
    return s


def _plain_pair_score(b: Block) -> np.ndarray:
    """What `_pair_score` gives, in pieces that stay in the innermost caches, (1, B)."""
    slope, log_ratio, is_tilted, *_ = _pair_of(b)
    y, s = b.y[0], b.out[-1] if b.out[-1] is not None else b.scratch("score", 1, b.y.shape[-1])
    pull = b.scratch("pull", PIECE)
    for start in range(0, len(y), PIECE):
        points, z = y[start : start + PIECE], s[0, start : start + PIECE]
        np.multiply(slope[0], points, out=z)
        if is_tilted:
            z += log_ratio
        np.tanh(z, out=z)
        z *= slope[0]
        z -= np.multiply(points, b.inverse, out=pull[: len(points)])
    return s


def _near_critical(b: Block) -> np.ndarray:
    """Where an equal pair of one feature has ``a**2`` near ``v``, so that the two parts of its score cancel."""
    half, log_weights = b.by_point.shifted[1, 0], b.by_point.log_weights
    return (np.abs(half * half - b.v) < NEAR * b.v) & (log_weights[0] == log_weights[1])


def _excess(b: Block, at: np.ndarray) -> np.ndarray:
    """``a**2 - v`` at some points of a pair of one feature, with what rounding took from ``a**2`` and from ``v``."""
    half, variance, noise = (_at(a, at) for a in (b.by_point.shifted[1, 0], b.times.variance, b.times.noise))
    v = variance + noise
    back = v - variance
    lost = (variance - (v - back)) + (noise - back)
    # Veltkamp's splitting makes the error of a product exact.
    big = half * (2.0**27 + 1 if half.dtype == np.float64 else 2.0**12 + 1)
    high = big - (big - half)
    low = half - high
    square = half * half
    return (square - v) + ((((high * high - square) + 2 * high * low) + low * low) - lost)


def _cancelled(b: Block, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points where the two parts of the score cancel, and ``(a (tanh z - z) + y (a**2 - v) / v) / v`` there."""
    at = np.flatnonzero(_near_critical(b) & (np.abs(z) < NEAR))
    z, y, half, inverse = (_at(a, at) for a in (z, b.y[0], b.by_point.shifted[1, 0], b.inverse))
    series = np.polyval(TANH_SERIES, z * z) * z * z * z
    # Adding zero gives a zero one sign, whatever the block.
    return at, (half * series + y * (_excess(b, at) * inverse)) * inverse + 0.0


def _at(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Columns of an array whose last axis is the block's points, or one shared value."""
    return array[..., index] if array.shape[-1] > 1 else array


def _squares(b: Block) -> np.ndarray:
    """Squared distances ``|x - mu_k|**2``, (k, B), from exact differences."""
    x, means = b.x, b.by_point.means
    shape = len(means), max(x.shape[-1], means.shape[-1])
    squares, difference = b.scratch("squares", *shape), b.scratch("work", *shape)
    for i, coordinate in enumerate(x):
        place = difference if i else squares
        np.subtract(coordinate, means[:, i], out=place)
        place *= place
        if i:
            squares += difference
    return squares


def _anchor(b: Block, nearest: np.ndarray) -> np.ndarray:
    """Log of the weighted kernel of the component ``nearest (B,)`` at each point, by its exact distance, (B,)."""
    difference = rows_of_means(b, nearest)
    np.subtract(b.x.T, difference, out=difference)
    difference *= difference
    log_weights = np.take_along_axis(b.by_point.log_weights, nearest[None], axis=0)[0]
    return log_weights - difference.sum(axis=-1) * (0.5 * b.inverse)


def _posterior(b: Block, floor: float | None = None) -> _Posterior:
    """Responsibilities by exponentials of logits below the largest one, never below ``floor``.

    The default floor keeps denormal numbers, an order of magnitude slower, out of the sums.
    """
    if b.few_features:
        logits = _scaled(_squares(b), -0.5 * b.inverse)
    else:
        logits = _scaled(products(b, b.mixtures.shifted), b.inverse)
        logits -= b.by_point.half_squares * b.inverse
    logits += b.by_point.log_weights
    if floor is None:
        floor = -700.0 if logits.dtype == np.float64 else -80.0
    peak = logits.max(axis=0)
    logits -= peak
    if not logits.min() >= floor:
        np.maximum(logits, floor, out=logits)
    e = np.exp(logits, out=logits)
    posterior = _Posterior(e, total(e, b.scratch("fold", len(e), e.shape[-1])), peak)
    scale = -peak if b.few_features else b.by_point.half_squares.max(axis=0) * b.inverse
    far = scale > FAR
    if far.any() and (far := far & (posterior.total > 1)).any():
        _restore_far(b, posterior, far, floor)
    return posterior


def _scaled(rows: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Product in place where the shape allows."""
    if rows.shape[-1] < factor.shape[-1]:
        return rows * factor
    rows *= factor
    return rows


def _restore_far(b: Block, posterior: _Posterior, far: np.ndarray, floor: float) -> None:
    """Form the logits again, relative to the leading component, where components compete at huge logits.

    ``|x - mu_k|**2 - |x - mu_l|**2 = (mu_l - mu_k) . ((x - mu_k) + (x - mu_l))`` loses nothing.
    """
    at = np.flatnonzero(far)
    leading = posterior.e[:, at].argmax(axis=0)
    means, log_weights = _at(b.by_point.means, at), _at(b.by_point.log_weights, at)
    column = np.arange(len(at)) if means.shape[-1] > 1 else 0
    logits = np.zeros((len(means), len(at)), means.dtype)
    for i, x in enumerate(b.x):
        leader = means[leading, i, column]
        step = means[:, i] - leader
        logits += step * ((_at(x, at) - leader) - 0.5 * step)
    logits *= _at(b.inverse, at)
    logits += log_weights - log_weights[leading, column]
    posterior.e[:, at] = np.exp(np.maximum(logits, floor))
    posterior.total[at] = total(posterior.e[:, at])


def _mean(b: Block) -> np.ndarray:
    """Posterior mean relative to the centre, (n, B)."""
    return _pair_mean(b, _pair_argument(b)) if _is_pair(b) else _weighted_mean(b, _posterior(b))


def _weighted_mean(b: Block, posterior: _Posterior) -> np.ndarray:
    e, share = posterior.e, 1 / posterior.total
    if not b.few_features:
        return combinations(b, e * share)
    shifted = b.by_point.shifted
    mean = b.scratch("mean", shifted.shape[1], e.shape[-1])
    product = b.scratch("work", *e.shape)
    for i, row in enumerate(mean):
        np.multiply(total(np.multiply(e, shifted[:, i], out=product), product), share, out=row)
    return mean


def _covariance(b: Block) -> np.ndarray:
    """Posterior covariance of the means, (n, n, B)."""
    if _is_pair(b):
        e, e_sum, _ = _pair_posterior(_pair_argument(b))
        half = b.by_point.shifted[1]
        return (half[:, None] * half[None]) * (4 * (e[0] / e_sum) * (e[1] / e_sum))
    posterior = _posterior(b)
    r = posterior.e / posterior.total
    mean = _weighted_mean(b, posterior)
    if not b.few_features:
        return _outer_sum(r, b.by_point.shifted, mean)
    n = len(mean)
    covariance = np.empty((n, n, r.shape[-1]), r.dtype)
    deviations = [b.by_point.shifted[:, i] - mean[i] for i in range(n)]
    for i in range(n):
        weighted = r * deviations[i]
        for j in range(i, n):
            covariance[i, j] = covariance[j, i] = total(weighted * deviations[j])
    return covariance


def _outer_sum(r: np.ndarray, shifted: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """``sum_k r_k (mu_k - m)(mu_k - m)'`` by one matrix product a point, (n, n, B)."""
    k, n = shifted.shape[:2]
    covariance = np.empty((r.shape[-1], n, n), r.dtype)
    step = max(1, BLOCK // (k * n))
    for start in range(0, len(covariance), step):
        at = slice(start, start + step)
        means = shifted[..., at] if shifted.shape[-1] > 1 else shifted
        deviations = np.sqrt(r[:, None, at]) * (means - mean[:, at])
        deviations = np.ascontiguousarray(deviations.transpose(2, 0, 1))
        product = deviations.swapaxes(-1, -2) @ deviations
        covariance[at] = 0.5 * (product + product.swapaxes(-1, -2))
    return covariance.transpose(1, 2, 0)


def _jacobian(b: Block) -> np.ndarray:
    """Score Jacobian, (n, n, B); near the speciation of an equal pair the difference ``a**2 - v`` is exact."""
    hessian = _covariance(b) * b.inverse
    _diagonal(hessian)[...] -= 1
    hessian *= b.inverse
    if _is_pair(b) and len(b.x) == 1:
        at = np.flatnonzero(np.broadcast_to(_near_critical(b), hessian.shape[-1:]))
        mean, inverse = _at(_mean(b)[0], at), _at(b.inverse, at)
        hessian[0, 0, at] = (_excess(b, at) - mean * mean) * inverse * inverse
    return hessian


def _diagonal(matrices: np.ndarray) -> np.ndarray:
    """Writable diagonal of (n, n, B), as (n, B)."""
    return np.einsum("iib->ib", matrices)
