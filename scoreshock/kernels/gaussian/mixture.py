"""Density, score and posterior moments of a Gaussian mixture under heat flow, in any dimension.

Notation as in the paper, sections 4.1 and 7: component means ``mu_k`` with weights ``w_k``, component variance
``v = variance + 2 tau``, responsibilities ``r_k`` (85), posterior mean ``m = sum_k r_k mu_k`` and posterior covariance
``Gamma = sum_k r_k (mu_k - m)(mu_k - m)'`` of the means; ``s = (m - x) / v`` and ``H = Gamma / v**2 - I / v``.

Arguments of every function: ``x (..., n)``, ``means (..., k, n)``, ``weights (..., k)`` positive and summing to one,
``variance (...)`` and ``tau (...)`` not negative; all is float64. Leading dimensions broadcast. Where ``v = 0`` the
density does not exist and results are NaN. A point's bits depend on that point alone: the route is chosen by ``k`` and
``n``, sums run in a fixed order, and matrix products have a fixed width.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scoreshock.kernels.gaussian.pair import (
    PIECE,
    argument,
    is_pair,
    pair_log_density,
    pair_mean,
    pair_posterior,
    pair_score,
    restore_midpoint_derivative,
)
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import BLOCK, Block, rows_of_means, sweep, total
from scoreshock.kernels.numerics.posterior import half_distance, log_density_of, posterior_mean, posterior_of, score_of


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
        NaN where ``v = 0``. It is the density in the n dimensions of the means: for points in more dimensions add
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
    points = x, means, weights, variance, tau
    return sweep(lambda b: (_fields(b, with_density=False)[1],), [("n",)], *points, plain_points=8 * PIECE)[0]


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
        posterior = pair_posterior(argument(b)) if is_pair(b) else posterior_of(b, in_full=True)
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
        own, signal = b.times.variance * b.inverse, b.times.noise * b.inverse
        near = own * b.y
        mean = pair_mean(b, argument(b)) if is_pair(b) else posterior_mean(b, posterior_of(b))
        return (b.by_point.centre + (b.by_point.remainder + (near + signal * mean)),)

    return sweep(kernel, [("n",)], x, means, weights, variance, tau)[0]


def posterior_covariance(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> np.ndarray:
    r"""Posterior covariance of the means, :math:`\Gamma = \sum_k r_k (\mu_k - m)(\mu_k - m)^T`, ``(..., n, n)``.

    Bitwise symmetric; its largest eigenvalue at the mixture's mean is that of criterion (94). Parameters as in
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

    Bitwise symmetric. Parameters as in `log_density`; NaN where ``v = 0``.

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
        Number of coordinates of the points in `log_density`.
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


def _fields(b: Block, with_density: bool = True, with_score: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Log density (B,) and score (n, B) of a block; results that are not requested are empty arrays."""
    log_p = s = np.empty(0)
    if is_pair(b):
        if not with_density:
            return log_p, pair_score(b)
        z = argument(b)
        return pair_log_density(b, z), pair_score(b, z) if with_score else s
    half = half_distance(b) if with_density else s
    posterior = posterior_of(b)
    if with_density:
        log_p = log_density_of(b, posterior, half)
    if with_score:
        s = score_of(b, posterior)
    return log_p, s


def _covariance(b: Block) -> np.ndarray:
    """Posterior covariance of the means, (n, n, B)."""
    if is_pair(b):
        e, e_sum, *_ = pair_posterior(argument(b))
        half = b.by_point.shifted[1]
        return (half[:, None] * half[None]) * (4 * (e[0] / e_sum) * (e[1] / e_sum))
    posterior = posterior_of(b)
    r = posterior.e / posterior.total
    leader = rows_of_means(b, np.broadcast_to(r, (len(r), b.size)).argmax(axis=0), np.arange(b.size))
    if not b.few_features:
        return _outer_sum(r, b.by_point.means, leader)
    n = len(b.x)
    covariance = np.empty((n, n, b.size))
    # Relative to the leading mean, so that the digits of small distances are not lost beside large ones.
    steps = [b.by_point.means[:, i] - leader[:, i] for i in range(n)]
    deviations = [step - total(r * step) for step in steps]
    for i in range(n):
        weighted = r * deviations[i]
        for j in range(i, n):
            covariance[i, j] = covariance[j, i] = total(weighted * deviations[j])
    return covariance


def _outer_sum(r: np.ndarray, means: np.ndarray, leader: np.ndarray) -> np.ndarray:
    """``sum_k r_k (mu_k - m)(mu_k - m)'`` by one matrix product a point, (n, n, B); ``leader (B, n)`` is a mean near m."""
    k, n = means.shape[:2]
    r = np.broadcast_to(r, (k, len(leader)))
    covariance = np.empty((len(leader), n, n))
    for at in slices(len(covariance), BLOCK // (k * n)):
        share = r[:, None, at]
        steps = (means[..., at] if means.shape[-1] > 1 else means) - leader[at].T
        deviations = np.sqrt(share) * (steps - total(share * steps))
        deviations = np.ascontiguousarray(deviations.transpose(2, 0, 1))
        product = deviations.swapaxes(-1, -2) @ deviations
        covariance[at] = 0.5 * (product + product.swapaxes(-1, -2))
    return covariance.transpose(1, 2, 0)


def _jacobian(b: Block) -> np.ndarray:
    """Score Jacobian, (n, n, B); near the speciation of an equal pair the difference ``a**2 - v`` is exact."""
    hessian = _covariance(b) * b.inverse
    _diagonal(hessian)[...] -= 1
    hessian *= b.inverse
    if is_pair(b) and len(b.x) == 1:
        restore_midpoint_derivative(b, hessian)
    return hessian


def _diagonal(matrices: np.ndarray) -> np.ndarray:
    """Writable diagonal of (n, n, B), as (n, B)."""
    return np.einsum("iib->ib", matrices)
