"""Mixtures seen from the mean nearest to the weighted mean, as the search of their roots takes them, with its ties."""

from __future__ import annotations

import numpy as np

from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.root_isolation import Points
from scoreshock.kernels.numerics.vectors import contracted, lengths

TIE = 64 * np.finfo(float).eps
"""Distances to the weighted mean that differ by less than their rounding are equal: a tie of the nearest means decides
whether the number of roots is odd. This is the rounding of their computation, relative to the differences of the means."""

TIE_INPUT = 8 * np.finfo(float).eps
"""The same for the rounding of the means themselves, relative to their size."""


def from_nearest(
    delta: np.ndarray, weights: np.ndarray, magnitude: np.ndarray
) -> tuple[Points, np.ndarray, np.ndarray, np.ndarray]:
    """Points in units of a power of two near the means' extent, with the nearest mean as their origin.

    The origin keeps the digits of small differences of distances.

    Parameters
    ----------
    delta : (n, k, P)
        Means relative to one of them.
    weights : (k, P)
    magnitude : (P,)
        Largest coordinate of the means themselves, whose rounding ties are measured by.

    Returns
    -------
    points : Points
        The other means, in coordinates of their span.
    weights : (k - 1, P)
        Of those means.
    distance : (k - 1, P)
        Their squared distance from the nearest.
    scale : (P,)
        The unit is ``2**scale``; zero for points that are not finite or whose means are all equal.

    Examples
    --------
    >>> delta, weights = np.array([[[0.0], [4.0], [10.0]]]), np.array([[0.25], [0.5], [0.25]])
    >>> points, _, distance, scale = from_nearest(delta, weights, np.array([10.0]))
    >>> points.x.ravel().tolist(), distance.ravel().tolist(), scale.tolist()  # the mean at 4 is nearest to 4.5
    ([-0.25, 0.375], [0.0625, 0.140625], [4])
    """
    _, k, size = delta.shape
    index = np.arange(size)
    extent = np.max(np.abs(delta), axis=(0, 1))
    usable = np.isfinite(extent) & (extent > 0)
    scale = np.where(usable, np.frexp(np.where(usable, extent, 1.0))[1], 0)
    delta, weights = np.ascontiguousarray(np.ldexp(delta, -scale)), np.ascontiguousarray(weights)
    nearest = np.argmin(_distances(delta, weights)[1], axis=0)
    others = np.arange(1, k)[:, None] - (np.arange(1, k)[:, None] <= nearest)
    delta = np.ascontiguousarray(delta[:, others, index]) - delta[:, nearest, index][:, None]
    first, weights = weights[nearest, index], np.ascontiguousarray(weights[others, index])
    delta = _reduced(delta)
    distance, gap = _distances(delta, weights)
    length = np.sqrt(distance)
    reach = np.ldexp(magnitude, -scale) * (TIE_INPUT / TIE) + 2 * total(weights * length)
    gap[gap <= TIE * length * (length + reach)] = 0.0
    return Points(delta, gap, np.log(weights) - np.log(first)), weights, distance, scale


def untied_end(points: Points, distance: np.ndarray) -> np.ndarray:
    """A ``y`` (P,) beyond which each mean that does not tie with the nearest adds at most ``1/(2 y q)`` to Gamma's trace.

    ``distance (q, P)`` as from :func:`from_nearest`; zero where all tie.
    """
    q = points.x.shape[1]
    # y gap = z solves z - ln z = c, from above.
    c = np.log(2.0 * q * distance / points.gap) + points.log_ratio
    z = np.maximum(1.0, 2 * (c - 0.3))
    for _ in range(3):
        z = np.maximum(1.0, c + np.log(z))
    end: np.ndarray = np.where(points.gap > 0, z / points.gap, 0.0).max(axis=0)
    return end


def _distances(delta: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``|delta_j|^2`` and ``|delta_j - mean|^2 - |mean|^2`` of ``delta (n, q, P)``, weights ``w (q, P)``; both (q, P)."""
    mean = contracted("iqp,qp->ip", delta, w)
    return contracted("iqp,iqp->qp", delta, delta), contracted("iqp,iqp->qp", delta, delta - 2 * mean[:, None])


def _reduced(delta: np.ndarray) -> np.ndarray:
    """The same vectors in coordinates of their span where that saves any: columns of R in delta = QR.

    Modified Gram-Schmidt yields R as exactly as reflections do, each column relative to its length.
    """
    n, q, size = delta.shape
    if n <= q:
        return delta
    rest, triangle = delta.copy(), np.zeros((q, q, size))
    for j in range(q):
        length = lengths(rest[:, j])
        unit = rest[:, j] / np.where(length > 0, length, 1.0)
        triangle[j, j] = length
        triangle[j, j + 1 :] = contracted("ip,iqp->qp", unit, rest[:, j + 1 :])
        rest[:, j + 1 :] -= unit[:, None] * triangle[j, j + 1 :]
    return triangle
