"""The score's Jacobian at the weighted mean, and its expansion in ``1/v``, (88)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.gaussian.geometry import centred, decompose
from scoreshock.kernels.speciation import series


class Terms(NamedTuple):
    """Weighted mean (..., n), terms of the Jacobian (..., order, n, n) and of the leading eigenvalue (..., order)."""

    weighted_mean: np.ndarray
    jacobian_term: np.ndarray
    eigenvalue_term: np.ndarray


class MeanJacobian(NamedTuple):
    """Jacobian (..., n, n), its expansion through each order (..., order, n, n), and the status of either."""

    score_jacobian: np.ndarray
    score_status: np.ndarray
    jacobian_through: np.ndarray
    order_status: np.ndarray


def terms(means: np.ndarray, weights: np.ndarray, order: int) -> Terms:
    """Coefficients of the expansion, of mixtures with ``means (..., k, n)`` and ``weights (..., k)``.

    Examples
    --------
    >>> terms(np.array([[-1.0], [1.0]]), np.array([0.25, 0.75]), 2).jacobian_term.ravel().tolist()
    [0.75, -0.375, -0.046875]
    """
    mean = means[..., 0, :] - centred(means, weights)[..., 0, :]
    branch = series.corrections(decompose(means, weights), weights, np.zeros(()), order).lambda_series
    return Terms(mean, series.jacobian_terms(means, weights, order), branch)


def mean_jacobian(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, jacobian_term: np.ndarray
) -> MeanJacobian:
    """The Jacobian in closed form and by the sums of the coefficients ``jacobian_term`` over powers of v.

    ``singular`` where ``v = 0``, ``diverged`` where a sum is beyond floating point.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.array([0.5, 0.5])
    >>> mean_jacobian(*pair, np.array(0.0), np.array(1.0), terms(*pair, 0).jacobian_term).jacobian_through.ravel().tolist()
    [-0.25]
    """
    offset = centred(means, weights)
    exact = mixture.score_jacobian(np.zeros(offset.shape[-1]), offset, weights, variance, tau)
    v = variance + 2 * tau
    v = np.where(v > 0, v, np.nan)[..., None, None]
    total, through = -np.eye(offset.shape[-1]) / v, []
    for n in range(jacobian_term.shape[-3]):
        term = jacobian_term[..., n, :, :]
        total = total + np.where(term == 0, 0.0, term / v ** (n + 2))
        through.append(total)
    partial = np.stack(through, axis=-3)
    finite = np.asarray(np.isfinite(partial).all(axis=(-2, -1)))
    void = np.isnan(v[..., 0, 0])
    order_status = np.where(finite, Status.ok, np.where(void, Status.singular, Status.diverged)[..., None])
    partial = np.where(finite[..., None, None], partial, np.nan)
    return MeanJacobian(exact, np.where(void, Status.singular, Status.ok), partial, order_status)
