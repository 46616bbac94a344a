"""Geometry of a mixture's means: everything that a criterion needs, in the eigenbasis of the between-class covariance.

Notation as in the paper, section 9: ``D_k = |mu_k - mubar|^2``, ``Sigma_B`` the between-class covariance,
``lambda_j, v_j`` its eigenpairs, ``y_kj = v_j . (mu_k - mubar)``. Only inner products of the means matter, so they are
first reduced to the at most k - 1 coordinates of their span, however many features they have.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

DEGENERATE = 1e-10
"""Eigenvalues closer than this fraction of the largest are one eigenspace: far above rounding (1e-15), far below any
gap that a correction could resolve."""

RANK = 4 * np.finfo(float).eps
"""Singular values below this fraction (times k) of the largest are rounding, and count as zero."""


class Geometry(NamedTuple):
    """Centred means in the eigenbasis of their between-class covariance, leading dimensions broadcast.

    ``eigenvalues (..., m)`` descending, ``coordinates (..., k, m)`` the ``y_kj``, ``distances (..., k)`` the ``D_k``;
    ``m = min(k - 1, n)``, at least 1.
    """

    eigenvalues: np.ndarray
    coordinates: np.ndarray
    distances: np.ndarray


def span(means: np.ndarray) -> np.ndarray:
    """Means relative to the first, in at most ``max(1, k - 1)`` orthonormal coordinates of their own span.

    An exact isometry (Householder QR of the differences), (..., k, n) -> (..., k, min(n, max(1, k - 1))).
    """
    k, n = means.shape[-2:]
    difference = means - means[..., :1, :]
    if n <= max(1, k - 1):
        return difference
    if k == 1:
        return difference[..., :1]
    triangle = np.linalg.qr(np.swapaxes(difference[..., 1:, :], -1, -2), mode="r")
    rows = np.swapaxes(triangle, -1, -2)
    return np.concatenate([np.zeros_like(rows[..., :1, :]), rows], axis=-2)


def half_distance(means: np.ndarray) -> np.ndarray:
    """Half the distance of the two means of a pair, ``a`` (...)."""
    return np.abs(span(means)[..., 1, 0]) / 2


def centred(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Means minus their weighted mean, (..., k, n).

    ``sum_j w_j (mu_i - mu_j)`` keeps all digits under any offset and for any outlier, and exact symmetries stay exact.
    """
    offset = np.zeros((*np.broadcast_shapes(means.shape[:-2], weights.shape[:-1]), *means.shape[-2:]))
    for j in range(means.shape[-2]):
        offset += weights[..., j, None, None] * (means - means[..., j, None, :])
    return offset


def decompose(means: np.ndarray, weights: np.ndarray) -> Geometry:
    """Eigenpairs of ``Sigma_B`` and the means' coordinates in them, (15) and section 9.1.

    ``means (..., k, n)``, ``weights (..., k)`` positive, summing to one. Singular values of ``sqrt(w) (mu - mubar)`` are
    taken rather than eigenvalues of a product, so that the small levels of a hierarchy keep their digits; the
    coordinates are a rotation of the means, exact also for a component of tiny weight.
    """
    offset = centred(span(means), weights)
    k, m = offset.shape[-2:]
    distances = offset[..., 0] ** 2
    for i in range(1, m):
        distances = distances + offset[..., i] ** 2
    if m == 1:
        values = weights[..., 0, None] * offset[..., 0, :] ** 2
        for j in range(1, k):
            values = values + weights[..., j, None] * offset[..., j, :] ** 2
        return Geometry(values, offset, distances)
    singular, vectors = np.linalg.svd(np.sqrt(weights)[..., None] * offset, full_matrices=False)[1:]
    coordinates = offset[..., 0, None] * vectors[..., None, :, 0]
    for i in range(1, m):
        coordinates = coordinates + offset[..., i, None] * vectors[..., None, :, i]
    resolved = singular > k * RANK * singular[..., :1]
    return Geometry(np.where(resolved, singular, 0.0) ** 2, coordinates, distances)


def leading_space(eigenvalues: np.ndarray) -> np.ndarray:
    """Which eigenvalues (..., m) belong to the eigenspace of the largest, within :data:`DEGENERATE`."""
    return eigenvalues >= eigenvalues[..., :1] * (1 - DEGENERATE)


def normalised(geometry: Geometry) -> tuple[Geometry, np.ndarray]:
    """The geometry in units where the farthest mean is at a distance in [1/2, 1), and the exponent e (...) of that unit.

    Lengths are divided by ``2**e``, which is exact, so that powers of them neither overflow nor underflow.
    """
    unit = np.frexp(np.sqrt(geometry.distances.max(axis=-1)))[1]
    return Geometry(
        np.ldexp(geometry.eigenvalues, -2 * unit[..., None]),
        np.ldexp(geometry.coordinates, -unit[..., None, None]),
        np.ldexp(geometry.distances, -2 * unit[..., None]),
    ), unit


def core_first(array: np.ndarray, core: int, lead: tuple[int, ...]) -> np.ndarray:
    """The last ``core`` axes in front and all leading ones, broadcast to ``lead``, flattened to one contiguous batch."""
    own = array.shape[array.ndim - core :]
    full = np.broadcast_to(array, (*lead, *own)).reshape(-1, *own)
    return np.ascontiguousarray(np.moveaxis(full, 0, -1))


def deviation(distances: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``Dbar - D_k`` from pairwise differences, exactly zero where all are equal; components first, (k, B)."""
    total = np.zeros_like(distances)
    for j in range(distances.shape[0]):
        total += weights[j] * (distances[j] - distances)
    return total
