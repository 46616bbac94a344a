"""The largest eigenpair of stacks of small symmetric positive semidefinite matrices, the stack last."""

from __future__ import annotations

import numpy as np

from scoreshock.kernels.numerics.vectors import inner

SLACK = 1e-11
"""An eigenvalue is the largest when no other exceeds it by more than this fraction; one more inverse iteration follows."""

LOOSE = 0.02
"""Fraction of ``|g|`` by which g may be too low where only its sign and a bound matter."""

LAPACK_FROM = 17
"""Size from which LAPACK, one matrix at a time, is faster than elementwise factorisation of the whole stack."""

MAX_STEPS = 60
"""Bound of the Rayleigh iteration: two to four steps are typical."""

DEAD = 1e-280
"""A matrix with a smaller trace is zero: its squares would underflow."""


def pick(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """``array[..., index]`` with the last axis contiguous, which plain indexing does not give."""
    return np.take(array, index, axis=-1)


def largest(
    matrix: np.ndarray, start: np.ndarray | None = None, scale: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalue ``(P,)`` and its unit eigenvector ``(m, P)`` of ``matrix (m, m, P)`` (lower triangle).

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
        return _rayleigh(matrix, start, scale)
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


def _rayleigh(matrix: np.ndarray, start: np.ndarray | None, scale: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Rayleigh quotient iteration that ends only where ``theta I - matrix`` is positive definite just above the quotient.

    While it is not, the step is the better of inverse iteration and the direction in which the factorisation
    ``L D L^T = theta I - matrix`` met its first negative pivot: that one always raises the quotient above theta. Where
    inverse iteration does not, it heads for a lower eigenvalue, and the next theta halves what is left above.
    """
    m, _, size = matrix.shape
    high = matrix[0, 0].copy()
    for i in range(1, m):
        high += matrix[i, i]
    value, vector = high.copy(), np.zeros((m, size))
    vector[0] = 1.0
    active = np.flatnonzero(high > DEAD)
    if len(active) < size:
        matrix, high = pick(matrix, active), high[active]
        start = None if start is None else pick(start, active)
        scale = None if scale is None else scale[active]
    u = _guess(matrix) if start is None else start
    rho = _quotient(matrix, u)
    slack = _slack(rho, scale)
    theta = rho * (1 + slack)
    for _ in range(MAX_STEPS):
        lower, pivots = _factor(matrix, theta)
        x, rho = _inverse_iteration(lower, pivots, theta, u)
        first = _first_negative(pivots)
        definite = first == m
        high = np.where(definite, theta, high)
        done = definite & (theta <= rho * (1 + 2 * slack))
        value[active], vector[:, active] = rho, x
        go = np.flatnonzero(~done)
        if not len(go):
            break
        if len(go) < len(active):
            active, matrix, lower, pivots = active[go], pick(matrix, go), pick(lower, go), pick(pivots, go)
            theta, high, first, x, rho = theta[go], high[go], first[go], pick(x, go), rho[go]
            scale = None if scale is None else scale[go]
        lost = np.flatnonzero((first < m) & ~(rho > theta))
        if len(lost):
            x[:, lost], rho[lost] = _rising(pick(lower, lost), pick(pivots, lost), theta[lost], first[lost])
        slack = _slack(rho, scale)
        u, theta = x, rho * (1 + slack)
        theta[lost] = 0.5 * (rho[lost] + high[lost])
    return value, vector


def _slack(rho: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    """Fraction by which another eigenvalue may exceed ``rho``."""
    if scale is None:
        return np.full(len(rho), SLACK)
    return np.clip(0.4 * LOOSE * np.abs(np.log(rho * scale)), SLACK, 0.2)


def _guess(matrix: np.ndarray) -> np.ndarray:
    """The column of the largest diagonal element, normalised."""
    m, _, size = matrix.shape
    index = np.arange(size)
    column = np.argmax([matrix[i, i] for i in range(m)], axis=0)
    rows = np.arange(m)[:, None]
    u = matrix[np.maximum(rows, column), np.minimum(rows, column), index]
    u /= matrix[column, column, index]
    return u / np.sqrt(inner(u, u))


def _quotient(matrix: np.ndarray, u: np.ndarray) -> np.ndarray:
    """``u^T matrix u`` from the lower triangle, u of unit length."""
    total = np.zeros(matrix.shape[-1])
    for i in range(len(u)):
        row = 0.5 * matrix[i, i] * u[i]
        for j in range(i):
            row += matrix[i, j] * u[j]
        row *= 2 * u[i]
        total += row
    return total


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


def _first_negative(pivots: np.ndarray) -> np.ndarray:
    """Index of the first negative pivot, m where there is none."""
    m = len(pivots)
    first = np.full(pivots.shape[1], m)
    for j in range(m - 1, -1, -1):
        first[pivots[j] < 0] = j
    return first


def _rising(lower: np.ndarray, pivots: np.ndarray, theta: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vector along ``z``, ``L^T z = e_first``, and its Rayleigh quotient, which exceeds theta."""
    m, size = pivots.shape
    index = np.arange(size)
    z = np.zeros((m, size))
    z[first, index] = 1.0
    for j in range(m - 1, 0, -1):
        z[:j] -= np.where(j <= first, lower[j, :j] * z[j], 0.0)
    square = inner(z, z)
    return z / np.sqrt(square), theta - pivots[first, index] / square
