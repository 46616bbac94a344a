r"""Two components with covariances of their own, in the coordinates that diagonalise both.

With ``P_1 = T T'`` and ``P_2 = T diag(g) T'``, in ``z = T'(x - mu_1)`` the squared distances are ``q_1 = |z|^2`` and
``q_2 = sum_i g_i (z_i - b_i)^2``. Densest for its ratio of densities is a point of the ridgeline (Ray and Lindsay 2005)
``x(alpha) = [(1-alpha) P_1 + alpha P_2]^-1 [(1-alpha) P_1 mu_1 + alpha P_2 mu_2]``: there ``z_i = alpha g_i b_i / M_i``,
``M_i = 1 - alpha + alpha g_i``, and the log-ratio ``phi = ln(w_2 N_2 / w_1 N_1)`` rises with alpha:
``phi' = K = sum_i g_i^2 b_i^2 / M_i^3``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.covariances.components import Components, covariance
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.bracketing import safeguarded

NEVER = -700.0
"""Logarithm of a criterion where it has no point at which it could hold."""

EDGE = 1e-13
"""How near, relatively, alpha comes to where a precision of the ridgeline vanishes."""


class Pencil(NamedTuple):
    """The pair at one diffusion time for each of P points; q coordinates, of which the last stands for ``multiplicity``
    dimensions in which the means agree.
    """

    g: np.ndarray  # (q, P)
    b: np.ndarray  # (q, P)
    log_odds: np.ndarray  # (P,) 2 ln(w_1/w_2) - ln det(P_2 P_1^-1): q_1 - q_2 where phi = 0
    back: np.ndarray  # (P, n, n), T: gradients in x of those in z
    outside: np.ndarray  # (P,) variance of the first component in the last coordinate

    def take(self, index: np.ndarray) -> Pencil:
        return Pencil(self.g[:, index], self.b[:, index], self.log_odds[index], self.back[index], self.outside[index])


class Pair(NamedTuple):
    """Pairs, in the eigenbasis of the first covariance, from which a `Pencil` at any time follows."""

    first: np.ndarray  # (B, n) eigenvalues of S_1
    second: np.ndarray  # (B, n, n) S_2 in that basis
    step: np.ndarray  # (B, n) mu_2 - mu_1 there
    floors: np.ndarray  # (B, 2) variances outside the features
    multiplicity: np.ndarray  # (B,) dimensions there
    log_odds: np.ndarray  # (B,) 2 ln(w_1/w_2)

    @classmethod
    def of(cls, c: Components, dimension: np.ndarray) -> Pair:
        """Two components of one leading dimension (B,), in ``dimension (B,)`` dimensions."""
        n, matrices = c.means.shape[-1], covariance(c)
        one, two = (np.broadcast_to(matrices[:, i], (len(dimension), n, n)) for i in (0, -1))
        values, vectors = np.linalg.eigh(one)
        turned = np.swapaxes(vectors, -1, -2)
        floors = np.broadcast_to(c.variance, (len(dimension), 2))
        step = (turned @ (c.means[:, 1] - c.means[:, 0])[..., None])[..., 0]
        odds = 2 * (np.log(c.weights[:, 0]) - np.log(c.weights[:, 1]))
        return cls(np.maximum(values, 0.0), turned @ two @ vectors, step, floors, dimension - n, odds)

    def at(self, tau: np.ndarray, index: Any) -> Pencil:
        """The pairs of numbers ``index (P,)`` at the times ``tau (P,)``."""
        n = self.first.shape[-1]
        root = np.sqrt(self.first[index] + 2 * tau[:, None])
        inner = self.second[index] + 2 * tau[:, None, None] * np.eye(n)
        ratios, vectors = np.linalg.eigh(inner / root[:, :, None] / root[:, None, :])
        b = (np.swapaxes(vectors, -1, -2) @ (self.step[index] / root)[..., None])[..., 0]
        floors, count = self.floors[index] + 2 * tau[:, None], self.multiplicity[index]
        none = count == 0
        beyond = np.divide(floors[:, 0], floors[:, 1], out=np.ones(none.shape), where=~none)
        g = np.append((1 / ratios).T, beyond[None], axis=0)
        b = np.append(b.T, np.zeros((1, len(tau))), axis=0)
        odds = self.log_odds[index] - total(np.log(g[:-1])) - count * np.log(beyond)
        return Pencil(g, b, odds, vectors / root[:, :, None], np.where(none, 1.0, floors[:, 0]))


class RidgePoint(NamedTuple):
    """The densest point at which both weighted densities agree, (P,) or (q, P)."""

    alpha: np.ndarray
    gradient: np.ndarray  # (q, P) of phi, in z
    exists: np.ndarray


def ratio_on_ridge(p: Pencil, alpha: np.ndarray, complement: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """``phi`` and its slope K on the ridgeline at ``alpha (P,)``; its ``complement`` to 1 may have digits of its own."""
    rest = 1 - alpha if complement is None else complement
    m = rest + alpha * p.g
    pull = np.where(p.b == 0, 0.0, p.g * p.b * (p.b / m))
    squares = pull / m * (alpha * alpha * p.g - rest * rest)
    return 0.5 * (total(squares) - p.log_odds), total(p.g * pull / m / m)


def boundary_point(p: Pencil) -> RidgePoint:
    """The densest point of ``phi = 0``: on the ridgeline, continued beyond the means while its precision is positive.

    Where the ridgeline ends before ``phi = 0``, the point lies off it along the direction of the vanishing precision.
    """
    with np.errstate(all="ignore"):
        highest = np.where(p.g < 1, 1 / (1 - p.g), np.inf).min(axis=0)
        lowest = np.where(p.g > 1, -1 / (p.g - 1), -np.inf).max(axis=0)
        ends = [np.where(np.isfinite(e), e * (1 - EDGE), np.clip(e, -1 / EDGE, 1 / EDGE)) for e in (lowest, highest)]
        at_ends = [ratio_on_ridge(p, e)[0] for e in ends]
        alpha = np.where(at_ends[0] > 0, ends[0], ends[1])
        inside = np.flatnonzero((at_ends[0] <= 0) & (at_ends[1] >= 0))
        here = p.take(inside)

        def step(a: np.ndarray, i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            phi, slope = ratio_on_ridge(here.take(i), a)
            return phi, a - phi / slope

        start = np.clip(np.full(inside.shape, 0.5), ends[0][inside], ends[1][inside])
        alpha[inside] = safeguarded(step, ends[0][inside], ends[1][inside], True, start=start, middle=_middle)
        gradient = np.where(p.b == 0, 0.0, -p.g * p.b / (1 + alpha * (p.g - 1)))
        gap = np.where(at_ends[0] > 0, -at_ends[0], np.where(at_ends[1] < 0, -at_ends[1], 0.0))
        # Off the ridgeline: (1 - g) z^2 / 2 makes up for what phi lacks.
        edge = np.where(at_ends[0] > 0, p.g.argmax(axis=0), p.g.argmin(axis=0))
        g = np.take_along_axis(p.g, edge[None], axis=0)[0]
        off = np.where(gap == 0, 0.0, np.sqrt(2 * gap / (1 - g)) * (g - 1))
        gradient[edge, np.arange(len(g))] += off
    return RidgePoint(alpha, gradient, np.isfinite(off) & np.isfinite(alpha))


def _middle(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Between 0 and the end of larger size by their geometric mean, for ends that are many decades apart."""
    wide = np.maximum(np.abs(low), np.abs(high)) > 8
    geometric = np.where(high > -low, np.sqrt(np.maximum(low, 1.0) * high), -np.sqrt(np.maximum(-high, 1.0) * -low))
    return np.where(wide & (geometric > low) & (geometric < high), geometric, low + 0.5 * (high - low))


def neutral(p: Pencil) -> tuple[np.ndarray, np.ndarray]:
    """``ln lambda_max(A^-1 B)`` at the boundary point, whose sign is that of ``lambda_max(H)``, and its position, (P,).

    There ``A = (P_1 + P_2)/2`` and ``B = grad phi grad phi'/4``.
    """
    point = boundary_point(p)
    value = 0.5 * total(point.gradient**2 / (1 + p.g))
    return _logarithm(value, point), _position(point)


def neutral_along_normal(p: Pencil) -> tuple[np.ndarray, np.ndarray]:
    """The same of ``n'Hn``, n the Euclidean normal of the boundary there."""
    point = boundary_point(p)
    # In units in which no square overflows.
    largest = np.abs(p.back).max(axis=(-1, -2))
    back, outside = p.back / largest[:, None, None], p.outside * largest * largest
    inside, beyond = point.gradient[:-1], point.gradient[-1] ** 2 / outside
    x = (back @ inside.T[..., None])[..., 0]  # (P, n)
    z = (np.swapaxes(back, -1, -2) @ x[..., None])[..., 0].T
    square = total(np.ascontiguousarray(x.T) ** 2) + beyond
    pressed = total((1 + p.g[:-1]) * z * z) + (1 + p.g[-1]) * beyond / outside
    with np.errstate(all="ignore"):
        return _logarithm(square * square / (2 * pressed), point), _position(point)


def _logarithm(value: np.ndarray, point: RidgePoint) -> np.ndarray:
    exists = point.exists & (value > 0)
    return np.where(exists, np.log(np.where(exists, value, 1.0)), NEVER)


def _position(point: RidgePoint) -> np.ndarray:
    """Where the point is, from 0 to 1, (1, P)."""
    return np.where(point.exists, 0.5 + 0.5 * point.alpha / (1 + np.abs(point.alpha)), 0.5)[None]
