"""Vorticity of a mixture's score or of any field, and the residual of its equation, by closed forms or by differences."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.burgers.differences import Field, derivatives, mixture_field, vorticity_field_terms
from scoreshock.kernels.burgers.forms import status_of
from scoreshock.kernels.burgers.vorticity import VorticityTerms, vorticity
from scoreshock.kernels.gaussian import mixture


class Rotation(NamedTuple):
    """Vorticity and Jacobian (..., n, n), their largest entries, and a bound on the error of the vorticity's, (...)."""

    vorticity: np.ndarray
    score_jacobian: np.ndarray
    vorticity_largest: np.ndarray
    vorticity_relative: np.ndarray  # over the largest entry of the Jacobian
    vorticity_error: np.ndarray


def of_jacobian(tau: np.ndarray, x: np.ndarray, jacobian: Field) -> Rotation:
    """Vorticity at ``x (..., n)`` and ``tau (...)`` of a field whose Jacobian is a function.

    Examples
    --------
    >>> of_jacobian(np.array(1.0), np.zeros(2), lambda x, tau: np.array([[0.0, -1.0], [1.0, 0.0]])).vorticity.tolist()
    [[0.0, 2.0], [-2.0, 0.0]]
    """
    return _rotation(np.asarray(jacobian(*_together(x, tau)), dtype=float), np.nan)


def by_differences(length: np.ndarray, tau: np.ndarray, x: np.ndarray, field: Field, precision: float) -> Rotation:
    """Vorticity of any field by differences with steps as in `derivatives`; ``length`` is 1 where it is NaN."""
    result = derivatives(field, x, tau, np.where(np.isnan(length), 1.0, length), None, precision)
    error = (result.gradient_error + result.gradient_error.swapaxes(-1, -2)).max(axis=(-2, -1))
    return _rotation(result.gradient, error)


def of_mixture(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, x: np.ndarray) -> Rotation:
    """Vorticity of a mixture's score, which is zero: its Jacobian is symmetric, bitwise."""
    return _rotation(mixture.score_jacobian(x, means, weights, variance, tau), np.nan)


def of_mixture_by_differences(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    length: np.ndarray,
    tau: np.ndarray,
    x: np.ndarray,
    precision: float,
) -> Rotation:
    """As `by_differences`, of a mixture's score."""
    score, x, _, length = mixture_field(means, weights, variance, tau, x, length)
    return by_differences(length, tau, x, score, precision)


def residual(
    tau: np.ndarray,
    x: np.ndarray,
    field: Field,
    jacobian: Field,
    factor: float,
    length: Any,
    duration: Any,
    precision: float,
    v: Any = 1.0,
) -> VorticityTerms:
    """Residual of the vorticity equation (68) with ``factor`` as in `vorticity_terms`; the vorticity by its Jacobian."""
    x, tau = _together(x, tau)

    def omega(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        matrix = vorticity(jacobian(x, tau))
        return np.broadcast_to(matrix, x.shape + x.shape[-1:]).reshape(*x.shape[:-1], -1)

    result = derivatives(omega, x, tau, length, duration, precision)
    value, matrix = np.asarray(field(x, tau), dtype=float), np.asarray(jacobian(x, tau), dtype=float)
    terms = vorticity_field_terms(value, matrix, result, factor)
    return terms._replace(residual_status=status_of(terms, v, tau, needs_earlier=True))


def mixture_residual(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, x: np.ndarray, **options: Any
) -> VorticityTerms:
    """As `residual`, of a mixture's score."""
    score, x, v, _ = mixture_field(means, weights, variance, tau, x, np.nan)

    def jacobian(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return mixture.score_jacobian(x, means, weights, variance, tau)

    return residual(tau, x, field=score, jacobian=jacobian, v=v, **options)


def _rotation(jacobian: np.ndarray, error: Any) -> Rotation:
    omega = vorticity(jacobian)
    largest = np.abs(omega).max(axis=(-2, -1))
    scale = np.abs(jacobian).max(axis=(-2, -1))
    relative = np.where(largest == 0, np.where(np.isnan(scale), np.nan, 0.0), largest / scale)
    return Rotation(omega, jacobian, largest, relative, error)


def _together(x: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and times over their common shape."""
    shape = np.broadcast_shapes(x.shape[:-1], tau.shape)
    return np.broadcast_to(x, shape + x.shape[-1:]), np.broadcast_to(tau, shape)
