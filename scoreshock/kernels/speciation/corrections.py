"""The correction series of the speciation time against the exact criterion."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import geometry
from scoreshock.kernels.speciation import criteria, roots, series


class Corrections(NamedTuple):
    """Corrected speciation times by order, and their error against the exact criterion; ``order`` last."""

    tau_order: np.ndarray
    order_status: np.ndarray
    error: np.ndarray
    error_relative: np.ndarray
    error_status: np.ndarray
    coefficient: np.ndarray
    smallest_term: np.ndarray
    covariance_coefficient: np.ndarray


def corrections(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, order: int) -> Corrections:
    """The series through each order, minus the largest root of the exact criterion.

    Means ``(..., k, n)``, weights ``(..., k)`` and variance ``(...)``; results ``(..., order + 1)``. The error is
    ``not_applicable`` where the exact root lies on another eigenvalue's branch.
    """
    spectrum = geometry.decompose(means, weights)
    found = series.corrections(spectrum, weights, variance, order)
    exact = roots.exact(means, weights, variance)
    same_branch = _on_leading_branch(spectrum.eigenvalues, exact.root_eigenmode, exact.n_roots)
    incomparable = np.where(exact.status != Status.ok, exact.status, np.where(same_branch, Status.ok, Status.not_applicable))
    incomparable = incomparable.astype(np.int8)[..., None]
    comparable = incomparable == Status.ok
    # A value that stands beside a flag, such as a time below the data variance, can be compared all the same.
    known = ~np.isnan(found.tau)
    error = np.where(known & comparable, found.tau - exact.tau_star[..., None], np.nan)
    relative = error / (variance / 2 + exact.tau_star)[..., None]
    status = np.where(comparable, np.where(known, np.int8(Status.ok), found.status), incomparable)
    coefficient = criteria.correction_coefficient(spectrum, weights)
    return Corrections(found.tau, found.status, error, relative, status, found.coefficient, found.smallest_term, coefficient)


def _on_leading_branch(eigenvalues: np.ndarray, mode: np.ndarray, n_roots: np.ndarray) -> np.ndarray:
    """Whether the largest root's direction belongs to the eigenspace of the largest eigenvalue."""
    last = np.maximum(np.minimum(n_roots, mode.shape[-1]) - 1, 0)[..., None]
    index = np.maximum(np.take_along_axis(mode, last, axis=-1), 0)
    spread = np.broadcast_to(eigenvalues, (*mode.shape[:-1], eigenvalues.shape[-1]))
    own = np.take_along_axis(spread, index.astype(np.intp), axis=-1)[..., 0]
    return own >= eigenvalues[..., 0] * (1 - geometry.DEGENERATE)
