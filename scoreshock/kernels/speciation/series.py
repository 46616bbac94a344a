"""The correction series of the speciation time, to any order.

Responsibilities at the weighted mean are ``r_k ~ w_k exp(-D_k/(2v))``, so their covariance ``Gamma`` is a power series in
``y = 1/v``, and so is its eigenvalue ``lambda(y) = lambda_1 + (C/2) y + ...`` on the branch of ``lambda_1``. Lagrange
inversion of ``v = lambda(1/v)`` gives ``v* = lambda_1 + c_1 + c_2 + ...``. Section 9 of the paper has the first three
orders; here every order follows by power-series arithmetic. All arrays are components first, ``(..., B)``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import (
    DEGENERATE,
    Geometry,
    centred,
    core_first,
    deviation,
    leading_space,
    masked_eigh,
    normalised,
)
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.vectors import added
from scoreshock.kernels.speciation.criteria import first_term, outcome

BLOCK = 2**18
"""Numbers in one block's largest array (2 MB): the recursion passes over it many times, so it should stay in cache."""

NEGLIGIBLE = 1e-14
"""A term below this fraction of ``lambda_1`` is rounding, and counts as zero in ``smallest_term``."""


class Corrections(NamedTuple):
    """The series through each order, ``order`` last.

    ``coefficient`` (..., order+1) the terms ``c_n`` of v*; ``tau`` and ``status`` (..., order+1) of its partial sums;
    ``lambda_series`` (..., order+1) the coefficients of ``lambda(1/v)``; ``smallest_term`` (...) the order of the term of
    least magnitude, -1 where there is none.
    """

    coefficient: np.ndarray
    tau: np.ndarray
    status: np.ndarray
    lambda_series: np.ndarray
    smallest_term: np.ndarray


def corrections(geometry: Geometry, weights: np.ndarray, variance: np.ndarray, order: int) -> Corrections:
    """Terms and partial sums of ``v* = lambda_1 + c_1 + c_2 + ...``, ``c_n = (1/n) [y^(n-1)] lambda'(y) lambda(y)^(-n)``.

    Parameters
    ----------
    geometry
        Of the means and weights, leading shape (...).
    weights
        Component weights, positive, summing to one, (..., k).
    variance
        Component variance sigma0^2 >= 0, (...).
    order
        Highest order, >= 0; orders 0 and 1 are the criteria ``leading`` (77) and ``first`` (92), bit by bit.

    Returns
    -------
    Corrections
        Status by order: ``ok``; ``below_data_variance`` where the partial sum is at or below sigma0^2, even negative (value
        kept); ``diverged`` with NaN where it is beyond floating point; ``no_transition`` with NaN for equal means.
        ``coefficient`` and ``lambda_series`` do not depend on the variance, and are broadcast over it.

    Notes
    -----
    There is no small parameter, and the series may diverge: it stops improving after ``smallest_term``. It follows the
    branch of ``lambda_1``; a degenerate ``lambda_1`` is resolved order by order, always to its largest eigenvalue.

    Examples
    --------
    >>> import numpy as np
    >>> from scoreshock.kernels.gaussian.geometry import decompose
    >>> weights = np.array([0.4, 0.2, 0.4])
    >>> triple = decompose(np.array([[-1.0], [0.0], [1.0]]), weights)
    >>> corrections(triple, weights, np.array(0.0), 2).coefficient.round(12)
    array([ 0.8    , -0.1    , -0.03125])
    """
    lead = geometry.eigenvalues.shape[:-1]
    shape = np.broadcast_shapes(lead, np.shape(variance))
    unit, exponent = normalised(geometry)
    branch, terms = _series(unit, weights, order)
    e = exponent.reshape(-1)
    n = np.arange(order + 1)[:, None]
    with np.errstate(all="ignore"):
        partial = np.ldexp(_partial_sums(terms), 2 * e)
        branch = np.ldexp(branch, 2 * e * (n + 1))
        terms = np.ldexp(terms, 2 * e)
    partial, branch, terms = (np.moveaxis(a, 0, -1).reshape(*lead, order + 1) for a in (partial, branch, terms))
    tau, status = outcome(partial, np.asarray(variance)[..., None])
    infinite = ~np.isfinite(tau) & ~np.isnan(tau[..., :1])
    full = (*shape, order + 1)
    return Corrections(
        np.broadcast_to(np.where(np.isfinite(terms), terms, np.nan), full),
        np.where(infinite, np.nan, tau),
        np.where(infinite, np.int8(Status.diverged), status),
        np.broadcast_to(branch, full),
        np.broadcast_to(_smallest(terms), shape),
    )


def _partial_sums(terms: np.ndarray) -> np.ndarray:
    sums = terms.copy()
    for n in range(1, len(terms)):
        sums[n] = sums[n - 1] + terms[n]
    return sums


def _smallest(terms: np.ndarray) -> np.ndarray:
    size = np.abs(terms)
    size = np.where(size <= NEGLIGIBLE * size[..., :1], 0.0, size)
    found = np.argmin(np.where(np.isnan(size), np.inf, size), axis=-1)
    return np.where(np.isnan(terms[..., 0]), -1, found)


def _series(unit: Geometry, weights: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the eigenvalue's series and terms of v*, (order+1, B) each, in the geometry's units."""
    lead = unit.eigenvalues.shape[:-1]
    values = core_first(unit.eigenvalues, 1, lead)
    space = core_first(leading_space(unit.eigenvalues), 1, lead)
    w, d, y = core_first(weights, 1, lead), core_first(unit.distances, 1, lead), core_first(unit.coordinates, 2, lead)
    c_1 = first_term(unit, weights).reshape(-1)
    m, batch = values.shape
    branch = np.empty((order + 1, batch))
    terms = np.empty((order + 1, batch))
    for b in slices(batch, max(64, BLOCK // ((order + 1) * max(m * m, len(w))))):
        with np.errstate(all="ignore"):
            branch[:, b] = eigenvalue_series(values[:, b], space[:, b], w[:, b], d[:, b], y[..., b], order)
            if order:  # the criterion's own number, so that order 1 is `first` to the last bit
                branch[1, b] = c_1[b] * values[0, b]
            terms[:, b] = lagrange_terms(branch[:, b])
    if order:
        terms[1] = c_1
    empty = values[0] == 0
    branch[:, empty] = terms[:, empty] = np.nan
    return branch, terms


def lagrange_terms(branch: np.ndarray) -> np.ndarray:
    """Terms ``c_n`` of the solution of ``v = lambda(1/v)`` from the coefficients of ``lambda``, (order+1, B).

    With ``lambda = lambda_1 f``: ``c_n = lambda_1^(1-n) [y^n] f^(1-n) / (1-n)`` for n >= 2; powers of a series by
    Miller's recurrence. The power of ``lambda_1`` is applied through its exponent: it may lie far outside the range of
    floating point where its product with the coefficient does not.
    """
    terms = branch.copy()
    f = branch / branch[0]
    if len(branch) > 1:
        terms[1] = f[1]
    mantissa, exponent = np.frexp(branch[0])
    inverse = 1 / mantissa
    for n in range(2, len(branch)):
        terms[n] = _power_coefficient(f, 1 - n, n) / (1 - n) + 0.0  # no -0.0 where corrections vanish
        for _ in range(n - 1):
            terms[n] *= inverse
        terms[n] = np.ldexp(terms[n], exponent * (1 - n))
    return terms


def _power_coefficient(f: np.ndarray, power: int, n: int) -> np.ndarray:
    """Coefficient n of ``f**power`` for a series that starts with one."""
    p = [np.ones_like(f[0])]
    for j in range(1, n + 1):
        total = np.zeros_like(f[0])
        for i in range(1, j + 1):
            total += (i * (power + 1) - j) * f[i] * p[j - i]
        p.append(total / j)
    return p[n]


def covariance_series(values: np.ndarray, w: np.ndarray, d: np.ndarray, y: np.ndarray, order: int) -> np.ndarray:
    """Coefficients of ``Gamma = sum_n G_n v^-n`` in the eigenbasis of ``Sigma_B``, (order+1, m, m, B).

    ``values (m, B)``, weights ``w (k, B)``, ``d (k, B)`` the D_k, ``y (k, m, B)``. ``G_1 = (Dbar Sigma_B - Sigma_D)/2``.
    """
    k, m, batch = y.shape
    half = deviation(d, w) / 2
    numerator, r = [w], [w]
    for n in range(1, order + 1):
        numerator.append(numerator[-1] * half / n)
        term = numerator[n].copy()
        for j in range(1, n + 1):
            term -= added(numerator[j]) * r[n - j]
        r.append(term)
    mean = np.zeros((order + 1, m, batch))
    series = np.zeros((order + 1, m, m, batch))
    for i in range(m):
        series[0, i, i] = values[i]
    for n in range(1, order + 1):
        for c in range(k):
            weighted = r[n][c] * y[c]
            mean[n] += weighted
            series[n] += weighted[:, None] * y[c]
        for j in range(1, n):
            series[n] -= mean[j][:, None] * mean[n - j]
    return series


def jacobian_terms(means: np.ndarray, weights: np.ndarray, order: int) -> np.ndarray:
    """Coefficients ``G_n`` of ``H = -I/v + sum_n G_n v^-(n+2)``, the score's Jacobian at the weighted mean.

    ``means (..., k, n)``, ``weights (..., k)``; (..., order+1, n, n) in the means' own coordinates. ``G_0 = Sigma_B`` (15),
    ``G_1 = (Dbar Sigma_B - Sigma_D)/2`` (88). Zero beyond order 0 where all distances ``D_k`` are equal (Corollary 9.3).

    Examples
    --------
    >>> import numpy as np
    >>> jacobian_terms(np.array([[-1.0], [1.0]]), np.array([0.25, 0.75]), 1).ravel().tolist()
    [0.75, -0.375]
    """
    offset = centred(means, weights)
    lead, n = offset.shape[:-2], offset.shape[-1]
    distances = offset[..., 0] ** 2
    for i in range(1, n):
        distances = distances + offset[..., i] ** 2
    unit, exponent = normalised(Geometry(np.zeros((*lead, n)), offset, distances))
    w, d, y = core_first(weights, 1, lead), core_first(unit.distances, 1, lead), core_first(unit.coordinates, 2, lead)
    terms = covariance_series(core_first(unit.eigenvalues, 1, lead), w, d, y, order)
    for c in range(len(w)):
        terms[0] += (w[c] * y[c])[:, None] * y[c]
    power = 2 * exponent.reshape(-1) * np.arange(1, order + 2)[:, None]
    with np.errstate(over="ignore"):
        terms = np.ldexp(terms, power[:, None, None])
    return np.moveaxis(terms, -1, 0).reshape(*lead, order + 1, n, n)


def eigenvalue_series(
    values: np.ndarray, space: np.ndarray, w: np.ndarray, d: np.ndarray, y: np.ndarray, order: int
) -> np.ndarray:
    """Series in 1/v of the eigenvalue of ``Gamma`` that starts at ``lambda_1``, (order+1, B); ``space (m, B)`` marks its
    eigenspace, other arguments as in :func:`covariance_series`.
    """
    gamma = covariance_series(values, w, d, y, order)
    tied = space.sum(axis=0) > 1
    single, several = np.flatnonzero(~tied), np.flatnonzero(tied)
    result = np.empty((order + 1, values.shape[1]))
    if single.size:
        result[:, single] = _nondegenerate(gamma[..., single])
    if several.size:
        natural = _natural_sizes(w[:, several], d[:, several], order)
        result[:, several] = _degenerate(gamma[..., several], space[:, several], natural)
    return result


def _nondegenerate(gamma: np.ndarray) -> np.ndarray:
    """Rayleigh-Schroedinger series of the first eigenvalue; the eigenvector is normalised to a first entry of one."""
    size, m = gamma.shape[:2]
    gap = gamma[0, 0, 0] - np.stack([gamma[0, i, i] for i in range(1, m)]) if m > 1 else gamma[0, :0, 0]
    values = [gamma[0, 0, 0]]
    vectors = [np.zeros_like(gap)]  # without the first entry, which is one at order 0 and zero after
    for n in range(1, size):
        total = gamma[n, :, 0].copy()
        for j in range(1, n):
            for i in range(1, m):
                total += gamma[j, :, i] * vectors[n - j][i - 1]
            total[1:] -= values[j] * vectors[n - j]
        values.append(total[0])
        vectors.append(total[1:] / gap)
    return np.stack(values)


def _natural_sizes(w: np.ndarray, d: np.ndarray, order: int) -> np.ndarray:
    """Size that order n of ``Gamma`` has without cancellation, (order+1, B): what its rounding is measured by."""
    spread = np.abs(deviation(d, w)) / 2
    term = w * d
    sizes = [added(term)]
    for n in range(1, order + 1):
        term = term * spread / n
        sizes.append(added(term))
    return np.stack(sizes)


def _degenerate(gamma: np.ndarray, space: np.ndarray, natural: np.ndarray) -> np.ndarray:
    """Series of the largest eigenvalue where ``lambda_1`` is degenerate, resolved order by order.

    The eigenspace's own series ``Gamma_eff = lambda_1 + y K(y)`` is split off; K, one order shorter, is diagonalised at its
    order zero, its largest eigenvalue is the next coefficient, and so on while a tie remains (symmetry may keep it for
    ever: then K stays a multiple of one).
    """
    size, m = gamma.shape[:2]
    active = np.ones_like(space)
    values = [gamma[0, 0, 0]]
    for n in range(1, size):
        gamma = _effective(gamma, space, active)[1:]
        spectrum, rotation = masked_eigh((gamma[0] + gamma[0].swapaxes(0, 1)) / 2, space)
        gamma = np.stack([_product(rotation.swapaxes(0, 1), _product(g, rotation)) for g in gamma])
        gamma[0] = 0.0
        active = np.arange(m)[:, None] < space.sum(axis=0)
        for i in range(m):
            gamma[0, i, i] = np.where(active[i], spectrum[i], 0.0)
        space = active & (spectrum >= spectrum[0] - DEGENERATE * natural[n])
        values.append(spectrum[0])
    return np.stack(values)


def _effective(gamma: np.ndarray, space: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Series of the matrix that ``gamma`` is on the invariant subspace that starts as ``space``.

    With a basis ``1 + X(y)``, X from ``space`` to the rest of ``active``: ``gamma (1 + X) = (1 + X) gamma_eff``.
    """
    rest = active & ~space
    result = gamma * (space[:, None] & space)
    open_points = np.flatnonzero(rest.any(axis=0))
    if not open_points.size:
        return result
    g, inside, outside = gamma[..., open_points], space[:, open_points], rest[:, open_points]
    size, m = g.shape[:2]
    level = np.stack([g[0, i, i] for i in range(m)])
    gap = np.where(outside[:, None] & inside, level - level[:, None], np.inf)
    x = [np.zeros_like(g[0])]
    effective = [g[0] * (inside[:, None] & inside)]
    for n in range(1, size):
        total = g[n] * inside
        for j in range(1, n):
            total += _product(g[j], x[n - j])
        effective.append(total * inside[:, None])
        for j in range(1, n):
            total -= _product(x[n - j], effective[j])
        x.append(total / gap)
    result[..., open_points] = np.stack(effective)
    return result


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Matrix products of (m, m, B) arrays, point by point in a fixed order."""
    total = a[:, 0, None] * b[0]
    for i in range(1, len(b)):
        total += a[:, i, None] * b[i]
    return total
