r"""The part of a score's error that moves the density: its projection on gradients in :math:`L^2(p)`.

An error e splits into :math:`\nabla\psi`, with :math:`\nabla\cdot(p\nabla\psi) = \nabla\cdot(pe)`, and a rest whose
flow keeps p. On a line all of it is a gradient. In the plane :math:`\psi` is sought among polynomials, alone and times
powers of the components' responsibilities, with quadrature on a grid; in more features from samples, each half of them
judged by the fit to the other, so that the estimate is too small rather than too large. What a fit of the rest leaves is an
upper bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.polynomial import hermite_e
from scipy.linalg import solve_triangular

from scoreshock.diagnosis.solenoidal_part import upper_bounds
from scoreshock.diagnosis.truth import Truth

DEGREE, OWN_DEGREE = 12, 4
"""Greatest total degree of the polynomials in the plane, and of those that multiply powers of responsibilities."""

POWERS, FEW = 3, 8
"""Greatest power of a responsibility; more components than `FEW` have the first, times polynomials of degree 1."""

STEP, MARGIN, MOST = 0.36, 8.5, 200
"""Spacing of the grid in standard deviations of the narrowest component, its margin in those of the widest, most points."""


FEW_FEATURES, MOST_PRODUCTS = 12, 300
"""Features up to which all products of two are basis functions, and the most products of responsibilities and features."""

RIDGES = (1e-6, 1e-4, 1e-2, 0.1, 1.0, 10.0)
"""Regularisations that a fit chooses from, relative to the diagonal."""

PIECE = 200
"""Samples whose basis functions are computed together."""

JITTER = 1e-13
"""Added to products of basis functions of length 1, some of which depend on others."""

COLUMNS = 24
"""Errors in one matrix product: a multiple of the widths of BLAS kernels, so that each result is the same in any batch."""

NEGLIGIBLE = 1e-14
"""Share of the probability, of that of the densest point, below which a point is left out."""


class GradientPart(NamedTuple):
    """Mean squares over the density: of the whole error, and bounds on its gradient part with estimates of their errors."""

    whole: float
    gradient: float
    gradient_error: float
    upper: float
    upper_error: float


def on_line(error: np.ndarray) -> GradientPart:
    """Of errors ``(N, 1)`` at draws of the density: all of it."""
    square = (error**2).sum(axis=-1)
    mean, deviation = float(square.mean()), float(square.std() / np.sqrt(len(square)))
    return GradientPart(mean, mean, deviation, mean, deviation)


def plane_grid(truth: Truth, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of a grid in the plane (M, 2), and their shares of the probability (M,).

    Sums over it are integrals to rounding, because densities of Gaussians are smooth and vanish at the grid's ends.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.diagnosis.truth import truth_of
    >>> x, share = plane_grid(truth_of(ss.mixture([[0.0, 0.0]], variance=0.5)), 1.0)
    >>> float(np.round((share[:, None] * x**2).sum(axis=0)[0], 12))
    1.5
    """
    means = truth.parts.means
    width, step = MARGIN * truth.deviation(sigma), STEP * truth.deviation(sigma, least=True)
    ends = np.stack([means.min(axis=0) - width, means.max(axis=0) + width], axis=-1)
    axes = [np.linspace(low, high, min(MOST, int((high - low) / step) + 2)) for low, high in ends]
    x = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    log_p = truth.log_density(x, sigma)
    share = np.exp(log_p - log_p.max())
    return x, share / share.sum()


def is_resolved(truth: Truth, sigma: float) -> bool:
    """Whether a `plane_grid` has its spacing within its number of points."""
    step = STEP * truth.deviation(sigma, least=True)
    return bool((np.ptp(truth.parts.means, axis=0) + 2 * MARGIN * truth.deviation(sigma) < MOST * step).all())


def in_plane(
    truth: Truth, sigma: float, x: np.ndarray, share: np.ndarray, errors: Sequence[np.ndarray]
) -> list[GradientPart]:
    """Of each error ``(M, 2)`` on a `plane_grid`, by the best gradient among the basis functions, which is never too large.

    The upper bound is what the best field ``J(f s + grad f)`` leaves, J a quarter turn, which keeps the density. Errors of
    both are what the last degrees and the last power add.

    Examples
    --------
    A rotation moves nothing, a shift acts whole.

    >>> import scoreshock as ss
    >>> from scoreshock.diagnosis.truth import truth_of
    >>> one = truth_of(ss.mixture([[0.0, 0.0]]))
    >>> x, share = plane_grid(one, 1.0)
    >>> rotation, shift = np.stack([x[:, 1], -x[:, 0]], axis=-1), np.ones_like(x)
    >>> [round(part.gradient, 9) for part in in_plane(one, 1.0, x, share, [rotation, shift])]
    [0.0, 2.0]
    """
    values, gradients, last = _basis(truth, sigma, x, share)
    along = gradients + values[..., None] * truth.score(x, sigma)
    turned = np.stack([along[..., 1], -along[..., 0]], axis=-1)
    root = np.sqrt(share)[:, None]
    right = np.stack([(error * root).ravel() for error in errors])
    (gradient, missing), (off, missed) = (
        _energy((fields * root).reshape(len(fields), -1), right, last) for fields in (gradients, turned)
    )
    whole = np.array([each @ each for each in right])
    columns = (whole, gradient, missing, np.maximum(whole - off, gradient), missed)
    return [GradientPart(*row) for row in np.stack(columns, axis=-1).tolist()]


def from_samples(truth: Truth, sigma: float, x: np.ndarray, errors: Sequence[np.ndarray]) -> list[GradientPart]:
    """Of each error ``(N, n)`` at draws of the density: bounds on the gradient part, with their standard errors.

    The best gradient among those of x, its squares (for few features all products), the responsibilities and their products
    with x is fitted to one half of the samples; ``2 e.g - |g|^2`` averages over the other to the gradient part less the
    square of what the fit lacks. The upper bound is that of `solenoidal_part.upper_bounds`.
    """
    even, odd = slice(0, None, 2), slice(1, None, 2)  # draws come in the order of components
    wrong = np.stack(errors, axis=1)
    gains = np.concatenate([_gains(truth, sigma, x, wrong, *sides) for sides in ((even, odd), (odd, even))], axis=-1)
    found = []
    for error, gain, (upper, upper_error) in zip(errors, gains, upper_bounds(truth, sigma, x, errors), strict=True):
        deviation, whole = float(gain.std() / np.sqrt(len(gain))), float((error**2).sum(axis=-1).mean())
        found.append(GradientPart(whole, float(gain.mean()), deviation, min(upper, whole), upper_error))
    return found


def _gains(truth: Truth, sigma: float, x: np.ndarray, errors: np.ndarray, fit: slice, judge: slice) -> np.ndarray:
    """``2 e.g - |g|^2`` of the second samples, (B, N), g fitted to the first; of errors ``(N, B, n)``."""
    known, wrong, centre = x[fit], errors[fit], x[fit].mean(axis=0)
    quarters = [_moments(truth, sigma, known[side::2], wrong[side::2], centre) for side in (0, 1)]
    weights = [_weights([(matrix, right[each]) for matrix, right in quarters]) for each in range(errors.shape[1])]
    gains = []
    for points, wrong in _pieces(x[judge], errors[judge]):
        basis = _sampled_basis(truth, sigma, points, centre)
        fields = (np.tensordot(each, basis, 1) for each in weights)
        gains.append([(2 * wrong[:, each] * g - g * g).sum(axis=-1) for each, g in enumerate(fields)])
    return np.concatenate(gains, axis=-1)


def _moments(
    truth: Truth, sigma: float, x: np.ndarray, errors: np.ndarray, centre: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Averages of products of the basis (functions, functions), and of the basis with the errors (B, functions)."""
    matrix, right = np.zeros(()), np.zeros(())
    for points, wrong in _pieces(x, errors):
        basis = _sampled_basis(truth, sigma, points, centre)
        rows = basis.reshape(len(basis), -1)
        matrix = matrix + rows @ rows.T / len(x)
        right = right + np.stack([rows @ each.ravel() for each in wrong.swapaxes(0, 1)]) / len(x)
    return matrix, right


def _weights(quarters: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Coefficients of the fit, regularised so that each quarter predicts the other best; 0 where none does."""
    gains = np.zeros(len(RIDGES))
    for one, other in (quarters, quarters[::-1]):
        for i, ridge in enumerate(RIDGES):
            weights = _ridge(*one, ridge)
            gains[i] += 2 * other[1] @ weights - weights @ other[0] @ weights
    best = int(gains.argmax())
    matrix, right = (0.5 * (one + other) for one, other in zip(*quarters, strict=True))
    return _ridge(matrix, right, RIDGES[best]) if gains[best] > 0 else np.zeros_like(right)


def _ridge(matrix: np.ndarray, right: np.ndarray, ridge: float) -> np.ndarray:
    scale = np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    scaled = matrix / scale / scale[:, None] + ridge * np.eye(len(matrix))
    return np.linalg.solve(scaled, right / scale) / scale


def _pieces(x: np.ndarray, errors: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for first in range(0, len(x), PIECE):
        yield x[first : first + PIECE], errors[first : first + PIECE]


def _sampled_basis(truth: Truth, sigma: float, x: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Gradients of the basis functions, (functions, N, n), each function of like size."""
    count, n = x.shape
    spread = truth.deviation(sigma)
    z, unit = (x - centre) / spread, np.eye(n) / spread
    linear = np.broadcast_to(unit[:, None], (n, count, n))
    pairs = np.stack(np.triu_indices(n)) if n <= FEW_FEATURES else np.stack([np.arange(n)] * 2)
    square = np.moveaxis(z[:, pairs[0], None] * unit[pairs[1]] + z[:, pairs[1], None] * unit[pairs[0]], 1, 0)
    r, own = truth.responsibilities(x, sigma)[:, :-1], truth.responsibility_gradients(x, sigma)[:, :-1]
    parts = [linear, square, np.moveaxis(own, 1, 0)]
    if r.shape[1] * n <= MOST_PRODUCTS:
        products = z[:, None, :, None] * own[:, :, None] + r[:, :, None, None] * unit
        parts.append(np.moveaxis(products.reshape(count, -1, n), 1, 0))
    return np.concatenate(parts)


def _basis(truth: Truth, sigma: float, x: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Basis functions (functions, M), gradients (functions, M, 2), and which of them are of the last degrees or power."""
    centre = share @ x
    spread = np.sqrt(share @ (x - centre) ** 2)
    z, k = (x - centre) / spread, truth.size[0]
    values, slopes, degrees = _polynomials(z, DEGREE)
    functions, parts, last = [values], [slopes / spread], [degrees > DEGREE - 2]
    powers, degree = (POWERS, OWN_DEGREE) if k <= FEW else (1, 1)
    values, slopes, degrees = _polynomials(z, degree)
    r, own = truth.responsibilities(x, sigma), truth.responsibility_gradients(x, sigma)
    for component in range(k - 1):
        for power in range(1, powers + 1):
            f = r[:, component]
            g = power * f[:, None] ** (power - 1) * own[:, component]
            functions.append(values * f**power)
            parts.append(slopes / spread * (f**power)[:, None] + values[..., None] * g)
            last.append(np.full(len(degrees), power == powers > 1))
    return np.concatenate(functions), np.concatenate(parts), np.concatenate(last)


def _energy(rows: np.ndarray, right: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Square of the projection of each ``right (B, R)`` on the rows, never too large, and what the ``last`` rows add."""
    rows = np.concatenate([rows[~last], rows[last]])
    rows = rows / np.sqrt(np.maximum((rows * rows).sum(axis=1, keepdims=True), np.finfo(float).tiny))
    root = np.linalg.cholesky(rows @ rows.T + JITTER * np.eye(len(rows)))
    filled = np.pad(right, ((0, -len(right) % COLUMNS), (0, 0)))
    products = [rows @ filled[first : first + COLUMNS].T for first in range(0, len(filled), COLUMNS)]
    square = np.concatenate([solve_triangular(root, each, lower=True) ** 2 for each in products], axis=1)[:, : len(right)]
    return square.sum(axis=0), square[int((~last).sum()) :].sum(axis=0)


def _polynomials(z: np.ndarray, degree: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Products of Hermite polynomials of like size: values (functions, M), gradients (functions, M, 2), total degrees."""
    i, j = np.indices((degree + 1, degree + 1)).reshape(2, -1)
    order = np.argsort(i + j, kind="stable")
    i, j = (index[order][: (degree + 1) * (degree + 2) // 2] for index in (i, j))
    scale = np.sqrt(np.cumprod([1.0, *range(1, degree + 1)]))
    one, other = (hermite_e.hermevander(z[:, axis], degree).T / scale[:, None] for axis in (0, 1))
    down = np.sqrt(np.arange(degree + 1))[:, None]
    slope, across = (down * np.concatenate([np.zeros((1, len(z))), rows[:-1]]) for rows in (one, other))
    return one[i] * other[j], np.stack([slope[i] * other[j], one[i] * across[j]], axis=-1), i + j
