"""Checks of a potential of one's own and of its derivatives, before anything is computed of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from scoreshock.checks import SHOWN, shortened, show
from scoreshock.kernels.wells.potentials import Function

PROBE = np.array([-1.0, -0.3, 0.4, 1.1, 2.0])
"""Places at which a function without an interval is tried."""


def probe(interval: tuple[float, float] | None) -> np.ndarray:
    """Places inside the interval, if any, at which functions are tried."""
    if interval is None:
        return PROBE
    return interval[0] + (interval[1] - interval[0]) * (PROBE + 1.5) / 4


def checked_function(name: str, function: Any, places: np.ndarray) -> Function:
    """The function, called with 1D arrays only, that refuses values which are not real; ``ValueError`` unless it is one.

    Examples
    --------
    >>> checked_function("potential", lambda x: 1j * x, PROBE)
    Traceback (most recent call last):
    ...
    ValueError: potential: returns complex128; allowed: float64, a real number for each place
    """
    if not callable(function):
        raise ValueError(f"{name} = {show(function)} is not allowed; allowed: a function of an array of places")

    def flat(y: np.ndarray) -> np.ndarray:
        values = np.asarray(function(np.ravel(y)))
        if values.dtype.kind not in "iuf" or values.dtype.itemsize < values.dtype.kind.count("f") * 8:
            raise ValueError(f"{name}: returns {values.dtype}; allowed: float64, a real number for each place")
        if values.shape != (np.size(y),):
            raise ValueError(f"{name}: returns shape {values.shape} for {np.size(y)} places; allowed: a number for each")
        return values.astype(float).reshape(np.shape(y))

    with np.errstate(all="ignore"):
        try:
            together = flat(places)
            apart = np.concatenate([flat(places[:2]), flat(places[2:])])
        except Exception as error:
            if isinstance(error, ValueError) and str(error).startswith(f"{name}: returns"):
                raise
            reason = f"{type(error).__name__}: {shortened(error, SHOWN)}"
            raise ValueError(f"{name}: fails for an array of places ({reason}); allowed: a function of an array") from error
    if not np.allclose(together, apart, rtol=1e-9, atol=1e-9, equal_nan=True):
        raise ValueError(f"{name}: its value at a place depends on the others; allowed: a function of each place alone")
    return flat


def checked_interval(interval: Any) -> tuple[float, float] | None:
    """Two finite numbers, the lower first, or None."""
    if interval is None:
        return None
    try:
        low, high = (_finite(end) for end in interval)
    except (TypeError, ValueError):
        low = high = 0.0
    if not low < high:
        raise ValueError(f"interval = {show(interval)} is not allowed; allowed: two finite numbers, the lower first")
    return low, high


def checked_split(split: Any, ends: tuple[float, float] | None) -> float | None:
    """A finite number between the ends, if any, or None."""
    if split is None:
        return None
    try:
        place = _finite(split)
    except (TypeError, ValueError):
        place = np.nan
    low, high = ends or (-np.inf, np.inf)
    if not low < place < high:
        where = f" between {low:g} and {high:g}" if ends else ""
        raise ValueError(f"split = {show(split)} is not allowed; allowed: a finite number{where}")
    return place


def _finite(value: Any) -> float:
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind not in "iuf" or not np.isfinite(array):
        raise ValueError("not a finite number")
    return float(array)
