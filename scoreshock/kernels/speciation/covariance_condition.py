"""The sign of the first correction and the condition of Proposition 9.8."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.kernels.gaussian import geometry
from scoreshock.kernels.numerics.batching import core_first
from scoreshock.kernels.speciation.criteria import correction_coefficient

SIGN = 64 * np.finfo(float).eps
"""A covariance below this, relative to the sum of its terms' magnitudes, is zero within rounding."""


class CovarianceCondition(NamedTuple):
    """The condition, its parts, and whether the proposition holds; (...) each."""

    covariance_coefficient: np.ndarray
    perpendicular_covariance: np.ndarray
    covariance_sign: np.ndarray
    collinear: np.ndarray
    equal_distances: np.ndarray
    condition_holds: np.ndarray
    proposition_holds: np.ndarray


def covariance_condition(means: np.ndarray, weights: np.ndarray) -> CovarianceCondition:
    """Whether ``Cov_w(|mu_perp|^2, y^2) >= 0``, and then ``C <= 0``, of ``means (..., k, n)`` and ``weights (..., k)``.

    ``C = -Var_w(y^2) - Cov_w(|mu_perp|^2, y^2)`` with y the means' positions along the leading direction. Signs are 0
    within rounding. Proposition 9.8.

    Examples
    --------
    >>> line = covariance_condition(np.array([[-3.0], [0.0], [1.0]]), np.full(3, 1 / 3))
    >>> int(line.covariance_sign), int(line.collinear), int(line.proposition_holds)
    (-1, 1, 1)
    """
    spectrum = geometry.decompose(means, weights)
    unit, e = geometry.normalised(spectrum)
    lead = unit.eigenvalues.shape[:-1]
    w, d = core_first(weights, 1, lead), core_first(unit.distances, 1, lead)
    squares = core_first(geometry.along_leading(unit, weights), 1, lead) ** 2
    across, sign_across = _covariance(w, np.maximum(d - squares, 0.0), squares)
    _, sign_all = _covariance(w, d, squares)
    on_line = (unit.eigenvalues[..., 1:] == 0).all(axis=-1).reshape(-1)
    sign_across, across = np.where(on_line, 0, sign_across), np.where(on_line, 0.0, across)
    equal = np.abs(geometry.deviation(d, w)).max(axis=0) <= SIGN * d.max(axis=0)
    sign = np.where(equal, 0, -sign_all)
    holds = sign_across >= 0
    proposition = np.where(holds, sign <= 0, -1)
    scaled = np.ldexp(across.reshape(lead), 4 * e)
    flags = [column.reshape(lead).astype(np.int8) for column in (sign, on_line, equal, holds, proposition)]
    return CovarianceCondition(correction_coefficient(spectrum, weights), scaled, *flags)


def _covariance(w: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of ``a`` and ``b (k, B)`` under the weights, and its sign, 0 within rounding."""
    deviation = -geometry.deviation(a, w)
    total, size = np.zeros(a.shape[1]), np.zeros(a.shape[1])
    for j in range(len(w)):
        total = total + w[j] * deviation[j] * b[j]
        size = size + w[j] * (np.abs(a[j]) + np.abs(deviation[j])) * b[j]
    return total, np.where(np.abs(total) <= SIGN * size, 0, np.sign(total)).astype(np.int64)
