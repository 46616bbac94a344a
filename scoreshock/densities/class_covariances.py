"""Covariances of the classes of a labelled table: their own or a shared one, whole or along the leading directions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.blas import dsymv
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from scoreshock.checks import one_of, show, whole
from scoreshock.densities.covariances import CHUNK, LANCZOS_FROM, RESIDUAL, Classes
from scoreshock.densities.mixtures import Span, one_blas_thread, span
from scoreshock.densities.tables.rows import Rows

KINDS = {
    "isotropic": "one variance",
    "spherical": "one variance for each class",
    "shared-diagonal": "a variance for each feature",
    "diagonal": "a variance for each feature and class",
    "shared": "one matrix",
    "full": "a matrix for each class",
}
"""Covariances of a table's classes, from the fewest numbers to the most."""

ALIASES = {"tied": "shared", "diag": "diagonal", "tied-diag": "shared-diagonal"}
"""Names that scikit-learn and others give to `KINDS`."""

MATRICES = ("shared", "full")

WHOLE_FEATURES = 256
"""Most features for which all directions of a covariance are kept by default (ours)."""

DEFAULT_RANK = 32
"""Directions that are kept of larger covariances by default (ours)."""

INSIDE = 1e-10
"""Length outside of a span, of a unit vector that counts as inside."""


class Fit(NamedTuple):
    """Covariances in the data's own coordinates; a leading k where each class has its own, directions None for the axes."""

    variance: np.ndarray  # (k,) or ()
    eigenvalues: np.ndarray | None = None  # (k, r) or (r,)
    directions: np.ndarray | None = None  # (k, r, d) or (r, d)


def kind_of(covariance: Any) -> str:
    """The name in `KINDS` of a kind of covariances."""
    name = ALIASES.get(covariance, covariance) if isinstance(covariance, str) else covariance
    return one_of("covariance", name, KINDS)


def rank_of(kind: str, rank: Any, count: np.ndarray, d: int) -> int:
    """Number of directions kept of a table with ``count`` samples a class and ``d`` features, checked.

    All d, where there are samples for them; else fewer than the samples span, so that the other directions have a variance.
    """
    if kind not in MATRICES:
        if rank is not None:
            raise ValueError(f"rank = {show(rank)} beside covariance = {kind!r}; allowed: with {' or '.join(MATRICES)} only")
        return 0
    # The rank of the deviations from the means: of all classes together, or of the smallest class.
    samples = int(count.sum() - len(count) if kind == "shared" else count.min() - 1)
    most = d if samples >= d else samples - 1
    if most < 1:
        fewest = f"the smallest class has {int(count.min())}" if kind == "full" else f"there are {int(count.sum())}"
        raise ValueError(f"covariance = {kind!r} needs more samples: {fewest}; allowed: another covariance, or more samples")
    if rank is not None:
        return whole("rank", rank, 1, most)
    return d if most == d <= WHOLE_FEATURES else min(DEFAULT_RANK, most)


def fit(kind: str, rank: int, x: Rows, scale: np.ndarray, member: np.ndarray, classes: Classes) -> Fit:
    """Covariances of the classes ``member (N,)`` of the rows ``(x - x[0])/scale`` of a table (N, d), divided by N.

    Of matrices the ``rank`` largest eigenvalues with their directions; the variance of all others is the mean of the rest
    (probabilistic principal components, Tipping and Bishop 1999). The table is read in slices, once for each class, and no
    matrix is formed that is larger than a class of it.
    """
    shares, d = classes.weights, x.shape[1]
    table = _Table(x, scale, member, classes.means)
    with one_blas_thread():
        if kind == "spherical":
            return Fit(classes.variances)
        if kind == "shared":
            return _shared(rank, table, classes)
        if kind == "full":
            parts = [_leading(table, j, rank) for j in range(len(shares))]
            eigenvalues, directions = (np.stack(each) for each in zip(*parts, strict=True))
            return Fit(_rest(classes.variances * d, eigenvalues, d), eigenvalues, directions)
        own = np.stack([_squares(table, j) for j in range(len(shares))])
        return Fit(np.asarray(0.0), np.cumsum(shares[:, None] * own, axis=0)[-1] if kind == "shared-diagonal" else own)


class _Table(NamedTuple):
    """A table of rows, shifted and scaled as they are used; ``x`` need have slices of rows only."""

    x: Rows
    scale: np.ndarray
    member: np.ndarray
    means: np.ndarray

    def of_class(self, j: int) -> Iterator[np.ndarray]:
        """The rows x_i - mu_j of a class, in chunks."""
        size = max(1, CHUNK // self.x.shape[1])
        for start in range(0, len(self.member), size):
            where = np.flatnonzero(self.member[start : start + size] == j)
            if where.size:
                yield self._residuals(self.x[start : start + size][where], self.means[j])

    def residuals(self) -> np.ndarray:
        """All rows x_i - mu_k(i)."""
        return self._residuals(self.x[:], self.means[self.member])

    def _residuals(self, rows: np.ndarray, means: np.ndarray) -> np.ndarray:
        shifted = np.subtract(rows, self.x[0], dtype=float)
        shifted /= self.scale
        shifted -= means
        return shifted


def _shared(rank: int, table: _Table, classes: Classes) -> Fit:
    within, d = classes.covariances.within, table.x.shape[1]
    total = float(classes.weights @ classes.variances) * d
    if classes.covariances.mixed is None:  # by feature
        eigenvalues, directions = eigenpairs(within, rank)
    else:
        eigenvalues, directions = eigenpairs_of_rows(within, table.residuals(), rank)
    return Fit(_rest(np.asarray(total), eigenvalues, d), eigenvalues, directions)


def _leading(table: _Table, j: int, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues of a class's covariance (rank,), and their directions (rank, d), by the smaller matrix."""
    count, d = np.count_nonzero(table.member == j), table.x.shape[1]
    if count < d:
        rows = np.concatenate(list(table.of_class(j)))
        return eigenpairs_of_rows(rows @ rows.T / count, rows, rank)
    product = np.zeros((d, d))
    for rows in table.of_class(j):
        product += rows.T @ rows
    return eigenpairs(product / count, rank)


def _squares(table: _Table, j: int) -> np.ndarray:
    """Variances of the features in a class, (d,)."""
    total = np.zeros(table.x.shape[1])
    for rows in table.of_class(j):
        total += (rows**2).sum(axis=0)
    return total / np.count_nonzero(table.member == j)


def eigenpairs_of_rows(products: np.ndarray, rows: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and directions from the products of rows; directions of no variance are any that complete the others."""
    eigenvalues, combinations = eigenpairs(products, rank)
    q, r = np.linalg.qr((combinations @ rows).T)
    return eigenvalues, (q * np.where(np.diagonal(r) < 0, -1.0, 1.0)).T


def eigenpairs(matrix: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalues (rank,) of a positive semidefinite matrix in falling order, and eigenvectors as rows."""
    n = len(matrix)
    if n < LANCZOS_FROM or 8 * rank > n or not matrix.any():
        values, vectors = eigh(matrix, subset_by_index=(n - rank, n - 1))
    else:
        # Half of the matrix is read: the product takes as long as that.
        product = LinearOperator(matrix.shape, lambda v: dsymv(1.0, matrix.T, v), dtype=float)
        start = np.random.default_rng(0).standard_normal(n)
        try:
            values, vectors = eigsh(product, rank, which="LA", v0=start, ncv=2 * rank + 32, tol=RESIDUAL)
        except ArpackError:  # not converged
            values, vectors = eigh(matrix, subset_by_index=(n - rank, n - 1))
    return np.maximum(values, 0.0)[::-1], vectors.T[::-1]


def _rest(trace: np.ndarray, eigenvalues: np.ndarray, d: int) -> np.ndarray:
    """Mean variance in the directions that are not kept; what is below the rounding of the trace is 0."""
    r = eigenvalues.shape[-1]
    if r == d:
        return np.asarray(0.0)
    left = trace - eigenvalues.sum(axis=-1)
    return np.where(left > d * np.finfo(float).eps * trace, left, 0.0) / (d - r)


def joint_span(means: np.ndarray, weights: np.ndarray, directions: np.ndarray | None) -> Span | None:
    """Exact isometry of means (k, d) and unit vectors (m, d) to their common span; None where that is the whole space.

    The first features are those of the means' own span.
    """
    inner = span(means, weights)
    if directions is None:
        return inner
    d = means.shape[1]
    if len(inner.basis) >= d:
        return None
    with one_blas_thread():
        outside = directions
        for _ in range(2):  # once more, for what the first pass leaves of directions that are nearly inside
            outside = outside - (outside @ inner.basis.T) @ inner.basis
        _, lengths, further = np.linalg.svd(outside, full_matrices=False)
    further = further[lengths > INSIDE]
    if len(inner.basis) + len(further) >= d:
        return None
    padding = np.zeros((len(means), len(further)))
    return Span(np.concatenate([inner.means, padding], axis=1), np.concatenate([inner.basis, further]), inner.origin)
