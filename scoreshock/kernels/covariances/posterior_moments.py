"""Moments of the components' means and scores under the posterior, in the layout of a block of `points`."""

from __future__ import annotations

import numpy as np

from scoreshock.kernels.covariances.points import Noisy, Points, across, onto, over_components, precise
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import BLOCK


def applied(p: Points, at: Noisy, vectors: np.ndarray) -> np.ndarray:
    """``P_k vector``, (n, M, k, W)."""
    if p.eigenvalues is None:
        return vectors / at.floor
    coordinates = onto(p, vectors)
    return precise(p, at, coordinates, vectors if p.complete else vectors - across(p, coordinates))


def mean_deviations(p: Points, r: np.ndarray) -> np.ndarray:
    """Means relative to the posterior mean, (n, M, k, W), by differences of means."""
    leader = np.take_along_axis(p.means, r.argmax(axis=-2)[None, :, None], axis=2)
    steps = p.means - leader
    return steps - over_components(r * steps)[:, :, None]


def outer_sum(r: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """``sum_k r_k vector_k vector_k'`` by one matrix product a point, (n, n, M, W)."""
    rows, weighted = (np.ascontiguousarray(a.transpose(1, 3, 2, 0)) for a in (vectors, r * vectors))
    return _symmetric(np.swapaxes(weighted, -1, -2) @ rows)


def weighted_matrices(p: Points, r: np.ndarray, floor: np.ndarray, along: np.ndarray | None) -> np.ndarray:
    """``sum_k r_k [floor_k (I - sum_r u u') + sum_r along_kr u u']``, (n, n, M, W)."""
    n = len(p.x)
    unit = np.eye(n)[:, :, None, None]
    if along is None:
        return over_components(r * floor) * unit
    if p.directions is None:
        return over_components(r * along)[:, None] * unit
    c = r * (along if p.complete else along - floor)
    rows = p.directions
    c = over_components(c)[:, :, None] if rows.shape[1] == 1 else np.broadcast_to(c, (len(c), *r.shape))
    rows = rows.reshape(len(rows), 1, -1, n)  # (M, 1, k r, n)
    c = c.transpose(1, 3, 2, 0).reshape(rows.shape[0], -1, rows.shape[2], 1)
    products = np.empty((*c.shape[:2], n, n))
    for at in slices(c.shape[1], 2 * BLOCK // (len(rows) * rows[0].size)):
        # A square of positive terms is half the work.
        weighted = np.sqrt(c[:, at]) * rows if p.complete else c[:, at] * rows
        np.matmul(np.swapaxes(weighted if p.complete else rows, -1, -2), weighted, out=products[:, at])
    matrix = _symmetric(products)
    return matrix if p.complete else matrix + over_components(r * floor) * unit


def _symmetric(matrices: np.ndarray) -> np.ndarray:
    """(M, W, n, n) -> (n, n, M, W), bitwise symmetric."""
    return np.moveaxis(0.5 * (matrices + np.swapaxes(matrices, -1, -2)), (0, 1), (-2, -1))


def score_deviations(p: Points, at: Noisy, r: np.ndarray) -> np.ndarray:
    """Scores of the components relative to that of all, ``g_k - s``, (n, M, k, W); of one covariance, from the means."""
    if p.shared:
        return applied(p, at, mean_deviations(p, r))
    g = precise(p, at, at.coordinates, at.rest)
    return g - over_components(r * g)[:, :, None]


def resolved(p: Points, at: Noisy, r: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, M, k, W) times the inverse of the mean precision ``A = sum_k r_k P_k``."""
    if at.along is None:
        return vectors / over_components(r / at.floor)[:, None]
    if p.directions is None:
        return vectors / over_components(r / at.along)[:, :, None]
    a = np.moveaxis(weighted_matrices(p, r, 1 / at.floor, 1 / at.along), (0, 1), (-2, -1))
    exists = np.isfinite(a).all(axis=(-1, -2))[..., None, None]
    unit = np.eye(len(p.x))
    a = np.where(exists, a, unit)
    # To a diagonal of one, and no nearer to a singular matrix than rounding.
    scale = 1 / np.sqrt(np.diagonal(a, axis1=-2, axis2=-1))[..., None]
    a = scale * a * np.swapaxes(scale, -1, -2) + 8 * np.finfo(float).eps * unit
    solved = scale * np.linalg.solve(a, scale * vectors.transpose(1, 3, 0, 2))
    return np.where(exists, solved, np.nan).transpose(2, 0, 3, 1)
