r"""The part of a score's error that keeps the density: its projection on fields w with :math:`\nabla\cdot(pw) = 0`.

What is left of the error after such a field is taken off is an upper bound on the part that moves the density, as the fit
of a gradient is a lower one: :math:`E|e|^2 = E|\nabla\psi|^2 + E|w|^2`. For every antisymmetric matrix A and function f
:math:`\frac1p\nabla\cdot(pfA) = A(fs + \nabla f)`, up to the sign, is such a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from scoreshock.diagnosis.truth import Truth

FEW_FEATURES, MOST_ROWS = 12, 400
"""Features up to which f may be a feature, and most rows of all vectors ``f s + grad f`` together."""

RIDGES = (1e-6, 1e-4, 1e-2, 0.1, 1.0, 10.0)
"""Regularisations that a fit chooses from, relative to the mean square of the vectors."""

ROUNDS = 60
"""Most rounds of the conjugate gradients; whatever they return is a field that keeps the density."""


class Moments(NamedTuple):
    """Averages of products of the vectors with themselves (R, R), and of the error with them (n, R)."""

    vectors: np.ndarray
    error: np.ndarray


def upper_bounds(truth: Truth, sigma: float, x: np.ndarray, errors: Sequence[np.ndarray]) -> list[tuple[float, float]]:
    """Upper bounds on the mean square of each error's gradient part from draws ``x (N, n)``, and their standard errors.

    The field that keeps the density is fitted to one half of the draws; what is left is averaged over the other.

    Examples
    --------
    A rotation of a Gaussian is such a field whole, and a shift is none.

    >>> import scoreshock as ss
    >>> from scoreshock.diagnosis.truth import truth_of
    >>> one = truth_of(ss.mixture([[0.0, 0.0, 0.0]]))
    >>> x = one.starts(400, 1.0, 0)
    >>> turn = x @ np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 2.0], [0.0, -2.0, 0.0]])
    >>> (rotation, _), (shift, _) = upper_bounds(one, 1.0, x, [turn, np.ones_like(x)])
    >>> bool((turn**2).sum(axis=1).mean() > 15), rotation < 1e-3, shift > 2.9
    (True, True, True)
    """
    vectors = _vectors(truth, sigma, x)
    return [_upper_bound(vectors, error) for error in errors]


def _upper_bound(vectors: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Of one error ``(N, n)``, with the vectors ``(N, R)`` of its draws."""
    even, odd = slice(0, None, 2), slice(1, None, 2)  # draws come in the order of components
    left = [_left(vectors[fit], error[fit], vectors[judge], error[judge]) for fit, judge in ((even, odd), (odd, even))]
    square = np.concatenate(left)
    return float(square.mean()), float(square.std() / np.sqrt(len(square)))


def _vectors(truth: Truth, sigma: float, x: np.ndarray) -> np.ndarray:
    """Vectors ``f s + grad f`` of functions f, (N, R), n rows of each: 1, the responsibilities, and few features."""
    count, n = x.shape
    s = truth.score(x, sigma)
    functions = [s]
    if n <= FEW_FEATURES:
        z = (x - x.mean(axis=0)) / truth.deviation(sigma)
        slopes = np.eye(n) / truth.deviation(sigma)
        functions += [z[:, axis, None] * s + slopes[axis] for axis in range(n)]
    if truth.size[0] * n <= MOST_ROWS:
        r, slope = truth.responsibilities(x, sigma), truth.responsibility_gradients(x, sigma)
        functions += [r[:, k, None] * s + slope[:, k] for k in range(truth.size[0] - 1)]
    return np.concatenate(functions, axis=1).reshape(count, -1)


def _left(known: np.ndarray, errors: np.ndarray, vectors: np.ndarray, error: np.ndarray) -> np.ndarray:
    """``|e - w|^2`` of the second samples, (N,), w fitted to the first."""
    quarters = [_moments(known[side::2], errors[side::2]) for side in (0, 1)]
    gains = [sum(_gain(_fit(one, ridge), other) for one, other in (quarters, quarters[::-1])) for ridge in RIDGES]
    best = int(np.argmax(gains))
    if gains[best] <= 0:
        return (error**2).sum(axis=-1)
    both = Moments(*(0.5 * (one + other) for one, other in zip(*quarters, strict=True)))
    return ((error - vectors @ _fit(both, RIDGES[best]).T) ** 2).sum(axis=-1)


def _moments(vectors: np.ndarray, error: np.ndarray) -> Moments:
    return Moments(vectors.T @ vectors / len(vectors), error.T @ vectors / len(vectors))


def _gain(matrices: np.ndarray, moments: Moments) -> float:
    """``2 E[e.w] - E|w|^2`` of the field ``w = matrices @ vectors``."""
    return float(2 * (matrices * moments.error).sum() - (matrices @ moments.vectors * matrices).sum())


def _fit(moments: Moments, ridge: float) -> np.ndarray:
    """Antisymmetric matrices side by side, (n, R), that minimise ``E|e - w|^2`` with a regularisation."""
    n, rows = moments.error.shape
    scale = ridge * np.trace(moments.vectors) / rows

    def normal(flat: np.ndarray) -> np.ndarray:
        matrices = flat.reshape(n, rows)
        return (_antisymmetric(matrices @ moments.vectors) + scale * matrices).ravel()

    right = _antisymmetric(moments.error).ravel()
    if not right.any():
        return np.zeros((n, rows))
    found, _ = cg(LinearOperator((n * rows, n * rows), normal, dtype=float), right, rtol=1e-8, maxiter=ROUNDS)
    return _antisymmetric(found.reshape(n, rows))


def _antisymmetric(matrices: np.ndarray) -> np.ndarray:
    """The antisymmetric part of each of the square matrices side by side."""
    blocks = matrices.reshape(len(matrices), -1, len(matrices))
    return (0.5 * (blocks - blocks.swapaxes(0, 2))).reshape(matrices.shape)
