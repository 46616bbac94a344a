"""Statuses of values that fill a part of an axis."""

from __future__ import annotations

import numpy as np

from scoreshock.conventions import Status


def status_of_each(values: np.ndarray, status: np.ndarray, empty: Status) -> np.ndarray:
    """Status of each of ``values (..., m)``: ``ok``, and beside NaN the ``status (...)``, or ``empty`` where that is ``ok``.

    Examples
    --------
    >>> status_of_each(np.array([0.5, np.nan]), np.array(Status.ok), Status.no_transition).tolist()
    [0, 1]
    """
    reason = np.where(status == Status.ok, np.int8(empty), status)[..., None]
    return np.where(np.isnan(values), reason, np.int8(Status.ok)).astype(np.int8)
