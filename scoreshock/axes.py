"""Axes as written in a study or given to a function, and the labelled arrays that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import check_axis

CORE = ("component", "feature")
"""Dimensions of one mixture; every other dimension is a sweep."""


def values(spec: Mapping[str, Any]) -> np.ndarray:
    """Values of an axis: ``{"values": [...]}`` or ``{"start", "stop", "num", "scale": "linear" | "log"}``, ends included."""
    if "values" in spec:
        return np.asarray(spec["values"])
    spaced = np.geomspace if spec.get("scale", "linear") == "log" else np.linspace
    return spaced(float(spec["start"]), float(spec["stop"]), int(spec["num"]))


def size(spec: Mapping[str, Any]) -> int:
    """Number of values of an axis, without making them."""
    return len(spec["values"]) if "values" in spec else int(spec["num"])


def as_axis(name: str, value: Any) -> xr.DataArray:
    """A sweep argument as a checked DataArray: a 1D array becomes the dimension ``name`` with its values as coordinate.

    ``name`` is one of ``conventions.AXES``, which says what is allowed; a number gets no dimension,
    a DataArray keeps its own.
    """
    if isinstance(value, xr.DataArray):
        array = value.copy(data=check_axis(name, value.values))
        refused = [dim for dim in CORE if dim in array.dims]
        if refused:
            raise ValueError(f"{name} has the dimension {refused[0]!r}; allowed: sweep dimensions (one value for a mixture)")
        own = array.dims == (name,) and name not in array.coords
        return array.assign_coords({name: _distinct(name, array.values)}) if own else array
    values = check_axis(name, value)
    if values.ndim > 1:
        raise ValueError(
            f"{name} has {values.ndim} dimensions; allowed: a number, a 1D array, or a DataArray with named dims"
        )
    return xr.DataArray(values, {name: _distinct(name, values)} if values.ndim else None)


def _distinct(name: str, values: np.ndarray) -> np.ndarray:
    """``values``, which label an axis: at least one, none twice."""
    if values.size == 0:
        raise ValueError(f"{name} is empty; allowed: at least one value")
    ordered = np.sort(values)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if again.size:
        raise ValueError(f"{name} has the value {again[0]!s} more than once; allowed: distinct values")
    return values
