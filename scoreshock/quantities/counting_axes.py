"""Axes of indices: their coordinates, and the status of unused positions."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status, attributes


def counted(dataset: xr.Dataset, *dims: str) -> dict[str, tuple[str, np.ndarray, dict[str, object]]]:
    """Coordinates 0, 1, ... of dimensions of indices."""
    return {dim: (dim, np.arange(dataset.sizes[dim]), attributes(dim)) for dim in dims}


def status_of_places(values: np.ndarray, status: np.ndarray, empty: Status) -> np.ndarray:
    """``ok`` where ``values (..., m)`` exist; else the ``status (...)`` of their point, or ``empty`` where that is ``ok``.

    Examples
    --------
    >>> status_of_places(np.array([0.5, np.nan]), np.array(Status.ok), Status.no_transition).tolist()
    [0, 1]
    """
    reason = np.where(status == Status.ok, np.int8(empty), status)[..., None]
    return np.where(np.isnan(values), reason, np.int8(Status.ok)).astype(np.int8)
