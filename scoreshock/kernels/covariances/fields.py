r"""Density, score and posterior moments of a Gaussian mixture whose components have covariances of their own.

With ``P_k = (S_k + 2 tau I)^-1`` and ``g_k = P_k (mu_k - x)``, ``r_k`` the responsibilities,
``ln p = logsumexp_k [ln w_k - (x - mu_k)'P_k(x - mu_k)/2 + ln det(P_k)/2] - (n/2) ln 2 pi``, ``s = sum_k r_k g_k`` and
``H = -sum_k r_k P_k + sum_k r_k (g_k - s)(g_k - s)'``.

Arguments of every function: ``x (..., n)``, `Components`, ``tau (...)`` >= 0; leading dimensions broadcast. Results are NaN
where the density does not exist: where a component has no variance along some direction. The cost of a density or a score
is ``O(k r n)`` a point; only Jacobians and covariances form n x n matrices. A point's bits depend on that point alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scoreshock.kernels.covariances.components import Components
from scoreshock.kernels.covariances.points import Noisy, Points, across, noisy, over_components, posterior, precise, sweep
from scoreshock.kernels.covariances.posterior_moments import (
    applied,
    mean_deviations,
    outer_sum,
    score_deviations,
    weighted_matrices,
)


def log_density(x: Any, c: Components, tau: Any, dimension: Any = None, perpendicular_squared: Any = 0.0) -> np.ndarray:
    r"""Natural logarithm of the density :math:`p_\tau = \sum_k w_k N(\mu_k, S_k + 2\tau I)`.

    Parameters
    ----------
    x : array (..., n)
        Points.
    c : Components
    tau : array (...)
        Diffusion time.
    dimension : array (...), optional
        Ambient dimension d >= n, if it is larger than n: along the d - n others each component has its ``variance``.
    perpendicular_squared : array (...), optional
        Squared distance of the point, along those others, from the means.

    Returns
    -------
    array (...)
        In all d dimensions.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> float(log_density([0.0], components([[0.0]], [1.0], 1.0), 0.0))  # -ln(2 pi) / 2
    -0.9189385332046727
    """
    return sweep(lambda p: (_fields(p)[0],), [()], x, c, tau, dimension, perpendicular_squared)[0]


def score(x: Any, c: Components, tau: Any, dimension: Any = None, perpendicular_squared: Any = 0.0) -> np.ndarray:
    r"""Score :math:`s = \nabla\ln p_\tau = \sum_k r_k P_k(\mu_k - x)` along the n features, (..., n).

    Parameters as in `log_density`.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> score([2.0, 2.0], components([[0.0, 0.0]], [1.0], 0.0, [[0.0, 1.0]]), 0.5).tolist()  # variances 1 and 2
    [-2.0, -1.0]
    """
    return sweep(lambda p: (_fields(p)[1],), [("n",)], x, c, tau, dimension, perpendicular_squared)[0]


def fields(
    x: Any, c: Components, tau: Any, dimension: Any = None, perpendicular_squared: Any = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Log density (...) and score (..., n) together, bitwise those of `log_density` and `score`.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> fields([3.0], components([[0.0]], [1.0], 1.0), 1.0)[1].tolist()  # variance 3
    [-1.0]
    """
    log_p, s = sweep(_fields, [(), ("n",)], x, c, tau, dimension, perpendicular_squared)
    return log_p, s


def responsibilities(x: Any, c: Components, tau: Any, dimension: Any = None, perpendicular_squared: Any = 0.0) -> np.ndarray:
    """Posterior probability of each component, (..., k). Parameters as in `log_density`.

    With own variances the dimensions outside the n features count too.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> c = components([[0.0], [0.0]], [0.5, 0.5], [1.0, 2.0])
    >>> responsibilities([0.0], c, 0.0, dimension=2).round(4).tolist()  # densities 1 and 1/2
    [0.6667, 0.3333]
    """

    def kernel(p: Points) -> tuple[np.ndarray, ...]:
        return (np.moveaxis(posterior(p, noisy(p))[0], -2, 0),)

    return sweep(kernel, [("k",)], x, c, tau, dimension, perpendicular_squared)[0]


def denoiser(x: Any, c: Components, tau: Any, dimension: Any = None, perpendicular_squared: Any = 0.0) -> np.ndarray:
    r"""Posterior mean of the data, :math:`E[x_0|x] = \sum_k r_k [\mu_k + S_k P_k (x - \mu_k)]`, (..., n).

    It equals ``x + 2 tau s``, but does not cancel at large tau. Parameters as in `log_density`.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> denoiser([4.0], components([[0.0]], [1.0], 1.0), 0.5).tolist()  # half signal, half noise
    [2.0]
    """

    def kernel(p: Points) -> tuple[np.ndarray, ...]:
        at = noisy(p)
        r, _ = posterior(p, at)
        return (over_components(r * _component_denoisers(p, at)),)

    return sweep(kernel, [("n",)], x, c, tau, dimension, perpendicular_squared)[0]


def score_jacobian(x: Any, c: Components, tau: Any, dimension: Any = None, perpendicular_squared: Any = 0.0) -> np.ndarray:
    r"""Score Jacobian :math:`H = -\sum_k r_k P_k + \sum_k r_k (g_k - s)(g_k - s)^T`, bitwise symmetric, (..., n, n).

    Parameters as in `log_density`.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> score_jacobian([0.0], components([[-2.0], [2.0]], [0.5, 0.5], 1.0), 0.5).tolist()  # (4 - 2) / 2**2
    [[0.5]]
    """

    def kernel(p: Points) -> tuple[np.ndarray, ...]:
        at = noisy(p)
        r, _ = posterior(p, at)
        return (
            outer_sum(r, score_deviations(p, at, r))
            - weighted_matrices(p, r, 1 / at.floor, None if at.along is None else 1 / at.along),
        )

    return sweep(kernel, [("n", "n")], x, c, tau, dimension, perpendicular_squared, matrices=True)[0]


def denoiser_covariance(
    x: Any, c: Components, tau: Any, dimension: Any = None, perpendicular_squared: Any = 0.0
) -> np.ndarray:
    r"""Posterior covariance of the data, :math:`\sum_k r_k [2\tau S_k P_k + (m_k - E)(m_k - E)^T]`, (..., n, n).

    ``m_k`` is the denoiser of one component and E that of all. It equals ``2 tau I + (2 tau)^2 H``, but is a sum of positive
    terms, which does not cancel at large tau. Bitwise symmetric. Parameters as in `log_density`.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> denoiser_covariance([0.0], components([[-1.0], [1.0]], [0.5, 0.5], 0.0), 0.5).tolist()
    [[1.0]]
    """

    def kernel(p: Points) -> tuple[np.ndarray, ...]:
        at = noisy(p)
        r, _ = posterior(p, at)
        deviations = p.noise * applied(p, at, mean_deviations(p, r)) if p.shared else _denoiser_deviations(p, at, r)
        along = None if p.eigenvalues is None else p.noise / at.along * p.eigenvalues
        return (outer_sum(r, deviations) + weighted_matrices(p, r, p.noise / at.floor * p.variance, along),)

    return sweep(kernel, [("n", "n")], x, c, tau, dimension, perpendicular_squared, matrices=True)[0]


def _fields(p: Points) -> tuple[np.ndarray, np.ndarray]:
    """Log density (M, W) and score (n, M, W)."""
    at = noisy(p)
    r, log_sum = posterior(p, at)
    log_p = log_sum - 0.5 * (len(p.x) + p.outside[:, 0]) * np.log(2 * np.pi)
    if at.along is None:
        return log_p, over_components(at.rest * (r / at.floor))
    through = at.coordinates * (r / at.along)
    shared = p.directions is not None and p.directions.shape[1] == 1
    # Of one set of directions the components are summed first.
    s = across(p, over_components(through)[:, :, None])[:, :, 0] if shared else over_components(across(p, through))
    return log_p, s if p.complete else s + over_components(at.rest * (r / at.floor))


def _component_denoisers(p: Points, at: Noisy) -> np.ndarray:
    """Denoiser of each component by itself, ``mu_k + S_k P_k (x - mu_k)``, (n, M, k, W)."""
    if p.eigenvalues is None or at.along is None:
        return p.means - at.rest * (p.variance / at.floor)
    pull = across(p, at.coordinates * (p.eigenvalues / at.along))
    return p.means - (pull if p.complete else pull + at.rest * (p.variance / at.floor))


def _denoiser_deviations(p: Points, at: Noisy, r: np.ndarray) -> np.ndarray:
    """Denoisers of the components relative to that of all, (n, M, k, W): by scores where the noise moves points little."""
    by_score = p.noise * precise(p, at, at.coordinates, at.rest)
    little = np.abs(by_score).max(axis=(0, 2)) <= np.abs(p.means).max(axis=(0, 2))
    m = np.where(little[:, None], by_score, _component_denoisers(p, at))
    return m - over_components(r * m)[:, :, None]
