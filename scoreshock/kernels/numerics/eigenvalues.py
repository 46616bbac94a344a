"""The largest eigenpair of stacks of small symmetric positive semidefinite matrices, the stack last."""

from __future__ import annotations

import numpy as np

from scoreshock.kernels.numerics.vectors import contracted, diagonal_sum, inner

SLACK = 1e-11
"""An eigenvalue is the largest when no other exceeds it by more than this fraction; one more inverse iteration follows."""

EXACT = 1e-26
"""A Rayleigh quotient is the largest eigenvalue when the bound on the excess over it is below this fraction, the square of
what its vector may err by."""

SETTLED = 1e-18
"""The same where the vector need not be as exact as the value: slopes of Newton steps, directions."""

LOOSE = 0.1
"""Fraction of ``|g|`` by which g may be too low where only its sign and a bound matter."""

ROUNDING = 1e-14
"""Rounding of the moments of a matrix."""

LAPACK_FROM = 17
"""Size from which LAPACK, one matrix at a time, is faster than elementwise factorisation of the whole stack."""

STEPS = 4
"""Steps of the Rayleigh iteration; one or two are typical."""

SMALL = 1e-140
"""A matrix with a smaller trace is taken in units of it: its squares would underflow."""

DEAD = 1e-280
"""A matrix with a smaller trace is zero."""


def pick(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """``array[..., index]`` with the last axis contiguous, which plain indexing does not give."""
    return np.take(array, index, axis=-1)


def largest(
    matrix: np.ndarray, start: np.ndarray | None = None, scale: np.ndarray | None = None, exact: float = EXACT
) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalue ``(P,)`` and its unit eigenvector ``(m, P)`` of ``matrix (m, m, P)``.

    ``start (m, P)`` is a guess of the eigenvector. With ``scale (P,)`` the eigenvalue is wanted for ``g = ln(value scale)``
    only, and may be a Rayleigh quotient below the largest eigenvalue by ``LOOSE |g|`` in g. Closed form for ``m <= 2``,
    Rayleigh quotient iteration held to the largest eigenvalue by inertia for moderate ``m``, LAPACK beyond.
    """
    m, _, size = matrix.shape
    if m == 1:
        return matrix[0, 0], np.ones((1, size))
    if m == 2:
        return _two(matrix[0, 0], matrix[1, 0], matrix[1, 1])
    if m < LAPACK_FROM:
        return _rayleigh(matrix, start, scale, exact)
    values, vectors = np.linalg.eigh(matrix.transpose(2, 0, 1))
    return values[:, -1], np.ascontiguousarray(vectors[:, :, -1].T)


def _two(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Closed form for ``[[a, b], [b, c]]``; the larger of the two candidate vectors cancels nothing."""
    half = 0.5 * (a - c)
    size = np.abs(half)
    square = b * b
    radius = np.sqrt(half * half + square)
    value = 0.5 * (a + c) + radius
    radius += size
    norm = np.sqrt(radius * radius + square)
    norm[norm == 0] = np.inf
    radius /= norm
    short = b / norm
    wide = half >= 0
    u = np.empty((2, len(a)))
    u[0] = np.where(wide, radius, short)
    u[1] = np.where(wide, short, radius)
    return value, u


def _rayleigh(
    matrix: np.ndarray, start: np.ndarray | None, scale: np.ndarray | None, exact: float
) -> tuple[np.ndarray, np.ndarray]:
    """One step of power iteration where a bound by moments shows that it suffices, else Rayleigh quotient iteration."""
    matrix = np.ascontiguousarray(matrix)
    m, _, size = matrix.shape
    trace = diagonal_sum(matrix)
    small = (trace < SMALL) & (trace > DEAD)
    if small.any():
        unit = np.where(small, trace, 1.0)
        value, vector = _rayleigh(matrix / unit, start, None if scale is None else scale * unit, exact)
        return value * unit, vector
    value, vector = trace.copy(), np.zeros((m, size))
    vector[0] = 1.0
    active = np.flatnonzero(trace > DEAD)
    if len(active) < size:
        matrix, trace = pick(matrix, active), trace[active]
        start = None if start is None else pick(start, active)
        scale = None if scale is None else scale[active]
    u = _unit(_product(matrix, _guess(matrix) if start is None else start))
    image = _product(matrix, u)
    rho = inner(u, image)
    moments = trace, contracted("ijp,ijp->p", matrix, matrix)
    value[active], vector[:, active] = rho, u
    excess = _excess(rho, u, image, moments)
    go = np.flatnonzero(~(excess <= _allowed(rho, scale, exact) * rho))
    if len(go):
        moments, theta = (trace[go], moments[1][go]), np.minimum(rho + excess, trace)[go]
        scale = None if scale is None else scale[go]
        rest = _iterated(pick(matrix, go), pick(u, go), theta, moments, scale, exact)
        value[active[go]], vector[:, active[go]] = rest
    return value, vector


def _iterated(
    matrix: np.ndarray,
    u: np.ndarray,
    theta: np.ndarray,
    moments: tuple[np.ndarray, np.ndarray],
    scale: np.ndarray | None,
    exact: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Rayleigh quotient iteration until nothing exceeds the quotient: by moments, or as ``theta I - matrix`` is definite.

    The first shift ``theta`` is a bound of all eigenvalues, and leads to the largest. What a few steps do not settle, LAPACK
    does.
    """
    m, _, size = matrix.shape
    value, vector, active = np.empty(size), np.empty((m, size)), np.arange(size)
    slack = np.zeros(size)
    for _ in range(STEPS):
        lower, pivots = _factor(matrix, theta)
        u, rho = _inverse_iteration(lower, pivots, theta, u)
        tolerance = _allowed(rho, scale, exact)
        done = _excess(rho, u, _product(matrix, u), moments) <= tolerance * rho
        done |= np.all(pivots > 0, axis=0) & (theta <= rho * (1 + 2 * slack))
        value[active], vector[:, active] = rho, u
        go = np.flatnonzero(~done)
        if not len(go):
            return value, vector
        slack = np.maximum(tolerance, SLACK)[go]
        active, matrix, u, theta = active[go], pick(matrix, go), pick(u, go), rho[go] * (1 + slack)
        moments, scale = (moments[0][go], moments[1][go]), None if scale is None else scale[go]
    values, vectors = np.linalg.eigh(matrix.transpose(2, 0, 1))
    value[active], vector[:, active] = values[:, -1], vectors[:, :, -1].T
    return value, vector


def _allowed(rho: np.ndarray, scale: np.ndarray | None, exact: float) -> np.ndarray:
    """Fraction by which the largest eigenvalue may exceed ``rho``."""
    if scale is None:
        return np.full(len(rho), exact)
    return np.clip(0.4 * LOOSE * np.abs(np.log(rho * scale)), exact, 0.2)


def _excess(rho: np.ndarray, u: np.ndarray, image: np.ndarray, moments: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Bound on how much the largest eigenvalue exceeds the quotient ``rho`` of ``u``, whose image is ``matrix u``.

    In coordinates along u and across it the matrix is ``[[rho, r^T], [r, C]]``. The first two moments of C, those of the
    matrix less what rho and r take, bound ``lambda_max(C)``, and ``[[rho, |r|], [|r|, lambda_max(C)]]`` bounds the whole.
    """
    others = len(u) - 1
    residual = image - rho * u
    across = inner(residual, residual)
    first, second = moments[0] - rho, moments[1] - rho * rho - 2 * across
    # Rounding of the moments hides what separates eigenvalues that are closer than its root.
    spread = np.maximum(others * second - first * first, 0.0) + ROUNDING * moments[1]
    half = 0.5 * (rho - (first + np.sqrt((others - 1) * spread)) / others)
    whole = np.sqrt(half * half + across) + np.abs(half)
    return np.where(half > 0, across / np.maximum(whole, np.finfo(float).tiny), whole)


def _unit(u: np.ndarray) -> np.ndarray:
    u /= np.sqrt(inner(u, u))
    return u


def _guess(matrix: np.ndarray) -> np.ndarray:
    """The column of the largest diagonal element, normalised."""
    m, _, size = matrix.shape
    index = np.arange(size)
    column = np.argmax([matrix[i, i] for i in range(m)], axis=0)
    u = matrix[np.arange(m)[:, None], column, index]
    u /= matrix[column, column, index]
    return _unit(u)


def _product(matrix: np.ndarray, u: np.ndarray) -> np.ndarray:
    return contracted("ijp,jp->ip", matrix, u)


def _factor(matrix: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``L`` (strictly lower) and pivots of ``theta I - matrix = L D L^T``; a zero pivot becomes rounding of theta."""
    m = len(matrix)
    work = np.negative(matrix)
    pivots = np.empty((m, len(theta)))
    for j in range(m):
        pivot = np.add(work[j, j], theta, out=pivots[j])
        zero = pivot == 0
        # Not smaller: where neighbouring rows are tiny but not zero, the next pivots would overflow.
        pivot[zero] = np.maximum(np.finfo(float).eps * theta[zero], 1e-300)
        inverse = 1.0 / pivot
        for i in range(j + 1, m):
            ratio = work[i, j] * inverse
            work[i, j + 1 : i + 1] -= ratio * work[j + 1 : i + 1, j]
        work[j + 1 :, j] *= inverse
    return work, pivots


def _inverse_iteration(
    lower: np.ndarray, pivots: np.ndarray, theta: np.ndarray, u: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Unit vector along ``(theta I - matrix)^-1 u`` and its Rayleigh quotient."""
    m = len(u)
    x = u * theta
    for j in range(m - 1):
        x[j + 1 :] -= lower[j + 1 :, j] * x[j]
    x /= pivots
    for j in range(m - 1, 0, -1):
        x[:j] -= lower[j, :j] * x[j]
    square = inner(x, x)
    rho = theta * (1 - inner(x, u) / square)
    x /= np.sqrt(square)
    return x, rho
