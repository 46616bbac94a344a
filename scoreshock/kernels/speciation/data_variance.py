"""Roots in the variance v as diffusion times, those above the data variance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status


class AboveDataVariance(NamedTuple):
    """Roots above the data variance; (...) is the leading shape of all arguments together."""

    tau_star: np.ndarray  # (...) of the largest root, above the data variance or not; NaN without any
    status: np.ndarray  # (...)
    n_roots: np.ndarray  # (...) above the data variance
    roots: np.ndarray  # (..., places) ascending, NaN where there is none
    tau_root: np.ndarray  # (..., places)
    root_status: np.ndarray  # (..., places)
    root_truncated: np.ndarray  # (...)
    kept: np.ndarray  # (..., places) of each root kept, among all


def above_data_variance(
    v: np.ndarray, equal: np.ndarray, failed: np.ndarray, variance: np.ndarray, places: int
) -> AboveDataVariance:
    """Cut the roots ``v (..., R)``, ascending and NaN-padded, at ``variance (...)``; at most ``places`` stay, the largest.

    ``equal (...)``: there is nothing to separate; ``failed (...)``: the input is not finite, as where the variance is NaN.

    Examples
    --------
    >>> found = above_data_variance(np.array([[0.5, 2.0, 3.0]]), np.array(False), np.array(False), np.array([1.0]), 3)
    >>> found.tau_star.tolist(), found.tau_root.tolist()
    ([1.0], [[0.5, 1.0, nan]])
    """
    shape = np.broadcast_shapes(v.shape[:-1], equal.shape, failed.shape, variance.shape)
    failed = np.broadcast_to(failed | np.isnan(variance), shape)
    total = np.where(failed, 0, np.count_nonzero(v == v, axis=-1))
    below = np.where(failed, 0, np.count_nonzero(v <= variance[..., None], axis=-1))
    n_roots = (total - below).astype(np.int64)
    status = np.where(n_roots > 0, np.int8(Status.ok), np.int8(Status.below_data_variance))
    status = np.where(total == 0, np.int8(Status.no_real_root), status)
    status = np.where(equal, np.int8(Status.no_transition), status)
    status = np.where(failed, np.int8(Status.failed), status)
    index = np.maximum(below, total - places)[..., None] + np.arange(places)
    exists = index < total[..., None]
    index = np.minimum(index, v.shape[-1] - 1)
    v = np.broadcast_to(v, (*shape, v.shape[-1]))
    roots = np.where(exists, np.take_along_axis(v, index, axis=-1), np.nan)
    top = np.take_along_axis(v, np.maximum(total - 1, 0)[..., None], axis=-1)[..., 0]
    empty = np.where(status == Status.ok, np.int8(Status.no_real_root), status)[..., None]
    return AboveDataVariance(
        tau_star=np.where(total > 0, (top - variance) / 2, np.nan),
        status=status,
        n_roots=n_roots,
        roots=roots,
        tau_root=(roots - variance[..., None]) / 2,
        root_status=np.where(exists, np.int8(Status.ok), empty).astype(np.int8),
        root_truncated=n_roots > places,
        kept=index,
    )
