r"""Where the number of eigenvalues of ``Gamma(v)`` above v stays the same: bounds on an interval from its two ends.

With ``y = 1/(2v)`` and ``Z = sum_k w_k exp(-y D_k)`` the matrix ``N(y) = Z^2 Gamma = sum_{i<j} w_i w_j exp(-y (D_i + D_j))
(mu_i - mu_j)(mu_i - mu_j)^T`` is a sum of convex exponentials times fixed positive semidefinite matrices. For j > 1 the
logarithm of ``lambda_j(N)`` is not convex, but two bounds hold on an interval ``[y_0, y_1]`` of width h:

* above, by Courant-Fischer: ``lambda_j(N) <= lambda_max(N restricted to v_j, ..., v_m)`` with the eigenvectors at ``y_0``,
  and the logarithm of that is convex, so that it lies below its chord;
* below, as a convex matrix lies above its tangent: ``N(y_0 + d) exp(2 Dbar_0 d) >= Z_0^2 (Gamma_0 + d Gamma_0')``, whose
  least eigenvalue on ``v_1, ..., v_j`` is concave in d.

Eigenvalues descend, so their number above v stays the same when the last one above stays above and the first one below
stays below: two bounds suffice, whatever the number of modes. The first eigenvalue counts as above in any case: it has its
own search (module ``root_isolation``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.kernels.gaussian.geometry import RANK
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.root_isolation import TINY, TOUCH, Points, posterior

RESOLUTION = 64 * np.finfo(float).eps
"""Rounding of an eigenvalue's logarithm, times the ratio of the largest singular value to its own."""

DEFINITE = 0.02
"""Least eigenvalue of the whitened tangent at which the bound from below is worth having."""


def weighted(y: np.ndarray, points: Points) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """``sqrt(r_k) (mu_k - m)``, (P, k, m), the ``D_k - Dbar`` (P, k), Dbar (P,) less the least D, ``ln Z`` (P,)."""
    r, r0, c, mean, log_z = posterior(y, points)
    pull = np.where(r > 0, r * points.gap, 0.0)
    drop = total(pull)
    rows = np.concatenate([(np.sqrt(r0) * -mean)[:, None], np.sqrt(r) * c], axis=1)
    gap = np.concatenate([np.zeros_like(points.gap[:1]), points.gap]) - drop
    return np.ascontiguousarray(rows.transpose(2, 1, 0)), np.ascontiguousarray(gap.T), drop, log_z


class Node(NamedTuple):
    """The spectrum at one y of each point, points first: (P,), (P, m), (P, k, m) or (P, m, m)."""

    y: np.ndarray
    g: np.ndarray  # ln lambda_j - ln v
    log_value: np.ndarray  # ln lambda_j, where it is rounding a bound of it
    touch: np.ndarray  # what |g| may be at a double root
    singular: np.ndarray  # square roots of the eigenvalues
    vectors: np.ndarray  # eigenvectors in columns
    tangent: np.ndarray  # Gamma' whitened by Gamma
    rows: np.ndarray  # sqrt(r_k) (mu_k - m)
    drop: np.ndarray  # Dbar less the least D
    log_z: np.ndarray
    above: np.ndarray  # number of eigenvalues above v, the first counted in any case

    def take(self, index: np.ndarray) -> Node:
        """The points at ``index``."""
        return Node(*(array[index] for array in self))


def node_at(y: np.ndarray, points: Points) -> Node:
    """The spectrum at ``y (P,)`` of each point."""
    rows, gap, drop, log_z = weighted(y, points)
    k, m = rows.shape[1:]
    u, s, vt = np.linalg.svd(rows, full_matrices=False)
    resolved = s > k * RANK * s[:, :1]
    g = np.where(resolved, 2 * np.log(s), np.log(TINY)) + np.log(2 * y)[:, None]
    return Node(
        y=y,
        g=g,
        log_value=2 * np.log(np.maximum(s, k * RANK * s[:, :1])),
        touch=TOUCH + RESOLUTION * np.where(resolved, s[:, :1] / s, 0.0),
        singular=np.where(resolved, s, np.sqrt(TINY)),
        vectors=np.ascontiguousarray(vt.transpose(0, 2, 1)),
        tangent=-(u.transpose(0, 2, 1) @ np.ascontiguousarray(gap[:, :, None] * u)),
        rows=rows,
        drop=drop,
        log_z=log_z,
        above=1 + np.count_nonzero(g[:, 1:] > 0, axis=1) if m > 1 else np.ones(len(y), dtype=np.int64),
    )


def evaluate(y: np.ndarray, points: Points, index: np.ndarray) -> Node:
    """Nodes at ``y (N,)`` of the points ``index (N,)``."""
    return node_at(y, points.take(index))


def column(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """One column of ``array (P, m)`` for each point, (P,)."""
    return np.take_along_axis(array, index[:, None], axis=1)[:, 0]


def stays_below(left: Node, right: Node) -> np.ndarray:
    """Whether the first eigenvalue below v at the left end is shown to stay below throughout, (P,)."""
    m = left.g.shape[1]
    index = np.minimum(left.above, m - 1)
    own = np.where(np.arange(m) >= left.above[:, None], 1.0, 0.0)
    moved = right.rows @ np.ascontiguousarray(left.vectors * own[:, None])
    value = np.linalg.eigvalsh(moved.transpose(0, 2, 1) @ moved)[:, -1]
    a0 = column(left.log_value, index) + 2 * left.log_z
    a1 = np.log(np.maximum(value, TINY)) + 2 * right.log_z
    b0, b1 = (2 * end.log_z - np.log(2 * end.y) for end in (left, right))
    d0, d1 = (-2 * end.drop - 1 / end.y for end in (left, right))
    width = right.y - left.y
    bend = d1 - d0
    t = np.clip(np.where(bend > 0, (b0 - b1 + d1 * width) / bend, 0.5 * width), 0.0, width)
    tangent = np.maximum(b0 + d0 * t, b1 - d1 * (width - t))
    high = np.maximum(np.maximum(a0 - b0, a1 - b1), a0 + (a1 - a0) * (t / width) - tangent)
    touch = np.maximum(column(left.touch, index), column(right.touch, index))
    return (left.above == m) | (high < -touch)


def stays_above(left: Node, right: Node) -> np.ndarray:
    """Whether the last eigenvalue above v at the left end, if not the first, is shown to stay above throughout, (P,)."""
    m = left.g.shape[1]
    index = left.above - 1
    own = np.where(np.arange(m) < left.above[:, None], 1.0, 0.0)
    width = right.y - left.y
    matrix = width[:, None, None] * left.tangent * (own[:, :, None] * own[:, None, :]) + np.eye(m)
    values, vectors = np.linalg.eigh(np.where(np.isfinite(matrix), matrix, 0.0))
    root = vectors / np.sqrt(np.maximum(values, DEFINITE))[:, None]
    # The least eigenvalue by way of the inverse, whose largest keeps its digits.
    root = np.ascontiguousarray(root * (own / left.singular)[:, :, None])
    inverse = np.linalg.eigvalsh(root.transpose(0, 2, 1) @ root)[:, -1]
    end = 2 * (left.log_z - right.log_z - left.drop * width) + np.log(2 * right.y) - np.log(inverse)
    low = np.minimum(column(left.g, index), end)
    touch = np.maximum(column(left.touch, index), column(right.touch, index))
    return (left.above == 1) | ((values[:, 0] > DEFINITE) & (low > touch))
