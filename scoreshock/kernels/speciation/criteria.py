"""Closed-form speciation criteria: leading, first, quadratic, spectral, boundary, and the cascade of levels.

Notation of the paper, section 9: ``v = sigma0^2 + 2 tau``, ``lambda_1 >= lambda_2 ...`` eigenvalues of the between-class
covariance, ``C`` the correction coefficient of Definition 9.6. Each criterion returns ``(tau, status)`` of the broadcast
leading shape. A time ``tau <= 0`` (critical variance at or below ``sigma0^2``) keeps its value beside
``below_data_variance``; equal means (``lambda_1 = 0``) are ``no_transition`` with NaN. ``first`` and ``quadratic`` follow
the branch that starts at ``lambda_1``; the exact criterion may take another.
"""

from __future__ import annotations

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import (
    Geometry,
    core_first,
    correction_on,
    deviation,
    half_distance,
    leading_space,
    normalised,
)

ROUNDING = 64 * np.finfo(float).eps
"""Relative size below which the discriminant of the quadratic is rounding: some ten operations on each of its terms."""


def leading(spectrum: Geometry, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Speciation time to leading order, ``tau = (lambda_1 - sigma0^2)/2``, Theorem (77).

    Parameters
    ----------
    spectrum
        Of the means and weights, leading shape (...), see :func:`scoreshock.kernels.gaussian.geometry.decompose`.
    variance
        Component variance sigma0^2 >= 0, (...).

    Returns
    -------
    tau, status
        Diffusion times and ``Status`` codes: ``ok``, ``below_data_variance`` (value kept), ``no_transition``.

    Notes
    -----
    Exact where all distances ``D_k`` are equal (Corollary 9.3).

    Examples
    --------
    >>> import numpy as np
    >>> from scoreshock.kernels.gaussian.geometry import decompose
    >>> pair = decompose(np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]))
    >>> float(leading(pair, np.array(0.09))[0])
    0.455
    """
    return outcome(_positive(spectrum.eigenvalues[..., 0]), variance)


def cascade(spectrum: Geometry, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leading-order time of every level, ``tau_j = (lambda_j - sigma0^2)/2``, (77): ``(tau, status)``, each (..., m).

    An eigenvalue that is zero (fewer directions than places) is ``no_transition``, one at or below sigma0^2
    ``below_data_variance`` with its value.
    """
    return outcome(_positive(spectrum.eigenvalues), np.asarray(variance)[..., None])


def first(spectrum: Geometry, weights: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Speciation time to first order, ``tau = (lambda_1 - sigma0^2)/2 + C/(4 lambda_1)``, (92).

    Parameters
    ----------
    spectrum
        Of the means and weights, leading shape (...).
    weights
        Component weights, (..., k).
    variance
        Component variance sigma0^2 >= 0, (...).

    Returns
    -------
    tau, status
        As for :func:`leading`. A very negative C can make the critical variance itself negative: ``below_data_variance``
        too.

    Notes
    -----
    The expansion has no small parameter: ``v*/lambda_1`` does not depend on scale. It improves as the ``D_k`` become equal.
    """
    unit, e = normalised(spectrum)
    return outcome(np.ldexp(_positive(unit.eigenvalues[..., 0]) + first_term(unit, weights), 2 * e), variance)


def quadratic(spectrum: Geometry, weights: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Speciation time from ``v^2 = lambda_1 v + C/2``: ``v* = (lambda_1 + sqrt(lambda_1^2 + 2C))/2``, (93).

    Parameters as for :func:`first`. ``no_real_root`` with NaN where ``lambda_1^2 + 2C < 0``; within rounding of zero it is
    zero (three equal weights on a line have it identically).
    """
    unit, e = normalised(spectrum)
    eigenvalue = _positive(unit.eigenvalues[..., 0])
    coefficient = _coefficient(unit, weights)
    discriminant = eigenvalue**2 + 2 * coefficient
    rounding = ROUNDING * (eigenvalue**2 + 2 * np.abs(coefficient))
    discriminant = np.where(np.abs(discriminant) <= rounding, 0.0, discriminant)
    with np.errstate(invalid="ignore"):
        root = np.sqrt(discriminant)
    tau, status = outcome(np.ldexp((eigenvalue + root) / 2, 2 * e), variance)
    unreal = np.broadcast_to(discriminant < 0, tau.shape)
    return tau, np.where(unreal, np.int8(Status.no_real_root), status)


def spectral(
    spectrum: Geometry, variance: np.ndarray, total_eigenvalue: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Time at which noise matches the total variance, ``tau = (Lambda - 1)/2``.

    Lambda is the largest eigenvalue of the total covariance: ``total_eigenvalue (...)`` of data, whose components are not
    isotropic, ``lambda_1 + sigma0^2`` of a mixture without it. Biroli, Bonnaire, de Bortoli and Mezard (2024):
    ``t_S = ln(Lambda)/2`` for ``dx = -x dt + sqrt(2) dW``. It depends on the units of the data.
    ``Lambda <= 1`` is ``no_transition`` with the value
    kept; equal means are ``no_transition`` with NaN, whatever Lambda: one Gaussian has nothing to separate. An unknown
    ``total_eigenvalue``, NaN, is ``not_applicable``.
    """
    eigenvalue = spectrum.eigenvalues[..., 0]
    tau = ((eigenvalue + variance if total_eigenvalue is None else total_eigenvalue) - 1) / 2
    status = np.where(tau > 0, np.int8(Status.ok), np.int8(Status.no_transition))
    status = np.where(np.isnan(tau), np.int8(Status.not_applicable), status)
    empty = np.broadcast_to(eigenvalue == 0, np.broadcast_shapes(eigenvalue.shape, tau.shape))
    return np.where(empty, np.nan, tau), np.where(empty, np.int8(Status.no_transition), status)


def boundary(means: np.ndarray, weights: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Time at which ``ln p`` becomes convex across the boundary of a pair, ``v* = a^2`` for any weights, (42)-(43).

    ``means (..., 2, n)`` at a distance 2a, ``weights (..., 2)``, ``variance (...)``. It is not the merging of modes, unless
    the weights are equal. Any other number of components is ``not_applicable`` with NaN.

    Examples
    --------
    >>> import numpy as np
    >>> float(boundary(np.array([[0.0], [2.0]]), np.array([0.3, 0.7]), np.array(0.09))[0])
    0.455
    """
    shape = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], np.shape(variance))
    if means.shape[-2] != 2:
        return np.full(shape, np.nan), np.full(shape, Status.not_applicable, dtype=np.int8)
    tau, status = outcome(_positive(half_distance(means) ** 2), variance)
    return np.broadcast_to(tau, shape), np.broadcast_to(status, shape)


def correction_coefficient(spectrum: Geometry, weights: np.ndarray) -> np.ndarray:
    """``C = v_1'(Dbar Sigma_B - Sigma_D) v_1 = -Cov_w(D, y^2)``, Definition 9.6, (...).

    Where ``lambda_1`` is degenerate, ``v_1`` is the leading eigenvector of ``Dbar Sigma_B - Sigma_D`` on its eigenspace and
    C the eigenvalue. In units of length^4; it may overflow where a mean exceeds 1e77, the criteria do not.
    """
    unit, e = normalised(spectrum)
    with np.errstate(over="ignore"):
        return np.ldexp(_coefficient(unit, weights), 4 * e)


def first_term(unit: Geometry, weights: np.ndarray) -> np.ndarray:
    """``c_1 = C/(2 lambda_1)``, the first correction of v*, of a normalised geometry; NaN for equal means."""
    return _coefficient(unit, weights) / (2 * _positive(unit.eigenvalues[..., 0]))


def _coefficient(unit: Geometry, weights: np.ndarray) -> np.ndarray:
    lead = unit.eigenvalues.shape[:-1]
    w, d = core_first(weights, 1, lead), core_first(unit.distances, 1, lead)
    y = core_first(unit.coordinates, 2, lead)
    wd = w * deviation(d, w)
    total = wd[0] * y[0, 0] ** 2
    for j in range(1, len(w)):
        total += wd[j] * y[j, 0] ** 2
    space = core_first(leading_space(unit.eigenvalues), 1, lead)
    tied = np.flatnonzero(space.sum(axis=0) > 1)
    if tied.size:
        total[tied] = correction_on(space[:, tied], w[:, tied], d[:, tied], y[:, :, tied])[0][0]
    return total.reshape(lead)


def outcome(critical: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``tau = (v* - sigma0^2)/2`` and its status; ``critical`` is NaN where there is nothing to separate."""
    tau = (critical - variance) / 2
    status = np.where(tau > 0, np.int8(Status.ok), np.int8(Status.below_data_variance))
    return tau, np.where(np.isnan(tau), np.int8(Status.no_transition), status)


def _positive(eigenvalue: np.ndarray) -> np.ndarray:
    return np.where(eigenvalue > 0, eigenvalue, np.nan)
