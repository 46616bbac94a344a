"""Geometry of a mixture's means: everything that a criterion needs, in the eigenbasis of the between-class covariance.

Notation as in the paper, section 9: ``D_k = |mu_k - mubar|^2``, ``Sigma_B`` the between-class covariance,
``lambda_j, v_j`` its eigenpairs, ``y_kj = v_j . (mu_k - mubar)``. Only inner products of the means matter, so they are
first reduced to the at most k - 1 coordinates of their span, however many features they have.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.batching import core_first
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.vectors import dot, inner

DEGENERATE = 1e-10
"""Eigenvalues closer than this fraction of the largest are one eigenspace: far above rounding (1e-15), far below any
gap that a correction could resolve."""

NO_SIDE = 1e-8
"""A mean whose coordinate along a direction is below this fraction of the farthest mean's lies on neither side of 0."""

RANK = 4 * np.finfo(float).eps
"""Singular values below this fraction (times k) of the largest are rounding, and are set to zero."""


class Geometry(NamedTuple):
    """Centred means in the eigenbasis of their between-class covariance, leading dimensions broadcast.

    ``eigenvalues (..., m)`` descending, ``coordinates (..., k, m)`` the ``y_kj``, ``distances (..., k)`` the ``D_k``;
    ``m = min(k - 1, n)``, at least 1.
    """

    eigenvalues: np.ndarray
    coordinates: np.ndarray
    distances: np.ndarray


def span(means: np.ndarray) -> np.ndarray:
    """Means relative to the first, in at most ``max(1, k - 1)`` orthonormal coordinates of their span.

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
    shifted = (weights[..., j, None, None] * (means - means[..., j, None, :]) for j in range(means.shape[-2]))
    return reduce(np.add, shifted)


def decompose(means: np.ndarray, weights: np.ndarray) -> Geometry:
    """Eigenpairs of ``Sigma_B`` and the means' coordinates in them, (15) and section 9.1.

    ``means (..., k, n)``, ``weights (..., k)`` positive, summing to one. Singular values of ``sqrt(w) (mu - mubar)`` are
    taken rather than eigenvalues of a product, so that the small levels of a hierarchy keep their digits; the
    coordinates are a rotation of the means, exact also for a component of tiny weight.
    """
    offset = centred(span(means), weights)
    k, m = offset.shape[-2:]
    distances = dot(offset, offset)
    if m == 1:
        return Geometry(_inner(weights[..., None], offset**2), offset, distances)
    singular, vectors = np.linalg.svd(np.sqrt(weights)[..., None] * offset, full_matrices=False)[1:]
    coordinates = dot(offset[..., None, :], vectors[..., None, :, :])
    resolved = singular > k * RANK * singular[..., :1]
    return Geometry(np.where(resolved, singular, 0.0) ** 2, coordinates, distances)


def leading_space(eigenvalues: np.ndarray) -> np.ndarray:
    """Which eigenvalues (..., m) belong to the eigenspace of the largest, within :data:`DEGENERATE`."""
    return eigenvalues >= eigenvalues[..., :1] * (1 - DEGENERATE)


def leading_direction(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Unit vector (..., n) along which a mixture's means spread most: the leading eigenvector of ``Sigma_B``.

    Parameters
    ----------
    means, weights
        (..., k, n) and (..., k).

    Returns
    -------
    array (..., n)
        Of a pair from the first mean to the second. Else its entry of largest size (of several the first) is positive. The
        first axis where all means are equal.

    Notes
    -----
    Where the largest eigenvalue is degenerate within :data:`DEGENERATE`, it is the leading eigenvector of
    ``Dbar Sigma_B - Sigma_D`` on that eigenspace (section 9.1, as for C). Where that is degenerate too, as for regular
    polygons and simplices, it is the direction between the weighted sums of two sides of components. Each component in turn
    joins the side towards which it lies, the second where it lies towards neither; then sides and direction are computed
    again until they agree. So it depends on the order of components there, and nowhere else.

    Examples
    --------
    A square falls into two halves, whose layer is flat, and a triangle into one vertex and the other two.

    >>> square = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    >>> leading_direction(square, np.full(4, 0.25)).round(6).tolist()
    [0.707107, -0.707107]
    """
    if means.shape[-2] == 2:
        return _unit(means[..., 1, :] - means[..., 0, :])
    offset = _scaled(centred(means, weights), 2)
    share = weights * along_leading(decompose(offset, weights), weights)
    vector = _inner(share[..., None], offset)
    size = np.abs(vector)
    first = (size >= (1 - NO_SIDE) * size.max(axis=-1)[..., None]).argmax(axis=-1)[..., None]
    return _unit(np.where(np.take_along_axis(vector, first, axis=-1) < 0, -vector, vector))


def along_leading(geometry: Geometry, weights: np.ndarray) -> np.ndarray:
    """Coordinates (..., k) of the centred means along :func:`leading_direction`, up to one sign for all."""
    unit, e = normalised(geometry)
    lead = unit.eigenvalues.shape[:-1]
    y, space = core_first(unit.coordinates, 2, lead), core_first(leading_space(unit.eigenvalues), 1, lead)
    along = y[:, 0].copy()
    tied = np.flatnonzero((space.sum(axis=0) > 1) & (np.abs(y).max(axis=(0, 1)) > 0))
    if tied.size:
        w, d = core_first(weights, 1, lead)[:, tied], core_first(unit.distances, 1, lead)[:, tied]
        largest = core_first(unit.eigenvalues[..., 0], 0, lead)[tied]
        along[:, tied] = _along_tied(space[:, tied], w, d, y[:, :, tied], DEGENERATE * largest * d.max(axis=0))
    return np.ldexp(np.moveaxis(along, -1, 0).reshape(*lead, -1), e[..., None])


def correction_on(space: np.ndarray, w: np.ndarray, d: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenpairs, descending, of ``Dbar Sigma_B - Sigma_D`` on the coordinates marked in ``space``, as `masked_eigh`."""
    inside = y * space
    weighted = (w * deviation(d, w))[:, None] * inside
    return masked_eigh(inner(weighted[:, :, None], inside[:, None]), space)


def _along_tied(space: np.ndarray, w: np.ndarray, d: np.ndarray, y: np.ndarray, tie: np.ndarray) -> np.ndarray:
    """Coordinates (k, B) in degenerate leading eigenspaces; eigenvalues of the correction within ``tie`` (B,) are one."""
    values, vectors = correction_on(space, w, d, y)
    best = (values >= values[0] - tie) & (np.arange(len(space))[:, None] < space.sum(axis=0))
    z = inner((y * space).swapaxes(0, 1)[:, :, None], (vectors * best)[:, None])
    return _inner(z, _between_sides(z, w))


def _between_sides(z: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Unit vector (m, B) between the sums of two sides of the means ``z (k, m, B)``, see :func:`leading_direction`."""
    reach = NO_SIDE * np.sqrt(_inner(z, z).max(axis=0))
    weighted = w[:, None] * z

    def side(mean: np.ndarray, total: np.ndarray) -> np.ndarray:
        return np.where(_inner(mean, total) > reach * np.sqrt(_inner(total, total)), 1.0, -1.0)

    total = weighted[0]
    for j in range(1, len(z)):
        total = total + side(z[j], total) * weighted[j]
    sides = np.zeros_like(w)
    for _ in range(len(z)):
        before, sides = sides, side(z, total)
        if (sides == before).all():
            break
        total = inner(sides, weighted)
    return total / np.sqrt(_inner(total, total))


def _inner(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Inner product over the axis before the last, summed in a fixed order."""
    return inner(np.moveaxis(a, -2, 0), np.moveaxis(b, -2, 0))


def _scaled(array: np.ndarray, core: int) -> np.ndarray:
    """The array over a power of two near the largest of its last ``core`` axes, so that squares of it stay in range."""
    largest = np.abs(array).max(axis=tuple(range(-core, 0)), keepdims=True)
    return np.ldexp(array, -np.frexp(largest)[1])


def _unit(vector: np.ndarray) -> np.ndarray:
    """The vectors (..., n) over their length; the first axis where that is 0."""
    scaled = _scaled(vector, 1)
    length = np.sqrt(dot(scaled, scaled))[..., None]
    return np.where(length > 0, scaled / np.where(length > 0, length, 1.0), np.eye(1, vector.shape[-1])[0])


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


def deviation(distances: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``Dbar - D_k`` from pairwise differences, exactly zero where all are equal; components first, (k, B)."""
    return reduce(np.add, (weights[j] * (distances[j] - distances) for j in range(len(weights))))


def masked_eigh(matrix: np.ndarray, space: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenpairs, descending, of symmetric ``matrix (m, m, B)`` that is zero outside ``space (m, B)``.

    Directions outside come last: their diagonal is set below every eigenvalue inside. Values (m, B), vectors (m, m, B).
    """
    bound = total(total(np.abs(matrix)))
    shifted = matrix.copy()
    np.einsum("iib->ib", shifted)[...] -= np.where(space, 0.0, 2 * bound + np.finfo(float).tiny)
    values, vectors = np.linalg.eigh(np.ascontiguousarray(np.moveaxis(shifted, -1, 0)))
    return np.moveaxis(values[:, ::-1], 0, -1), np.moveaxis(vectors[:, :, ::-1], 0, -1)
