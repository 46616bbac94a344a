"""Speciation criteria of components with covariances: leading, spectral, boundary, and the boundary along its normal.

Each returns an `Outcome`, (...) of the leading shape. ``below_data_variance``: the condition would hold at tau <= 0 only,
with that time where it is known; ``no_transition``: nothing to separate. The expansion about equal distances to the mean
(``first``, ``quadratic``, the series) is not defined with covariances: `not_applicable`. The drift criterion compares
variances with one in the data's units, and is kept for isotropic components.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.covariances.components import Components, Outcome, covariance, is_finite, is_shared, spread_over
from scoreshock.kernels.covariances.pencil import Pair, Pencil, neutral, neutral_along_normal
from scoreshock.kernels.covariances.reduction import LOWEST, largest_distance, reduced, smallest_variance
from scoreshock.kernels.covariances.shared_pair import is_shared_pair, normal_roots, time_of_snr
from scoreshock.kernels.gaussian.geometry import centred
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.root_search import roots

WIDENINGS = 12
"""How often the largest time searched is made 8 times as large until the criterion is negative there."""


def not_applicable(c: Components) -> Outcome:
    """NaN with that status, for criteria that are not defined here.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> not_applicable(components([[0.0]], [1.0], 1.0)).status.item()
    6
    """
    return Outcome(np.full(c.lead, np.nan), np.full(c.lead, Status.not_applicable, dtype=np.int8))


def leading(c: Components) -> Outcome:
    r"""Time to leading order with one shared covariance, :math:`\tau = \tfrac12\lambda_{\max}(\Sigma_B - S)`.

    With own covariances ``not_applicable``.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> float(leading(components([[-1.0], [1.0]], [0.5, 0.5], 0.09)).tau)
    0.455
    """
    if not is_shared(c):
        return not_applicable(c)
    if is_shared_pair(c):
        # Sigma_B = 4 w_1 w_2 m m', so that the eigenvalue is a level of R.
        return _with_lead(time_of_snr(c, 1 / (4 * c.weights[..., 0] * c.weights[..., 1])), c.lead)
    small = reduced(c)
    between = _between(small)
    with np.errstate(all="ignore"):
        tau = 0.5 * _largest_eigenvalue(between - covariance(small)[..., 0, :, :])
    return _outcome(tau, _trace(between) == 0, is_finite(c), c.lead)


def spectral(c: Components, total_eigenvalue: Any = None, dimension: Any = None) -> Outcome:
    r"""Time at which noise matches the total covariance, :math:`\tau = (\Lambda - 1)/2` (Biroli et al. 2024).

    :math:`\Lambda = \lambda_{\max}(\Sigma_B + \sum_k w_k S_k)`, or ``total_eigenvalue (...)`` of data. ``Lambda <= 1`` is
    ``no_transition`` with the value kept; equal means of one shared covariance are ``no_transition`` with NaN.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> float(spectral(components([[-2.0, 0.0], [2.0, 0.0]], [0.5, 0.5], 0.0, [[1.0, 9.0]])).tau)  # Lambda = 9
    4.0
    """
    small = reduced(c)
    between = _between(small)
    if total_eigenvalue is None:
        own = np.moveaxis(small.weights[..., None, None] * covariance(small), -3, 0)
        outside = total(np.moveaxis(small.weights * small.variance, -1, 0))
        more = small.means.shape[-1] < c.means.shape[-1] or np.any(np.asarray(dimension or 0) > c.means.shape[-1])
        eigenvalue = _largest_eigenvalue(between + total(own))
        eigenvalue = np.maximum(eigenvalue, outside) if more else eigenvalue
    else:
        eigenvalue = np.asarray(total_eigenvalue, dtype=float)
    lead = np.broadcast_shapes(c.lead, eigenvalue.shape)
    tau = np.broadcast_to((eigenvalue - 1) / 2, lead)
    status = np.where(tau > 0, np.int8(Status.ok), np.int8(Status.no_transition))
    status = np.where(np.isnan(tau), np.int8(Status.not_applicable), status)
    empty = np.broadcast_to(is_shared(c) & (_trace(between) == 0), lead)
    finite = np.broadcast_to(is_finite(c), lead)
    status = np.where(finite, np.where(empty, np.int8(Status.no_transition), status), np.int8(Status.failed))
    return Outcome(np.where(empty | ~finite, np.nan, tau), status)


def boundary(c: Components, dimension: Any = None) -> Outcome:
    r"""Largest time at which :math:`\lambda_{\max}(H) = 0` on the boundary of a pair, where both classes are as probable.

    With one shared covariance it holds all along the boundary, at ``R = 1``. With own covariances it is evaluated at the
    densest point of the boundary, which lies on the ridgeline of the pair (module ``pencil``). More than two components
    are ``not_applicable``; ``no_real_root`` where the eigenvalue is negative at all tau > 0, or there is no boundary.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> round(float(boundary(components([[-2.0, -1.0], [2.0, 1.0]], [0.3, 0.7], 0.0, [[4.0, 0.25]])).tau), 4)
    1.2049
    """
    if is_shared_pair(c):
        return _with_lead(time_of_snr(c, np.ones(())), c.lead)
    return _of_own_pair(c, neutral, dimension)


def boundary_normal(c: Components, dimension: Any = None) -> Outcome:
    """Largest time at which ``n'Hn = 0`` on the boundary of a pair, n its Euclidean normal; the point as for `boundary`.

    It is the criterion of section 5.4, and never later than `boundary`. With one covariance ``(m'P^2 m)^2 = m'P^3 m``.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> round(float(boundary_normal(components([[-2.0, -1.0], [2.0, 1.0]], [0.3, 0.7], 0.0, [[4.0, 0.25]])).tau), 4)
    0.7484
    """
    if not is_shared_pair(c):
        return _of_own_pair(c, neutral_along_normal, dimension)
    latest = boundary(c)
    tau = np.full(latest.tau.size, np.nan)
    good = np.flatnonzero(latest.status.ravel() == Status.ok)
    tau[good] = np.fmax.reduce(normal_roots(c, latest.tau.ravel(), good), axis=-1)
    tau = tau.reshape(c.lead)
    missing = np.where(latest.status == Status.ok, np.int8(Status.no_real_root), latest.status)
    return Outcome(tau, np.where(np.isnan(tau), missing, np.int8(Status.ok)))


def _of_own_pair(c: Components, criterion: Callable[[Pencil], tuple[np.ndarray, np.ndarray]], dimension: Any) -> Outcome:
    """Largest root of a criterion at the boundary point of two components with own covariances."""
    if c.means.shape[-2] != 2:
        return not_applicable(c)
    lead = np.broadcast_shapes(c.lead, () if dimension is None else np.shape(dimension))
    d = np.broadcast_to(c.means.shape[-1] if dimension is None else dimension, lead).ravel()
    finite = np.broadcast_to(is_finite(c), lead).ravel()
    flat = spread_over(reduced(c), lead)
    matrices = covariance(flat)
    apart = largest_distance(flat) ** 2
    scale = apart + np.broadcast_to(matrices, (d.size, 2, *matrices.shape[-2:])).max(axis=(-1, -2, -3))
    scale = np.maximum(scale, np.where(d > flat.means.shape[-1], flat.variance.max(axis=-1), 0.0))
    good = np.flatnonzero(finite & (scale > 0))
    pair = Pair.of(flat.take(good), d[good])

    def function(t: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return criterion(pair.at(np.exp(t), points))

    floor, size = smallest_variance(flat, d)[good], scale[good]
    low = np.clip(1e-3 * floor * np.minimum(1.0, floor / size), LOWEST * size, 1e-3 * size)
    high, todo = size.copy(), np.arange(good.size)
    for _ in range(WIDENINGS):
        todo = todo[function(np.log(high[todo]), todo)[0] > 0]
        high[todo] *= 8
    tau = np.full(d.size, np.nan)
    if good.size:
        tau[good] = np.exp(np.fmax.reduce(roots(function, np.log(low), np.log(high)), axis=-1))
    same = np.broadcast_to((apart == 0) & (matrices[:, 0] == matrices[:, -1]).all(axis=(-1, -2)), d.shape)
    same = same & ((flat.variance[:, 0] == flat.variance[:, -1]) | (d == flat.means.shape[-1]))
    status = np.where(np.isnan(tau), np.int8(Status.no_real_root), np.int8(Status.ok))
    status = np.where(same, np.int8(Status.no_transition), status)
    status = np.where(finite, status, np.int8(Status.failed))
    return Outcome(np.where(status == Status.ok, tau, np.nan).reshape(lead), status.reshape(lead))


def _between(c: Components) -> np.ndarray:
    """Between-class covariance, (..., n, n)."""
    offset = centred(c.means, c.weights)
    return np.swapaxes(offset, -1, -2) @ (c.weights[..., None] * offset)


def _trace(matrix: np.ndarray) -> np.ndarray:
    return total(np.moveaxis(np.einsum("...ii->...i", matrix), -1, 0))


def _largest_eigenvalue(matrix: np.ndarray) -> np.ndarray:
    exists = np.isfinite(matrix).all(axis=(-1, -2))
    values = np.linalg.eigvalsh(np.where(exists[..., None, None], matrix, 0.0))[..., -1]
    return np.where(exists, values, np.nan)


def _outcome(tau: np.ndarray, equal: np.ndarray, finite: np.ndarray, lead: tuple[int, ...]) -> Outcome:
    status = np.where(tau > 0, np.int8(Status.ok), np.int8(Status.below_data_variance))
    status = np.where(equal, np.int8(Status.no_transition), status)
    status = np.where(finite, status, np.int8(Status.failed))
    void = equal | ~finite
    return _with_lead(Outcome(np.where(void, np.nan, tau), status), lead)


def _with_lead(outcome: Outcome, lead: tuple[int, ...]) -> Outcome:
    return Outcome(*(np.broadcast_to(a, lead) for a in outcome))
