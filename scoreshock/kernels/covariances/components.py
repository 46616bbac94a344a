"""Gaussian components with covariances of any structure: isotropic, diagonal, full, low rank plus floor; shared or own.

A covariance is given by what varies along each direction, so that nothing of size n x n is formed: with orthonormal
directions ``u_kr``, ``S_k = variance_k I + sum_r (eigenvalue_kr - variance_k) u_kr u_kr'``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.numerics.blocks import total


class Components(NamedTuple):
    """Means, weights and covariances; leading dimensions broadcast. One shared covariance has axes of length 1 for k."""

    means: np.ndarray  # (..., k, n)
    weights: np.ndarray  # (..., k)
    variance: np.ndarray  # (..., k or 1), along every direction that is not listed
    eigenvalues: np.ndarray | None  # (..., k or 1, r), along each listed direction
    directions: np.ndarray | None  # (..., k or 1, r, n), orthonormal rows; None beside eigenvalues: the features' axes

    @property
    def lead(self) -> tuple[int, ...]:
        """Leading shape of all fields together."""
        shapes = (a.shape[: a.ndim - core] for a, core in zip(self, CORES, strict=True) if a is not None)
        return np.broadcast_shapes(*shapes)

    def flat(self) -> Components:
        """The same with one leading dimension."""
        lead = self.lead
        full = (
            None if a is None else np.broadcast_to(a, lead + a.shape[a.ndim - core :]).reshape(-1, *a.shape[a.ndim - core :])
            for a, core in zip(self, CORES, strict=True)
        )
        return Components(*full)  # type: ignore[arg-type]

    def take(self, index: Any) -> Components:
        """Some of the mixtures along the one leading dimension."""
        return Components(*(None if a is None else a[index] for a in self))  # type: ignore[arg-type]

    @property
    def complete(self) -> bool:
        """Whether the listed directions span all features, so that no variance remains for others."""
        return self.eigenvalues is not None and self.eigenvalues.shape[-1] == self.means.shape[-1]


CORES = (2, 1, 1, 2, 3)
"""Core dimensions of the fields of `Components`."""


class Outcome(NamedTuple):
    """Diffusion times and their ``Status``, (...) each."""

    tau: np.ndarray
    status: np.ndarray


def components(means: Any, weights: Any, variance: Any, eigenvalues: Any = None, directions: Any = None) -> Components:
    """Components as float64 arrays.

    Parameters
    ----------
    means : array (..., k, n)
    weights : array (..., k)
        Positive, summing to one.
    variance : array (..., k), (..., 1) or ()
        Variance along every direction that is not listed, >= 0; a single one holds for all components.
    eigenvalues : array (..., k or 1, r), optional
        Variance along each listed direction, >= 0.
    directions : array (..., k or 1, r, n), optional
        Orthonormal rows. Without them the eigenvalues are those along the features (r = n): a diagonal covariance.

    Returns
    -------
    Components

    Raises
    ------
    ValueError
        Where shapes do not fit.

    Examples
    --------
    >>> components([[-1.0, 0.0], [1.0, 0.0]], [0.5, 0.5], 0.0, [[1.0, 4.0]]).lead
    ()
    """
    mu, w, v = (np.asarray(a, dtype=float) for a in (means, weights, variance))
    along, rows = (None if a is None else np.asarray(a, dtype=float) for a in (eigenvalues, directions))
    c = Components(mu, w, v.reshape(1) if v.ndim == 0 else v, along, rows)
    k, n = mu.shape[-2:]
    r = n if along is None or rows is None else along.shape[-1]
    owners = [c.variance.shape[-1]]
    owners += [] if along is None else [along.shape[-2]]
    owners += [] if rows is None else [rows.shape[-3]]
    fits = w.shape[-1] == k and set(owners) <= {1, k} and (along is None or along.shape[-1] == r <= n)
    fits &= rows is None or (along is not None and rows.shape[-2:] == (r, n))
    if not fits:
        shapes = [a.shape for a in c if a is not None]
        raise ValueError(f"components: shapes {shapes} do not fit; allowed: (..., k, n), (..., k), (..., k or 1) and so on")
    _ = c.lead
    return c


def is_shared(c: Components) -> bool:
    """Whether all components have one covariance, by the lengths of the axes.

    Examples
    --------
    >>> [is_shared(components([[-1.0], [1.0]], [0.5, 0.5], variance)) for variance in (1.0, [1.0, 1.0])]
    [True, False]
    """
    along, rows = c.eigenvalues, c.directions
    own = (c.variance.shape[-1], 1 if along is None else along.shape[-2], 1 if rows is None else rows.shape[-3])
    return max(own) == 1


def weighted_mean(c: Components) -> np.ndarray:
    """Mean of the whole mixture, (..., n), relative to the first mean, so that symmetric ones keep all digits.

    Examples
    --------
    >>> weighted_mean(components([[-1.0], [1.0]], [0.25, 0.75], 1.0)).tolist()
    [0.5]
    """
    steps = np.moveaxis(c.weights[..., None] * (c.means - c.means[..., :1, :]), -2, 0)
    return c.means[..., 0, :] + total(np.ascontiguousarray(steps))


def covariance(c: Components) -> np.ndarray:
    """Covariances as matrices, (..., k or 1, n, n).

    Examples
    --------
    >>> covariance(components([[0.0, 0.0]], [1.0], 1.0, [[4.0]], [[[0.0, 1.0]]]))[0].tolist()
    [[1.0, 0.0], [0.0, 4.0]]
    """
    n = c.means.shape[-1]
    unit = np.eye(n)
    if c.eigenvalues is None:
        return c.variance[..., None, None] * unit
    if c.directions is None:
        return c.eigenvalues[..., None] * unit
    u, floor = c.directions, c.variance[..., None, None]
    if c.complete:
        return np.swapaxes(u, -1, -2) @ (c.eigenvalues[..., None] * u)
    return floor * unit + np.swapaxes(u, -1, -2) @ ((c.eigenvalues - c.variance[..., None])[..., None] * u)


def from_covariances(means: Any, weights: Any, covariances: Any) -> Components:
    """Components of covariance matrices ``(..., k or 1, n, n)``, symmetric and positive semidefinite.

    Eigenvalues that rounding makes negative are zero.

    Examples
    --------
    >>> from_covariances([[0.0, 0.0]], [1.0], [[[2.0, 1.0], [1.0, 2.0]]]).eigenvalues.round(12).tolist()
    [[1.0, 3.0]]
    """
    values, vectors = np.linalg.eigh(np.asarray(covariances, dtype=float))
    return components(means, weights, 0.0, np.maximum(values, 0.0), np.swapaxes(vectors, -1, -2))


def is_finite(c: Components) -> np.ndarray:
    """Whether all numbers of a mixture are finite, (...).

    Examples
    --------
    >>> is_finite(components([[0.0], [np.inf]], [0.5, 0.5], 1.0)).item()
    False
    """
    parts = [np.isfinite(a).all(axis=tuple(range(-core, 0))) for a, core in zip(c, CORES, strict=True) if a is not None]
    return np.broadcast_to(np.logical_and.reduce(np.broadcast_arrays(*parts)), c.lead)


def spread_over(c: Components, lead: tuple[int, ...]) -> Components:
    """The mixtures of a larger leading shape, with one leading dimension.

    Examples
    --------
    >>> spread_over(components([[0.0]], [1.0], 1.0), (2, 3)).lead
    (6,)
    """
    return c._replace(weights=np.broadcast_to(c.weights, (*lead, c.weights.shape[-1]))).flat()
