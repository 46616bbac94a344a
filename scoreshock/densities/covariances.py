"""Class means and covariances of a labelled table, chunk by chunk, and the largest eigenvalues of covariances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import NamedTuple

import numpy as np
from scipy.linalg.blas import dsymv
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from scoreshock.densities.mixtures import one_blas_thread
from scoreshock.densities.tables.rows import Rows

CHUNK = 2**21
"""Numbers of a chunk (16 MiB): what is derived from the table is never held for more of it at once."""

SHARES = 2
"""Parts of a table that are summed apart, whatever the number of processors, so that the sum is always the same."""

LANCZOS_FROM = 512
"""Size from which the largest eigenvalue alone is faster than all of them."""

RESIDUAL = 1e-8
"""Relative residual of an eigenvector; the error of its eigenvalue is its square over the relative gap to the next."""


class Classes(NamedTuple):
    """Means and mean squared deviations of the classes of a table, relative to its first row."""

    means: np.ndarray  # (k, d)
    weights: np.ndarray  # (k,)
    variances: np.ndarray  # (k,)
    covariances: Covariances


class Covariances(NamedTuple):
    """Products whose eigenvalues other than zero are those of the covariances: by feature, or by row of the table."""

    between: np.ndarray  # rows sqrt(w_k) (mu_k - m), (k, d)
    within: np.ndarray  # (d, d), or of the rows (x_i - mu_k)/sqrt(N), (N, N)
    mixed: np.ndarray | None  # products of the rows of between and within, (k, N), or None by feature

    def within_eigenvalue(self) -> float:
        """Largest eigenvalue of the within-class covariance."""
        return largest_eigenvalue(self.within)

    def total_eigenvalue(self, s: float, c: float) -> float:
        """Largest eigenvalue of ``s**2 Sigma_B + c Sigma_W``; NaN where c is not finite."""
        if not np.isfinite(c):
            return np.nan
        if self.mixed is None:
            return largest_eigenvalue(c * self.within if c != 1 else self.within, s * self.between)
        with one_blas_thread():
            cross, square = s * np.sqrt(c) * self.mixed, s**2 * (self.between @ self.between.T)
        return largest_eigenvalue(np.block([[square, cross], [cross.T, c * self.within]]))


def class_statistics(x: Rows, scale: np.ndarray, member: np.ndarray) -> Classes:
    """Statistics of the rows ``(x - x[0]) / scale`` of a table (N, d) by class ``member (N,)``.

    The covariances are held by feature where that is the smaller matrix, else by row.
    """
    count = np.bincount(member)
    rows = ScaledRows(x, scale, member)
    sums = np.zeros((len(count), x.shape[1]))
    for part in rows.parts():
        classes, total = _sum_by_class(rows.shifted(part), member[part])
        sums[classes] += total
    means, weights = sums / count[:, None], count / len(x)
    between = np.sqrt(weights)[:, None] * (means - weights @ means)
    by_feature = x.shape[1] <= len(count) + len(x)
    with one_blas_thread():
        within, squares, mixed = _by_feature(rows, means) if by_feature else _by_row(rows, means, between)
    variances = np.bincount(member, squares) / (count * x.shape[1])
    return Classes(means, weights, variances, Covariances(between, within, mixed))


class ScaledRows(NamedTuple):
    """A table whose rows are shifted and scaled as they are used."""

    x: Rows
    scale: np.ndarray
    member: np.ndarray

    def parts(self, first: int = 0, step: int = 1) -> Iterator[slice]:
        """Slices of rows, each a chunk: every ``step`` from the ``first``."""
        size = max(1, CHUNK // self.x.shape[1])
        for start in range(first * size, len(self.x), step * size):
            yield slice(start, start + size)

    def shifted(self, part: slice) -> np.ndarray:
        rows = np.subtract(self.x[part], self.x[0], dtype=float)
        rows /= self.scale
        return rows

    def residuals(self, part: slice, means: np.ndarray) -> np.ndarray:
        """Deviations from the means of the rows' own classes."""
        rows = self.shifted(part)
        rows -= means[self.member[part]]
        return rows


def _sum_by_class(rows: np.ndarray, member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes that occur, and the sums of their rows."""
    order = np.argsort(member, kind="stable")
    classes, first = np.unique(member[order], return_index=True)
    return classes, np.add.reduceat(rows[order], first, axis=0)


def _by_feature(rows: ScaledRows, means: np.ndarray) -> tuple[np.ndarray, np.ndarray, None]:
    """Within-class covariance (d, d) and squared lengths (N,) of the residuals."""
    n, d = rows.x.shape
    squares = np.empty(n)

    def share(first: int) -> np.ndarray:
        product = np.zeros((d, d))
        for part in rows.parts(first, SHARES):
            residuals = rows.residuals(part, means)
            squares[part] = np.einsum("nd,nd->n", residuals, residuals)
            product += residuals.T @ residuals
        return product

    return _in_threads(share, range(min(SHARES, -(-n // max(1, CHUNK // d))))) / n, squares, None


def _by_row(rows: ScaledRows, means: np.ndarray, between: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Products (N, N) of the residuals over N, their squared lengths (N,), and products with the rows of ``between``."""
    residuals = rows.residuals(slice(None), means)
    product = residuals @ residuals.T
    return product / len(residuals), np.diagonal(product), between @ residuals.T / np.sqrt(len(residuals))


def _in_threads(share: Callable[[int], np.ndarray], shares: Iterable[int]) -> np.ndarray:
    """Sum of the shares in their order, computed side by side."""
    with ThreadPoolExecutor(min(SHARES, cpu_count() or 1)) as pool:
        first, *others = pool.map(share, shares)
    for other in others:
        first += other
    return first


def largest_eigenvalue(matrix: np.ndarray, rows: np.ndarray | None = None) -> float:
    """Largest eigenvalue of a symmetric positive semidefinite matrix, plus ``rows' rows`` where there are rows.

    Examples
    --------
    >>> largest_eigenvalue(np.diag([1.0, 3.0, 2.0])), round(largest_eigenvalue(np.diag(np.arange(600.0))), 9)
    (3.0, 599.0)
    """
    rows = np.zeros((0, len(matrix))) if rows is None else rows
    with one_blas_thread():
        if len(matrix) < LANCZOS_FROM or not (matrix.any() or rows.any()):
            return float(np.linalg.eigvalsh(matrix + rows.T @ rows)[-1])
        # Half of the matrix is read: the product takes as long as that.
        product = LinearOperator(matrix.shape, lambda v: dsymv(1.0, matrix.T, v) + rows.T @ (rows @ v), dtype=float)
        start = np.random.default_rng(0).standard_normal(len(matrix))
        try:
            (value,) = eigsh(product, 1, which="LA", v0=start, ncv=32, tol=RESIDUAL, return_eigenvectors=False)
        except ArpackError:  # not converged
            return float(np.linalg.eigvalsh(matrix + rows.T @ rows)[-1])
        return float(value)
