r"""The exact criterion: all diffusion times at which the score Jacobian at the weighted mean becomes neutral.

``H = B - A`` with ``A = sum_k r_k P_k`` positive and ``B = sum_k r_k (g_k - s)(g_k - s)'`` of rank below k, so
``lambda_max(H)`` has the sign of ``ln lambda_max(D'A^-1 D)``, ``D`` the columns ``sqrt(r_k)(g_k - s)``: a k x k matrix, and
free of units. For one shared covariance ``A = P``, and nothing of size n x n is formed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.covariances.components import Components, is_finite, is_shared, spread_over
from scoreshock.kernels.covariances.fields import score_jacobian
from scoreshock.kernels.covariances.points import Points, noisy, over_components, posterior, sweep
from scoreshock.kernels.covariances.posterior_moments import mean_deviations, resolved, score_deviations
from scoreshock.kernels.covariances.reduction import LOWEST, largest_distance, reduced, smallest_variance
from scoreshock.kernels.covariances.shared_pair import is_shared_pair, time_of_snr
from scoreshock.kernels.numerics.blocks import FEW_FEATURES
from scoreshock.kernels.numerics.eigenvalues import largest
from scoreshock.kernels.numerics.root_search import Function, roots
from scoreshock.kernels.speciation.roots import pair_roots

TINY = 1e-300
"""Floor under eigenvalues: zero has no logarithm."""

GATHERED = 64
"""Numbers of a covariance up to which each time has a copy of its mixture; above, times are grouped by mixture."""


class ExactTimes(NamedTuple):
    """Roots above tau = 0; (...) is the leading shape of the components."""

    tau_star: np.ndarray  # (...) the largest, NaN without any
    status: np.ndarray  # (...)
    n_roots: np.ndarray  # (...)
    tau_root: np.ndarray  # (..., places) ascending, NaN where there is none
    root_status: np.ndarray  # (..., places)
    root_truncated: np.ndarray  # (...)


def exact(c: Components, dimension: Any = None, places: int | None = None) -> ExactTimes:
    r"""All solutions of :math:`\lambda_{\max}(H(\bar\mu, \tau)) = 0` with :math:`\tau > 0`.

    Parameters
    ----------
    c : Components
    dimension : array (...), optional
        Ambient dimension, if larger than the number of features.
    places : int, optional
        Length of the root axis, ``2 k + 3`` by default. If there are more roots, the largest are kept.

    Returns
    -------
    ExactTimes
        ``status``: ``ok``, ``no_transition`` (equal means), ``no_real_root`` (none at tau > 0), ``failed`` (not finite).

    Notes
    -----
    A pair of one covariance has the roots of the isotropic one, in R. Otherwise no root lies above ``D^2/2``, D the largest
    distance of two means, and below they are found by a scan that refines itself
    (module ``root_search``, which says what it can miss), down to 1e-16 of ``D^2`` or to where the covariances' own
    variances leave nothing to change.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> exact(components([[-2.0], [2.0]], [0.5, 0.5], 1.0)).tau_star.round(12).item()
    1.5
    """
    lead, k = np.broadcast_shapes(c.lead, () if dimension is None else np.shape(dimension)), c.means.shape[-2]
    places = 2 * k + 3 if places is None else places
    extent = np.broadcast_to(largest_distance(c), lead).ravel()
    d = np.broadcast_to(c.means.shape[-1] if dimension is None else dimension, lead).ravel()
    finite = np.broadcast_to(is_finite(c), lead).ravel()
    if is_shared_pair(c):
        tau = np.broadcast_to(_of_shared_pair(c), (*lead, 2))
        return _exact_times(tau, (extent == 0).reshape(lead), finite.reshape(lead), places)
    flat = spread_over(reduced(c), lead)
    good = np.flatnonzero(finite & (extent > 0))
    found = _roots(flat.take(good), d[good], extent[good]) if good.size else np.empty((0, 1))
    tau = np.full((extent.size, found.shape[1]), np.nan)
    tau[good] = found
    return _exact_times(tau.reshape(*lead, tau.shape[1]), (extent == 0).reshape(lead), finite.reshape(lead), places)


def _of_shared_pair(c: Components) -> np.ndarray:
    """Roots (..., 2), ascending and NaN-padded: those of ``v/a^2`` of the isotropic pair are levels of ``1/R``."""
    with np.errstate(all="ignore"):
        levels = 1 / pair_roots(c.weights[..., 0], c.weights[..., 1])
    tau = np.stack([time_of_snr(c, levels[..., i]).tau for i in range(2)], axis=-1)
    return np.sort(np.where(tau > 0, tau, np.nan), axis=-1)


def _exact_times(tau: np.ndarray, equal: np.ndarray, finite: np.ndarray, places: int) -> ExactTimes:
    """Roots ``tau (..., R)``, ascending and NaN-padded, of which ``places`` stay, the largest."""
    count = np.count_nonzero(tau == tau, axis=-1)
    status = np.where(count > 0, np.int8(Status.ok), np.int8(Status.no_real_root))
    status = np.where(equal, np.int8(Status.no_transition), status)
    status = np.where(finite, status, np.int8(Status.failed))
    index = np.maximum(count - places, 0)[..., None] + np.arange(places)
    exists = index < count[..., None]
    kept = np.where(exists, np.take_along_axis(tau, np.minimum(index, tau.shape[-1] - 1), axis=-1), np.nan)
    empty = np.where(status == Status.ok, np.int8(Status.no_real_root), status)[..., None]
    return ExactTimes(
        tau_star=np.take_along_axis(tau, np.maximum(count - 1, 0)[..., None], axis=-1)[..., 0],
        status=status,
        n_roots=count.astype(np.int64),
        tau_root=kept,
        root_status=np.where(exists, np.int8(Status.ok), empty).astype(np.int8),
        root_truncated=count > places,
    )


def mean_jacobian_eigenvalue(c: Components, tau: Any, dimension: Any = None) -> np.ndarray:
    """Largest eigenvalue of the score Jacobian at the weighted mean, (...), NaN where the density does not exist.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> float(mean_jacobian_eigenvalue(components([[-2.0], [2.0]], [0.5, 0.5], 1.0), 0.5))  # (4 - 2) / 2**2
    0.5
    """
    small = reduced(c)
    n, m = c.means.shape[-1], small.means.shape[-1]
    d = n if dimension is None else np.asarray(dimension)
    h = score_jacobian(np.zeros(m), small, tau, d)
    exists = np.isfinite(h).all(axis=(-1, -2)) & is_finite(c)
    value = np.linalg.eigvalsh(np.where(exists[..., None, None], h, 0.0))[..., -1]
    if m < n or np.any(np.asarray(d) > n):
        (others,) = sweep(_outside, [()], np.zeros(m), small, tau, d)
        value = np.maximum(value, np.where(np.asarray(d) > m, others, -np.inf))
    return np.where(exists, value, np.nan)


def _outside(p: Points) -> tuple[np.ndarray, ...]:
    """Eigenvalue along the dimensions that are no features, ``-sum_k r_k / v_k``, (M, W)."""
    at = noisy(p)
    return (-over_components(posterior(p, at)[0] / at.floor),)


def _roots(c: Components, dimension: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Roots tau (B, R) of some mixtures, ascending and NaN-padded."""
    square = extent * extent
    floor = smallest_variance(c, dimension)
    # Below the least variance s only distances over s, at most D^2/s, multiply what a change of tau does.
    low = np.clip(1e-3 * floor * np.minimum(1.0, floor / square), LOWEST * square, 1e-3 * square)
    t = roots(at_times(_relative_spread, c, dimension), np.log(low), np.log(0.5 * square) + 1e-3)
    return np.exp(t)


def at_times(kernel: Callable[[Points], tuple[np.ndarray, ...]], c: Components, dimension: np.ndarray) -> Function:
    """A function of ln tau and the index of a mixture, for `root_search`, from a kernel at the mixtures' means."""
    n = c.means.shape[-1]
    numbers = n if c.directions is None else c.directions[0].size

    def some(t: np.ndarray, index: Any) -> tuple[np.ndarray, ...]:
        arguments = np.zeros(n), c.take(index), np.exp(t), dimension[index]
        return sweep(kernel, [(), ("k",)], *arguments, matrices=not is_shared(c) and n > FEW_FEATURES)

    def function(t: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if numbers <= GATHERED:
            value, r = some(t, points)
            return value, r.T
        value, r = np.empty(t.shape), np.empty((c.means.shape[1], len(t)))
        for mixture in np.unique(points):
            at = np.flatnonzero(points == mixture)
            value[at], share = some(t[at], slice(mixture, mixture + 1))
            r[:, at] = share.T
        return value, r

    return function


def _relative_spread(p: Points) -> tuple[np.ndarray, ...]:
    """``ln lambda_max(D'A^-1 D)`` (M, W), and the responsibilities (k, M, W)."""
    at = noisy(p)
    r, _ = posterior(p, at)
    pulled = np.sqrt(r) * score_deviations(p, at, r)
    # With one covariance D = P (mu_k - m), and A^-1 D needs no solution.
    through = np.sqrt(r) * mean_deviations(p, r) if p.shared else resolved(p, at, r, pulled)
    value = _largest_product(pulled, through)
    return np.log(np.maximum(value, TINY)), np.moveaxis(r, 1, 0)


def _largest_product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Largest eigenvalue of the symmetric products of columns (n, M, k, W), (M, W)."""
    if len(one) == 1:
        return over_components((one * other)[0])
    rows, columns = (np.ascontiguousarray(a.transpose(1, 3, 2, 0)) for a in (one, other))
    gram = rows @ np.swapaxes(columns, -1, -2)
    k = gram.shape[-1]
    flat = np.moveaxis((0.5 * (gram + np.swapaxes(gram, -1, -2))).reshape(-1, k, k), 0, -1)
    return largest(np.ascontiguousarray(np.where(np.isfinite(flat), flat, 0.0)))[0].reshape(gram.shape[:2])
